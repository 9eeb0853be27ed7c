"""Takes names and WWNs out of captured screens: the same name becomes the same other name, of the same length.

Names are those of the configuration and whatever stands on the screens where a name stands.  Screens keep their
columns, so that a report shows what the parser saw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_PLACES: Final = (
    re.compile(r"\b(?:BV|SV|LV)[ \t]*:[ \t]*(?:LD Name[ \t]*:[ \t]*|(?!LD Name))([^\s()\[\],:]+)"),
    re.compile(r"\bLD Name[ \t]*:[ \t]*([^\s()\[\],:]+)"),
    re.compile(r"^[ \t]*(?!(?:BV|SV|LV):)(?:[A-Z][A-Z0-9]|-):([^\s()\[\],:]+)", re.MULTILINE),
    re.compile(r"(?:[ \t]|\w\.)\(([^\s()\[\],:=]*[A-Za-z][^\s()\[\],:=]*)\)"),
    re.compile(r"/dev/(?:mapper|disk/by-[a-z]+)/([^\s()\[\],:]+)"),
    re.compile(r"-(?:bv|sv|lv|vol)[ \t]+([^\s()\[\],:]+)"),
)
_WWN: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:0x)?(?:[0-9A-Fa-f]{16,40}|(?:[0-9A-Fa-f]{2}[:-]){7}[0-9A-Fa-f]{2})(?![0-9A-Za-z])"
)
_ARRAYS: Final = re.compile(r"^(Product ID[ \t]+)(Disk Array Name[ \t]+)\S.*\n((?:.*\S.*(?:\n|$))+)", re.MULTILINE)
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DISTINCT: Final = 6
"""A name of this length is no part of an ordinary word; a shorter one is replaced only where it stands alone."""


def names_in(text: str) -> set[str]:
    """Everything that stands on a screen where a name stands."""
    found = {match[1] for place in _PLACES for match in place.finditer(text)}
    for match in _ARRAYS.finditer(text):
        start, end = len(match[1]), len(match[1]) + len(match[2])
        found.update(row[start:end].strip() for row in match[3].splitlines())
    return found - {"", "-"}


class Redactor:
    """Replaces `names`, and every WWN it meets."""

    def __init__(self, names: Iterable[str]) -> None:
        longest_first = sorted(set(names) - {"", "-"}, key=lambda name: (-len(name), name))
        self._others = {name: _other(number, len(name)) for number, name in enumerate(longest_first, start=1)}
        self._wwns: dict[str, str] = {}
        self._pattern = re.compile("|".join(map(_bounded, longest_first)) or r"(?!)")

    def redact(self, text: str) -> str:
        """`text`, each name and WWN replaced by one of the same length."""
        return _WWN.sub(self._wwn, self._pattern.sub(lambda match: self._others[match[0]], text))

    def _wwn(self, match: re.Match[str]) -> str:
        """Digits count up from the right, separators stay."""
        known = match[0]
        if known not in self._wwns:
            digits = iter(f"{len(self._wwns) + 1:0{sum(map(str.isalnum, known))}}")
            self._wwns[known] = "".join(next(digits) if char.isalnum() else char for char in known)
        return self._wwns[known]


def _bounded(name: str) -> str:
    if len(name) >= _DISTINCT:
        return re.escape(name)
    return rf"(?<![0-9A-Za-z_]){re.escape(name)}(?![0-9A-Za-z_])"


def _other(number: int, length: int) -> str:
    """`X0000001`: as long as the name it stands for; very short names may have to share one."""
    text = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return f"X{text:0>{length - 1}}" if len(text) < length else text[-length:]
