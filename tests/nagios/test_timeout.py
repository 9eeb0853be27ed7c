"""The plugin when commands hang or somebody stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from necism_monitor.simulator import faults
from tests.nagios.builders import PLUGIN, ask, parse_output
from tests.nagios.conftest import Simulate
from tests.nagios.processes import command_dir, config, until_none, wait_for


@pytest.mark.proves("N08")
def test_a_hanging_command_ends_with_the_timeout(simulate: Simulate, mark: str) -> None:
    """One query hangs: UNKNOWN by default, naming the command; what was read is kept, and no process is left."""
    directory = simulate("seed")
    faults.add_fault(directory, {"kind": "hang_before", "command": "iSMsc_query", "match": ["-bv", "SOURCE_0002"]})
    name, _, value = mark.partition("=")
    began = time.monotonic()
    said = ask(*config(directory), "-t", "2", env={name: value})
    assert time.monotonic() - began < 6
    assert said.code == 3
    assert "no answer within 2 s" in said.status
    assert "iSMsc_query -bv SOURCE_0002" in said.status
    assert said.perfdata[0].value != "U"
    assert until_none(mark) == []


@pytest.mark.parametrize(("state", "code"), [("warning", 1), ("critical", 2), ("unknown", 3)])
def test_the_state_of_a_timeout_can_be_chosen(simulate: Simulate, tmp_path: Path, state: str, code: int) -> None:
    """--timeout-state."""
    place = command_dir(tmp_path / "bin", "exec sleep 600")
    said = ask(*config(simulate("seed")), "--ism-path", place, "-t", "0.5", "--timeout-state", state)
    assert said.code == code
    assert "no answer within 0.5 s" in said.status


@pytest.mark.proves("N01", "N08")
def test_a_command_that_ignores_term_and_its_children_are_ended(simulate: Simulate, tmp_path: Path, mark: str) -> None:
    """Deaf to TERM, with a child in another session: both are gone when the plugin has answered."""
    place = command_dir(tmp_path / "bin", "trap '' TERM INT HUP\nsetsid sleep 600 &\nwhile :; do sleep 600; done")
    name, _, value = mark.partition("=")
    began = time.monotonic()
    said = ask(*config(simulate("seed")), "--ism-path", place, "-t", "2", env={name: value})
    assert time.monotonic() - began < 6
    assert said.code == 3
    assert "no answer within 2 s" in said.status
    assert "while running iSM" in said.status
    assert until_none(mark) == []


def test_a_pipe_in_the_place_of_a_file_is_unknown(simulate: Simulate) -> None:
    """Opening it would wait for a writer for ever."""
    directory = simulate("seed")
    settings = directory / "config" / "necism.conf"
    settings.unlink()
    os.mkfifo(settings)
    said = ask(*config(directory), "-t", "1")
    assert said.code == 3


@pytest.mark.proves("N01", "N08")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_plugin_and_its_commands(
    simulate: Simulate, tmp_path: Path, mark: str, number: signal.Signals
) -> None:
    """Icinga ends a slow plugin with TERM: 3, one line that names the stage, no process left."""
    started = tmp_path / "started"
    place = command_dir(tmp_path / "bin", f"touch {started}\nexec sleep 600")
    name, _, value = mark.partition("=")
    argv = [sys.executable, str(PLUGIN), *config(simulate("seed")), "--ism-path", place]
    plugin = subprocess.Popen(argv, env={**os.environ, name: value}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(started.exists)
    plugin.send_signal(number)
    out, err = plugin.communicate(timeout=60)
    said = parse_output(out.decode(), plugin.returncode)
    assert (said.code, err) == (3, b"")
    assert f"stopped by {number.name}, while running iSM" in said.status
    assert until_none(mark) == []


def test_commands_that_run_at_once_are_all_ended(simulate: Simulate, tmp_path: Path, mark: str) -> None:
    """Threads that wait for commands do not start others while the plugin is being stopped."""
    directory = simulate("eight")
    assert ask(*config(directory)).code == 0
    settings = directory / "config" / "necism.conf"
    settings.write_text(settings.read_text().replace("[array default]\n", "[array default]\nparallel_commands = 4\n"))
    place = command_dir(tmp_path / "bin", f"touch {tmp_path}/started-$$\ntrap '' TERM\nwhile :; do sleep 600; done")
    name, _, value = mark.partition("=")
    argv = [sys.executable, str(PLUGIN), *config(directory), "--ism-path", place]
    plugin = subprocess.Popen(argv, env={**os.environ, name: value}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: len(list(tmp_path.glob("started-*"))) == 2)
    plugin.terminate()
    out, err = plugin.communicate(timeout=60)
    said = parse_output(out.decode(), plugin.returncode)
    assert (said.code, err) == (3, b"")
    assert "while running iSMsc_query -bv" in said.status
    assert until_none(mark) == []
    assert len(list(tmp_path.glob("started-*"))) == 2


def test_blocked_and_ignored_signals_of_a_parent_do_not_matter(simulate: Simulate, tmp_path: Path) -> None:
    """A parent that left SIGALRM blocked and ignored does not switch the timeout off."""
    place = command_dir(tmp_path / "bin", "trap '' TERM\nwhile :; do sleep 600; done")
    code = (
        "import os, signal, sys\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    said = ask(
        *config(simulate("seed")),
        "--ism-path",
        place,
        "-t",
        "0.5",
        command=(sys.executable, "-c", code, sys.executable, str(PLUGIN)),
    )
    assert said.code == 3
    assert "no answer within 0.5 s" in said.status
