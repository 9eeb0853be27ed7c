"""`necism collect` as a process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from necism_monitor.app.look import Sources, read_array
from necism_monitor.cli import collect
from necism_monitor.cli.main import main
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.reading import Observation
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault
from tests.cli.conftest import Necism, Simulated


def test_what_was_read_is_saved_and_said(necism: Necism, simulated: Simulated) -> None:
    """One line an array; READ commands only; the file is for everybody to read."""
    place = simulated("eight")
    done = necism("collect", "--config", place / "config")
    assert done.returncode == 0
    assert done.stdout.startswith("default: 8 SVs on 2 BVs read in ")
    assert done.stdout.count("\n") == 1
    file = place / "run" / "observation.json"
    assert file.stat().st_mode & 0o777 == 0o644
    assert set(json.loads(file.read_text())["arrays"]) == {"default"}
    assert {call["effect_class"] for call in read_calls(place)} == {"READ"}


def test_an_array_that_could_not_be_read_is_said_and_saved(necism: Necism, simulated: Simulated) -> None:
    """3, the first reason with its hint, and a file from which others learn the same."""
    place = simulated("seed")
    add_fault(place, {"kind": "fail_before", "command": "*", "occurrence": "all"})
    done = necism("collect", "--config", place / "config")
    assert done.returncode == 3
    first, hint = done.stdout.splitlines()
    assert first.startswith("default: not everything could be read in ")
    assert "iSM19999" in first
    assert hint.startswith("  -> ")
    asked = len(read_calls(place))
    shown = necism("status", "--config", place / "config")
    assert shown.returncode == 3
    assert len(read_calls(place)) == asked


def test_one_array_s_trouble_does_not_cost_the_others_theirs(necism: Necism, simulated: Simulated) -> None:
    """Of two arrays the one without commands is told, the other is read and saved."""
    place = simulated("seed")
    (place / "config" / "services" / "far.conf").write_text(
        "[sync#1]\ntype = necismsnap\narray = far\ndevs = A_SV:A_LV\n"
    )
    general = place / "config" / "necism.conf"
    general.write_text(general.read_text() + f"\n[array far]\nism_path = {place}/nowhere\n")
    done = necism("collect", "--config", place / "config")
    assert done.returncode == 3
    assert sorted(line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")) == [
        "default",
        "far",
    ]
    assert set(json.loads((place / "run" / "observation.json").read_text())["arrays"]) == {"default", "far"}


def test_a_place_that_cannot_be_written_is_the_machine_s_trouble(necism: Necism, simulated: Simulated) -> None:
    """3, with the file and what to do; no traceback."""
    done = necism("collect", "--config", simulated("seed") / "config", "--run-dir", "/proc/nowhere")
    assert done.returncode == 3
    assert "/proc/nowhere/observation.json cannot be written" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_of_ours_in_one_array_is_called_one(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """70, the others are saved all the same, and what was saved of this one before stays."""
    place = simulated("seed")
    (place / "config" / "services" / "far.conf").write_text(
        "[sync#1]\ntype = necismsnap\narray = far\ndevs = A_SV:A_LV\n"
    )

    def read(sources: Sources, name: ArrayName) -> Observation:
        if name == "far":
            raise KeyError("a slip")
        return read_array(sources, name)

    monkeypatch.setattr(collect, "read_array", read)
    assert main(["collect", "--config", str(place / "config")]) == 70
    shown = capsys.readouterr()
    assert "array far: a bug of necism-monitor" in shown.err
    assert "KeyError: 'a slip'" in shown.err
    assert set(json.loads(Path(place / "run" / "observation.json").read_text())["arrays"]) == {"default"}
