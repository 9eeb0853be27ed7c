"""Lines of the log: the shape that operators of these arrays know, or one JSON object a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo

from necism_monitor.domain.names import ResourceId


def logger_name(resource: ResourceId) -> str:
    """`iiststnec02.SYNC#1`, as the log of a service names its resources."""
    service, _, name = resource.rpartition("/")
    return f"{service}.{name.upper()}"


def text_line(at: float, zone: tzinfo, name: str, level: str, text: str) -> str:
    """`2014-09-18 05:14:25,547 - iiststnec02.SYNC#1 - INFO - text`; further lines of a text follow as they are.

    A text that ends with a line end, such as a command's own words, is followed by an empty line.
    """
    when = datetime.fromtimestamp(at, zone)
    stamp = f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03}"
    return f"{stamp} - {name} - {level.upper()} - {printable(text)}" + ("\n" if text.endswith("\n") else "")


def json_line(at: float, name: str, level: str, text: str) -> str:
    """One object with `time` (RFC 3339, UTC), `level`, `logger` and `message`."""
    when = datetime.fromtimestamp(at, UTC)
    stamp = f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
    return json.dumps({"time": stamp, "level": level.lower(), "logger": name, "message": text.rstrip()})


def printable(text: str) -> str:
    """`text` without what could move a terminal's cursor: control characters become escapes, line ends stay."""
    return "\n".join("".join(_shown(char) for char in line) for line in text.rstrip().split("\n"))


def one_line(text: str, limit: int | None = None) -> str:
    """`text` as one printable line, its line ends escaped too; beyond `limit` characters it is cut and says so."""
    shown = "\\n".join("".join(map(_shown, line)) for line in text.rstrip().split("\n"))
    return shown if limit is None or len(shown) <= limit else f"{shown[:limit]}... ({len(shown)} characters)"


def _shown(char: str) -> str:
    if char.isprintable() or char == "\t":
        return char
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
