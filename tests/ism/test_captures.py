"""Captured screens parse to what a person reads off them."""

from datetime import datetime

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import (
    BvScreen,
    Destination,
    Inventory,
    LinkScreen,
    LvRecord,
    SvRecord,
    SvScreen,
)
from necism_monitor.ism.inventory import parse_arrays
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.messages import Created, MessageClass, find_ids, parse_created, terminated_normally
from necism_monitor.ism.query import parse_detail, parse_sv
from tests.ism.screens import BV, BV_BLOCK, CAPTURES, LV_BLOCK, SV1, SV2, SV_BLOCK, TEST_BV, TEST_SV, capture, ended


def test_detail_screen_of_2014_09() -> None:
    """The detail screen gives the BV, two SVs with state, date, size and guard, and the LV under each."""
    newest = SvRecord(
        name=SV1,
        os_type="LX",
        generation=-1,
        attribute="normal",
        state_word="snap/active",
        taken_at=datetime(2014, 9, 9, 17, 27, 45),
        started_at=datetime(2014, 9, 9, 17, 27, 45),
        size_bytes=50895362458,  # 47.4 * 1073741824 = 50895362457.6
        guard_word="off",
        link_word="link",
        lv=LvRecord(LdName("xxxxxxxxxxx_00cc_LV00cf"), "LX", "/dev/sdar", "rw"),
    )
    older = SvRecord(
        name=SV2,
        os_type="LX",
        generation=-2,
        attribute="normal",
        state_word="snap/active",
        taken_at=datetime(2014, 9, 9, 17, 19, 12),
        started_at=datetime(2014, 9, 9, 17, 19, 12),
        size_bytes=12455405158,  # 11.6 * 1073741824 = 12455405158.4
        guard_word="off",
        link_word="link",
        lv=LvRecord(LdName("xxxxxxxxxxx_00cc_LV00d0"), "LX", None, "rw"),
    )
    expected = BvScreen(BV, "LX", "/dev/sdaq", "normal", {SV1: newest, SV2: older}, None, ())
    assert parse_detail(capture("query_detail"), BV) == expected


def test_plain_screen_of_2014_03() -> None:
    """The plain screen names the BV and lists the SV."""
    assert parse_sv(capture("query_sv"), TEST_SV) == SvScreen(TEST_BV, frozenset({TEST_SV}), None, ())


def test_row_without_os_type_of_2017_10() -> None:
    """An SV without OS type is listed like any other."""
    text = "".join(capture("query_sv").splitlines(keepends=True)[:-1]) + capture("query_sv_row_without_os_type")
    screen = parse_sv(text, LdName("Xxxxxxxxxxx_015d_SV0160"))
    assert screen == SvScreen(TEST_BV, frozenset({LdName("Xxxxxxxxxxx_015d_SV0160")}), None, ())


def test_linkinfo_screen_of_2014_03() -> None:
    """The linkinfo screen gives three LVs of the BV, each linked to an SV of its own."""
    rows = {
        LdName("test_src_0000_LV0050"): ("test_src_0000_SV0016", "rw"),
        LdName("test_src_0000_LV005A"): ("test_src_0000_SV0015", "rw"),
        LdName("test_src_0000_LV0064"): ("test_src_0000_SV0014", "rw"),
    }
    expected = {lv: Destination(lv, "LX", "link", LdName(sv), mode) for lv, (sv, mode) in rows.items()}
    assert parse_linkinfo(capture("linkinfo_sv"), TEST_SV) == LinkScreen(expected, None, ())


def test_both_captured_lists_of_arrays() -> None:
    """Both forms of the list name their one array, with and without the Monitoring column."""
    assert parse_arrays(capture("view_arrays")) == Inventory(("D1_10",), None)
    assert parse_arrays(capture("view_arrays_without_monitoring")) == Inventory(("Optima7_LMW",), None)


def test_success_messages_of_the_log() -> None:
    """Unlink, create and link say that they ended normally, each by its own number."""
    kinds = {
        "unlink": MessageClass.SUCCESS_UNLINK,
        "link": MessageClass.SUCCESS_LINK,
        "create_1": MessageClass.SUCCESS_CREATE,
        "create_2": MessageClass.SUCCESS_CREATE,
    }
    said = {(name, kind) for name in kinds for kind in MessageClass if terminated_normally(ended(capture(name)), kind)}
    assert said == set(kinds.items())


def test_create_screens_of_the_log() -> None:
    """Both creates print snap/active and the instant of the new image."""
    first = parse_created(capture("create_1"), LdName("SOURCE_0001"), LdName("SOURCE_0001_SV006D"))
    second = parse_created(capture("create_2"), LdName("SOURCE_0002"), LdName("SOURCE_0002_SV0055"))
    assert first == Created("snap/active", datetime(2014, 9, 18, 5, 15, 4))
    assert second == Created("snap/active", datetime(2014, 9, 18, 5, 15, 42))


def test_the_log_holds_the_screens_of_its_commands() -> None:
    """The four success screens are cut out of the log unchanged, and it names three message numbers."""
    log = capture("resync_log")
    counts = [log.count(capture(name)) for name in ("unlink", "create_1", "create_2", "link")]
    assert counts == [2, 1, 1, 2]
    assert find_ids(log) == ("iSM20030", "iSM19010", "iSM20020")


def test_the_blocks_that_other_tests_change_are_captured_ones() -> None:
    """What the variants are made from is the beginning of the captured detail screen."""
    assert capture("query_detail").startswith(BV_BLOCK + SV_BLOCK + LV_BLOCK)


def test_screens_of_other_commands_are_unreadable_not_empty() -> None:
    """A screen that answers another question is never taken for an answer, whichever parser gets it."""
    screens = {path.stem: capture(path.stem) for path in CAPTURES.glob("*.txt")}
    answered = {
        "detail": {n for n, text in screens.items() if isinstance(parse_detail(text, BV), BvScreen)},
        "plain": {
            n for n, text in screens.items() if isinstance(s := parse_sv(text, TEST_SV), SvScreen) and not s.broken
        },
        "links": {n for n, text in screens.items() if isinstance(parse_linkinfo(text, TEST_SV), LinkScreen)},
        "arrays": {n for n, text in screens.items() if isinstance(parse_arrays(text), Inventory)},
    }
    assert answered == {
        "detail": {"query_detail"},
        "plain": {"query_sv"},
        "links": {"linkinfo_sv"},
        "arrays": {"view_arrays", "view_arrays_without_monitoring"},
    }


def test_every_capture_states_its_origin() -> None:
    """The table beside the captures names every file, and no other."""
    readme = (CAPTURES / "README.md").read_text(encoding="utf-8")
    named = {
        part for row in readme.splitlines() if row.startswith("|") for part in row.split("`") if part.endswith(".txt")
    }
    assert named == {path.name for path in CAPTURES.glob("*.txt")}
