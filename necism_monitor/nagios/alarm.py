"""The last resort: when the time is over or somebody stops us, say so, leave no command behind, and go at once.

Nothing is raised: an exception can be swallowed on its way up, and a thread cannot be interrupted at all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from necism_monitor.nagios.deadline import Deadline
from necism_monitor.nagios.output import status_line, write
from necism_monitor.nagios.states import State

GRACE: Final = 0.5
"""Seconds past the timeout after which we do not wait for an orderly end."""
STOPPED_BY: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_ROUNDS: Final = 3
_PAUSE: Final = 0.01


def arm(deadline: Deadline, timeout_state: State, leave: Callable[[int], object] = os._exit) -> None:
    """From now on the process ends at `deadline`, or when it is told to, with a line that names the stage."""

    def fire(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGALRM:
            state, why = timeout_state, f"no answer within {deadline.seconds:g} s (-t)"
        else:
            state, why = State.UNKNOWN, f"stopped by {signal.Signals(number).name}"
        line = status_line(state, f"{why}, while {deadline.stage}")
        # Threads that wait for a command go on when it is killed: they must not start the next one.
        deadline.stop()
        end_descendants()
        # Whoever should read our last line may not read: then we leave without it.
        signal.signal(signal.SIGALRM, lambda *_: leave(State.UNKNOWN))
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        write(line + "\n")
        leave(int(state))

    for number in (*STOPPED_BY, signal.SIGALRM):
        signal.signal(number, fire)
    # Some parents leave signals blocked behind.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOPPED_BY, signal.SIGALRM})
    signal.setitimer(signal.ITIMER_REAL, deadline.seconds + GRACE)


def hush() -> None:
    """The answer is ready: from now on time and signals still end the process, but nothing adds a second answer."""
    for number in (*STOPPED_BY, signal.SIGALRM):
        signal.signal(number, _leave)


def disarm() -> None:
    """The answer is given: nothing changes the exit status any more."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in (*STOPPED_BY, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(State.UNKNOWN)


def end_descendants() -> None:
    """Kill every process below us, with its group: only READ commands ever run here."""
    for _ in range(_ROUNDS):
        found = descendants(os.getpid())
        for pid in found:
            _kill(pid)
        if not found:
            return
        time.sleep(_PAUSE)


def descendants(root: int) -> list[int]:
    """Our children and theirs that still run, as /proc shows them."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - thousands of entries, of which only the names count
        if entry.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry))
    found = list(children.get(root, []))
    for pid in found:
        found += children.get(pid, [])
    return found


def _parent(pid: str) -> int | None:
    """The parent of a process that runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - os is what this module speaks
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in {b"Z", b"X"} else int(parent)


def _kill(pid: int) -> None:
    # Gone meanwhile, or somebody else's: what sudo started is out of our reach.
    with contextlib.suppress(OSError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
