"""Windows on real clocks, distances, and sliding budgets; the expected times are those of the wall clock of Paris."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.adapters.config_window import windows
from necism_monitor.domain.automation import (
    cooling_down,
    is_key,
    is_open,
    moment,
    next_opening,
    outside_window,
    over_budget,
)
from necism_monitor.domain.history import Activity
from necism_monitor.domain.model import DAY, HOUR, MINUTE, Automation, Window

PARIS: Final = ZoneInfo("Europe/Paris")
CET, CEST = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
NOW: Final = datetime(2024, 3, 1, 12, 0, tzinfo=UTC).timestamp()


def at(text: str, zone: timezone = CET) -> float:
    """A moment of Paris whose distance from UTC is said, so that no rule about summer time is needed to know it."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def paris(text: str) -> tuple[Window, ...]:
    """Windows as they are written, each in Paris."""
    return windows(", ".join(f"{part} Europe/Paris" for part in text.split(", ")))


def opened(text: str, now: float) -> bool:
    return outside_window(paris(text), now) is None


# 2024-03-01 is a Friday.
@pytest.mark.parametrize(
    ("window", "now", "is_in"),
    [
        ("fri 22:00-23:00", "2024-03-01 21:59:59", False),
        ("fri 22:00-23:00", "2024-03-01 22:00:00", True),
        ("fri 22:00-23:00", "2024-03-01 22:59:59", True),
        ("fri 22:00-23:00", "2024-03-01 23:00:00", False),
        ("fri 22:00-23:00", "2024-03-02 22:30:00", False),
        ("00:00-24:00", "2024-03-01 00:00:00", True),
        ("00:00-24:00", "2024-03-01 23:59:59", True),
        ("fri 00:00-24:00", "2024-03-02 00:00:00", False),
        # It belongs to its start day: the night from Friday to Saturday is Friday's.
        ("fri 22:00-05:00", "2024-03-01 22:00:00", True),
        ("fri 22:00-05:00", "2024-03-02 04:59:59", True),
        ("fri 22:00-05:00", "2024-03-02 05:00:00", False),
        ("fri 22:00-05:00", "2024-03-01 04:59:59", False),
        ("fri 22:00-05:00", "2024-03-02 22:00:00", False),
        ("mon-fri 22:00-05:00", "2024-03-04 03:00:00", False),
        ("sun 22:00-05:00", "2024-03-04 03:00:00", True),
        ("fri 22:00-00:00", "2024-03-01 23:59:59", True),
        ("fri 22:00-00:00", "2024-03-02 00:00:00", False),
        # A range of days may pass the end of the week.
        ("sat-mon 01:00-02:00", "2024-03-03 01:30:00", True),
        ("sat-mon 01:00-02:00", "2024-03-05 01:30:00", False),
        # Any of several is enough.
        ("mon 01:00-02:00, fri 12:00-13:00", "2024-03-01 12:30:00", True),
        ("mon 01:00-02:00, fri 12:00-13:00", "2024-03-01 13:30:00", False),
    ],
)
def test_a_window_is_open_from_its_start_to_before_its_end(window: str, now: str, is_in: bool) -> None:
    """On the days it names, by the clock of its zone."""
    assert opened(window, at(now)) is is_in


@pytest.mark.parametrize(
    ("window", "now", "zone", "is_in"),
    [
        # 2024-03-31: at 02:00 CET it becomes 03:00 CEST; there is no 02:30.
        ("02:00-03:00", "2024-03-31 01:59:59", CET, False),
        ("02:00-03:00", "2024-03-31 03:00:00", CEST, False),
        ("01:30-03:30", "2024-03-31 01:59:59", CET, True),
        ("01:30-03:30", "2024-03-31 03:00:00", CEST, True),
        ("01:30-03:30", "2024-03-31 03:30:00", CEST, False),
        ("sat 22:00-05:00", "2024-03-31 04:59:59", CEST, True),
        ("sat 22:00-05:00", "2024-03-31 05:00:00", CEST, False),
        # 2024-10-27: at 03:00 CEST it becomes 02:00 CET; 02:30 comes twice.
        ("02:00-03:00", "2024-10-27 02:30:00", CEST, True),
        ("02:00-03:00", "2024-10-27 02:30:00", CET, True),
        ("02:00-03:00", "2024-10-27 03:00:00", CET, False),
        ("01:30-02:30", "2024-10-27 02:29:59", CEST, True),
        ("01:30-02:30", "2024-10-27 02:30:00", CEST, False),
        ("01:30-02:30", "2024-10-27 02:00:00", CET, True),
        ("01:30-02:30", "2024-10-27 02:30:00", CET, False),
        ("sat 22:00-05:00", "2024-10-27 04:59:59", CET, True),
        ("sat 22:00-05:00", "2024-10-27 05:00:00", CET, False),
    ],
)
def test_the_wall_clock_counts_where_the_time_changes(window: str, now: str, zone: timezone, is_in: bool) -> None:
    """An hour that is left out opens nothing; an hour that comes twice is open twice."""
    assert opened(window, at(now, zone)) is is_in


