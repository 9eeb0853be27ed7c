"""The screens against the captures: expected text stands here as it was captured, byte for byte."""

import calendar
import json
from pathlib import Path

from necism_monitor.simulator import clock, operations, screens
from necism_monitor.simulator.world import read_world
from tests.simulator.conftest import Make
from tests.simulator.simulated import Simulated

PLAIN = """\
BV Information
    LD Name      : test_src_0000
    Type         : LX
    Special File : /dev/sdc
    State        : normal
    Reserve Area : -

SV Information
  LX:test_src_0000_SV0014    ( -1) snap/active   [2014/03/24 11:16:16] link
"""
NO_TYPE_ROW = "   -:Xxxxxxxxxxx_015d_SV0160 ( -2) snap/active   [2017/10/12 12:32:25] link\n"
DETAIL = """\
BV Information
    LD Name      : xxxxxxxxxxx_00CC
    Type         : LX
    Special File : /dev/sdaq
    State        : normal
    Reserve Area : -

Pair Information
    SV:LD Name              : xxxxxxxxxxx_00cc_SV00ce
       Type                 : LX
       Generation(Attribute): -1(normal)
       Snap State           : snap/active        [2014/09/09 17:27:45]
       Create   Start Time  : 2014/09/09 17:27:45
       Processing Data Size : -
       Snapshot Data Size   : 47.4GB
       SV Guard             : off
       LV Link Status       : link
    LV:LD Name              : xxxxxxxxxxx_00cc_LV00cf
       Type                 : LX
       Special File         : /dev/sdar
       LV Access            : rw
    SV:LD Name              : xxxxxxxxxxx_00cc_SV00cd
       Type                 : LX
       Generation(Attribute): -2(normal)
       Snap State           : snap/active        [2014/09/09 17:19:12]
       Create   Start Time  : 2014/09/09 17:19:12
       Processing Data Size : -
       Snapshot Data Size   : 11.6GB
       SV Guard             : off
       LV Link Status       : link
    LV:LD Name              : xxxxxxxxxxx_00cc_LV00d0
       Type                 : LX
       LV Access            : rw
"""
LINKINFO = """\

Specified Volume Information
SV:LD Name      : test_src_0000_SV0014
   Type         : LX
   Special File : -
   State        : link   (test_src_0000_LV0064)
   Mode         : nr

Destination Volume Information
    LV:test_src_0000_LV0050     LX link   (test_src_0000_SV0016)    rw
    LV:test_src_0000_LV005A     LX link   (test_src_0000_SV0015)    rw
    LV:test_src_0000_LV0064     LX link   (test_src_0000_SV0014)    rw

"""
UNLINKED = "iSMsc_unlink:Info: iSM20030: iSMsc_unlink has normally terminated.\n\n"
CREATED = """\
iSMsc_create:Info: iSM19010: iSMsc_create has normally terminated.
   BV:SOURCE_0001         LX
      Special File : -
   SV:SOURCE_0001_SV006D  LX
      Generation : -1
      Status     : snap/active [2014/09/18 05:15:04]

"""
LINKED = "iSMsc_link:Info: iSM20020: iSMsc_link has normally terminated.\n\n"
VIEW = """\

--- Disk Array List ---
Product ID        Disk Array Name                   Resource State  Monitoring
D1-10             D1_10                             ready           running

"""
CC_VIEW = """\

--- Disk Array List ---
Product ID        Disk Array Name                   Resource State
Optima3600        Optima7_LMW                       ready

"""

CAPTURED_WORLD = {
    "array": {"product_id": "Optima3600", "name": "Optima7_LMW"},
    "options": {"real_devices": True},
    "bvs": {
        "test_src_0000": {"special_file": "/dev/sdc"},
        "xxxxxxxxxxx_00CC": {"special_file": "/dev/sdaq"},
        "Xxxxxxxxxxx_015d": {"type": "-"},
    },
    "svs": {
        "test_src_0000_SV0014": {"bv": "test_src_0000", "date": "2014/03/24 11:16:16"},
        "test_src_0000_SV0015": {"bv": "test_src_0000", "date": "2014/03/23 11:16:16"},
        "test_src_0000_SV0016": {"bv": "test_src_0000", "date": "2014/03/22 11:16:16"},
        "xxxxxxxxxxx_00cc_SV00ce": {"bv": "xxxxxxxxxxx_00CC", "date": "2014/09/09 17:27:45", "size": "47.4GB"},
        "xxxxxxxxxxx_00cc_SV00cd": {"bv": "xxxxxxxxxxx_00CC", "date": "2014/09/09 17:19:12", "size": "11.6GB"},
        "Xxxxxxxxxxx_015d_SV0160": {
            "bv": "Xxxxxxxxxxx_015d",
            "type": "-",
            "generation": -2,
            "date": "2017/10/12 12:32:25",
        },
    },
    "lvs": {
        "test_src_0000_LV0050": {"bv": "test_src_0000", "shows": "test_src_0000_SV0016"},
        "test_src_0000_LV005A": {"bv": "test_src_0000", "shows": "test_src_0000_SV0015"},
        "test_src_0000_LV0064": {"bv": "test_src_0000", "shows": "test_src_0000_SV0014"},
        "xxxxxxxxxxx_00cc_LV00cf": {
            "bv": "xxxxxxxxxxx_00CC",
            "shows": "xxxxxxxxxxx_00cc_SV00ce",
            "special_file": "/dev/sdar",
        },
        "xxxxxxxxxxx_00cc_LV00d0": {"bv": "xxxxxxxxxxx_00CC", "shows": "xxxxxxxxxxx_00cc_SV00cd"},
        "Xxxxxxxxxxx_015d_LV0161": {"bv": "Xxxxxxxxxxx_015d", "shows": "Xxxxxxxxxxx_015d_SV0160"},
    },
}


