"""A run's progress on a terminal: one line that moves, and nothing where there is no terminal or no rich."""

from __future__ import annotations

import contextlib
from typing import Any, Self


class Progress:
    """Shows how far a run is; a context manager.  Silent unless `visible`."""

    def __init__(self, *, visible: bool) -> None:
        self._bar: Any = _rich_bar() if visible else None
        self._task: Any = None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("resync", total=None, away=0)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int, total: int, away: int, steps: str) -> None:
        """`done` of `total` commands, `away` LVs detached, what is running now.  Never raises."""
        if self._bar is None:
            return
        # A console that breaks in the middle of a run must not stop it.
        with contextlib.suppress(Exception):
            self._bar.update(self._task, total=total, completed=done, away=away, description=steps or "resync")


def _rich_bar() -> Any:  # noqa: ANN401 - rich is optional, so its types are not known here
    try:
        from rich.console import Console  # noqa: PLC0415 - optional, and only for a terminal
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - optional as well
        from rich.progress import Progress as RichProgress  # noqa: PLC0415 - optional as well
    except ImportError:
        return None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("LVs detached: {task.fields[away]}"),
        TimeElapsedColumn(),
    )
    return RichProgress(*columns, console=Console(stderr=True), transient=True)
