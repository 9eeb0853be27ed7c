"""Ranges as the plugin guidelines define them, with units for ages."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.rules import RuleError
from necism_monitor.nagios.ranges import parse_threshold

DAY, HOUR = 86_400, 3_600


@pytest.mark.proves("N07")
@pytest.mark.parametrize(
    ("text", "quiet", "alerts"),
    [
        pytest.param("10", [0, 5, 10], [-1, 11], id="outside 0 to 10"),
        pytest.param("10:", [10, 10**9], [9, 0, -5], id="below 10"),
        pytest.param("~:10", [-(10**9), 0, 10], [11], id="above 10"),
        pytest.param("10:20", [10, 15, 20], [9, 21], id="outside 10 to 20"),
        pytest.param("@10:20", [9, 21], [10, 15, 20], id="inside 10 to 20, ends included"),
    ],
)
def test_the_five_examples_of_the_guidelines(text: str, quiet: list[int], alerts: list[int]) -> None:
    """Each example of the guidelines' table alerts where the table says, and nowhere else."""
    threshold = parse_threshold(text)
    assert not any(threshold.violated(age) for age in quiet)
    assert all(threshold.violated(age) for age in alerts)


@pytest.mark.proves("N07")
@pytest.mark.parametrize(
    ("text", "quiet", "alerts"),
    [
        ("0", [0], [1, -1]),
        ("0:0", [0], [1]),
        ("0:", [0, 5], [-1]),
        ("@0", [1], [0]),
        ("-10:10", [-10, 0, 10], [-11, 11]),
        ("-20:-10", [-15], [-21, -9, 0]),
        ("1d", [DAY], [DAY + 1]),
        ("30m:2h", [1800, 7200], [1799, 7201]),
        ("1d12h", [36 * HOUR], [36 * HOUR + 1]),
        ("@~:1w", [7 * DAY + 1], [7 * DAY, -1]),
        ("~:", [-1, 0, 10**9], []),
        ("1.5", [1], [2]),
        (" 10 ", [10], [11]),
    ],
)
def test_zero_negative_numbers_and_units_are_limits(text: str, quiet: list[int], alerts: list[int]) -> None:
    """0 is a limit like any other, limits may be negative, and units count seconds."""
    threshold = parse_threshold(text)
    assert not any(threshold.violated(age) for age in quiet)
    assert all(threshold.violated(age) for age in alerts)


@pytest.mark.proves("N05")
@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("1d", "86400"),
        ("@10:20", "@10:20"),
        ("~:10", "~:10"),
        ("10:", "10:"),
        ("0:", "0:"),
        ("0", "0"),
        ("30m:2h", "1800:7200"),
        ("-5:5", "-5:5"),
        ("1.50:2", "1.5:2"),
        ("99999999999", "99999999999"),
        ("@0:7", "@7"),
    ],
)
def test_perfdata_shows_ranges_in_seconds(text: str, printed: str) -> None:
    """A range is printed in seconds, every limit included, without an exponent."""
    assert str(parse_threshold(text).range) == printed


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "@",
        ":",
        ":10",
        "@:",
        "~",
        "10:~",
        "20:10",
        "1:2:3",
        "1e5",
        "nan",
        "inf",
        "abc",
        "10 20",
        "1d:1h",
        "1.5h",
        "1x",
        "--5",
        "5-",
        "٣",
        "9" * 5000,
        "10:\n20",
        "1d2",
    ],
)
def test_an_empty_or_malformed_range_names_the_rule(text: str) -> None:
    """What is no range is refused with the rule and examples."""
    with pytest.raises(RuleError) as caught:
        parse_threshold(text)
    assert "range" in caught.value.rule
    assert "@10:20" in caught.value.hint


@given(st.text(alphabet="@~:0123456789.-wdhmsx", max_size=12))
def test_any_text_is_a_printable_range_or_refused(text: str) -> None:
    """Whatever is written, the outcome is a range that perfdata can show, or the rule."""
    try:
        shown = str(parse_threshold(text).range)
    except RuleError:
        return
    number = r"-?[0-9]+(\.[0-9]+)?"
    assert re.fullmatch(rf"@?((~|{number}):)?({number})?", shown)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.booleans(), st.integers(-2000, 2000))
def test_a_range_alerts_as_arithmetic_says(start: int, end: int, inside: bool, age: int) -> None:
    """`START:END` alerts outside, `@START:END` inside, ends belonging to the inside."""
    low, high = sorted((start, end))
    threshold = parse_threshold(f"{'@' if inside else ''}{low}:{high}")
    assert threshold.violated(age) is ((low <= age <= high) is inside)
