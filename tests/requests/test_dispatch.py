"""From a monitor's event to the array and back, on simulated arrays: once, and only where something is to be done."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.spool import Spool
from necism_monitor.adapters.tray import Tray
from necism_monitor.cli.main import main
from necism_monitor.domain.request import Errand, Request, write_errand
from tests.requests.conftest import AUTOMATIC, SEL, begun, running
from tests.resync.rig import Rig, linked_again
from tests.resync.test_crashes import run, start, until

SCHEMA = Draft202012Validator(json.loads(Path("docs/schema/history.json").read_text()))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = f"{DAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]} 01:00-02:00 UTC"


def necism(rig: Rig, *words: str) -> int:
    return main(["--config", str(rig.config_dir), *words])


def event(rig: Rig, problem: str = "4711", monitor: str = "nagios", **changes: str) -> None:
    """A HARD problem, unless `changes` say otherwise; a handler always ends with 0."""
    told = {"state": "CRITICAL", "state-type": "HARD", "attempt": "3", "downtime": "0", "ack": "0", **changes}
    words = [word for name, value in told.items() for word in (f"--{name}", value)]
    assert necism(rig, "event", monitor, *words, "--problem-id", problem, SEL) == 0


def waiting(rig: Rig) -> list[str]:
    """What lies in the spool, or is known to dispatch."""
    places = (rig.directory / "run/requests", rig.directory / "state/dispatch")
    return sorted(path.name for place in places if place.exists() for path in place.iterdir())


def codes(rig: Rig) -> list[str]:
    return [one["code"] for one in rig.refusals()]


def set_window(rig: Rig, old: str, new: str) -> None:
    path = rig.services[0]
    path.write_text(path.read_text().replace(old, new, 1))


# --- the loop closes -------------------------------------------------------------------------------------------------


@pytest.mark.proves("S03", "S09", "S12", "N16")
@pytest.mark.parametrize(("monitor", "problem"), [("nagios", "4711"), ("icinga", "1414995.123")])
def test_a_problem_is_solved_once_whoever_noticed_it(
    stale: Rig, monitor: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The array is read, refreshed and read again; the run is told with its caller, its key and who asked."""
    event(stale, problem, monitor)
    assert necism(stale, "dispatch") == 0
    calls = [call["argv"][0] for call in stale.calls()]
    changes = [name for name in calls if name in {"iSMsc_unlink", "iSMsc_create", "iSMsc_link"}]
    assert {calls[0], calls[-1]} <= {"iSMview", "iSMsc_query", "iSMsc_linkinfo"}
    assert changes == ["iSMsc_unlink"] * 2 + ["iSMsc_create"] * 2 + ["iSMsc_link"] * 2
    assert (stale.look().status.value, linked_again(stale), waiting(stale)) == ("up", True, [])
    (file,) = stale.files()
    assert (file.header.trigger, file.header.key) == (monitor, problem)
    assert file.header.user == stale.config_dir.owner()
    capsys.readouterr()
    assert necism(stale, "history", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    assert [(one["trigger"], one["key"], one["exit"]) for one in document["runs"]] == [(monitor, problem, 0)]


@pytest.mark.proves("S03")
def test_five_hundred_calls_of_one_problem_are_one_request_and_one_run(stale: Rig) -> None:
    """However often a handler is called, before the run and after it."""
    for _ in range(250):
        event(stale)
    assert len(waiting(stale)) == 1
    assert necism(stale, "dispatch") == 0
    for _ in range(250):
        event(stale)
    assert necism(stale, "dispatch") == 0
    assert (len(stale.files()), stale.sent("create"), codes(stale)) == (1, 2, ["key-spent"])


@pytest.mark.proves("N17", "S09")
def test_a_monitor_that_is_wrong_starts_nothing(stale: Rig) -> None:
    """CRITICAL of a healthy set, as after a timeout, a signal or exit 126 of the plugin: the array is only read."""
    assert stale.resync().exit == 0
    sent = stale.changes()
    set_window(stale, "consumers = none", "consumers = none\ncooldown = 1s\nsync_min_delay = 0")
    time.sleep(1.1)
    for number, monitor in enumerate(["nagios", "icinga"]):
        event(stale, f"9{number}", monitor)
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), stale.changes(), waiting(stale)) == (["not-needed", "not-needed"], sent, [])


