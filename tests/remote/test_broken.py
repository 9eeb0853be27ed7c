"""Connections that break, hosts that go and come back, programs that die: nothing is guessed, no LV is lost."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.simulator.faults import clear_faults
from tests.remote.far import GENEROUS, Far, processes, until
from tests.resync.rig import LV1, LV2, SV1, SV2, Rig, check_calls, linked_again
from tests.resync.test_crashes import run, start

SEL = "iiststnec02/sync#1"
BOTH = {LV1: SV1, LV2: SV2}
SLOW = "0.05"
"""A create takes nearly two seconds."""
MakeRig = Callable[..., Rig]


def under_way(rig: Rig, verb: str, count: int = 1) -> Callable[[], bool]:
    """Whether that many commands of a verb have been begun."""
    return lambda: rig.sent(verb) >= count


def is_busy(far: Far) -> bool:
    """Whether a command over there holds the array's lock."""
    with far.lock().open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def clients(rig: Rig, verb: str) -> list[int]:
    """The ssh clients of this rig that sent such a command; tests that run beside this one have theirs."""
    ours = f"{rig.config_dir}/ssh_config"
    return [pid for pid, line in processes().items() if line.startswith("ssh -T") and ours in line and verb in line]


def landed(rig: Rig) -> bool:
    """Whether every command over there has ended."""
    return all(call["ended"] is not None for call in rig.calls())


@pytest.fixture(name="rig")
def rig_fixture(make_rig: MakeRig) -> Iterator[Rig]:
    """An array whose creates take nearly two seconds."""
    rig = make_rig(SLOW)
    rig.necism("relink_timeout", "60s")
    yield rig
    until(lambda: landed(rig))


@pytest.mark.parametrize("with_client", [False, True])
def test_killed_in_a_create_the_far_side_goes_on_and_resume_waits(rig: Rig, far: Far, with_client: bool) -> None:
    """The array stays locked until the create has ended, by the client here, or without it by the lock over there."""
    world = rig.world()
    with start(rig, "resync", SEL, "--force") as process:
        until(under_way(rig, "create"))
        process.kill()
    if with_client:
        for pid in clients(rig, "iSMsc_create"):
            os.kill(pid, signal.SIGKILL)
    assert is_busy(far)
    code, out, _ = run(rig, "relink", SEL)
    assert code in {3, 7}, out
    code, out, _ = run(rig, "resume", SEL)
    assert (code, rig.shows()) == (0, BOTH), out
    assert rig.sent("create") == 1
    check_calls(world, rig.calls())
    (create,) = [call for call in rig.calls() if call["argv"][0] == "iSMsc_create"]
    links = [call["started"] for call in rig.calls() if call["argv"][0] == "iSMsc_link"]
    assert create["landed"] is not None
    assert min(links) >= create["landed"]
    assert not is_busy(far)


def test_abandon_is_locked_out_while_the_far_side_works(rig: Rig) -> None:
    """Nobody here holds the lock any more, and still the array is not free: 7, and the text names where it is held."""
    with start(rig, "resync", SEL, "--force") as process:
        until(under_way(rig, "create"))
        process.kill()
    for pid in clients(rig, "iSMsc_create"):
        os.kill(pid, signal.SIGKILL)
    code, out, err = run(rig, "abandon", SEL, "--reason", "test")
    assert code == 7, out
    assert "far:~/.necism/default.lock" in out + err


@pytest.mark.parametrize(("verb", "kind"), [
    ("create", None), ("unlink", "hang_before"), ("unlink", "hang_after"), ("link", "hang_before"),
    ("link", "hang_after"), ("create", "hang_after"),
])  # fmt: skip
def test_a_connection_that_breaks_in_a_command_is_never_guessed_about(
    make_rig: MakeRig, far: Far, verb: str, kind: str | None
) -> None:
    """The command ends over there, is read about, and the run goes on: every LV shows a new image, each sent once."""
    rig = make_rig("none" if kind else SLOW)
    world = rig.world()
    if kind:
        rig.fault(kind, f"iSMsc_{verb}", seconds=2.0)
    with start(rig, "resync", SEL, "--force") as process:
        until(under_way(rig, verb))
        far.cut()
        out, err = process.communicate(timeout=GENEROUS)
    assert (process.returncode, rig.shows()) == (0, BOTH), out + err
    assert [rig.sent(one) for one in ("unlink", "create", "link")] == [2, 2, 2], err
    assert f"iSMsc_{verb}" in next(line for line in err.splitlines() if "no answer over ssh" in line)
    assert not rig.tale().open
    check_calls(world, rig.calls())


