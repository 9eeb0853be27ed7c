"""What is said about a screen that cannot be read: which line, and what is wrong with it, in these words."""

from typing import Final

import pytest

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, LinkScreen, SvRecord, SvScreen, Unread
from necism_monitor.ism.grammar import LINE_MAX
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.messages import parse_created
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.query import parse_detail, parse_sv
from necism_monitor.ism.screen import HINT, HINT_UNRECOGNISED, QUOTE_MAX, lines, quoted, split_label, split_status
from tests.ism.screens import BV, SV1, TEST_BV, TEST_SV, capture, changed, detail

LINKS: Final = capture("linkinfo_sv")
PLAIN: Final = capture("query_sv")
ROW: Final = "    LV:test_src_0000_LV0050     LX link   (test_src_0000_SV0016)    rw\n"
SV_ROW: Final = "  LX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link\n"
COMPLAINT: Final = "iSMsc_x:Error: iSM31005: y"
COMPLAINS: Final = "the command complains in the middle of its screen"
MADE_SV: Final = LdName("SOURCE_0001_SV006D")
MADE_BV: Final = LdName("SOURCE_0001")


def links_text(text: str) -> str:
    """What is wrong with a link list."""
    screen = parse_linkinfo(text, TEST_SV)
    found = screen if isinstance(screen, Unread) else screen.broken
    assert found is not None
    return found.text


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("\nSpecified", "something\nSpecified", "1 'something'", "stands above the first heading"),
        (ROW, ROW + ROW, "11 'LV:test_src_0000_LV0050     {}'", "the LV is listed twice"),
        (ROW, "    row\n", "10 'row'", "is no destination row"),
        (ROW, ROW.replace("LV:", "SV:"), "10 'SV:test_src_0000_LV0050     {}'", "names no LV"),
        (ROW, "    LV:A LX link x (B) rw\n", "10 'LV:A LX link x (B) rw'", "cannot be split into {split}"),
        (ROW, "    LV:A LX link\n", "10 'LV:A LX link'", "says 'link' and names no SV"),
        (ROW, f"{COMPLAINT}\n", f"10 '{COMPLAINT}'", COMPLAINS),
        ("   Mode         : nr", COMPLAINT, f"7 '{COMPLAINT}'", COMPLAINS),
        ("   Mode         : nr", "   LV : nr", "7 'LV : nr'", "the label does not belong to heading blocks"),
        ("   Mode         : nr", "   Type : LX", "7 'Type : LX'", "the label comes twice in one heading block"),
        ("   Mode         : nr", "   nr", "7 'nr'", "is no `Label : value` line"),
        ("   Mode         : nr", "   Mode\x07 : nr", "7 'Mode\\x07 : nr'", "holds characters no screen prints"),
    ],
)
def test_a_line_of_a_link_list_is_quoted_with_its_fault(old: str, new: str, line: str, reason: str) -> None:
    """The volume asked for, the number and the text of the first bad line, and the rule it breaks."""
    text = changed(LINKS, (old, new))
    shown = line.format("LX link   (test_src_0000_SV0016)    rw")
    rule = reason.format(split="type, link word, partner and mode")
    assert links_text(text) == f"links of {TEST_SV}: line {shown}: {rule}"


def test_a_link_list_of_another_volume_says_which() -> None:
    """The name that was found, or that there is none; then the first bad line, if there is one."""
    other, hint = parse_linkinfo(LINKS, LdName("X")), HINT_UNRECOGNISED
    assert other == Unread("unreadable", f"links of X: the screen names '{TEST_SV}'", hint)
    second = changed(LINKS, ("   Type         : LX\n", "   Type         : LX\nSV:LD Name : Y\n"))
    fault = "line 5 'SV:LD Name : Y': names a second specified volume"
    assert parse_linkinfo(second, TEST_SV) == Unread(
        "unreadable", f"links of {TEST_SV}: the screen names '-'; {fault}", hint
    )
    assert parse_linkinfo("", TEST_SV) == Unread(
        "unreadable", f"links of {TEST_SV}: the screen names no specified volume", hint
    )
    assert links_text("x\n") == (
        f"links of {TEST_SV}: the screen names no specified volume; line 1 'x': stands above the first heading"
    )


