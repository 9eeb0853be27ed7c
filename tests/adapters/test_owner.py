"""Alive, dead, or not to be told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.adapters.owner import Owner, alive, this_process

Until = Callable[[Callable[[], bool]], None]
ROOM = Path(__file__).resolve().parents[2]


def told_by(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()


@pytest.fixture
def child() -> Iterator[tuple[subprocess.Popen[bytes], Owner]]:
    """A process, and what names it."""
    with subprocess.Popen(("sleep", "60")) as process:
        ticks = told_by("awk", "{print $22}", f"/proc/{process.pid}/stat")
        yield process, this_process()._replace(pid=process.pid, start_ticks=int(ticks))
        process.kill()


def test_we_name_ourselves_as_other_programs_see_us() -> None:
    """Host, boot, pid and start are what uname, the kernel and awk say."""
    me = this_process()
    assert me.host == told_by("uname", "-n")
    assert me.boot_id == told_by("cat", "/proc/sys/kernel/random/boot_id")
    assert me.pid == os.getpid()
    assert str(me.start_ticks) == told_by("sh", "-c", f"sed 's/.*) //' /proc/{os.getpid()}/stat | cut -d' ' -f20")
    assert alive(me) is True


def test_a_running_process_lives_a_zombie_and_a_reaped_one_are_dead(
    child: tuple[subprocess.Popen[bytes], Owner], until: Until
) -> None:
    """A process is dead from its end on, not only when its parent has taken notice."""
    process, owner = child
    assert alive(owner) is True
    process.kill()
    until(lambda: alive(owner) is False)
    assert Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    process.wait(20)
    assert alive(owner) is False


def test_another_start_or_boot_is_another_process(child: tuple[subprocess.Popen[bytes], Owner]) -> None:
    """A pid that was given away again, and any pid of an earlier boot, is not the owner."""
    _, owner = child
    assert alive(owner._replace(start_ticks=owner.start_ticks + 1)) is False
    assert alive(owner._replace(boot_id="00000000-0000-0000-0000-000000000000")) is False


def test_of_another_host_nothing_can_be_told(child: tuple[subprocess.Popen[bytes], Owner]) -> None:
    """Neither its processes nor its boots are seen from here."""
    _, owner = child
    assert alive(owner._replace(host="elsewhere")) is None
    assert alive(owner._replace(host="elsewhere", boot_id="other")) is None


def test_a_name_made_to_mislead_does_not(until: Until) -> None:
    """A process may call itself `) Z 0 (`: fields are counted from the last parenthesis."""
    program = "import time; open('/proc/self/comm', 'w').write(') Z 0 ('); time.sleep(60)"
    with subprocess.Popen((sys.executable, "-c", program)) as process:
        comm = Path(f"/proc/{process.pid}/comm")
        until(lambda: comm.read_text() == ") Z 0 (\n")
        ticks = told_by("sh", "-c", f"sed 's/.*) //' /proc/{process.pid}/stat | cut -d' ' -f20")
        assert alive(this_process()._replace(pid=process.pid, start_ticks=int(ticks))) is True
        process.kill()


def fake_proc(folder: Path, *, boot: str | None, first: str | None) -> Path:
    if boot is not None:
        (folder / "sys/kernel/random").mkdir(parents=True)
        (folder / "sys/kernel/random/boot_id").write_text(f"{boot}\n")
    if first is not None:
        (folder / "1").mkdir()
        (folder / "1/stat").write_text(first)
    return folder


@pytest.mark.parametrize(
    ("boot", "first", "verdict"),
    [
        ("same", "1 (init) S " + "0 " * 40, False),  # all processes are visible, and this one is not there
        ("same", None, None),  # process 1 is hidden, so others may be
        ("same", "nonsense", None),
        (None, "1 (init) S " + "0 " * 40, None),  # the boot cannot be told
        (None, None, None),
    ],
)
def test_not_seen_is_dead_only_where_everything_is_seen(
    tmp_path: Path, boot: str | None, first: str | None, verdict: object
) -> None:
    """A missing pid proves death only in a /proc that shows every process."""
    owner = this_process()._replace(boot_id="same", pid=12345)
    assert alive(owner, fake_proc(tmp_path, boot=boot, first=first)) is verdict


def test_a_stat_that_is_none_tells_nothing(tmp_path: Path) -> None:
    """A /proc/PID/stat that does not parse is neither life nor death."""
    proc = fake_proc(tmp_path, boot="same", first="1 (init) S " + "0 " * 40)
    (proc / "12345").mkdir()
    (proc / "12345/stat").write_text("12345 (x) S 1 2")
    assert alive(this_process()._replace(boot_id="same", pid=12345), proc) is None


HIDDEN = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from necism_monitor.adapters.owner import Owner, alive
owner = Owner(sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(alive(owner, Path(sys.argv[2])))
"""


@pytest.mark.parametrize("hidepid", ["1", "2"])
def test_behind_hidepid_a_living_owner_is_not_called_dead(
    tmp_path: Path, child: tuple[subprocess.Popen[bytes], Owner], hidepid: str
) -> None:
    """An unprivileged reader on a /proc mounted with hidepid cannot tell; it does not say dead."""
    if os.geteuid() != 0:
        pytest.skip("a /proc with hidepid can be mounted by root only; the fake one above stands in")
    proc = tmp_path / "proc"
    proc.mkdir()
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder.name.startswith("pytest"):
            folder.chmod(0o755)
    mount = ("mount", "-t", "proc", "-o", f"hidepid={hidepid}", "proc", str(proc))
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True, timeout=20)
    if mounted.returncode != 0:
        pytest.skip(f"no /proc with hidepid here ({mounted.stderr.strip()}); the fake one above stands in")
    try:
        argv = (sys.executable, "-c", HIDDEN, str(ROOM), str(proc), *map(str, child[1]))
        assert told_by(*argv) == "None"
    finally:
        subprocess.run(("umount", str(proc)), check=True, timeout=20)
