"""Callers that are no persons, at a simulated array: one run for a key, the switch, windows, distance and budgets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from necism_monitor.adapters.journal import Journal
from necism_monitor.app.desk import Report
from necism_monitor.cli.action import kill_switch
from necism_monitor.cli.main import main
from necism_monitor.domain.errors import JournalDamaged
from necism_monitor.domain.reading import Unread
from tests.resync.rig import Rig, linked_again
from tests.resync.test_crashes import SEL as SEED_SEL
from tests.resync.test_crashes import start, until

SCHEMA = Draft202012Validator(json.loads(Path("docs/schema/history.json").read_text()))
SEL = "erp-preprod"
DATA_SV, DATA_LV = "ERP_PRD_DATA_SV0041", "ERP_PRD_DATA_LV0061"


@pytest.fixture(name="stale")
def stale_fixture(make_rig: Callable[..., Rig]) -> Rig:
    """Images of three days ago, which every caller may refresh; nobody uses the LVs."""
    rig = make_rig("stale")
    rig.service("automatic = timer nagios icinga alertmanager", "consumers = none")
    return rig


def ask(rig: Rig, trigger: str = "nagios", key: str | None = "4711", *, force: bool = False) -> Report:
    return rig.resync(trigger=trigger, key=key, force=force)


def code(report: Report) -> str | None:
    """Of the refusal; None where it ran."""
    return report.refusal.code if report.refusal else None


def necism(rig: Rig, *words: str) -> int:
    return main(["--config", str(rig.config_dir), *words])


def test_one_key_starts_one_run(stale: Rig) -> None:
    """The second request with the same key is `key-spent`, exit 4, and sends nothing, however much time passed."""
    assert ask(stale).exit == 0
    sent = stale.changes()
    for _ in range(2):
        again = ask(stale)
        assert (code(again), again.exit) == ("key-spent", 4)
        stale.clock.sleep(400 * 86400.0)
    assert stale.changes() == sent
    assert [(run.header.trigger, run.header.key) for run in stale.files()] == [("nagios", "4711")]
    assert [(one["trigger"], one["key"]) for one in stale.refusals()] == [("nagios", "4711")] * 2


def test_a_key_belongs_to_its_caller(stale: Rig) -> None:
    """Another caller may use the same text for something else."""
    assert ask(stale, "nagios", "1").exit == 0
    stale.clock.sleep(4 * 86400.0)
    assert code(ask(stale, "icinga", "1")) is None


def test_a_run_that_failed_after_its_first_change_has_spent_its_key(stale: Rig) -> None:
    """It is a person's turn then; the same alarm does not try for ever."""
    stale.fault("fail_before", "iSMsc_create", match=[DATA_SV])
    assert ask(stale).exit == 5
    stale.clock.sleep(7200.0)
    assert code(ask(stale)) == "key-spent"
    assert linked_again(stale)


def test_a_refused_request_may_be_asked_again(stale: Rig) -> None:
    """A refusal spends nothing: once its reason is gone the same key starts its run."""
    (stale.config_dir / "STOP").touch()
    assert code(ask(stale)) == "killed"
    (stale.config_dir / "STOP").unlink()
    assert ask(stale).exit == 0


def test_the_kill_switch_holds_callers_and_no_person(stale: Rig) -> None:
    """Exit 3, nothing is asked of the array; by hand it runs."""
    (stale.config_dir / "STOP").touch()
    for trigger in ("timer", "nagios", "icinga", "alertmanager"):
        held = ask(stale, trigger)
        assert (code(held), held.exit, f"{stale.config_dir}/STOP" in held.text) == ("killed", 3, True)
    assert stale.calls() == []
    assert stale.resync().exit == 0


