"""Hooks as processes: what they leave alive, how they are ended, and what they may cost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.adapters import children, streams
from necism_monitor.adapters.hook_commands import HookCommands, hook_at_work, hook_lock
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.names import ArrayName
from necism_monitor.ism.output import Ending, Output

ARRAY = ArrayName("default")
Run = Callable[..., Output]


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path) -> Run:
    """`run(text, seconds)`: a shell script as a hook."""
    commands = HookCommands(ProcessRunner(), tmp_path, ARRAY)
    return lambda text, seconds=30.0: commands.hook(("/bin/sh", "-c", text), seconds)


@pytest.fixture(name="left")
def left_fixture(tmp_path: Path) -> Iterator[Path]:
    """Where a script notes the process that it leaves behind; it is ended with the test."""
    path = tmp_path / "left"
    yield path
    if lives(path):
        os.kill(int(path.read_text()), signal.SIGKILL)


def lives(path: Path) -> bool:
    """Whether the noted process is there and no zombie."""
    try:
        state = Path("/proc", path.read_text().strip(), "stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def test_a_hook_past_its_deadline_has_time_to_put_things_right(run: Run, tmp_path: Path) -> None:
    """It is told by TERM first, although flock(1) before it ends at once."""
    output = run(f"trap 'sleep 0.5; echo done > {tmp_path}/tidy; exit 1' TERM; sleep 60 & wait", 1.0)
    assert (output.ending, (tmp_path / "tidy").read_text()) == (Ending.TIMED_OUT, "done\n")


def test_a_hook_that_ignores_term_is_killed_all_the_same(run: Run, left: Path) -> None:
    """And so is what it started."""
    output = run(f"trap '' TERM; sleep 60 & echo $! > {left}; wait; sleep 60", 1.0)
    assert (output.ending, lives(left)) == (Ending.TIMED_OUT, False)


def test_a_hook_that_kills_its_parent_does_not_go_on_in_secret(run: Run, left: Path, tmp_path: Path) -> None:
    """What comes next would work beside it: it is ended, and it has failed."""
    output = run(f"echo $$ > {left}; kill -9 $PPID; sleep 60")
    assert (output.ending, output.code, lives(left)) == (Ending.SIGNALLED, signal.SIGKILL, False)
    assert not hook_at_work(hook_lock(tmp_path, ARRAY))


def test_a_hook_that_cannot_be_killed_is_not_said_to_be_gone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in uninterruptible sleep (simulated: it is always found) outlives its group's leader."""
    monkeypatch.setattr(children, "_group_lives", lambda _pid: True)
    assert run("sleep 60", 1.0).ending is Ending.LOST


def test_a_hook_that_writes_without_end_does_not_take_the_memory_of_the_host(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a bound on it is told an error; a hook that writes a lot, but less, is none the worse for it."""
    monkeypatch.setattr(streams, "STREAM_MAX", 1 << 20)
    begun = time.monotonic()
    output = run("yes", 60.0)
    assert (output.ending, output.succeeded, output.truncated) == (Ending.EXITED, False, True)
    assert time.monotonic() - begun < 50
    assert run("head -c 900000 /dev/zero; sleep 0.5; echo end").stdout.endswith("end\n")


@pytest.mark.parametrize("option", ["-c", "--command"])
def test_the_name_of_a_hook_is_never_an_option(tmp_path: Path, option: str) -> None:
    """flock(1) has a shell of its own; no shell ever sees a hook."""
    output = HookCommands(ProcessRunner(), tmp_path, ARRAY).hook((option, f"touch {tmp_path}/bad"), 10.0)
    assert (output.never_ran, (tmp_path / "bad").exists()) == (True, False)
    assert "no program" in output.stderr


def test_a_lock_that_cannot_be_asked_is_no_free_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have no locks: that is told as what it is."""
    hook_lock(tmp_path, ARRAY).touch()

    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(EnvironmentProblem, match="No locks available"):
        hook_at_work(hook_lock(tmp_path, ARRAY))
