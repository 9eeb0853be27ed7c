"""`necism capture`: raw answers on disk, with and without names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.cli import capture
from necism_monitor.cli.main import main
from necism_monitor.cli.redaction import Redactor, names_in
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen
from necism_monitor.ism.query import parse_detail
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault
from tests.cli.conftest import ROOT, Necism, Simulated
from tests.servers import require_server

CAPTURES = ROOT / "tests" / "captures"


def index(directory: Path) -> dict[str, Any]:
    """The list of what was captured."""
    found: dict[str, Any] = json.loads((directory / "index.json").read_text())
    return found


def test_every_question_is_recorded(necism: Necism, simulated: Simulated, tmp_path: Path) -> None:
    """Eight SVs on two BVs: the arrays, each SV, each BV, each BV's links; READ only, and byte for byte."""
    place, into = simulated("eight"), tmp_path / "new" / "capture"
    done = necism("capture", into, "--config", place / "config")
    assert done.returncode == 0
    assert str(into) in done.stdout
    found = index(into)["commands"]
    plain = [Path(one["argv"][0]).name for one in found]
    assert plain == ["iSMview"] + 10 * ["iSMsc_query"] + 2 * ["iSMsc_linkinfo"]
    assert {call["effect_class"] for call in read_calls(place)} == {"READ"}
    assert {(one["ending"], one["exit"], one["truncated"]) for one in found} == {("exited", 0, False)}
    detail = next(one for one in found if "-detail" in one["argv"])
    screen = parse_detail((into / detail["stdout"]).read_text(), LdName(detail["argv"][2]))
    assert isinstance(screen, BvScreen)
    assert len(screen.records) == 4
    assert {path.name for path in into.iterdir()} == {"index.json"} | {
        one[key] for one in found for key in ("stdout", "stderr")
    }


def test_commands_that_fail_are_recorded_too(necism: Necism, simulated: Simulated, tmp_path: Path) -> None:
    """A capture is made when things fail: their codes and what they say are what a report needs."""
    place = simulated("seed")
    add_fault(place, {"kind": "fail_before", "command": "*", "occurrence": "all"})
    done = necism("capture", tmp_path / "c", "--config", place / "config")
    assert done.returncode == 0
    found = index(tmp_path / "c")["commands"]
    assert all(one["exit"] != 0 for one in found)
    assert all("iSM19999" in (tmp_path / "c" / one["stderr"]).read_text() for one in found)
    assert any("iSMsc_linkinfo" in one["argv"][0] for one in found)


def test_commands_that_are_missing_are_recorded_too(necism: Necism, simulated: Simulated, tmp_path: Path) -> None:
    """Even where nothing can be run there is something to send."""
    done = necism(
        "capture", tmp_path / "c", "--config", simulated("seed") / "config", "--ism-path", tmp_path / "nowhere"
    )
    assert done.returncode == 0
    assert {one["ending"] for one in index(tmp_path / "c")["commands"]} == {"missing"}


def test_only_an_empty_directory_is_taken(necism: Necism, simulated: Simulated, tmp_path: Path) -> None:
    """Nothing is overwritten, and nothing asked before that is known."""
    place = simulated("seed")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("mine")
    for target, code in ((tmp_path / "full", 64), (tmp_path / "full" / "kept", 64), ("/proc/nowhere/x", 3)):
        done = necism("capture", target, "--config", place / "config")
        assert done.returncode == code
        assert "hint: " in done.stderr
    assert read_calls(place) == []