def test_a_host_that_comes_back_is_waited_for(rig: Rig, far: Far) -> None:
    """Down in the middle of a create, up again after it: the create is found done."""
    with start(rig, "resync", SEL, "--force") as process:
        until(under_way(rig, "create"))
        far.stop()
        until(lambda: landed(rig))
        assert process.poll() is None
        far.start()
        out, err = process.communicate(timeout=GENEROUS)
    assert (process.returncode, rig.shows()) == (0, BOTH), out + err
    assert rig.sent("create") == 2


def test_a_host_that_stays_away_leaves_the_run_open(make_rig: MakeRig, far: Far) -> None:
    """6, and nothing is claimed about what nobody could read; `resume` ends it once the host is back."""
    rig = make_rig(SLOW, change_timeout="3s", read_timeout="3s")
    rig.necism("relink_timeout", "3s")
    with start(rig, "resync", SEL, "--force") as process:
        until(under_way(rig, "create"))
        far.stop()
        out, err = process.communicate(timeout=GENEROUS)
    assert process.returncode == 6, out + err
    assert rig.tale().open
    code, out, _ = run(rig, "resume", SEL)
    assert code in {3, 6}, out
    far.start()
    code, out, _ = run(rig, "resume", SEL)
    assert (code, rig.shows()) == (0, BOTH), out
    assert rig.sent("create") == 1


@pytest.mark.parametrize("stopped", [False, True])
def test_a_create_past_its_time_is_abandoned_and_waited_for(make_rig: MakeRig, stopped: bool) -> None:
    """5, every LV linked, after the create has ended; also where its client hangs and can tell nothing."""
    rig = make_rig(SLOW, change_timeout="1s")
    world = rig.world()
    with start(rig, "resync", SEL, "--force") as process:
        until(under_way(rig, "create"))
        hung = clients(rig, "iSMsc_create") if stopped else []
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
        out, err = process.communicate(timeout=GENEROUS)
    for pid in hung:
        os.kill(pid, signal.SIGKILL)
    assert (process.returncode, linked_again(rig)) == (5, True), out + err
    assert not rig.tale().open
    check_calls(world, rig.calls())


def test_a_command_that_begins_late_is_shut_out(make_rig: MakeRig, far: Far) -> None:
    """Its connection broke before it began; what we did since has made its token void, so it never runs."""
    hold, late = far.place / "hold", far.place / "late"
    gate = far.place / "gate"
    gate.write_text(
        f'#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in *iSMsc_unlink*) if [ -e "{hold}" ]; then\n'
        f'  mv "{hold}" "{late}"; while [ -e "{late}" ]; do sleep 0.05; done\n'
        f'  sh -c "$SSH_ORIGINAL_COMMAND" >"{far.place}/said" 2>&1; exit\nfi;; esac\n'
        'exec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    gate.chmod(0o755)
    far.stop()
    hold.touch()
    far.start(f"ForceCommand '{gate}'")
    rig = make_rig()
    with start(rig, "resync", SEL, "--force") as process:
        until(late.exists)
        assert rig.sent("unlink") == 0
        far.cut()
        out, err = process.communicate(timeout=GENEROUS)
    assert linked_again(rig), out + err
    sent = rig.sent("unlink")
    late.unlink()
    until(lambda: (far.place / "said").exists() and "not:fenced" in (far.place / "said").read_text())
    assert (rig.sent("unlink"), linked_again(rig)) == (sent, True)


def test_whoever_claims_the_array_shuts_others_out(make_rig: MakeRig, far: Far) -> None:
    """Another machine's program claims between our commands: nothing of ours is sent any more, and we say so."""
    rig = make_rig()

    def claim(argv: tuple[str, ...]) -> None:
        if argv[0] == "iSMsc_create":
            far.lock().write_text("f" * 32 + "\n")

    rig.before = claim
    rig.necism("relink_timeout", "5s")
    report = rig.resync(force=True)
    assert report.exit == 6
    assert "another run has claimed the array" in report.text
    assert (rig.sent("create"), rig.sent("link")) == (0, 0)
    rig.before = lambda _argv: None
    clear_faults(rig.directory)
    assert (rig.resume().exit, linked_again(rig)) == (0, True)


def test_without_an_ssh_client_nothing_is_sent(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine without ssh: unknown for readers, a clear reason for the action."""
    rig = make_rig()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rig.look().status.value == "unknown"
    code, out, err = run(rig, "resync", SEL, "--force")
    assert code == 3
    assert "the ssh client could not be started" in out + err
