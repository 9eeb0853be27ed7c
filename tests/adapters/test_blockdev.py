"""Looking at a host's devices: what /sys and /proc say, what is not said, and a child that may hang."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.adapters import blockdev_child
from necism_monitor.adapters.blockdev import BlockDevices, DevicesElsewhere, Limits
from necism_monitor.adapters.blockdev_child import find_families, identify, look, open_all
from necism_monitor.adapters.blockdev_read import (
    Host,
    open_exclusively,
    read_blocks,
    read_facts,
    read_mounts,
    read_openers,
    read_swaps,
)
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.domain.names import LdName
from necism_monitor.domain.use import Use, UseState
from necism_monitor.host.devices import OPENED, Facts, Opener, judge
from necism_monitor.host.family import Block
from necism_monitor.ism.output import Ending, Output
from tests.adapters.conftest import Script

WWID: Final = "naa.60030130f0a010000000000000000012"
LV: Final = LdName("LV00A6")
INIT: Final = "pid:[4026531836]"


class FakeHost:
    """A /proc, /sys and /dev that a test writes; block devices are ordinary files with a number."""

    def __init__(self, root: Path) -> None:
        self.root, self.numbers = root, dict[str, str]()
        for name in ("proc/self/ns", "sys/class/block", "dev/mapper"):
            (root / name).mkdir(parents=True)
        (root / "proc/self/ns/pid").symlink_to(INIT)
        (root / "proc/self/ns/mnt").symlink_to("mnt:[1]")
        self.write("proc/self/mountinfo", "27 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n")
        self.write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")
        self.process(1, "systemd")
        self.host = Host(root / "proc", root / "sys", root / "dev", self._stat)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def node(self, name: str, number: str) -> str:
        self.write(f"dev/{name}", "")
        self.numbers[str(self.root / "dev" / name)] = number
        return f"/dev/{name}"

    def block(self, name: str, number: str, under: str = "", **texts: str) -> None:
        """An entry of /sys/class/block: a link to a folder, a partition's in its disk's."""
        real = self.root / "sys/devices/block" / under / name
        self.write(f"sys/devices/block/{under}/{name}/dev", f"{number}\n")
        (self.root / "sys/class/block" / name).symlink_to(real)
        if under:
            (real / "partition").write_text("1\n")
        for folder in ("holders", "slaves"):
            (real / folder).mkdir()
            for entry in texts.pop(folder, "").split():
                (real / folder / entry).write_text("")
        for file, text in texts.items():
            self.write(f"sys/devices/block/{under}/{name}/{file.replace('__', '/')}", f"{text}\n")
        self.node(name, number)

    def process(self, pid: int, comm: str, *opened: str, namespace: str = "mnt:[1]") -> None:
        folder = self.root / "proc" / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "ns").mkdir()
        (folder / "ns" / "mnt").symlink_to(namespace)
        (folder / "comm").write_text(f"{comm}\n")
        for number, target in enumerate(opened):
            (folder / "fd" / str(number)).symlink_to(target)

    def _stat(self, path: str) -> os.stat_result:
        """What os.stat would say if the files were devices."""
        number = self.numbers.get(os.path.realpath(path))
        real = list(os.stat(path))  # noqa: PTH116 - it stands in for os.stat
        if number is None:
            return os.stat_result(real)
        major, minor = map(int, number.split(":"))
        real[0] = stat.S_IFBLK | 0o660
        return os.stat_result(real, {"st_rdev": os.makedev(major, minor)})


@pytest.fixture
def fake(tmp_path: Path) -> FakeHost:
    """A host with one LV on two paths under a multipath map, with a partition on one path."""
    fake = FakeHost(tmp_path / "host")
    fake.block("sdc", "8:32", holders="dm-3", device__wwid=WWID)
    fake.block("sdc1", "8:33", under="sdc")
    fake.block("sdd", "8:48", holders="dm-3", device__wwid=WWID)
    fake.block("dm-3", "253:3", slaves="sdc sdd", dm__name="mpatha", dm__uuid="mpath-" + WWID.replace("naa.", "3"))
    fake.block("sda", "8:0", device__wwid="naa.5000c500a1b2c3d4")
    return fake


class Canned:
    """A runner whose child says what a test wants; keeps what it was asked to run."""

    def __init__(self, *outputs: Output) -> None:
        self.outputs, self.asked = list(outputs), list[tuple[str, ...]]()

    def read(self, argv: tuple[str, ...], timeout: float, *, env: Mapping[str, str] | None = None) -> Output:
        assert timeout > 0
        self.asked.append(argv)
        return self.outputs.pop(0)._replace(argv=argv)


def said(text: str, ending: Ending = Ending.EXITED, code: int | None = 0, stderr: str = "") -> Output:
    """What a child said before it ended."""
    return Output((), ending, code, text, stderr, 0.0, 1.0)


def test_sysfs_is_read_into_blocks(fake: FakeHost) -> None:
    """Number, partition, holders, slaves, device-mapper name and uuid, World Wide Name: as the folders say."""
    blocks = read_blocks(fake.host)
    assert blocks["sdc"] == Block("sdc", "8:32", None, ("dm-3",), (), wwid=WWID)
    assert blocks["sdc1"] == Block("sdc1", "8:33", "sdc")
    assert blocks["dm-3"] == Block(
        "dm-3", "253:3", None, (), ("sdc", "sdd"), "mpatha", "mpath-360030130f0a010000000000000000012"
    )


def test_a_loop_device_knows_the_device_it_lies_on(fake: FakeHost) -> None:
    """Its backing file is a name; what counts is the device behind it.  Ordinary files are found by their mount."""
    fake.block("loop0", "7:0", loop__backing_file="/dev/sdc")
    fake.block("loop1", "7:1", loop__backing_file="/srv/image")
    fake.block("loop2", "7:2", loop__backing_file="/dev/gone (deleted)")
    blocks = read_blocks(fake.host)
    assert [blocks[f"loop{number}"].backing for number in range(3)] == ["8:32", "", ""]


def test_an_entry_that_vanishes_is_left_out(fake: FakeHost) -> None:
    """A disk may be removed while the listing is read."""
    (fake.root / "sys/class/block/sdz").symlink_to("/nowhere")
    assert "sdz" not in read_blocks(fake.host)


def test_mounts_of_every_namespace_are_read_once(fake: FakeHost) -> None:
    """Two processes of one container are one question; ours comes first."""
    fake.process(70, "postgres", namespace="mnt:[2]")
    fake.process(71, "postgres", namespace="mnt:[2]")
    fake.write("proc/70/mountinfo", "36 27 8:32 / /data rw - btrfs /dev/sdc rw\n")
    fake.write("proc/71/mountinfo", "36 27 8:32 / /never rw - btrfs /dev/sdc rw\n")
    mounts, doubts = read_mounts(fake.host)
    assert [(mount.point, mount.seen_by, mount.source_number) for mount in mounts] == [
        ("/", "", None),
        ("/data", "postgres (pid 70)", "8:32"),
    ]
    assert doubts == ()


def test_our_own_mounts_that_cannot_be_read_are_a_doubt(fake: FakeHost) -> None:
    """A text that is no mountinfo, or none at all, is never 'nothing is mounted'."""
    fake.write("proc/self/mountinfo", "what?\n")
    assert "mountinfo could not be read" in read_mounts(fake.host)[1][0]
    (fake.root / "proc/self/mountinfo").unlink()
    assert read_mounts(fake.host)[1] == ("/proc does not show our own mounts",)


def test_swap_areas_are_known_by_number(fake: FakeHost) -> None:
    """/proc/swaps names a path; whatever it is called, the number says which device it is."""
    heading = "Filename\tType\tSize\tUsed\tPriority\n"
    fake.write("proc/swaps", f"{heading}/dev/sdc1 partition 8 0 -2\n/swapfile file 8 0 -3\n")
    assert read_swaps(fake.host) == ({"8:33": "/dev/sdc1"}, ())
    (fake.root / "proc/swaps").unlink()
    assert "/proc/swaps could not be read" in read_swaps(fake.host)[1][0]


def test_who_has_a_device_open_is_found_by_number(fake: FakeHost) -> None:
    """The name behind a descriptor may be any; closed, vanished and other files are no evidence."""
    other = fake.node("weird-name", "8:48")
    fake.process(80, "dd", str(fake.root / other[1:]), "socket:[7]", "/gone")
    fake.process(81, "bash", str(fake.root / "proc/swaps"), str(fake.root / "dev/sda"))
    (fake.root / "proc/82").mkdir()
    openers, doubts = read_openers(fake.host, {"8:32", "8:48"})
    assert openers == (Opener(80, "dd", "8:48"),)
    assert doubts == ()


def test_files_of_a_dead_server_are_not_asked_for(fake: FakeHost) -> None:
    """A stat of a file on a network mount may hang for ever; no device is opened through one."""
    dead = fake.root / "dead"
    dead.mkdir()
    fake.process(80, "vim", str(dead / "file"))
    asked: list[str] = []

    def remember(path: str) -> os.stat_result:
        asked.append(path)
        return fake.host.stat(path)

    assert read_openers(fake.host._replace(stat=remember), {"8:32"}, (str(dead),)) == ((), ())
    assert asked == []


@pytest.mark.parametrize(
    ("error", "doubt"),
    [(PermissionError(13, "Permission denied"), ("1 of 2 processes may not be looked into (run as root)",)),
     (ProcessLookupError(3, "No such process"), ())],
)  # fmt: skip
def test_a_process_that_hides_is_a_doubt_and_one_that_ended_is_none(
    fake: FakeHost, error: OSError, doubt: tuple[str, ...]
) -> None:
    """Could not ask is not 'no'; who is gone holds nothing."""
    fake.process(80, "secret", str(fake.root / "dev/sdc"))

    def refuse(path: str) -> os.stat_result:
        raise error

    assert read_openers(fake.host._replace(stat=refuse), {"8:32"}) == ((), doubt)


def test_processes_that_proc_hides_are_a_doubt(fake: FakeHost) -> None:
    """Mounted with hidepid, /proc leaves out the processes of others without a word: process 1 is missing too."""
    (fake.root / "proc/1").rename(fake.root / "proc/hidden")
    assert read_openers(fake.host, {"8:32"})[1] == ("/proc does not show all processes (mounted with hidepid?)",)


@pytest.mark.parametrize(("namespace", "said"), [("pid:[4026532199]", "container"), (None, "could not be read")])
def test_a_container_does_not_see_the_processes_outside(fake: FakeHost, namespace: str | None, said: str) -> None:
    """The first PID namespace has a fixed number; in any other one, or unread, there may be processes unseen."""
    (fake.root / "proc/self/ns/pid").unlink()
    if namespace is not None:
        (fake.root / "proc/self/ns/pid").symlink_to(namespace)
    (doubt,) = read_openers(fake.host, {"8:32"})[1]
    assert said in doubt


def test_facts_gather_every_doubt(tmp_path: Path) -> None:
    """Without /proc nothing is known, and each missing answer is told."""
    assert len(read_facts(Host(tmp_path), {"8:32"}).doubts) == 4


def test_a_mounted_partition_of_a_path_is_found_from_the_special_file(fake: FakeHost) -> None:
    """From `/dev/sdc` as the array prints it to the sentence, over a whole host."""
    fake.write("proc/self/mountinfo", "36 27 8:33 / /copy rw - ext4 /dev/sdc1 rw\n")
    assert look(fake.host, ["/dev/sdc"], 5) == {
        "/dev/sdc": Use(UseState.IN_USE, "/dev/sdc1 (a partition of /dev/sdc) is mounted on /copy")
    }


def test_who_only_looks_for_a_moment_does_not_stop_a_run(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a volume group is deactivated udev starts programs that read the disk: it is asked again until they end."""
    fake.process(80, "pvscan", str(fake.root / "dev/dm-3"))
    monkeypatch.setattr(blockdev_child, "open_exclusively", lambda *_: OPENED)
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        (fake.root / "proc/80/fd/0").unlink()

    monkeypatch.setattr(time, "sleep", pause)
    assert look(fake.host, ["/dev/sdc"], 5)["/dev/sdc"].state is UseState.FREE
    assert len(paused) == 1


