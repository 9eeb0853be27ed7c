"""Words of the page: dates, spans, what an exit code means, and what to type next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from necism_monitor.domain.durations import format_duration
from necism_monitor.domain.model import DAY, HOUR, MINUTE, Resource

EXITS: Final = {
    0: "done",
    3: "refused",
    5: "failed",
    6: "failed",
    70: "a bug of necism-monitor",
}
_NEXT: Final = {
    "unfinished": "necism resume {id}",
    "stuck": "necism history {id}",
    "detached": "necism relink {id}",
    "mixed": "necism resync {id} --force",
    "too-old": "necism resync {id}",
    "never-synced": "necism resync {id}",
    "skew": "necism resync {id}",
    "fault": "necism resync {id}",
    "journal-unreadable": "necism history {id}",
    "query-failed": "necism doctor",
    "timed-out": "necism doctor",
    "stale": "necism collect",
    "unreadable": "necism capture DIR",
}
_CREATES: Final = "necism resync"


def command_for(code: str, resource: Resource) -> str:
    """What to type about a finding, where one command is the next step; else what explains it."""
    command = _NEXT.get(code, f"necism explain {code}").format(id=resource.id)
    if command.startswith(_CREATES) and (resource.disabled or resource.no_action):
        return f"necism explain {code}"
    return command


def date(when: float | None) -> str:
    """In UTC; a number where the calendar has no such date."""
    try:
        return "-" if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{when} s"


def clock(when: float | None) -> str:
    """Only the time of the day, for moments of today."""
    return date(when)[11:19] if when is not None and date(when).endswith("UTC") else date(when)


def span(seconds: float | None) -> str:
    """Two units, such as `3d4h` or `2h59m`: what is below them is cut, as in `necism status`."""
    if seconds is None:
        return "-"
    unit = next((fine for coarse, fine in ((DAY, HOUR), (HOUR, MINUTE)) if abs(seconds) >= coarse), 1)
    return format_duration(seconds // unit * unit)


def exactly(seconds: float | None) -> str:
    """A short time that was measured."""
    return "-" if seconds is None else f"{seconds:.1f} s" if abs(seconds) < MINUTE else span(seconds)


def exit_words(code: int | None, text: str) -> str:
    """An exit code for people; where all went well the run's own words."""
    if code == 0:
        return text
    return text if code is None else f"{EXITS.get(code, f'exit {code}')}: {text}"


def cut(text: str, most: int = 300) -> str:
    """The beginning of a text that somebody else wrote."""
    return text if len(text) <= most else f"{text[:most].rstrip()} ..."


def number(count: int, word: str) -> str:
    """`1 set`, `2 sets`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def listed(names: tuple[str, ...], most: int = 4) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
