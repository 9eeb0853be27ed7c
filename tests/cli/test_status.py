"""`necism status` on simulated arrays, as a process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault
from tests.cli.conftest import PATIENCE, ROOT, Done, Necism, Simulated, clean_environment

SCHEMA: Final[dict[str, Any]] = json.loads((ROOT / "docs" / "schema" / "status.json").read_text())


def document(done: Done) -> dict[str, Any]:
    """The document it printed, checked against the published schema."""
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


@pytest.mark.parametrize(
    ("scenario", "code", "status"), [("seed", 0, "up"), ("eight", 0, "up"), ("odd", 1, "warn"), ("stale", 1, "warn")]
)
def test_the_exit_code_is_the_verdict(
    necism: Necism, simulated: Simulated, scenario: str, code: int, status: str
) -> None:
    """Table and document of one array agree with the code, and the document with its schema."""
    config = simulated(scenario) / "config"
    table, found = necism("status", "--config", config), necism("status", "--json", "--config", config)
    assert (table.returncode, found.returncode) == (code, code)
    assert table.stdout.startswith(f"{status.upper()}: ")
    assert document(found)["status"] == status


def test_a_warm_status_costs_one_command_a_base_volume(necism: Necism, simulated: Simulated) -> None:
    """Eight pairs on two BVs: the second status sends exactly two commands, and says so."""
    place = simulated("eight")
    assert necism("status", "--config", place / "config").returncode == 0
    cold = len(read_calls(place))
    warm = necism("status", "--json", "--config", place / "config")
    assert len(read_calls(place)) - cold == 2
    assert document(warm)["commands"] == {"iSMsc_query": 2}


def test_without_a_state_dir_that_can_be_written_nothing_fails(necism: Necism, simulated: Simulated) -> None:
    """The map is then not kept: each status asks for everything, and tells the same."""
    place = simulated("eight")
    words = (
        "status",
        "--json",
        "--config",
        place / "config",
        "--state-dir",
        "/proc/nowhere",
        "--run-dir",
        "/proc/nowhere",
    )
    first, second = necism(*words), necism(*words)
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stderr == ""
    assert document(first)["commands"] == document(second)["commands"]


def test_selectors_choose_what_is_shown(necism: Necism, simulated: Simulated) -> None:
    """In configuration order, each once, whatever the order of the selectors; the verdict is theirs."""
    config = simulated("odd") / "config"
    found = document(necism("status", "--json", "odd-label/sync#1", "odd-blanks", "odd-label", "--config", config))
    assert [one["service"] for one in found["services"]] == ["odd-blanks", "odd-label"]
    assert found["status"] == "up"


def test_a_selector_that_names_nothing_is_wrong_usage(necism: Necism, simulated: Simulated) -> None:
    """Nothing is asked of the array, and the nearest name is suggested."""
    place = simulated("seed")
    done = necism("status", "iiststnec2", "--config", place / "config")
    assert (done.returncode, done.stdout) == (64, "")
    assert "did you mean 'iiststnec02'?" in done.stderr
    assert read_calls(place) == []


def test_commands_that_are_not_there_are_could_not_tell(necism: Necism, simulated: Simulated, tmp_path: Path) -> None:
    """--ism-path to nowhere: unknown, never a word about the volumes, and what to do."""
    config = simulated("seed") / "config"
    words = ("--config", config, "--ism-path", tmp_path / "nowhere")
    table, found = necism("status", *words), document(necism("status", "--json", *words))
    assert table.returncode == 3
    assert "UNKNOWN query-failed" in table.stdout
    assert "ism_path" in table.stdout
    pairs = found["services"][0]["resources"][0]["pairs"]
    assert {code["code"] for pair in pairs for code in pair["findings"]} == {"query-failed"}
    assert {(pair["link"], pair["snapshot_state"], pair["age_seconds"]) for pair in pairs} == {
        ("unknown", "unknown", None)
    }
    assert found["arrays"][0]["up"] is False


@pytest.mark.parametrize("kind", ["garbage", "empty_output", "foreign_encoding", "fail_before", "kill"])
def test_an_array_that_talks_nonsense_is_could_not_tell(necism: Necism, simulated: Simulated, kind: str) -> None:
    """Whatever the commands print, the status is unknown and the table holds no control character."""
    place = simulated("seed")
    add_fault(place, {"kind": kind, "command": "*", "occurrence": "all"})
    done = necism("status", "--config", place / "config")
    assert done.returncode == 3
    assert done.stdout.replace("\n", "").isprintable()
    assert document(necism("status", "--json", "--config", place / "config"))["status"] == "unknown"


def test_every_odd_state_is_named_in_the_table(necism: Necism, simulated: Simulated) -> None:
    """What the document finds, the table says, with the hint of each."""
    config = simulated("odd") / "config"
    table = necism("status", "--config", config).stdout
    found = document(necism("status", "--json", "--config", config))
    resources = [one for service in found["services"] for one in service["resources"]]
    findings = [one for pair in (pair for one in resources for pair in one["pairs"]) for one in pair["findings"]]
    assert len({one["code"] for one in findings}) >= 10
    lines = [" ".join(line.split()) for line in table.splitlines()]
    for one in findings:
        assert f"-> {one['hint']}" in lines
        assert f" {one['code']}" in table


def test_a_file_source_asks_nothing(necism: Necism, simulated: Simulated) -> None:
    """`source = file`: stale without a file, then what `necism collect` saw, and no command either way."""
    place = simulated("seed")
    general = place / "config" / "necism.conf"
    general.write_text(general.read_text().replace("[necism]", "[necism]\nsource = file"))
    before = document(necism("status", "--json", "--config", place / "config"))
    assert before["status"] == "unknown"
    assert [one["code"] for one in before["services"][0]["resources"][0]["findings"]] == ["stale"]
    assert read_calls(place) == []
    assert necism("collect", "--config", place / "config").returncode == 0
    asked = len(read_calls(place))
    assert document(necism("status", "--json", "--config", place / "config"))["status"] == "up"
    assert len(read_calls(place)) == asked


def test_a_fresh_observation_saves_the_commands(necism: Necism, simulated: Simulated) -> None:
    """With the default source, what `collect` read a moment ago is used, and its time is shown."""
    place = simulated("seed")
    assert necism("collect", "--config", place / "config").returncode == 0
    asked = len(read_calls(place))
    done = necism("status", "--config", place / "config")
    assert done.returncode == 0
    assert len(read_calls(place)) == asked


def on_a_terminal(*words: str, **environ: str) -> str:
    """What a person sees who types `necism WORDS`."""
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "necism_monitor", *words],
        stdout=follower, stderr=follower, env=clean_environment(**{"TERM": "xterm", "COLUMNS": "200", **environ}),
    )  # fmt: skip
    os.close(follower)
    shown = b""
    while chunk := _read(leader):
        shown += chunk
    child.wait(PATIENCE)
    os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def _read(leader: int) -> bytes:
    """What comes next; a terminal that its last user closed answers with an error on Linux."""
    try:
        return os.read(leader, 65536)
    except OSError:
        return b""


def test_a_terminal_is_coloured_unless_it_is_not_wanted(simulated: Simulated) -> None:
    """NO_COLOR takes the colours away, TERM=dumb everything that is not plain."""
    config = str(simulated("odd") / "config")
    coloured = on_a_terminal("status", "--config", config)
    assert "\x1b[1;33mWARN" in coloured
    assert "\x1b[1;33m" not in on_a_terminal("status", "--config", config, NO_COLOR="1")
    plain = on_a_terminal("status", "--config", config, TERM="dumb")
    assert "\x1b" not in plain
    assert plain.startswith("WARN: ")


def test_debug_tells_every_command(necism: Necism, simulated: Simulated) -> None:
    """On standard error, in the log's shape or as JSON; the document stays alone on standard output."""
    config = simulated("eight") / "config"
    text = necism("--log.level", "debug", "status", "--json", "--config", config)
    assert " - necism - DEBUG - iSMview -d: exited 0 after " in text.stderr
    assert document(text)["status"] == "up"
    lines = necism("status", "--config", config, NECISM_LOG_LEVEL="debug", NECISM_LOG_FORMAT="json").stderr.splitlines()
    assert {(one["level"], one["logger"]) for one in map(json.loads, lines)} == {("debug", "necism")}


def test_a_healthy_set_is_shown_without_a_word_on_standard_error(necism: Necism, simulated: Simulated) -> None:
    """The example everybody starts from, with its limit of twenty years, does not nag at every start."""
    done = necism("status", "--config", simulated("seed") / "config")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_section_that_comes_twice_is_said_at_every_start(necism: Necism, simulated: Simulated) -> None:
    """What a repeated section hides from monitoring is not known to `config check` alone."""
    place = simulated("seed") / "config"
    service = place / "services" / "iiststnec02.conf"
    service.write_text(service.read_text() + "\n[sync#1]\nsync_min_delay = 31\n")
    done = necism("status", "--config", place)
    assert "[sync#1] was begun at line" in done.stderr
