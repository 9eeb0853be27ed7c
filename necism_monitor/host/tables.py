"""What the kernel's tables of mounts and swap areas say, as values; formats from proc_pid_mountinfo(5) and proc(5)."""

from typing import Final, NamedTuple

from necism_monitor.domain.patterns import pattern

_ESCAPE: Final = pattern(r"\\([0-7]{3})")
_NETWORK: Final = tuple("nfs cifs smb fuse ceph 9p lustre gpfs afs gfs2 ocfs2 beegfs acfs".split())
"""How the kinds of such file systems begin."""
_DELETED: Final = " (deleted)"


class Mount(NamedTuple):
    """One line of a mountinfo."""

    number: str
    """`major:minor` of the file system; btrfs and others print an anonymous one, `source` tells their device."""
    point: str
    kind: str
    source: str
    source_number: str | None = None
    """`major:minor` of the block device that `source` names here, where it does."""
    seen_by: str = ""
    """The process in whose mount namespace it was seen; empty for our own."""


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """The lines of a mountinfo; raises ValueError for a line that is none."""
    return tuple(_parse_mount(line) for line in text.split("\n") if line)


def _parse_mount(line: str) -> Mount:
    left, _, right = line.partition(" - ")
    try:
        _, _, number, _, point, _, *_ = left.split(" ")
        kind, source, *_ = right.split(" ")
    except ValueError:
        raise ValueError(f"{line!r} is no line of a mountinfo") from None
    return Mount(number, unescape(point), kind, unescape(source))


def unescape(text: str) -> str:
    r"""The kernel writes blanks, tabs, newlines and backslashes as `\040` and the like; bytes are not decoded here."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def parse_swaps(text: str) -> tuple[str, ...]:
    """The files and devices of /proc/swaps; raises ValueError where its heading is missing."""
    heading, *lines = text.split("\n")
    if not heading.startswith("Filename"):
        raise ValueError("/proc/swaps has no heading")
    return tuple(unescape(line.split()[0]).removesuffix(_DELETED) for line in lines if line.strip())


def is_network(mount: Mount) -> bool:
    """Whether to ask a file of it may hang when a server is gone; device nodes are not opened through such a mount."""
    return mount.kind.startswith(_NETWORK)
