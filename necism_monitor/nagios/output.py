"""What leaves the plugin: ASCII that cannot break a line, perfdata or a macro, written past every buffer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final

from necism_monitor.nagios.states import State

NAME: Final = "NECISM"
STDOUT: Final = 1
LONGEST_STATUS: Final = 900
"""Characters of the status line; lists and pagers show no more anyway."""
LONGEST_LINE: Final = 600
PERFDATA_BUDGET: Final = 2600
"""Characters of perfdata in the default output, which stays below 4 KB as a whole."""

# `|` starts perfdata, `$` a macro, quotes and backticks end up in somebody's shell, `<` in somebody's page, and a
# backslash starts the escapes of passive results.
_REPLACED: Final = str.maketrans({"|": "/", "\\": "/", "$": "?", "`": None, "'": None, '"': None, "<": "(", ">": ")"})


def clean(text: str) -> str:
    """`text` as one line of harmless ASCII: control characters become blanks, other characters question marks."""
    flat = text.translate(_REPLACED)
    if not (flat.isascii() and flat.isprintable()):
        flat = "".join(char if " " <= char <= "~" else " " if char.isspace() or char < " " else "?" for char in flat)
    return " ".join(flat.split())


def clip(text: str, limit: int) -> str:
    """`text`, cut with dots where it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def status_line(state: State, text: str) -> str:
    """`NECISM WARNING - text`."""
    return clip(f"{NAME} {state.name} - {clean(text)}", LONGEST_STATUS)


def label(text: str) -> str:
    """A perfdata label that every parser reads: neither quotes nor `=`."""
    return clean(text).replace("=", "_") or "_"


def fitting(perfdata: Sequence[str], budget: int) -> int:
    """How many of `perfdata` fit into `budget`, by a rule that does not depend on today's values.

    Each value counts as if it had all its digits, so that the same graphs are fed at every run.
    """
    used = 0
    for number, item in enumerate(perfdata):
        name, _, fields = item.rpartition("=")
        used += len(name) + len("=9999999999s; ") + len(fields.partition(";")[2])
        if used > budget:
            return number
    return len(perfdata)


def compose(status: str, perfdata: Sequence[str], more: Iterable[str]) -> str:
    """The whole output: perfdata stands on the first line, where no cut of the long text can reach it."""
    first = f"{status} | {' '.join(perfdata)}" if perfdata else status
    indented = ((" " * (len(line) - len(line.lstrip())), clean(line)) for line in more)
    return "\n".join([first, *(clip(space + line, LONGEST_LINE) for space, line in indented)]) + "\n"


def write(text: str, descriptor: int = STDOUT) -> bool:
    """Write all of `text`; False where the other end does not take it."""
    data = memoryview(text.encode("ascii", "replace"))
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        return False
    return True
