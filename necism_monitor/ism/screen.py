"""What all screens have in common: lines, `Label : value` blocks, dates, sizes, and how a fault is quoted.

A screen is whole only if its last line ends with a newline, as every captured one does: a last line without one is
taken as cut, whatever it holds.  A screen cut exactly between two lines cannot be told from a shorter one here; the
labels a record must have catch that inside a record, and a second query catches it between records.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from necism_monitor.domain.names import LdName, NameRuleError
from necism_monitor.domain.reading import Unread
from necism_monitor.ism import grammar

QUOTE_MAX = 120
HINT = (
    "run the command by hand with LC_ALL=C and compare with the documented screens; "
    "`necism capture` keeps the raw output for a report"
)
HINT_UNRECOGNISED = (
    "unrecognised output: the command must run with LC_ALL=C (localised output has other labels); "
    "`necism capture` keeps the raw output for a report"
)
CUT = "the screen ends within this line"


def quoted(text: str) -> str:
    """`text` as a printable literal of about 120 characters at most."""
    shown = repr(text[: QUOTE_MAX + 1])
    return shown if len(shown) <= QUOTE_MAX + 2 else f"{shown[: QUOTE_MAX - 2]}..."


def unreadable(text: str, hint: str = HINT) -> Unread:
    """The finding `unreadable`: a fact about the screen, and what to do."""
    return Unread("unreadable", text, hint)


class Line(NamedTuple):
    """One line of a screen, without the blanks around it."""

    number: int
    text: str
    trouble: str | None
    """Why nothing on this line can be believed: cut, garbled or too long."""
    indent: int = 0
    """How many blanks stood before it."""

    def blame(self, reason: str) -> str:
        """`reason`, with the line it is about."""
        return f"line {self.number} {quoted(self.text)}: {reason}"


def lines(text: str) -> Iterator[Line]:
    """The lines of a screen that say something; a cut last line is given even where it is blank so far.

    A carriage return before the newline is tolerated (inferred): a terminal on the way adds one.
    """
    *whole, rest = text.split("\n")
    for number, raw in enumerate(whole, 1):
        line = raw.removesuffix("\r")
        if line.strip(" \t"):
            yield Line(number, line.strip(" \t"), _trouble(line), len(line) - len(line.lstrip(" ")))
    if rest:
        yield Line(len(whole) + 1, rest.strip(" \t"), CUT)


def _trouble(line: str) -> str | None:
    if len(line) > grammar.LINE_MAX:
        return f"{len(line)} characters are more than any screen prints in a line"
    if not (line.isprintable() and grammar.REPLACEMENT not in line) and grammar.GARBLED.search(line):
        return "holds characters no screen prints"
    return None


def is_remark(line: Line) -> bool:
    """An informal message between the lines of a screen: `command:Info: iSMnnnnn: text`."""
    message = grammar.MESSAGE.fullmatch(line.text)
    return line.trouble is None and message is not None and message["level"].lower() == "info"


def is_complaint(line: Line) -> bool:
    """A message of another class than Info between the lines of a screen: the screen may not be all there is."""
    return grammar.MESSAGE.fullmatch(line.text) is not None and not is_remark(line)


def ld_name(text: str) -> LdName | None:
    """The logical disk name `text` is; None where it breaks a naming rule."""
    try:
        return LdName(text)
    except NameRuleError:
        return None


def special_file(value: str | None) -> str | None:
    """A device path; None where the line is missing, blank or `-` (captured: `-` and a missing line)."""
    return None if value in {None, "", "-"} else value


class Block:
    """The `Label : value` lines under one heading, as they are read."""

    def __init__(self, kind: str, labels: frozenset[str], foreign: frozenset[str] = frozenset()) -> None:
        self.kind = kind
        self.fields: dict[str, str] = {}
        self.unknown: list[str] = []
        self.fault: str | None = None
        self._labels, self._foreign = labels, foreign
        self._seen: set[str] = set()

    def take(self, line: Line) -> str | None:
        """Take one line; the reason where it cannot be taken.

        A label that comes twice counts for nothing: the heading between the two was lost.
        """
        label, value = split_label(line.text)
        if label is None:
            return "is no `Label : value` line"
        if label not in self._labels and not (self.kind == "SV" and grammar.TIME_LABEL.fullmatch(label)):
            return self._take_unknown(label)
        if label in self._seen:
            self.fields.pop(label, None)
            return f"the label comes twice in one {self.kind} block"
        self._seen.add(label)
        if label == "Type" and len(value.split()) > 1:
            return "an OS type is one word"
        self.fields[label] = value
        return None

    def _take_unknown(self, label: str) -> str | None:
        if label in self._foreign or grammar.TIME_LABEL.fullmatch(label):
            return f"the label does not belong to {self.kind} blocks"
        self.unknown.append(label)
        return None

    def missing(self, required: tuple[str, ...]) -> str | None:
        """Which required labels the block lacks, as a text; None = none."""
        absent = [label for label in required if label not in self.fields]
        return f"{', '.join(absent)} not found" if absent else None


def split_label(text: str) -> tuple[str | None, str]:
    """Label, with runs of blanks collapsed, and value of a `Label : value` line; label None where it is none."""
    match = grammar.LABEL.fullmatch(text)
    label = " ".join(match["label"].split()) if match else ""
    return (label, match["value"].strip(" \t")) if match and label else (None, "")


def stamp(text: str) -> datetime | None:
    """The array-local time a screen prints; None where `text` is no date."""
    match = grammar.STAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # the judge applies the array's zone
    except ValueError:
        return None


class Status(NamedTuple):
    """A state word, the date in brackets behind it, and what follows the bracket."""

    word: str
    taken_at: datetime | None
    rest: str


def split_status(value: str) -> Status | None:
    """Split `snap/active        [2014/09/09 17:27:45]`; None where there is a bracket without a date in it.

    `[ - ]`, `[]`, `-` and no bracket at all say "no date".
    """
    word, bracket, tail = value.partition("[")
    if not bracket:
        plain = value.strip(" \t")
        return Status(plain[:-1].strip(" \t") if plain.endswith((" -", "\t-")) else plain, None, "")
    inside, closing, rest = tail.partition("]")
    taken_at = stamp(inside.strip(" \t"))
    if not closing or (taken_at is None and not grammar.NO_STAMP.fullmatch(inside)):
        return None
    return Status(word.strip(" \t"), taken_at, rest.strip(" \t"))


def size_bytes(text: str) -> int | None:
    """`47.4GB` in bytes, rounded half up; 1 GB is read as 2^30 bytes (inferred); None where `text` is no size."""
    match = grammar.SIZE.fullmatch(text)
    if match is None:
        return None
    part = match["part"] or ""
    scale: int = 10 ** len(part)
    scaled = int(match["whole"] + part) * grammar.SIZE_UNITS[match["unit"]]
    return (2 * scaled + scale) // (2 * scale)