def test_a_heading_that_names_no_partner_is_confirmed_by_nobody() -> None:
    """Only `link (NAME)` in the heading asks for a row; a heading without a state asks for none."""
    without = changed(LINKS, ("   State        : link   (test_src_0000_LV0064)\n", ""))
    screen = parse_linkinfo(without, TEST_SV)
    assert isinstance(screen, LinkScreen)
    assert screen.broken is None


@pytest.mark.parametrize("bracket", ["( test_src_0000_SV0016\t)", "(\ttest_src_0000_SV0016 )"])
def test_blanks_and_tabs_in_a_bracket_are_no_part_of_the_name(bracket: str) -> None:
    """The partner is its name."""
    text = changed(LINKS, ("(test_src_0000_SV0016)", bracket))
    screen = parse_linkinfo(text, TEST_SV)
    assert isinstance(screen, LinkScreen)
    assert screen.rows[LdName("test_src_0000_LV0050")].partner == "test_src_0000_SV0016"


def test_a_partner_whose_name_begins_and_ends_with_x_keeps_it() -> None:
    """What is stripped are blanks, and nothing else."""
    screen = parse_linkinfo(changed(LINKS, ("(test_src_0000_SV0016)", "(XSV0016X)")), TEST_SV)
    assert isinstance(screen, LinkScreen)
    assert screen.rows[LdName("test_src_0000_LV0050")].partner == "XSV0016X"


def detail_text(text: str) -> str:
    """What keeps a detail screen from proving anything."""
    screen = parse_detail(text, BV)
    found = screen if isinstance(screen, Unread) else screen.broken
    assert found is not None
    return found.text


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("Pair Information\n", "Pair Information\nA : b\n", "9 'A : b': belongs to no record"),
        ("       SV Guard             : off\n", f"{COMPLAINT}\n", f"16 '{COMPLAINT}': {COMPLAINS}"),
        (f"    SV:LD Name              : {SV1}\n", "    SV:LD Name : a b\n", "9 {}: is no logical disk name"),
        ("xxxxxxxxxxx_00cc_LV00cf", "a b", "18 {}: is no logical disk name"),
        ("    SV:LD Name", "    BV:LD Name", "9 {}: BV where no BV can stand"),
        ("       LV Access            : rw\n", "       SV Guard : off\n", "20 {}: {not_lv}"),
        (
            "       LV Access            : rw\n",
            "       LV Access\x07 : rw\n",
            "21 {}: holds characters no screen prints",
        ),
        ("    Reserve Area : -\n", "    SV Guard : off\n", "6 'SV Guard : off': {not_bv}"),
        ("    Reserve Area : -\n", "    Type : b\n", "6 'Type : b': the label comes twice in one BV block"),
        ("    Type         : LX\n", "    Type         : LX LX\n", "3 'Type         : LX LX': an OS type is one word"),
        (
            "       Type                 : LX\n       Gen",
            "       Type : A B\n       Gen",
            "10 {}: an OS type is one word",
        ),
    ],
)
def test_a_line_of_a_detail_screen_is_quoted_with_its_fault(old: str, new: str, line: str) -> None:
    """The first bad line by number and text, and the rule it breaks."""
    said = detail_text(detail((old, new)))
    rule = line.format(
        "{}",
        not_lv="the label does not belong to LV blocks",
        not_bv="the label does not belong to BV blocks",
    )
    number, _, reason = rule.partition(" ")
    if reason.startswith("{}"):
        assert said.startswith(f"line {number} '") or number in {"20", "21"}
        assert said.endswith(reason.removeprefix("{}"))
    else:
        assert said == f"line {number} {reason}"


def test_a_detail_screen_that_is_none_says_why() -> None:
    """Nothing at all, another BV, or a block without what it must have: with the hint for localised output."""
    empty = "LD Name, State not found; the screen is empty or another"
    assert parse_detail("", BV) == Unread("unreadable", f"BV {BV}: {empty}", HINT_UNRECOGNISED)
    assert detail_text("x : y\n") == f"BV {BV}: LD Name, State not found; line 1 'x : y': belongs to no record"
    assert (
        detail_text(detail(("LD Name      : xxxxxxxxxxx_00CC", "LD Name : A"))) == f"BV {BV}: the screen is of BV 'A'"
    )


