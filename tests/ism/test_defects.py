"""Defects of an older host driver's parsers that cannot happen here; each was found by running that driver."""

from datetime import datetime

import pytest

from necism_monitor.domain.names import OS_TYPES, LdName
from necism_monitor.domain.reading import BvScreen, Inventory, LinkScreen, SvRecord, SvScreen, Unread
from necism_monitor.ism.inventory import parse_arrays
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.query import parse_detail, parse_sv
from tests.ism.screens import BV, SV1, TEST_SV, capture, changed, detail

ROW = "  LX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link\n"


def test_every_row_is_read_and_names_are_compared() -> None:
    """An SV that stands second is found, and the first row is not taken for it."""
    first = ROW.replace("SV0014", "SV0016")
    screen = parse_sv(changed(capture("query_sv"), (ROW, first + ROW)), TEST_SV)
    assert isinstance(screen, SvScreen)
    assert screen.listed == {TEST_SV, LdName("test_src_0000_SV0016")}
    alone = parse_sv(changed(capture("query_sv"), (ROW, first)), TEST_SV)
    assert isinstance(alone, SvScreen)
    assert TEST_SV not in alone.listed


@pytest.mark.parametrize("os_type", sorted(OS_TYPES))
def test_svs_of_every_os_type_are_found(os_type: str) -> None:
    """Solaris (CX) is no exception, nor is an SV without a type."""
    screen = parse_sv(changed(capture("query_sv"), ("  LX:", f"{os_type:>4}:")), TEST_SV)
    assert isinstance(screen, SvScreen)
    assert screen.listed == {TEST_SV}


def test_a_blank_value_is_no_error() -> None:
    """`Special File :` with nothing behind it leaves every screen readable."""
    blank = capture("query_sv").replace("Special File : /dev/sdc", "Special File :")
    assert isinstance(parse_sv(blank, TEST_SV), SvScreen)
    assert isinstance(parse_detail(detail(("Special File : /dev/sdaq", "Special File :")), BV), BvScreen)
    links = parse_linkinfo(changed(capture("linkinfo_sv"), ("Special File : -", "Special File :")), TEST_SV)
    assert isinstance(links, LinkScreen)


@pytest.mark.parametrize("date", ["[ - ]", "[]", "-", ""])
def test_a_bracket_without_a_date_is_no_date(date: str) -> None:
    """An SV without an image has no date, and that is an answer."""
    screen = parse_detail(detail(("[2014/09/09 17:27:45]", date)), BV)
    assert isinstance(screen, BvScreen)
    record = screen.records[SV1]
    assert isinstance(record, SvRecord)
    assert (record.state_word, record.taken_at) == ("snap/active", None)


def test_a_queried_lv_is_not_among_its_own_rows() -> None:
    """The heading of an LV asked for never enters the list of LVs."""
    lv = LdName("test_src_0000_LV0064")
    text = changed(
        capture("linkinfo_sv"),
        ("SV:LD Name      : test_src_0000_SV0014", f"LV:LD Name      : {lv}"),
        (f"    LV:{lv}     LX link   (test_src_0000_SV0014)    rw\n", ""),
    )
    screen = parse_linkinfo(text, lv)
    assert isinstance(screen, LinkScreen)
    assert lv not in screen.rows
    assert "LD Name" not in {str(name) for name in screen.rows}


def test_the_detail_screen_keeps_everything_and_who_belongs_to_whom() -> None:
    """Guard, size, access and the LV of each SV are kept; a missing Snap State makes a value, not an exception."""
    screen = parse_detail(capture("query_detail"), BV)
    assert isinstance(screen, BvScreen)
    record = screen.records[SV1]
    assert isinstance(record, SvRecord)
    assert record.lv is not None
    assert (record.guard_word, record.lv.name, record.lv.access_word) == ("off", "xxxxxxxxxxx_00cc_LV00cf", "rw")
    assert record.taken_at == datetime(2014, 9, 9, 17, 27, 45)
    without = parse_detail(detail(("       Snap State           : snap/active        [2014/09/09 17:27:45]\n", "")), BV)
    assert isinstance(without, BvScreen)
    assert isinstance(without.records[SV1], Unread)


def test_a_product_id_with_blanks_does_not_shift_the_name() -> None:
    """`M300 Disk Array` is the product, not an array called `Disk`."""
    text = capture("view_arrays").replace("D1-10            ", "M300 Disk Array  ")
    assert parse_arrays(text) == Inventory(("D1_10",), None)


def test_two_readings_of_the_arrays_do_not_add_up() -> None:
    """Each array is listed as often as the screen lists it, however often it is read."""
    assert [parse_arrays(capture("view_arrays")) for _ in range(3)] == [Inventory(("D1_10",), None)] * 3
