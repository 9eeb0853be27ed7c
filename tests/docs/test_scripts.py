"""The scripts that pages show do what the pages say of them."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import DOCS, blocks

HOOK: Final = next(one.text for one in blocks(DOCS / "howto/databases.md") if one.text.startswith("#!/bin/sh"))
FREE: Final = next(one.text for one in blocks(DOCS / "howto/central.md") if one.text.startswith("#!/bin/sh"))
WHOLE: Final = next(one.text for one in blocks(DOCS / "journal.md") if one.text.startswith("import pathlib"))
SAMPLE: Final = next(one.text for one in blocks(DOCS / "journal.md") if one.text.startswith('{"v"'))
STAND_INS: Final = {
    "mountpoint": "[ -e mounted ]",
    "mount": "[ ! -e mounted ] && touch mounted",
    "umount": "[ ! -e running ] && rm mounted",
    "systemctl": 'if [ "$1" = stop ]; then rm -f running; else [ -e mounted ] && touch running; fi',
}
"""As strict as the real ones: what is mounted is not mounted again, and a file system in use is not unmounted."""


@pytest.fixture(name="host")
def host_fixture(tmp_path: Path) -> Path:
    """A host with the file system mounted and the database running."""
    for name, does in STAND_INS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("mounted", "running"):
        (tmp_path / name).touch()
    (tmp_path / "hook").write_text(HOOK)
    (tmp_path / "free").write_text(FREE)
    return tmp_path


def sh(host: Path, *words: str) -> int:
    """How a script ends there."""
    environment = {"PATH": f"{host}:{os.environ['PATH']}"}
    return subprocess.run(["sh", *words], cwd=host, env=environment, check=False, capture_output=True).returncode


def state(host: Path) -> tuple[bool, bool]:
    """Mounted, running."""
    return (host / "mounted").exists(), (host / "running").exists()


def test_the_hook_for_databases_is_idempotent(host: Path) -> None:
    """Each may be run twice, and ends where it should; anything else is refused."""
    assert [(sh(host, "hook", "stop"), state(host)) for _ in range(2)] == [(0, (False, False))] * 2
    assert [(sh(host, "hook", "start"), state(host)) for _ in range(2)] == [(0, (True, True))] * 2
    assert sh(host, "hook") == 64


def test_a_bare_umount_would_not_be(host: Path) -> None:
    """The second time fails, as the page says."""
    assert sh(host, "-c", "systemctl stop x && umount x") == 0
    assert sh(host, "-c", "systemctl stop x && umount x") != 0


def test_the_hook_says_what_failed(host: Path) -> None:
    """A file system that cannot be unmounted is no success."""
    (host / "umount").write_text("#!/bin/sh\nexit 32\n")
    assert sh(host, "hook", "stop") == 32


def test_the_check_of_use_asks_the_server(host: Path) -> None:
    """1 while it is mounted, 0 afterwards."""
    assert sh(host, "free") == 1
    sh(host, "hook", "stop")
    assert sh(host, "free") == 0


@pytest.mark.parametrize(
    ("old", "new", "printed"), [("", "", ""), ('"done"', '"dune"', "4\n6\n"), ("LV0061", "LV0062", "1\n3\n4\n")]
)
def test_a_stranger_sees_which_line_is_damaged(tmp_path: Path, old: str, new: str, printed: str) -> None:
    """The few lines of Python in docs/journal.md name exactly the lines that were changed."""
    (tmp_path / "whole.py").write_text(WHOLE)
    (tmp_path / "run.jsonl").write_text(SAMPLE.replace(old, new) if old else SAMPLE)
    done = subprocess.run(
        ["python3", "whole.py", "run.jsonl"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == printed