def test_a_record_without_its_lv_or_its_type_is_told_so() -> None:
    """`link` and no LV block: unreadable, in these words; a BV without a type has an empty one."""
    screen = parse_detail(detail().partition("    LV:")[0], BV)
    assert isinstance(screen, BvScreen)
    text = f"SV {SV1}: LV Link Status is 'link', but no LV block follows"
    assert screen.records[SV1] == Unread("unreadable", text, HINT)
    typeless = parse_detail(detail(("    Type         : LX\n", "")), BV)
    assert isinstance(typeless, BvScreen)
    assert typeless.os_type == ""


@pytest.mark.parametrize("label", ["Generation(Attribute)", "Snapshot Data Size"])
def test_what_a_record_does_not_say_is_not_known(label: str) -> None:
    """Without its generation or its size a record is still one, and reports nothing odd."""
    whole = detail()
    line = next(one for one in whole.splitlines(keepends=True) if one.strip().startswith(label))
    screen = parse_detail(changed(whole, (line, "")), BV)
    assert isinstance(screen, BvScreen)
    record = screen.records[SV1]
    assert isinstance(record, SvRecord)
    assert (record.generation is None) == (label != "Snapshot Data Size")
    assert (record.size_bytes is None) == (label == "Snapshot Data Size")
    assert screen.labels == ()


def plain_text(text: str) -> str:
    """What keeps the plain screen from proving anything."""
    screen = parse_sv(text, TEST_SV)
    found = screen if isinstance(screen, Unread) else screen.broken
    assert found is not None
    return found.text


def test_a_plain_screen_is_quoted_with_its_fault() -> None:
    """A row that is none, a garbled line, a complaint, and a screen that is another."""
    assert plain_text(changed(PLAIN, (SV_ROW, "  row\n"))) == "line 9 'row': is no SV row"
    assert plain_text(changed(PLAIN, (SV_ROW, "  r\x07\n"))) == "line 9 'r\\x07': holds characters no screen prints"
    assert plain_text(changed(PLAIN, (SV_ROW, f"{COMPLAINT}\n"))) == f"line 9 '{COMPLAINT}': {COMPLAINS}"
    empty = "LD Name not found; the screen is empty or another"
    assert parse_sv("", TEST_SV) == Unread("unreadable", f"SV {TEST_SV}: {empty}", HINT_UNRECOGNISED)
    assert plain_text("x : y\n") == f"SV {TEST_SV}: LD Name not found; line 1 'x : y': belongs to no record"


def test_a_line_without_an_end_is_the_last_one() -> None:
    """It is counted as a line, keeps its text without blanks, and is cut whatever it says."""
    assert plain_text(PLAIN + "\t cut \t") == f"line {PLAIN.count(chr(10)) + 1} 'cut': the screen ends within this line"
    assert [line.text for line in lines("XaX\n\tXbX \n X")] == ["XaX", "XbX", "X"]


def test_blank_lines_say_nothing_whatever_they_are_made_of() -> None:
    """Blanks and tabs are blank; an X and a no-break space are not."""
    assert [line.text for line in lines(" \t \nX\n\u3000\n")] == ["X", "\u3000"]


def test_the_longest_line_that_is_believed() -> None:
    """So many characters, and not one more."""
    long, longer = (next(lines("a" * size + "\n")) for size in (LINE_MAX, LINE_MAX + 1))
    assert (long.trouble is None, longer.trouble) == (
        True,
        f"{LINE_MAX + 1} characters are more than any screen prints in a line",
    )


@pytest.mark.parametrize("size", [QUOTE_MAX - 1, QUOTE_MAX, QUOTE_MAX + 1, QUOTE_MAX + 2, 5 * QUOTE_MAX])
def test_a_quotation_is_whole_or_marked_as_cut(size: int) -> None:
    """Up to the bound the text stands between quotes; beyond it there are dots, and never more than the bound."""
    text = "a" * size
    shown = quoted(text)
    if size <= QUOTE_MAX:
        assert shown == f"'{text}'"
    else:
        assert shown == "'" + "a" * (QUOTE_MAX - 3) + "..."


