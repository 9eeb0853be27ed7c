"""What a monitor says is no evidence: over a healthy set its CRITICAL is `not-needed`, whatever it comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loops.monitors import Monitor, icinga, icinga_objects, nagios, nagios_objects
from tests.loops.place import SET, Place, Server

BROKEN = {
    "killed-below-a-shell": ("sh -c 'kill -KILL $$'; exit $?", "Return code of 137"),
    "timeout": ("exec sleep 600", "timed out"),
    "exit-126": ("exit 126", "Return code of 126"),
    "exit-255": ("exit 255", "Return code of 255"),
}
"""How a plugin fails -> what it does, and what Nagios then says."""
LIE = 'echo "NECISM CRITICAL - all is lost"; exit 2'


def lying_service(plugin: Path) -> str:
    """A service by the shipped template whose check is that program."""
    return f"""
define command {{
    command_name  lying
    command_line  {plugin} -t 50
}}
define host {{
    host_name           backup01
    address             127.0.0.1
    max_check_attempts  3
    check_period        24x7
    contact_groups      admins
}}
define service {{
    use                  necism-service-resync
    host_name            backup01
    service_description  NEC snapshots {SET}
    check_command        lying
    _NECISM              {SET}
}}
"""


def assert_nothing_runs(place: Place, monitor: Monitor, dispatch: Server, caller: str) -> None:
    """The monitor says CRITICAL HARD, the handler asks, and dispatch finds that nothing is to be done."""
    monitor.await_state("CRITICAL", "HARD")
    dispatch.until(place.refused, "nobody decided")
    dispatch.until(lambda: not place.waiting(), "a request is left")
    (event,) = place.events("HARD")
    assert (event["--state"], event["SEL"]) == ("CRITICAL", SET)
    (refusal,) = place.rig.refusals()
    assert (refusal["code"], refusal["trigger"], refusal["key"]) == ("not-needed", caller, event["--problem-id"])
    assert (place.rig.files(), place.rig.changes()) == ([], [])
    # It did not believe the monitor: it asked the array.
    assert place.rig.calls()


@pytest.mark.proves("N17", "S09")
@pytest.mark.parametrize("how", BROKEN)
def test_a_plugin_that_nagios_calls_critical_starts_nothing(
    make_place: Callable[..., Place], require_server: Callable[[str], Path], how: str
) -> None:
    """Killed, timed out, exit 126 or 255: HARD CRITICAL, a request, no run and no CHANGE."""
    does, said = BROKEN[how]
    program, place = require_server("nagios4"), make_place("nagios")
    objects = nagios_objects(place, example=False) + lying_service(place.script("broken", does))
    patience = {"service_check_timeout": 1} if how == "timeout" else {}
    with place.dispatch() as dispatch, nagios(program, place, objects, **patience) as monitor:
        assert_nothing_runs(place, monitor, dispatch, "nagios")
    assert said in monitor.log.read_text()


@pytest.mark.proves("N17")
def test_a_plugin_that_is_killed_itself_starts_nothing(
    make_place: Callable[..., Place], require_server: Callable[[str], Path]
) -> None:
    """Without a shell above it Nagios sees a signal and no output and says UNKNOWN: nothing is even asked for."""
    program, place = require_server("nagios4"), make_place("nagios")
    objects = nagios_objects(place, example=False) + lying_service(place.script("broken", "kill -KILL $$"))
    with place.dispatch() as dispatch, nagios(program, place, objects) as monitor:
        monitor.await_state("UNKNOWN", "HARD")
        dispatch.until(lambda: place.events("HARD"), "the handler was not called")
    (event,) = place.events("HARD")
    assert (event["--state"], place.waiting(), place.rig.calls()) == ("UNKNOWN", [], [])
    assert "died by signal 9" in monitor.log.read_text()


@pytest.mark.proves("S09")
def test_a_nagios_that_lies_starts_nothing(
    make_place: Callable[..., Place], require_server: Callable[[str], Path]
) -> None:
    """A check that always says CRITICAL, of a set that is healthy."""
    program, place = require_server("nagios4"), make_place("nagios")
    objects = nagios_objects(place, example=False) + lying_service(place.script("liar", LIE))
    with place.dispatch() as dispatch, nagios(program, place, objects) as monitor:
        assert_nothing_runs(place, monitor, dispatch, "nagios")


@pytest.mark.proves("S09")
def test_an_icinga_that_lies_starts_nothing(
    make_place: Callable[..., Place], require_server: Callable[[str], Path]
) -> None:
    """The same with Icinga, where the shipped CheckCommand runs a plugin that lies."""
    program, place = require_server("icinga2"), make_place("icinga")
    place.script("check_necism", LIE)
    with place.dispatch() as dispatch, icinga(program, place, icinga_objects(place, "")) as monitor:
        assert_nothing_runs(place, monitor, dispatch, "icinga")
