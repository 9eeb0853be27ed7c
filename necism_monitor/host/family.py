"""Which block devices of this host are one disk, and who stands on it: read from what sysfs says.

A disk has many faces: paths (`sdc`, `sdd`), the multipath map over them, the partitions of each.  All of them are the
same bytes, so all of them are looked at.  Anything else that holds one of them is a user of the disk.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from necism_monitor.domain.patterns import pattern

_PARTITION_MAP: Final = pattern(r"part\d+-")
"""kpartx names its maps `partN-` and the uuid of what they lie on."""
_BLANKS: Final = pattern(r"[\s_]+")
_SHOWN: Final = 4


class Block(NamedTuple):
    """One entry of /sys/class/block."""

    name: str
    """The kernel's: `sdc`, `sdc1`, `dm-3`, `cciss!c0d0`."""
    number: str
    disk: str | None = None
    """The disk that a partition lies on; None for a whole disk."""
    holders: tuple[str, ...] = ()
    slaves: tuple[str, ...] = ()
    dm_name: str = ""
    dm_uuid: str = ""
    wwid: str = ""
    backing: str = ""
    """`major:minor` of the block device under a loop device."""

    @property
    def path(self) -> str:
        """What people call it, and where it is found in /dev."""
        return f"/dev/mapper/{self.dm_name}" if self.dm_name else f"/dev/{self.file}"

    @property
    def file(self) -> str:
        """Below /dev; sysfs writes `!` for the `/` of a name."""
        return self.name.replace("!", "/")


Blocks = Mapping[str, Block]


class Family(NamedTuple):
    """The faces of one disk, as one special file leads to them."""

    asked: str
    """The special file that the array's commands print."""
    start: Block
    members: tuple[Block, ...]
    """Partitions first, then maps, then paths: whoever writes buffers back takes them in this order."""
    holders: tuple[tuple[Block, str, str], ...]
    """A member, and the path and device-mapper uuid of what holds it and is not the same disk."""
    tops: tuple[Block, ...]
    """The members that no other one holds: the kernel can be asked for each of them exclusively."""


def find_family(blocks: Blocks, asked: str, number: str) -> Family | None:
    """The family of the device `number` (`major:minor`), None where sysfs does not describe it."""
    start = next((block for block in blocks.values() if block.number == number), None)
    if start is None:
        return None
    found, waiting = {start.name: start}, [start]
    while waiting:
        for block in _same_disk(blocks, waiting.pop()):
            if block.name not in found:
                found[block.name] = block
                waiting.append(block)
    members = tuple(sorted(found.values(), key=_rank))
    return Family(asked, start, members, tuple(_foreign(blocks, found)), _tops(found))


def _same_disk(blocks: Blocks, block: Block) -> Iterator[Block]:
    """What is the same disk as `block`, one step away: what is the same disk as the answer leads back."""
    if is_map(block) or is_partition_map(block):
        yield from (blocks[name] for name in block.slaves if name in blocks)
    if block.disk is not None and block.disk in blocks:
        yield blocks[block.disk]
    identity = name_of_disk(block)
    for other in blocks.values():
        if (
            other.disk == block.name
            or (_lies_on(other, block) and (is_map(other) or is_partition_map(other)))
            or (identity and identity == name_of_disk(other))
        ):
            yield other


def _lies_on(upper: Block, lower: Block) -> bool:
    """Both sides say so; while a map is made or removed, one of them may not."""
    return lower.name in upper.slaves or upper.name in lower.holders


def is_map(block: Block) -> bool:
    """A multipath map: the disk itself, seen through all of its paths."""
    return block.dm_uuid.startswith("mpath-")


def is_partition_map(block: Block) -> bool:
    """A partition that kpartx made a device of."""
    return _PARTITION_MAP.match(block.dm_uuid) is not None


def name_of_disk(block: Block) -> str:
    """The World Wide Name of a whole disk or multipath map, empty for others."""
    if block.disk is not None or (block.dm_uuid and not is_map(block)):
        return ""
    return normalise_wwn(block.wwid or block.dm_uuid)


def normalise_wwn(text: str) -> str:
    """One spelling for what the kernel (`naa.6000...`) and multipath (`mpath-36000...`) call the same disk.

    scsi_id writes a digit for the kind of name: 3 for NAA, 2 for EUI-64, 1 for the T10 vendor text, whose blanks
    become underscores.
    """
    bare = _BLANKS.sub("_", text.strip().lower().removeprefix("mpath-"))
    for kind, digit in (("naa.", "3"), ("eui.", "2"), ("t10.", "1")):
        if bare.startswith(kind):
            return digit + bare.removeprefix(kind)
    return bare


def _rank(block: Block) -> tuple[int, int, str]:
    part = block.disk is not None or is_partition_map(block)
    return (0 if part else 1 if is_map(block) else 2, len(block.name), block.name)


def _foreign(blocks: Blocks, members: Blocks) -> Iterator[tuple[Block, str, str]]:
    """Who holds a member: device-mapper, md, bcache and the like say so in sysfs, loop devices by what they lie on."""
    for member in sorted(members.values(), key=_rank):
        names = {*member.holders, *(other.name for other in blocks.values() if member.name in other.slaves)}
        for name in sorted(names - set(members)):
            holder = blocks.get(name)
            yield (member, holder.path, holder.dm_uuid) if holder else (member, f"/dev/{name}", "")
        for loop in blocks.values():
            if loop.backing == member.number and loop.name not in members:
                yield member, loop.path, ""


def _tops(members: Blocks) -> tuple[Block, ...]:
    """Whatever lies below a map is claimed by it, and so are the partitions of that: they always say busy."""
    held = {block.name for block in members.values() if any(_lies_on(other, block) for other in members.values())}
    free = [block for block in members.values() if block.name not in held and block.disk not in held]
    return tuple(sorted(free, key=_rank))


def describe(family: Family, block: Block) -> str:
    """A member in words, with what connects it to the special file that was asked for."""
    below = [other.path for other in family.members if other.name in block.slaves]
    if below:
        return f"{block.path} (over {shorten(below)})"
    if block.disk is not None:
        return f"{block.path} (a partition of /dev/{block.disk.replace('!', '/')})"
    if block is not family.start and not block.slaves:
        return f"{block.path} (the same disk as {family.start.path})"
    return block.path


def shorten(texts: list[str], most: int = _SHOWN) -> str:
    """The first of many texts, and how many more there are."""
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")
