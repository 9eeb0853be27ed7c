"""Lines under a seal: JSON with its format and the CRC-32 of what stands before it, so that a changed byte is seen."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from necism_monitor import __version__
from necism_monitor.domain.record import EVENTS, STEPS, FormatError, Header, Line, decode

FORMAT: Final = 2
"""Of what this release writes; it reads every one from 1 on.  2: hooks and World Wide Names."""
LINE_MAX: Final = 4096
"""Bytes; a line is written by one call, so that a crash can only tear the last one."""
_MARK: Final = b',"crc":"'
_TAIL: Final = len(b'01234567"}')
_TEXTS: Final = ("text", "why", "reason", "user")
"""The free texts of a line, which give way where it would be longer than LINE_MAX; a key does not: it is compared."""
_SHORT: Final = 40
_SIGNED: Final = frozenset({"opened", "recovering"})
"""With these a process begins to write: they name its release."""
_KNOWN: Final = frozenset({*EVENTS, "opened", "left", "planned", "seen"})


class Torn(FormatError):
    """The bytes are not those that were written."""


class Newer(FormatError):
    """Intact, but of a later release."""


def close_seal(record: dict[str, Any]) -> bytes:
    """`record` as one line under its seal, without a newline."""
    body = json.dumps(record, separators=(",", ":"))[:-1].encode()
    return body + _MARK + b'%08x"}' % zlib.crc32(body)


def open_seal(data: bytes) -> dict[str, Any]:
    """The record of a sealed line.  Raises Torn where it is not intact."""
    body, mark, crc = data.rpartition(_MARK)
    if not mark or crc != b'%08x"}' % zlib.crc32(body):
        raise Torn("its checksum is wrong")
    record: dict[str, Any] = json.loads(body + b"}")
    return record


def holds_whole(data: bytes) -> bool:
    """Whether an intact line is the beginning of `data` and something follows: no crash leaves that behind."""
    at = data.find(_MARK)
    while at >= 0:
        end = at + len(_MARK) + _TAIL
        if end < len(data) and data[end - _TAIL : end] == b'%08x"}' % zlib.crc32(data[:at]):
            return True
        at = data.find(_MARK, at + 1)
    return False


def seal(number: int, record: dict[str, Any]) -> bytes:
    """One line of a journal: the record with format and number, under its seal.

    Texts for people are shortened until it fits; what they said stands in the log.
    """
    signed = {"necism": __version__} if record.get("event") in _SIGNED else {}
    sealed = close_seal({"v": FORMAT, "n": number, **signed, **record}) + b"\n"
    longest = max(_TEXTS, key=lambda name: len(record.get(name) or ""))
    text = record.get(longest) or ""
    if len(sealed) < LINE_MAX or len(text) < _SHORT:
        return sealed
    return seal(number, {**record, longest: text[: len(text) * 3 // 4] + "..."})


def unseal(data: bytes, number: int) -> Line:
    """The line that `data`, without its newline, holds.

    Raises Torn where it is not intact, Newer where a later release wrote it, FormatError where it makes no sense.
    """
    record = open_seal(data)
    version, count, _ = record.pop("v"), record.pop("n"), record.pop("necism", None)
    if version not in range(1, FORMAT + 1):
        raise (Newer if isinstance(version, int) and version > FORMAT else FormatError)(f"journal format {version}")
    if count != number:
        raise FormatError(f"it is number {count}, expected {number}")
    strange = _strange(record)
    if strange:
        raise Newer(f"journal format {version}, {strange}")
    return decode(record)


def signature(data: bytes) -> str | None:
    """The release that a line names as its writer; None where it names none."""
    try:
        return str(open_seal(data)["necism"])
    except (FormatError, KeyError, ValueError):
        return None


def _strange(record: dict[str, Any]) -> str:
    """What this release does not know of a record that is intact; empty where it knows all of it."""
    event, step = str(record["event"]), record.get("step")
    if event not in _KNOWN:
        return f"event {event!r}"
    if step is not None and step not in STEPS:
        return f"step {step!r}"
    fields = sorted(record.keys() - {"at", "event", "argv", *Header._fields}) if event == "opened" else []
    return f"field {fields[0]!r}" if fields else ""
