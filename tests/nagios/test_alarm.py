"""The last resort, in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from necism_monitor.nagios.alarm import arm, descendants, disarm, end_descendants, hush
from necism_monitor.nagios.deadline import Deadline
from necism_monitor.nagios.states import State


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(
    ("number", "code", "why"),
    [
        (signal.SIGALRM, 2, "no answer within 50 s (-t)"),
        (signal.SIGTERM, 3, "stopped by SIGTERM"),
        (signal.SIGHUP, 3, "stopped by SIGHUP"),
        (signal.SIGINT, 3, "stopped by SIGINT"),
    ],
)
def test_one_line_names_the_stage(
    capfd: pytest.CaptureFixture[str], number: signal.Signals, code: int, why: str
) -> None:
    """Time that ran out has the state asked for, a signal is UNKNOWN; the line is harmless whatever the stage is."""
    left: list[int] = []
    deadline = Deadline(50)
    deadline.stage = "running a|b $x\n`y`"
    arm(deadline, State.CRITICAL, left.append)
    os.kill(os.getpid(), number)
    disarm()
    assert left == [code]
    assert capfd.readouterr().out == f"NECISM {State(code).name} - {why}, while running a/b ?x y\n"


@pytest.mark.usefixtures("signals")
def test_nothing_is_added_to_an_answer(capfd: pytest.CaptureFixture[str]) -> None:
    """Once the answer is given, a late signal neither prints nor changes the exit status."""
    left: list[int] = []
    arm(Deadline(50), State.UNKNOWN, left.append)
    hush()
    disarm()
    os.kill(os.getpid(), signal.SIGTERM)
    assert left == []
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert capfd.readouterr().out == ""


def test_children_and_grandchildren_are_found_and_ended() -> None:
    """Also those that moved to a session of their own."""
    shell = "setsid sh -c 'sleep 600 & wait' & wait"
    child = subprocess.Popen(["/bin/sh", "-c", shell], start_new_session=True)
    root = [sys.executable, "-c", "import time; time.sleep(600)"]
    other = subprocess.Popen(root)
    try:
        found: list[int] = []
        for _ in range(1000):
            found = descendants(child.pid)
            if len(found) >= 2:
                break
            time.sleep(0.01)
        assert len(found) >= 2
        assert {child.pid, other.pid, *found} <= set(descendants(os.getpid()))
        end_descendants()
        assert descendants(os.getpid()) == []
    finally:
        child.kill()
        other.kill()
        assert child.wait(60) == other.wait(60) == -signal.SIGKILL
