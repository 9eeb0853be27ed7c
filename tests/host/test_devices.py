"""What sysfs, mountinfo and /proc/swaps say becomes the right verdict.  Texts are written as proc(5) and sysfs show."""

from typing import Final

import pytest

from necism_monitor.domain.use import Use, UseState
from necism_monitor.host.commands import flush_buffers
from necism_monitor.host.devices import BUSY, OPENED, Facts, Opener, judge
from necism_monitor.host.family import Block, Family, find_family, normalise_wwn
from necism_monitor.host.special_files import reject
from necism_monitor.host.tables import is_network, parse_mounts, parse_swaps

WWID: Final = "naa.60030130f0a010000000000000000012"
MPATH: Final = "mpath-360030130f0a010000000000000000012"

MOUNTINFO: Final = r"""22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
27 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
36 27 253:3 / /oracle\040data rw,noatime shared:40 master:1 - xfs /dev/mapper/mpatha rw,attr2
41 27 0:45 /sub /srv rw,relatime - btrfs /dev/sdf rw,space_cache
44 27 0:52 / /far rw,relatime shared:99 - nfs4 filer:/vol rw,vers=4.1
"""
SWAPS: Final = """Filename				Type		Size	Used	Priority
/dev/dm-1                               partition	8388604	0	-2
/swap\\040file                           file		1048572	0	-3
/dev/sdz1\\040(deleted)                  partition	1048572	0	-4
"""


def sd(name: str, minor: int, *holders: str, wwid: str = WWID) -> Block:
    """A path of one LV."""
    return Block(name, f"8:{minor}", holders=holders, wwid=wwid)


def dm(number: int, name: str, uuid: str, slaves: str, *holders: str) -> Block:
    """A device-mapper device."""
    return Block(f"dm-{number}", f"253:{number}", None, holders, tuple(slaves.split()), name, uuid)


def part(disk: str, index: int, minor: int, *holders: str) -> Block:
    """A partition that the kernel made a device of."""
    return Block(f"{disk}{index}", f"8:{minor}", disk, holders)


def family(asked: str, number: str, *blocks: Block) -> Family:
    """The family of one device among `blocks`."""
    found = find_family({block.name: block for block in blocks}, asked, number)
    assert found is not None
    return found


def free(found: Family) -> dict[str, str]:
    """Every device that is to be opened let itself be opened."""
    return {block.number: OPENED for block in found.tops}


def names(found: Family) -> list[str]:
    """The members, in their order."""
    return [block.name for block in found.members]


MULTIPATH: Final = (sd("sdc", 32, "dm-3"), sd("sdd", 48, "dm-3"), dm(3, "mpatha", MPATH, "sdc sdd"))


def test_mountinfo_is_read_as_the_manual_says() -> None:
    """Number, mount point, kind and source stand where proc_pid_mountinfo(5) puts them, after any optional fields."""
    mounts = parse_mounts(MOUNTINFO)
    assert [(m.number, m.point, m.kind, m.source) for m in mounts] == [
        ("0:21", "/proc", "proc", "proc"),
        ("8:2", "/", "ext4", "/dev/sda2"),
        ("253:3", "/oracle data", "xfs", "/dev/mapper/mpatha"),
        ("0:45", "/srv", "btrfs", "/dev/sdf"),
        ("0:52", "/far", "nfs4", "filer:/vol"),
    ]
    assert [m.point for m in mounts if is_network(m)] == ["/far"]


@pytest.mark.parametrize("text", ["mounted\n", "22 27 0:21 / /proc rw proc proc rw\n", "22 27 - proc proc rw\n"])
def test_a_text_that_is_no_mountinfo_is_an_error(text: str) -> None:
    """A format nobody knows is never read as 'nothing is mounted'."""
    with pytest.raises(ValueError, match="no line of a mountinfo"):
        parse_mounts(text)


def test_a_mount_point_with_an_odd_separator_is_one_line() -> None:
    """The kernel escapes newlines only: other characters that end a line elsewhere belong to the name."""
    (mount,) = parse_mounts("36 27 8:32 / /a\x0b\u2028b rw - ext4 /dev/sdc rw\n")
    assert mount.point == "/a\x0b\u2028b"


def test_swap_areas_are_read_as_the_manual_says() -> None:
    """The first column is the name, its blanks escaped, and a deleted one is still a swap area."""
    assert parse_swaps(SWAPS) == ("/dev/dm-1", "/swap file", "/dev/sdz1")
    assert parse_swaps("Filename Type Size Used Priority\n") == ()
    with pytest.raises(ValueError, match="heading"):
        parse_swaps("")


