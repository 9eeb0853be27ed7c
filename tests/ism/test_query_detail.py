"""Variants of the detail screen: every accepted deviation, and what makes a record or a screen unreadable."""

from datetime import datetime

import pytest

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, SvRecord, Unread
from necism_monitor.ism.query import parse_detail
from tests.ism.screens import BV, BV_BLOCK, LV_BLOCK, SV1, SV2, SV_BLOCK, capture, changed, detail

STATE = "snap/active        [2014/09/09 17:27:45]"


def parsed(text: str) -> BvScreen:
    """The screen, which must be one."""
    screen = parse_detail(text, BV)
    assert isinstance(screen, BvScreen), screen
    return screen


def record(text: str) -> SvRecord:
    """The first SV's record of a whole screen, which must be readable."""
    screen = parsed(text)
    found = screen.records[SV1]
    assert isinstance(found, SvRecord), found
    assert screen.broken is None
    return found


def reason(text: str) -> str:
    """Why the first SV's record is unreadable."""
    found = parsed(text).records[SV1]
    assert isinstance(found, Unread), found
    assert found.code == "unreadable"
    assert found.hint
    return found.text


@pytest.mark.parametrize(
    ("state", "word", "taken_at"),
    [
        ("snap/active        [ - ]", "snap/active", None),
        ("snap/active        []", "snap/active", None),
        ("snap/active        -", "snap/active", None),
        ("snap/active        [----/--/-- --:--:--]", "snap/active", None),
        ("snap/fault", "snap/fault", None),
        ("snap/deleting      [2014/09/09 17:27:45]", "snap/deleting", datetime(2014, 9, 9, 17, 27, 45)),
        ("rst/exec [2014/09/09 17:27:45]", "rst/exec", datetime(2014, 9, 9, 17, 27, 45)),
        ("snap/twentycharacters[2014/09/09 17:27:45]", "snap/twentycharacters", datetime(2014, 9, 9, 17, 27, 45)),
        ("SNAP ACTIVE        [2014/09/09 17:27:45]", "SNAP ACTIVE", datetime(2014, 9, 9, 17, 27, 45)),
        ("invalid", "invalid", None),
        ("-", "-", None),
        ("-                  [ - ]", "-", None),
        ("                   [ - ]", "", None),
        ("", "", None),
    ],
)
def test_any_state_word_is_kept_as_it_stands(state: str, word: str, taken_at: datetime | None) -> None:
    """A state word is never interpreted here, and a missing date is no error."""
    found = record(detail((STATE, state)))
    assert (found.state_word, found.taken_at) == (word, taken_at)


@pytest.mark.parametrize(
    "state",
    [
        "snap/active        [2014/13/45 17:27:45]",
        "snap/active        [2014/02/29 17:27:45]",
        "snap/active        [0000/00/00 00:00:00]",
        "snap/active        [2014/09/09 24:00:00]",
        "snap/active        [2014/09/09]",
        "snap/active        [yesterday]",
        "snap/active        [2014/09/09 17:27:45",
        "snap/active        [2014/09/09 17:27:45] more",
        "snap/active        [\uff12\uff10\uff11\uff14/09/09 17:27:45]",
    ],
)
def test_a_bracket_without_a_date_makes_the_record_unreadable(state: str) -> None:
    """What stands in brackets is a date, nothing, or not understood."""
    assert STATE[:11] in reason(detail((STATE, state)))


