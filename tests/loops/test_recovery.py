"""The loop closes with nobody watching: a real monitor sees a set go stale, its handler asks, one resync ends it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loops.monitors import Monitor, State, icinga, icinga_objects, nagios, nagios_objects
from tests.loops.place import PAIRS, SET, Place, Server
from tests.resync.rig import linked_again

TOO_OLD = 30
"""Hours: above -w of the samples, below -c."""
LATER = {"locked", "not-needed", "too-soon", "cooling-down", "key-spent"}
"""What answers whoever asks while a run is at work, or after it."""
COURSE = [("WARNING", "SOFT"), ("WARNING", "SOFT"), ("WARNING", "HARD")]
"""By max_check_attempts of the shipped templates."""
SETTLED = 3
"""Checks after which whatever else was to come has come."""


def good_checks(place: Place) -> int:
    """How often the plugin said OK."""
    return [check.exit for check in place.checks()].count(0)


def close_the_loop(place: Place, monitor: Monitor, dispatch: Server) -> str:
    """OK, then too old, then SOFT and HARD WARNING, a request, one run, and OK again by itself; the time line."""
    monitor.server.until(lambda: good_checks(place), "the plugin never said OK")
    began = time.time()
    assert (place.rig.changes(), place.waiting()) == ([], [])
    place.age(TOO_OLD)
    monitor.await_state("WARNING", "SOFT")
    monitor.await_state("WARNING", "HARD")
    dispatch.until(place.rig.files, "no run began")
    monitor.server.until(lambda: monitor.states()[-1].state == "OK", "it did not recover")
    good = good_checks(place)
    monitor.server.until(lambda: good_checks(place) >= good + SETTLED, "it did not stay OK")
    dispatch.until(lambda: not place.waiting(), "a request is left")
    states = list(itertools.dropwhile(lambda one: one.state == "OK", monitor.states()))
    assert [(one.state, one.kind) for one in states[:3]] == COURSE
    assert (states[-1].state, states[-1].kind) == ("OK", "HARD")
    return time_line(place, states, began)


def time_line(place: Place, states: list[State], began: float) -> str:
    """What happened in which second, from the monitor's log, which knows no more than seconds, and the journal."""
    run = place.rig.tale()
    assert run.ended_at is not None
    told = [(began, "OK"), *((one.at, f"{one.kind} {one.state}") for one in states)]
    seen = ", ".join(f"{int(at) - int(began)} s {what}" for at, what in told)
    return f"{seen}; the resync from {int(run.started_at) - int(began)} to {int(run.ended_at) - int(began)} s"


def assert_one_run(place: Place, caller: str) -> str:
    """Journal and call log know one whole run; the key it was started with.

    A check in the middle of a run may find an LV detached, which is a state of its own: what is asked then is refused.
    """
    (file,) = place.rig.files()
    assert place.sent() == dict.fromkeys(("unlink", "create", "link"), PAIRS)
    assert len(place.rig.changes()) == 3 * PAIRS
    assert (place.rig.tale().exit, linked_again(place.rig)) == (0, True)
    assert set(place.refused()) <= LATER
    assert (file.header.trigger, file.header.service) == (caller, SET)
    assert file.header.key is not None
    # The array was read before the first change and after the last one.
    effects = [call["effect_class"] for call in place.rig.calls()]
    assert (effects[0], effects[-1]) == ("READ", "READ")
    return file.header.key


@pytest.mark.proves("N16", "S09")
def test_nagios_has_a_stale_set_refreshed_once(
    make_place: Callable[..., Place],
    require_server: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    """With the shipped commands, templates and example: the handler hears SOFT 1, SOFT 2, HARD 3, and OK at the end."""
    program, place = require_server("nagios4"), make_place("nagios")
    with place.dispatch() as dispatch, nagios(program, place, nagios_objects(place, example=True)) as monitor:
        line = close_the_loop(place, monitor, dispatch)
    key = assert_one_run(place, "nagios")
    assert [one["--attempt"] for one in place.events("SOFT")] == ["1", "2"]
    problem, *_, recovery = place.events("HARD")
    assert problem == {
        "--state": "WARNING", "--state-type": "HARD", "--attempt": "3", "--problem-id": key, "--downtime": "0",
        "SEL": SET,
    }  # fmt: skip
    assert recovery["--state"] == "OK"
    record_property("figure", f"Nagios: {line}")


@pytest.mark.proves("N16", "S09")
def test_icinga_has_a_stale_set_refreshed_once(
    make_place: Callable[..., Place],
    require_server: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    """With the shipped objects: the handler hears OK at the start, SOFT 1, SOFT 2, HARD 1, and OK at the end."""
    program, place = require_server("icinga2"), make_place("icinga")
    objects = icinga_objects(place, 'necism_warning = "26h"\n    necism_critical = "50h"')
    with place.dispatch() as dispatch, icinga(program, place, objects) as monitor:
        line = close_the_loop(place, monitor, dispatch)
    key = assert_one_run(place, "icinga")
    assert [one["--attempt"] for one in place.events("SOFT")] == ["1", "2"]
    start, problem, *_, recovery = place.events("HARD")
    assert problem == {
        "--state": "WARNING", "--state-type": "HARD", "--attempt": "1", "--problem-id": key, "--downtime": "0",
        "--ack": "0", "SEL": SET,
    }  # fmt: skip
    assert (start["--state"], recovery["--state"]) == ("OK", "OK")
    record_property("figure", f"Icinga 2: {line}")
