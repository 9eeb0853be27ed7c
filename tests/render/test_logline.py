"""Lines of the log."""

from __future__ import annotations

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.names import ResourceId
from necism_monitor.render.logline import json_line, logger_name, one_line, printable, text_line

UNLINK = "iSMsc_unlink -lv SOURCE_0001_LV00A6 -lvflg ld"
AT = 1_411_010_065.547
"""2014-09-18 03:14:25.547 UTC, by `date -u -d @1411010065.547`."""


def test_a_line_has_the_shape_of_the_captured_log() -> None:
    """The first line of the real log of 2014, written on a host in Paris."""
    line = text_line(AT, ZoneInfo("Europe/Paris"), logger_name(ResourceId("iiststnec02/sync#1")), "info", UNLINK)
    assert line == f"2014-09-18 05:14:25,547 - iiststnec02.SYNC#1 - INFO - {UNLINK}"


def test_a_screen_follows_as_it_is() -> None:
    """Further lines keep their indentation; the empty line at the end of an answer goes."""
    assert text_line(AT, UTC, "n", "info", "done.\n   BV:A   LX\n\n").splitlines()[1:] == ["   BV:A   LX"]


def test_json_is_one_object_a_line() -> None:
    """UTC with milliseconds; line ends are escaped."""
    line = json_line(AT, "necism", "WARNING", "a\nb")
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2014-09-18T03:14:25.547Z", "level": "warning", "logger": "necism", "message": "a\nb",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jx", "\\x1b[2Jx"), ("a\rb", "a\\rb"), ("tab\tstays", "tab\tstays"), ("sch\xf6n", "sch\xf6n"),
        ("\x9b0m", "\\x9b0m"), ("a\u2028b", "a\\u2028b"), ("\udc80", "\\udc80"),
    ],
)  # fmt: skip
def test_nothing_moves_the_cursor(text: str, shown: str) -> None:
    """Control characters are shown, not sent."""
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_whatever_is_said_can_be_printed(text: str) -> None:
    """Any text becomes lines of printable characters."""
    for line in printable(text).split("\n"):
        assert line.replace("\t", "").isprintable()


def test_a_message_ends_without_a_line_end() -> None:
    """What a command printed ends with one; the value of a JSON key does not."""
    assert json.loads(json_line(AT, "n", "info", "done.\n   BV:A\n"))["message"] == "done.\n   BV:A"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("a\nb\n", None, "a\\nb"), ("\x1b[2J\r", None, "\\x1b[2J"), ("x" * 9, 9, "x" * 9),
        ("x" * 10, 9, "x" * 9 + "... (10 characters)"),
    ],
)  # fmt: skip
def test_one_line_is_one_line(text: str, limit: int | None, shown: str) -> None:
    """Line ends are escaped like everything that moves the cursor; a cut says how long the text was."""
    assert one_line(text, limit) == shown
