"""`necism dispatch --loop`, and what a signal does to dispatch."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from necism_monitor.adapters.spool import Spool
from necism_monitor.adapters.tray import Tray
from necism_monitor.domain.request import Request
from tests.requests.conftest import SEL, begun, running
from tests.requests.test_dispatch import CLOSED, codes, set_window, waiting
from tests.resync.rig import Rig, linked_again
from tests.resync.test_crashes import Process, run, until

GENEROUS = 120


def ask(rig: Rig, key: str = "1") -> None:
    Spool(rig.directory / "run").put(Request(SEL, "nagios", key))


def end(process: Process) -> tuple[int, str]:
    """Ask it to end; exit code and log."""
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=GENEROUS)
    return process.returncode, err


def ready(rig: Rig, process: Process) -> None:
    """It has begun to look: the spool that it makes is there."""
    until((rig.directory / "run/requests").exists, process)


def test_the_loop_takes_what_comes_and_ends_when_it_is_told_to(stale: Rig) -> None:
    """A request that comes while it looks is carried out; SIGTERM between runs is 0."""
    with running(stale, "dispatch", "--loop") as process:
        ready(stale, process)
        ask(stale)
        until(lambda: bool(stale.files()) and not waiting(stale), process)
        code, err = end(process)
    assert (code, len(stale.files())) == (0, 1), err
    assert "decided, exit 0: done and verified" in err
    assert "stopped by SIGTERM" in err


def test_the_loop_tries_again_what_waits_when_it_gets_a_hangup(stale: Rig) -> None:
    """SIGHUP: the changed configuration counts at once, and what waited is tried."""
    set_window(stale, "consumers = none", f"consumers = none\nwindow = {CLOSED}")
    with running(stale, "dispatch", "--loop") as process:
        ready(stale, process)
        ask(stale)
        until(lambda: codes(stale) == ["outside-window"], process)
        set_window(stale, CLOSED, "mon-sun 00:00-24:00 UTC")
        until(lambda: bool(Tray(stale.directory / "state").errands()[0]), process)
        process.send_signal(signal.SIGHUP)
        until(lambda: bool(stale.files()) and not waiting(stale), process)
        code, err = end(process)
    assert (code, codes(stale)) == (0, ["outside-window"]), err


def test_the_loop_holds_still_while_the_configuration_is_wrong(stale: Rig) -> None:
    """It says so once, starts nothing by what is not on disk any more, and goes on when it is mended."""
    with running(stale, "dispatch", "--loop") as process:
        ready(stale, process)
        text = stale.services[0].read_text()
        stale.services[0].write_text(text.replace("devs", "dves"))
        ask(stale)
        assert process.stderr
        seen = ""
        while "requests stay" not in seen:
            seen = process.stderr.readline()
            assert seen
        assert (stale.calls(), len(waiting(stale))) == ([], 1)
        stale.services[0].write_text(text)
        until(lambda: bool(stale.files()) and not waiting(stale), process)
        code, err = end(process)
    assert (code, len(stale.files())) == (0, 1), err
    assert "requests stay" not in err


def test_the_loop_notices_that_its_directories_moved(stale: Rig) -> None:
    """Another state_dir has another journal: it holds still until it is started anew."""
    with running(stale, "dispatch", "--loop") as process:
        ready(stale, process)
        path = stale.config_dir / "necism.conf"
        path.write_text(path.read_text().replace("/state", "/elsewhere"))
        ask(stale)
        assert process.stderr
        seen = ""
        while "state_dir or run_dir has changed" not in seen:
            seen = process.stderr.readline()
            assert seen
        assert end(process)[0] == 0
    assert (stale.calls(), len(waiting(stale))) == ([], 1)


def test_a_second_loop_waits_for_the_first_one(stale: Rig) -> None:
    """It takes over when the first one is killed; until then one of them works."""
    with running(stale, "dispatch", "--loop") as first:
        ready(stale, first)
        until((stale.directory / "state/dispatch.lock").exists, first)
        with running(stale, "dispatch", "--loop") as second:
            code, _, err = run(stale, "dispatch")
            assert code == 0
            assert "another dispatch is at work" in err
            first.kill()
            first.communicate(timeout=GENEROUS)
            ask(stale)
            until(lambda: bool(stale.files()) and not waiting(stale), second)
            assert end(second)[0] == 0
    assert len(stale.files()) == 1


@pytest.mark.parametrize("words", [("dispatch",), ("dispatch", "--loop")])
def test_a_run_that_is_told_to_stop_turns_back_and_is_decided(
    make_stale: Callable[..., Rig], words: tuple[str, ...]
) -> None:
    """After its first change: every LV is linked again, the key is spent, 0."""
    rig = make_stale("0.02")
    ask(rig)
    with running(rig, *words) as process:
        until(lambda: begun(rig) >= 1, process)
        code, err = end(process)
    assert (code, linked_again(rig), waiting(rig)) == (0, True, []), err
    assert "turning back: SIGTERM" in err
    assert rig.tale().exit == 5
    assert run(rig, "dispatch")[0] == 0
    assert len(rig.files()) == 1


def test_dispatch_that_is_told_to_stop_before_a_change_keeps_the_request(make_stale: Callable[..., Rig]) -> None:
    """While the array is read nothing is decided: the next one carries it out."""
    rig = make_stale()
    rig.fault("hang_before", "iSMsc_query", seconds=3.0, occurrence=1)
    ask(rig)
    with running(rig, "dispatch") as process:
        until((rig.directory / "calls.jsonl").exists, process)
        code, err = end(process)
    assert (code, rig.changes(), rig.refusals(), len(Tray(rig.directory / "state").errands()[0])) == (0, [], [], 1), err
    assert "stays: stopped by SIGTERM before anything was changed" in err
    assert run(rig, "dispatch")[0] == 0
    assert (len(rig.files()), rig.sent("create")) == (1, 2)
