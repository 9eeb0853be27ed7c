"""What has been done lately, read from the journals: of old files only the names are looked at, or the first line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from necism_monitor.adapters.journal_shelf import modified, named_time
from necism_monitor.adapters.journal_tally import Tally
from necism_monitor.domain.activity import Deed, deed_of, is_of, key_mark, starts
from necism_monitor.domain.errors import JournalDamaged
from necism_monitor.domain.history import Activity
from necism_monitor.domain.model import DAY, HOUR
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.totals import Pruned


class Lookback:
    """Asks the shelf that is tallied; `is_running` tells of a run without end whether somebody may still be at it."""

    def __init__(self, tally: Tally, is_running: Callable[[RunFile], bool]) -> None:
        self._tally, self._shelf, self._is_running = tally, tally.shelf, is_running

    def activity(self, resource_id: str, trigger: str, key: str | None, now: float) -> Activity:
        """What holds back an automatic caller of a resource.  Raises JournalDamaged where nobody can tell."""
        return Activity(
            spent=key is not None and self._spent(resource_id, trigger, key),
            last_change_at=self._last_change_at(resource_id),
            daily=starts(self._deeds(resource_id, now - DAY), now, DAY),
            hourly=starts(self._everywhere(now - HOUR), now, HOUR),
        )

    def _spent(self, resource_id: str, trigger: str, key: str) -> bool:
        """Whether a run of that request began a CHANGE or is running, however long ago."""
        mark = key_mark(trigger, key)

        def ask(pruned: Pruned, paths: list[Path]) -> bool:
            return mark in pruned.keys or any(self._is_spent(path, trigger, key) for path in reversed(paths))

        return self._tally.steadily(resource_id, ask)

    def _is_spent(self, path: Path, trigger: str, key: str) -> bool:
        header = self._shelf.header(path)
        run = self._shelf.run(path) if header is not None and is_of(header, trigger, key) else None
        return run is not None and (run.run().changed or self._is_running(run))

    def _last_change_at(self, resource_id: str) -> float | None:
        for path in reversed(self._shelf.paths(resource_id)):
            run = self._shelf.run(path)
            if run is not None and run.run().changed:
                return run.lines[-1].at
        return None

    def _deeds(self, resource_id: str, since: float) -> Iterable[Deed]:
        runs = (self._shelf.run(path) for path in self._shelf.paths(resource_id, since))
        return [deed_of(run) for run in runs if run is not None]

    def _everywhere(self, since: float) -> Iterable[Deed]:
        """Of all resources; a damaged file counts as a run that did something: never as none."""
        for resource_id in self._shelf.resources():
            for path in self._shelf.paths(resource_id, since):
                try:
                    run = self._shelf.run(path)
                except JournalDamaged:
                    began = named_time(path) or modified(path) or since
                    yield Deed(automatic=True, acted=True, began=began, last=began)
                else:
                    yield from [deed_of(run)] if run else []
