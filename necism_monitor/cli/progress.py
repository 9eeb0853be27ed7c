"""A run's progress on a terminal: one line that moves below the log; nothing without a terminal, or without rich."""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Self


class Progress:
    """Shows how far a run is; a context manager.  Silent unless `visible`."""

    def __init__(self, *, visible: bool) -> None:
        self._bar: Any = _rich_bar() if visible else None
        self._task: Any = None
        self._streams: list[tuple[Any, Any]] = []

    def __enter__(self) -> Self:
        """Begin to show; the log is written above the line from now on."""
        if self._bar is not None:
            above = _Above(self._bar.console)
            handlers = [one for one in logging.getLogger().handlers if isinstance(one, logging.StreamHandler)]
            self._streams = [(one, one.setStream(above)) for one in handlers]
            self._bar.start()
            self._task = self._bar.add_task("resync", total=None, away=0)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal and the log as they were."""
        if self._bar is not None:
            # The console may be gone by now: that must not hide how the run ended.
            with contextlib.suppress(Exception):
                self._bar.stop()
        for handler, stream in self._streams:
            handler.setStream(stream)

    def show(self, done: int, total: int, away: int, steps: str) -> None:
        """`done` of `total` commands, `away` LVs detached, what is running now.  Never raises."""
        if self._bar is None:
            return
        # A console that breaks in the middle of a run must not stop it.
        with contextlib.suppress(Exception):
            self._bar.update(self._task, total=total, completed=done, away=away, description=steps or "resync")


class _Above:
    """A stream for the log: its lines appear above the moving line, as they are."""

    def __init__(self, console: Any) -> None:  # noqa: ANN401 - rich is optional, so its types are not known here
        self._console = console

    def write(self, text: str) -> None:
        """Print `text` without wrapping, colouring or reading markup in it."""
        self._console.print(text, end="", soft_wrap=True, markup=False, highlight=False, emoji=False)

    def flush(self) -> None:
        """Nothing is kept back."""


def _rich_bar() -> Any:  # noqa: ANN401 - as in _Above
    try:
        from rich.console import Console  # noqa: PLC0415 - optional, and only for a terminal
        from rich.progress import (  # noqa: PLC0415 - optional as well
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415 - optional as well
    except ImportError:
        return None
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("LVs detached: {task.fields[away]}"),
        TimeElapsedColumn(),
    )
    return RichProgress(*columns, console=Console(stderr=True), transient=True)
