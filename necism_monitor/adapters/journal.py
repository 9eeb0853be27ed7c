"""The journal of all runs: which run is open, what is remembered of a resource, and what all runs come to.

Reading takes no lock.  What only counters and the action need is loaded when they ask for it: a check starts every
minute, reads what is remembered, and asks for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from necism_monitor.adapters.journal_file import read_run
from necism_monitor.adapters.journal_shelf import Shelf
from necism_monitor.adapters.standstill import Standstill
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged, NecismError
from necism_monitor.domain.history import Activity, History, OpenRun, RunState, Totals
from necism_monitor.domain.memory import Memory, changes_of, last_change, remember
from necism_monitor.domain.model import Pair, Resource
from necism_monitor.domain.names import LdName, ResourceId
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Header, RunFile

if TYPE_CHECKING:
    from necism_monitor.adapters.journal_diary import DiaryKeeper
    from necism_monitor.adapters.journal_refusals import Refusals
    from necism_monitor.adapters.journal_tally import Tally
    from necism_monitor.adapters.journal_writer import JournalWriter
    from necism_monitor.adapters.owner import Owner
    from necism_monitor.domain.diary import Diary

_TICK: Final = 1.0
"""Seconds."""


class Journal:
    """Reads and writes below one state directory."""

    def __init__(self, state_dir: Path, is_alive: Callable[[Owner], bool | None] | None = None) -> None:
        self._is_alive = is_alive
        self._shelf = Shelf(state_dir)
        self._state_dir = state_dir
        self._memories: Standstill[str, tuple[tuple[Pair, ...], Memory]] = Standstill(self._shelf.mark)
        self._totals: Standstill[str, Totals] = Standstill(self._shelf.mark)
        self._changed: Standstill[str, float | None] = Standstill(self._shelf.mark)

    @cached_property
    def _tally(self) -> Tally:
        from necism_monitor.adapters.journal_tally import Tally  # noqa: PLC0415 - see the head of this module

        return Tally(self._shelf)

    @cached_property
    def _diary(self) -> DiaryKeeper:
        from necism_monitor.adapters.journal_diary import DiaryKeeper  # noqa: PLC0415 - as above

        return DiaryKeeper(self._shelf, self._refusals)

    @cached_property
    def _refusals(self) -> Refusals:
        from necism_monitor.adapters.journal_refusals import Refusals  # noqa: PLC0415 - as above

        return Refusals(self._state_dir)

    def histories(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, History | Unread]:
        """What is remembered of each resource; `Unread` where its journal is damaged."""
        return {resource.id: self.history(resource) for resource in resources}

    def history(self, resource: Resource) -> History | Unread:
        """What is remembered of one resource."""
        try:
            memory = self._memory(resource)
        except JournalDamaged as error:
            return Unread("journal-unreadable", error.text, error.hint)
        return _history(memory, self._open_run(memory))

    def runs(self, resource_id: str) -> list[RunFile | JournalDamaged]:
        """Every run of one resource, oldest first; a damaged file in its place."""
        found: list[RunFile | JournalDamaged] = []
        for path in self._shelf.paths(resource_id):
            try:
                run = self._shelf.run(path)
            except JournalDamaged as error:
                found.append(error)
            else:
                found += [run] if run else []
        return found

    def diary(self, resources: tuple[Resource, ...], now: float) -> Diary:
        """The open run, the last runs and refusals of each resource, for people; damaged files are named in it."""
        return self._diary.diary(resources, now)

    def totals(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, Totals | Unread]:
        """What all runs of each resource come to; `Unread` where one of its files is damaged."""
        found: dict[ResourceId, Totals | Unread] = {}
        for resource in resources:
            try:
                found[resource.id] = self._total(resource.id)
            except JournalDamaged as error:
                found[resource.id] = Unread("journal-unreadable", error.text, error.hint)
        return found

    def refused(self, leaving_out: Collection[ResourceId] = ()) -> Mapping[str, int] | None:
        """How often each code was refused, but for the resources left out; None where nobody can tell."""
        try:
            counts = self._refusals.counts()
        except EnvironmentProblem:
            return None
        hidden, found = {str(one) for one in leaving_out}, dict[str, int]()
        for (resource_id, code), number in counts.items():
            if resource_id not in hidden:
                found[code] = found.get(code, 0) + number
        return found

    def last_change_at(self) -> float | None:
        """When the last CHANGE was journalled, in seconds since the epoch; a damaged file counts by its own time."""
        changes = (self._changed.get(one, partial(self._last_change_of, one)) for one in self._resources())
        return max((at for at in changes if at is not None), default=None)

    def changes_since(self, at: float) -> Mapping[ResourceId, Mapping[LdName, float] | None]:
        """Per resource the base volumes changed at or after `at`; None where its journal is damaged."""
        found: dict[ResourceId, Mapping[LdName, float] | None] = {}
        for written, path in self._shelf.written():
            resource = ResourceId(f"{path.parent.parent.name}/{path.parent.name}")
            # A file's own time may lag behind the clock that its lines tell by a tick of the kernel.
            if written < at - _TICK or found.get(resource, {}) is None:
                continue
            try:
                run = self._shelf.run(path)
            except JournalDamaged:
                found[resource] = None
                continue
            recent = {bv: when for bv, when in (changes_of(run) if run else {}).items() if when >= at}
            found[resource] = {**(found.get(resource) or {}), **recent}
        return found

    def activity(self, resource: Resource, trigger: str, key: str | None, now: float) -> Activity | Unread:
        """What has been done lately, as far as it holds back automatic callers; `Unread` where a journal is damaged."""
        from necism_monitor.adapters.journal_activity import Lookback  # noqa: PLC0415 - as above

        try:
            return Lookback(self._tally, self._is_running).activity(resource.id, trigger, key, now)
        except JournalDamaged as error:
            return Unread("journal-unreadable", error.text, error.hint)

    def _memory(self, resource: Resource) -> Memory:
        def look() -> Memory:
            return remember(run for _, run in self._shelf.recent(resource))

        pairs, memory = self._memories.get(resource.id, lambda: (resource.pairs, look()))
        # How far back memory has to reach depends on the pairs.
        return memory if pairs is resource.pairs else look()

    def _total(self, resource_id: ResourceId) -> Totals:
        return self._totals.get(resource_id, lambda: self._tally.totals(resource_id))

    def _resources(self) -> list[ResourceId]:
        """Every resource that ever ran; none where nobody may look, which its history says."""
        try:
            return self._shelf.resources()
        except JournalDamaged:
            return []

    def _files(self, resource_id: ResourceId) -> list[tuple[float, Path]]:
        try:
            return self._shelf.written(resource_id)
        except JournalDamaged:
            return []

    def _last_change_of(self, resource_id: ResourceId) -> float | None:
        latest: float | None = None
        for written, path in sorted(self._files(resource_id), reverse=True):
            if latest is not None and written <= latest:
                break
            changed = self._changed_at(path, written)
            latest = max((at for at in (latest, changed) if at is not None), default=None)
        return latest

    def _changed_at(self, path: Path, written: float) -> float | None:
        try:
            run = self._shelf.run(path)
        except JournalDamaged:
            return written
        return last_change(run) if run else None

    def begin(self, header: Header, at: float) -> JournalWriter:
        """The file of a new run, the newest of its resource.  Raises EnvironmentProblem."""
        from necism_monitor.adapters.journal_writer import JournalWriter  # noqa: PLC0415 - as above

        try:
            path = self._shelf.new_path(f"{header.service}/{header.resource}", header.id, at)
        except JournalDamaged as error:
            raise EnvironmentProblem(error.text, error.hint) from error
        return JournalWriter.create(path)

    def reopen(self, resource: Resource) -> tuple[RunFile, JournalWriter] | None:
        """The newest run of a resource, to be continued; None where it has ended or there is none.

        Only for who holds the array's lock.  Raises JournalDamaged, EnvironmentProblem.
        """
        from necism_monitor.adapters.journal_writer import JournalWriter  # noqa: PLC0415 - as above

        for path in reversed(self._shelf.paths(resource.id)):
            run = read_run(path)
            if run is not None:
                return None if run.run().result else (run, JournalWriter.reopen(path, run))
        return None

    def set_aside(self, resource: Resource) -> tuple[tuple[str, str], ...]:
        """Rename every damaged journal of a resource to `*.damaged`, never over another file; paths before and now.

        Only for who holds the array's lock.  Raises EnvironmentProblem, before anything is renamed, also for a file
        that may not be read, because nobody knows then whether it is damaged, and for one of a later release.
        """
        from necism_monitor.adapters.journal_damage import is_damaged, move_aside  # noqa: PLC0415 - as above

        paths = [*self._shelf.paths(resource.id), self._tally.pruned_file(resource.id)]
        damaged = [path for path in paths if is_damaged(path)]
        return tuple((str(path), str(move_aside(path))) for path in damaged)

    def refuse(self, record: Mapping[str, Any]) -> None:
        """Note a refusal; one line, one write."""
        self._refusals.note(record)

    def refusals(self) -> list[dict[str, Any]]:
        """Every refusal that is still there, oldest first; a line that is none is left out."""
        return self._refusals.all()

    def prune(self, resource: Resource, now: float, keep: float) -> tuple[str, ...]:
        """Remove what is older than `keep` seconds: runs of a resource, and refusals; problems as sentences.

        Only for who holds the lock of the resource's array.  Totals, spent keys and counts of refusals are kept.
        """
        from necism_monitor.adapters.journal_prune import LEAST, prune_runs  # noqa: PLC0415 - as above

        before = now - max(keep, LEAST)
        removals = (lambda: prune_runs(self._tally, resource, before), lambda: self._refusals.prune(before))
        return tuple(sentence for remove in removals if (sentence := _told(remove)))

    def _open_run(self, memory: Memory) -> OpenRun | None:
        """The newest run, if it has no end and began to change something or still has a living owner."""
        if memory.newest is None or memory.ended:
            return None
        lives = None if memory.left else self._lives(memory.owner)
        if lives is False or memory.left:
            return memory.open_run(RunState.UNFINISHED) if memory.changed else None
        return memory.open_run(RunState.RUNNING)

    def _lives(self, record: Mapping[str, Any]) -> bool | None:
        from necism_monitor.adapters import owner  # noqa: PLC0415 - as above

        process = owner.Owner(
            str(record["host"]), str(record["boot_id"]), int(record["pid"]), int(record["start_ticks"])
        )
        return (self._is_alive or owner.alive)(process)

    def _is_running(self, run: RunFile) -> bool:
        open_run = self._open_run(remember([run]))
        return open_run is not None and open_run.state is RunState.RUNNING


def _history(memory: Memory, open_run: OpenRun | None) -> History:
    return History(
        open_run=open_run,
        mixed=memory.mixed,
        last_run_at=memory.last_run_at,
        last_success_at=memory.last_success_at,
        access=memory.access,
        devices=memory.devices,
        wwns=memory.wwns,
        home=memory.home,
        mark=memory.mark,
    )


def _told(remove: Callable[[], None]) -> str:
    """Do it; why it could not be done, or nothing."""
    try:
        remove()
    except OSError as error:
        return f"old journals cannot be removed: {error.filename or 'state_dir'}: {error.strerror}"
    except NecismError as error:
        return f"old journals are not removed: {error.text}"
    return ""
