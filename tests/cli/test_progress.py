"""A run on a terminal: the log stands on lines of its own, the progress moves below it."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from necism_monitor.cli.progress import Progress
from necism_monitor.simulator.create import create


def on_terminal(*words: str) -> str:
    """What a terminal of 200 columns is sent by `necism WORDS`."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "LINES": "50"}
    command = [sys.executable, "-m", "necism_monitor", *words]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as child:
        os.close(slave)
        seen = b""
        while chunk := _read(master):
            seen += chunk
        assert child.wait(60) == 0
    os.close(master)
    return seen.decode()


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:
        return b""


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A resync on a terminal, slow enough for the line to move."""
    made = create(tmp_path_factory.mktemp("array") / "simulated", "stale", "0.03")
    return on_terminal("--config", str(made.config), "resync", "erp-preprod")


def test_the_progress_counts_commands_and_detached_lvs(screen: str) -> None:
    """The moving line says how many of the commands are done and how many LVs are away."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    assert "6/6" in plain
    assert "LVs detached: 2" in plain


def test_the_log_stands_on_lines_of_its_own(screen: str) -> None:
    """Whatever a log entry follows, the terminal's line was erased or ended before it."""
    befores = re.findall(r"(.{0,4})\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - erp-preprod", screen, re.DOTALL)
    assert befores
    assert [before for before in befores if not before.endswith(("\n", "\x1b[2K", "\x1b[?25l", "\r"))] == []


def test_a_command_is_not_wrapped_by_the_progress(screen: str) -> None:
    """A long command stays on one line, to be copied."""
    assert "iSMsc_link -lv ERP_PRD_DATA_LV0061 -sv ERP_PRD_DATA_SV0041 -lvflg ld -svflg ld" in screen


def test_nothing_is_shown_without_a_terminal(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An invisible progress prints nothing and needs no library."""
    with Progress(visible=False) as progress:
        progress.show(1, 2, 1, f"create {tmp_path.name}")
    assert capfd.readouterr() == ("", "")
