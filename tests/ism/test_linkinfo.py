"""Variants of the linkinfo screen."""

import pytest

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import Destination, LinkScreen, Unread
from necism_monitor.ism.linkinfo import parse_linkinfo
from tests.ism.screens import TEST_BV, TEST_SV, capture, changed

TEXT = capture("linkinfo_sv")
LV = LdName("test_src_0000_LV0050")
SV = LdName("test_src_0000_SV0016")
ROW = "    LV:test_src_0000_LV0050     LX link   (test_src_0000_SV0016)    rw\n"


def screen_of(text: str, volume: LdName = TEST_SV) -> LinkScreen:
    """The screen, which must be one."""
    screen = parse_linkinfo(text, volume)
    assert isinstance(screen, LinkScreen), screen
    return screen


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("LX link   (test_src_0000_SV0016)rw", Destination(LV, "LX", "link", SV, "rw")),
        ("LX link   (test_src_0000_SV0016)    ro", Destination(LV, "LX", "link", SV, "ro")),
        ("LX link   (test_src_0000_SV0016)", Destination(LV, "LX", "link", SV, "")),
        ("LX linking (test_src_0000_SV0016)   nr", Destination(LV, "LX", "linking", SV, "nr")),
        (" - link   (test_src_0000_SV0016)    rw", Destination(LV, "-", "link", SV, "rw")),
        ("   link   (test_src_0000_SV0016)    rw", Destination(LV, "", "link", SV, "rw")),
        ("LX unlink", Destination(LV, "LX", "unlink", None, "")),
        ("LX unlink -", Destination(LV, "LX", "unlink", None, "-")),
        ("LX unlink -                         -", Destination(LV, "LX", "unlink", None, "-")),
        ("LX unlink -                         rw", Destination(LV, "LX", "unlink", None, "rw")),
        ("LX unlink (-)                       nr", Destination(LV, "LX", "unlink", None, "nr")),
        ("LX unlink ()", Destination(LV, "LX", "unlink", None, "")),
        ("   unlink", Destination(LV, "", "unlink", None, "")),
        ("LX -", Destination(LV, "LX", "-", None, "")),
        ("LX", Destination(LV, "LX", "", None, "")),
        ("LX                                   nr", Destination(LV, "LX", "", None, "nr")),
        ("LX unlink                            nr", Destination(LV, "LX", "unlink", None, "nr")),
        ("LX        -                          nr", Destination(LV, "LX", "-", None, "nr")),
        ("", Destination(LV, "", "", None, "")),
    ],
)
def test_every_kind_of_row(row: str, expected: Destination) -> None:
    """Type, partner and mode may be missing, and no blank is needed before the mode."""
    screen = screen_of(changed(TEXT, (ROW, f"    LV:test_src_0000_LV0050     {row}\n")))
    assert screen.rows[LV] == expected
    assert screen.broken is None


def test_a_partner_of_24_characters_leaves_no_blank_before_the_mode() -> None:
    """Row columns are as wide as the longest names."""
    row = "    LV:test_src_0000_LV0050abcd LX link   (test_src_0000_SV0016abcd)rw\n"
    lv, sv = LdName("test_src_0000_LV0050abcd"), LdName("test_src_0000_SV0016abcd")
    assert screen_of(changed(TEXT, (ROW, row))).rows[lv] == Destination(lv, "LX", "link", sv, "rw")


@pytest.mark.parametrize(
    "row",
    [
        "    LV:test_src_0000_LV0050     LX link\n",
        "    LV:test_src_0000_LV0050     LX link   ()    rw\n",
        "    LV:test_src_0000_LV0050     LX link   (-)    rw\n",
        "    LV:test_src_0000_LV0050     LX link   (test_src_00\n",
        "    LV:test_src_0000_LV0050     LX link   (no name)    rw\n",
        "    LV:test_src_0000_LV0050     LX link   (test_src_0000_SV0016)    rw more\n",
        "    LV:test_src_0000_LV0050     LX link more (test_src_0000_SV0016)    rw\n",
        "    LV:test_src_0000_LV0050_too_long LX link   (test_src_0000_SV0016)    rw\n",
        "    LV:                         LX link   (test_src_0000_SV0016)    rw\n",
        "    SV:test_src_0000_SV0050     LX link   (test_src_0000_LV0016)    rw\n",
        "    LV:LD Name      : test_src_0000_LV0050\n",
        "    test_src_0000_LV0050     LX link   (test_src_0000_SV0016)    rw\n",
        "    LV:test_src_0000_LV0050     LX link \x07 (test_src_0000_SV0016)    rw\n",
        "iSMsc_linkinfo:Error: iSM20999: something is missing\n",
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_breaks_the_screen(row: str) -> None:
    """The other rows stay, and no absence is proven."""
    screen = screen_of(changed(TEXT, (ROW, row)))
    assert set(screen.rows) == {LdName("test_src_0000_LV005A"), LdName("test_src_0000_LV0064")}
    assert isinstance(screen.broken, Unread)
    assert screen.broken.code == "unreadable"


def test_an_lv_listed_twice_is_left_out() -> None:
    """Two rows of one LV contradict each other, even where a third confirms one of them."""
    screen = screen_of(changed(TEXT, (ROW, ROW * 3)))
    assert LV not in screen.rows
    assert screen.broken is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("   Type         : LX\n", ""),
        ("   Special File : -\n", "   Special File :\n"),
        ("   Special File : -\n", ""),
        ("   Mode         : nr\n", ""),
        ("   State        : link   (test_src_0000_LV0064)\n", "   State        : unlink\n"),
        ("   State        : link   (test_src_0000_LV0064)\n", "   State        :\n"),
        ("\nSpecified", "Specified"),
    ],
)
def test_the_heading_may_say_little(old: str, new: str) -> None:
    """Only the name of the specified volume is needed."""
    screen = screen_of(changed(TEXT, (old, new)))
    assert len(screen.rows) == 3
    assert screen.broken is None


