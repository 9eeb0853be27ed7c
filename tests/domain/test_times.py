"""Ages, skew and the future on the array's own clock, clocks put back and forward, and until when a verdict holds."""

import math
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.history import NO_HISTORY, History
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import Array, Limits, Settings
from necism_monitor.domain.names import ArrayName, ResourceName
from necism_monitor.domain.reading import Observation, SvRecord
from necism_monitor.domain.stamps import Instant, instant, printed_form
from necism_monitor.domain.verdicts import Verdicts
from tests.domain.builders import (
    DEFAULT,
    HOUR,
    MINUTE,
    NOW,
    World,
    config,
    healthy,
    linked,
    lv,
    observation,
    pair,
    resource,
    running,
    screen,
    sv,
    unfinished,
)

PARIS: Final = ZoneInfo("Europe/Paris")
ONE: Final = resource(pair("LV1"))


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type] # year to second, in order


def shown_at(taken: datetime, now: float, zone: tzinfo, **limits: float) -> World:
    """SV1 shown by LV1, dated `taken` by an array in `zone`."""
    record = sv("SV1", HOUR, lv("LV1"))._replace(taken_at=taken, started_at=taken)
    seen = observation(screen("BV1", record), ended_at=now)
    return World(seen, ONE._replace(limits=Limits()._replace(**limits)), now=now, zone=zone)


def test_the_night_the_clocks_go_back() -> None:
    """2024-10-27 02:30 in Paris is 00:30 or 01:30 UTC: older for the age, newer for the minimum delay."""
    assert instant(datetime(2024, 10, 27, 2, 30), PARIS) == Instant(utc(2024, 10, 27, 0, 30), utc(2024, 10, 27, 1, 30))
    now = utc(2024, 10, 27, 1, 45)
    world = shown_at(datetime(2024, 10, 27, 2, 30), now, PARIS, max_delay=HOUR, min_delay=30 * MINUTE)
    assert world.verdict().age(now) == 75 * MINUTE
    assert {code for code, _ in world.codes()} == {"too-old"}
    assert world.refused() == "too-soon"
    later = world._replace(now=now + 15 * MINUTE)
    assert later.refused() is None


def test_a_transition_in_that_night_is_as_old_as_it_can_be() -> None:
    """Begun at 02:30 in Paris, seen at 01:35 UTC: five minutes or an hour and five ago, so its grace is over."""
    record = sv("SV1", HOUR, lv("LV1"), state="snap/deleting")._replace(started_at=datetime(2024, 10, 27, 2, 30))
    now = utc(2024, 10, 27, 1, 35)
    world = World(observation(screen("BV1", record), ended_at=now), ONE, now=now, zone=PARIS)
    assert ("changing", "LV1") in world.codes()


def test_the_night_the_clocks_go_forward() -> None:
    """2024-03-31 02:30 does not exist in Paris: read by the offsets on both sides, 00:30 or 01:30 UTC."""
    assert instant(datetime(2024, 3, 31, 2, 30), PARIS) == Instant(utc(2024, 3, 31, 0, 30), utc(2024, 3, 31, 1, 30))


def test_ordinary_times_mean_one_instant() -> None:
    """The seed's own stamp, 2014-09-18 05:15:04 in Paris, is 03:15:04 UTC, whichever way it is asked."""
    assert instant(datetime(2014, 9, 18, 5, 15, 4), PARIS) == Instant(*[utc(2014, 9, 18, 3, 15, 4)] * 2)
    assert printed_form(datetime(2014, 9, 18, 5, 15, 4)) == "2014/09/18 05:15:04"
    assert printed_form(None) is None


@pytest.mark.parametrize("year", [1, 1900, 1970, 9999])
def test_absurd_years_are_dates_too(year: int) -> None:
    """A date no clock should show makes a finding, never an error."""
    world = shown_at(datetime(year, 1, 1), NOW, PARIS)
    assert {code for code, _ in world.codes()} == ({"future"} if year == 9999 else {"too-old"})


def test_each_array_has_its_own_zone() -> None:
    """One printed time on an array in Tokyo and on one in the host's zone are nine hours apart."""
    noon = datetime(2024, 3, 1, 12, 0)
    record = sv("SV1", HOUR, lv("LV1"))._replace(taken_at=noon)
    far = ArrayName("tokyo")
    here, there = resource(pair("LV1")), resource(pair("LV1"), name=ResourceName("sync#2"), array=far)
    seen = observation(screen("BV1", record))
    known = config(here, there, arrays=(Array(far, zone=ZoneInfo("Asia/Tokyo")),))
    verdicts = judge(known, (here, there), Evidence({DEFAULT: seen, far: seen._replace(array=far)}, {}), UTC, NOW)
    assert [one.age(NOW) for one in verdicts.resources] == [0, 9 * HOUR]


def test_a_future_date_has_age_zero_and_is_too_soon() -> None:
    """Ages are never negative; a date ahead is no proof of age, so a resync by date alone is refused."""
    world = World(observation(screen("BV1", linked(1, -HOUR))), ONE)
    assert (world.verdict().age(NOW), world.pair().age(NOW)) == (0, 0)
    assert {code for code, _ in world.codes()} == {"future"}
    assert world.refused() == "too-soon"
    assert world.refused(force=True) is None


def test_the_second_of_clock_offset_is_no_finding() -> None:
    """The seed's array ran half a second ahead of its host: within the tolerance nothing is said."""
    assert World(observation(screen("BV1", linked(1, -1))), ONE).codes() == set()


