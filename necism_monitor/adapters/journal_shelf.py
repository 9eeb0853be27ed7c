"""Where journals lie, and what was read of them: one directory a resource, one file a run.

State files: STATE_DIR/runs/SERVICE/RESOURCE/<utc>-<id>.jsonl.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from necism_monitor.adapters.journal_cache import FileCache
from necism_monitor.adapters.journal_file import read_header, read_run
from necism_monitor.adapters.standstill import MISSING, Mark, mark_of
from necism_monitor.domain.errors import JournalDamaged
from necism_monitor.domain.memory import tells_all
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import ResourceId
from necism_monitor.domain.record import Header, RunFile

DEPTH: Final = 20
"""How many runs that changed something a resource's memory reaches back."""
REACH: Final = 200
"""How many runs of any kind: those that changed nothing must not make it endless."""
RUNS_KEPT: Final = 512
"""How many parsed runs a process that lives long keeps."""
HEADERS_KEPT: Final = 50_000
"""Of how many runs it keeps the head: a daily run of a hundred resources for more than a year."""
SUFFIX: Final = ".jsonl"
_NEXT: Final = 1e-6
"""Seconds: the smallest difference that names tell."""


class Shelf:
    """The journals below one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self.runs_dir = state_dir / "runs"
        self._runs = FileCache(read_run, RUNS_KEPT)
        self._headers = FileCache(read_header, HEADERS_KEPT)
        self._newest: dict[str, tuple[Mark, str]] = {}

    def directory(self, resource_id: str) -> Path:
        """Where the runs of a resource lie."""
        return self.runs_dir / resource_id

    def paths(self, resource_id: str, since: float | None = None) -> list[Path]:
        """The files of a resource, oldest first: their names begin with their time.  Raises JournalDamaged.

        With `since`, in seconds since the epoch, those only that began then or later, and those whose names do not
        tell.
        """
        first = "" if since is None else name_stamp(since)
        names = [name for name in _names(self.directory(resource_id)) if name.endswith(SUFFIX) and name >= first]
        return [self.directory(resource_id) / name for name in sorted(names)]

    def new_path(self, resource_id: str, run_id: str, at: float) -> Path:
        """Where a run that begins at `at` is to be written: after every other one, by its name.

        A clock that was put back must not hide it behind older runs: which one is open is asked of the newest.
        Raises JournalDamaged.
        """
        times = (named_time(path) for path in self.paths(resource_id))
        newest = max((time for time in times if time is not None), default=at - _NEXT)
        return self.directory(resource_id) / f"{name_stamp(max(at, newest + _NEXT))}-{run_id}{SUFFIX}"

    def resources(self) -> list[ResourceId]:
        """Every resource that has a directory, also those that no configuration names any more.

        Raises JournalDamaged where nobody can tell.
        """
        services = [self.runs_dir / name for name in _directories(self.runs_dir)]
        return [ResourceId(f"{service.name}/{name}") for service in services for name in _directories(service)]

    def written(self, resource_id: str | None = None) -> list[tuple[float, Path]]:
        """Every file of a resource, or of all of them, with its own time, in seconds since the epoch.

        Raises JournalDamaged where nobody can tell what files a resource has; of all of them, those that can be seen.
        """
        paths = self.runs_dir.glob(f"*/*/*{SUFFIX}") if resource_id is None else self.paths(resource_id)
        files = ((modified(path), path) for path in paths)
        return [(at, path) for at, path in files if at is not None]

    def mark(self, resource_id: str) -> Mark | None:
        """Changes with the files of a resource: names come and go with its directory, lines with the newest file.

        None where that cannot be told.  Nobody writes to an older file: a run is the newest one as long as it is open.
        """
        place, now = f"{self.runs_dir}/{resource_id}", time.time()
        names = mark_of(place, now)
        if not names:
            return names
        known = self._newest.get(place)
        if known is None or known[0] != names:
            known = self._newest[place] = (names, _newest(place))
        lines = mark_of(f"{place}/{known[1]}", now) if known[1] else MISSING
        return None if lines is None else names + lines

    def run(self, path: Path) -> RunFile | None:
        """The run of a file; None where none is in it.  Raises JournalDamaged."""
        return self._runs.get(path)

    def header(self, path: Path) -> Header | None:
        """The head of a file; None where none is in it.  Raises JournalDamaged."""
        return self._headers.get(path)

    def recent(self, resource: Resource) -> list[tuple[Path, RunFile]]:
        """The runs that still matter, newest first: back to a verified success that names every LV.

        Raises JournalDamaged.
        """
        found: list[tuple[Path, RunFile]] = []
        lvs, changed = [pair.lv for pair in resource.pairs], 0
        for path in self.paths(resource.id)[: -REACH - 1 : -1]:
            run = self.run(path)
            if run is None:
                continue
            found.append((path, run))
            changed += run.run().changed
            if changed == DEPTH or tells_all(run, lvs):
                break
        return found


def _newest(place: str) -> str:
    """The name of the newest run's file; nothing where there is none, or where nobody can tell."""
    try:
        return max((name for name in _names(Path(place)) if name.endswith(SUFFIX)), default="")
    except JournalDamaged:
        return ""


def name_stamp(at: float) -> str:
    """How the name of a run's file begins; such names sort as their times do."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def named_time(path: Path) -> float | None:
    """The time that a file's name tells, in seconds since the epoch; None where it tells none."""
    try:
        return datetime.fromisoformat(path.name.partition("-")[0]).timestamp()
    except ValueError:
        return None


def modified(path: Path) -> float | None:
    """When a file was last written, in seconds since the epoch; None where it was pruned meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _names(directory: Path) -> list[str]:
    """Nothing only where nothing was written; a file in the place of a directory hides what was."""
    try:
        return os.listdir(directory)  # noqa: PTH208 - names are all that is wanted, of thousands of files
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _closed(directory, error) from error


def _directories(directory: Path) -> list[str]:
    """The names in it that may be directories: files that people left there are none of ours."""
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if not entry.is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _closed(directory, error) from error


def _closed(directory: Path, error: OSError) -> JournalDamaged:
    return JournalDamaged(f"{directory} cannot be read: {error.strerror}", "check its owner and mode")
