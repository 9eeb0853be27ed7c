"""The journal of all runs: where files lie, which run is open, and what is remembered of a resource.

    STATE_DIR/runs/SERVICE/RESOURCE/<utc>-<id>.jsonl
    STATE_DIR/refusals.jsonl

Reading takes no lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from necism_monitor.adapters.atomic_file import MODE, make_directory
from necism_monitor.adapters.journal_cache import FileCache
from necism_monitor.adapters.journal_damage import is_damaged, move_aside
from necism_monitor.adapters.journal_file import JournalWriter, read_run
from necism_monitor.adapters.owner import Owner, alive
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged
from necism_monitor.domain.history import History, OpenRun, RunState, Totals
from necism_monitor.domain.memory import Memory, changes_of, last_change, remember, tells_all
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import LdName, ResourceId
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Header, RunFile
from necism_monitor.domain.totals import RunCount, count_run, total

DEPTH: Final = 20
"""How many runs back a resource's memory reaches."""
RUNS_KEPT: Final = 512
"""How many parsed runs a process that lives long keeps."""
COUNTS_KEPT: Final = 50_000
"""Of how many runs it keeps what they add to the totals: a daily run of a hundred resources for more than a year."""
_TICK: Final = 1.0
"""Seconds."""


class Journal:
    """Reads and writes below one state directory."""

    def __init__(self, state_dir: Path, is_alive: Callable[[Owner], bool | None] = alive) -> None:
        self.state_dir, self._is_alive = state_dir, is_alive
        self._runs = FileCache(read_run, RUNS_KEPT)
        self._counts = FileCache(_count, COUNTS_KEPT)
        self._refused = FileCache(_read_refusals, 1)

    def histories(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, History | Unread]:
        """What is remembered of each resource; `Unread` where its journal is damaged."""
        return {resource.id: self.history(resource) for resource in resources}

    def history(self, resource: Resource) -> History | Unread:
        """What is remembered of one resource."""
        try:
            memory = remember(self._recent(resource))
        except JournalDamaged as error:
            return Unread("journal-unreadable", error.text, error.hint)
        return _history(memory, self._open_run(memory))

    def _recent(self, resource: Resource) -> list[RunFile]:
        """The runs that still matter, newest first: back to a verified success that names every LV."""
        found: list[RunFile] = []
        lvs = [pair.lv for pair in resource.pairs]
        for path in self._paths(resource.id)[: -DEPTH - 1 : -1]:
            run = self._runs.get(path)
            found += [run] if run else []
            if run and tells_all(run, lvs):
                break
        return found

    def runs(self, resource_id: str) -> list[RunFile | JournalDamaged]:
        """Every run of one resource, oldest first; a damaged file in its place."""
        found: list[RunFile | JournalDamaged] = []
        for path in self._paths(resource_id):
            try:
                run = self._runs.get(path)
            except JournalDamaged as error:
                found.append(error)
            else:
                found += [run] if run else []
        return found

    def totals(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, Totals | Unread]:
        """What all runs of each resource come to; `Unread` where one of its files is damaged."""
        found: dict[ResourceId, Totals | Unread] = {}
        for resource in resources:
            try:
                counts = [self._counts.get(path) for path in self._paths(resource.id)]
            except JournalDamaged as error:
                found[resource.id] = Unread("journal-unreadable", error.text, error.hint)
            else:
                found[resource.id] = total(count for count in counts if count)
        return found

    def refused(self, leaving_out: Collection[ResourceId] = ()) -> Mapping[str, int] | None:
        """How often each code was refused, but for the resources left out; None where nobody can tell."""
        try:
            records = self.refusals()
        except EnvironmentProblem:
            return None
        hidden = {str(one) for one in leaving_out}
        codes = [str(one.get("code")) for one in records if f"{one.get('service')}/{one.get('resource')}" not in hidden]
        return {code: codes.count(code) for code in dict.fromkeys(codes)}

    def last_change_at(self) -> float | None:
        """When the last CHANGE was journalled, in seconds since the epoch; a damaged file counts by its own time."""
        files = [(path.stat().st_mtime, path) for path in (self.state_dir / "runs").glob("*/*/*.jsonl")]
        latest: float | None = None
        for written, path in sorted(files, reverse=True):
            if latest is not None and written <= latest:
                break
            changed = self._changed_at(path, written)
            latest = max((at for at in (latest, changed) if at is not None), default=None)
        return latest

    def changes_since(self, at: float) -> Mapping[ResourceId, Mapping[LdName, float] | None]:
        """Per resource the base volumes changed at or after `at`; None where its journal is damaged."""
        found: dict[ResourceId, Mapping[LdName, float] | None] = {}
        for path in (self.state_dir / "runs").glob("*/*/*.jsonl"):
            resource = ResourceId(f"{path.parent.parent.name}/{path.parent.name}")
            # A file's own time may lag behind the clock that its lines tell by a tick of the kernel.
            if path.stat().st_mtime < at - _TICK or found.get(resource, {}) is None:
                continue
            try:
                run = self._runs.get(path)
            except JournalDamaged:
                found[resource] = None
                continue
            recent = {bv: when for bv, when in (changes_of(run) if run else {}).items() if when >= at}
            found[resource] = {**(found.get(resource) or {}), **recent}
        return found

    def _changed_at(self, path: Path, written: float) -> float | None:
        try:
            run = self._runs.get(path)
        except JournalDamaged:
            return written
        return last_change(run) if run else None

    def begin(self, header: Header, at: float) -> JournalWriter:
        """The file of a new run.  Raises EnvironmentProblem."""
        stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        directory = self._directory(f"{header.service}/{header.resource}")
        return JournalWriter.create(directory / f"{stamp}-{header.id}.jsonl")

    def reopen(self, resource: Resource) -> tuple[RunFile, JournalWriter] | None:
        """The newest run of a resource, to be continued; None where it has ended or there is none.

        Only for who holds the array's lock.  Raises JournalDamaged, EnvironmentProblem.
        """
        for path in reversed(self._paths(resource.id)):
            run = read_run(path)
            if run is not None:
                return None if run.run().result else (run, JournalWriter.reopen(path, run))
        return None

    def set_aside(self, resource: Resource) -> tuple[tuple[str, str], ...]:
        """Rename every damaged journal of a resource to `*.damaged`, never over another file; paths before and now.

        Only for who holds the array's lock.  Raises EnvironmentProblem, also for a file that may not be read: nobody
        knows then whether it is damaged.
        """
        return tuple((str(path), str(move_aside(path))) for path in self._paths(resource.id) if is_damaged(path))

    def refuse(self, record: Mapping[str, Any]) -> None:
        """Note a refusal; one line, one write."""
        path = self.state_dir / "refusals.jsonl"
        try:
            make_directory(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)
            try:
                _make_readable(descriptor)
                os.write(descriptor, json.dumps(record, separators=(",", ":")).encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            hint = "state_dir must be writable"
            raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}", hint) from error

    def refusals(self) -> list[dict[str, Any]]:
        """Every refusal noted, oldest first; a line that is none is left out."""
        try:
            return list(self._refused.get(self.state_dir / "refusals.jsonl"))
        except FileNotFoundError:
            return []
        except OSError as error:
            where = self.state_dir / "refusals.jsonl"
            raise EnvironmentProblem(f"{where} cannot be read: {error.strerror}", "check its owner and mode") from error

    def _directory(self, resource_id: str) -> Path:
        return self.state_dir / "runs" / resource_id

    def _paths(self, resource_id: str) -> list[Path]:
        """The files of a resource, oldest first: their names begin with their time."""
        try:
            return sorted(path for path in self._directory(resource_id).iterdir() if path.suffix == ".jsonl")
        except FileNotFoundError:
            return []
        except OSError as error:
            where = self._directory(resource_id)
            raise JournalDamaged(f"{where} cannot be read: {error.strerror}", "check its owner and mode") from error

    def _open_run(self, memory: Memory) -> OpenRun | None:
        """The newest run, if it has no end and began to change something or still has a living owner."""
        if memory.newest is None or memory.ended:
            return None
        lives = None if memory.left else self._is_alive(_owner(memory.owner))
        if lives is False or memory.left:
            return memory.open_run(RunState.UNFINISHED) if memory.changed else None
        return memory.open_run(RunState.RUNNING)


def _owner(record: Mapping[str, Any]) -> Owner:
    return Owner(str(record["host"]), str(record["boot_id"]), int(record["pid"]), int(record["start_ticks"]))


def _history(memory: Memory, open_run: OpenRun | None) -> History:
    return History(
        open_run=open_run,
        mixed=memory.mixed,
        last_run_at=memory.last_run_at,
        last_success_at=memory.last_success_at,
        access=memory.access,
        devices=memory.devices,
        home=memory.home,
        mark=memory.mark,
    )


def _make_readable(descriptor: int) -> None:
    """A strict umask of the one who acts must not blind the exporter; a file of somebody else's is theirs to open."""
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != MODE:
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, MODE)


def _count(path: Path) -> RunCount | None:
    run = read_run(path)
    return count_run(run) if run else None


def _read_refusals(path: Path) -> tuple[dict[str, Any], ...]:
    lines = path.read_text(errors="replace").splitlines()
    return tuple(record for line in lines if (record := _object(line)) is not None)


def _object(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
