"""The real command line on a real clock: killed at any moment, told to stop, or without anybody to talk to."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.simulator.faults import add_fault
from tests.resync.rig import LV1, LV2, SV1, SV2, Rig, check_calls, linked_again

GENEROUS = 120
LATENCY = "0.008"
"""A create takes 0.3 s, a whole run about a second."""
CHANGES = 6
SEL = "iiststnec02/sync#1"
Process = subprocess.Popen[str]


def start(rig: Rig, *words: str, **options: object) -> Process:
    """`necism WORDS` on the rig's configuration."""
    argv = [sys.executable, "-m", "necism_monitor", "--config", str(rig.config_dir), *words]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(argv, text=True, **{**pipes, **options})  # type: ignore[call-overload,no-any-return]  # options of Popen by name


def run(rig: Rig, *words: str) -> tuple[int, str, str]:
    """Exit code and both streams of `necism WORDS`."""
    with start(rig, *words) as process:
        out, err = process.communicate(timeout=GENEROUS)
    return process.returncode, out, err


def until(condition: Callable[[], bool], process: Process | None = None) -> None:
    """Wait for a condition, or for the end of the process."""
    deadline = time.monotonic() + GENEROUS
    while not condition() and (process is None or process.poll() is None):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def begun(rig: Rig) -> int:
    return len(rig.changes())


@pytest.fixture(name="slow")
def slow_fixture(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig("seed", LATENCY)


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment_and_resumed_every_lv_is_linked_or_named(make_rig: Callable[..., Rig], seed: int) -> None:
    """Five kills each, at a random command and a random moment in it; what was sent keeps the rules of a run."""
    chance = random.Random(seed)
    for number in range(5):
        rig = make_rig("seed", LATENCY, f"array {number}")
        rig.necism("relink_timeout", "60s")
        world = rig.world()
        target, pause = chance.randint(0, CHANGES), chance.random() * 0.35
        with start(rig, "resync", SEL) as process:
            until(lambda rig=rig, target=target: begun(rig) >= target, process)  # type: ignore[misc]  # bound at once
            time.sleep(pause if target in {3, 4} else pause / 20)
            process.kill()
        code, out, _ = run(rig, "resume", SEL)
        assert code in {0, 6}, out
        if code == 0:
            assert linked_again(rig), (target, pause, out)
        else:
            assert all(lv in out for lv, shown in rig.shows().items() if shown is None)
        check_calls(world, rig.calls())
        creates = [line for line in rig.changes() if line.startswith("iSMsc_create ")]
        assert len(creates) == len(set(creates))
        files = rig.files()
        assert not files or rig.tale().exit is not None or not files[-1].run().changed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", [1, 3, CHANGES])
def test_a_run_that_is_told_to_stop_turns_back(slow: Rig, number: signal.Signals, after: int) -> None:
    """5, every LV linked again and no create begun after it; or 0 where it was done already."""
    world = slow.world()
    with start(slow, "resync", SEL) as process:
        until(lambda: begun(slow) >= after, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=GENEROUS)
    assert process.returncode == (0 if after == CHANGES else 5), err
    assert linked_again(slow)
    assert slow.sent("create") <= max(0, after - 1)
    if after < CHANGES:
        assert f"turning back: {number.name}" in err
        assert number.name in out
    assert not slow.tale().open
    check_calls(world, slow.calls())


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP])
def test_signals_of_a_terminal_do_not_touch_a_run(slow: Rig, number: signal.Signals) -> None:
    """The terminal closes, the reader goes, somebody presses the stop key: the run goes on to its end."""
    with start(slow, "resync", SEL) as process:
        until(lambda: begun(slow) >= 2, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=GENEROUS)
    assert process.returncode == 0, err
    assert linked_again(slow)