@pytest.mark.proves("N15")
@pytest.mark.parametrize(
    "changes",
    [
        {"state-type": "SOFT"},
        {"state": "OK"},
        {"state": "UNKNOWN"},
        {"downtime": "1"},
        {"ack": "1"},
        {"state": "$SERVICESTATE$"},
        {"attempt": ""},
    ],
)
def test_what_is_no_hard_problem_leaves_nothing_behind(stale: Rig, changes: dict[str, str]) -> None:
    """No file, no directory, no call of the array."""
    event(stale, **changes)
    assert (waiting(stale), stale.calls(), (stale.directory / "run/requests").exists()) == ([], [], False)


@pytest.mark.proves("S01")
def test_who_is_not_named_starts_nothing(stale: Rig) -> None:
    """A request is no right: the section has to name the caller, and by default names nobody."""
    set_window(stale, AUTOMATIC[0], "automatic = icinga")
    event(stale)
    assert necism(stale, "dispatch") == 0
    set_window(stale, "automatic = icinga\n", "")
    event(stale, "1.5", "icinga")
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), stale.calls(), waiting(stale)) == (["not-automatic"] * 2, [], [])


# --- what is held back -----------------------------------------------------------------------------------------------


@pytest.mark.proves("S10", "S12")
def test_a_request_outside_the_window_waits_for_it(stale: Rig) -> None:
    """A handler is called once: what it asked for is tried again, its refusal is on record once, and then it runs."""
    set_window(stale, "consumers = none", f"consumers = none\nwindow = {CLOSED}")
    event(stale)
    for _ in range(3):
        assert necism(stale, "dispatch") == 0
    assert (codes(stale), stale.calls(), len(waiting(stale))) == (["outside-window"], [], 1)
    set_window(stale, CLOSED, "mon-sun 00:00-24:00 UTC")
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), len(stale.files()), waiting(stale)) == (["outside-window"], 1, [])
    assert stale.files()[0].header.key == "4711"


@pytest.mark.proves("S10")
def test_a_request_that_is_asked_again_inside_the_window_runs_once(stale: Rig) -> None:
    """Refused first, asked again later: one run, whether the first one was kept or not."""
    set_window(stale, "consumers = none", f"consumers = none\nwindow = {CLOSED}")
    event(stale)
    assert necism(stale, "dispatch") == 0
    set_window(stale, CLOSED, "mon-sun 00:00-24:00 UTC")
    event(stale)
    assert necism(stale, "dispatch") == 0
    assert (len(stale.files()), stale.sent("create"), waiting(stale)) == (1, 2, [])


@pytest.mark.proves("S10")
def test_a_new_problem_within_the_cooldown_waits_and_is_then_not_needed(stale: Rig) -> None:
    """It is on record why it waits; when it may be tried, the array says that it is solved."""
    event(stale, "1")
    event(stale, "2", "icinga")
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), len(stale.files()), len(waiting(stale))) == (["cooling-down"], 1, 1)
    set_window(stale, "consumers = none", "consumers = none\ncooldown = 1s\nsync_min_delay = 0")
    time.sleep(1.1)
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), len(stale.files()), waiting(stale)) == (["cooling-down", "not-needed"], 1, [])


@pytest.mark.proves("S10")
def test_a_budget_that_is_used_up_lets_requests_wait(stale: Rig) -> None:
    """`max_runs_per_hour` of all resources: the next request is told so, and stays."""
    stale.necism("max_runs_per_hour", "1")
    set_window(stale, "consumers = none", "consumers = none\ncooldown = 1s")
    event(stale, "1")
    assert necism(stale, "dispatch") == 0
    time.sleep(1.1)
    event(stale, "2")
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), len(waiting(stale)), len(stale.files())) == (["over-budget"], 1, 1)


@pytest.mark.proves("S10")
def test_the_kill_switch_ends_a_request(stale: Rig) -> None:
    """What came while somebody held everything does not start when they let go; asked again, it does."""
    (stale.config_dir / "STOP").touch()
    event(stale)
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), stale.calls(), waiting(stale)) == (["killed"], [], [])
    (stale.config_dir / "STOP").unlink()
    assert necism(stale, "dispatch") == 0
    assert stale.calls() == []
    event(stale)
    assert necism(stale, "dispatch") == 0
    assert len(stale.files()) == 1


