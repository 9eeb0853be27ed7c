"""Who holds a lock or runs a resync: one process of one boot of one host, and whether it still lives."""

import os
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Owner(NamedTuple):
    """A process that cannot be mistaken for a later one with the same number."""

    host: str
    boot_id: str
    pid: int
    start_ticks: int
    """Field 22 of /proc/PID/stat: clock ticks from boot to its start."""


class _Stat(NamedTuple):
    """What /proc/PID/stat says of a process."""

    state: str
    start_ticks: int


def this_process(proc: Path = PROC) -> Owner:
    """Us.  Raises OSError where /proc cannot be read."""
    stat = _stat(proc / "self/stat")
    return Owner(os.uname().nodename, _boot_id(proc), os.getpid(), stat.start_ticks)


def alive(owner: Owner, proc: Path = PROC) -> bool | None:
    """Whether the process still runs; None where that cannot be told.

    It is dead after a reboot, and when a fully visible /proc has no such pid, another start time or a zombie.
    """
    if owner.host != os.uname().nodename:
        return None
    try:
        if owner.boot_id != _boot_id(proc):
            return False
        stat = _stat_if_there(proc / str(owner.pid) / "stat")
    except (OSError, ValueError):
        return None
    if stat is None:
        return False if _all_visible(proc) else None
    # Z: waits to be reaped; X and x: being removed.
    return stat.start_ticks == owner.start_ticks and stat.state not in {"Z", "X", "x"}


def _boot_id(proc: Path) -> str:
    return (proc / "sys/kernel/random/boot_id").read_text().strip()


def _stat(path: Path) -> _Stat:
    """Parse proc(5)'s stat: the name in field 2 may hold blanks and parentheses, so fields count from its last one."""
    fields = path.read_bytes().rpartition(b")")[2].split()
    if len(fields) < 20:  # noqa: PLR2004 - fields 3 to 22, by proc(5)
        raise ValueError(f"{path}: not the stat of a process")
    return _Stat(fields[0].decode(), int(fields[19]))


def _stat_if_there(path: Path) -> _Stat | None:
    try:
        return _stat(path)
    except (FileNotFoundError, ProcessLookupError):
        return None


def _all_visible(proc: Path) -> bool:
    """Whether we see processes of other users: with the mount option hidepid, process 1 is hidden or closed to us."""
    try:
        _stat(proc / "1/stat")
    except (OSError, ValueError):
        return False
    return True
