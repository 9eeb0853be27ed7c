"""Screen of `iSMview -d`: the disk arrays this host sees (captured, two forms).

Columns are taken from the header's own offsets: a product id may hold blanks (`M300 Disk Array`), so words prove
nothing, and may be blank (inferred: nothing but the name is judged).  Text in, values out; nothing here raises.
"""

from __future__ import annotations

from itertools import pairwise

from necism_monitor.domain.reading import Inventory, Unread
from necism_monitor.ism import grammar
from necism_monitor.ism.screen import HINT_UNRECOGNISED, Line, is_complaint, is_remark, lines, unreadable


def parse_arrays(text: str) -> Inventory | Unread:
    """Read the list of arrays, in the screen's order; Unread where there is no header line.

    A row that does not fit the columns is not guessed at: the list is then `broken`, and counts as incomplete.
    """
    starts: tuple[int, ...] = ()
    margin = 0
    arrays: list[str] = []
    broken: str | None = None
    for line in lines(text):
        header = grammar.INVENTORY_COLUMNS.fullmatch(line.text) if line.trouble is None else None
        if header is not None:
            starts = tuple(header.start(group) for group in ("product", "name", "state", "more"))
            margin = line.indent
            continue
        reason, name = _row(line, starts, margin)
        if name is not None:
            arrays.append(name)
        broken = broken or (line.blame(reason) if reason else None)
    if not starts:
        why = f"; {broken}" if broken else ""
        return unreadable(f"list of arrays: no header line 'Product ID  Disk Array Name ...'{why}", HINT_UNRECOGNISED)
    return Inventory(tuple(arrays), unreadable(f"list of arrays: {broken}") if broken else None)


def _row(line: Line, starts: tuple[int, ...], margin: int) -> tuple[str | None, str | None]:
    """Why a line is no row, and the array's name where it is one; neither for headings and remarks."""
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
    _, name, state, _ = (text[start:end].rstrip() for start, end in pairwise((*starts, None)))
    straddles = any(not text[start - 1 : start].isspace() for start in starts[1:3])
    shifted = any(not cell or cell[0].isspace() for cell in (name, state)) or "  " in name
    if straddles or shifted:
        return "does not fit the columns of the header line", None
    return None, name
