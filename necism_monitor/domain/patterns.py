"""Regular expressions that are compiled when they are first used.

A program that starts every minute, such as the check, meets few of the texts that all of them are for, and compiling
takes longer than most of them are in use.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Late:
    """Becomes the compiled expression at the first method that is asked for; from then on nothing stands between."""

    def __init__(self, text: str, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever an expression has
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, later."""
    return cast("re.Pattern[str]", _Late(text, flags))