@pytest.mark.parametrize(
    ("old", "new", "special_file"),
    [
        ("       Special File         : /dev/sdar\n", "", None),
        ("Special File         : /dev/sdar", "Special File         :", None),
        ("Special File         : /dev/sdar", "Special File :", None),
        ("Special File         : /dev/sdar", "Special File         : -", None),
        ("Special File         : /dev/sdar", "Special File         : /dev/mapper/a:b", "/dev/mapper/a:b"),
    ],
)
def test_an_lv_this_host_does_not_see_has_no_special_file(old: str, new: str, special_file: str | None) -> None:
    """Missing line, blank value and `-` say the same; a colon in a path is part of it."""
    found = record(detail((old, new)))
    assert found.lv is not None
    assert found.lv.special_file == special_file


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    Special File : /dev/sdaq", "    Special File :"),
        ("    Special File : /dev/sdaq", "    Special File : -"),
        ("    Special File : /dev/sdaq\n", ""),
    ],
)
def test_a_bv_this_host_does_not_see_has_no_special_file(old: str, new: str) -> None:
    """A blank, `-` or missing Special File of the BV is no error."""
    assert parsed(detail((old, new))).special_file is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("47.4GB", 50895362458),
        ("1B", 1),
        ("0.0GB", 0),
        ("1KB", 1024),
        ("1.5MB", 1572864),
        ("2TB", 2199023255552),
        ("1 GB", 1073741824),
        ("-", None),
        ("", None),
    ],
)
def test_sizes_are_whole_bytes(text: str, size: int | None) -> None:
    """A size is rounded to bytes of binary units; `-` and nothing are no size."""
    found = record(detail(("Snapshot Data Size   : 47.4GB", f"Snapshot Data Size   : {text}")))
    assert found.size_bytes == size


@pytest.mark.parametrize(
    ("text", "generation", "attribute"),
    [
        ("-1(normal)", -1, "normal"),
        ("-12(other word)", -12, "other word"),
        ("0", 0, ""),
        ("-", None, ""),
        ("", None, ""),
    ],
)
def test_generation_and_attribute(text: str, generation: int | None, attribute: str) -> None:
    """Generation and attribute are split; neither is demanded."""
    found = record(detail(("-1(normal)", text)))
    assert (found.generation, found.attribute) == (generation, attribute)


@pytest.mark.parametrize(
    ("line", "started_at"),
    [
        ("Create   Start Time  : 2014/09/09 17:20:00", datetime(2014, 9, 9, 17, 20)),
        ("Restore  Start Time  : 2014/09/09 17:20:00", datetime(2014, 9, 9, 17, 20)),
        ("Delete Start Time : 2014/09/09 17:20:00", datetime(2014, 9, 9, 17, 20)),
        ("Create   Start Time  : -", None),
        ("Create   Start Time  :", None),
        ("Restore  End Time    : 2014/09/09 17:20:00", None),
    ],
)
def test_the_operation_names_its_start(line: str, started_at: datetime | None) -> None:
    """The first word of a time label follows the last operation; an end time is known and not a start."""
    text = detail(("Create   Start Time  : 2014/09/09 17:27:45", line))
    assert record(text).started_at == started_at
    assert parsed(text).labels == ()


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("Snapshot Data Size   : 47.4GB", "Snapshot Data Size   : a lot", "Snapshot Data Size : a lot"),
        ("Create   Start Time  : 2014/09/09 17:27:45", "Create   Start Time  : later", "Create Start Time : later"),
        ("Generation(Attribute): -1(normal)", "Generation(Attribute): old", "Generation(Attribute) : old"),
    ],
)
def test_a_value_nobody_judges_is_reported_and_hides_nothing(old: str, new: str, kept: str) -> None:
    """An odd size, start time or generation must not hide a fault: the record stays, the value is kept for doctor."""
    text = detail((old, new), (STATE, "snap/fault"))
    assert record(text).state_word == "snap/fault"
    assert parsed(text).labels == (kept,)


def test_missing_types_and_indentation_are_accepted() -> None:
    """Neither an OS type nor the depth of a line is needed to read a record."""
    text = "\n".join(line.strip() for line in detail().splitlines() if " Type " not in line) + "\n"
    found = record(text)
    assert (found.os_type, found.state_word, found.link_word) == ("", "snap/active", "link")
    assert found.lv is not None
    assert found.lv.os_type == ""


@pytest.mark.parametrize("word", ["unlink", "-", "", "linking"])
def test_an_sv_that_is_not_linked_needs_no_lv_block(word: str) -> None:
    """Whatever word but `link` stands there, the record is whole without an LV."""
    found = record(changed(BV_BLOCK + SV_BLOCK, ("LV Link Status       : link", f"LV Link Status       : {word}")))
    assert (found.link_word, found.lv) == (word, None)


