"""Message numbers, and what a CHANGE command says about itself."""

from datetime import datetime

import pytest

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import Unread
from necism_monitor.ism.messages import (
    BUSY_IDS,
    MESSAGES,
    Created,
    MessageClass,
    find_ids,
    is_busy,
    parse_created,
    terminated_normally,
)
from necism_monitor.ism.output import Ending
from tests.ism.screens import capture, changed, ended

CREATED_BV, CREATED_SV = LdName("SOURCE_0001"), LdName("SOURCE_0001_SV006D")


def test_the_busy_numbers_are_those_of_the_vendors_own_driver() -> None:
    """Exactly five numbers are sent again; no other failure is."""
    assert frozenset({"iSM31005", "iSM31015", "iSM42408", "iSM42412", "iSM19411"}) == BUSY_IDS


def test_every_known_message_has_a_class_and_a_sentence() -> None:
    """The table holds each number once, in the documented form."""
    assert len(MESSAGES) == 20
    for number, message in MESSAGES.items():
        assert number == message.id
        assert find_ids(number) == (number,)
        assert message.sentence
    assert {message.kind for message in MESSAGES.values()} == set(MessageClass)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ()),
        ("iSMsc_link:Info: iSM20020: x", ("iSM20020",)),
        ("iSMsc_x:Error: iSM31005: y (code=1a-2b) iSM19411", ("iSM31005", "iSM19411")),
        ("iSM31005 iSM31005", ("iSM31005",)),
        ("Mon Sep 1 10:00:00 host func :ERROR iSMsc_x : iSM31005 : text", ("iSM31005",)),
        ("iSM310055 XiSM31005 iSM3100 ism31005 iSM31005_ _iSM31005", ()),
        ("iSM\uff13\uff11\uff10\uff10\uff15", ()),
    ],
)
def test_numbers_are_whole_tokens(text: str, ids: tuple[str, ...]) -> None:
    """A number is found in any text, and never within a longer token."""
    assert find_ids(text) == ids


@pytest.mark.parametrize("number", sorted(BUSY_IDS))
def test_busy_is_a_nonzero_exit_with_one_of_the_five_numbers(number: str) -> None:
    """Either stream may carry the number; exit 0 and other endings are never busy."""
    text = f"iSMsc_create:Error: {number}: text"
    assert is_busy(ended(stderr=text, code=1))
    assert is_busy(ended(stdout=text, code=255))
    assert not is_busy(ended(stderr=text, code=0))
    assert not is_busy(ended(stderr=text.replace(": text", "9"), code=1))
    others = set(Ending) - {Ending.EXITED}
    assert not any(is_busy(ended(stderr=text, code=9, ending=ending)) for ending in others)


def test_other_numbers_are_not_busy() -> None:
    """A known permanent failure and an unknown number are not sent again."""
    assert not any(is_busy(ended(stderr=number, code=1)) for number in {"iSM99999", *MESSAGES} - BUSY_IDS)


@pytest.mark.parametrize("name", ["link", "unlink"])
def test_success_needs_exit_0_and_its_own_number_and_no_complaint(name: str) -> None:
    """A success message counts only beside exit 0, kept whole, and without a message of another class."""
    kind = {"link": MessageClass.SUCCESS_LINK, "unlink": MessageClass.SUCCESS_UNLINK}[name]
    text = capture(name)
    assert terminated_normally(ended(text), kind)
    assert terminated_normally(ended(stderr=text), kind)
    assert not terminated_normally(ended(text, code=1), kind)
    assert not terminated_normally(ended(text, truncated=True), kind)
    assert not terminated_normally(ended(text.replace("Info", "Error")), kind)
    assert not terminated_normally(ended(text, stderr=f"iSMsc_{name}:Warning: iSM20999: but\n"), kind)
    assert not terminated_normally(ended("done\n"), kind)
    assert not terminated_normally(ended(""), kind)
    others = set(Ending) - {Ending.EXITED}
    assert not any(terminated_normally(ended(text, code=0, ending=ending), kind) for ending in others)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[2014/09/18 05:15:04]", "[ - ]", Created("snap/active", None)),
        (" [2014/09/18 05:15:04]", "", Created("snap/active", None)),
        ("snap/active [", "snap/creating [", Created("snap/creating", datetime(2014, 9, 18, 5, 15, 4))),
        ("snap/active [", "snap/active        [", Created("snap/active", datetime(2014, 9, 18, 5, 15, 4))),
        (
            "   SV:SOURCE_0001_SV006D  LX",
            "SV:SOURCE_0001_SV006D",
            Created("snap/active", datetime(2014, 9, 18, 5, 15, 4)),
        ),
        ("Special File : -", "Special File :", Created("snap/active", datetime(2014, 9, 18, 5, 15, 4))),
        ("Generation :", "Colour : red\n      Generation :", Created("snap/active", datetime(2014, 9, 18, 5, 15, 4))),
    ],
)
def test_the_block_of_a_create_is_split_on_blanks(old: str, new: str, expected: Created) -> None:
    """Columns prove nothing there: any padding, any state word, and no date are read as they stand."""
    assert parse_created(changed(capture("create_1"), (old, new)), CREATED_BV, CREATED_SV) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SV:SOURCE_0001_SV006D", "SV:SOURCE_0001_SV006E"),
        ("BV:SOURCE_0001 ", "BV:SOURCE_0002 "),
        ("   BV:SOURCE_0001         LX\n", ""),
        ("   SV:SOURCE_0001_SV006D  LX\n", ""),
        ("      Status     : snap/active [2014/09/18 05:15:04]\n", ""),
        ("05:15:04]", "05:15:64]"),
        ("05:15:04]", "05:15:04"),
        ("05:15:04]", "05:15:04] and more"),
        ("      Generation : -1\n", "      Status : snap/fault\n"),
        ("      Generation : -1\n", "   SV:SOURCE_0001_SV006E  LX\n"),
        ("      Generation : -1\n", "nothing\n"),
        ("      Generation : -1\n", "iSMsc_create:Error: iSM19999: but\n"),
    ],
)
def test_a_create_block_that_is_not_understood_proves_nothing(old: str, new: str) -> None:
    """Other volumes, a bad date, a line too many: the new image is found out by a reading instead."""
    found = parse_created(changed(capture("create_1"), (old, new)), CREATED_BV, CREATED_SV)
    assert isinstance(found, Unread)
    assert CREATED_SV in found.text
