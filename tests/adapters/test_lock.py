"""The array lock between real processes: who gets it, who keeps it, and who is named as its holder."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.adapters.lock import ArrayLock, Busy, Held
from necism_monitor.adapters.owner import alive, this_process
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.ism.output import Ending

Script = Callable[..., tuple[str, ...]]
Until = Callable[[Callable[[], bool]], None]
Start = Callable[..., subprocess.Popen[str]]
ROOM = Path(__file__).resolve().parents[2]

HOLDER = """
import sys, time
from pathlib import Path
from necism_monitor.adapters.lock import ArrayLock, Held
from necism_monitor.adapters.process import ProcessRunner
held = ArrayLock(Path(sys.argv[1]), "default", "run-1").try_acquire()
assert isinstance(held, Held)
print("held", flush=True)
if sys.argv[2:]:
    ProcessRunner().change(tuple(sys.argv[2:]), 60, (held.fileno(),))
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process that holds the lock (and runs a CHANGE command with it) until it is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str) -> subprocess.Popen[str]:
        argv = (sys.executable, "-c", HOLDER, str(tmp_path / "lock"), *command)
        process = subprocess.Popen(argv, cwd=ROOM, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate(timeout=20)


@pytest.fixture
def lock(tmp_path: Path) -> ArrayLock:
    return ArrayLock(tmp_path / "lock", "default", "run-2")


def taken(lock: ArrayLock) -> Held:
    held = lock.try_acquire()
    assert isinstance(held, Held)
    return held


def can_be_had(lock: ArrayLock) -> bool:
    answer = lock.try_acquire()
    if isinstance(answer, Held):
        answer.release()
    return isinstance(answer, Held)


def test_two_locks_of_one_process_exclude_each_other(lock: ArrayLock, tmp_path: Path) -> None:
    """The lock belongs to whoever took it, not to the process: a second one is Busy and names us."""
    rival = ArrayLock(tmp_path / "lock", "default")
    with taken(lock):
        assert rival.try_acquire() == Busy(this_process(), "run-2")
        assert lock.try_acquire() == Busy(this_process(), "run-2")
    taken(rival).release()


def test_arrays_do_not_lock_each_other(lock: ArrayLock, tmp_path: Path) -> None:
    """Each array has its own lock."""
    with taken(lock), taken(ArrayLock(tmp_path / "lock", "other")):
        pass


def test_the_lock_of_a_killed_process_is_free_at_once(lock: ArrayLock, start: Start) -> None:
    """While its holder lives it is named; after kill -9 nobody has to wait or clean up."""
    holder = start()
    busy = lock.try_acquire()
    assert isinstance(busy, Busy)
    assert busy.owner is not None
    assert (busy.owner.pid, busy.label, alive(busy.owner)) == (holder.pid, "run-1", True)
    holder.kill()
    holder.wait(20)
    assert alive(busy.owner) is False
    taken(lock).release()


def test_a_command_that_inherited_the_lock_keeps_it_after_its_supervisor_died(
    lock: ArrayLock, start: Start, script: Script, tmp_path: Path, until: Until
) -> None:
    """The array stays locked, with a dead owner, until the orphan command ends."""
    holder = start(*script(f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"))
    until((tmp_path / "begun").exists)
    holder.kill()
    holder.wait(20)
    busy = lock.try_acquire()
    assert isinstance(busy, Busy)
    assert busy.owner is not None
    assert (busy.owner.pid, alive(busy.owner)) == (holder.pid, False)
    (tmp_path / "go").touch()
    until(lambda: can_be_had(lock))


def test_release_leaves_the_lock_with_an_abandoned_command(
    lock: ArrayLock, script: Script, tmp_path: Path, until: Until
) -> None:
    """Giving up our share does not free an array on which a command of ours still works."""
    command = script(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    runner = ProcessRunner()
    with taken(lock) as held:
        output = runner.change(command, 0.2, (held.fileno(),))
    assert output.ending is Ending.ABANDONED
    assert isinstance(lock.try_acquire(), Busy)
    (tmp_path / "go").touch()
    until(lambda: runner.settled(output.pid or 0) is not None)
    taken(lock).release()


def test_a_command_behind_one_that_closes_descriptors_keeps_the_lock_as_its_input(
    lock: ArrayLock, script: Script, tmp_path: Path, until: Until
) -> None:
    """Given as standard input the lock survives a program that closes all others (sudo), and reads as empty."""
    closing = script(
        f"import os\nos.closerange(3, 4096)\nos.execv('/bin/sh', ['sh', '-c', "
        f"'cat; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done'])",
        sys.executable,
    )
    runner = ProcessRunner()
    with taken(lock) as held:
        output = runner.change(closing, 0.7, (held.fileno(),), stdin=held.fileno())
    assert isinstance(lock.try_acquire(), Busy)
    (tmp_path / "go").touch()
    until(lambda: can_be_had(lock))
    final = runner.settled(output.pid or 0)
    assert final is None or final.stdout == ""


def test_a_stopped_holder_keeps_it_and_stops_nobody(lock: ArrayLock, start: Start) -> None:
    """Asking for a lock whose holder is frozen answers Busy, it does not hang."""
    holder = start()
    holder.send_signal(signal.SIGSTOP)
    assert isinstance(lock.acquire(0), Busy)


def test_a_frozen_opener_without_the_lock_is_no_holder(lock: ArrayLock) -> None:
    """A process that merely has the file open, and is stopped, does not matter."""
    taken(lock).release()
    with lock.path.open() as file, subprocess.Popen(("sleep", "60"), stdin=file) as reader:
        reader.send_signal(signal.SIGSTOP)
        taken(lock).release()
        reader.kill()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"[" * 5000,
        b"\xff\xfe" * 50,
        b"9" * 5000,
        b'{"host": "h", "boot_id": "b", "pid": 1, "label": ""}',
        b'{"host": "h", "boot_id": "b", "pid": "1", "start_ticks": 1, "label": ""}',
        b'{"host": "h", "boot_id": "b", "pid": true, "start_ticks": 1, "label": ""}',
        b'{"host": "h", "boot_id": "b", "pid": -1, "start_ticks": 1, "label": ""}',
        b'{"host": "h", "boot_id": "b", "pid": 1, "start_ticks": 1.5, "label": ""}',
    ],
)
def test_a_holder_that_cannot_be_read_is_still_a_holder(lock: ArrayLock, text: bytes) -> None:
    """Garbage in the file is Busy without a name, and is overwritten whole by the next holder."""
    taken(lock).release()
    lock.path.write_bytes(text)
    with lock.path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert lock.try_acquire() == Busy(None)
    with taken(lock):
        assert json.loads(lock.path.read_text()) == {**this_process()._asdict(), "label": "run-2"}


def test_what_lies_in_the_place_of_the_file_is_refused_without_waiting(tmp_path: Path) -> None:
    """A FIFO, a folder, a symbolic link or a file in the folder's place is a clear error at once, and no leak."""
    os.mkfifo(tmp_path / "fifo.lock")
    (tmp_path / "folder.lock").mkdir()
    (tmp_path / "link.lock").symlink_to("/etc/passwd")
    (tmp_path / "file").touch()
    places = [ArrayLock(tmp_path, name) for name in ("fifo", "folder", "link")] + [ArrayLock(tmp_path / "file", "x")]
    start = time.monotonic()
    for one in places:
        with pytest.raises(EnvironmentProblem) as caught:
            one.try_acquire()
        assert str(one.path) in caught.value.text
        assert caught.value.hint
    assert time.monotonic() - start < 10


LEASE = """
import fcntl, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = open(sys.argv[1])
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
print("leased", flush=True)
time.sleep(60)
"""


def test_a_lease_on_the_file_does_not_block_us(lock: ArrayLock) -> None:
    """A process that holds a lease on the file (and ignores its breaking) gives an error, not a wait of 45 s."""
    taken(lock).release()
    argv = (sys.executable, "-c", LEASE, str(lock.path))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as leaser:
        assert leaser.stdout is not None
        assert leaser.stdout.readline() == "leased\n"
        start = time.monotonic()
        with pytest.raises(EnvironmentProblem, match="temporarily unavailable"):
            lock.try_acquire()
        assert time.monotonic() - start < 10
        leaser.kill()


def test_a_file_system_without_locks_is_an_error(
    lock: ArrayLock, monkeypatch: pytest.MonkeyPatch, descriptors: Callable[[], int]
) -> None:
    """Where flock cannot be had (simulated) nobody is told that the lock is free, or busy."""

    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    before = descriptors()
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(EnvironmentProblem, match="No locks available"):
        lock.try_acquire()
    assert descriptors() == before


def test_a_file_removed_under_our_hands_is_not_what_we_lock(lock: ArrayLock, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the file vanishes between opening and locking, the lock is taken on the file that the next comer opens."""
    real, removals = fcntl.flock, iter([True])

    def remove_first(descriptor: int, operation: int) -> None:
        if next(removals, False):
            lock.path.unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    with taken(lock) as held:
        assert os.path.samestat(os.fstat(held.fileno()), lock.path.stat())


def test_a_full_disk_does_not_keep_the_lock_from_us(lock: ArrayLock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the owner cannot be written (simulated) the lock is held, and its holder is not known."""
    taken(lock).release()

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        held = taken(lock)
    assert lock.try_acquire() == Busy(None)
    held.release()


def test_waiting_for_the_lock_ends_when_it_is_free_or_the_time_is_up(lock: ArrayLock) -> None:
    """`acquire` asks again until its deadline: a lock released in time is ours, else the holder is named."""
    now = 0.0
    held = taken(lock)

    def sleep(seconds: float) -> None:
        nonlocal now
        assert seconds > 0
        now += seconds
        if now > 10:
            held.release()

    assert lock.acquire(5, clock=lambda: now, sleep=sleep) == Busy(this_process(), "run-2")
    assert 5 <= now < 5.01
    won = lock.acquire(60, clock=lambda: now, sleep=sleep)
    assert isinstance(won, Held)
    assert now < 11
    won.release()


def test_a_released_lock_has_no_descriptor(lock: ArrayLock, descriptors: Callable[[], int]) -> None:
    """A second release does nothing (the number may be another file's by now), and using it is an error."""
    before = descriptors()
    held = taken(lock)
    assert os.get_inheritable(held.fileno()) is False
    held.release()
    held.release()
    assert descriptors() == before
    with pytest.raises(ValueError, match="released"):
        held.fileno()


def test_the_folder_is_closed_to_strangers(tmp_path: Path) -> None:
    """Whoever can open the file can hold the lock for ever, so the folder is 0750 and the file 0640."""
    was = os.umask(0)
    try:
        held = taken(ArrayLock(tmp_path / "run/lock", "default"))
    finally:
        os.umask(was)
    held.release()
    assert stat.S_IMODE((tmp_path / "run/lock").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "run/lock/default.lock").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "/etc/x", "a\0b"])
def test_an_array_name_is_a_file_name(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder."""
    with pytest.raises(ValueError, match="array name"):
        ArrayLock(tmp_path, name)
