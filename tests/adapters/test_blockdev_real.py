"""Real block devices: loop devices that this kernel makes, mounts, swaps, partitions and holds.

They need root and a kernel that hands out loop devices; many containers have neither, then every test here is skipped
with that reason.  Nothing is written but to files of the test.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.adapters.blockdev import BlockDevices
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.domain.names import LdName
from necism_monitor.domain.use import Use, UseState
from tests.adapters.conftest import Until
from tests.servers import require_server

LV: Final = LdName("LV00A6")
MEGABYTE: Final = 1 << 20
HOLDER: Final = "import os, sys, time; os.open(sys.argv[1], {flags}); print('open', flush=True); time.sleep(600)"


def run(*argv: str) -> str:
    """Run a tool to its end; its errors are shown."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout.strip()


def may_not(argv: tuple[str, ...]) -> str:
    """Why this machine does not let us run `argv`; empty where it does."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return (done.stderr.strip() or str(done.returncode)) if done.returncode else ""


class Workshop:
    """Loop devices and what is put on them, all undone at the end."""

    def __init__(self, root: Path, undo: ExitStack) -> None:
        self.root, self.undo, self.made = root, undo, 0
        self.devices = BlockDevices(ProcessRunner())

    def loop(self, size: int = 8 * MEGABYTE, content: bytes = b"", *options: str) -> str:
        """A loop device over a new file."""
        self.made += 1
        image = self.root / f"image{self.made}"
        with image.open("wb") as file:
            file.write(content)
            file.truncate(size)
        losetup = str(require_server("losetup"))
        argv = (losetup, "--find", "--show", *options, str(image))
        why = may_not((losetup, "--find"))
        if why:
            pytest.skip(f"this kernel or container hands out no loop device: {why}")
        device = run(*argv)
        self.undo.callback(run, losetup, "--detach", device)
        return device

    def mount(self, device: str, *options: str) -> Path:
        """The device, mounted below the test's folder."""
        self.made += 1
        place = self.root / f"mount point {self.made}"
        place.mkdir()
        why = may_not((str(require_server("mount")), *options, device, str(place)))
        if why:
            pytest.skip(f"this container may not mount: {why}")
        self.undo.callback(run, "umount", str(place))
        return place

    def holder(self, device: str, flags: str) -> int:
        """A process that opens the device and stays, its parent gone: nobody's child but init's."""
        code = f"import os\nif os.fork(): os._exit(0)\nos.setsid()\n{HOLDER.format(flags=flags)}\n"
        script = self.root / "holder.py"
        script.write_text(code.replace("print('open'", "print(os.getpid()"))
        child = subprocess.Popen([sys.executable, "-I", str(script), device], stdout=subprocess.PIPE, text=True)
        self.undo.callback(child.wait, 30)
        assert child.stdout is not None
        with child.stdout as stdout:
            pid = int(stdout.readline())
        self.undo.callback(os.kill, pid, signal.SIGKILL)
        return pid

    def use(self, device: str) -> Use:
        """What the product says about it."""
        return self.devices.uses({LV: device})[LV]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """Where root may make loop devices."""
    if os.geteuid() != 0:
        pytest.skip("only root makes loop devices")
    with ExitStack() as undo:
        yield Workshop(tmp_path, undo)


@pytest.fixture
def filesystem(workshop: Workshop) -> Callable[[str], None]:
    """Make an ext4 on a device."""
    mkfs = str(require_server("mkfs.ext4"))

    def make(device: str) -> None:
        run(mkfs, "-q", "-F", device)

    return make


def require_sight() -> None:
    """Some verdicts need to see every process of the host."""
    if str(Path("/proc/self/ns/pid").readlink()) != "pid:[4026531836]":
        pytest.skip("this container does not see the processes outside, so no device is called free here")


def test_a_device_that_nobody_uses_is_free(workshop: Workshop) -> None:
    """The kernel says so: not mounted, not held, opened exclusively, given back at once; asking twice agrees."""
    require_sight()
    device = workshop.loop()
    for _ in range(2):
        assert workshop.use(device) == Use(UseState.FREE, f"{device} is not mounted, held or open")


