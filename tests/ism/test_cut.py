"""A screen cut at any byte never yields a healthy answer for what lost a byte."""

import pytest

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, Inventory, LinkScreen, SvRecord, SvScreen, Unread
from necism_monitor.ism.inventory import parse_arrays
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.messages import Created, MessageClass, parse_created, terminated_normally
from necism_monitor.ism.query import parse_detail, parse_sv
from tests.ism.screens import BV, SV1, SV2, TEST_SV, capture, changed, cuts, detail, ended

WHOLE = capture("query_detail")
UNLINKED = detail(("LV Link Status       : link\n", "LV Link Status       : unlink\n"))
UNLINKED = UNLINKED[: UNLINKED.index("    LV:LD Name")]
DETAILS = {
    "captured": WHOLE,
    "unlinked": UNLINKED + WHOLE[WHOLE.index("    SV:LD Name              : " + SV2) :],
    "no image": changed(WHOLE, ("snap/active        [2014/09/09 17:27:45]", "-")),
    "without a type": WHOLE.replace("       Type                 : LX\n", ""),
    "carriage returns": WHOLE.replace("\n", "\r\n"),
}


def spans(text: str) -> dict[LdName, tuple[int, int]]:
    """Where each SV's record begins and where its last byte that is no blank ends."""
    first, second = (text.index("SV:LD Name", text.index(sv) - 40) for sv in (SV1, SV2))
    return {SV1: (first, len(text[:second].rstrip())), SV2: (second, len(text.rstrip()))}


@pytest.mark.parametrize("text", DETAILS.values(), ids=DETAILS.keys())
def test_a_cut_detail_screen_is_never_healthy_for_a_record_that_lost_a_byte(text: str) -> None:
    """Cut at every byte: a record that lost one is unreadable, or absent from a screen that proves no absence."""
    for end, prefix in cuts(text):
        screen = parse_detail(prefix, BV)
        if isinstance(screen, Unread):
            continue
        between = prefix.endswith("\n")
        for sv, (begin, last) in spans(text).items():
            if end < last:
                assert not isinstance(screen.records.get(sv), SvRecord), (end, sv)
                assert sv in screen.records or screen.broken or (between and end <= begin), (end, sv)


@pytest.mark.parametrize("text", DETAILS.values(), ids=DETAILS.keys())
def test_a_cut_screen_keeps_the_records_before_the_cut(text: str) -> None:
    """Cut in the second record: the first one is read as on the whole screen."""
    whole = parse_detail(text, BV)
    assert isinstance(whole, BvScreen)
    (_, _), (begin, _) = spans(text).values()
    for end in range(begin + len("SV:"), len(text)):
        screen = parse_detail(text[:end], BV)
        assert isinstance(screen, BvScreen)
        assert screen.records[SV1] == whole.records[SV1], end


def test_a_cut_name_is_no_record() -> None:
    """Cut within the name of an SV: no record appears under the shorter name."""
    begin, _ = spans(WHOLE)[SV2]
    header = WHOLE[begin : WHOLE.index("\n", begin)]
    for end in range(len(header) + 1):
        screen = parse_detail(WHOLE[:begin] + header[:end], BV)
        assert isinstance(screen, BvScreen)
        assert set(screen.records) == {SV1}
        assert screen.broken is not None


def test_a_last_line_without_newline_is_cut_even_where_it_looks_whole() -> None:
    """`rw` may be the end of the line or not, and /dev/sda may have been /dev/sdar."""
    for text in (WHOLE.removesuffix("\n"), detail().removesuffix("\n")):
        screen = parse_detail(text, BV)
        assert isinstance(screen, BvScreen)
        assert isinstance(screen.records[SV2 if SV2 in text else SV1], Unread)


def test_a_bv_block_that_lost_a_byte_is_no_answer() -> None:
    """Cut before the end of the BV's state: nothing is known of the BV."""
    state = WHOLE.index("State        : normal") + len("State        : normal")
    assert all(isinstance(parse_detail(WHOLE[:end], BV), Unread) for end in range(state + 1))


def test_a_screen_without_its_list_proves_no_absence() -> None:
    """Cut between the BV block and the heading of the pairs: the screen is broken, not a BV without SVs."""
    begin, last = WHOLE.index("    Reserve Area"), WHOLE.index("Pair Information\n") + len("Pair Information")
    for end in range(begin, last + 1):
        screen = parse_detail(WHOLE[:end], BV)
        assert isinstance(screen, BvScreen)
        assert screen.broken is not None


def test_a_cut_plain_screen_never_lists_nor_denies_the_sv() -> None:
    """Cut at every byte: the SV is not listed, and the screen is broken unless it ends where the row begins."""
    text = capture("query_sv")
    for end in range(len(text)):
        screen = parse_sv(text[:end], TEST_SV)
        if isinstance(screen, SvScreen):
            assert screen.listed == frozenset()
            assert screen.broken or text[:end].endswith("SV Information\n")


def test_a_cut_linkinfo_screen_never_denies_the_link_its_heading_states() -> None:
    """Cut at every byte before the row of the LV that the heading names: the screen proves no absence."""
    text = capture("linkinfo_sv")
    whole = parse_linkinfo(text, TEST_SV)
    assert isinstance(whole, LinkScreen)
    for end in range(len(text.rstrip()) + 1):
        screen = parse_linkinfo(text[:end], TEST_SV)
        if isinstance(screen, LinkScreen):
            assert screen.broken is not None, end
            assert all(
                whole.rows[lv] == row and str(row.mode_word) + "\n" in text[:end] for lv, row in screen.rows.items()
            )


def test_a_cut_row_of_a_link_is_left_out() -> None:
    """Cut within a row: that LV is not among the rows and the screen is broken; the rows before it stay."""
    text = capture("linkinfo_sv")
    begin = text.index("LV:test_src_0000_LV005A")
    for end in range(begin, text.index("\n", begin) + 1):
        screen = parse_linkinfo(text[:end], TEST_SV)
        assert isinstance(screen, LinkScreen)
        assert set(screen.rows) == {LdName("test_src_0000_LV0050")}
        assert screen.broken is not None


@pytest.mark.parametrize("name", ["view_arrays", "view_arrays_without_monitoring"])
def test_a_cut_list_of_arrays_never_shows_fewer_arrays_as_whole(name: str) -> None:
    """Cut at every byte: no array under a shorter name, and no empty list that counts as whole within the row."""
    text = capture(name)
    row = text.index("\n", text.index("Product ID")) + 1
    for end in range(len(text.rstrip()) + 1):
        listed = parse_arrays(text[:end])
        if isinstance(listed, Inventory):
            assert listed.arrays == ()
            assert listed.broken or end == row


def test_a_cut_success_screen_of_create_is_no_success() -> None:
    """Cut at every byte: the state and date of the new image are not known."""
    bv, sv = LdName("SOURCE_0001"), LdName("SOURCE_0001_SV006D")
    text = capture("create_1")
    assert not any(isinstance(parse_created(prefix, bv, sv), Created) for _, prefix in cuts(text))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("unlink", MessageClass.SUCCESS_UNLINK),
        ("link", MessageClass.SUCCESS_LINK),
    ],
)
def test_a_cut_success_message_is_no_success(name: str, kind: MessageClass) -> None:
    """Cut at every byte: the command did not say that it ended normally."""
    assert not any(terminated_normally(ended(prefix), kind) for _, prefix in cuts(capture(name)))