def test_a_limit_is_still_allowed_and_the_moment_after_is_not() -> None:
    """`valid_until` is the first moment at which a verdict is another one, limits themselves are within."""
    of = resource(limits=Limits(max_delay=10 * HOUR))
    world = World(healthy(ended_at=NOW), of, settings=Settings(stale_after=HOUR))
    at_limit = world._replace(now=NOW + HOUR)
    until = world.verdicts().valid_until
    assert until == math.nextafter(NOW + HOUR, math.inf)
    assert at_limit.codes() == set()
    assert at_limit.verdicts().valid_until == until
    assert {code for code, _ in world._replace(now=until).codes()} == {"stale"}


@pytest.mark.parametrize(
    ("world", "after", "codes"),
    [
        (World(observation(screen("BV1", linked(1, 25 * HOUR - 60))), ONE), 60, {"too-old"}),
        (World(healthy(), history=running(NOW + 90)), 90, {"stuck"}),
        (World(observation(screen("BV1", linked(1, state="snap/deleting", began=540))), ONE), 60, {"changing"}),
        (World(observation(screen("BV1", linked(1, -400))), ONE), 100, set()),
        (World(observation(screen("BV1", linked(1, state="snap/deleting", began=-310))), ONE), 10, set()),
        (World(healthy(ended_at=NOW + 310)), 10, set()),
    ],
)
def test_valid_until_is_where_time_alone_changes_a_verdict(world: World, after: float, codes: set[str]) -> None:
    """Just before it everything is as now, at it the finding is there or gone."""
    until = world.verdicts().valid_until
    assert until is not None
    assert until == pytest.approx(NOW + after, abs=0.001)
    assert world._replace(now=until - 0.01).codes() == world.codes()
    changed = {code for code, _ in world._replace(now=until).codes()}
    assert changed == codes
    assert changed != {code for code, _ in world.codes()}


# --- random worlds ---------------------------------------------------------------------------------------------------

AGES = st.one_of(st.integers(-2 * HOUR, 30 * HOUR), st.sampled_from([25 * HOUR, -300, 0, 600]))
STATES = st.sampled_from(["snap/active", "snap/deleting", "rst/exec", "snap/fault", "-", "odd"])
RECORDS = st.builds(
    lambda number, age, began, state, shown: sv(
        f"SV{number}", None if state == "-" else age, lv(f"LV{number}") if shown else None, state=state, began=began
    ),
    st.sampled_from([1, 2]),
    AGES,
    AGES,
    STATES,
    st.booleans(),
)
HISTORIES = st.one_of(
    st.just(NO_HISTORY),
    st.just(History(mixed=True)),
    st.just(unfinished("LV1")),
    st.integers(-HOUR, 2 * HOUR).map(lambda left: running(NOW + left)),
)


def story(verdicts: Verdicts) -> object:
    """Statuses and codes of everything, without ages and texts."""
    resources = [
        (one.status, [(found.code, found.subject) for found in one.all_findings], [each.status for each in one.pairs])
        for one in verdicts.resources
    ]
    return verdicts.status, resources, [(one.up, [found.code for found in one.findings]) for one in verdicts.arrays]


def reading(records: list[SvRecord], age: float) -> Observation:
    """The records on the BV of their number, read `age` seconds ago."""
    screens = [screen(f"BV{number}", *(one for one in records if one.name == f"SV{number}")) for number in (1, 2)]
    seen = {"BV1": ("LV1",), "BV2": ("LV2",)}
    return observation(*screens, seen=seen, bv_of={"SV1": "BV1", "SV2": "BV2"}, ended_at=NOW - age)


@given(
    st.lists(RECORDS, max_size=2),
    HISTORIES,
    st.one_of(st.integers(-HOUR, HOUR), st.sampled_from([900, -300, 0])),
    st.floats(0, 1),
    st.sampled_from([UTC, PARIS]),
)
def test_nothing_changes_before_valid_until(
    records: list[SvRecord], history: History, age: int, share: float, zone: tzinfo
) -> None:
    """For random worlds: statuses and finding codes are the same at every time from now until just before it."""
    world = World(reading(records, age), history=history, zone=zone)
    now_said = world.verdicts()
    until = now_said.valid_until
    last = NOW + 400 * 24 * HOUR if until is None else math.nextafter(until, -math.inf)
    assert until is None or until > NOW
    for moment in (NOW + share * (last - NOW), last):
        assert story(world._replace(now=moment).verdicts()) == story(now_said)


@given(st.lists(RECORDS, max_size=2), HISTORIES, st.integers(-HOUR, HOUR))
def test_the_chain_of_valid_untils_ends(records: list[SvRecord], history: History, age: int) -> None:
    """A face that judges again at each valid_until has a bounded number of things to do."""
    world, steps = World(reading(records, age), history=history), 0
    while (until := world.verdicts().valid_until) is not None:
        world, steps = world._replace(now=until), steps + 1
        assert steps < 40
    assert world.verdict().status in {Verdict.UP, Verdict.WARN, Verdict.UNKNOWN}


def test_printed_times_survive_the_builders() -> None:
    """The builders print what an array in UTC would: an hour before noon is eleven."""
    assert sv("SV1", HOUR).taken_at == datetime(2024, 3, 1, 11, 0)
    assert sv("SV1", -HOUR).taken_at == datetime(2024, 3, 1, 12, 0) + timedelta(hours=1)
