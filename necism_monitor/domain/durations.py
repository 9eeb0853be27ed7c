"""Durations as people write them: `90s`, `1d3h`, and bare integers where a key says what they count.

A month and a year have no fixed length and are no units here; the longest duration is a century, so that no sum of
a date and a duration can overflow.
"""

from __future__ import annotations

from typing import Final

from necism_monitor.domain.patterns import pattern
from necism_monitor.domain.rules import RuleError

UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Seconds in each unit; a day is 24 hours."""
LONGEST: Final = 36_525 * UNITS["d"]
EXAMPLE: Final = "write numbers with units: w, d, h, m or s, such as 90s, 30m or 1d3h"

_PART = pattern(r"([0-9]+)([wdhms])")
_WHOLE = pattern(r"(?:[0-9]+[wdhms])+")
_BARE = pattern(r"[0-9]+")
_WORTH_SHOWING = 40


def parse_duration(text: str, bare: int | None = None) -> int:
    """Seconds in `text`, which is `(number unit)+`; an integer alone counts units of `bare` seconds.

    With `bare` None an integer alone is an error.  Raises RuleError for any other text and beyond a century.
    """
    text = text.strip()
    if _BARE.fullmatch(text):
        if bare is None:
            raise RuleError(_short(text), "a duration needs a unit", _unit_hint(text))
        return _bounded(text, _number(text) * bare)
    if not _WHOLE.fullmatch(text):
        raise RuleError(_short(text), "this is no duration", EXAMPLE)
    return _bounded(text, sum(_number(count) * UNITS[unit] for count, unit in _PART.findall(text)))


def format_duration(seconds: float, parts: int = 4) -> str:
    """`2d3h`: whole seconds in days, hours, minutes and seconds, cut after the `parts` largest units that occur."""
    left = round(abs(seconds))
    shown: list[str] = []
    for unit in "dhms":
        count, left = divmod(left, UNITS[unit])
        if count:
            shown.append(f"{count}{unit}")
    sign = "-" if seconds < 0 and shown else ""
    return sign + ("".join(shown[:parts]) or "0s")


def _number(digits: str) -> int:
    # Python refuses to read thousands of digits; nothing longer than this is below a century in any unit.
    return int(digits.lstrip("0")[:_WORTH_SHOWING] or "0")


def _bounded(text: str, seconds: int) -> int:
    if seconds > LONGEST:
        raise RuleError(_short(text), "a duration is at most 100 years", "check for typos")
    return seconds


def _unit_hint(digits: str) -> str:
    return f"write {digits}s for seconds, {digits}m for minutes" if len(digits) < _WORTH_SHOWING else EXAMPLE


def _short(text: str) -> str:
    return text if len(text) <= _WORTH_SHOWING else f"{text[:_WORTH_SHOWING]}..."
