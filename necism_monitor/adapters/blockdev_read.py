"""Reads what this host says about its block devices: /sys, /proc and /dev, whose roots are handed in.

Only asks; sentences for what could not be asked.  Any of it may hang on a broken host, so it runs in a child process
(`blockdev_child`) that can be given up.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.host.devices import BUSY, OPENED, Facts, Opener
from necism_monitor.host.family import Block, Blocks
from necism_monitor.host.tables import Mount, is_network, parse_mounts, parse_swaps

_FIRST_PID_NAMESPACE: Final = "pid:[4026531836]"
"""PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h."""
_INIT: Final = "1"
"""Everybody sees it where /proc hides nobody.  It is not asked what it has open, which a confined root may not know:
init uses no disk, and in a container, where process 1 may be anything, nothing is called free."""
_DELETED: Final = " (deleted)"


class Host(NamedTuple):
    """Where this host is looked at."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    stat: Callable[[str], os.stat_result] = os.stat

    def place(self, name: str) -> Path:
        """Where a name such as `/dev/sdc` is found."""
        return self.dev / name.removeprefix("/dev/") if name.startswith("/dev/") else Path(name)

    def number(self, name: str) -> str | None:
        """`major:minor` of a block device; None where the name is not there or is none.  Raises OSError else."""
        try:
            found = self.stat(str(self.place(name)))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return number_of(found)


def number_of(found: os.stat_result) -> str | None:
    """`major:minor` of a block device, None for anything else."""
    if not stat.S_ISBLK(found.st_mode):
        return None
    return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


def read_blocks(host: Host) -> Blocks:
    """Every block device that sysfs describes, but for one that vanishes meanwhile; raises OSError without sysfs."""
    folder = host.sys / "class" / "block"
    blocks = (_read_block(host, path) for path in sorted(folder.iterdir()))
    return {block.name: block for block in blocks if block is not None}


def _read_block(host: Host, folder: Path) -> Block | None:
    number = _line(folder / "dev")
    if not number:
        return None
    return Block(
        folder.name,
        number,
        Path(os.path.realpath(folder)).parent.name if (folder / "partition").exists() else None,
        _names(folder / "holders"),
        _names(folder / "slaves"),
        _line(folder / "dm" / "name"),
        _line(folder / "dm" / "uuid"),
        _line(folder / "device" / "wwid") or _line(folder / "wwid"),
        _backing(host, _line(folder / "loop" / "backing_file")),
    )


