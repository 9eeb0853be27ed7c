"""Exit codes of the command line: of one resource, of several in one call, and of what was asked for wrongly."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from necism_monitor.cli import action
from necism_monitor.cli import resync as verb
from necism_monitor.cli.main import main
from tests.resync.rig import LV1, LV2, SV1, SV2, Rig

SCHEMA = Draft202012Validator(json.loads(Path("docs/schema/history.json").read_text()))


@pytest.fixture(name="two")
def two_fixture(rig: Rig) -> Rig:
    """The two pairs as two resources of one service."""
    head = "type = necismsnap\naccess = rw\n"
    rig.services[0].write_text(f"[sync#1]\n{head}devs = {SV1}:{LV1}\n[sync#2]\n{head}devs = {SV2}:{LV2}\n")
    rig.necism("relink_timeout", "1s")
    return rig


def necism(rig: Rig, *words: str) -> int:
    return main(["--config", str(rig.config_dir), *words])


def refuse(rig: Rig, sv: str) -> None:
    rig.edit("svs", sv, guard="on")


def spoil(rig: Rig, sv: str) -> None:
    rig.fault("fail_before", "iSMsc_create", match=[sv])


def lose(rig: Rig, lv: str) -> None:
    rig.fault("fail_before", "iSMsc_link", match=[lv], occurrence="all")


def test_resources_run_in_file_order_and_the_worst_code_counts(two: Rig) -> None:
    """Refused beside done is 3, refused beside too soon is 3, done beside too soon is 4."""
    refuse(two, SV1)
    assert necism(two, "resync", "iiststnec02") == 3
    assert [LV2 in line or SV2 in line for line in two.changes()] == [True] * 3
    assert necism(two, "resync", "iiststnec02") == 3
    two.edit("svs", SV1, guard="off")
    assert necism(two, "resync", "iiststnec02") == 4


def test_too_soon_counts_more_than_done(two: Rig) -> None:
    """One resource was refreshed just now, the other is: 4; both: 4; forced: 0."""
    assert necism(two, "resync", "iiststnec02/sync#1") == 0
    assert necism(two, "resync", "iiststnec02") == 4
    assert necism(two, "resync", "iiststnec02") == 4
    assert necism(two, "resync", "iiststnec02", "--force") == 0


def test_the_seeds_spelling_goes_on_after_a_skip(two: Rig) -> None:
    """`syncresync` makes 0 of 4, and of nothing else."""
    assert necism(two, "syncresync", "iiststnec02") == 0
    assert necism(two, "syncresync", "iiststnec02") == 0
    assert two.sent("create") == 2
    refuse(two, SV1)
    assert necism(two, "syncresync", "iiststnec02") == 3


def test_a_failed_run_stops_those_that_follow(two: Rig) -> None:
    """After 5 the second resource is not touched."""
    spoil(two, SV1)
    assert necism(two, "resync", "iiststnec02") == 5
    assert not any(LV2 in line for line in two.changes())


def test_a_detached_lv_stops_those_that_follow(two: Rig) -> None:
    """After 6 likewise; then resume of all: 0."""
    two.fault("fail_before", "iSMsc_link", match=[LV1], occurrence=1)
    two.fault("fail_before", "iSMsc_link", match=[LV1], occurrence=2)
    two.fault("fail_before", "iSMsc_link", match=[LV1], occurrence=3)
    assert necism(two, "resync", "iiststnec02") == 6
    assert not any(LV2 in line for line in two.changes())
    assert necism(two, "resume", "iiststnec02") in {0, 6}
    while necism(two, "resume", "iiststnec02") == 6:
        pass
    assert two.shows() == {LV1: SV1, LV2: SV2}


def test_a_refusal_does_not_keep_a_failure_from_being_told(two: Rig) -> None:
    """3 first, then 5: 5."""
    refuse(two, SV1)
    spoil(two, SV2)
    assert necism(two, "resync", "iiststnec02") == 5


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((0, 4), 4), ((4, 3), 3), ((3, 7), 7), ((7, 5), 5), ((5, 6), 6), ((6, 70), 70), ((0, 0), 0), ((3, 4, 0), 3)],
)
def test_the_ranking_of_exit_codes(codes: tuple[int, ...], worst: int) -> None:
    """70 > 6 > 5 > 7 > 3 > 4 > 0."""
    assert min(codes, key=verb.WORST_FIRST.index) == worst


@pytest.mark.parametrize(
    "words", [["resync"], ["resume"], ["syncresync"], ["resync", "nobody"], ["resync", "x/sync#1"]]
)
def test_a_changing_verb_without_a_resource_is_a_usage_error(two: Rig, words: list[str]) -> None:
    """None, or none that exists: 64, and nothing is asked or changed."""
    assert necism(two, *words) == 64
    assert two.calls() == []


def test_a_hook_holds_its_own_resource_only(two: Rig) -> None:
    """A pre_resync of the second resource that fails: the first one is refreshed, the second refused."""
    text = two.services[0].read_text()
    two.services[0].write_text(text + "pre_resync = /bin/false\n")
    assert necism(two, "resync", "iiststnec02") == 3
    assert [len(two.changes()), two.refusals()[-1]["resource"]] == [3, "sync#2"]


def test_an_unexpected_exception_is_70(two: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours looks like one."""

    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(verb, "make_request", fail)
    assert necism(two, "resync", "iiststnec02") == 70
    assert action.user_name()


