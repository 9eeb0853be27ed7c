"""The host of a simulated array, as far as its files tell of it: processes, devices, and the sign of its time service.

`DIR/host` is a root as `host_root` of necism.conf names one. Its devices are empty files: nobody can open a disk by
mistake, and no name of it exists on the real host.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from necism_monitor.simulator.world import edit_world

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import World

ROOT = "host"
SERVICE = "iSMHostRegisterService"
PROCESSES = {"1": "/sbin/init\0", "614": f"/opt/iSMccs/bin/{SERVICE}\0"}
"""Under what name the service is seen is inferred: no capture exists."""
SERVICE_PID = "614"
FOLDERS = ("proc", "dev", "sys/class/block", "etc/cron.d", "etc/opensvc", "etc/systemd/system", "var/spool/cron")


def make(directory: Path, worlds: list[World]) -> Path:
    """Lay out the host of these worlds; its root."""
    root = directory / ROOT
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for pid, line in PROCESSES.items():
        _write(root / "proc" / pid / "cmdline", line)
    _write(root / "run/systemd/timesync/synchronized", "")
    for world in worlds:
        for volume in (*world["bvs"].values(), *world["lvs"].values()):
            add_device(root, volume["special_file"] or "")
    if not all(world["service"] for world in worlds):
        _remove_service(root)
    return root


def add_device(root: Path, special_file: str) -> None:
    """Let the host know a device; anything that is no name below /dev is left out."""
    name = special_file.removeprefix("/dev/")
    if name and name != special_file and ".." not in Path(name).parts:
        # A name that cannot be a file is a device that this host does not have.
        with contextlib.suppress(OSError):
            _write(root / "dev" / name, "")
            _write(root / "sys/class/block" / name.replace("/", "!") / "dev", "8:0\n")


def remove_device(root: Path, special_file: str) -> None:
    """Let a device vanish from the host, as after a reboot that numbered them anew."""
    (root / special_file.lstrip("/")).unlink()


def stop_service(directory: str | os.PathLike[str]) -> None:
    """End the service on the host of the array in `directory`: its process is gone, and commands are refused."""
    _remove_service(Path(directory, ROOT))
    with edit_world(directory) as world:
        world["service"] = False


def start_service(directory: str | os.PathLike[str]) -> None:
    """Start it again."""
    _write(Path(directory, ROOT, "proc", SERVICE_PID, "cmdline"), PROCESSES[SERVICE_PID])
    with edit_world(directory) as world:
        world["service"] = True


def _remove_service(root: Path) -> None:
    (root / "proc" / SERVICE_PID / "cmdline").unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
