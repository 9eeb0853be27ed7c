"""What a face that must not fall silent shows: the verdicts of now, and the last values that were really read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from necism_monitor.domain.history import History
from necism_monitor.domain.model import Pair, Resource
from necism_monitor.domain.names import ArrayName, LdName, ResourceId
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.verdicts import Verdicts


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


class Sight(NamedTuple):
    """Everything the exporter shows at one moment."""

    verdicts: Verdicts
    pairs: Mapping[tuple[ArrayName, LdName], KeptPair]
    """By array and LV."""
    readings: Mapping[ArrayName, KeptReading]
    histories: Mapping[ResourceId, History | Unread]

    def kept(self, resource: Resource, pair: Pair) -> KeptPair | None:
        """What is known of `pair`, whenever it was read."""
        return self.pairs.get((resource.array, pair.lv))

    def dates(self, resource: Resource) -> Iterator[float]:
        """The dates of the images that `resource` showed when it was last read."""
        for pair in resource.pairs:
            kept = self.kept(resource, pair)
            if kept is not None and kept.taken is not None:
                yield kept.taken
