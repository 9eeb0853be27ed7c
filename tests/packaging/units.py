"""Unit files as tests read them, and a root directory in which systemd's own tools can judge them."""

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "packaging/systemd"
UNITS: Final = sorted(path for path in FOLDER.iterdir() if path.suffix in {".service", ".timer", ".path"})
SERVICES: Final = [path for path in UNITS if path.suffix == ".service"]
ACTIONS: Final = ("necism-dispatch.service", "necism-resync@.service")
SYSTEM: Final = Path("/usr/lib/systemd/system")
INSTANCE: Final = r"svc-sync\x231"
"""What `systemd-escape 'svc/sync#1'` prints."""


def settings(path: Path) -> list[tuple[str, str, str]]:
    """Section, key and value of every assignment, in order; a key may stand more than once."""
    found, section = list[tuple[str, str, str]](), ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


def values(path: Path, key: str) -> list[str]:
    """The values that a unit gives to one key."""
    return [value for _, name, value in settings(path) if name == key]


def instance(name: str) -> str:
    """The unit's name, of a template that of an instance."""
    return name.replace("@.", f"@{INSTANCE}.")


def make_root(place: Path) -> Path:
    """A root with this host's units and ours, and programs that do nothing where ours would be."""
    units = place / "usr/lib/systemd/system"
    shutil.copytree(SYSTEM, units, symlinks=True)
    for path in UNITS:
        shutil.copy(path, units)
    for name in ("usr/bin/necism", "bin/sh"):
        stub = place / name
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text("#!/bin/true\n")
        stub.chmod(stub.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    (place / "lib").symlink_to("usr/lib")
    (place / "etc").mkdir()
    return place


def analyze(program: Path, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`systemd-analyze` on that root."""
    return subprocess.run(
        [program, f"--root={root}", "--no-pager", *words],
        env={**os.environ, "SYSTEMD_COLORS": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
