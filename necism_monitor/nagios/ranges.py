"""Thresholds on ages: the plugin guidelines' ranges, in seconds or with units (`1d`, `@10:20`, `~:10`, `30m:2h`)."""

import math
import re
from typing import Final, NamedTuple

from nagiosplugin import Range

from necism_monitor.domain.durations import UNITS
from necism_monitor.domain.rules import RuleError

RULE: Final = "a range is [@][START:]END or START:, in seconds or with units w, d, h, m, s"
EXAMPLES: Final = "write 1d (older than a day), 30m:2h (outside), @10:20 (inside), 10: (below 10) or ~:10 (above 10)"

_ATOM: Final = r"-?(?:(?:[0-9]{1,12}[wdhms])+|[0-9]{1,12}(?:\.[0-9]{1,6})?)"
# Texts, compiled at their first use: most checks have no range, and every start of a check counts.
_RANGE: Final = rf"(?P<at>@?)(?:(?P<start>~|{_ATOM})(?P<colon>:))?(?P<end>{_ATOM})?"
_PART: Final = r"([0-9]+)([wdhms])"
_SHOWN: Final = 60


class AgeRange(Range):
    """A range that prints every limit: the library leaves out `0:`, which is one."""

    def __str__(self) -> str:
        """The range in seconds, without exponents."""
        start = "~:" if self.start == -math.inf else f"{_plain(self.start)}:"
        end = "" if self.end == math.inf else _plain(self.end)
        return ("@" if self.invert else "") + (end if start == "0:" and end else start + end)


class Threshold(NamedTuple):
    """One range and how it was written."""

    text: str
    range: AgeRange

    def violated(self, age: int) -> bool:
        """Whether `age` (seconds) is to be alerted about."""
        return not self.range.match(age)


def parse_threshold(text: str) -> Threshold:
    """Read a range.  Raises RuleError where it is empty, malformed or ends before it starts."""
    stripped = text.strip()
    found = re.fullmatch(_RANGE, stripped)
    if found is None or (found["end"] is None and found["colon"] is None):
        raise RuleError(text[:_SHOWN], "an empty range says nothing" if not stripped else RULE, EXAMPLES)
    start = found["start"] or "0"
    low = -math.inf if start == "~" else parse_seconds(start)
    high = math.inf if found["end"] is None else parse_seconds(found["end"])
    if low > high:
        raise RuleError(text[:_SHOWN], "a range starts below its end", EXAMPLES)
    # As text with a colon: the library takes the integer 0 for "no limit".
    written = f"{found['at']}{'~' if start == '~' else _plain(low)}:{'' if high == math.inf else _plain(high)}"
    return Threshold(stripped, AgeRange(written))


def parse_seconds(atom: str) -> float:
    """Seconds in a number that the grammar above accepts."""
    sign, digits = (-1, atom[1:]) if atom.startswith("-") else (1, atom)
    parts = re.findall(_PART, digits)
    return sign * (sum(int(count) * UNITS[unit] for count, unit in parts) if parts else float(digits))


def is_seconds(text: str) -> bool:
    """Whether `text` is one number, with or without units."""
    return re.fullmatch(_ATOM, text) is not None


def _plain(number: float) -> str:
    """Without an exponent, and without digits that say nothing."""
    return str(int(number)) if number == int(number) else f"{number:.6f}".rstrip("0")