def test_closed_streams_do_not_touch_a_run(slow: Rig) -> None:
    """Neither a log nor a result that nobody can read stops a run, or changes its exit code."""
    with start(slow, "resync", SEL) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        process.stderr.close()
        process.stdout.close()
        assert process.wait(GENEROUS) == 0
    assert (slow.tale().exit, linked_again(slow)) == (0, True)


def test_streams_that_were_never_open_do_not_touch_a_run(slow: Rig) -> None:
    """Started with closed descriptors, as by some schedulers: no file of ours becomes anybody's output."""
    argv = [sys.executable, "-m", "necism_monitor", "--config", str(slow.config_dir), "resync", SEL]
    code = subprocess.run(
        ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *argv], check=False, timeout=GENEROUS
    ).returncode
    assert (code, slow.tale().exit, linked_again(slow)) == (0, 0, True)


def test_a_result_that_cannot_be_written_does_not_hide_how_the_run_ended(slow: Rig) -> None:
    """Standard output on a full disk: the exit code is still the run's."""
    add_fault(slow.directory, {"kind": "fail_before", "command": "iSMsc_create"})
    with Path("/dev/full").open("w") as full, start(slow, "resync", SEL, stdout=full) as process:
        _, err = process.communicate(timeout=GENEROUS)
    assert process.returncode == 5
    assert "standard output cannot be written" in err


@pytest.fixture(name="orphaned")
def orphaned_fixture(make_rig: Callable[..., Rig]) -> Iterator[Rig]:
    """A run killed in its first create, which goes on for another second or so."""
    rig = make_rig("seed", "0.05")
    rig.necism("relink_timeout", "60s")
    with start(rig, "resync", SEL) as process:
        until(lambda: begun(rig) >= 3, process)
        process.kill()
    yield rig
    until(lambda: all(call["ended"] is not None for call in rig.calls()))


def test_an_orphaned_create_is_waited_for(orphaned: Rig) -> None:
    """A resync meanwhile is refused as unfinished; resume waits until the command has ended, then links."""
    code, out, _ = run(orphaned, "resync", SEL, "--force")
    assert (code, "unfinished" in out) == (3, True)
    code, out, _ = run(orphaned, "resume", SEL)
    assert (code, orphaned.shows()) == (0, {LV1: SV1, LV2: SV2}), out
    assert orphaned.sent("create") == 1
    calls = orphaned.calls()
    create = next(call for call in calls if call["argv"][0] == "iSMsc_create")
    later = [call for call in calls if call["started"] > create["started"] and call["argv"][0] != "iSMsc_create"]
    assert create["landed"] is not None
    assert min(call["started"] for call in later if "iSMsc_link" in call["argv"]) >= create["landed"]


def test_a_second_run_on_the_array_is_locked_out(slow: Rig) -> None:
    """Two runs at once: one is refused with 7, or waits its turn."""
    with start(slow, "resync", SEL) as first:
        until(lambda: begun(slow) >= 1, first)
        code, out, _ = run(slow, "resync", SEL, "--force")
        assert (code, "locked" in out) == (7, True)
        assert run(slow, "resync", SEL, "--force", "--wait", "60s")[0] == 0
        first.communicate(timeout=GENEROUS)
    assert first.returncode == 0
    assert slow.sent("create") == 4


@pytest.mark.parametrize("lost", ["state/runs", "state"])
def test_relink_brings_the_lvs_back_where_journal_or_lock_are_lost(make_rig: Callable[..., Rig], lost: str) -> None:
    """Killed in a create that still works: relink waits for it, by the lock or by the changing SV, and links: 0."""
    rig = make_rig("seed", "0.02")
    with start(rig, "resync", SEL, "--force") as process:
        until(lambda: any("iSMsc_create" in line for line in rig.changes()), process)
        process.kill()
    shutil.rmtree(rig.directory / lost)
    assert None in rig.shows().values()
    code, out, _ = run(rig, "relink", SEL)
    assert (code, linked_again(rig)) == (0, True), out
