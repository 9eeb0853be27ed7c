"""What `necism doctor` says: one item for each thing it looked at, with evidence, and a remedy where one is needed."""

import enum
from collections.abc import Iterable
from typing import NamedTuple

from necism_monitor.domain.reading import Unread


class Health(enum.Enum):
    """Whether a prerequisite holds; `unknown` = it could not be checked, which is never taken for `ok`."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


class Item(NamedTuple):
    """One prerequisite of one subject."""

    check: str
    subject: str
    verdict: Health
    evidence: str
    remedy: str | None
    """What to do; None where there is nothing to do."""


class Checkup(NamedTuple):
    """Everything that was looked at, in the order of the table of checks."""

    checked_at: float
    """Seconds since the epoch."""
    items: tuple[Item, ...]

    @property
    def verdict(self) -> Health:
        """A problem outranks what could not be checked, and that outranks ok."""
        return worst(item.verdict for item in self.items)


def worst(verdicts: Iterable[Health]) -> Health:
    """The verdict that outranks the others; ok where there are none."""
    seen = set(verdicts)
    return next((one for one in (Health.PROBLEM, Health.UNKNOWN) if one in seen), Health.OK)


def good(check: str, subject: str, evidence: str) -> Item:
    """It was looked at, and holds."""
    return Item(check, subject, Health.OK, evidence, None)


def problem(check: str, subject: str, evidence: str, remedy: str) -> Item:
    """It was looked at, and does not hold."""
    return Item(check, subject, Health.PROBLEM, evidence, remedy)


def unknown(check: str, subject: str, evidence: str, remedy: str) -> Item:
    """It could not be looked at; `evidence` says why."""
    return Item(check, subject, Health.UNKNOWN, evidence, remedy)


def unasked(check: str, subject: str, why: Unread) -> Item:
    """A question that was not answered."""
    return unknown(check, subject, why.text, why.hint)


class Place(NamedTuple):
    """A file or directory, and what this user may do with it."""

    path: str
    trouble: str | None = None
    """Why nothing is known of it, `No such file or directory` where it is not there."""
    missing: bool = False
    mode: int = 0
    """The permission bits."""
    owner: str = ""
    group: str = ""
    directory: bool = False
    readable: bool = False
    writable: bool = False

    @property
    def rights(self) -> str:
        """Owner, mode, and this user's part, for people."""
        may = " and ".join(word for word, held in (("read", self.readable), ("write", self.writable)) if held)
        return f"{self.owner}:{self.group} {self.mode:04o}, this user may {may or 'neither read nor write'}"


class HostFile(NamedTuple):
    """A text file of this host in which something may be scheduled."""

    path: str
    kind: str
    """`cron`, `opensvc` or `systemd`."""
    text: str


class Schedules(NamedTuple):
    """Everything of this host that starts things at times."""

    files: tuple[HostFile, ...] = ()
    enabled: frozenset[str] = frozenset()
    """The names of systemd units that something wants."""
    unread: tuple[Unread, ...] = ()
