"""`necism doctor` as a process: exit codes, the table, the document and its schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from necism_monitor.adapters.lock import ArrayLock, Held
from tests.cli.conftest import PATIENCE, ROOT, clean_environment
from tests.doctor.site import Site
from tests.resync.rig import SV1

SCHEMA: Final[dict[str, Any]] = json.loads((ROOT / "docs" / "schema" / "doctor.json").read_text())


def doctor(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "necism_monitor", "--config", str(site.rig.config_dir), "doctor", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=clean_environment()
    )  # fmt: skip


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What it printed, checked against the published schema."""
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def test_a_healthy_site_exits_0(site: Site) -> None:
    """Table and document agree, and nothing is said on standard error."""
    table, found = doctor(site), doctor(site, "--json")
    assert (table.returncode, found.returncode) == (0, 0)
    assert table.stdout.startswith("OK: 31 ok of 31 checks\n")
    assert (table.stderr, found.stderr) == ("", "")
    assert document(found)["status"] == "ok"
    assert len(document(found)["items"]) == 31


def test_a_problem_exits_1_and_stands_on_top_with_its_remedy(site: Site) -> None:
    """The remedy follows the evidence, once for all subjects of it; the table below names everything."""
    site.rig.edit("svs", SV1, guard="on")
    (site.rig.directory / "bin/iSMsc_link").unlink()
    (site.rig.directory / "bin/iSMsc_unlink").unlink()
    done = doctor(site)
    assert done.returncode == 1
    assert done.stdout.startswith("PROBLEM: 3 problem, ")
    assert done.stdout.count("install iSMccs.rpm") == 1
    assert f"  iiststnec02/sync#1: sv-guarded: SV {SV1} is guarded (on)\n  -> take the guard off" in done.stdout
    assert document(doctor(site, "--json"))["status"] == "problem"


def test_what_could_not_be_checked_exits_1(site: Site) -> None:
    """Unknown alone is not well either."""
    site.rig.edit("svs", SV1, extra=[["Snapshot Policy", "gold"]])
    done = doctor(site, "--json")
    assert (done.returncode, document(done)["status"]) == (1, "unknown")


def test_a_fix_is_logged_and_counted(site: Site) -> None:
    """What was run stands on standard error, and the result is the first row."""
    done = doctor(site, "--fix")
    assert done.returncode == 0
    assert "iSMvollist -r (asked for by " in done.stderr
    assert site.resets() == [["iSMvollist", "-r"]]
    assert document(doctor(site, "--fix", "--json"))["items"][0]["check"] == "fix"


def test_a_fix_during_a_run_is_refused(site: Site) -> None:
    """Another process holds the lock: exit 1, `locked`, and no reset."""
    held = ArrayLock(site.rig.directory / "state/locks", "default").try_acquire()
    assert isinstance(held, Held)
    with held:
        done = doctor(site, "--fix", "--json")
    first = document(done)["items"][0]
    assert (done.returncode, first["check"], first["verdict"]) == (1, "fix", "problem")
    assert first["evidence"].startswith("locked: ")
    assert site.resets() == []


@pytest.mark.parametrize("words", [("--fixx",), ("iiststnec02",)])
def test_wrong_usage_is_64(site: Site, words: tuple[str, ...]) -> None:
    """Nothing is asked of the array."""
    assert doctor(site, *words).returncode == 64
    assert site.rig.calls() == []


def test_a_configuration_that_cannot_be_used_is_64(site: Site) -> None:
    """As with every command: all its problems are listed, and nothing else is looked at."""
    site.rig.service("order = soon")
    done = doctor(site)
    assert (done.returncode, done.stdout) == (64, "")
    assert "order" in done.stderr


def test_many_subjects_of_one_remedy_are_counted(site: Site, tmp_path: Path) -> None:
    """More than eight are named in the table only."""
    for number in range(12):
        site.write(f"etc/cron.d/job{number:02}", "0 5 * * * root iSMsc_create\n")
    assert "and 4 more, see below" in doctor(site).stdout
