"""Whether this host uses a disk: the verdict on what was asked, every doubt kept.

FREE needs every question answered with no; one yes is enough for IN_USE; anything that could not be asked is UNKNOWN.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from necism_monitor.domain.use import Use, UseState
from necism_monitor.host.family import Block, Family, describe, shorten
from necism_monitor.host.tables import Mount

PATH_DAEMONS: Final = frozenset({"multipathd", "systemd-udevd", "(udev-worker)", "udevd", "blkid"})
"""They keep a disk open, or look at it for a moment, without using what is on it."""
OPENED: Final = ""
BUSY: Final = "busy"


class Opener(NamedTuple):
    """A process that has a block device open; `comm` is the kernel's name for it, at most 15 characters."""

    pid: int
    comm: str
    number: str


class Facts(NamedTuple):
    """What this host was asked once, for all disks."""

    mounts: tuple[Mount, ...] = ()
    swaps: Mapping[str, str] = {}
    """`major:minor` of a swap area -> its path."""
    openers: tuple[Opener, ...] = ()
    doubts: tuple[str, ...] = ()
    """Questions that could not be asked, as sentences."""


Answers = Mapping[str, str]
"""`major:minor` -> what O_EXCL said: OPENED, BUSY, or why it could not be asked; absent: no answer in time."""


def unknown(text: str) -> Use:
    """A verdict for what could not be asked."""
    return Use(UseState.UNKNOWN, text)


def absent(file: str, why: str) -> Use:
    """The special file does not lead to a block device here."""
    return unknown(f"{file} {why}: not visible on this host, so its use is not known")


def judge(family: Family, facts: Facts, answers: Answers) -> Use:
    """The verdict on one disk, in the words of who looks for the reason at night."""
    evidence = [*_lasting(family, facts), *_open(family, facts)]
    evidence = evidence or [*_busy(family, answers)]
    if evidence:
        return Use(UseState.IN_USE, _printable(_lead(family) + "; ".join(evidence)))
    doubts = [*facts.doubts, *_unanswered(family, answers)]
    if doubts:
        return unknown(f"{family.asked}: no use of it was found, but not everything could be asked: {_join(doubts)}")
    return Use(UseState.FREE, f"{_lead(family)}{_whole(family)} is not mounted, held or open")


def lasts(family: Family, facts: Facts) -> bool:
    """Whether the disk is used by what somebody has to end: a mount, a swap area, a holder."""
    return any(_lasting(family, facts))


def _lasting(family: Family, facts: Facts) -> Iterator[str]:
    yield from dict.fromkeys([*_mounted(family, facts), *_swapping(family, facts), *_held(family)])


def _mounted(family: Family, facts: Facts) -> Iterator[str]:
    for block in family.members:
        mounts = [m for m in facts.mounts if block.number in {m.number, m.source_number}]
        points = {mount.point: mount.seen_by for mount in reversed(mounts)}
        if points:
            texts = [f"{point} (seen by {who})" if who else point for point, who in reversed(points.items())]
            yield f"{describe(family, block)} is mounted on {shorten(texts)}"


def _swapping(family: Family, facts: Facts) -> Iterator[str]:
    return (f"{describe(family, b)} is an active swap area" for b in family.members if b.number in facts.swaps)


def _held(family: Family) -> Iterator[str]:
    for block, holder, uuid in family.holders:
        yield f"{describe(family, block)} is held by {holder}" + (f" (device-mapper uuid {uuid})" if uuid else "")


def _open(family: Family, facts: Facts) -> Iterator[str]:
    for block in family.members:
        found = {o.pid: o.comm for o in facts.openers if o.number == block.number and o.comm not in PATH_DAEMONS}
        if found:
            texts = [f"{comm} (pid {pid})" for pid, comm in sorted(found.items())]
            yield f"{describe(family, block)} is open by {shorten(texts)}"


def _busy(family: Family, answers: Answers) -> Iterator[str]:
    """Only where nothing else explains it: a file system on several devices, an outer journal, another namespace."""
    busy = [describe(family, block) for block in family.tops if answers.get(block.number) == BUSY]
    if busy:
        yield (
            f"{shorten(busy)} cannot be opened exclusively: something holds it that no mount, swap or holder shows "
            "(a file system on several devices such as btrfs or ZFS, a mount in another namespace, a storage target)"
        )


def _unanswered(family: Family, answers: Answers) -> Iterator[str]:
    if not family.tops:
        yield "every device of it is held by another one of it"
    for block in family.tops:
        answer = answers.get(block.number)
        if answer != OPENED:
            yield f"{block.path} {answer or 'did not answer in time when it was opened'}"


def _lead(family: Family) -> str:
    """The name asked for, where no device is called so: a link such as /dev/disk/by-id/..."""
    return "" if family.asked in {name for block in family.members for name in _names(block)} else f"{family.asked}: "


def _names(block: Block) -> tuple[str, str]:
    return block.path, f"/dev/{block.file}"


def _whole(family: Family) -> str:
    """The disk without its partitions."""
    tops = [block for block in family.tops if block.disk is None] or list(family.tops)
    return shorten([describe(family, block) for block in tops])


def _printable(text: str) -> str:
    """Mount points and processes are named by anybody: nothing of them may steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _join(doubts: list[str]) -> str:
    return shorten(list(dict.fromkeys(doubts)), 3)
