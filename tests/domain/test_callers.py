"""Callers that are no persons: what holds them, in which order, and what an alarm may act on."""

from datetime import timedelta, timezone
from typing import Final

import pytest

from necism_monitor.domain.history import Activity, History
from necism_monitor.domain.model import AccessPolicy, Automation, Limits, Settings
from necism_monitor.domain.names import LdName
from necism_monitor.domain.refusals import CATALOGUE
from tests.domain.builders import (
    FAILED,
    HOUR,
    NOW,
    World,
    linked,
    observation,
    pair,
    resource,
    running,
    screen,
    sv,
    unfinished,
)
from tests.domain.test_guards import (
    AGED,
    ALLOWED,
    BEGINNING,
    BLIND,
    BY_TIMER,
    CASES,
    CUT,
    FINE,
    NIGHT,
    OLD,
    ONE,
    UNATTENDED,
    UNIQUE,
    by_timer,
    of_bv,
    said_to,
)


def hopeless(*mended: str) -> World:
    """A caller that may not start anything, for every reason at once but those that are mended."""
    wrong = {code for code in (*BEGINNING, *UNATTENDED) if code not in mended}
    of = ONE._replace(
        run_on=frozenset({"node2"} if "run-on" in wrong else ()),
        disabled="disabled" in wrong,
        automation=Automation(
            callers=frozenset() if "not-automatic" in wrong else frozenset({"timer"}),
            windows=(NIGHT,) if "outside-window" in wrong else (),
            max_per_day=2,
        ),
    )
    unreadable = CUT if "journal-unreadable" in wrong else None
    lately = Activity(
        spent="key-spent" in wrong,
        last_change_at=NOW - 60 if "cooling-down" in wrong else None,
        daily=(NOW - 70, NOW - 60) if "over-budget" in wrong else (),
    )
    histories = {"unfinished": unfinished("LV1"), "locked": running()}
    history = next((one for code, one in histories.items() if code in wrong), History())
    switch = "/etc/necism/STOP" if "killed" in wrong else None
    return World(FINE.seen, of, history, trigger="timer", killed=switch, activity=unreadable or lately)


def test_with_everything_wrong_at_once_the_first_in_order_speaks_and_then_the_next() -> None:
    """Eleven causes, mended one by one: each refusal in its turn, then nothing is refused."""
    codes = [*BEGINNING, *UNATTENDED]
    said = [hopeless(*codes[:mended]).refused() for mended in range(len(codes) + 1)]
    assert said == [*codes, None]


def test_a_person_is_held_by_none_of_the_guards_for_callers() -> None:
    """The same world, asked for by hand: the beginning holds, the rest does not."""
    assert hopeless(*BEGINNING)._replace(trigger="manual").refused() is None
    assert hopeless(*BEGINNING)._replace(activity=CUT).refused() == "journal-unreadable"
    assert hopeless(*BEGINNING)._replace(activity=CUT, trigger="manual").refused() is None


# --- single guards ----------------------------------------------------------------------------------------------------


def test_a_caller_is_told_who_may() -> None:
    """The evidence names the caller and what the section allows."""
    assert said_to(FINE._replace(trigger="timer"))[:2] == ("not-automatic", "the caller is timer, `automatic` is none")
    _, text, _ = said_to(CASES["not-automatic"][0])
    assert text == "the caller is nagios, `automatic` is icinga timer"


@pytest.mark.parametrize("trigger", ["timer", "nagios", "icinga", "alertmanager"])
def test_each_caller_is_allowed_by_its_own_word(trigger: str) -> None:
    """No caller is let in by another one's word."""
    others = frozenset({"timer", "nagios", "icinga", "alertmanager"} - {trigger})
    only = ONE._replace(automation=Automation(callers=frozenset({trigger})))
    rest = ONE._replace(automation=Automation(callers=others))
    assert World(FINE.seen, rest, trigger=trigger).refused() == "not-automatic"
    assert World(FINE.seen, only, trigger=trigger).refused() in {None, "not-needed"}


def test_the_kill_switch_holds_and_so_does_one_that_could_not_be_asked_about() -> None:
    """Could not ask is not read as no."""
    assert said_to(BY_TIMER._replace(killed="/etc/necism/STOP"))[1] == "the kill switch /etc/necism/STOP is there"
    assert said_to(CASES["killed"][0])[1] == BLIND.text


def test_what_ends_by_itself_says_when() -> None:
    """The moment after which the same request is not refused for this reason, on the host's clock, in the hint."""
    hints = {code: said_to(CASES[code][0])[2] for code in ("outside-window", "cooling-down", "over-budget")}
    assert {code: hint.partition(" on; ")[0] for code, hint in hints.items()} == {
        "outside-window": "it may start from 2024-03-01 22:00:00+00:00",
        "cooling-down": "it may start from 2024-03-01 12:00:01+00:00",
        "over-budget": "it may start from 2024-03-01 12:00:01+00:00",
    }
    assert all(hint.endswith(CATALOGUE[code].hint) for code, hint in hints.items())