def test_a_path_leads_to_its_map_and_to_the_other_paths() -> None:
    """A multipath map over the device is the same disk, and so are the other paths: only the map is opened."""
    found = family("/dev/sdc", "8:32", *MULTIPATH)
    assert names(found) == ["dm-3", "sdc", "sdd"]
    assert found.holders == ()
    assert [block.name for block in found.tops] == ["dm-3"]


def test_the_map_leads_to_its_paths() -> None:
    """Whichever face of the disk the array's commands print, all are found."""
    from_map, from_path = family("/dev/dm-3", "253:3", *MULTIPATH), family("/dev/sdd", "8:48", *MULTIPATH)
    assert from_map.members == from_path.members == family("/dev/sdc", "8:32", *MULTIPATH).members


def test_paths_without_multipath_are_one_disk_by_their_name() -> None:
    """Two paths that no map joins are still the same bytes: a mount of the second one is a use of the first."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32), sd("sdd", 48), sd("sde", 64, wwid="naa.6003999"))
    assert names(found) == ["sdc", "sdd"]
    mounts = parse_mounts("36 27 8:48 / /copy rw - ext4 /dev/sdd rw\n")
    use = judge(found, Facts(mounts=mounts), free(found))
    assert use == Use(UseState.IN_USE, "/dev/sdd (the same disk as /dev/sdc) is mounted on /copy")


def test_disks_without_a_world_wide_name_are_strangers() -> None:
    """No name is not the same name."""
    assert names(family("/dev/sdc", "8:32", sd("sdc", 32, wwid=""), sd("sdd", 48, wwid=""))) == ["sdc"]


def test_a_free_disk_is_free() -> None:
    """Not mounted, no swap area, not held, not open, and the kernel gave it exclusively."""
    found = family("/dev/sdc", "8:32", *MULTIPATH)
    use = judge(found, Facts(), free(found))
    assert use == Use(UseState.FREE, "/dev/mapper/mpatha (over /dev/sdc, /dev/sdd) is not mounted, held or open")


def test_a_mounted_map_is_in_use_by_its_path() -> None:
    """The sentence names the map, what it lies on, and where it is mounted, blanks and all."""
    found = family("/dev/sdc", "8:32", *MULTIPATH)
    use = judge(found, Facts(mounts=parse_mounts(MOUNTINFO)), free(found))
    assert use == Use(UseState.IN_USE, "/dev/mapper/mpatha (over /dev/sdc, /dev/sdd) is mounted on /oracle data")


def test_a_mount_is_known_by_its_source_too() -> None:
    """Btrfs prints an anonymous device number: the source says which device it is."""
    found = family("/dev/sdf", "8:80", sd("sdf", 80))
    (mount,) = [mount for mount in parse_mounts(MOUNTINFO) if mount.kind == "btrfs"]
    assert judge(found, Facts(mounts=(mount._replace(source_number="8:80"),)), free(found)).text == (
        "/dev/sdf is mounted on /srv"
    )


def test_a_mount_in_another_namespace_says_who_sees_it() -> None:
    """A container's mount is a use; a place that we see ourselves is told once, as ours."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32))
    own = parse_mounts("36 27 8:32 / /data rw - ext4 /dev/sdc rw\n")
    theirs = [mount._replace(seen_by="postgres (pid 77)") for mount in own]
    inside = [mount._replace(point="/var/lib/db") for mount in theirs]
    assert judge(found, Facts(mounts=(*own, *theirs, *inside)), {}).text == (
        "/dev/sdc is mounted on /data, /var/lib/db (seen by postgres (pid 77))"
    )


@pytest.mark.parametrize(
    ("uuid", "name"),
    [
        ("LVM-vQ3NO8xZdXhTkJW2PfCE8uSpR1mYbG0a", "vgora-data"),
        ("CRYPT-LUKS2-5ac0b7ef24c84c0f-secret", "secret"),
        ("", "linear"),
    ],
)
def test_any_other_holder_is_a_use(uuid: str, name: str) -> None:
    """An LVM volume, an encrypted device or a plain map on top of the multipath map is named with its uuid."""
    top = dm(7, name, uuid, "dm-3")
    map_ = dm(3, "mpatha", MPATH, "sdc sdd", "dm-7")
    found = family("/dev/sdc", "8:32", *MULTIPATH[:2], map_, top)
    use = judge(found, Facts(), {"253:3": BUSY})
    said = f" (device-mapper uuid {uuid})" if uuid else ""
    assert use == Use(
        UseState.IN_USE, f"/dev/mapper/mpatha (over /dev/sdc, /dev/sdd) is held by /dev/mapper/{name}{said}"
    )