@pytest.mark.proves("S10")
def test_what_needs_a_person_is_left_to_one(stale: Rig) -> None:
    """Too old, and something else is wrong too: refused, and not tried again."""
    set_window(stale, "consumers = none", "consumers = none\naccess = ro")
    event(stale)
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), stale.changes(), waiting(stale)) == (["needs-person"], [], [])


def test_a_request_waits_for_whoever_holds_the_array(make_stale: Callable[..., Rig]) -> None:
    """`locked` while a person's run is at work; afterwards there is nothing left to do."""
    rig = make_stale("0.02")
    set_window(rig, "consumers = none", "consumers = none\ncooldown = 1s\nsync_min_delay = 0")
    with running(rig, "resync", SEL) as process:
        until(lambda: begun(rig) > 0, process)
        event(rig)
        assert necism(rig, "dispatch") == 0
        assert (codes(rig), len(waiting(rig))) == (["locked"], 1)
        process.communicate(timeout=120)
    time.sleep(1.1)
    assert necism(rig, "dispatch") == 0
    assert (codes(rig), len(rig.files()), waiting(rig)) == (["locked", "not-needed"], 1, [])


def test_of_one_caller_the_newest_problem_waits(stale: Rig) -> None:
    """A service that flaps before the window opens does not leave a queue of readings behind."""
    set_window(stale, "consumers = none", f"consumers = none\nwindow = {CLOSED}")
    for number in range(5):
        event(stale, str(100 + number))
        assert necism(stale, "dispatch") == 0
    event(stale, "1.5", "icinga")
    assert necism(stale, "dispatch") == 0
    kept, _ = Tray(stale.directory / "state").errands()
    assert [(one.trigger, one.key) for one in kept] == [("nagios", "104"), ("icinga", "1.5")]
    assert codes(stale) == ["outside-window"] * 6


def test_a_request_that_waited_too_long_is_given_up(stale: Rig) -> None:
    """After eight days nobody means it any more."""
    set_window(stale, "consumers = none", f"consumers = none\nwindow = {CLOSED}")
    event(stale)
    assert necism(stale, "dispatch") == 0
    tray = Tray(stale.directory / "state")
    ((errand,), _) = tray.errands()
    tray.keep(errand._replace(asked_at=errand.asked_at - 9 * 86400))
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), waiting(stale)) == (["outside-window"], [])


# --- what is refused before any guard --------------------------------------------------------------------------------