def _line(path: Path) -> str:
    """The text of a one-line file, empty where there is none: sysfs lists the attributes that a device has."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _text(path: Path) -> str:
    """A table of the kernel; a carriage return in a name is no end of line, so it is not read as text."""
    return path.read_bytes().decode("utf-8", "backslashreplace")


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(path.name for path in folder.iterdir()))
    except OSError:
        return ()


def _backing(host: Host, file: str) -> str:
    """`major:minor` of the block device under a loop device; ordinary files are looked for among the mounts."""
    if not file.startswith("/dev/"):
        return ""
    try:
        return host.number(file.removesuffix(_DELETED)) or ""
    except OSError:
        return ""


def read_facts(host: Host, numbers: Collection[str]) -> Facts:
    """Mounts and swap areas of this host, and who has one of these devices open."""
    mounts, doubts = read_mounts(host)
    swaps, more = read_swaps(host)
    openers, most = read_openers(host, numbers, tuple(mount.point for mount in mounts if is_network(mount)))
    return Facts(mounts, swaps, openers, (*doubts, *more, *most))


def read_mounts(host: Host) -> tuple[tuple[Mount, ...], tuple[str, ...]]:
    """The mounts of every mount namespace that a process we may look into lives in, our own first."""
    mounts: list[Mount] = []
    doubts: list[str] = []
    seen: set[str] = set()
    for pid in ("self", *_pids(host)):
        try:
            namespace = str((host.proc / pid / "ns" / "mnt").readlink())
            if namespace not in seen:
                mounts += _mounts_of(host, pid)
                seen.add(namespace)
        except (FileNotFoundError, ProcessLookupError):
            # It ended meanwhile; without our own there is no /proc here.
            doubts += ["/proc does not show our own mounts"] if pid == "self" else []
        except (OSError, ValueError) as error:
            doubts += [f"/proc/self/mountinfo could not be read: {error}"] if pid == "self" else []
            # Of other processes `read_openers` says how many could not be looked into.
    return tuple(mounts), tuple(doubts)


def _mounts_of(host: Host, pid: str) -> list[Mount]:
    text = _text(host.proc / pid / "mountinfo")
    who = "" if pid == "self" else f"{_line(host.proc / pid / 'comm')} (pid {pid})"
    return [m._replace(seen_by=who, source_number=_source_number(host, m.source)) for m in parse_mounts(text)]


def _source_number(host: Host, source: str) -> str | None:
    if not source.startswith("/dev/"):
        return None
    try:
        return host.number(source)
    except OSError:
        return None


def read_swaps(host: Host) -> tuple[dict[str, str], tuple[str, ...]]:
    """`major:minor` -> path of each active swap area on a device; a swap file lies on a mounted file system."""
    try:
        paths = parse_swaps(_text(host.proc / "swaps"))
        numbers = {host.number(path): path for path in paths if path.startswith("/dev/")}
    except (OSError, ValueError) as error:
        return {}, (f"/proc/swaps could not be read: {error}",)
    return {number: path for number, path in numbers.items() if number is not None}, ()


def read_openers(
    host: Host, numbers: Collection[str], skipped: tuple[str, ...] = ()
) -> tuple[tuple[Opener, ...], tuple[str, ...]]:
    """The processes that have one of `numbers` open; files below `skipped` are not asked for, they may hang.

    Device nodes are opened below /dev or on a local file system, not through a network's.
    """
    found: list[Opener] = []
    pids, blind = _pids(host), 0
    for pid in pids:
        if pid == _INIT:
            continue
        try:
            opened = set(_opened(host, pid, skipped)).intersection(numbers)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            blind += 1
            continue
        found += [Opener(int(pid), _line(host.proc / pid / "comm") or "?", number) for number in sorted(opened)]
    return tuple(found), tuple(_blind_spots(host, pids, blind))


def _pids(host: Host) -> list[str]:
    """Every process but this one."""
    try:
        names = [path.name for path in host.proc.iterdir()]
    except OSError:
        return []
    return sorted((name for name in names if name.isdecimal() and int(name) != os.getpid()), key=int)


def _opened(host: Host, pid: str, skipped: tuple[str, ...]) -> Iterator[str]:
    """The block devices that a process has open; raises OSError where it may not be looked into."""
    folder = str(host.proc / pid / "fd")
    below = tuple(f"{point.rstrip('/')}/" for point in skipped)
    for name in os.listdir(folder):  # noqa: PTH208 - a database host has a million of these: text is cheaper
        link = f"{folder}/{name}"
        try:
            target = os.readlink(link)  # noqa: PTH115 - as above
            if not target.startswith("/") or (target.startswith(below) and not target.startswith("/dev/")):
                continue
            number = number_of(host.stat(link))
        except FileNotFoundError:
            continue  # closed meanwhile
        if number is not None:
            yield number


def _blind_spots(host: Host, pids: list[str], blind: int) -> Iterator[str]:
    """Why somebody unseen may have a device open."""
    if blind:
        yield f"{blind} of {len(pids)} processes may not be looked into (run as root)"
    elif _INIT not in pids:
        yield "/proc does not show all processes (mounted with hidepid?)"
    try:
        namespace = str((host.proc / "self" / "ns" / "pid").readlink())
    except OSError as error:
        yield f"/proc/self/ns/pid could not be read: {error.strerror}"
    else:
        if namespace != _FIRST_PID_NAMESPACE:
            yield "this runs in a container, whose /proc does not show the processes outside"


def open_exclusively(host: Host, block: Block) -> str:
    """Whether the kernel lets us have a device for ourselves: OPENED, BUSY, or why it could not be asked.

    Reading only, so closing it wakes up no udev rule; nothing is written, and it is given back at once.
    """
    path = host.dev / block.file
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return BUSY if error.errno == errno.EBUSY else f"could not be opened: {error.strerror}"
    try:
        number = number_of(os.fstat(descriptor))
    finally:
        os.close(descriptor)
    return OPENED if number == block.number else f"is not device {block.number}: /dev does not agree with /sys"
