"""What a face that must not fall silent shows: the verdicts of now, and the last values that were really read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from necism_monitor.domain.history import History, Totals
from necism_monitor.domain.model import Pair, Resource
from necism_monitor.domain.names import ArrayName, LdName, ResourceId
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.states import SnapshotState
from necism_monitor.domain.verdicts import ResourceVerdict, Verdicts


class KeptPair(NamedTuple):
    """What the last good reading said of one pair; empty texts where a screen says nothing."""

    sv: LdName
    bv: LdName | None
    taken: float | None
    """When the image was taken, in seconds since the epoch; the earlier one of an ambiguous hour."""
    size_bytes: int | None
    os_type: str
    access: str
    special_file: str


class KeptReading(NamedTuple):
    """The last reading of an array in which every query was answered and could be read."""

    ended_at: float
    duration: float


class Books(NamedTuple):
    """What the journals say."""

    histories: Mapping[ResourceId, History | Unread] = {}
    totals: Mapping[ResourceId, Totals | Unread] = {}
    refused: Mapping[str, int] | None = None
    """Refusals by code; None = nobody can tell."""


NO_BOOKS = Books()


class Sight(NamedTuple):
    """Everything the exporter shows at one moment."""

    verdicts: Verdicts
    pairs: Mapping[tuple[ArrayName, LdName], KeptPair]
    """By array and LV."""
    readings: Mapping[ArrayName, KeptReading]
    books: Books = NO_BOOKS

    def kept(self, resource: Resource, pair: Pair) -> KeptPair | None:
        """What is known of `pair`, whenever it was read."""
        return self.pairs.get((resource.array, pair.lv))

    def dates(self, verdict: ResourceVerdict) -> Iterator[float]:
        """The dates by which a resource is judged; of an SV nobody could look at, the last one that was read."""
        for pair in verdict.pairs:
            if pair.snapshot_time is not None:
                yield pair.snapshot_time.earliest
            elif pair.snapshot_state is SnapshotState.UNKNOWN:
                kept = self.kept(verdict.resource, pair.pair)
                if kept is not None and kept.taken is not None:
                    yield kept.taken
