"""The simulated array's clock: host time, an offset, jumps, and the zone it prints in."""

from __future__ import annotations

import time

TYPE_CHECKING = False  # the checker takes this as true; importing typing for it would cost every command its price
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import World


def array_time(world: World, host_time: float) -> float:
    """Seconds since 1970 on the array's clock at `host_time`."""
    clock = world["clock"]
    elapsed = host_time - clock["start"]
    return host_time + clock["offset"] + sum(jump["shift"] for jump in clock["jumps"] if elapsed >= jump["after"])


def render(world: World, moment: float) -> str:
    """A moment of the array's clock as the screens print it (captured: `2014/03/24 11:16:16`, local time)."""
    zone = world["clock"]["zone"]
    if zone == "host":
        return time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(moment))
    # Only a world with a named zone pays for these imports.
    from datetime import datetime  # noqa: PLC0415 - see the line above
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - see the line above

    return datetime.fromtimestamp(moment, ZoneInfo(zone)).strftime("%Y/%m/%d %H:%M:%S")


def zone_exists(zone: str) -> bool:
    """Whether the host's time zone data knows this zone (`host` always)."""
    if zone == "host":
        return True
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - as in render

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a directory of zones, such as Europe
        return False
    return True
