"""What the journal remembers of one resource, as far as a verdict or a guard needs it."""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from necism_monitor.domain.names import LdName


class RunState(enum.Enum):
    """A run without an end: its owner lives, or does not."""

    RUNNING = "running"
    UNFINISHED = "unfinished"


class OpenRun(NamedTuple):
    """A run that has no end yet; times are seconds since the epoch."""

    id: str
    state: RunState
    started_at: float
    deadline: float
    detached: tuple[LdName, ...]
    """The LVs that the journal last knew detached, or does not know about."""
    owner: str
    """Who runs it, for people."""
    step: str = ""
    """What is in flight, for people."""
    owes_post: bool = False
    """`post_resync` has still to run: those whom `pre_resync` stopped wait for it."""

    @property
    def story(self) -> str:
        """What an end that is missing leaves behind, for people."""
        lvs = ", ".join(self.detached) or "none"
        owed = "; post_resync is owed" if self.owes_post else ""
        told = f"by its journal these LVs were detached or unknown: {lvs}{owed}"
        return f"run {self.id} by {self.owner} has no end; {told}"


class ClockMark(NamedTuple):
    """The date that a create printed, in the array's local time, and when its outcome was journalled."""

    stamp: str
    at: float
    """Seconds since the epoch, by this host's clock."""


class Totals(NamedTuple):
    """What all runs of one resource come to; only runs that began a CHANGE count."""

    runs: int = 0
    failures: int = 0
    """Those that ended with another exit than 0, or whose process died."""
    last_duration: float | None = None
    """Seconds from beginning to end of the last run that ended."""
    last_detached: float | None = None
    """The longest time in seconds that an LV was detached in it."""


class History(NamedTuple):
    """The journal's memory of one resource."""

    open_run: OpenRun | None = None
    mixed: bool = False
    """The last ended run left images of different points in time."""
    last_run_at: float | None = None
    last_success_at: float | None = None
    access: Mapping[LdName, str] = {}
    """LV -> access at its last verified reading."""
    devices: Mapping[LdName, str] = {}
    """LV -> special file, as hosts know it: before the last run, or as a run first saw it."""
    wwns: Mapping[LdName, str] = {}
    """The same for what a host read from that device."""
    home: Mapping[LdName, LdName] = {}
    """LV -> the BV under which a run saw it."""
    mark: ClockMark | None = None
    """Of the newest create that printed its date."""


class Activity(NamedTuple):
    """What has been done lately, as far as it holds back callers that are no persons; seconds since the epoch."""

    spent: bool = False
    """The key of the request was used for this resource by a run that began a CHANGE, or that is running."""
    last_change_at: float | None = None
    """When this resource's last run that began a CHANGE ended, or wrote its last line."""
    daily: tuple[float, ...] = ()
    """When the automatic runs of this resource began that began a CHANGE or a hook, of the last 24 h; oldest first."""
    hourly: tuple[float, ...] = ()
    """The same of all resources, of the last hour."""


NO_HISTORY = History()