def test_unknown_labels_are_kept_once_and_harm_nothing() -> None:
    """Labels a newer firmware may add, in any block, are listed in order and change no record."""
    text = detail(
        ("    Reserve Area : -\n", "    Reserve Area : -\n    Colour : red: dark\n"),
        ("       SV Guard ", "       Snap Purpose : backup\n       SV Guard "),
        ("       LV Access ", "       Path   Count : 4\n       Colour : blue\n       LV Access "),
    )
    assert parsed(text).labels == ("Colour", "Snap Purpose", "Path Count")
    assert record(text) == record(detail())


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("       Snap State           : snap/active        [2014/09/09 17:27:45]\n", "Snap State"),
        ("       SV Guard             : off\n", "SV Guard"),
        ("       LV Link Status       : link\n", "LV Link Status"),
        ("       LV Access            : rw\n", "LV Access"),
    ],
)
def test_a_missing_required_label_makes_the_record_unreadable(line: str, label: str) -> None:
    """State, guard, link status and the LV's access are needed; the reason names the one that lacks."""
    assert label in reason(detail((line, "")))


def test_linked_without_an_lv_block_is_unreadable() -> None:
    """`link` says that an LV follows: without its block nobody knows which."""
    assert "no LV block" in reason(BV_BLOCK + SV_BLOCK)


def test_one_unreadable_record_does_not_hide_the_other() -> None:
    """The first record lost its state; the second is read as ever."""
    whole = parsed(capture("query_detail"))
    screen = parsed(changed(capture("query_detail"), ("Snap State           : " + STATE, "Snap Stale           : x")))
    assert isinstance(screen.records[SV1], Unread)
    assert screen.records[SV2] == whole.records[SV2]
    assert screen.labels == ("Snap Stale",)


def test_the_lv_belongs_to_the_sv_above_it() -> None:
    """Each SV keeps its own LV, also where the SV before it has none."""
    text = changed(
        capture("query_detail").replace(LV_BLOCK, ""),
        (SV_BLOCK, SV_BLOCK.replace("LV Link Status       : link", "LV Link Status       : unlink")),
    )
    screen = parsed(text)
    first, second = screen.records[SV1], screen.records[SV2]
    assert isinstance(first, SvRecord)
    assert isinstance(second, SvRecord)
    assert first.lv is None
    assert second.lv is not None
    assert second.lv.name == "xxxxxxxxxxx_00cc_LV00d0"


def test_two_lv_blocks_under_one_sv_are_unreadable() -> None:
    """No capture shows an SV with two LVs: which one is meant is not guessed."""
    assert "2 LV blocks" in reason(detail() + LV_BLOCK.replace("LV00cf", "LV00d1"))


def test_an_sv_listed_twice_is_unreadable() -> None:
    """Two records of one SV contradict each other, even where they are equal."""
    assert "twice" in reason(detail() + SV_BLOCK + LV_BLOCK)


@pytest.mark.parametrize(
    "line",
    [
        "something nobody expects",
        "--------",
        ": value",
        "SV Guard : off",
        "State : normal",
        "LV Access : rw",
        "SV : name",
        "Colour : \x07",
        "Colour : " + "x" * 1000,
    ],
)
def test_a_line_that_cannot_be_attributed_spoils_its_record_and_every_absence(line: str) -> None:
    """Such a line may hide a lost heading: its record is not believed, the next one is, and nothing is absent."""
    begin, end = BV_BLOCK + SV_BLOCK, LV_BLOCK + capture("query_detail").partition(LV_BLOCK)[2]
    screen = parsed(f"{begin}{line}\n{end}")
    assert isinstance(screen.records[SV1], Unread)
    assert isinstance(screen.records[SV2], SvRecord)
    assert screen.broken is not None
    assert screen.broken.code == "unreadable"


