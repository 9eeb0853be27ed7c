"""Random callers on random worlds with random faults and deaths: who is refused changes nothing."""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, target
from hypothesis import strategies as st

from necism_monitor.app.desk import Report
from necism_monitor.domain.model import Automation
from necism_monitor.simulator import faults
from necism_monitor.simulator.shapes import Call, World
from tests.property.profiles import Profile, both
from tests.property.seat import DEAD, Killed, Seat
from tests.property.worlds import Site, sites
from tests.resync.rig import check_calls

EXITS = {0, 3, 4, 5, 6, 7}
REFUSED = {3, 4, 7}
TRIGGERS = ("timer", "nagios", "icinga", "alertmanager")
VERBS = ("iSMsc_unlink", "iSMsc_create", "iSMsc_link", "iSMsc_query")
KINDS = (
    "fail_before",
    "fail_after",
    "busy",
    "unknown_id",
    "hang_before",
    "hang_after",
    "async_create",
    "cut_output",
    "empty_output",
    "garbage",
    "foreign_encoding",
    "kill",
    "exit",
    "stderr",
)
PLAIN = sites(most=1, bend=False)


@pytest.fixture(autouse=True)
def never_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pulls the plug here, and waiting for the disk would be most of the time."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda _descriptor: None)


@st.composite
def troubles(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to three faults."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(KINDS))
        command = "iSMsc_create" if kind == "async_create" else draw(st.sampled_from(VERBS))
        fault = {"kind": kind, "command": command, "occurrence": draw(st.sampled_from((1, 1, 1, 2, 2, 3, 4, "all")))}
        if kind.startswith("hang") or kind == "async_create":
            # Longer than settle_timeout a creation is not waited for: what the array says then is its own affair.
            longest = (2000.0,) if kind.startswith("hang") else ()
            fault["seconds"] = draw(st.sampled_from((0.5, 30.0, 500.0, 700.0, *longest)))
        if kind == "kill":
            fault["when"] = draw(st.sampled_from(("before", "after")))
        if kind == "cut_output":
            fault["bytes"] = draw(st.integers(0, 900))
        found.append(faults.complete(fault))
    return found


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    """What a caller may ask for."""
    asked: dict[str, Any] = {"force": draw(st.booleans()), "dry_run": draw(st.sampled_from((False, False, True)))}
    asked["wait"] = draw(st.sampled_from((0.0, 0.0, 10.0, 100.0)))
    asked["plan"] = draw(st.sampled_from((None, None, None, "0" * 16)))
    if draw(st.sampled_from((False, False, False, True))):
        asked |= {"trigger": draw(st.sampled_from(TRIGGERS)), "key": "k"}
    return asked


def seated(directory: str, site: Site, troubled: list[dict[str, Any]]) -> tuple[Seat, World]:
    """The first resource of a site, its faults ahead; and the world as it is before anything."""
    resource = site.resources[0]
    start = site.worlds[resource.array]
    world = copy.deepcopy(start)
    world["faults"] = copy.deepcopy(troubled)
    return Seat(Path(directory), world, site.config, resource, site.now), start


def check_rules(seat: Seat, start: World) -> None:
    """What was sent, by the array's log alone: the common rules, and nothing but what this resource names."""
    sent = seat.changes()
    # An array may answer a create with success and go on creating: the command is over then, and an LV that is away is
    # linked meanwhile (the array says so where it cannot); nothing more is created on that BV.
    check_calls(start, [{**call, "landed": None} if call["exit"] == 0 else call for call in sent])
    check_creates(sent)
    shows = {name: lv["shows"] for name, lv in start["lvs"].items()}
    svs_of = {str(pair.lv): set(map(str, pair.svs)) for pair in seat.resource.pairs}
    ours = set().union(*svs_of.values())
    for call in sorted(sent, key=lambda call: call["started"]):
        check_one(call, start, shows, svs_of, ours)
        for effect, told in (call["applied"] or {}).items():
            if effect != "create":
                shows[told["lv"]] = told["sv"] if effect == "link" else None


def check_creates(sent: list[Call]) -> None:
    """No create begins on a BV on which another one has not landed yet."""
    over: dict[str, float] = {}
    for call in (one for one in sent if one["argv"][0] == "iSMsc_create"):
        bv = call["argv"][2]
        assert call["started"] >= over.get(bv, 0.0), f"a create on {bv}, where an SV was changing"
        over[bv] = max(over.get(bv, 0.0), call["landed"] or 0.0)


def check_one(
    call: Call, start: World, shows: dict[str, str | None], svs_of: dict[str, set[str]], ours: set[str]
) -> None:
    """One CHANGE against the world as it was then."""
    options = dict(zip(call["argv"][1::2], call["argv"][2::2], strict=True))
    lv, sv = options.get("-lv", ""), options.get("-sv", "")
    if call["argv"][0] == "iSMsc_create":
        assert sv in ours, "an image was destroyed that the plan did not name"
        assert start["svs"][sv]["guard"] == "off"
        assert options["-bv"] == start["svs"][sv]["bv"]
        assert start["bvs"][options["-bv"]]["state"] in {"normal", "normal(rebuild)"}
    else:
        assert lv in svs_of
    if call["argv"][0] == "iSMsc_unlink":
        assert shows[lv] in svs_of[lv], "an LV was unlinked from what its pair does not name"
    if call["argv"][0] == "iSMsc_link":
        assert sv in svs_of[lv]
        assert options.get("-lvacc", "rw") in {"rw", "ro"}


def check_report(seat: Seat, report: Report, before: int) -> None:
    """The exit code says what is true of the array."""
    away = [pair.lv for pair in seat.resource.pairs if seat.shows().get(pair.lv) not in pair.svs]
    if report.exit in REFUSED:
        assert len(seat.changes()) == before, "a refusal changed something"
        assert report.refusal is not None or "before anything was changed" in report.text
    elif report.exit == 6:
        assert all(lv in report.text for lv in away), report.text
    elif len(seat.changes()) > before:
        assert not away, (report.exit, report.text)


@both
def test_whoever_is_refused_changes_nothing_and_whoever_acts_keeps_the_rules(profile: Profile) -> None:
    """Any world, any options, a lock that is held for a while: exit codes of the contract, the log of calls agrees."""

    @profile.tries(100, PLAIN, wishes(), st.sampled_from((0.0, 0.0, 5.0, 50.0)))
    def holds(site: Site, asked: dict[str, Any], held: float) -> None:
        assume(site.resources)
        with tempfile.TemporaryDirectory() as directory:
            seat, start = seated(directory, site, [])
            seat.held_until = site.now + held
            report = seat.resync(seat.desk(), **asked)
            assert report.exit in EXITS
            check_report(seat, report, 0)
            check_rules(seat, start)
            target(float(len(seat.changes())))
            if asked["dry_run"]:
                assert not seat.changes()
            if held > asked["wait"] and report.exit != 7:
                assert report.exit in REFUSED
            if report.exit == 0 and not asked["dry_run"]:
                fresh = {
                    name
                    for name, sv in seat.array.world["svs"].items()
                    if sv["created"] != start["svs"][name]["created"]
                }
                assert all(seat.shows()[pair.lv] in fresh for pair in seat.resource.pairs)


@both
def test_only_a_listed_caller_acts_without_a_person(profile: Profile) -> None:
    """A trigger that `automatic` does not name is refused whatever else is asked, and nothing is sent."""

    @profile.tries(40, PLAIN, wishes(), st.sampled_from(TRIGGERS), st.frozensets(st.sampled_from(TRIGGERS)))
    def holds(site: Site, asked: dict[str, Any], trigger: str, callers: frozenset[str]) -> None:
        assume(site.resources)
        with tempfile.TemporaryDirectory() as directory:
            seat, start = seated(directory, site, [])
            seat.resource = seat.resource._replace(automation=Automation(callers=callers))
            report = seat.resync(seat.desk(), **{**asked, "trigger": trigger, "key": "k"})
            check_report(seat, report, 0)
            check_rules(seat, start)
            if trigger not in callers:
                assert report.exit in REFUSED
                assert not seat.changes()


@both
def test_the_plan_that_was_shown_is_the_plan_that_is_run(profile: Profile) -> None:
    """The hash of a dry run is accepted by the run after it, and exactly those commands are sent."""

    @profile.tries(30, PLAIN)
    def holds(site: Site) -> None:
        assume(site.resources)
        with tempfile.TemporaryDirectory() as directory:
            seat, _ = seated(directory, site, [])
            shown = seat.resync(seat.desk(), dry_run=True, force=True)
            assume(shown.exit == 0)
            report = seat.resync(seat.desk(), plan=shown.hash, force=True)
            assert report.refusal is None, report.text
            # The simulated array takes no image of a BV in `normal(rebuild)`, whose word before the bracket is good.
            assume(report.exit == 0)
            assert sorted(tuple(call["argv"]) for call in seat.changes()) == sorted(shown.argvs)


@both
def test_after_any_faults_and_deaths_resume_links_or_names_every_lv(profile: Profile) -> None:
    """Up to three faults, killed at any line of the journal, killed again in the middle of resume: rules are kept."""
    deaths = st.tuples(st.sampled_from((0, 0, 1)), st.integers(1, 40), st.integers(0, 20), st.booleans())

    @profile.tries(100, PLAIN, troubles(), deaths)
    def holds(site: Site, troubled: list[dict[str, Any]], death: tuple[int, int, int, bool]) -> None:
        assume(site.resources)
        killed, first, second, after = death
        with tempfile.TemporaryDirectory() as directory:
            seat, start = seated(directory, site, troubled)
            try:
                report = seat.resync(seat.desk(first * killed, after=after), force=True, owner=DEAD)
                assert report.exit in EXITS
                check_report(seat, report, 0)
            except Killed:
                target(float(len(seat.changes())))
            assume(seat.changes())
            if killed and second:
                die_again(seat, second, after=after)
            seat.array.world["faults"].clear()
            seat.array.finish()
            check_end(seat)
            check_rules(seat, start)


def die_again(seat: Seat, line: int, *, after: bool) -> None:
    """A resume that is killed, too."""
    try:
        seat.resume(seat.desk(line, after=after), owner=DEAD)
    except Killed:
        return


def check_end(seat: Seat) -> None:
    """Resume, once nothing is at work any more: every LV is linked, or named with what it lacks."""
    before = len(seat.changes())
    report = seat.resume()
    assert report.exit in {0, 6}, report.text
    creates = [call for call in seat.changes()[before:] if call["argv"][0] == "iSMsc_create"]
    assert not creates, "resume created"
    away = [pair.lv for pair in seat.resource.pairs if seat.shows().get(pair.lv) not in pair.svs]
    if report.exit == 0 and away:
        # The run had ended before: what is away is named by a relink.
        report = seat.relink()
        away = [pair.lv for pair in seat.resource.pairs if seat.shows().get(pair.lv) not in pair.svs]
    assert all(lv in report.text for lv in away), (away, report.text)
