"""How an array's commands are reached."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.reach import ArrayReader
from necism_monitor.domain.model import Array
from necism_monitor.domain.names import ArrayName
from necism_monitor.ism.commands import view_arrays
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.reach import command_line

ARRAY = Array(ArrayName("default"))


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with an `iSMview` that notes when it began and ended, and shows its arguments."""
    program = tmp_path / "bin" / "iSMview"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho begin >> {tmp_path}/log\nsleep 0.1\necho end >> {tmp_path}/log\necho "$0 $*"\n'
    )
    program.chmod(0o755)
    return program.parent


def test_the_prefix_stands_before_the_program_in_its_directory() -> None:
    """As a person would type it."""
    assert command_line(ARRAY, ("iSMview", "-d")) == ("iSMview", "-d")
    reached = ARRAY._replace(ism_path="/opt/iSM/bin", command_prefix=("sudo", "-n"))
    assert command_line(reached, ("iSMview", "-d")) == ("sudo", "-n", "/opt/iSM/bin/iSMview", "-d")


def test_the_output_shows_the_line_that_ran_and_the_counter_the_plain_one(programs: Path) -> None:
    """A person repeats the whole line; a counter knows the command whatever its path."""
    finished: list[Output] = []
    array = ARRAY._replace(ism_path=str(programs), command_prefix=("env", "A=1"))
    output = ArrayReader(ProcessRunner(), array, finished.append).read(view_arrays())
    assert output.stdout == f"{programs}/iSMview -d\n"
    assert output.argv == ("env", "A=1", f"{programs}/iSMview", "-d")
    assert [one.argv for one in finished] == [("iSMview", "-d")]


def test_a_command_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    """Nothing raises: the ending says that it never ran."""
    assert ArrayReader(ProcessRunner(), ARRAY._replace(ism_path=str(tmp_path))).read(view_arrays()).never_ran


def test_a_timeout_shortens_the_array_s_own(programs: Path) -> None:
    """The smaller of the two counts."""
    slow = programs / "iSMview"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    array = ARRAY._replace(ism_path=str(programs), read_timeout=0.2)
    assert ArrayReader(ProcessRunner(), array).read(view_arrays(), timeout=25).ending is Ending.TIMED_OUT
    array = array._replace(read_timeout=25)
    began = time.monotonic()
    assert ArrayReader(ProcessRunner(), array).read(view_arrays(), timeout=0.2).ending is Ending.TIMED_OUT
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("parallel", [1, 2])
def test_no_more_commands_than_the_array_allows_run_at_once(programs: Path, parallel: int) -> None:
    """Four threads ask one array; its log never shows more open commands than `parallel_commands`."""
    reader = ArrayReader(ProcessRunner(), ARRAY._replace(ism_path=str(programs), parallel_commands=parallel))
    threads = [threading.Thread(target=reader.read, args=(view_arrays(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running = highest = 0
    for line in (programs.parent / "log").read_text().splitlines():
        running += 1 if line == "begin" else -1
        highest = max(highest, running)
    assert running == 0
    assert 1 <= highest <= parallel