def test_a_holder_that_vanished_from_the_listing_is_a_use() -> None:
    """The name alone is evidence: md and bcache have no device-mapper uuid, and listings are not read in one moment."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32, "md127"))
    assert judge(found, Facts(), free(found)) == Use(UseState.IN_USE, "/dev/sdc is held by /dev/md127")


def test_a_volume_group_on_a_partition_is_a_use_of_the_disk() -> None:
    """The partitions are looked at one by one."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32), part("sdc", 1, 33), part("sdc", 2, 34, "dm-9"),
                   dm(9, "vg-lv", "LVM-abc", "sdc2"))  # fmt: skip
    assert names(found) == ["sdc1", "sdc2", "sdc"]
    assert judge(found, Facts(), {}).text == (
        "/dev/sdc2 (a partition of /dev/sdc) is held by /dev/mapper/vg-lv (device-mapper uuid LVM-abc)"
    )


def test_a_partition_leads_to_its_whole_disk() -> None:
    """The array knows disks only: whatever uses another partition uses the LV."""
    found = family("/dev/sdc1", "8:33", sd("sdc", 32), part("sdc", 1, 33), part("sdc", 2, 34))
    use = judge(found, Facts(swaps={"8:34": "/dev/sdc2"}), free(found))
    assert use == Use(UseState.IN_USE, "/dev/sdc2 (a partition of /dev/sdc) is an active swap area")


def test_partition_maps_are_the_disk_and_are_opened_instead_of_it() -> None:
    """A map that kpartx made holds the multipath map always; nobody uses the disk as long as those maps are free."""
    uuid = MPATH.removeprefix("mpath-")
    first = dm(4, "mpatha1", f"part1-mpath-{uuid}", "dm-3")
    second = dm(5, "mpatha2", f"part2-mpath-{uuid}", "dm-3")
    blocks = (*MULTIPATH[:2], dm(3, "mpatha", MPATH, "sdc sdd", "dm-4", "dm-5"), first, second, part("sdc", 1, 33))
    found = family("/dev/sdc", "8:32", *blocks)
    assert [block.name for block in found.tops] == ["dm-4", "dm-5"]
    assert judge(found, Facts(), free(found)).state is UseState.FREE
    mounts = parse_mounts("36 27 253:5 / /copy rw - ext4 /dev/mapper/mpatha2 rw\n")
    assert judge(found, Facts(mounts=mounts), {}).text == (
        "/dev/mapper/mpatha2 (over /dev/mapper/mpatha) is mounted on /copy"
    )


def test_the_paths_partitions_are_not_opened_below_a_map() -> None:
    """The map claims the whole path, so its partitions always say busy; their mounts and holders still count."""
    found = family("/dev/sdc", "8:32", *MULTIPATH, part("sdc", 1, 33))
    assert [block.name for block in found.tops] == ["dm-3"]
    assert "sdc1" in names(found)


def test_a_loop_device_on_the_disk_is_a_use() -> None:
    """A loop device shows no holder, so it is known by what it lies on."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32), Block("loop3", "7:3", backing="8:32"))
    assert judge(found, Facts(), free(found)) == Use(UseState.IN_USE, "/dev/sdc is held by /dev/loop3")


def test_a_process_that_has_it_open_is_named() -> None:
    """Every face of the disk counts, and each process is named with its number."""
    found = family("/dev/sdc", "8:32", *MULTIPATH)
    openers = (Opener(4711, "dd", "8:48"), Opener(9, "multipathd", "8:48"), Opener(80, "oracle", "8:99"))
    assert judge(found, Facts(openers=openers), free(found)) == Use(
        UseState.IN_USE, "/dev/sdd (the same disk as /dev/sdc) is open by dd (pid 4711)"
    )


@pytest.mark.parametrize("comm", ["multipathd", "systemd-udevd", "(udev-worker)", "blkid"])
def test_path_daemons_do_not_count(comm: str) -> None:
    """They keep every path open for as long as the host runs."""
    found = family("/dev/sdc", "8:32", *MULTIPATH)
    assert judge(found, Facts(openers=(Opener(9, comm, "8:32"),)), free(found)).state is UseState.FREE


def test_many_processes_are_counted() -> None:
    """A database opens its disk a hundred times: the sentence stays readable."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32))
    use = judge(found, Facts(openers=tuple(Opener(pid, "oracle", "8:32") for pid in range(100, 200))), {})
    assert use.text.endswith("oracle (pid 103) and 96 more")