@pytest.mark.parametrize(
    ("window", "now", "opening"),
    [
        ("22:00-05:00", at("2024-03-01 12:00:30"), at("2024-03-01 22:00:00")),
        ("22:00-05:00", at("2024-03-01 21:59:30"), at("2024-03-01 22:00:00")),
        ("sat 01:00-02:00", at("2024-03-02 02:00:00"), at("2024-03-09 01:00:00")),
        ("mon 01:00-02:00, sun 23:00-23:30", at("2024-03-01 12:00:00"), at("2024-03-03 23:00:00")),
        # The night without a 02:30: the next one has it; a weekly one waits a week longer.
        ("02:15-02:45", at("2024-03-31 01:00:00"), at("2024-04-01 02:15:00", CEST)),
        ("sun 02:15-02:45", at("2024-03-24 03:00:00"), at("2024-04-07 02:15:00", CEST)),
        # What begins in the hour left out begins when the clock goes on.
        ("02:30-03:30", at("2024-03-31 01:00:00"), at("2024-03-31 03:00:00", CEST)),
        # Closed between its two halves of the night with two 02:30.
        ("01:30-02:30", at("2024-10-27 02:45:00", CEST), at("2024-10-27 02:00:00", CET)),
    ],
)
def test_the_next_opening_is_told(window: str, now: float, opening: float) -> None:
    """As a moment, whatever the clock does until then."""
    hold = outside_window(paris(window), now)
    assert hold is not None
    assert hold.until == opening


def test_the_evidence_is_the_wall_clock_of_each_zone_and_the_windows() -> None:
    """What a person needs to see that it is right."""
    both = windows("sat 22:00-05:00 Europe/Paris, sun 01:00-02:00 Asia/Tokyo")
    hold = outside_window(both, at("2024-03-01 12:00:30"))
    assert hold is not None
    assert hold.text == (
        "it is Fri 2024-03-01 12:00:30+01:00 / Fri 2024-03-01 20:00:30+09:00, "
        "`window` is sat 22:00-05:00 Europe/Paris, sun 01:00-02:00 Asia/Tokyo"
    )


def test_without_windows_it_is_always_open() -> None:
    """`window = always`."""
    assert outside_window(windows("always"), NOW) is None


@given(
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.integers(int(at("2024-01-01 00:00:00")), int(at("2024-12-31 00:00:00"))),
)
def test_nothing_is_open_before_the_opening_that_was_told(days: frozenset[int], start: int, end: int, now: int) -> None:
    """The told moment is open, and no quarter of an hour before it is."""
    window = Window(days, start, end, PARIS, "")
    opening = next_opening((window,), now)
    if start == end or opening is None or is_open(window, now):
        return
    assert is_open(window, opening)
    assert not any(is_open(window, moment) for moment in range(now, int(opening), 15 * MINUTE))


@pytest.mark.parametrize(
    ("last", "until"),
    [(None, None), (NOW - HOUR, None), (NOW - HOUR + 1, NOW + 1), (NOW - 1, NOW + HOUR - 1), (NOW, NOW + HOUR)],
)
def test_the_distance_from_the_last_change(last: float | None, until: float | None) -> None:
    """Held below an hour, allowed from the hour on."""
    hold = cooling_down(last, HOUR, NOW)
    assert (hold and hold.until) == until
    assert until is None or cooling_down(last, HOUR, until) is None


def test_no_cooldown_holds_nobody() -> None:
    """0 seconds have always passed."""
    assert cooling_down(NOW, 0, NOW) is None
    assert cooling_down(NOW + HOUR, 0, NOW) is None


def test_a_clock_put_back_does_not_open_the_gate() -> None:
    """A last change in the future is no distance at all: held until an hour after it, and the evidence says why."""
    hold = cooling_down(NOW + 3 * HOUR, HOUR, NOW, CET)
    assert hold is not None
    assert hold.until == NOW + 4 * HOUR
    assert hold.text == (
        "the last run that changed something ended 0 s ago, cooldown is 3600 s "
        "(its journal says 2024-03-01 16:00:00+01:00, which is in the future: was the clock put back?)"
    )
    spent = over_budget(Activity(daily=(NOW + 2 * DAY, NOW + 3 * DAY)), Automation(max_per_day=2), 4, NOW)
    assert spent is not None
    assert spent.until == NOW + 3 * DAY
    assert "was the clock put back?" in spent.text
    hourly = over_budget(Activity(hourly=(NOW + DAY,)), Automation(), 1, NOW)
    assert hourly is not None
    assert hourly.until == NOW + DAY + HOUR


