"""The commands as processes: what outlives a killed client, what is held meanwhile, and how the log tells it."""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.world import edit_world, read_world
from tests.simulator.conftest import Make
from tests.simulator.simulated import GENEROUS, Simulated

CREATE = "iSMsc_create -bv SOURCE_0001 -sv SOURCE_0001_SV006D -bvflg ld -svflg ld"
UNLINK = "iSMsc_unlink -lv SOURCE_0001_LV00A6 -lvflg ld"
SV = "SOURCE_0001_SV006D"
LATENCY = "0.05"  # a create takes 1.8 s


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, generously."""
    deadline = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state(array: Simulated) -> str:
    return read_world(array.directory)["svs"][SV]["state"]


@pytest.fixture(name="slow")
def slow_fixture(make: Make) -> Simulated:
    """The seed's array, with time to kill; SOURCE_0001's LV is unlinked."""
    array = make("seed", LATENCY)
    array.run(UNLINK)
    return array


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_accepted_create_completes_though_its_client_is_killed(slow: Simulated, number: signal.Signals) -> None:
    """The old image is gone at the start, the new one stands at the end, and the log has an end without exit code."""
    with slow.start(CREATE, new_session=True) as process:
        until(lambda: state(slow) == "snap/deleting")
        assert read_world(slow.directory)["svs"][SV]["created"] is None
        os.killpg(process.pid, number)
        assert -number == process.wait(GENEROUS)
    until(lambda: slow.last_call()["ended"] is not None)
    call = slow.last_call()
    assert state(slow) == "snap/active"
    assert call["exit"] is None
    assert call["applied"] is not None
    assert list(call["applied"]) == ["create"]


def test_the_streams_end_with_the_killed_client(slow: Simulated) -> None:
    """The worker does not hold the pipes: their reader is free while the operation still runs."""
    with slow.start(CREATE) as process:
        until(lambda: state(slow) == "snap/deleting")
        process.kill()
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert state(slow) == "snap/deleting"


def test_a_lock_handed_down_is_held_until_the_operation_is_over(slow: Simulated, tmp_path: Path) -> None:
    """Client and caller are gone, and the lock is won only after the image has landed."""
    path = tmp_path / "array.lock"
    ours = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(ours, fcntl.LOCK_EX)
    with slow.start(CREATE, pass_fds=(ours,)) as process:
        os.close(ours)
        until(lambda: state(slow) == "snap/deleting")
        process.kill()
        process.wait(GENEROUS)
    theirs = os.open(path, os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert state(slow) == "snap/deleting"
    fcntl.flock(theirs, fcntl.LOCK_EX)
    os.close(theirs)
    assert state(slow) == "snap/active"


def test_a_killed_worker_does_not_stop_the_array(slow: Simulated) -> None:
    """The effect of an accepted change lands at its time even if nobody waits for it."""
    with slow.start(CREATE) as process:
        until(lambda: state(slow) == "snap/deleting")
        (worker,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)
        _, err = process.communicate(timeout=GENEROUS)
    assert b"iSM19909" in err
    until(lambda: state(slow) == "snap/active")
    assert slow.last_call()["applied"] is not None


def test_one_base_volume_works_on_one_change_at_a_time(slow: Simulated) -> None:
    """While a create runs, its base volume is busy, another one is not, and the screens can be read."""
    with slow.start(CREATE) as process:
        until(lambda: state(slow) == "snap/deleting")
        link = "iSMsc_link -lv SOURCE_0001_LV00A6 -sv SOURCE_0001_SV006D -lvflg ld -svflg ld"
        assert b"iSM31005" in slow.run(link).err
        assert b"iSM31005" in slow.run(CREATE).err
        assert slow.run("iSMsc_unlink -lv SOURCE_0002_LV009E -lvflg ld").code == 0
        assert b"snap/deleting" in slow.run(f"iSMsc_query -sv {SV} -svflg ld").out
        assert process.wait(GENEROUS) == 0


def test_the_stamp_is_taken_at_the_end(slow: Simulated) -> None:
    """The new image is dated when the create ends, not when it began (inferred from the log)."""
    with edit_world(slow.directory) as world:
        world["clock"]["offset"] = 0.0
    began = time.time()
    slow.run(CREATE)
    created = read_world(slow.directory)["svs"][SV]["created"]
    assert created is not None
    assert created >= began + 35.372 * float(LATENCY)


def test_kills_at_any_moment_leave_a_whole_world(make: Make) -> None:
    """Whenever the client is killed, the LV is linked or not, and the log agrees with the array."""
    array = make("seed")
    link = "iSMsc_link -lv SOURCE_0001_LV00A6 -sv SOURCE_0001_SV006D -lvflg ld -svflg ld"
    lock = array.directory / "lock-of-this-test"
    for step in range(16):
        line = UNLINK if read_world(array.directory)["lvs"]["SOURCE_0001_LV00A6"]["shows"] else link
        held = os.open(lock, os.O_RDWR | os.O_CREAT)
        fcntl.flock(held, fcntl.LOCK_EX)
        with array.start(line, pass_fds=(held,)) as process:
            os.close(held)
            time.sleep(step * 0.003)
            process.kill()
        free = os.open(lock, os.O_RDWR)
        fcntl.flock(free, fcntl.LOCK_EX)  # won when no worker is left
        os.close(free)
    effects = [call["applied"] for call in read_calls(array.directory) if call["applied"]]
    shows: str | None = SV
    for effect in effects:
        shows = None if "unlink" in effect else SV
    assert shows == read_world(array.directory)["lvs"]["SOURCE_0001_LV00A6"]["shows"]
    assert [next(iter(effect)) for effect in effects] == ["unlink", "link"] * (len(effects) // 2) + ["unlink"] * (
        len(effects) % 2
    )


def test_simultaneous_changes_are_serialised(make: Make) -> None:
    """Of several unlinks of one LV started together exactly one is accepted."""
    array = make("eight")
    line = "iSMsc_unlink -lv CRM_PRD_DATA_LV0140 -lvflg ld"
    processes = [array.start(line) for _ in range(6)]
    codes = []
    for process in processes:
        process.communicate(timeout=GENEROUS)
        codes.append(process.returncode)
    assert sorted(codes) == [0, 1, 1, 1, 1, 1]
    assert sum(call["applied"] is not None for call in read_calls(array.directory)) == 1


def test_the_log_has_every_call_with_its_class_and_effect(make: Make) -> None:
    """Start and end are merged: words, class, exit code, effect, times."""
    array = make("seed")
    lines = ["iSMview -d", UNLINK, "iSMsc_delete -x", "iSMvollist -r"]
    codes = [array.run(line).code for line in lines]
    calls = read_calls(array.directory)
    assert [line.split() for line in lines] == [call["argv"] for call in calls]
    assert [call["effect_class"] for call in calls] == ["READ", "CHANGE", "CHANGE", "HOST"]
    assert codes == [call["exit"] for call in calls]
    assert [next(iter(call["applied"])) if call["applied"] else None for call in calls] == [
        None,
        "unlink",
        None,
        "vollist",
    ]
    for call in calls:
        assert call["ended"] is not None
        assert call["started"] <= call["ended"]


def test_an_empty_log_is_no_calls(tmp_path: Path) -> None:
    """Before the first command there is no log."""
    assert read_calls(tmp_path) == []


def test_a_command_imports_little(make: Make) -> None:
    """Starting a command loads none of the slow modules: tests run thousands of them."""
    array = make("seed")
    text = (array.directory / "bin" / "iSMsc_query").read_text()
    probe = text.replace("os._exit(main(directory, [name, *sys.argv[4:]]))", "print(sorted(sys.modules))")
    (array.directory / "bin" / "iSMsc_query").write_text(probe)
    modules = array.run("iSMsc_query").text
    for slow_module in (
        "typing",
        "pathlib",
        "datetime",
        "zoneinfo",
        "subprocess",
        "argparse",
        "dataclasses",
        "traceback",
    ):
        assert f"'{slow_module}'" not in modules
    assert "'necism_monitor.simulator.screens'" in modules