def test_a_disk_that_fills_up_is_the_machine_s_trouble(
    simulated: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """3, and the directory is named."""
    config = simulated("seed") / "config"

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(capture, "_create", full)
    assert main(["capture", str(tmp_path / "c"), "--config", str(config)]) == 3
    assert f"{tmp_path / 'c'}: No space left on device" in capsys.readouterr().err


def test_a_redacted_capture_names_nobody(necism: Necism, simulated: Simulated, tmp_path: Path) -> None:
    """No name of the world is left in any file or file name, and the screens parse as before."""
    place, into = simulated("eight"), tmp_path / "c"
    done = necism("capture", into, "--redact", "--config", place / "config")
    assert done.returncode == 0
    world = json.loads((place / "world.json").read_text())
    names = {*world["bvs"], *world["svs"], *world["lvs"], world["array"]["name"]}
    whole = "".join(path.name + path.read_text() for path in into.iterdir())
    assert [name for name in names if name in whole] == []
    assert str(place) not in whole
    found = index(into)
    assert found["redacted"] is True
    detail = next(one for one in found["commands"] if "-detail" in one["argv"])
    screen = parse_detail((into / detail["stdout"]).read_text(), LdName(detail["argv"][2]))
    assert isinstance(screen, BvScreen)
    assert len(screen.records) == 4
    assert set(screen.records) <= {one["argv"][2] for one in found["commands"] if "-sv" in one["argv"]}


@pytest.mark.parametrize(
    ("capture", "names"),
    [
        ("query_detail.txt", {"xxxxxxxxxxx_00CC", "xxxxxxxxxxx_00cc_SV00ce", "xxxxxxxxxxx_00cc_SV00cd",
                              "xxxxxxxxxxx_00cc_LV00cf", "xxxxxxxxxxx_00cc_LV00d0"}),
        ("query_sv.txt", {"test_src_0000", "test_src_0000_SV0014"}),
        ("linkinfo_sv.txt", {f"test_src_0000_{one}" for one in (
            "SV0014", "SV0015", "SV0016", "LV0050", "LV005A", "LV0064")}),
        ("view_arrays.txt", {"D1_10"}),
        ("view_arrays_without_monitoring.txt", {"Optima7_LMW"}),
        ("create_1.txt", {"SOURCE_0001", "SOURCE_0001_SV006D"}),
    ],
)  # fmt: skip
def test_names_are_found_where_screens_have_them(capture: str, names: set[str]) -> None:
    """On real screens exactly the names a person finds, and no word of the screen's own."""
    assert names_in((CAPTURES / capture).read_text()) == names


def test_a_message_names_a_volume_in_brackets() -> None:
    """The vendor's messages append the volume."""
    assert names_in("iSMsc_query:Error: iSM19902: it does not exist. (ODD_NOSV_SV)") == {"ODD_NOSV_SV"}


def test_one_name_has_one_other_name_of_its_length() -> None:
    """Columns stay, and what was the same before is the same after; short names only where they stand alone."""
    redactor = Redactor({"SOURCE_0001", "SOURCE_0001_SV006D", "LV1"})
    before = "SOURCE_0001 SOURCE_0001_SV006D LV1 LV12 ALV1 SOURCE_0001_SV9999\nLV1."
    after = redactor.redact(before)
    assert [len(word) for word in after.split(" ")] == [len(word) for word in before.split(" ")]
    base, image, link, *others, unknown = after.split()[:6]
    assert (link, others) != ("LV1", ["LV12", "ALV1"])
    assert others == ["LV12", "ALV1"]
    assert unknown.startswith(base)
    assert len({base, image, link}) == 3
    assert after.endswith(f"{link}.")
    assert redactor.redact(before) == after


@pytest.mark.parametrize(
    "wwn",
    ["50060e8007c2a3b4", "50:06:0e:80:07:c2:a3:b4", "0x600a0b800012345600000abc", "36001438005DE9B8A0000400000460000"],
)
def test_a_wwn_keeps_its_shape_only(wwn: str) -> None:
    """The same WWN is the same number, another is another."""
    redactor = Redactor(())
    first, again, other = redactor.redact(f"{wwn} {wwn} {wwn[:-1]}1").split()
    assert first == again != other
    assert wwn not in first
    assert re.sub(r"[0-9A-Za-z]", "0", wwn) == re.sub(r"[0-9A-Za-z]", "0", first)


@given(st.sets(st.from_regex(r"[A-Z]{2}[A-Z0-9_]{4,22}", fullmatch=True), max_size=30))
def test_no_name_survives_and_none_is_shared(names: set[str]) -> None:
    """However many names there are, each has its own replacement of its length."""
    redactor = Redactor(names)
    replaced = [redactor.redact(f"({name})") for name in sorted(names)]
    assert [len(one) for one in replaced] == [len(name) + 2 for name in sorted(names)]
    assert len(set(replaced)) == len(names)


def test_a_redacted_capture_keeps_the_words_of_ssh_to_itself(
    necism: Necism, simulated: Simulated, tmp_path: Path
) -> None:
    """They name hosts, users and addresses that no configuration knows."""
    require_server("ssh")
    place, into = simulated("seed"), tmp_path / "c"
    settings = place / "config" / "necism.conf"
    settings.write_text(f"{settings.read_text()}\n[array default]\nhost = array9.invalid\n")
    assert necism("capture", into, "--redact", "--config", place / "config").returncode == 0
    whole = "".join(path.read_text() for path in into.iterdir())
    assert ("array9.invalid" in whole, "the words of ssh are left out" in whole) == (False, True)