def test_a_kill_switch_that_cannot_be_asked_about_holds_too(stale: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No rights on its directory: nobody knows, so nothing starts by itself; a link that leads nowhere is there."""
    switch = stale.config_dir / "STOP"
    switch.symlink_to("nowhere")
    assert kill_switch(switch) == str(switch)
    switch.unlink()
    assert kill_switch(switch) is None

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", refuse)
    found = kill_switch(switch)
    assert isinstance(found, Unread)
    assert found.text == f"whether the kill switch {switch} is there could not be asked: Permission denied"
    held = stale.resync(stale.desk(killed=lambda: found), trigger="timer")
    assert (code(held), held.text) == ("killed", found.text)


def test_who_is_not_named_may_not(make_rig: Callable[..., Rig]) -> None:
    """Without `automatic` a resource is refreshed by persons only."""
    rig = make_rig("stale")
    assert code(ask(rig)) == "not-automatic"
    rig.service("automatic = timer", "consumers = none")
    assert code(ask(rig)) == "not-automatic"
    assert (rig.calls(), code(ask(rig, "timer", None))) == ([], None)


def test_outside_its_window_nothing_starts(stale: Rig) -> None:
    """A window that is over for today: refused with the time from which on it may start."""
    now = datetime.now(UTC)
    hour = (now.hour + 2) % 24
    stale.service(f"window = {hour:02}:00-{hour:02}:30 UTC")
    held = ask(stale)
    assert (code(held), held.exit) == ("outside-window", 3)
    assert held.refusal is not None
    assert f" {hour:02}:00:00+00:00 on" in held.refusal.hint
    assert stale.resync().exit == 0


def test_runs_keep_their_distance_whoever_asked(stale: Rig) -> None:
    """An hour after the last run that changed something, also one by hand; until then nothing is asked."""
    assert stale.resync().exit == 0
    asked = len(stale.calls())
    held = ask(stale, "timer", None, force=True)
    assert (code(held), held.exit, len(stale.calls())) == ("cooling-down", 3, asked)
    stale.clock.sleep(3600.0)
    assert ask(stale, "timer", None).exit == 0


def test_a_clock_put_back_keeps_the_gate_shut(stale: Rig) -> None:
    """The last change is dated in the future: no distance at all."""
    assert ask(stale, "timer", None).exit == 0
    stale.clock.sleep(2 * 86400.0)
    assert ask(stale, "timer", None).exit == 0
    stale.clock = type(stale.clock)()
    held = ask(stale, "timer", None, force=True)
    assert code(held) == "cooling-down"
    assert "was the clock put back?" in held.text


def test_the_budget_of_a_day_slides(stale: Rig) -> None:
    """Two a day: the third waits until the first is a day old; runs by hand do not count."""
    stale.service("max_per_day = 2", "cooldown = 1m", "sync_min_delay = 0")
    assert stale.resync().exit == 0
    for _ in range(2):
        stale.clock.sleep(3600.0)
        assert ask(stale, "timer", None).exit == 0
    stale.clock.sleep(3600.0)
    held = ask(stale, "timer", None)
    assert (code(held), held.exit) == ("over-budget", 3)
    assert "max_per_day is 2" in held.text
    stale.clock.sleep(22 * 3600.0)
    assert ask(stale, "timer", None).exit == 0


def test_the_budget_of_an_hour_counts_all_resources(stale: Rig) -> None:
    """The second resource is held by what the first one did."""
    stale.necism("max_runs_per_hour", "1")
    text = stale.services[0].read_text()
    head, pairs = text.split("devs =")
    first, second = pairs.split()
    stale.services[0].write_text(f"{head}devs = {first}\n{head.replace('sync#1', 'sync#2')}devs = {second}\n")
    assert necism(stale, "resync", f"{SEL}/sync#1", "--trigger", "timer") == 0
    assert necism(stale, "resync", f"{SEL}/sync#2", "--trigger", "timer") == 3
    assert stale.refusals()[-1]["code"] == "over-budget"
    assert (stale.refusals()[-1]["resource"], stale.sent("create")) == ("sync#2", 1)


def test_a_damaged_journal_holds_callers(stale: Rig) -> None:
    """Nobody knows what was done lately."""
    assert ask(stale).exit == 0
    (path,) = (stale.directory / "state" / "runs").rglob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"lv"', b'"vl"', 1))
    assert code(ask(stale, key="4712")) == "journal-unreadable"


def test_an_alarm_without_a_problem_is_not_needed(stale: Rig) -> None:
    """Refreshed meanwhile, by whomever: exit 4, and the array is only read."""
    assert stale.resync().exit == 0
    sent = stale.changes()
    stale.clock.sleep(3 * 3600.0)
    held = ask(stale)
    assert (code(held), held.exit, stale.changes()) == ("not-needed", 4, sent)


@pytest.mark.parametrize("trigger", ["nagios", "icinga", "alertmanager"])
def test_an_alarm_about_something_else_leaves_the_array_untouched(stale: Rig, trigger: str) -> None:
    """The images are too old, and an LV has another access than declared: a person's business, exit 3."""
    stale.service("access = ro")
    before = stale.world()
    held = ask(stale, trigger)
    assert (code(held), held.exit, stale.changes(), stale.files()) == ("needs-person", 3, [], [])
    assert "access-changed" in held.text
    assert stale.world() == before
    assert ask(stale, "timer", None).exit == 0


def test_a_forced_alarm_is_still_no_person(stale: Rig) -> None:
    """--force bypasses too-soon only."""
    stale.service("sync_min_delay = 9d")
    assert code(ask(stale)) == "too-soon"
    stale.service("access = ro")
    assert code(ask(stale, force=True)) == "needs-person"
    assert stale.changes() == []


def test_a_missing_program_is_named_as_such(stale: Rig) -> None:
    """Directly, or behind a prefix that says so: `prerequisite`, not a state that could not be read."""
    program = stale.directory / "bin" / "iSMsc_query"
    program.rename(program.with_suffix(".away"))
    held = stale.resync()
    assert (code(held), held.exit, "program not found" in held.text) == ("prerequisite", 3, True)
    stale.necism("command_prefix", "env", "array default")
    held = stale.resync()
    assert (code(held), "exit code 127" in held.text) == ("prerequisite", True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    held = stale.resync()
    assert (code(held), "exit code 126" in held.text) == ("prerequisite", True)


# --- the command line ------------------------------------------------------------------------------------------------


def test_the_command_line_runs_for_an_alarm_and_tells_it(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Trigger and key in the run, in the refusal, in the history of both forms."""
    words = ("resync", SEL, "--trigger", "nagios", "--key", "k1", "--json")
    assert necism(stale, *words) == 0
    first = json.loads(capsys.readouterr().out)
    assert necism(stale, *words) == 4
    second = json.loads(capsys.readouterr().out)
    assert necism(stale, "history", "--json") == 0
    history = json.loads(capsys.readouterr().out)
    for document in (first, second, history):
        SCHEMA.validate(document)
    assert [(run["trigger"], run["key"], run["exit"]) for run in history["runs"]] == [("nagios", "k1", 0)]
    assert history["runs"] == first["runs"]
    for document in (second, history):
        assert [(one["trigger"], one["code"]) for one in document["refusals"]] == [("nagios", "key-spent")]
    assert necism(stale, "history") == 0
    told = capsys.readouterr().out
    assert "(nagios, key k1)" in told
    assert all(f"  {kind:<6} began 20" in told for kind in ("unlink", "create", "link"))
    assert "refused: key-spent" in told
    assert ", nagios, key k1)" in told
    assert stale.sent("create") == 2


def test_a_dry_run_of_a_caller(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what a run of that caller would say, and spends nothing."""
    words = ("resync", SEL, "--trigger", "icinga", "--key", "k1")
    assert necism(stale, *words, "--dry-run", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    assert [(run["trigger"], run["key"]) for run in document["runs"]] == [("icinga", "k1")]
    assert stale.changes() == []
    assert necism(stale, *words) == 0
    assert necism(stale, *words, "--dry-run") == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trigger", "nagios"], "--trigger nagios needs --key"),
        (["--trigger", "icinga"], "--trigger icinga needs --key"),
        (["--trigger", "alertmanager"], "--trigger alertmanager needs --key"),
        (["--key", "1"], "--key is for callers that are no persons"),
        (["--trigger", "manual", "--key", "1"], "--key is for callers that are no persons"),
        (["--trigger", "nagios", "--key", ""], "--key ''"),
        (["--trigger", "nagios", "--key", "x" * 201], "this is no key"),
        (["--trigger", "nagios", "--key", "a\nb"], r"--key 'a\nb'"),
        (["--trigger", "cron", "--key", "1"], "invalid choice: 'cron'"),
    ],
)
def test_a_caller_that_is_named_wrongly_is_wrong_usage(
    stale: Rig, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """64 with a hint, before anything is asked."""
    assert necism(stale, "resync", SEL, *words) == 64
    err = capsys.readouterr().err
    assert said in err
    assert "hint: " in err
    assert stale.calls() == []


def test_a_timer_needs_no_key_and_may_have_one(stale: Rig) -> None:
    """A schedule is no problem that is reported again and again."""
    assert necism(stale, "resync", SEL, "--trigger", "timer") == 0
    assert necism(stale, "resync", SEL, "--trigger", "timer", "--key", "2024-03-01") == 3


def test_two_processes_with_one_key_at_once_are_one_run(make_rig: Callable[..., Rig]) -> None:
    """Four of them, waiting for the lock: one runs, each other one is told that the key is spent."""
    rig = make_rig("seed", "0.01")
    rig.service("automatic = timer", "consumers = none")
    words = ("resync", SEED_SEL, "--trigger", "timer", "--key", "one", "--wait", "60s")
    processes = [start(rig, *words) for _ in range(4)]
    for process in processes:
        process.communicate(timeout=120)
    assert sorted(process.returncode for process in processes) == [0, 4, 4, 4]
    assert (len(rig.files()), rig.sent("create"), linked_again(rig)) == (1, 2, True)
    assert [one["code"] for one in rig.refusals()] == ["key-spent"] * 3


def test_a_second_process_that_does_not_wait_is_told_that_it_is_locked(make_rig: Callable[..., Rig]) -> None:
    """While the first one is at work: 7; afterwards its key is spent: 4."""
    rig = make_rig("seed", "0.05")
    rig.service("automatic = timer", "consumers = none")
    words = ("resync", SEED_SEL, "--trigger", "timer", "--key", "one")
    with start(rig, *words) as first:
        until(lambda: bool(rig.changes()), first)
        with start(rig, *words) as second:
            second.communicate(timeout=60)
        assert (first.poll(), second.returncode) == (None, 7)
        first.communicate(timeout=60)
    with start(rig, *words) as third:
        third.communicate(timeout=60)
    assert (first.returncode, third.returncode, rig.sent("create")) == (0, 4, 2)


# --- what history tells ----------------------------------------------------------------------------------------------


def test_a_run_that_ended_as_a_refusal_is_in_history_and_uses_the_budget(
    make_rig: Callable[..., Rig], capsys: pytest.CaptureFixture[str]
) -> None:
    """The gate refuses after `pre_resync`: exit 3 in the document, and no third stop of the consumers that day."""
    rig = make_rig("stale")
    rig.service(
        "automatic = nagios", "pre_resync = /bin/true", "in_use_check = /bin/false", "max_per_day = 2", "cooldown = 1m"
    )
    codes = []
    for key in ("1", "1", "1"):
        codes.append(code(ask(rig, key=key)))
        rig.clock.sleep(600.0)
    assert codes == ["in-use", "in-use", "over-budget"]
    assert necism(rig, "history", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    assert [run["exit"] for run in document["runs"]] == [3, 3]


def test_history_says_what_it_leaves_out(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged journal beside the document, on standard error; refusals that cannot be read do not hide the runs."""
    assert ask(stale).exit == 0
    (path,) = (stale.directory / "state" / "runs").rglob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"lv"', b'"vl"', 1))
    assert necism(stale, "history", "--json") == 0
    told = capsys.readouterr()
    SCHEMA.validate(json.loads(told.out))
    assert f"damaged: {path}:" in told.err
    path.write_bytes(whole)
    (stale.directory / "state" / "refusals-pruned.json").write_text("{}\n")
    assert necism(stale, "history") == 3
    told = capsys.readouterr()
    assert "done and verified" in told.out
    assert "refusals-pruned.json: its checksum is wrong" in told.out
    assert necism(stale, "history", "--json") == 3
    told = capsys.readouterr()
    assert len(json.loads(told.out)["runs"]) == 1
    assert "refusals-pruned.json" in told.err


def test_how_a_run_ended_is_not_lost_with_its_document(
    stale: Rig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal cannot be listed when the document is made: the exit code is still that of the run."""

    def refuse(_book: Journal, _resource: str) -> None:
        raise JournalDamaged("runs cannot be read: Permission denied", "check its owner and mode")

    monkeypatch.setattr(Journal, "runs", refuse)
    assert necism(stale, "resync", SEL, "--json") == 0
    assert "Permission denied" in capsys.readouterr().err
    assert necism(stale, "history") == 0
    assert "damaged: runs cannot be read" in capsys.readouterr().out


def test_a_kill_switch_that_comes_while_a_caller_waits_holds_it(stale: Rig) -> None:
    """An SV in motion is waited for, minutes perhaps; what holds callers counts all that time."""
    stale.edit("svs", DATA_SV, state="snap/deleting")
    slept = stale.clock.sleep

    def sleep(seconds: float) -> None:
        (stale.config_dir / "STOP").touch()
        stale.edit("svs", DATA_SV, state="snap/active")
        slept(seconds)

    stale.clock.sleep = sleep  # type: ignore[method-assign]  # the moment between two readings
    assert (code(ask(stale, "timer", None)), stale.changes()) == ("killed", [])