def test_a_mounted_device_is_in_use(workshop: Workshop, filesystem: Callable[[str], None]) -> None:
    """The sentence says where, with the blank in its name; after umount it is free again."""
    device = workshop.loop()
    filesystem(device)
    place = workshop.mount(device)
    assert workshop.use(device) == Use(UseState.IN_USE, f"{device} is mounted on {place}")
    run("umount", str(place))
    workshop.undo.callback(run, "mount", device, str(place))
    assert workshop.use(device).state is not UseState.IN_USE


def test_a_mount_of_another_namespace_is_found(
    workshop: Workshop, filesystem: Callable[[str], None], until: Until
) -> None:
    """A container mounts it where our own table does not show it; the process that sees it is named."""
    unshare, mount = str(require_server("unshare")), str(require_server("mount"))
    device = workshop.loop()
    filesystem(device)
    place, ready = workshop.root / "inside", workshop.root / "ready"
    place.mkdir()
    text = f"{mount} {device} {place} && touch {ready} && exec sleep 600"
    child = subprocess.Popen([unshare, "--mount", "--propagation", "private", "/bin/sh", "-c", text])
    workshop.undo.callback(child.wait, 30)
    workshop.undo.callback(child.kill)
    until(lambda: ready.exists() or child.poll() is not None)
    if child.poll() is not None:
        pytest.skip("this container may not make a mount namespace")
    until(lambda: b"sleep" in Path(f"/proc/{child.pid}/comm").read_bytes())
    assert workshop.use(device) == Use(
        UseState.IN_USE, f"{device} is mounted on {place} (seen by sleep (pid {child.pid}))"
    )


def test_a_swap_area_is_in_use(workshop: Workshop) -> None:
    """From swapon to swapoff."""
    mkswap, swapon = str(require_server("mkswap")), str(require_server("swapon"))
    device = workshop.loop()
    run(mkswap, device)
    why = may_not((swapon, device))
    if why:
        pytest.skip(f"this container may not swap: {why}")
    workshop.undo.callback(run, "swapoff", device)
    assert workshop.use(device) == Use(UseState.IN_USE, f"{device} is an active swap area")


def test_an_outer_journal_is_in_use_though_nothing_names_it(workshop: Workshop) -> None:
    """An ext4 keeps its journal on a second device: no mount, no holder shows that one, the exclusive open does.

    A second member of a btrfs is held in the same way.
    """
    mkfs = str(require_server("mkfs.ext4"))
    journal, device = workshop.loop(), workshop.loop(16 * MEGABYTE)
    run(mkfs, "-q", "-F", "-O", "journal_dev", journal)
    run(mkfs, "-q", "-F", "-J", f"device={journal}", device)
    workshop.mount(device)
    use = workshop.use(journal)
    assert use.state is UseState.IN_USE
    assert use.text.startswith(f"{journal} cannot be opened exclusively")


def test_a_mounted_partition_is_a_use_of_its_disk(workshop: Workshop, filesystem: Callable[[str], None]) -> None:
    """The array prints the disk; the partition is found below it, and from the partition the way leads up again.

    The kernel is told of the partition as partx does it, so the test needs no kernel that reads partition tables.
    """
    device = workshop.loop(8 * MEGABYTE, b"", "--partscan")
    run(str(require_server("addpart")), device, "1", "2048", "8192")
    first = f"{device}p1"
    assert workshop.use(device).state is not UseState.IN_USE
    filesystem(first)
    place = workshop.mount(first)
    expected = Use(UseState.IN_USE, f"{first} (a partition of {device}) is mounted on {place}")
    assert workshop.use(device) == expected
    assert workshop.use(first) == expected


def test_a_loop_device_on_the_device_is_a_use(workshop: Workshop) -> None:
    """It claims nothing, no process has it open, and it may write at any time."""
    device = workshop.loop()
    losetup = str(require_server("losetup"))
    upper = run(losetup, "--find", "--show", device)
    workshop.undo.callback(run, losetup, "--detach", upper)
    assert workshop.use(device) == Use(UseState.IN_USE, f"{device} is held by {upper}")


