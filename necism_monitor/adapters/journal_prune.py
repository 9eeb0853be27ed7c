"""Removes journals that are too old to be of use to anybody; what they come to is kept, see `journal_pruned`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from necism_monitor.adapters.journal_pruned import remove_files, save_pruned
from necism_monitor.adapters.journal_shelf import Shelf, name_stamp
from necism_monitor.adapters.journal_tally import Tally
from necism_monitor.domain.errors import JournalDamaged
from necism_monitor.domain.model import DAY, Resource
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.totals import prune

LEAST: Final = 2 * DAY
"""What is kept in any case, whatever is configured: the budgets look back a day."""
BATCH: Final = 200
"""Files removed at once: the end of a run is not to take long."""


def prune_runs(tally: Tally, resource: Resource, before: float) -> None:
    """Remove runs of a resource that ended before `before`; only for who holds the lock of its array.

    A run without end stays, one that cannot be read, every run that a verdict or a guard may still need, and the
    newest one that ended.  Raises JournalDamaged, OSError; what was removed until then is counted.
    """
    shelf, directory = tally.shelf, tally.shelf.directory(resource.id)
    old = [path for path in shelf.paths(resource.id) if path.name < name_stamp(before)]
    if not old:
        return
    pruned = tally.pruned(resource.id)
    remove_files(directory, pruned.gone)
    needed = {path for path, _ in shelf.recent(resource)} | _newest_ended(tally, resource)
    batch = {path.name: run for path in old if path not in needed and (run := _finished(shelf, path, before))}
    batch = dict(list(batch.items())[:BATCH])
    if batch:
        save_pruned(tally.pruned_file(resource.id), prune(pruned, batch))
        remove_files(directory, batch)


def _finished(shelf: Shelf, path: Path, before: float) -> RunFile | None:
    """The run of a file, if it ended before `before`."""
    try:
        run = shelf.run(path)
    except JournalDamaged:
        return None
    return run if run and run.run().result and run.lines[-1].at < before else None


def _newest_ended(tally: Tally, resource: Resource) -> set[Path]:
    """The file whose duration is told as the last one's; none where no run that changed something ended."""
    for path in reversed(tally.shelf.paths(resource.id)):
        count = tally.count(path)
        if count is not None and count.duration is not None:
            return {path}
    return set()
