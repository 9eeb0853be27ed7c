"""Variants of the screens that a world may ask for."""

import pytest

from necism_monitor.simulator.world import edit_world
from tests.simulator.conftest import Make
from tests.simulator.simulated import Simulated

SV_QUERY = "iSMsc_query -sv ODD_{}_SV -svflg ld"
DETAIL = "iSMsc_query -bv ODD_{} -bvflg ld -detail"


@pytest.fixture(name="odd")
def odd_fixture(make: Make) -> Simulated:
    """The scenario with every oddity."""
    return make("odd")


def test_words_of_the_odd_world_stand_on_its_screens(odd: Simulated) -> None:
    """Each state, type, guard and link word is printed where the capture has its column."""
    rows = {
        key: odd.ask(SV_QUERY.format(key)).text.splitlines()[-1]
        for key in ("DELETING", "RESTORING", "WORD", "BLANK", "DASH", "UNDATED", "NOTYPE", "SOLARIS", "LINKWORD")
    }
    states = {key: row[35:].split("[")[0].split(" link")[0].strip() for key, row in rows.items()}
    assert states["DELETING"] == "snap/deleting"
    assert states["RESTORING"] == "rst/exec"
    assert states["WORD"] == "snap/suspended"
    assert states["BLANK"] == ""
    assert states["DASH"] == "-"
    assert "[ - ]" in rows["DASH"]
    assert "[" not in rows["UNDATED"]
    assert rows["NOTYPE"].startswith("   -:ODD_NOTYPE_SV ")
    assert rows["SOLARIS"].startswith("  CX:ODD_SOLARIS_SV ")
    assert rows["LINKWORD"].endswith("] linking")


def test_labels_may_be_missing_blank_or_unknown(odd: Simulated) -> None:
    """A label left out, one with nothing behind it, and labels nobody has recorded."""
    assert "Snap State" not in odd.ask(DETAIL.format("NOLABEL")).text
    blanks = odd.ask(DETAIL.format("BLANKS")).text.splitlines()
    assert "    Special File :" in blanks
    assert "       Special File         :" in blanks
    labels = odd.ask(DETAIL.format("LABEL")).text.splitlines()
    assert "    Pool Name    : 0001" in labels
    assert "       Snapshot Policy      : daily" in labels
    assert "       LV Priority          : 3" in labels


def test_an_unlisted_snapshot_is_on_no_list(odd: Simulated) -> None:
    """Its own query ends well with an empty SV section, and the detail screen does not know it."""
    answer = odd.ask(SV_QUERY.format("UNLISTED"))
    assert answer.code == 0
    assert answer.text.endswith("\nSV Information\n")
    assert "ODD_UNLISTED_SV" not in odd.ask(DETAIL.format("UNLISTED")).text


def test_linkinfo_of_an_unlinked_lv(odd: Simulated) -> None:
    """An LV without SV has the word unlink and no partner, and its SV says unlink too."""
    answer = odd.ask("iSMsc_linkinfo -vol ODD_DETACHED_SV -volflg ld -lcl").text
    assert "   State        : unlink\n" in answer
    assert "    LV:ODD_DETACHED_LV          LX unlink -                         nr\n" in answer


def test_a_partner_of_24_characters_leaves_no_blank_before_the_mode(odd: Simulated) -> None:
    """The partner's column is 26 wide, parentheses included."""
    answer = odd.ask("iSMsc_linkinfo -vol ODD_LONGNAME_ABCDEF_SV01 -volflg ld -lcl").text
    assert "    LV:ODD_LONGNAME_ABCDEF_LV01 LX link   (ODD_LONGNAME_ABCDEF_SV01)rw\n" in answer


def test_linkinfo_of_lv_and_bv_name_the_other_side(odd: Simulated) -> None:
    """Asked for an LV it lists the SVs of the base volume, asked for the BV it lists the LVs."""
    of_lv = odd.ask("iSMsc_linkinfo -vol ODD_WRONG_LV -volflg ld -lcl").text
    assert "LV:LD Name      : ODD_WRONG_LV\n" in of_lv
    assert "   State        : link   (ODD_WRONG_SV2)\n" in of_lv
    assert "    SV:ODD_WRONG_SV " in of_lv
    of_bv = odd.ask("iSMsc_linkinfo -vol ODD_WRONG -volflg ld -lcl").text
    assert of_bv.startswith("\nSpecified Volume Information\nBV:LD Name      : ODD_WRONG\n")
    assert "    LV:ODD_WRONG_LV             LX link   (ODD_WRONG_SV2)           rw\n" in of_bv


def test_an_lv_on_another_sv_stands_below_that_one(odd: Simulated) -> None:
    """An LV block follows the SV it shows, not the SV of the configuration."""
    lines = odd.ask(DETAIL.format("WRONG")).text.splitlines()
    names = [line.split(": ")[1] for line in lines if "LD Name" in line]
    assert names == ["ODD_WRONG", "ODD_WRONG_SV", "ODD_WRONG_SV2", "ODD_WRONG_LV"]


def test_everything_has_the_labels_a_parser_reads(seed: Simulated) -> None:
    """`-all` starts with the array's own fields at column 0, and has a record for each logical disk."""
    lines = seed.ask("iSMview -all D1_10").text.splitlines()
    assert lines[0] == "--- Disk Array Detail Information ---"
    labels = [line.split(":")[0].rstrip() for line in lines[1:7]]
    assert labels == ["Vendor ID", "Product ID", "Product FW Revision", "World Wide Name", "WWPN", "WWPN"]
    assert sum(line.startswith("LD Name ") for line in lines) == 6
    assert "LDN(h)              : 00a6" in lines
    assert "--- Pool Detail Information ---" in lines


def test_blanks_in_a_product_id_and_other_arrays_keep_the_columns(seed: Simulated) -> None:
    """The array list is cut by its header's offsets, whatever stands in the columns."""
    with edit_world(seed.directory) as world:
        world["array"]["product_id"] = "iStorage M700"
        world["also_visible"].append(
            {"name": "SECOND", "product_id": "M300 Disk Array", "resource_state": "ready", "monitoring": "stopped"}
        )
    rows = seed.ask("iSMview -d").text.splitlines()[3:]
    cells = [(row[:18].rstrip(), row[18:52].rstrip(), row[52:68].rstrip(), row[68:]) for row in rows]
    assert cells[0] == ("iStorage M700", "D1_10", "ready", "running")
    assert cells[1] == ("M300 Disk Array", "SECOND", "ready", "stopped")