def captured(make: Make, tmp_path: Path) -> Simulated:
    path = tmp_path / "captured.json"
    path.write_text(json.dumps({"description": "captures", "arrays": {"default": CAPTURED_WORLD}}))
    return make(path)


def test_the_plain_screen_is_the_captured_one(make: Make, tmp_path: Path) -> None:
    """A world with the captured values prints the plain screen of 2014-03, and the line without OS type of 2017."""
    array = captured(make, tmp_path)
    assert array.ask("iSMsc_query -sv test_src_0000_SV0014 -svflg ld").text == PLAIN
    assert array.ask("iSMsc_query -sv Xxxxxxxxxxx_015d_SV0160 -svflg ld").text.endswith(NO_TYPE_ROW)


def test_summary_has_the_plain_shape(make: Make, tmp_path: Path) -> None:
    """Both summary forms print what the plain form prints."""
    array = captured(make, tmp_path)
    assert array.ask("iSMsc_query -sv test_src_0000_SV0014 -svflg ld -summary").text == PLAIN
    line = "iSMsc_query -bv test_src_0000 -bvflg ld -sv test_src_0000_SV0014 -svflg ld -summary"
    assert array.ask(line).text == PLAIN


def test_a_base_volume_lists_all_its_snapshots(make: Make, tmp_path: Path) -> None:
    """The plain form by base volume has a line for each SV, newest generation first."""
    lines = captured(make, tmp_path).ask("iSMsc_query -bv test_src_0000 -bvflg ld").text.splitlines()
    assert [line[29:34] for line in lines[8:]] == ["( -1)", "( -2)", "( -3)"]


def test_the_detail_screen_is_the_captured_one(make: Make, tmp_path: Path) -> None:
    """Padding, the three blanks of Create Start Time, and the missing Special File line of the second LV."""
    assert captured(make, tmp_path).ask("iSMsc_query -bv xxxxxxxxxxx_00CC -bvflg ld -detail").text == DETAIL


def test_linkinfo_is_the_captured_one(make: Make, tmp_path: Path) -> None:
    """The heading at column 0, and every LV of the base volume with its partner."""
    assert captured(make, tmp_path).ask("iSMsc_linkinfo -vol test_src_0000_SV0014 -volflg ld -lcl").text == LINKINFO


def test_the_array_lists_are_the_captured_ones(make: Make, tmp_path: Path) -> None:
    """The Monitoring column is iSMview's, iSMcc_view has none."""
    assert captured(make, tmp_path).ask("iSMcc_view -d").text == CC_VIEW
    assert make("seed", place="another").ask("iSMview -d").text == VIEW


def test_unlink_and_link_say_what_the_log_says(seed: Simulated) -> None:
    """The success lines of the log, each followed by an empty line, on the standard output."""
    assert (0, UNLINKED.encode(), b"") == seed.ask("iSMsc_unlink -lv SOURCE_0001_LV00A6 -lvflg ld")
    line = "iSMsc_link -lv SOURCE_0001_LV00A6 -sv SOURCE_0001_SV006D -lvflg ld -svflg ld"
    assert (0, LINKED.encode(), b"") == seed.ask(line)


def test_create_says_what_the_log_says(seed: Simulated) -> None:
    """A create that ends at 05:15:04 in Paris prints the block of the log, to the byte."""
    world = read_world(seed.directory)
    world["clock"]["zone"] = "Europe/Paris"
    change = {"verb": "create", "bv": "SOURCE_0001", "sv": "SOURCE_0001_SV006D", "lv": "", "access": "rw"}
    ended = calendar.timegm((2014, 9, 18, 3, 15, 3)) + 0.549  # the log's own time; the array runs half a second ahead
    effect = operations.finish(world, change, ended)  # type: ignore[arg-type]  # a plain dict of that shape
    assert screens.success(world, effect) == CREATED


def test_create_prints_that_block_with_its_own_stamp(seed: Simulated) -> None:
    """The command's output differs from the log's in the date only, and the date is the one of the SV afterwards."""
    seed.ask("iSMsc_unlink -lv SOURCE_0001_LV00A6 -lvflg ld")
    answer = seed.ask("iSMsc_create -bv SOURCE_0001 -sv SOURCE_0001_SV006D -bvflg ld -svflg ld")
    stamp = answer.text.split("[")[1].split("]")[0]
    assert CREATED.replace("2014/09/18 05:15:04", stamp) == answer.text
    assert f"snap/active   [{stamp}]" in seed.ask("iSMsc_query -sv SOURCE_0001_SV006D -svflg ld").text


def test_offset_zone_and_jumps_make_the_printed_time(seed: Simulated) -> None:
    """Array time is host time plus offset plus the jumps that are over, printed in the array's zone."""
    world = read_world(seed.directory)
    noon = calendar.timegm((2024, 7, 1, 12, 0, 0))
    world["clock"] = {
        "offset": 5.0,
        "zone": "Asia/Tokyo",
        "jumps": [{"after": 10, "shift": -3600}, {"after": 99, "shift": 7}],
        "start": noon - 20,
    }
    assert clock.render(world, clock.array_time(world, noon)) == "2024/07/01 20:00:05"
