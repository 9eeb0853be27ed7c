"""Whether a caller that is no person may start a run now: windows, distance from the last change, and budgets.

Pure: what was done lately and the time come in; a `Hold` comes out, with its evidence and when it ends by itself.
A stamp in the future (the clock was put back) counts as now: it holds, and never frees, and the evidence says so.
"""

import math
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from necism_monitor.domain.history import Activity
from necism_monitor.domain.model import DAY, HOUR, MINUTE, Automation, Window

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KEY_MAX: Final = 200
"""Characters of the key of a request."""
_HORIZON: Final = 15 * DAY
"""A weekly window is open within two weeks, even where the clock change of one week leaves it out."""


class Hold(NamedTuple):
    """Why an automatic run does not start now."""

    text: str
    until: float | None
    """When this reason ends, in seconds since the epoch; None = not by itself, or nobody knows."""
    hint: str | None = None
    """What to do about it, where that is known better than the catalogue knows it."""


def is_key(text: str) -> bool:
    """Whether `text` can be the key of a request: 1 to 200 printable characters."""
    return 0 < len(text) <= KEY_MAX and text.isprintable()


def outside_window(windows: tuple[Window, ...], now: float) -> Hold | None:
    """Held where none of the windows is open; no windows at all are always open."""
    if not windows or any(is_open(window, now) for window in windows):
        return None
    clocks = dict.fromkeys(_wall(now, window.zone) for window in windows)
    text = f"it is {' / '.join(clocks)}, `window` is {', '.join(window.text for window in windows)}"
    return Hold(text, next_opening(windows, now))


def is_open(window: Window, at: float) -> bool:
    """Whether the wall clock of the window's zone stands between its start and its end.

    The wall clock alone counts: an hour that comes twice is open twice, one that is left out is not open.
    """
    local = datetime.fromtimestamp(at, window.zone)
    minute = local.hour * 60 + local.minute
    today = local.weekday() in window.days
    if window.start_minute < window.end_minute:
        return today and window.start_minute <= minute < window.end_minute
    # It ends on the day after its start, which is the day it belongs to.
    yesterday = (local.weekday() - 1) % 7 in window.days
    return (today and minute >= window.start_minute) or (yesterday and minute < window.end_minute)


def next_opening(windows: tuple[Window, ...], now: float) -> float | None:
    """The first whole minute after `now` at which one of the windows is open.

    Asked minute by minute, so that it follows every change of the clock that `is_open` follows.
    """
    first = (math.floor(now / MINUTE) + 1) * MINUTE
    minutes = range(first, first + _HORIZON, MINUTE)
    return next((float(at) for at in minutes if any(is_open(window, at) for window in windows)), None)


def cooling_down(last_change_at: float | None, cooldown: float, now: float, zone: tzinfo = UTC) -> Hold | None:
    """Held for `cooldown` seconds after the last run that changed something."""
    if last_change_at is None:
        return None
    until = last_change_at + cooldown
    if max(now, last_change_at) >= until:
        return None
    distance = max(0.0, now - last_change_at)
    text = f"the last run that changed something ended {distance:.0f} s ago, cooldown is {cooldown:.0f} s"
    return Hold(text + _stepped((last_change_at,), now, zone), until)


def over_budget(activity: Activity, of: Automation, per_hour: int, now: float, zone: tzinfo = UTC) -> Hold | None:
    """Held where the runs of the last 24 hours, or those of all resources in the last hour, are used up."""
    day = _spent(activity.daily, of.max_per_day, DAY, now, zone)
    if day:
        return day._replace(text=f"automatic runs in the last 24 h: {day.text}, max_per_day is {of.max_per_day}")
    hour = _spent(activity.hourly, per_hour, HOUR, now, zone)
    what = "automatic runs of all resources in the last hour"
    return hour and hour._replace(text=f"{what}: {hour.text}, max_runs_per_hour is {per_hour}")


def _spent(stamps: tuple[float, ...], most: int, span: float, now: float, zone: tzinfo) -> Hold | None:
    """Held, with how many it were, where `most` began within `span` seconds: until there is room for one again."""
    counted = sorted(at for at in stamps if at + span > now)
    if len(counted) < most:
        return None
    until = counted[len(counted) - most] + span if most > 0 else None
    return Hold(f"{len(counted)}{_stepped(counted, now, zone)}", until)


def _stepped(stamps: tuple[float, ...] | list[float], now: float, zone: tzinfo) -> str:
    """What is to be said of a stamp in the future; empty where there is none."""
    newest = max(stamps, default=now)
    if newest <= now:
        return ""
    return f" (its journal says {moment(newest, zone)}, which is in the future: was the clock put back?)"


def moment(at: float, zone: tzinfo) -> str:
    """A moment for people, on the clock of `zone`, to the second above: `2025-11-22 06:00:00+01:00`."""
    return datetime.fromtimestamp(math.ceil(at), zone).isoformat(sep=" ", timespec="seconds")


def _wall(at: float, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(at, zone)
    return f"{WEEKDAYS[local.weekday()]} {moment(math.floor(at), zone)}"
