"""The journal of all runs: where files lie, which run is open, and what is remembered of a resource.

    STATE_DIR/runs/SERVICE/RESOURCE/<utc>-<id>.jsonl
    STATE_DIR/refusals.jsonl

Reading takes no lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from necism_monitor.adapters.journal_file import JournalWriter, read_run
from necism_monitor.adapters.owner import Owner, alive
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged
from necism_monitor.domain.history import History, OpenRun, RunState
from necism_monitor.domain.memory import Memory, last_change, remember, tells_all
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import ResourceId
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Header, RunFile

DEPTH: Final = 20
"""How many runs back a resource's memory reaches."""


class Journal:
    """Reads and writes below one state directory."""

    def __init__(self, state_dir: Path, is_alive: Callable[[Owner], bool | None] = alive) -> None:
        self.state_dir, self._is_alive = state_dir, is_alive

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
            run = read_run(path)
            found += [run] if run else []
            if run and tells_all(run, lvs):
                break
        return found

    def runs(self, resource_id: str) -> list[RunFile | JournalDamaged]:
        """Every run of one resource, oldest first; a damaged file in its place."""
        found: list[RunFile | JournalDamaged] = []
        for path in self._paths(resource_id):
            try:
                run = read_run(path)
            except JournalDamaged as error:
                found.append(error)
            else:
                found += [run] if run else []
        return found

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

    def _changed_at(self, path: Path, written: float) -> float | None:
        try:
            run = read_run(path)
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

    def refuse(self, record: Mapping[str, Any]) -> None:
        """Note a refusal; one line, one write."""
        path = self.state_dir / "refusals.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                os.write(descriptor, json.dumps(record, separators=(",", ":")).encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            hint = "state_dir must be writable"
            raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}", hint) from error

    def refusals(self) -> list[dict[str, Any]]:
        """Every refusal noted, oldest first; a line that is none is left out."""
        try:
            lines = (self.state_dir / "refusals.jsonl").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            where = self.state_dir / "refusals.jsonl"
            raise EnvironmentProblem(f"{where} cannot be read: {error.strerror}", "check its owner and mode") from error
        return [record for line in lines if (record := _object(line)) is not None]

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
    )


def _object(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
