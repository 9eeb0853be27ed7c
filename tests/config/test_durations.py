"""Durations as the service files of the field write them."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.durations import format_duration, parse_duration
from necism_monitor.domain.rules import RuleError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("4h", 14_400),
        ("1d3h", 97_200),
        ("2w", 1_209_600),
        ("400d", 34_560_000),
        ("30m2h30m", 10_800),
        (" 007m ", 420),
        ("36525d", 3_155_760_000),
    ],
)
def test_numbers_with_units_add_up(text: str, seconds: int) -> None:
    """Weeks, days, hours, minutes and seconds, in any order."""
    assert parse_duration(text) == seconds


def test_an_integer_alone_counts_the_unit_of_its_key() -> None:
    """The documented 10512000 minutes are twenty years of 365 days; the default 1500 minutes are 25 hours."""
    assert parse_duration("10512000", bare=60) == timedelta(days=20 * 365).total_seconds()
    assert parse_duration("1500", bare=60) == 90_000
    assert parse_duration("0", bare=60) == 0
    assert parse_duration("90", bare=1) == 90
    assert parse_duration("2h", bare=60) == 7200


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("90", "a duration needs a unit"),
        ("0", "a duration needs a unit"),
        ("", "this is no duration"),
        ("h", "this is no duration"),
        ("1M", "this is no duration"),
        ("1H", "this is no duration"),
        ("1y", "this is no duration"),
        ("1.5h", "this is no duration"),
        ("1h 30m", "this is no duration"),
        ("1h30", "this is no duration"),
        ("-5m", "this is no duration"),
        ("+5m", "this is no duration"),
        ("1_000s", "this is no duration"),
        ("٣m", "this is no duration"),
        ("36526d", "a duration is at most 100 years"),
        ("9" * 5000 + "s", "a duration is at most 100 years"),
    ],
)
def test_anything_else_is_refused_by_rule(text: str, rule: str) -> None:
    """Above all what other parsers read as something surprising, such as 1M."""
    with pytest.raises(RuleError) as caught:
        parse_duration(text)
    assert caught.value.rule == rule
    assert caught.value.hint
    assert len(caught.value.value) < 50


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.4, "0s"),
        (59, "59s"),
        (60, "1m"),
        (90_000, "1d1h"),
        (183_600, "2d3h"),
        (86_401, "1d1s"),
        (34_560_000, "400d"),
        (-300, "-5m"),
        (-0.2, "0s"),
    ],
)
def test_durations_are_shown_without_empty_parts(seconds: float, shown: str) -> None:
    """Whole seconds; days are the largest unit."""
    assert format_duration(seconds) == shown


def test_a_short_form_keeps_the_largest_units() -> None:
    """A table needs no seconds behind days."""
    assert format_duration(183_661, parts=2) == "2d3h"


@given(st.integers(0, 3_155_760_000))
def test_a_shown_duration_reads_back(seconds: int) -> None:
    """What is shown can be written into a file; the sum is checked by datetime's own arithmetic."""
    shown = format_duration(seconds)
    names = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    parts = {names[unit]: int(count) for count, unit in re.findall(r"(\d+)([dhms])", shown)}
    assert timedelta(**parts).total_seconds() == seconds
    assert parse_duration(shown) == seconds
