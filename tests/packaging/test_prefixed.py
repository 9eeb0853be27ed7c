"""The sudoers sample for `command_prefix`: inactive, without wildcards, and exactly what a reading sends."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.units import ROOT

SAMPLE = ROOT / "packaging/sudoers/necism-read"
COMMANDS = re.findall(r"^    /opt/ism/bin/(.*?)(?:, \\)?$", SAMPLE.read_text(), re.MULTILINE)


@pytest.mark.proves("K08")
def test_visudo_accepts_the_sample(tmp_path: Path, require_server: Callable[[str], Path]) -> None:
    """The sample parses, and its name has no dot, for sudo passes over names with one."""
    copy = tmp_path / SAMPLE.name
    copy.write_bytes(SAMPLE.read_bytes())
    copy.chmod(0o440)
    done = subprocess.run(
        [require_server("visudo"), "-c", "-f", copy], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "." not in SAMPLE.name


@pytest.mark.proves("K08")
def test_the_sample_has_no_wildcard() -> None:
    """Whatever the commands are given is written out."""
    rules = [line for line in SAMPLE.read_text().splitlines() if not line.startswith("#")]
    assert COMMANDS
    assert [line for line in rules if set(line) & set("*?[]^!") and not line.startswith("Defaults!")] == []


@pytest.mark.proves("K08")
def test_the_sample_allows_what_a_reading_sends_and_nothing_else(tmp_path: Path) -> None:
    """The commands that two readings of the simulated array log are those of the sample; none of them changes."""
    necism = (sys.executable, "-m", "necism_monitor")
    made = [*necism, "simulator", "create", str(tmp_path / "array")]
    subprocess.run(made, cwd=ROOT, check=True, capture_output=True, timeout=120)
    config = ("--config", str(tmp_path / "array/config"))
    for words in (("collect",), ("capture", str(tmp_path / "captured"))):
        done = [*necism, *config, *words]
        subprocess.run(done, cwd=ROOT, check=True, capture_output=True, timeout=120)
    calls = [json.loads(line) for line in (tmp_path / "array/calls.jsonl").read_text().splitlines()]
    begun = [call for call in calls if call["event"] == "start"]
    assert {" ".join(call["argv"]) for call in begun} == set(COMMANDS)
    assert {call["class"] for call in begun} == {"READ"}
