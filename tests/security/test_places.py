"""Files and directories that the product makes: who may read and write them, and that no planted link is followed."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from necism_monitor.adapters.journal_refusals import _append
from necism_monitor.cli.main import main
from tests.web.rig import GENEROUS, Site, environment


def run(site: Site, *words: str, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    """`necism WORDS` under a umask."""
    return subprocess.run(
        site.command(*words),
        capture_output=True,
        text=True,
        check=False,
        timeout=GENEROUS,
        env=environment(),
        umask=umask,
    )


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Site:
    """Two pairs, three days old."""
    return Site(tmp_path / "array")


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_whatever_the_umask_others_write_nothing_and_lock_nothing(site: Site, umask: int) -> None:
    """Journals and readings can be read by all, as the exporter needs; locks and errands cannot be opened by others."""
    service = site.made.services[0].stem
    for words in (
        ("resync", service, "--force"),
        ("collect",),
        ("resync", service),
        ("request", service, "--trigger", "nagios", "--key", "1"),
    ):
        run(site, *words, umask=umask)
    assert list((site.array / "run" / "requests").iterdir())
    run(site, "dispatch", umask=umask)
    state, spool = site.array / "state", site.array / "run" / "requests"
    made = [path for top in (state, site.array / "run") for path in (top, *top.rglob("*"))]
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in made}
    assert len([path for path in made if path.is_file()]) >= 3, made
    assert {str(path): oct(mode) for path, mode in modes.items() if mode & stat.S_IWOTH} == {}
    guarded = [path for path in made if path.suffix == ".lock" or path.parent.name in {"locks", "dispatch"}]
    assert guarded
    assert {str(path): oct(modes[path]) for path in guarded if modes[path] & 0o007} == {}
    assert modes[spool] == 0o2770
    journals = [path for path in made if path.suffix == ".jsonl" and "runs" in path.parts]
    assert journals
    assert {modes[path] for path in journals} == {0o644}


def test_a_capture_is_for_who_made_it(site: Site, tmp_path: Path) -> None:
    """It holds names of volumes: directory 0700, files 0600, also under a umask that hides nothing."""
    into = tmp_path / "seen"
    assert run(site, "capture", str(into), umask=0).returncode == 0
    assert stat.S_IMODE(into.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in into.iterdir()} == {0o600}


def test_a_capture_goes_into_no_directory_that_others_may_change(site: Site, tmp_path: Path) -> None:
    """64: who may write there could put a link in the way of a file that root is about to write."""
    into = tmp_path / "open"
    into.mkdir()
    into.chmod(0o777)
    done = run(site, "capture", str(into))
    assert (done.returncode, list(into.iterdir())) == (64, [])
    assert "others may write" in done.stderr


def test_a_capture_goes_into_no_directory_of_somebody_else(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64, for the directory itself and for a link to one of ours that somebody else has made."""
    theirs, ours, link = tmp_path / "theirs", tmp_path / "ours", tmp_path / "link"
    theirs.mkdir(mode=0o755)
    ours.mkdir(mode=0o755)
    link.symlink_to(ours)
    for path in (theirs, link):
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534, follow_symlinks=False)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    for path in (theirs, link):
        assert main(["capture", str(path), "--config", str(site.config)]) == 64
    assert list(theirs.iterdir()) == list(ours.iterdir()) == []


def test_a_planted_link_takes_no_record_away(tmp_path: Path) -> None:
    """Where the file of refusals is a link, nothing is written through it."""
    victim, path = tmp_path / "victim", tmp_path / "refusals.jsonl"
    victim.write_text("whole\n")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        _append(path, b"{}\n")
    assert victim.read_text() == "whole\n"