def test_who_stays_is_a_use_and_what_lasts_is_not_asked_again(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process gets a second or two to go; a mount gets nothing."""
    fake.process(80, "oracle", str(fake.root / "dev/dm-3"))
    monkeypatch.setattr(blockdev_child, "open_exclusively", lambda *_: OPENED)
    paused: list[float] = []
    monkeypatch.setattr(time, "sleep", paused.append)
    assert look(fake.host, ["/dev/sdc"], 5)["/dev/sdc"].text.endswith("is open by oracle (pid 80)")
    assert 0 < sum(paused) < 5
    paused.clear()
    fake.write("proc/self/mountinfo", "36 27 8:33 / /copy rw - ext4 /dev/sdc1 rw\n")
    assert "mounted" in look(fake.host, ["/dev/sdc"], 5)["/dev/sdc"].text
    assert paused == []


def test_a_question_is_answered_in_json_values(fake: FakeHost) -> None:
    """Both verbs name special files; what is not here has no identity."""
    roots = {"proc": str(fake.host.proc), "sys": str(fake.host.sys), "dev": str(fake.host.dev)}
    question = {**roots, "files": ["/dev/gone"], "seconds": 1}
    assert blockdev_child.answer({**question, "verb": "identify"}) == {}
    assert blockdev_child.answer({**question, "verb": "uses"}) == {
        "/dev/gone": ["unknown", "/dev/gone is no block device here: not visible on this host, so its use is not known"]
    }


def test_what_is_not_there_is_unknown(fake: FakeHost) -> None:
    """An absent name, an ordinary file, a device without sysfs: each says why nothing is known."""
    fake.node("sdq", "65:0")
    fake.write("dev/file", "")
    uses = look(fake.host, ["/dev/ddblka", "/dev/file", "/dev/sdq", "/dev/file/x", "/dev/" + "x" * 300], 5)
    assert {use.state for use in uses.values()} == {UseState.UNKNOWN}
    texts = [use.text for use in uses.values()]
    assert "not visible on this host" in texts[0]
    assert "no block device" in texts[1]
    assert "/sys does not describe" in texts[2]
    assert "not visible on this host" in texts[3]
    assert "File name too long" in texts[4]


def test_without_sysfs_nothing_is_free(fake: FakeHost) -> None:
    """The sentence says what could not be read."""
    found = find_families(fake.host._replace(sys=Path("/nowhere")), ["/dev/sdc"])
    assert found.lost["/dev/sdc"].state is UseState.UNKNOWN
    assert "/nowhere/class/block" in found.lost["/dev/sdc"].text


def test_a_link_in_dev_is_followed(fake: FakeHost) -> None:
    """/dev/disk/by-id/... is as good as the kernel's name."""
    link = fake.root / "dev/disk/by-id/wwn-0x6003"
    link.parent.mkdir(parents=True)
    link.symlink_to(fake.root / "dev/sdd")
    fake.process(80, "fio", str(fake.root / "dev/dm-3"))
    (use,) = look(fake.host, ["/dev/disk/by-id/wwn-0x6003"], 5).values()
    assert use.text == (
        "/dev/disk/by-id/wwn-0x6003: /dev/mapper/mpatha (over /dev/sdc, /dev/sdd) is open by fio (pid 80)"
    )


def test_a_node_that_is_another_device_is_not_believed(fake: FakeHost) -> None:
    """Opening by the kernel's name proves nothing when /dev holds something else under it."""
    block = read_blocks(fake.host)["dm-3"]
    assert open_exclusively(fake.host, block) == "is not device 253:3: /dev does not agree with /sys"
    assert "No such file" in open_exclusively(fake.host, block._replace(name="dm-9"))


def test_one_dead_disk_costs_only_its_own_answer(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open that does not return leaves the other disk's answer alone, and is no answer itself."""
    families = find_families(fake.host, ["/dev/sdc", "/dev/sda"]).families
    never = threading.Event()

    def hang(host: Host, block: Block) -> str:
        if block.name == "dm-3":
            never.wait()
        return OPENED

    monkeypatch.setattr(blockdev_child, "open_exclusively", hang)
    answers = open_all(fake.host, list(families.values()), time.monotonic() + 1)
    never.set()
    assert answers == {"8:0": OPENED}
    use = judge(families["/dev/sdc"], Facts(), answers)
    assert use.state is UseState.UNKNOWN
    assert use.text.endswith("/dev/mapper/mpatha did not answer in time when it was opened")


def test_one_disk_is_opened_once(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two special files of one disk: two exclusive opens at once would find each other, and call a free disk busy."""
    families = find_families(fake.host, ["/dev/sdc", "/dev/sdd", "/dev/dm-3"]).families
    opened: list[str] = []

    def remember(host: Host, block: Block) -> str:
        opened.append(block.name)
        return OPENED

    monkeypatch.setattr(blockdev_child, "open_exclusively", remember)
    assert open_all(fake.host, list(families.values()), time.monotonic() + 20) == {"253:3": OPENED}
    assert opened == ["dm-3"]


def test_devices_are_flushed_from_the_top(fake: FakeHost) -> None:
    """Partitions, then the map, then its paths; the World Wide Name is one for all faces of the disk."""
    dev = fake.root / "dev"
    answer = identify(fake.host, ["/dev/sdd", "/dev/dm-3", "/dev/gone"])
    devices = [str(dev / name) for name in ("sdc1", "dm-3", "sdc", "sdd")]
    name = WWID.replace("naa.", "3")
    assert answer == {
        "/dev/sdd": {"devices": devices, "wwn": name},
        "/dev/dm-3": {"devices": devices, "wwn": name},
    }


def test_a_device_that_cannot_be_looked_at_is_a_problem_for_flushing(fake: FakeHost) -> None:
    """Absent is silent, unreadable is not."""
    (problem,) = identify(fake.host, ["/dev/" + "x" * 300]).values()
    assert "File name too long" in str(problem["problem"])


def test_names_that_are_no_devices_start_no_child() -> None:
    """An array seen from elsewhere prints `-` or nothing, Windows prints drives: nobody is asked."""
    devices = BlockDevices(Canned())
    files = {LV: None, LdName("LV2"): "-", LdName("LV3"): "E:", LdName("LV4"): ""}
    assert {use.state for use in devices.uses(files).values()} == {UseState.UNKNOWN}
    assert devices.flush(files) == ()
    assert devices.wwns(files) == {}


@pytest.mark.parametrize(
    "output",
    [
        said("", Ending.TIMED_OUT, None),
        said("", Ending.LOST, None),
        said("", Ending.SIGNALLED, 9),
        said("", Ending.NOT_STARTED, 7, "Argument list too long\n"),
        said("", Ending.EXITED, 1, "Traceback\nMemoryError\n"),
        said('{"answer": {"/dev/s'),
        said("[]"),
    ],
)
def test_a_child_that_does_not_answer_leaves_everything_unknown(output: Output) -> None:
    """Hung, killed, broken or cut: no verdict, and nothing raised."""
    devices = BlockDevices(Canned(output, output, output))
    use = devices.uses({LV: "/dev/sdc"})[LV]
    assert use.state is UseState.UNKNOWN
    assert use.text.startswith("/dev/sdc: not known whether it is in use, ")
    assert devices.wwns({LV: "/dev/sdc"}) == {}
    (sentence,) = devices.flush({LV: "/dev/sdc"})
    assert sentence.startswith("/dev/sdc: buffers not flushed, ")


def test_an_answer_that_leaves_out_a_disk_leaves_it_unknown() -> None:
    """What is not said is not known."""
    use = BlockDevices(Canned(said('{"answer": {}}'))).uses({LV: "/dev/sdc"})[LV]
    assert use == Use(UseState.UNKNOWN, "/dev/sdc: not known whether it is in use, the answer does not name it")


def test_a_child_that_hangs_is_given_up(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seam kills it at the deadline, and the disk is unknown."""
    monkeypatch.setattr(sys, "executable", script("exec sleep 60")[0])
    began = time.monotonic()
    use = BlockDevices(ProcessRunner(), limits=Limits(look=0.5)).uses({LV: "/dev/sdc"})[LV]
    assert use.state is UseState.UNKNOWN
    assert use.text.endswith("did not end in time")
    assert time.monotonic() - began < 30


def test_an_answer_before_a_hang_counts() -> None:
    """The child answers, then cannot die because one of its threads hangs in a dead device."""
    text = json.dumps({"answer": {"/dev/sdc": ["free", "/dev/sdc is not mounted, held or open"]}})
    devices = BlockDevices(Canned(said(text, Ending.LOST, None)))
    assert devices.uses({LV: "/dev/sdc"})[LV].state is UseState.FREE


def test_each_device_is_flushed_by_a_command_of_its_own() -> None:
    """One that fails is a sentence and does not keep the next from its turn; a device of two LVs is flushed once."""
    known = {"devices": ["/dev/mapper/mpatha", "/dev/sdc"], "wwn": "36003"}
    answer = json.dumps({"answer": {"/dev/sdc": known, "/dev/sdd": known, "/dev/sde": {"problem": "no luck"}}})
    runner = Canned(said(answer), said("", code=1, stderr="blockdev: ioctl error: Permission denied\n"), said(""))
    files: dict[LdName, str | None] = {LV: "/dev/sdc", LdName("LV2"): "/dev/sdd", LdName("LV3"): "/dev/sde"}
    assert BlockDevices(runner).flush(files) == (
        "/dev/sde: buffers not flushed, no luck",
        "/dev/mapper/mpatha: buffers not flushed, blockdev ended with 1: blockdev: ioctl error: Permission denied",
    )
    assert runner.asked[1:] == [
        ("blockdev", "--flushbufs", "/dev/mapper/mpatha"),
        ("blockdev", "--flushbufs", "/dev/sdc"),
    ]


def test_flushing_ends_with_its_time() -> None:
    """What was not reached is named."""
    answer = json.dumps({"answer": {"/dev/sdc": {"devices": ["/dev/sdc"], "wwn": None}}})
    devices = BlockDevices(Canned(said(answer)), limits=Limits(flush_all=0.0))
    assert devices.flush({LV: "/dev/sdc"}) == ("/dev/sdc: buffers not flushed, no time was left for it",)


def test_a_missing_program_is_a_sentence() -> None:
    """A host without util-linux is told so."""
    answer = json.dumps({"answer": {"/dev/sdc": {"devices": ["/dev/sdc"], "wwn": None}}})
    gone = said("", Ending.MISSING, None, "blockdev is in no directory of PATH=/bin\n")
    (sentence,) = BlockDevices(Canned(said(answer), gone)).flush({LV: "/dev/sdc"})
    assert sentence == "/dev/sdc: buffers not flushed, blockdev missing: blockdev is in no directory of PATH=/bin"


def test_names_are_told_where_there_are_some(tmp_path: Path) -> None:
    """A disk without a World Wide Name, and one that is not here, are left out."""
    answer = {"/dev/sdc": {"devices": [], "wwn": "36003"}, "/dev/vdb": {"devices": [], "wwn": None}}
    files = {LV: "/dev/sdc", LdName("LV2"): "/dev/vdb", LdName("LV3"): "/dev/sdx", LdName("LV4"): None}
    for name in ("sdc", "vdb"):
        (tmp_path / name).touch()
    child = Canned(said(json.dumps({"answer": answer})))
    assert BlockDevices(child, dev=tmp_path).wwns(files) == {LV: "36003"}


def test_the_real_child_answers(tmp_path: Path) -> None:
    """An isolated interpreter finds the package, and a simulated array's device names are not visible here."""
    (tmp_path / "dev").mkdir()
    devices = BlockDevices(ProcessRunner(), dev=tmp_path / "dev")
    use = devices.uses({LV: "/dev/ddblka"})[LV]
    assert use == Use(
        UseState.UNKNOWN, "/dev/ddblka is no block device here: not visible on this host, so its use is not known"
    )
    assert devices.flush({LV: "/dev/ddblka"}) == ()
    assert devices.wwns({LV: "/dev/ddblka"}) == {}


def test_the_child_runs_from_any_directory_and_loads_little(tmp_path: Path) -> None:
    """It asks nothing of the working directory, and imports no part of the product beside what looks."""
    code = (
        "import sys; from necism_monitor.adapters import blockdev_child; "
        "print(*sorted(n for n in sys.modules if n.startswith('necism_monitor.')), sep=chr(10))"
    )
    home = Path(__file__).resolve().parents[2]
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(home)!r}); {code}"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    rooms = {name.split(".")[1] for name in done.stdout.split()}
    assert rooms == {"adapters", "domain", "host"}


def test_devices_of_another_host_are_not_looked_for_here() -> None:
    """/dev/sdc over there is another disk than /dev/sdc here."""
    devices = DevicesElsewhere("node2")
    (use,) = devices.uses({LV: "/dev/sdc"}).values()
    assert use == Use(UseState.UNKNOWN, "its device is one of node2: not visible here")
    assert devices.flush({LV: "/dev/sdc"}) == ()
    assert devices.wwns({LV: "/dev/sdc"}) == {}