@pytest.mark.proves("S12", "S13")
def test_what_is_no_request_is_taken_away_and_told_once(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """One record each with owner and reason, in the history and the counters; nothing reaches the array."""
    event(stale)
    box = stale.directory / "run/requests"
    (request,) = box.iterdir()
    request.rename(box / "another name.json")
    (box / "half.json").write_bytes(b'{"version": 1, "sel')
    (box / "half.json").chmod(0o640)
    for _ in range(2):
        assert necism(stale, "dispatch") == 0
    assert (codes(stale), waiting(stale), stale.calls()) == (["request-rejected"] * 2, [], [])
    texts = " ".join(one["text"] for one in stale.refusals())
    assert "'half.json' in the spool, owned by root: no JSON, or only a part of it" in texts
    assert "its name is not that of what it asks for" in texts
    assert Journal(stale.directory / "state").refused() == {"request-rejected": 2}
    capsys.readouterr()
    assert necism(stale, "history", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    assert [(one["code"], one["resource"]) for one in document["refusals"]] == [("request-rejected", None)] * 2
    assert necism(stale, "history") == 0
    assert "the spool  refused: request-rejected: " in capsys.readouterr().out
    assert necism(stale, "history", SEL) == 0
    assert "request-rejected" not in capsys.readouterr().out


def test_a_flood_of_junk_is_a_handful_of_records(stale: Rig) -> None:
    """Whoever fills the spool does not fill the journal."""
    box = stale.directory / "run/requests"
    box.mkdir(parents=True)
    for number in range(300):
        (box / f"junk {number}.json").touch()
    assert necism(stale, "dispatch") == 0
    assert (len(codes(stale)), waiting(stale)) == (11, [])
    assert "290 more entries in the spool, owned by root" in stale.refusals()[-1]["text"]


@pytest.mark.proves("S12")
def test_a_name_that_nobody_configured_is_told(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """With what may have been meant; a name that went while its request waited, too."""
    Spool(stale.directory / "run").put(Request("erp-preprd", "nagios", "1"))
    (stale.directory / "state/dispatch").mkdir(parents=True)
    gone = Errand("gone/sync#1", "icinga", "2", "icinga", time.time())
    (stale.directory / "state/dispatch" / gone.name).write_bytes(write_errand(gone))
    assert necism(stale, "dispatch") == 0
    assert (codes(stale), waiting(stale), stale.calls()) == (["unknown-selector"] * 2, [], [])
    told = {one["trigger"]: one["text"] for one in stale.refusals()}
    assert told["nagios"] == "a request of root names 'erp-preprd': nothing is named 'erp-preprd'"
    assert told["icinga"] == "a request of icinga names 'gone/sync#1': nothing is named so any more"
    capsys.readouterr()
    assert necism(stale, "history", "--json") == 0
    SCHEMA.validate(json.loads(capsys.readouterr().out))


def test_a_damaged_errand_is_set_aside_and_told(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """It costs the others nothing, and is not met again."""
    (stale.directory / "state/dispatch").mkdir(parents=True)
    (stale.directory / "state/dispatch/broken.json").write_bytes(b"{")
    event(stale)
    assert necism(stale, "dispatch") == 0
    assert len(stale.files()) == 1
    assert "broken.json is damaged" in capsys.readouterr().err
    assert necism(stale, "dispatch") == 0
    assert "damaged" not in capsys.readouterr().err
    assert waiting(stale) == ["broken.damaged"]


# --- several resources -----------------------------------------------------------------------------------------------


def split(rig: Rig) -> None:
    """The two pairs as two resources; the second one has a closed window."""
    head, pairs = rig.services[0].read_text().split("devs =")
    first, second = pairs.split()
    again = head.replace("sync#1", "sync#2") + f"window = {CLOSED}\n"
    rig.services[0].write_text(f"{head}devs = {first}\n{again}devs = {second}\n")


def test_a_request_for_a_service_is_decided_for_each_resource(stale: Rig) -> None:
    """One runs, the other waits; the first is not asked about again."""
    split(stale)
    event(stale)
    for _ in range(2):
        assert necism(stale, "dispatch") == 0
    assert [(one["resource"], one["code"]) for one in stale.refusals()] == [("sync#2", "outside-window")]
    assert (stale.sent("create"), len(waiting(stale))) == (1, 1)
    set_window(stale, f"window = {CLOSED}\n", "cooldown = 1s\n")
    assert necism(stale, "dispatch") == 0
    assert (stale.sent("create"), waiting(stale)) == (2, [])


# --- the verbs -------------------------------------------------------------------------------------------------------


def test_request_says_whether_it_is_new(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 both times; it reads the configuration, not the array."""
    words = ("request", SEL, "--trigger", "alertmanager", "--key", "a1b2 2024-01-01T00:00:00Z")
    assert necism(stale, *words) == 0
    assert necism(stale, *words) == 0
    said = capsys.readouterr()
    assert said.out == f"{SEL}: requested\n{SEL}: requested before, and not yet taken\n"
    assert (stale.calls(), len(waiting(stale))) == ([], 1)
    assert necism(stale, "dispatch") == 0
    assert stale.files()[0].header.key == "a1b2 2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["erp-preprd", "--trigger", "nagios", "--key", "1"], "did you mean"),
        ([SEL, "--trigger", "timer", "--key", "1"], "invalid choice: 'timer'"),
        ([SEL, "--trigger", "nagios"], "--key"),
        ([SEL, "--trigger", "nagios", "--key", ""], "no key"),
        (["a b", "--trigger", "nagios", "--key", "1"], "no selector"),
    ],
)
def test_a_wrong_request_is_wrong_usage(
    stale: Rig, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """A person or a script is told at once."""
    assert necism(stale, "request", *words) == 64
    assert said in capsys.readouterr().err
    assert waiting(stale) == []


def test_request_that_cannot_be_left_is_3(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason."""
    (stale.directory / "run/requests").touch()
    assert necism(stale, "request", SEL, "--trigger", "nagios", "--key", "1") == 3
    assert "no request can be left" in capsys.readouterr().err


def test_dispatch_with_nothing_to_do_is_quiet_and_makes_the_spool(
    stale: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first one makes the directory that others write into."""
    assert necism(stale, "dispatch") == 0
    assert capsys.readouterr() == ("", "")
    assert (stale.directory / "run/requests").stat().st_mode & 0o7777 == 0o2770


def test_dispatch_without_a_usable_spool_or_state_directory_is_3(
    stale: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    """The requests stay."""
    event(stale)
    (stale.directory / "run/requests").chmod(0o777)
    assert necism(stale, "dispatch") == 3
    assert "may be written by everybody" in capsys.readouterr().err
    (stale.directory / "run/requests").chmod(0o2770)
    (stale.directory / "state").rename(stale.directory / "was")
    (stale.directory / "state").touch()
    assert necism(stale, "dispatch") == 3
    assert len(list((stale.directory / "run/requests").iterdir())) == 1


def test_a_broken_configuration_keeps_the_requests(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """64 for dispatch, while handlers go on to leave requests; mended, they run."""
    text = stale.services[0].read_text()
    stale.services[0].write_text(text.replace("devs", "dves"))
    event(stale)
    assert necism(stale, "dispatch") == 64
    assert len(waiting(stale)) == 1
    stale.services[0].write_text(text)
    assert necism(stale, "dispatch") == 0
    assert len(stale.files()) == 1


def test_a_journal_that_cannot_be_had_keeps_the_request(stale: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """3, nothing was begun; once there is a place for it the request runs."""
    (stale.directory / "state").mkdir(exist_ok=True)
    (stale.directory / "state/locks").touch()
    event(stale)
    assert necism(stale, "dispatch") == 3
    assert "stays: " in capsys.readouterr().err
    assert (len(waiting(stale)), stale.changes()) == (1, [])
    (stale.directory / "state/locks").unlink()
    assert necism(stale, "dispatch") == 0
    assert (len(stale.files()), waiting(stale)) == (1, [])


# --- as processes ----------------------------------------------------------------------------------------------------


@pytest.mark.proves("S03")
def test_four_dispatches_at_once_are_one_run_and_lose_nothing(make_stale: Callable[..., Rig]) -> None:
    """One works, the others go away with 0; what came while they did is taken too."""
    rig = make_stale("0.01")
    event(rig)
    started = [start(rig, "dispatch") for _ in range(4)]
    event(rig, "1.5", "icinga")
    for process in started:
        process.communicate(timeout=120)
    assert [process.returncode for process in started] == [0] * 4
    assert (len(rig.files()), rig.sent("create"), codes(rig)) == (1, 2, ["cooling-down"])
    assert [path.name for path in (rig.directory / "run/requests").iterdir()] == []


ASK: Final = """
import sys
from pathlib import Path
from necism_monitor.adapters.spool import Spool
from necism_monitor.domain.request import Request
Spool(Path(sys.argv[1])).put(Request(sys.argv[2], "alertmanager", "one"))
"""


@pytest.mark.proves("S03")
def test_a_hundred_requests_at_once_and_a_restart_between_are_one_run(make_stale: Callable[..., Rig]) -> None:
    """Processes that ask, twenty at a time, and dispatch beside them, killed once and started again."""
    rig = make_stale("0.01")
    argv = [sys.executable, "-c", ASK, str(rig.directory / "run"), SEL]
    with running(rig, "dispatch", "--loop") as first:
        for _ in range(5):
            asking = [subprocess.Popen(argv) for _ in range(20)]
            assert [process.wait(timeout=120) for process in asking] == [0] * 20
            if rig.files() and not rig.tale().open:
                first.kill()
        until(lambda: bool(rig.files()) and not rig.tale().open, first)
    code, _, err = run(rig, "dispatch")
    assert (code, len(rig.files()), rig.sent("create"), linked_again(rig)) == (0, 1, 2, True), err
    assert set(codes(rig)) <= {"key-spent"}
    assert waiting(rig) == []


def record(rig: Rig) -> dict[str, Any]:
    """The newest refusal."""
    return rig.refusals()[-1]


def test_who_asked_stands_in_the_refusal(stale: Rig) -> None:
    """The owner of the file, the caller and the key."""
    (stale.config_dir / "STOP").touch()
    event(stale)
    assert necism(stale, "dispatch") == 0
    assert {name: record(stale)[name] for name in ("user", "trigger", "key", "service", "resource")} == {
        "user": "root",
        "trigger": "nagios",
        "key": "4711",
        "service": SEL,
        "resource": "sync#1",
    }
