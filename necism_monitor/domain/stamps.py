"""Times as the array prints them: local, without a zone.  Both readings of an ambiguous hour are kept."""

from datetime import datetime, tzinfo
from typing import NamedTuple

PRINTED = "%Y/%m/%d %H:%M:%S"


class Instant(NamedTuple):
    """A printed local time as seconds since the epoch; the two differ only where clocks were put back or forward."""

    earliest: float
    """For the age: an image may be this old."""
    latest: float
    """For the minimum delay: an image may be this young."""


def instant(printed: datetime, zone: tzinfo) -> Instant:
    """The instants that `printed`, a time without zone, can mean on a clock in `zone`."""
    times = [printed.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)]
    return Instant(min(times), max(times))


def printed_form(taken_at: datetime | None) -> str | None:
    """The text by which the array shows `taken_at`; the identity of an image in the journal."""
    return None if taken_at is None else taken_at.strftime(PRINTED)
