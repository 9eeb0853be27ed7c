"""Dispatch killed with SIGKILL at a named point: no request is lost before it is decided, and no key runs twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

import pytest

from necism_monitor.adapters.spool import Spool
from necism_monitor.adapters.tray import Tray
from necism_monitor.domain.request import Request
from tests.requests.conftest import SEL, begun, running
from tests.resync.rig import Rig, check_calls, linked_again
from tests.resync.test_crashes import run, until

GENEROUS: Final = 120
KEY: Final = "4711"
DIE: Final = """
import importlib, os, signal, sys
module, owner, method, when, count = sys.argv[1].split()
place = getattr(importlib.import_module(f"necism_monitor.adapters.{module}"), owner)
inner, left = getattr(place, method), [int(count)]
def dying(*args, **options):
    left[0] -= 1
    if left[0] == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = inner(*args, **options)
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(place, method, dying)
from necism_monitor.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
"""Runs `necism WORDS` and dies at, or after, the call with that number of one method."""

BEFORE_THE_FIRST_CHANGE: Final = (
    "spool_inbox Inbox scan after 1",
    "tray Tray keep before 1",
    "tray Tray keep after 1",
    "spool_inbox Inbox remove before 1",
    "spool_inbox Inbox remove after 1",
    "exclusive ArrayExclusive acquire after 1",
    "journal Journal begin before 1",
    "journal Journal begin after 1",
    "journal_writer JournalWriter append before 1",
    "journal_writer JournalWriter append after 1",
    "journal_writer JournalWriter append after 2",
    "journal_writer JournalWriter append before 4",
)
"""Header, two lines of the plan; the fourth line is the intent of the first unlink."""
IN_THE_RUN: Final = (
    "exclusive ArrayChanger change after 1",
    "exclusive ArrayChanger change before 3",
    "exclusive ArrayChanger change after 3",
    "exclusive ArrayChanger change after 5",
    "journal_writer JournalWriter append after 6",
    "journal_writer JournalWriter append after 10",
)
"""Two unlinks, two creates, two links."""
AFTER_THE_RUN: Final = (
    "journal_writer JournalWriter close after 1",
    "tray Tray drop before 1",
    "tray Tray drop after 1",
)


def ask(rig: Rig) -> None:
    Spool(rig.directory / "run").put(Request(SEL, "nagios", KEY))


def die_at(rig: Rig, point: str) -> None:
    """Dispatch, killed there."""
    argv = [sys.executable, "-c", DIE, point, "--config", str(rig.config_dir), "dispatch"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=GENEROUS)
    assert done.returncode == -9, (point, done.stdout, done.stderr)


def left(rig: Rig) -> int:
    """Requests and errands that are not decided."""
    spool = rig.directory / "run/requests"
    return len(list(spool.iterdir())) + len(Tray(rig.directory / "state").errands()[0])


def runs_of_key(rig: Rig) -> int:
    """Runs that changed something for it."""
    return sum(file.header.key == KEY and file.run().changed for file in rig.files())


@pytest.mark.proves("S11", "S03")
@pytest.mark.parametrize("point", BEFORE_THE_FIRST_CHANGE)
def test_killed_before_the_first_change_it_is_carried_out_by_the_next(stale: Rig, point: str) -> None:
    """The request lies where it can be found, and runs once."""
    ask(stale)
    die_at(stale, point)
    assert (left(stale) > 0, stale.changes()) == (True, [])
    code, _, err = run(stale, "dispatch")
    assert (code, runs_of_key(stale), left(stale)) == (0, 1, 0), err
    assert (stale.sent("create"), stale.refusals(), linked_again(stale)) == (2, [], True)


@pytest.mark.proves("S11", "S03")
@pytest.mark.parametrize("point", IN_THE_RUN)
def test_killed_in_the_run_it_is_unfinished_and_never_runs_again(stale: Rig, point: str) -> None:
    """The next dispatch says so on record; resume links what is detached, and the key stays spent."""
    world = stale.world()
    ask(stale)
    die_at(stale, point)
    assert left(stale) == 1
    code, _, err = run(stale, "dispatch")
    assert (code, left(stale)) == (0, 0), err
    assert [one["code"] for one in stale.refusals()] == ["unfinished"]
    creates = stale.sent("create")
    assert run(stale, "resume", SEL)[0] == 0
    assert (linked_again(stale), stale.sent("create"), runs_of_key(stale)) == (True, creates, 1)
    check_calls(world, stale.calls())
    ask(stale)
    assert run(stale, "dispatch")[0] == 0
    assert [one["code"] for one in stale.refusals()] == ["unfinished", "key-spent"]
    assert (stale.sent("create"), runs_of_key(stale)) == (creates, 1)


@pytest.mark.proves("S11", "S03")
@pytest.mark.parametrize("point", AFTER_THE_RUN)
def test_killed_after_the_run_it_is_not_repeated(stale: Rig, point: str) -> None:
    """The journal holds the key, whether the errand is still there or not."""
    ask(stale)
    die_at(stale, point)
    done = stale.tale()
    code, _, err = run(stale, "dispatch")
    assert (code, left(stale), runs_of_key(stale), stale.sent("create")) == (0, 0, 1, 2), err
    assert (done.exit, stale.tale().exit) == (0, 0)
    assert {one["code"] for one in stale.refusals()} <= {"key-spent"}


@pytest.mark.proves("S11", "S12")
@pytest.mark.parametrize(
    ("point", "records"),
    [
        ("journal Journal refuse before 1", 1),
        ("journal Journal refuse after 1", 2),
        ("tray Tray drop before 1", 2),
        ("tray Tray drop after 1", 1),
    ],
)
def test_killed_around_a_refusal_it_is_on_record(stale: Rig, point: str, records: int) -> None:
    """Once; twice only where the death came between the record and the end of the errand."""
    (stale.config_dir / "STOP").touch()
    ask(stale)
    die_at(stale, point)
    code, _, err = run(stale, "dispatch")
    assert (code, left(stale)) == (0, 0), err
    assert [one["code"] for one in stale.refusals()] == ["killed"] * records
    assert stale.calls() == []


@pytest.mark.long
@pytest.mark.proves("S11", "S03")
@pytest.mark.parametrize("seed", range(40))
def test_killed_at_any_moment_again_and_again_it_runs_once(make_stale: Callable[..., Rig], seed: int) -> None:
    """Three deaths at random moments, requests again and again, then resume: the images are made once."""
    chance = random.Random(seed)
    rig = make_stale("0.006")
    world = rig.world()
    for _ in range(3):
        ask(rig)
        with running(rig, "dispatch", *chance.choice(((), ("--loop",)))) as process:
            target = chance.randint(0, 6)
            until(lambda target=target: begun(rig) >= target or left(rig) == 0, process)  # type: ignore[misc]  # bound at once
            time.sleep(chance.random() * 0.5)
            process.kill()
            process.communicate(timeout=GENEROUS)
    assert run(rig, "resume", SEL)[0] in {0, 6}
    ask(rig)
    code, out, err = run(rig, "dispatch")
    told = "\n".join([out, err, *rig.changes(), *(one["code"] for one in rig.refusals())])
    assert (code, left(rig)) == (0, 0), told
    assert runs_of_key(rig) == 1, told
    creates = [line for line in rig.changes() if line.startswith("iSMsc_create ")]
    assert len(creates) == len(set(creates)), told
    assert linked_again(rig), told
    check_calls(world, rig.calls())
