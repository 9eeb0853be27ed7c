"""What one reading of an array said: screens as values, and every "could not ask" as a value too.

A `Reading` of something is either the thing or an `Unread`: the reason why nobody knows.  Absence is said by a screen
that parsed whole and does not list the thing, never by a failed command.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from necism_monitor.domain.names import ArrayName, LdName


class Unread(NamedTuple):
    """Why something is not known; `code` is the finding: unreadable, query-failed, timed-out or stale."""

    code: str
    text: str
    hint: str
    not_run: bool = False
    """The command itself did not run: it is missing on this host, or may not be executed."""


class LvRecord(NamedTuple):
    """The `LV:` block under an SV's record."""

    name: LdName
    os_type: str
    special_file: str | None
    """The device on this host; None where the screen has no such line, blank or `-`."""
    access_word: str


class SvRecord(NamedTuple):
    """One SV's record of a `-detail` screen."""

    name: LdName
    os_type: str
    generation: int | None
    attribute: str
    state_word: str
    taken_at: datetime | None
    """Array local time, without zone, as printed in brackets."""
    started_at: datetime | None
    """`<Word> Start Time`: array local time of the last operation."""
    size_bytes: int | None
    """`Snapshot Data Size`; 1 GB is read as 2^30 bytes (inferred)."""
    guard_word: str
    link_word: str
    lv: LvRecord | None


class BvScreen(NamedTuple):
    """One `iSMsc_query -bv BV -detail` screen that parsed; records that did not are kept as `Unread` by name."""

    name: LdName
    os_type: str
    special_file: str | None
    state_word: str
    records: Mapping[LdName, SvRecord | Unread]
    broken: Unread | None
    """Set where some line could not be attributed to a record: the screen proves no absence."""
    labels: tuple[str, ...] = ()
    """Labels nobody knows."""


class Destination(NamedTuple):
    """One row of a linkinfo screen: an LV and what it shows."""

    lv: LdName
    os_type: str
    link_word: str
    partner: LdName | None
    mode_word: str


class LinkScreen(NamedTuple):
    """One `iSMsc_linkinfo` screen: every LV of the BV."""

    rows: Mapping[LdName, Destination]
    broken: Unread | None
    labels: tuple[str, ...] = ()
    """Labels nobody knows."""


class SvScreen(NamedTuple):
    """One plain `iSMsc_query -sv SV` screen: the SV's BV, and whether the SV is listed."""

    bv: LdName | None
    listed: frozenset[LdName]
    broken: Unread | None
    labels: tuple[str, ...] = ()
    """Labels nobody knows."""


class Inventory(NamedTuple):
    """`iSMview -d`: the arrays this host sees, and the rows nobody could read."""

    arrays: tuple[str, ...]
    broken: Unread | None


class Volumes(NamedTuple):
    """What is remembered of an array between readings: a hint where to look, never evidence of a state."""

    bv_of: Mapping[LdName, LdName]
    lvs_seen: Mapping[LdName, frozenset[LdName]]
    """BV -> the LVs it was ever seen to have."""
    arrays: tuple[str, ...] | None = None
    """The arrays this host saw when it last asked; None = never asked."""
    arrays_at: float | None = None
    """When that was, in seconds since the epoch; None = nobody knows."""
    moving: Mapping[LdName, float] = {}
    """SV -> since when it has been seen in transition, where its screen does not say; by this host's clock."""


NOTHING_KNOWN = Volumes({}, {})


class Observation(NamedTuple):
    """One reading of one array; times are seconds since the epoch."""

    array: ArrayName
    started_at: float
    ended_at: float
    bv_of: Mapping[LdName, LdName | Unread | None]
    """SV -> its BV; None = a whole screen says the SV does not exist."""
    bvs: Mapping[LdName, BvScreen | Unread]
    links: Mapping[LdName, LinkScreen | Unread]
    """BV -> its linkinfo screen, where it was asked for."""
    inventory: Inventory | Unread | None
    """None = not asked."""
    commands: Mapping[str, int]
    """Command name -> how often it ran for this reading."""
    volumes: Volumes = NOTHING_KNOWN
    """The map after this reading."""
    newer: Mapping[LdName, float] = {}
    """BV -> when its screen was asked for, where a run put a newer one in than this reading's own."""
    wwns: Mapping[LdName, str] = {}
    """LV -> what this host read from its device, where it sees one."""

    def asked_at(self, bv: LdName) -> float:
        """When the screen of `bv` was asked for, or could have been; seconds since the epoch."""
        return self.newer.get(bv, self.started_at)


def special_files(seen: Observation) -> dict[LdName, str | None]:
    """LV -> its device on the host of the commands, of every LV that a screen shows linked."""
    screens = [screen for screen in seen.bvs.values() if isinstance(screen, BvScreen)]
    records = [record for screen in screens for record in screen.records.values() if isinstance(record, SvRecord)]
    return {record.lv.name: record.lv.special_file for record in records if record.lv}
