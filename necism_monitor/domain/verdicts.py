"""What `judge` says: one tree of values that every face shows.  Times are seconds since the epoch, None = not known."""

from collections.abc import Mapping
from typing import NamedTuple

from necism_monitor.domain.findings import Finding, Verdict
from necism_monitor.domain.history import OpenRun
from necism_monitor.domain.model import Pair, Resource
from necism_monitor.domain.names import ArrayName, LdName, ServiceName
from necism_monitor.domain.stamps import Instant
from necism_monitor.domain.states import LinkState, SnapshotState


class PairVerdict(NamedTuple):
    """One pair: what it shows and what is wrong with it."""

    pair: Pair
    sv: LdName
    """The SV shown, or to be shown."""
    bv: LdName | None
    linked_to: LdName | None
    link: LinkState
    access: str | None
    snapshot_state: SnapshotState
    snapshot_time: Instant | None
    size_bytes: int | None
    os_type: str | None
    special_file: str | None
    status: Verdict
    findings: tuple[Finding, ...]

    def age(self, now: float) -> float | None:
        """Seconds since the image was taken, never negative."""
        return None if self.snapshot_time is None else max(0.0, now - self.snapshot_time.earliest)


class ResourceVerdict(NamedTuple):
    """One resource; its findings do not repeat its pairs'."""

    resource: Resource
    status: Verdict
    findings: tuple[Finding, ...]
    pairs: tuple[PairVerdict, ...]
    run: OpenRun | None
    observed_at: float | None

    @property
    def oldest(self) -> float | None:
        """The date of the oldest image."""
        return min((pair.snapshot_time.earliest for pair in self.pairs if pair.snapshot_time), default=None)

    @property
    def skew(self) -> float | None:
        """Distance in seconds between the oldest and the newest image."""
        times = [pair.snapshot_time.earliest for pair in self.pairs if pair.snapshot_time]
        return max(times) - min(times) if times else None

    def age(self, now: float) -> float | None:
        """The greatest age of its pairs, in seconds."""
        return None if self.oldest is None else max(0.0, now - self.oldest)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Its own and its pairs'."""
        return self.findings + tuple(one for pair in self.pairs for one in pair.findings)


class ServiceVerdict(NamedTuple):
    """One service."""

    name: ServiceName
    status: Verdict
    resources: tuple[ResourceVerdict, ...]


class ArrayVerdict(NamedTuple):
    """One array: whether its last reading succeeded, and when it was."""

    name: ArrayName
    up: bool
    observed_at: float | None
    duration: float | None
    clock_offset: float | None
    findings: tuple[Finding, ...]


class Verdicts(NamedTuple):
    """Everything, in configuration order."""

    status: Verdict
    judged_at: float
    observed_at: float | None
    """The oldest of the arrays' readings."""
    valid_until: float | None
    """When passing time alone would change a verdict; None = never."""
    arrays: tuple[ArrayVerdict, ...]
    services: tuple[ServiceVerdict, ...]
    commands: Mapping[str, int]

    @property
    def resources(self) -> tuple[ResourceVerdict, ...]:
        """All resources, in configuration order."""
        return tuple(resource for service in self.services for resource in service.resources)
