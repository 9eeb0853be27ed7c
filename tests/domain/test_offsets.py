"""How far an array's clock is ahead, by the dates that creates printed."""

from datetime import UTC
from zoneinfo import ZoneInfo

from necism_monitor.domain.history import ClockMark, History
from necism_monitor.domain.model import Array
from necism_monitor.domain.names import ArrayName, ResourceName
from necism_monitor.domain.offsets import clock_offsets
from necism_monitor.domain.reading import Unread
from tests.domain.builders import DEFAULT, config, pair, resource

FIRST, SECOND = (resource(pair(f"LV{number}"), name=ResourceName(f"sync#{number}")) for number in (1, 2))
PARIS = ZoneInfo("Europe/Paris")
SEED_AT = 1_411_010_103.549
"""2014-09-18 05:15:03,549 in Paris, by `date +%s`: when the seed's log shows the first create's output."""
SEED = History(mark=ClockMark("2014/09/18 05:15:04", SEED_AT))


def test_the_seed_shows_a_clock_that_is_ahead() -> None:
    """The log's own create: a date of 05:15:04 that stood in the log at 05:15:03,549."""
    offsets = clock_offsets(config(FIRST), {FIRST.id: SEED}, PARIS)
    assert list(offsets) == [DEFAULT]
    assert round(offsets[DEFAULT], 3) == 0.451


def test_the_newest_create_of_an_array_counts() -> None:
    """Whichever resource it was of; damaged journals and resources without a create say nothing."""
    later = History(mark=ClockMark("2014/09/18 05:15:42", SEED_AT + 40))
    known = {FIRST.id: SEED, SECOND.id: later}
    assert round(clock_offsets(config(FIRST, SECOND), known, PARIS)[DEFAULT], 3) == -1.549
    damaged = Unread("journal-unreadable", "damaged", "look")
    assert round(clock_offsets(config(FIRST, SECOND), {**known, SECOND.id: damaged}, PARIS)[DEFAULT], 3) == 0.451
    assert clock_offsets(config(FIRST), {FIRST.id: History()}, PARIS) == {}


def test_the_zone_is_the_arrays_own() -> None:
    """An array in another zone than the host is not ahead by hours."""
    far = ArrayName("far")
    known = config(FIRST._replace(array=far), arrays=(Array(far, zone=PARIS),))
    assert round(clock_offsets(known, {FIRST.id: SEED}, UTC)[far], 3) == 0.451


def test_of_an_ambiguous_hour_the_closer_moment_counts() -> None:
    """02:30 on the day on which the clocks go back is 00:30 and 01:30 UTC: neither create is an hour off."""
    for at in (1_414_283_400, 1_414_287_000):
        known = {FIRST.id: History(mark=ClockMark("2014/10/26 02:30:00", at - 1.0))}
        assert clock_offsets(config(FIRST), known, PARIS) == {DEFAULT: 1.0}


def test_a_date_that_is_none_says_nothing() -> None:
    """Whatever stands in a journal, no face falls over it."""
    assert clock_offsets(config(FIRST), {FIRST.id: History(mark=ClockMark("soon", 1.0))}, PARIS) == {}