@pytest.mark.parametrize(
    ("spoiled", "verb_", "code"),
    [(None, "resync", 0), ("create", "resync", 5), ("link", "resync", 6), ("guard", "resync", 3), (None, "resume", 0)],
)
def test_json_documents_fit_their_schema(
    two: Rig, capsys: pytest.CaptureFixture[str], spoiled: str | None, verb_: str, code: int
) -> None:
    """resync, resume and history print one kind of document, whatever happened."""
    arrange = {"create": lambda: spoil(two, SV1), "link": lambda: lose(two, LV1), "guard": lambda: refuse(two, SV1)}
    if spoiled:
        arrange[spoiled]()
    assert necism(two, verb_, "iiststnec02/sync#1", "--json") == code
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    assert [run["exit"] for run in document["runs"]] == ([code] if code != 3 and verb_ == "resync" else [])
    assert [one["code"] for one in document["refusals"]] == (["sv-guarded"] if code == 3 else [])
    assert necism(two, "history", "--json") == 0
    history = json.loads(capsys.readouterr().out)
    SCHEMA.validate(history)
    assert [run["id"] for run in history["runs"]] == [run["id"] for run in document["runs"]]
    # An LV that is still detached is counted on.
    assert code == 6 or history["runs"] == document["runs"]
    if code == 0 and document["runs"]:
        (run,) = document["runs"]
        assert set(run["detached_seconds"]) == {LV1}
        assert 0 < run["detached_seconds"][LV1] < 60
        assert list(run["snapshot_times"]) == [SV1]
    assert necism(two, "history") == 0
    assert ("exit" in capsys.readouterr().out) == bool(document["runs"])


@pytest.mark.parametrize("wait", ["foo", "5", "-5", "", "1y", "99999w"])
def test_a_wait_that_is_no_duration_is_wrong_usage(two: Rig, capsys: pytest.CaptureFixture[str], wait: str) -> None:
    """64 with a hint, before anything is asked; a bare number is told which units there are."""
    assert necism(two, "resync", "iiststnec02", "--wait", wait) == 64
    fact, hint = capsys.readouterr().err.splitlines()
    assert f"--wait {wait!r}: " in fact
    assert hint.startswith("hint: ")
    assert wait != "5" or "5s for seconds, 5m for minutes" in hint
    assert two.calls() == []


@pytest.mark.parametrize("digest", ["", "abc", "0123456789ABCDEF", "0123456789abcdef0", "0123456789abcde\n", "x" * 16])
def test_a_hash_that_is_none_is_wrong_usage(two: Rig, capsys: pytest.CaptureFixture[str], digest: str) -> None:
    """Sixteen lowercase hexadecimal digits, or 64."""
    assert necism(two, "resync", "iiststnec02", "--plan", digest) == 64
    assert "hint: " in capsys.readouterr().err
    assert two.calls() == []


def test_a_dry_run_as_json(two: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """One entry a resource: its hash, which --plan accepts, and the exact commands that are then sent."""
    assert necism(two, "resync", "iiststnec02", "--dry-run", "--json", "--reason", "look") == 0
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    first, second = document["runs"]
    assert (first["id"], first["started_at"], first["exit"], first["reason"]) == (None, None, None, "look")
    assert (first["resource"], second["resource"]) == ("sync#1", "sync#2")
    assert two.changes() == []
    assert necism(two, "resync", "iiststnec02/sync#1", "--plan", first["plan_hash"]) == 0
    assert two.changes() == [" ".join(step["argv"]) for step in first["steps"]]


def test_a_dry_run_that_is_refused_as_json(two: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """No entry but the refusal."""
    refuse(two, SV1)
    assert necism(two, "resync", "iiststnec02/sync#1", "--dry-run", "--json") == 3
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    assert (document["runs"], [one["code"] for one in document["refusals"]]) == ([], ["sv-guarded"])


def test_a_repeated_section_is_told_in_the_log(two: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """`status`, `collect` and `resync` warn of a second [sync#1], which replaces the first in silence otherwise."""
    text = two.services[0].read_text()
    two.services[0].write_text(text + "[sync#1]\nsync_min_delay = 31\n")
    for words in (["status"], ["collect"], ["resync", "iiststnec02", "--dry-run"]):
        necism(two, *words)
        err = capsys.readouterr().err
        assert " - WARNING - " in err
        assert "sync#1" in err
