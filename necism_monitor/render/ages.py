"""The one family whose values change with every second: rendered once, and filled in for every scrape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from prometheus_client.utils import floatToGoString

from necism_monitor.render.exposition import render
from necism_monitor.render.families import age_family
from necism_monitor.render.last_good import Sight

_number: Callable[[float], str] = floatToGoString
_HEAD: Final = 2
"""Lines: HELP and TYPE."""


class _Line(NamedTuple):
    """A series without its value."""

    start: str
    oldest: float
    """When its oldest image was taken, in seconds since the epoch."""


class Ages(NamedTuple):
    """The family, but for the moment."""

    head: str
    lines: tuple[_Line, ...]

    def at(self, now: float) -> bytes:
        """The family as it is at `now`; an image from the future is of age 0."""
        values = (f"{line.start}{_number(max(0.0, now - line.oldest))}\n" for line in self.lines)
        return (self.head + "".join(values)).encode()


def keep_ages(sight: Sight) -> Ages:
    """The ages of what `sight` shows.

    The library writes the lines, so that labels are escaped in one place; each ends in a blank and the value.
    """
    lines = render([age_family(sight, 0.0)]).decode().splitlines(keepends=True)
    oldest = [min(dates) for one in sight.verdicts.resources if (dates := tuple(sight.dates(one)))]
    starts = [line.rpartition(" ")[0] + " " for line in lines[_HEAD:]]
    return Ages("".join(lines[:_HEAD]), tuple(map(_Line, starts, oldest)))