@pytest.mark.parametrize(
    "damaged",
    [
        "SX:LD Name              : ",
        "SV;LD Name              : ",
        "SV:LD Name                ",
        "\x00SV:LD Name            : ",
    ],
)
def test_a_lost_heading_never_lends_its_fields_to_the_record_above(damaged: str) -> None:
    """The second SV's heading is damaged: the screen proves no absence, and the first record is not believed."""
    screen = parsed(changed(capture("query_detail"), (f"SV:LD Name              : {SV2}", f"{damaged}{SV2}")))
    assert set(screen.records) == {SV1}
    assert isinstance(screen.records[SV1], Unread)
    assert screen.broken is not None


@pytest.mark.parametrize("name", ["", "-", "a b", "LX:name", "x" * 25, "na(me", "日本", "-name"])
def test_a_name_that_is_none_is_never_a_record(name: str) -> None:
    """An SV whose name breaks the naming rules is no record; the screen proves no absence, the others survive."""
    screen = parsed(changed(capture("query_detail"), (f": {SV1}\n", f": {name}\n")))
    assert set(screen.records) == {SV2}
    assert isinstance(screen.records[SV2], SvRecord)
    assert screen.broken is not None


def test_an_lv_name_that_is_none_makes_the_record_unreadable() -> None:
    """The SV is known, what is linked to it is not."""
    assert "logical disk name" in reason(detail((": xxxxxxxxxxx_00cc_LV00cf", ": no name")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (": xxxxxxxxxxx_00CC\n", ": xxxxxxxxxxx_00cc\n"),
        (": xxxxxxxxxxx_00CC\n", ": xxxxxxxxxxx_00CC_SV01\n"),
        ("    LD Name      : xxxxxxxxxxx_00CC\n", ""),
        ("    State        : normal\n", ""),
        ("    State        : normal\n", "    State        : normal\n    State        : fault\n"),
        ("BV Information\n", ""),
    ],
)
def test_a_screen_of_another_or_an_incomplete_bv_is_no_answer(old: str, new: str) -> None:
    """Name and state of the BV asked for are needed; names are compared exactly."""
    found = parse_detail(detail((old, new)), BV)
    assert isinstance(found, Unread)
    assert found.code == "unreadable"
    assert "LC_ALL=C" in found.hint


def test_a_bv_state_of_any_spelling_is_kept() -> None:
    """What a BV's state means is decided elsewhere."""
    assert parsed(detail((": normal\n", ": info(inactive)\n"))).state_word == "info(inactive)"
    assert parsed(detail((": normal\n", ":\n"))).state_word == ""


def test_messages_between_the_lines() -> None:
    """An Info message is no part of the screen; one of any other class proves that the screen may lack something."""
    info = "iSMsc_query:Info: iSM19999: iSMsc_query has normally terminated.\n"
    assert record(detail() + info) == record(info + detail()) == record(detail())
    screen = parsed(detail() + info.replace("Info", "Warning"))
    assert isinstance(screen.records[SV1], SvRecord)
    assert screen.broken is not None


def test_localised_output_is_unrecognised_with_a_hint() -> None:
    """A screen whose labels are in another language is no answer, and the hint says what to look at."""
    text = detail().replace("Information", "情報").replace("LD Name", "LD名").replace("State", "状態")
    found = parse_detail(text, BV)
    assert isinstance(found, Unread)
    assert "LC_ALL=C" in found.hint
    escaped = parse_detail(text.encode("cp932").decode("ascii", "backslashreplace"), BV)
    assert isinstance(escaped, Unread)


def test_reasons_are_short_and_printable() -> None:
    """A reason quotes about 120 characters of the line, with its number, and nothing a terminal would obey."""
    text = reason(detail(("SV Guard             : off", "SV Guard  : \x1b[2J" + "x" * 900)))
    assert text.isprintable()
    assert "line 16 " in text
    assert len(text) < 250


def test_an_unlinked_record_ends_with_its_link_status() -> None:
    """Two SVs without an LV, one behind the other, are two whole records."""
    block = SV_BLOCK.replace("LV Link Status       : link", "LV Link Status       : unlink")
    screen = parsed(BV_BLOCK + block + block.replace("SV00ce", "SV00cd"))
    assert [type(screen.records[LdName(sv)]) for sv in (SV1, SV2)] == [SvRecord, SvRecord]