def test_busy_without_a_reason_is_a_use() -> None:
    """What only O_EXCL shows (a btrfs member, an outer journal) is in use, and the sentence says what it may be."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32))
    use = judge(found, Facts(), {"8:32": BUSY})
    assert use.state is UseState.IN_USE
    assert use.text.startswith("/dev/sdc cannot be opened exclusively: ")
    assert "btrfs" in use.text


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "/dev/sdc did not answer in time when it was opened"),
        ({"8:32": "could not be opened: Permission denied"}, "/dev/sdc could not be opened: Permission denied"),
    ],
)
def test_a_device_that_could_not_be_asked_is_unknown(answers: dict[str, str], said: str) -> None:
    """No answer is no 'no'."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32))
    use = judge(found, Facts(), answers)
    assert use.state is UseState.UNKNOWN
    assert use.text.endswith(said)


def test_a_doubt_makes_a_free_disk_unknown_and_a_used_one_stays_used() -> None:
    """One 'yes' is enough whatever else was not asked; 'free' needs every answer."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32))
    doubts = ("12 of 90 processes may not be looked into (run as root)",)
    assert judge(found, Facts(doubts=doubts), free(found)) == Use(
        UseState.UNKNOWN, f"/dev/sdc: no use of it was found, but not everything could be asked: {doubts[0]}"
    )
    assert judge(found, Facts(swaps={"8:32": "/dev/sdc"}, doubts=doubts), {}).state is UseState.IN_USE


def test_a_link_is_told_by_the_name_that_was_asked_for() -> None:
    """Who reads the sentence finds the special file that the array's commands print."""
    found = family("/dev/disk/by-id/wwn-0x6003", "8:32", sd("sdc", 32))
    assert judge(found, Facts(), free(found)).text.startswith("/dev/disk/by-id/wwn-0x6003: /dev/sdc is ")


def test_names_of_others_cannot_steer_a_terminal() -> None:
    """A process may call itself anything, and a mount point may hold any character."""
    found = family("/dev/sdc", "8:32", sd("sdc", 32))
    mounts = parse_mounts("36 27 8:32 / /a\x1b[2Jb rw - ext4 /dev/sdc rw\n")
    assert judge(found, Facts(mounts, openers=(Opener(5, "x\ny", "8:32"),)), {}).text == (
        "/dev/sdc is mounted on /a?[2Jb; /dev/sdc is open by x?y (pid 5)"
    )


def test_a_device_that_sysfs_does_not_describe_has_no_family() -> None:
    """The caller says unknown."""
    assert find_family({}, "/dev/sdc", "8:32") is None


def test_a_name_with_a_slash_is_found_in_dev() -> None:
    """Sysfs writes cciss!c0d0 for /dev/cciss/c0d0."""
    disk = Block("cciss!c0d0", "104:0")
    found = family("/dev/cciss/c0d0", "104:0", disk, Block("cciss!c0d0p1", "104:1", "cciss!c0d0"))
    assert judge(found, Facts(swaps={"104:1": "x"}), {}).text == (
        "/dev/cciss/c0d0p1 (a partition of /dev/cciss/c0d0) is an active swap area"
    )


@pytest.mark.parametrize("file", ["/dev/sdc", "/dev/sdaq", "/dev/ddblka", "/dev/mapper/mpath a", "/dev/disk/by-id/x"])
def test_a_path_below_dev_is_looked_for(file: str) -> None:
    """Captured special files are such paths."""
    assert reject(file) is None


@pytest.mark.parametrize(
    "file",
    [None, "", "-", "E:", "Disk 3", "sdc", "/etc/passwd", "/dev/../etc/passwd", "/dev/sd\nc", "/dev/" + "x" * 5000,
     "/dev/a\0b", "\\\\.\\PHYSICALDRIVE3"],
)  # fmt: skip
def test_anything_else_is_not_looked_for(file: str | None) -> None:
    """Nothing printed, Windows names, ways out of /dev, control characters and endless names, each with a reason."""
    assert reject(file)
    assert len(str(reject(file))) < 200


@pytest.mark.parametrize(
    ("path", "map_"),
    [
        ("naa.60030130F0A010000000000000000012", "mpath-360030130f0a010000000000000000012"),
        ("eui.0025385b71b0b1c4", "mpath-eui.0025385b71b0b1c4"),
        ("eui.0025385b71b0b1c4", "mpath-20025385b71b0b1c4"),
        ("t10.NEC     DISK ARRAY      0000000935000123\n", "mpath-1NEC_DISK_ARRAY_0000000935000123"),
    ],
)
def test_a_path_and_its_map_have_one_name(path: str, map_: str) -> None:
    """Kernel and multipath spell the same World Wide Name in two ways."""
    assert normalise_wwn(path) == normalise_wwn(map_)


def test_flushing_takes_a_path_only() -> None:
    """No name can become an option of blockdev."""
    assert flush_buffers("/dev/sdc").argv == ("blockdev", "--flushbufs", "/dev/sdc")
    with pytest.raises(ValueError, match="absolute"):
        flush_buffers("--setrw")
