"""What the runs of a resource come to, those that were removed included.

State file: STATE_DIR/runs/SERVICE/RESOURCE/pruned.json, beside the journals.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from necism_monitor.adapters.journal_cache import FileCache
from necism_monitor.adapters.journal_file import read_run
from necism_monitor.adapters.journal_pruned import FILE, ask_steadily, load_pruned
from necism_monitor.adapters.journal_shelf import HEADERS_KEPT, RUNS_KEPT, Shelf
from necism_monitor.domain.history import Totals
from necism_monitor.domain.totals import Pruned, RunCount, count_run, total

COUNTS_KEPT: Final = HEADERS_KEPT
"""Of how many runs a process that lives long keeps what they add to the totals."""
Thing = TypeVar("Thing")


class Tally:
    """Counts the runs of one shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._counts = FileCache(_count, COUNTS_KEPT)
        self._pruned = FileCache(load_pruned, RUNS_KEPT)

    def count(self, path: Path) -> RunCount | None:
        """What a file adds to the totals.  Raises JournalDamaged."""
        return self._counts.get(path)

    def pruned_file(self, resource_id: str) -> Path:
        """Where it stands what is kept of runs that were removed."""
        return self.shelf.directory(resource_id) / FILE

    def pruned(self, resource_id: str) -> Pruned:
        """What is kept of runs that were removed.  Raises JournalDamaged."""
        return self._pruned.get(self.pruned_file(resource_id))

    def steadily(self, resource_id: str, ask: Callable[[Pruned, list[Path]], Thing]) -> Thing:
        """What `ask` says of a resource's pruned runs and of the files of the others, oldest first.

        Raises JournalDamaged.
        """

        def look(pruned: Pruned) -> Thing:
            return ask(pruned, [path for path in self.shelf.paths(resource_id) if path.name not in pruned.gone])

        return ask_steadily(lambda: self.pruned(resource_id), look)

    def totals(self, resource_id: str) -> Totals:
        """What all runs of a resource come to.  Raises JournalDamaged."""

        def ask(pruned: Pruned, paths: list[Path]) -> Totals:
            return total((count for path in paths if (count := self.count(path))), pruned)

        return self.steadily(resource_id, ask)


def _count(path: Path) -> RunCount | None:
    run = read_run(path)
    return count_run(run) if run else None
