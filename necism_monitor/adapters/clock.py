"""The host's clock and its time zone."""

from __future__ import annotations

import os
import time
from datetime import UTC, tzinfo
from pathlib import Path

LOCALTIME = Path("/etc/localtime")
_UTC_FILES = ("/zoneinfo/UTC", "/zoneinfo/Etc/UTC")


class SystemClock:
    """The wall clock and waiting."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def host_zone(localtime: Path = LOCALTIME) -> tzinfo:
    """The zone the C library would use: `TZ` (a name, a path or a POSIX rule), else /etc/localtime, else UTC."""
    if "TZ" not in os.environ and os.path.realpath(localtime).endswith(_UTC_FILES):
        return UTC
    from necism_monitor.adapters.zones import localtime_zone  # noqa: PLC0415 - slow to load, and many hosts keep UTC

    return localtime_zone(localtime)