@pytest.mark.parametrize(("role", "name"), [("SV", TEST_SV), ("LV", LdName("test_src_0000_LV0099")), ("BV", TEST_BV)])
def test_the_specified_volume_is_never_a_row(role: str, name: LdName) -> None:
    """Asked for an SV, an LV or the BV: the heading names the volume, the rows do not hold it."""
    text = changed(
        TEXT,
        ("SV:LD Name      : test_src_0000_SV0014", f"{role}:LD Name      : {name}"),
        ("link   (test_src_0000_LV0064)\n   Mode", "unlink\n   Mode"),
    )
    screen = screen_of(text, name)
    assert name not in screen.rows
    assert len(screen.rows) == 3
    assert screen.broken is None


def test_destinations_of_an_lv_are_no_lvs() -> None:
    """Asked for an LV, the destinations are SVs (inferred): none is taken for an LV, and no LV counts as missing."""
    text = (
        "\nSpecified Volume Information\nLV:LD Name      : test_src_0000_LV0064\n   State        : link   "
        "(test_src_0000_SV0014)\n\nDestination Volume Information\n"
        "    SV:test_src_0000_SV0014     LX link   (test_src_0000_LV0064)    nr\n"
    )
    screen = screen_of(text, LdName("test_src_0000_LV0064"))
    assert screen.rows == {}
    assert screen.broken is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Specified Volume Information\n",
        changed(TEXT, ("SV:LD Name      : test_src_0000_SV0014\n", "")),
        changed(TEXT, ("SV:LD Name      : test_src_0000_SV0014\n", "SV:LD Name      : test_src_0000_SV001\n")),
        changed(TEXT, ("SV:LD Name      : test_src_0000_SV0014\n", "SV:LD Name      :\n")),
        changed(TEXT, ("   Type ", "SV:LD Name      : test_src_0000_SV0015\n   Type ")),
        changed(TEXT, ("Specified Volume Information\n", "")),
    ],
)
def test_a_screen_of_another_volume_is_no_answer(text: str) -> None:
    """The specified volume must be the one asked for, exactly and once."""
    found = parse_linkinfo(text, TEST_SV)
    assert isinstance(found, Unread)
    assert (found.code, TEST_SV in found.text) == ("unreadable", True)


def test_a_heading_that_no_row_confirms_shows_a_gap() -> None:
    """The heading names the LV the SV is linked to: a list without that row, or with another partner, is not whole."""
    last = "    LV:test_src_0000_LV0064     LX link   (test_src_0000_SV0014)    rw\n"
    for row in ("", last.replace("SV0014", "SV0015")):
        screen = screen_of(changed(TEXT, (last, row)))
        assert screen.broken is not None
        assert "test_src_0000_LV0064" in screen.broken.text


def test_a_screen_without_the_destination_heading_is_broken() -> None:
    """Only a list that was begun can lack an LV."""
    screen = screen_of(TEXT[: TEXT.index("Destination")])
    assert (screen.rows, screen.broken is not None) == ({}, True)


def test_unknown_labels_and_messages() -> None:
    """A label nobody knows is kept; an Info message is no line of the screen."""
    info = "iSMsc_linkinfo:Info: iSM20999: iSMsc_linkinfo has normally terminated.\n"
    screen = screen_of(changed(TEXT, ("   Mode ", "   Colour : red\n   Mode ")) + info)
    assert screen == screen_of(TEXT)._replace(labels=("Colour",))
