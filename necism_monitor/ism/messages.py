"""Numbered messages (`iSMnnnnn`) of the iSM commands, and what a CHANGE command says about itself.

Only these numbers are known; the pages of the vendor's handbook that list the others are not public.  An unknown
number is quoted, never interpreted.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import Unread
from necism_monitor.ism import grammar
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.screen import (
    Line,
    is_complaint,
    is_remark,
    lines,
    quoted,
    split_label,
    split_status,
    unreadable,
)


class MessageClass(enum.Enum):
    """What a message means for the one who sent the command."""

    SUCCESS_CREATE = "create succeeded"
    SUCCESS_LINK = "link succeeded"
    SUCCESS_UNLINK = "unlink succeeded"
    BUSY = "busy"
    KNOWN_PERMANENT = "known failure"
    INFO = "information"


class Message(NamedTuple):
    """One known message: its number, its class and its meaning in our words."""

    id: str
    kind: MessageClass
    sentence: str


_BUSY = "the array or its management is busy; the vendor's own OpenStack driver sends the command again"

_TABLE: Final = (
    Message("iSM19010", MessageClass.SUCCESS_CREATE, "iSMsc_create ended normally (captured 2014)"),
    Message("iSM20020", MessageClass.SUCCESS_LINK, "iSMsc_link ended normally (captured 2014)"),
    Message("iSM20030", MessageClass.SUCCESS_UNLINK, "iSMsc_unlink ended normally (captured 2014)"),
    Message("iSM19411", MessageClass.BUSY, _BUSY),
    Message("iSM31005", MessageClass.BUSY, _BUSY),
    Message("iSM31015", MessageClass.BUSY, _BUSY),
    Message("iSM42408", MessageClass.BUSY, _BUSY),
    Message("iSM42412", MessageClass.BUSY, _BUSY),
    Message("iSM31064", MessageClass.KNOWN_PERMANENT, "a logical disk could not be removed from an LD set"),
    Message("iSM31065", MessageClass.KNOWN_PERMANENT, "the logical disk is not in the LD set"),
    Message("iSM31077", MessageClass.KNOWN_PERMANENT, "the logical disk number is already used"),
    Message("iSM13645", MessageClass.KNOWN_PERMANENT, "a pair cannot be registered in an atomic group"),
    Message("iSM13686", MessageClass.KNOWN_PERMANENT, "an error in a metafile or SQL option"),
    Message("iSM13687", MessageClass.KNOWN_PERMANENT, "an error in a metafile or SQL option"),
    Message("iSM13688", MessageClass.KNOWN_PERMANENT, "an error in a metafile or SQL option"),
    Message("iSM13689", MessageClass.KNOWN_PERMANENT, "an error in a metafile or SQL option"),
    Message("iSM10316", MessageClass.INFO, "the state of a replication pair changed"),
    Message("iSM10325", MessageClass.INFO, "the state of an atomic group changed"),
    Message("iSM07452", MessageClass.INFO, "a physical disk is inactive"),
    Message("iSM07950", MessageClass.INFO, "a write to a retention-protected logical disk was refused"),
)
MESSAGES: Final[Mapping[str, Message]] = {message.id: message for message in _TABLE}
BUSY_IDS: Final = frozenset(message.id for message in _TABLE if message.kind is MessageClass.BUSY)
"""The five numbers on which the vendor's own OpenStack driver repeats a command that exited nonzero."""


def find_ids(text: str) -> tuple[str, ...]:
    """Every message number in `text`, whole tokens only, once each, in order."""
    return tuple(dict.fromkeys(grammar.MESSAGE_ID.findall(text)))


def ids_of(output: Output) -> tuple[str, ...]:
    """Every message number in either stream: which one carries errors is not documented."""
    return find_ids(f"{output.stdout}\n{output.stderr}")


def is_busy(output: Output) -> bool:
    """The command exited nonzero and names one of the five busy numbers in either stream."""
    failed = output.ending is Ending.EXITED and not output.succeeded
    return failed and not BUSY_IDS.isdisjoint(ids_of(output))


def terminated_normally(output: Output, kind: MessageClass) -> bool:
    """Exit 0, and a message of class Info with a number of `kind`, and no message of another class beside it.

    All success messages were captured on standard output; standard error is read too, because nothing documents it.
    """
    if not output.succeeded or output.truncated:
        return False
    found = [
        match
        for stream in (output.stdout, output.stderr)
        for line in lines(stream)
        if line.trouble is None and (match := grammar.MESSAGE.fullmatch(line.text))
    ]
    said = {MESSAGES[match["id"]].kind for match in found if match["id"] in MESSAGES}
    return kind in said and all(match["level"].lower() == "info" for match in found)


class Created(NamedTuple):
    """What a successful `iSMsc_create` printed about its SV."""

    state_word: str
    taken_at: datetime | None
    """Array local time, without zone, as printed in brackets; None where no date is printed."""


def parse_created(text: str, bv: LdName, sv: LdName) -> Created | Unread:
    """Read state and date of `sv` off the block that follows iSM19010 (captured 2014-09).

    Unread where the block names other volumes, is cut, or holds a line that cannot be read: the fact is then found
    out by a reading.
    """
    names: dict[str, str] = {}
    fields: dict[str, str] = {}
    role = ""
    for line in lines(text):
        volume = grammar.CREATED_VOLUME.fullmatch(line.text)
        if is_remark(line):
            continue
        if line.trouble is None and volume is not None and volume["role"] not in names:
            role = volume["role"]
            names[role] = volume["name"]
            continue
        fault = "the command complains" if is_complaint(line) else _take_field(line, role, fields)
        if fault is not None:
            return unreadable(f"creation of {sv}: {line.blame(fault)}")
    if names != {"BV": bv, "SV": sv}:
        return unreadable(f"creation of {sv}: the screen names {quoted(str(names))}")
    return _created(fields, sv)


def _take_field(line: Line, role: str, fields: dict[str, str]) -> str | None:
    """Put a `Label : value` line under `fields`, as "ROLE label"; the reason where it is none."""
    if line.trouble is not None:
        return line.trouble
    label, value = split_label(line.text)
    if label is None or not role or label in grammar.ROLES:
        return "belongs to no volume"
    if f"{role} {label}" in fields:
        return "the label comes twice"
    fields[f"{role} {label}"] = value
    return None


def _created(fields: Mapping[str, str], sv: LdName) -> Created | Unread:
    if "SV Status" not in fields:
        return unreadable(f"creation of {sv}: Status not found")
    status = split_status(fields["SV Status"])
    if status is None or status.rest:
        return unreadable(f"creation of {sv}: Status {quoted(fields['SV Status'])}: no date in the brackets")
    return Created(status.word, status.taken_at)
