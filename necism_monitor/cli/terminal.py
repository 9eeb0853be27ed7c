"""Pages on a terminal: colours where they are wanted (NO_COLOR), columns where they fit."""

from __future__ import annotations

from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from necism_monitor.domain.findings import Verdict
from necism_monitor.render.logline import printable
from necism_monitor.render.table import Cell, Grid, Line, Page, widths_of

STYLES: Final = {Verdict.UP: "green", Verdict.WARN: "bold yellow", Verdict.UNKNOWN: "bold magenta"}
GAP: Final = 2


def canvas(*, forced: bool = False) -> Console:
    """Standard output; where colours are `forced`, also one that is no terminal has those of every terminal."""
    if forced:
        return Console(highlight=False, markup=False, emoji=False, force_terminal=True, color_system="standard")
    return Console(highlight=False, markup=False, emoji=False)


def draw(page: Page, console: Console | None = None) -> None:
    """Print `page`; the console knows the width of the terminal and whether it has colours."""
    console = console or canvas()
    for block in page:
        console.print(_line(block) if isinstance(block, Line) else _grid(block, console.width))


def _line(line: Line) -> RenderableType:
    return _indented(Text(" ").join(map(_text, line.cells)), line.indent)


def _grid(grid: Grid, width: int) -> RenderableType:
    needed = sum(widths_of(grid)) + GAP * len(grid.columns) + grid.indent
    return _indented(_table(grid) if needed <= width else _records(grid), grid.indent)


def _table(grid: Grid) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for column in grid.columns:
        table.add_column(column, no_wrap=True)
    for row in grid.rows:
        table.add_row(*map(_text, row))
    return table


def _records(grid: Grid) -> RenderableType:
    """Rows that do not fit side by side: the name, and below it every other column with its heading."""
    shown: list[RenderableType] = []
    for first, *others in grid.rows:
        facts = [
            Text.assemble(f"{column.lower()} ", _text(cell))
            for column, cell in zip(grid.columns[1:], others, strict=True)
        ]
        shown += [_text(first), _indented(Text(", ").join(facts), 2 * GAP)]
    return Group(*shown)


def _text(cell: Cell) -> Text:
    return Text(printable(cell.text), style=STYLES[cell.mood] if cell.mood else "", overflow="fold")


def _indented(shown: RenderableType, indent: int) -> RenderableType:
    return Padding(shown, (0, 0, 0, indent))
