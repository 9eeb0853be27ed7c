"""Screen of `iSMview -d`: the disk arrays this host sees (captured, two forms).

Columns are taken from the header's own offsets: a product id may hold blanks (`M300 Disk Array`), so words prove
nothing, and may be blank (inferred: nothing but the name is judged).  Text in, values out; nothing here raises.
"""

from itertools import pairwise
from typing import NamedTuple

from necism_monitor.domain.reading import Inventory, Unread
from necism_monitor.ism import grammar
from necism_monitor.ism.screen import HINT_UNRECOGNISED, Line, is_complaint, is_remark, lines, unreadable


class ArrayRow(NamedTuple):
    """One array as the list shows it."""

    name: str
    state: str
    """`Resource State`: only `ready` is captured."""
    monitoring: str
    """`running` is captured; blank in the form of the list that has no such column."""


def parse_arrays(text: str) -> Inventory | Unread:
    """Read the list of arrays, in the screen's order; Unread where there is no header line.

    A row that does not fit the columns is not guessed at: the list is then `broken`, and counts as incomplete.
    """
    headed, rows, broken = _read(text)
    if not headed:
        why = f"; {broken}" if broken else ""
        return unreadable(f"list of arrays: no header line 'Product ID  Disk Array Name ...'{why}", HINT_UNRECOGNISED)
    return Inventory(tuple(row.name for row in rows), unreadable(f"list of arrays: {broken}") if broken else None)


def parse_rows(text: str) -> tuple[ArrayRow, ...]:
    """The rows of the list that fit its columns, with the states that `parse_arrays` leaves out."""
    return _read(text)[1]


def _read(text: str) -> tuple[bool, tuple[ArrayRow, ...], str | None]:
    """Whether there is a header line, the rows below it, and the first line that is neither."""
    starts: tuple[int, ...] = ()
    margin = 0
    rows: list[ArrayRow] = []
    broken: str | None = None
    for line in lines(text):
        header = grammar.INVENTORY_COLUMNS.fullmatch(line.text) if line.trouble is None else None
        if header is not None:
            starts = tuple(header.start(group) for group in ("product", "name", "state", "more"))
            margin = line.indent
            continue
        reason, row = _row(line, starts, margin)
        if row is not None:
            rows.append(row)
        broken = broken or (line.blame(reason) if reason else None)
    return bool(starts), tuple(rows), broken


def _row(line: Line, starts: tuple[int, ...], margin: int) -> tuple[str | None, ArrayRow | None]:
    """Why a line is no row, and the row where it is one; neither for headings and remarks."""
    if line.trouble is not None:
        return line.trouble, None
    if is_complaint(line):
        return "the command complains in the middle of its screen", None
    if is_remark(line) or grammar.INVENTORY_HEADING.fullmatch(line.text):
        return None, None
    if not starts:
        return "stands above the header line", None
    # Blanks in the place of the product id belong to the row: only what the header has too is the screen's margin.
    text = " " * (line.indent - margin) + line.text
    _, name, state, more = (text[start:end].rstrip() for start, end in pairwise((*starts, None)))
    straddles = any(not text[start - 1 : start].isspace() for start in starts[1:3])
    shifted = any(not cell or cell[0].isspace() for cell in (name, state)) or "  " in name
    if straddles or shifted:
        return "does not fit the columns of the header line", None
    return None, ArrayRow(name, state, more)
