"""The example for sudo is accepted by sudo, allows what it says, and is nowhere active."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SAMPLE: Final = ROOT / "packaging/sudoers/necism"
REMOTE: Final = ROOT / "docs/remote.md"
ADDED: Final = "root ALL=(ALL:ALL) ALL\n"


@pytest.mark.proves("K08")
def test_visudo_accepts_the_example(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """With the mode that sudo wants, 0440, and a name without a dot, which sudo would skip."""
    installed = Path(shutil.copy(SAMPLE, tmp_path))
    installed.chmod(0o440)
    argv = [str(require_server("visudo")), "-c", "-P", "-f", str(installed)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "." not in SAMPLE.name
    assert "-m 0440" in SAMPLE.read_text()


def test_the_samples_can_be_installed_side_by_side(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """Sudo reads its directory as one file, in which a name that is given twice is an error."""
    written = re.findall(r"^ {4}((?:Defaults|Cmnd_Alias|necism ALL).*\n)", REMOTE.read_text(), re.MULTILINE)
    assert len(written) == 4
    for name, added in (("local", (SAMPLE.parent / "necism-read").read_text()), ("remote", "".join(written))):
        both = tmp_path / name
        both.write_text(SAMPLE.read_text() + added)
        argv = [str(require_server("visudo")), "-c", "-f", str(both)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.proves("K08")
def test_no_rule_has_a_wildcard() -> None:
    """Absolute paths with fixed arguments, for two users by name, and rules that share nothing."""
    rules = [line for line in SAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    plain = [line.replace("!NECISM_", "").replace("!setenv", "") for line in rules]
    assert [line for line in plain if re.search(r"[*?\[\]!^]", line)] == []
    groups = dict(re.findall(r"^Cmnd_Alias (\w+) = (.*)$", SAMPLE.read_text(), re.MULTILINE))
    commands = {name: {one.strip() for one in text.split(",")} for name, text in groups.items()}
    assert all(one.startswith("/usr/bin/necism ") for names in commands.values() for one in names)
    users = re.findall(r"^(\w+) ALL=\(root\) NOPASSWD: (\w+)$", SAMPLE.read_text(), re.MULTILINE)
    assert sorted(name for _, name in users) == sorted(commands)
    assert len({user for user, _ in users}) == len(users) == 2
    assert not commands["NECISM_READ"] & commands["NECISM_ACT"]
    assert {one.split()[1] for one in commands["NECISM_READ"]} == {"collect", "status"}


def allowed(shell: str, sudoers: Path, user: str, command: str) -> bool:
    """Whether sudo would let a user run a command as root, by this sudoers file and no other one on the host."""
    script = f'mount --bind "$1" /etc/sudoers && exec sudo -n -l -U "$2" -- {command}'
    argv = [shell, "--mount", "sh", "-c", script, "sh", str(sudoers), user]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert "syntax error" not in done.stderr
    return done.returncode == 0 and bool(done.stdout.strip())


@pytest.mark.proves("K08")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask for others")
def test_sudo_allows_each_user_what_is_written_and_nothing_else(
    require_server: Callable[[str], Path], tmp_path: Path
) -> None:
    """Monitoring may have the array read; another user may act; a word more or less is refused."""
    require_server("sudo")
    unshare = str(require_server("unshare"))
    bins = tmp_path / "necism"
    bins.write_text("#!/bin/sh\n")
    bins.chmod(0o755)
    # sudo compares names of files that are there, and users by their number: root's own stand for both here.
    reader, actor = "daemon", "bin"
    text = SAMPLE.read_text().replace("/usr/bin/necism", str(bins)).replace("nagios ALL", f"{reader} ALL")
    sudoers = tmp_path / "sudoers"
    sudoers.write_text(ADDED + text.replace("operator ALL", f"{actor} ALL"))
    sudoers.chmod(0o440)
    verdicts = {
        (user, words): allowed(unshare, sudoers, user, f"{bins} {words}")
        for user in (reader, actor)
        for words in (
            "collect",
            "status --json",
            "collect --config /tmp/x",
            "dispatch",
            "resync iiststnec02",
            "resync iiststnec02 --force",
            "resync other",
            "relink iiststnec02",
        )
    }
    assert {key for key, yes in verdicts.items() if yes} == {
        (reader, "collect"),
        (reader, "status --json"),
        (actor, "dispatch"),
        (actor, "resync iiststnec02"),
    }
