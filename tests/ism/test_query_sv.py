"""Variants of the plain screen of one SV."""

import pytest

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import SvScreen, Unread
from necism_monitor.ism.query import parse_sv
from tests.ism.screens import TEST_BV, TEST_SV, capture, changed

ROW = "  LX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link\n"
HEAD = capture("query_sv").removesuffix(ROW)


def listed(rows: str) -> SvScreen:
    """The screen with those rows instead of the captured one."""
    screen = parse_sv(HEAD + rows, TEST_SV)
    assert isinstance(screen, SvScreen), screen
    return screen


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        "   -:test_src_0000_SV0014    ( -2) snap/active   [2017/10/12 12:32:25] link\n",
        "  CX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link\n",
        "  ZZ:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link\n",
        "    :test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link\n",
        "  LX:test_src_0000_SV0014(-12) snap/active   [2014/03/24 11:16:16] link\n",
        "  LX:test_src_0000_SV0014    ( -1) snap/fault    link\n",
        "  LX:test_src_0000_SV0014    ( -1) invalid\n",
        "  LX:test_src_0000_SV0014    ( -1) -             [ - ] -\n",
        "  LX:test_src_0000_SV0014    ( -1) -             [] unlink\n",
        "  LX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16]\n",
        "  LX:test_src_0000_SV0014    ( -1)\n",
        "  LX:test_src_0000_SV0014    (  -) snap/active   [2014/03/24 11:16:16] link\r\n",
    ],
)
def test_every_kind_of_row_lists_its_sv(row: str) -> None:
    """Any OS type, any state word, any date or none, any link word or none: the SV is there."""
    assert listed(row) == SvScreen(TEST_BV, frozenset({TEST_SV}), None)


def test_a_name_of_24_characters_leaves_no_blank() -> None:
    """The name column is as wide as the longest name, so the generation may follow at once."""
    name = LdName("test_src_0000_SV0014abcd")
    row = "  LX:test_src_0000_SV0014abcd( -1) snap/active   [2014/03/24 11:16:16] link\n"
    assert listed(row) == SvScreen(TEST_BV, frozenset({name}), None)


def test_names_are_whole_tokens() -> None:
    """An SV whose name begins with the one asked for is another SV."""
    screen = listed(ROW.replace("SV0014 ", "SV00141"))
    assert TEST_SV not in screen.listed
    assert screen.listed == {LdName("test_src_0000_SV00141")}


def test_an_empty_list_is_a_whole_answer() -> None:
    """A screen with its heading and no row says that the SV does not exist."""
    assert listed("") == SvScreen(TEST_BV, frozenset(), None)


@pytest.mark.parametrize(
    "row",
    [
        "  LX:test_src_0000_SV0014    snap/active   [2014/03/24 11:16:16] link\n",
        "  LX:test_src_0000_SV0014    ( -1\n",
        "  LX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:1\n",
        "  LX:test_src_0000_SV0014    ( -1) snap/active   [2014/13/24 11:16:16] link\n",
        "  test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link\n",
        "  LX:                        ( -1) snap/active   [2014/03/24 11:16:16] link\n",
        "  LX:test_src_0000_SV0014_too_long ( -1) snap/active   [2014/03/24 11:16:16] link\n",
        "    State        : normal\n",
        "nothing to see\n",
        "iSMsc_query:Warning: iSM19999: something is missing\n",
    ],
)
def test_a_row_that_cannot_be_split_breaks_the_screen(row: str) -> None:
    """The rows around it are read, and no absence is proven."""
    other = ROW.replace("SV0014", "SV0015")
    screen = listed(other + row)
    assert screen.listed == {LdName("test_src_0000_SV0015")}
    assert isinstance(screen.broken, Unread)


@pytest.mark.parametrize(
    ("old", "new"), [("Special File : /dev/sdc", "Special File :"), ("    Special File : /dev/sdc\n", "")]
)
def test_blank_values_of_the_bv_block_are_accepted(old: str, new: str) -> None:
    """A blank value and a missing line are no error of the screen."""
    assert parse_sv(changed(capture("query_sv"), (old, new)), TEST_SV) == SvScreen(TEST_BV, frozenset({TEST_SV}), None)


@pytest.mark.parametrize("name", [": -\n", ":\n"])
def test_a_bv_without_a_name_goes_with_an_empty_list_only(name: str) -> None:
    """Nothing listed and no BV is an answer; a listed SV whose BV is not named is none."""
    assert parse_sv(changed(HEAD, (": test_src_0000\n", name)), TEST_SV) == SvScreen(None, frozenset(), None)
    assert isinstance(parse_sv(changed(capture("query_sv"), (": test_src_0000\n", name)), TEST_SV), Unread)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "BV Information\n",
        ROW,
        changed(capture("query_sv"), (": test_src_0000\n", ": no name\n")),
        "iSMsc_query:Error: iSM19999: no such volume\n",
    ],
)
def test_a_screen_that_names_no_bv_is_no_answer(text: str) -> None:
    """Without a BV block nothing is said of the SV, least of all that it does not exist."""
    found = parse_sv(text, TEST_SV)
    assert isinstance(found, Unread)
    assert (found.code, TEST_SV in found.text) == ("unreadable", True)


def test_a_screen_without_the_list_heading_is_broken() -> None:
    """Only a list that was begun can lack an SV."""
    screen = parse_sv(changed(HEAD, ("SV Information\n", "")), TEST_SV)
    assert isinstance(screen, SvScreen)
    assert screen.broken is not None


def test_unknown_labels_are_kept() -> None:
    """A label nobody knows changes no answer."""
    screen = parse_sv(changed(capture("query_sv"), ("    State  ", "    Colour : red\n    State  ")), TEST_SV)
    assert screen == SvScreen(TEST_BV, frozenset({TEST_SV}), None, ("Colour",))
