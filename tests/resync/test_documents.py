"""What runs with hooks print as JSON: the documents that docs/schema/history.json describes."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from necism_monitor.cli.main import main
from tests.resync.rig import Rig

SCHEMA = Draft202012Validator(json.loads(Path("docs/schema/history.json").read_text()))


def printed(rig: Rig, capsys: pytest.CaptureFixture[str], code: int, *words: str) -> dict[str, Any]:
    """The document of a command that ends with `code`."""
    capsys.readouterr()
    assert main(["--config", str(rig.config_dir), *words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    SCHEMA.validate(found)
    return found


def test_a_run_that_pre_resync_refused_is_a_run_with_exit_3(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """The run and its refusal are both told, by the resync and by the history."""
    rig.service("pre_resync = /bin/false", "post_resync = /bin/true")
    for words in (("resync", "iiststnec02"), ("history",)):
        found = printed(rig, capsys, 3 if "resync" in words else 0, *words)
        assert [(run["exit"], run["images"]) for run in found["runs"]] == [(3, "old")]
        assert [one["code"] for one in found["refusals"]] == ["pre-resync-failed"]


def test_the_gate_is_a_step_of_a_run_with_hooks(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Between pre_resync and the first unlink, with no command of its own; the dry run lists commands only."""
    rig.service("pre_resync = /bin/true", "consumers = none")
    planned = printed(rig, capsys, 0, "resync", "iiststnec02", "--dry-run")["runs"][0]
    assert [step["argv"][0] for step in planned["steps"]][:2] == ["/bin/true", "iSMsc_unlink"]
    run = printed(rig, capsys, 0, "resync", "iiststnec02")["runs"][0]
    assert [step["argv"][:1] for step in run["steps"]][:3] == [["/bin/true"], [], ["iSMsc_unlink"]]
    assert printed(rig, capsys, 0, "history")["runs"] == [run]


def test_a_dry_run_of_a_timer_says_what_the_run_would_say(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """LVs that this host does not see hold it, with and without --dry-run."""
    rig.service("automatic = timer")
    for words in ((), ("--dry-run",)):
        found = printed(rig, capsys, 3, "resync", "iiststnec02", "--trigger", "timer", *words)
        assert [one["code"] for one in found["refusals"]] == ["in-use"]


def test_a_post_resync_that_fails_is_told_until_a_resume_has_run_it(
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """5 from the resync and from a resume in vain, then 0; the one run lists every try."""
    ready = tmp_path / "ready"
    rig.service(f"post_resync = /usr/bin/test -e {ready}", "consumers = none")
    for verb in ("resync", "resume"):
        run = printed(rig, capsys, 5, verb, "iiststnec02")["runs"][0]
        assert (run["exit"], run["images"]) == (5, "new")
    ready.touch()
    run = printed(rig, capsys, 0, "resume", "iiststnec02")["runs"][0]
    tries = [step["outcome"] for step in run["steps"] if step["argv"][:1] == ["/usr/bin/test"]]
    assert (run["exit"], tries) == (0, ["not-done", "not-done", "done"])
