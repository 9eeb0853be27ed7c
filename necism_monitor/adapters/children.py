"""Our child processes by number: has it ended, how, and signals to its group.

A child that has ended stays a zombie until `reap`, so until then neither its number nor its group's is given away.
"""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.ism.output import Ending

Status = tuple[Ending, int | None]

_LONGEST: Final = 60.0
"""Seconds of one wait: a bound that fits into whatever the kernel counts in."""
_PAUSE: Final = 0.05
"""Seconds between two looks for the processes of a group."""


class Patience(NamedTuple):
    """How long a READ's end is waited for, in seconds."""

    term: float = 2.0
    """From TERM to KILL."""
    kill: float = 2.0
    """From KILL to LOST: a process in uninterruptible sleep does not die of KILL."""
    drain: float = 0.5
    """From the command's exit to the end of its streams, which a process it left behind may hold open."""


PATIENCE: Final = Patience()


def ended(pid: int) -> bool:
    """Whether the child has ended; it is not reaped."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def reap(pid: int) -> Status | None:
    """How the child ended, None while it runs; EXITED without a code when somebody else took its exit status."""
    if not ended(pid):
        return None
    try:
        seen = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return Ending.EXITED, None
    if seen is None:
        return None
    return (Ending.EXITED if seen.si_code == os.CLD_EXITED else Ending.SIGNALLED), seen.si_status


def was_killed(pid: int) -> bool:
    """Whether a signal ended the child, which is not reaped."""
    try:
        seen = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return seen is not None and seen.si_code != os.CLD_EXITED


def await_group(pid: int, deadline: float) -> bool:
    """Wait until nothing lives in the group of a child that is not reaped, or the monotonic `deadline`; whether so."""
    while _group_lives(pid):
        left = deadline - time.monotonic()
        if not left > 0:
            return False
        time.sleep(min(_PAUSE, left))
    return True


def _group_lives(pid: int) -> bool:
    """Signals cannot tell: they find a zombie too.  Who is hidden from us could not be signalled by us either."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - names are all that is needed, again and again
    except OSError:
        return True
    return any(_lives_in(name, pid) for name in names if name.isdecimal())


def _lives_in(name: str, group: int) -> bool:
    """Fields from proc_pid_stat(5): the name in parentheses, state, parent, group."""
    try:
        state, _, number = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(number) == group and state not in {b"Z", b"X"}


def await_end(pid: int, deadline: float, pump: Callable[[float], bool] | None = None) -> bool:
    """Wait until the child has ended or the monotonic `deadline`; whether it ended.

    `pump` waits up to its argument in seconds and says whether it had something to do; without it we sleep.
    """
    if pump is None and _watch(pid, deadline):
        return ended(pid)
    pause = 0.001
    while not ended(pid):
        left = deadline - time.monotonic()
        if not left > 0:
            return False
        busy = _sleep(min(pause, left)) if pump is None else pump(min(pause, left))
        pause = 0.001 if busy else min(pause * 2, 0.02)
    return True


def _watch(pid: int, deadline: float) -> bool:
    """Wait for the end of a child without asking again and again; False where this kernel cannot."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while not ended(pid) and (left := deadline - time.monotonic()) > 0:
            poll.poll(min(left, _LONGEST) * 1000)
    finally:
        os.close(descriptor)
    return True


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal everything in the session of a child that is not reaped; its end is found out by waiting, not here."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return  # Reaped: the number may be a stranger's by now.
    # All gone already, or all somebody else's (sudo).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def keep_exit_statuses() -> None:
    """Undo an ignored SIGCHLD, which some parents leave behind: the kernel would throw every exit status away.

    Only the main thread can; elsewhere such ends are reported as EXITED without a code.
    """
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False