def test_a_label_is_split_at_its_first_colon_and_blanks_are_no_part_of_it() -> None:
    """What is no label has no value; an X is no blank."""
    assert split_label("A  B :\tXcX: d ") == ("A B", "XcX: d")
    assert split_label("no label") == (None, "")
    assert split_label("  : value") == (None, "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("X/active", ("X/active", False, "")),
        ("\tXaX ", ("XaX", False, "")),
        ("snap/active -", ("snap/active", False, "")),
        ("snap/active\t-", ("snap/active", False, "")),
        ("XaX\t\t-", ("XaX", False, "")),
        ("ab -", ("ab", False, "")),
        ("XaX [\t2014/09/09 17:27:45 ]\tXrX ", ("XaX", True, "XrX")),
        ("a [] b [c]", ("a", False, "b [c]")),
        ("a [ - ] ]", ("a", False, "]")),
    ],
)
def test_a_status_is_word_date_and_rest(value: str, expected: tuple[str, bool, str]) -> None:
    """The first bracket holds the date; blanks around the parts are no part of them."""
    status = split_status(value)
    assert status is not None
    assert (status.word, status.taken_at is not None, status.rest) == expected


def test_a_status_whose_bracket_holds_no_date_is_none() -> None:
    """A date between X is none."""
    assert split_status("a [X2014/09/09 17:27:45X]") is None
    assert split_status("a [2014/09/09 17:27:45") is None


MADE: Final = capture("create_1")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      Generation : -1\n", f"{COMPLAINT}\n", f"line 5 '{COMPLAINT}': the command complains"),
        ("      Generation : -1\n", "      Status : x\n", "line 6 {}: the label comes twice"),
        ("   BV:SOURCE_0001         LX\n", "   Status : x\n", "line 2 'Status : x': belongs to no volume"),
        ("   BV:SOURCE_0001         LX\n", "", "line 2 'Special File : -': belongs to no volume"),
        ("      Generation : -1\n", "      x\n", "line 5 'x': belongs to no volume"),
        ("      Generation : -1\n", "      \x07\n", "line 5 '\\x07': holds characters no screen prints"),
        ("SOURCE_0001 ", "SOURCE_0009 ", "the screen names {names}"),
        ("      Status     : snap/active [2014/09/18 05:15:04]\n", "", "Status not found"),
        ("[2014/09/18 05:15:04]", "[x]", "Status 'snap/active [x]': no date in the brackets"),
    ],
)
def test_a_creation_that_cannot_be_believed_says_why(old: str, new: str, said: str) -> None:
    """The SV, and the line or the field that is wrong."""
    found = parse_created(changed(MADE, (old, new)), MADE_BV, MADE_SV)
    assert isinstance(found, Unread)
    names = "\"{'BV': 'SOURCE_0009', 'SV': 'SOURCE_0001_SV006D'}\""
    shown = said.format("'Status     : snap/active [2014/09/18 05:15:04]'", names=names)
    assert found.text == f"creation of {MADE_SV}: {shown}"


def test_an_output_names_its_parts() -> None:
    """A plain screen of another BV lists what it lists; names that are missing are nobody's."""
    screen = parse_sv(PLAIN, TEST_SV)
    assert isinstance(screen, SvScreen)
    assert screen.bv == TEST_BV
    assert Output((), Ending.MISSING, None, "", "", 0, 0).never_ran


WIDE: Final = "\u3000"
"""A blank of other scripts: no screen of this array prints it, so it is a part of the word beside it."""


def test_only_blanks_and_tabs_are_blanks() -> None:
    """A wide blank is kept where it stands, and a name with one is no name."""
    assert split_label(f"A : {WIDE}b{WIDE}") == ("A", f"{WIDE}b{WIDE}")
    plain, dashed = split_status(f"{WIDE}a{WIDE}"), split_status(f"{WIDE}a{WIDE} -")
    assert (plain and plain.word, dashed and dashed.word) == (f"{WIDE}a{WIDE}", f"{WIDE}a{WIDE}")
    dated = split_status(f"{WIDE}a{WIDE} [2014/09/09 17:27:45] {WIDE}b{WIDE}")
    assert dated is not None
    assert (dated.word, dated.rest) == (f"{WIDE}a{WIDE}", f"{WIDE}b{WIDE}")
    assert split_status(f"a [{WIDE}2014/09/09 17:27:45]") is None
    assert [line.text for line in lines(f"{WIDE}a{WIDE}")] == [f"{WIDE}a{WIDE}"]
    assert links_text(changed(LINKS, ("(test_src_0000_SV0016)", f"({WIDE}test_src_0000_SV0016)"))).endswith(
        "cannot be split into type, link word, partner and mode"
    )
