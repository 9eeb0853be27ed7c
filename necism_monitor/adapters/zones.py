"""Time zones, as the C library and the time zone database have them."""

from __future__ import annotations

import io
import os
import struct
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

UNSAID_RULE = ",M3.2.0,M11.1.0"  # the C library's dates of a summer time that names none, as `CET-1CEST`


def localtime_zone(localtime: Path) -> tzinfo:
    """The zone of `TZ` (a name, a path or a POSIX rule), else that of the file `localtime`, else UTC."""
    setting = os.environ.get("TZ")
    if setting is None:
        return _from_file(localtime) or UTC
    setting = setting.removeprefix(":")
    if not setting:
        return UTC
    if setting.startswith("/"):
        return _from_file(Path(setting)) or UTC
    return _named(setting) or _from_rule(setting) or _from_rule(setting + UNSAID_RULE) or UTC


def zone(name: str) -> tzinfo:
    """A zone of the IANA database.  Raises ValueError, with what may have been meant, for any other name."""
    found = _named(name)
    if found is None:
        raise ValueError(f"unknown time zone {name!r}: {_hint(name)}")
    return found


def _named(name: str) -> tzinfo | None:
    # ZoneInfo gives KeyError for an unknown name, ValueError for an impossible one, OSError for a folder of zones.
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC if name == "UTC" else None


def _from_file(path: Path) -> tzinfo | None:
    """The zone a compiled file describes, None where there is none; named by its place in the database."""
    try:
        with path.open("rb") as file:
            return ZoneInfo.from_file(file, key=str(path.resolve()).rpartition("/zoneinfo/")[2])
    except (OSError, ValueError, struct.error):
        return None


def _from_rule(rule: str) -> tzinfo | None:
    """The zone of a POSIX rule such as `CET-1CEST,M3.5.0,M10.5.0/3`.

    RFC 8536 ends a compiled file with such a rule, so a file that holds nothing else makes one of it.
    """
    head = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 4)
    block = head + struct.pack(">lbb4s", 0, 0, 0, b"UTC\0")
    try:
        return ZoneInfo.from_file(io.BytesIO(block + block + b"\n" + rule.encode("ascii") + b"\n"), key=rule)
    except ValueError:
        return None


def _hint(name: str) -> str:
    import difflib  # noqa: PLC0415 - slow to import, and needed only for a wrong name

    known = {one.casefold(): one for one in available_timezones()}
    if not known:
        return "this host has no time zone database; install tzdata"
    near = difflib.get_close_matches(name.casefold(), known, n=1)
    return f"did you mean {known[near[0]]!r}?" if near else "write an IANA name such as 'Europe/Paris'"