def test_a_daemon_that_has_it_open_is_named(workshop: Workshop) -> None:
    """A process whose parent is gone reads the device without claiming it: only its descriptor tells."""
    device = workshop.loop()
    pid = workshop.holder(device, "os.O_RDONLY")
    use = workshop.use(device)
    assert use.state is UseState.IN_USE
    assert use.text.startswith(f"{device} is open by python")
    assert use.text.endswith(f" (pid {pid})")


def test_a_node_of_another_name_hides_nobody(workshop: Workshop) -> None:
    """A device node may be made anywhere: what counts is the device that a process has open, not its name."""
    device = workshop.loop()
    node = workshop.root / "innocent"
    os.mknod(node, 0o60600, os.stat(device).st_rdev)  # noqa: PTH116 - as mknod wants it
    try:
        pid = workshop.holder(str(node), "os.O_RDONLY")
    except ValueError:
        pytest.skip("no device can be opened below the test's folder: it is mounted with nodev")
    assert workshop.use(device).text.endswith(f" (pid {pid})")


def test_a_link_leads_to_the_device(workshop: Workshop) -> None:
    """/dev/disk/by-id/... are such links; the sentence begins with the name that was asked for."""
    device = workshop.loop()
    link = Path(f"/dev/necism-test-{os.getpid()}")
    link.symlink_to(device)
    workshop.undo.callback(link.unlink)
    workshop.holder(device, "os.O_RDONLY")
    assert workshop.use(str(link)).text.startswith(f"{link}: {device} is open by ")


def test_flushing_drops_what_the_host_buffers(workshop: Workshop) -> None:
    """The image changes underneath, as an LV's does at a link: the host reads the old data until it is flushed.

    The pages under the loop device are the file's own, so only the device's buffers can be stale.
    """
    require_server("blockdev")
    device = workshop.loop(content=b"old" * 100)
    assert Path(device).read_bytes()[:3] == b"old"
    with (workshop.root / "image1").open("r+b") as image:
        image.write(b"new" * 100)
    keeper = os.open(device, os.O_RDONLY)
    workshop.undo.callback(os.close, keeper)
    assert os.pread(keeper, 3, 0) in {b"old", b"new"}
    assert workshop.devices.flush({LV: device}) == ()
    assert os.pread(keeper, 3, 0) == b"new"


def test_flushing_writes_back(workshop: Workshop) -> None:
    """What a program wrote to the device and did not sync is in the file afterwards."""
    require_server("blockdev")
    device = workshop.loop()
    descriptor = os.open(device, os.O_WRONLY)
    workshop.undo.callback(os.close, descriptor)
    os.pwrite(descriptor, b"written", 0)
    assert workshop.devices.flush({LV: device}) == ()
    assert (workshop.root / "image1").read_bytes()[:7] == b"written"


def test_root_without_rights_is_told_unknown(workshop: Workshop) -> None:
    """Who may not look into processes gets no 'free', and flushing says that the kernel did not let us."""
    setpriv = str(require_server("setpriv"))
    require_server("blockdev")
    device = workshop.loop()
    code = (
        "from necism_monitor.adapters.blockdev import BlockDevices; from necism_monitor.adapters.process import "
        "ProcessRunner; import sys; d = BlockDevices(ProcessRunner()); f = {'LV': sys.argv[1]}; "
        "u = d.uses(f)['LV']; print(u.state.value, u.text, *d.flush(f), sep=chr(10))"
    )
    argv = [setpriv, "--bounding-set=-all", sys.executable, "-c", code, device]
    home = Path(__file__).resolve().parents[2]
    done = subprocess.run(argv, cwd=home, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    state, text, *problems = done.stdout.splitlines()
    assert state == "unknown"
    assert "processes may not be looked into (run as root)" in text
    assert len(problems) == 1
    assert problems[0].startswith(f"{device}: buffers not flushed, blockdev ended with 1")