@pytest.mark.parametrize(
    ("ages", "until"),
    [
        ((), None),
        ((HOUR,), None),
        ((DAY, HOUR), None),
        ((DAY - 1, HOUR), 1.0),
        ((2 * DAY, DAY - 60, HOUR), 60.0),
        # More than allowed: one may go only when all but one have.
        ((DAY - 60, 3 * HOUR, 2 * HOUR), DAY - 3 * HOUR),
    ],
)
def test_a_day_slides(ages: tuple[float, ...], until: float | None) -> None:
    """Two in any 24 hours: the next one may start when there is one fewer than two."""
    activity = Activity(daily=tuple(NOW - age for age in ages))
    hold = over_budget(activity, Automation(max_per_day=2), 9, NOW)
    assert (hold and hold.until and hold.until - NOW) == until
    assert until is None or over_budget(activity, Automation(max_per_day=2), 9, NOW + until) is None
    assert until is None or over_budget(activity, Automation(max_per_day=2), 9, NOW + until - 1) is not None


def test_an_hour_slides_over_all_resources() -> None:
    """Four in any hour by default, whoever they were for; the day of this resource is asked first."""
    activity = Activity(hourly=tuple(NOW - age * MINUTE for age in (59, 40, 20, 1)))
    hold = over_budget(activity, Automation(), 4, NOW)
    assert hold is not None
    assert (hold.text, hold.until) == (
        "automatic runs of all resources in the last hour: 4, max_runs_per_hour is 4",
        NOW + MINUTE,
    )
    both = over_budget(activity._replace(daily=(NOW - 1,)), Automation(max_per_day=1), 4, NOW)
    assert both is not None
    assert both.text == "automatic runs in the last 24 h: 1, max_per_day is 1"


@given(st.lists(st.floats(-DAY, 2 * DAY), max_size=12), st.integers(1, 8))
def test_what_is_told_as_allowed_is_allowed(ages: list[float], most: int) -> None:
    """Whatever the past, also one in the future: at the told moment the budget has room, just before it has none."""
    activity = Activity(daily=tuple(sorted(NOW - age for age in ages)))
    hold = over_budget(activity, Automation(max_per_day=most), 99, NOW)
    if hold is not None and hold.until is not None:
        assert over_budget(activity, Automation(max_per_day=most), 99, hold.until) is None
        assert over_budget(activity, Automation(max_per_day=most), 99, hold.until - 0.001) is not None
    else:
        assert sum(age < DAY for age in ages) < most


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("1", True), ("x" * 200, True), ("host!disk /var", True), ("probléme", True), ("", False), ("x" * 201, False),
        ("a\nb", False), ("a\x1b", False), ("\udcff", False), ("\u2028", False),
    ],
)  # fmt: skip
def test_what_can_be_a_key(key: str, is_one: bool) -> None:
    """1 to 200 printable characters."""
    assert is_key(key) is is_one


def test_moments_for_people_are_rounded_up() -> None:
    """Whoever asks again at the second that was told is not refused for the part of a second that was cut."""
    assert moment(NOW + 0.25, CET) == "2024-03-01 13:00:01+01:00"
    assert moment(NOW, UTC) == "2024-03-01 12:00:00+00:00"


def test_a_budget_of_nothing_never_ends_by_itself() -> None:
    """Nobody may be told to come back at some moment."""
    none = over_budget(Activity(), Automation(max_per_day=0), 4, NOW)
    assert none is not None
    assert (none.text, none.until) == ("automatic runs in the last 24 h: 0, max_per_day is 0", None)


def test_a_run_of_this_very_moment_does_not_lie_in_the_future() -> None:
    """Nobody asks then whether the clock was put back."""
    hold = cooling_down(NOW, HOUR, NOW)
    assert hold is not None
    assert "clock" not in hold.text


def test_a_run_in_the_future_is_told_on_the_clock_of_the_host() -> None:
    """For the budget of the day and for that of the hour."""
    day = over_budget(Activity(daily=(NOW + 2 * DAY,)), Automation(max_per_day=1), 4, NOW, CET)
    hour = over_budget(Activity(hourly=(NOW + 2 * DAY,)), Automation(), 1, NOW, CET)
    assert day is not None
    assert hour is not None
    assert "2024-03-03 13:00:00+01:00" in day.text
    assert "2024-03-03 13:00:00+01:00" in hour.text


def test_the_day_of_the_week_is_that_of_the_zone_of_the_window() -> None:
    """Friday noon of UTC is Saturday thirteen hours east of it."""
    east = timezone(timedelta(hours=13))
    hold = outside_window((Window(frozenset({0}), 0, 60, east, "mon 00:00-01:00"),), NOW)
    assert hold is not None
    assert hold.text.startswith("it is Sat 2024-03-02 01:00:00+13:00, ")


def test_a_window_that_never_opens_has_no_next_opening() -> None:
    """It belongs to no day."""
    assert next_opening((Window(frozenset(), 0, 60, UTC, "never"),), NOW) is None
