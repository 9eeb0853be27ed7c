"""Writes what is made from the command line: `python -m tools.papers man|completion|reference DIR`.

Manual and completion are made when a package is built; the reference is part of the repository, and a test holds it
against the parser.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tools import completion, manual, reference

MAKERS: Final[Mapping[str, Callable[[float], Mapping[str, str]]]] = {
    "man": manual.pages,
    "completion": lambda _: completion.files(),
    "reference": lambda _: reference.papers(),
}


def main(argv: list[str]) -> int:
    """Write the files of one kind to a folder, and say how many there are."""
    if len(argv) != 2 or argv[0] not in MAKERS:  # noqa: PLR2004 - a kind and a folder
        print(f"usage: python -m tools.papers {'|'.join(MAKERS)} DIR", file=sys.stderr)
        return 64
    kind, folder = argv[0], Path(argv[1])
    made = MAKERS[kind](moment())
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{kind}: {len(made)} files in {folder}")
    return 0


def moment() -> float:
    """The time that pages are dated with: of the release where whoever builds it says so, else now."""
    return float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
