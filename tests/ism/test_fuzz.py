"""No text whatever makes a parser raise, hang, or call a damaged record healthy."""

import time
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necism_monitor.domain.reading import BvScreen, Inventory, LinkScreen, SvRecord, SvScreen, Unread
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.inventory import parse_arrays
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.messages import Created, MessageClass, find_ids, is_busy, parse_created, terminated_normally
from necism_monitor.ism.output import Ending
from necism_monitor.ism.query import parse_detail, parse_sv
from tests.ism.screens import BV, CAPTURES, SV1, SV2, TEST_BV, TEST_SV, capture, detail, ended

PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "detail": lambda text: parse_detail(text, BV),
    "plain": lambda text: parse_sv(text, TEST_SV),
    "links": lambda text: parse_linkinfo(text, TEST_SV),
    "arrays": parse_arrays,
    "created": lambda text: parse_created(text, TEST_BV, TEST_SV),
}
CAPTURED_LINES: Final = sorted({line for path in CAPTURES.glob("*.txt") for line in path.read_text().splitlines()})
JUNK: Final = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    [
        "",
        " ",
        "\t",
        "\r",
        "\x00",
        "\x85",
        "\u2028",
        "\u3000",
        "\ufffd",
        "\udc80",
        "[",
        "]",
        "(",
        ")",
        ":",
        "-",
        "SV:LD Name",
        "LV:",
        "[ - ]",
        "\\x83\\x5f",
        "LD Name : ",
        "State :",
        "Type : LX",
        "iSM20020",
        "iSMsc_x:Error: iSM31005: y",
    ]
)
SCREENS: Final = st.lists(st.sampled_from(CAPTURED_LINES) | JUNK, max_size=60).map("\n".join)
WHOLE: Final = capture("query_detail")


def check(answer: object) -> None:
    """Every answer is one of the known values, and what is broken says why, short and printable."""
    assert isinstance(answer, Unread | BvScreen | SvScreen | LinkScreen | Inventory | Created)
    unread = [answer] if isinstance(answer, Unread) else [getattr(answer, "broken", None)]
    unread += [one for one in getattr(answer, "records", {}).values() if isinstance(one, Unread)]
    for one in filter(None, unread):
        assert one.code == "unreadable"
        assert one.text.isprintable()
        assert len(one.text) < 400
        assert one.hint


@given(SCREENS | st.text(st.characters(codec=None)))
@settings(deadline=None, max_examples=400)
def test_no_text_makes_a_parser_raise(text: str) -> None:
    """Captured lines and junk in any order give a value of the right kind from every parser."""
    for parse in PARSERS.values():
        check(parse(text))


@given(SCREENS, SCREENS, st.sampled_from(Ending), st.none() | st.integers(-70, 300), st.booleans())
@settings(deadline=None, max_examples=200)
def test_no_output_makes_an_answer_raise(out: str, err: str, ending: Ending, code: int | None, truncated: bool) -> None:
    """Any ending with any streams is a text or a printable reason; success and busy exclude each other."""
    output = ended(out, err, code, ending, truncated=truncated)
    answer = text_of(output)
    assert answer == out if isinstance(answer, str) else answer.text.isprintable() and answer.hint
    assert isinstance(answer, Unread) or output.succeeded
    assert not (is_busy(output) and any(terminated_normally(output, kind) for kind in MessageClass))
    assert all(len(number) == 8 for number in find_ids(out))


@given(st.integers(0, len(WHOLE) - 1), st.sampled_from(list("\x00\x07\x0b\x0c\x1b\x7f\x85\u2028\ufffd\udc80")))
@settings(deadline=None, max_examples=400)
def test_a_garbled_byte_is_never_healthy(at: int, byte: str) -> None:
    """A byte no screen prints, in place of any other: the record it hits is not healthy, and no absence is proven."""
    screen = parse_detail(WHOLE[:at] + byte + WHOLE[at + 1 :], BV)
    if isinstance(screen, Unread):
        return
    assert screen.broken is not None
    hit = [sv for sv in (SV1, SV2) if WHOLE.index(f"SV:LD Name              : {sv}") <= at]
    if hit and not WHOLE[at].isspace():
        assert not isinstance(screen.records.get(hit[-1]), SvRecord)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_a_lost_stretch_never_joins_two_records_unnoticed(data: st.DataObject) -> None:
    """Some lines in a row are lost: the SVs that are still listed show their own LV, or are unreadable."""
    lines = WHOLE.splitlines(keepends=True)
    begin = data.draw(st.integers(0, len(lines) - 1))
    size = data.draw(st.integers(1, 6))
    screen = parse_detail("".join(lines[:begin] + lines[begin + size :]), BV)
    if isinstance(screen, BvScreen):
        shown = {sv: one.lv.name for sv, one in screen.records.items() if isinstance(one, SvRecord) and one.lv}
        own = {SV1: "xxxxxxxxxxx_00cc_LV00cf", SV2: "xxxxxxxxxxx_00cc_LV00d0"}
        assert all(own[sv] == lv for sv, lv in shown.items())


def test_every_single_required_line_is_missed() -> None:
    """Any one line of the record but the optional ones is lost: the record is not healthy."""
    optional = ("Type", "Generation", "Create", "Processing", "Snapshot", "Special")
    lines = detail().splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if SV1 in line)
    for number, line in enumerate(lines[start:], start):
        screen = parse_detail("".join(lines[:number] + lines[number + 1 :]), BV)
        assert isinstance(screen, BvScreen)
        assert isinstance(screen.records.get(SV1), SvRecord) == line.strip().startswith(optional), line


def test_a_lost_newline_is_never_healthy_where_it_joins_what_is_judged() -> None:
    """Two lines run into one: what is judged is as on the whole screen, or the record is unreadable."""
    whole = parse_detail(WHOLE, BV)
    assert isinstance(whole, BvScreen)
    for at in (at for at, char in enumerate(WHOLE[:-1]) if char == "\n"):
        screen = parse_detail(WHOLE[:at] + WHOLE[at + 1 :], BV)
        for sv, one in screen.records.items() if isinstance(screen, BvScreen) else ():
            same = whole.records[sv]
            assert isinstance(same, SvRecord)
            healthy = isinstance(one, SvRecord) and (one.guard_word, one.link_word, one.state_word) == (
                "off",
                "link",
                "snap/active",
            )
            if isinstance(one, SvRecord) and healthy and one.lv is not None and one.lv.access_word == "rw":
                assert one._replace(size_bytes=None, started_at=None) == same._replace(size_bytes=None, started_at=None)


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
def test_huge_and_odd_lines_cost_no_more_than_their_length(parse: Callable[[str], object]) -> None:
    """A megabyte in one line, or in lines as long as a screen may have, made of what patterns repeat, is read."""
    heads = [capture(name) for name in ("query_detail", "query_sv", "linkinfo_sv", "view_arrays")]
    odd = [
        "a",
        " ",
        ":",
        "a ",
        "a:",
        "( ",
        "a(",
        "[",
        "[ ",
        "] ",
        "-",
        "LV:a ",
        "LX:a(",
        "iSM1",
        "SV:LD Name ",
        "Product ID ",
    ]
    started = time.monotonic()
    for unit in odd:
        for size, count in ((1_000_000, 1), (990, 300)):
            line = (unit * (size // len(unit) + 1))[:size] + "\n"
            for head in heads:
                check(parse(head + line * count))
    # About two seconds on a slow machine; a quadratic pattern takes hours.
    assert time.monotonic() - started < 120