def test_what_lies_in_the_future_is_told_on_the_hosts_clock() -> None:
    """The last change, and the runs that used up a budget: noon of UTC in two days is one o'clock on this host."""
    east = timezone(timedelta(hours=1))
    for lately in ({"last_change_at": NOW + 48 * HOUR}, {"daily": (NOW + 48 * HOUR,) * 2}):
        assert "2024-03-03 13:00:00+01:00" in said_to(by_timer(**lately)._replace(zone=east))[1]


def test_an_unreadable_journal_comes_with_the_hint_of_its_reader() -> None:
    """Who found the damage knows better than the catalogue what helps."""
    assert said_to(FINE._replace(history=CUT)) == ("journal-unreadable", CUT.text, CUT.hint)


def test_the_hourly_budget_is_the_settings() -> None:
    """`max_runs_per_hour` counts the runs of all resources, whatever this one did."""
    busy = by_timer(hourly=(NOW - HOUR + 1, NOW - 60))
    assert busy._replace(settings=Settings(max_runs_per_hour=3)).refused() is None
    said = said_to(busy._replace(settings=Settings(max_runs_per_hour=2)))
    assert said[:2] == ("over-budget", "automatic runs of all resources in the last hour: 2, max_runs_per_hour is 2")


def test_a_forced_call_of_a_caller_bypasses_too_soon_and_nothing_else() -> None:
    """An alarm may be forced past the minimum delay, but not past its own guards."""
    young = of_bv(linked(1, 60))._replace(of=ALLOWED, trigger="timer")
    assert (young.refused(), young.refused(force=True)) == ("too-soon", None)
    assert young._replace(trigger="icinga").refused(force=True) == "not-needed"


WORTH: Final[dict[str, World]] = {
    "too-old": AGED,
    "never-synced": of_bv(linked(1, None))._replace(of=ALLOWED, trigger="icinga"),
    "skew": World(
        observation(screen("BV1", linked(1, OLD)), screen("BV2", linked(2, HOUR))),
        resource(pair("LV1"), pair("LV2"), automation=ALLOWED.automation),
        trigger="icinga",
    ),
}
BESIDE: Final[dict[str, World]] = {
    "mixed": AGED._replace(history=History(mixed=True)),
    "device-changed": AGED._replace(history=History(devices={LdName("LV1"): "/dev/other"})),
    "access-changed": AGED._replace(history=History(access={LdName("LV1"): "ro"})),
    "fault": of_bv(linked(1, OLD, state="snap/fault"))._replace(of=AGED.of, trigger="icinga"),
    "detached": World(
        observation(screen("BV1", sv("SV1", OLD)), seen={"BV1": ("LV1",)}),
        AGED.of._replace(access=AccessPolicy.RW),
        trigger="icinga",
    ),
    "future": of_bv(linked(1, -HOUR))._replace(of=AGED.of._replace(limits=Limits(min_delay=0)), trigger="icinga"),
    "query-failed": World(
        observation(screen("BV1", linked(1, OLD)), inventory=FAILED), AGED.of, array=UNIQUE, trigger="icinga"
    ),
}


@pytest.mark.parametrize("code", WORTH)
def test_an_alarm_acts_on_age_skew_and_a_missing_image(code: str) -> None:
    """What a new set of images ends, and the judge says nothing else."""
    assert {one.code for one in WORTH[code].situation().findings} == {code}
    assert WORTH[code].refused() is None


@pytest.mark.parametrize("code", BESIDE)
@pytest.mark.parametrize("trigger", ["nagios", "icinga", "alertmanager"])
def test_an_alarm_leaves_anything_else_to_a_person(code: str, trigger: str) -> None:
    """One other finding is enough, of the resource, of a pair or of its array; it is named."""
    automation = Automation(callers=frozenset({trigger}))
    world = BESIDE[code]._replace(of=BESIDE[code].of._replace(automation=automation), trigger=trigger)
    assert code in {one.code for one in world.situation().findings}
    said, text, _ = said_to(world)
    assert said == "needs-person"
    assert f"{code} of " in text
    assert "too-old" not in text
    assert world._replace(trigger="manual").refused() is None


def test_a_timer_needs_no_finding() -> None:
    """A schedule refreshes what is sound, and what is not, as a person would."""
    for world in (BY_TIMER, *BESIDE.values()):
        assert world._replace(trigger="timer").refused() is None
