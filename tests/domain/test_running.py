"""What is quiet while a run works, what is not, and what several arrays say beside each other."""

from datetime import UTC
from typing import Final

import pytest

from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.history import History, RunState
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.names import ArrayName, LdName, ResourceName
from necism_monitor.domain.reading import Unread
from tests.domain.builders import (
    FAILED,
    HOUR,
    NOW,
    World,
    config,
    healthy,
    linked,
    lv,
    observation,
    pair,
    resource,
    running,
    screen,
    sv,
    unfinished,
)

ONE: Final = resource(pair("LV1"))
QUIET: Final = {
    "detached": World(observation(screen("BV1", sv()), seen={"BV1": ("LV1",)}), ONE),
    "changing": World(observation(screen("BV1", linked(1, state="snap/deleting", began=HOUR))), ONE),
    "never-synced": World(observation(screen("BV1", linked(1, age=None, state="-"))), ONE),
    "skew": World(observation(screen("BV1", linked(1, 6 * HOUR)), screen("BV2", linked(2, HOUR)))),
    "stale": World(healthy(ended_at=NOW - HOUR)),
}
LOUD: Final = {
    "too-old": World(observation(screen("BV1", linked(1, 26 * HOUR))), ONE),
    "sv-missing": World(observation(bv_of={"SV1": None}), ONE),
    "wrong-link": World(observation(screen("BV1", sv(), sv("SV9", HOUR, lv("LV1")))), ONE),
    "restoring": World(observation(screen("BV1", linked(1, state="rst/exec"))), ONE),
    "fault": World(observation(screen("BV1", linked(1, state="snap/fault"))), ONE),
    "bv-not-normal": World(observation(screen("BV1", linked(1), state="fault")), ONE),
    "unexpected-state": World(observation(screen("BV1", linked(1, guard="maybe"))), ONE),
    "future": World(observation(screen("BV1", linked(1, -HOUR))), ONE),
    "query-failed": World(observation(bv_of={"SV1": FAILED}), ONE),
}


def said(world: World) -> set[str]:
    return {code for code, _ in world.codes()}


@pytest.mark.parametrize("code", QUIET)
def test_what_a_run_does_is_no_finding_while_it_works(code: str) -> None:
    """Detached, changing, never-synced, skew and stale are not raised while the owner lives and is in time."""
    world = QUIET[code]
    assert said(world) == {code}
    assert said(world._replace(history=running(NOW))) == set()
    assert world._replace(history=running(NOW)).verdict().status is Verdict.UP


@pytest.mark.parametrize("code", QUIET)
def test_quiet_ends_with_the_deadline(code: str) -> None:
    """Past its deadline a run excuses nothing any more, and is itself stuck."""
    assert said(QUIET[code]._replace(history=running(NOW - 0.001))) == {code, "stuck"}


@pytest.mark.parametrize("code", QUIET)
def test_an_unfinished_run_excuses_nothing(code: str) -> None:
    """A dead owner does nothing: what it left behind is said, within its deadline too."""
    assert said(QUIET[code]._replace(history=unfinished("LV1"))) == {code, "unfinished"}


@pytest.mark.parametrize("code", LOUD)
def test_everything_else_stays_loud(code: str) -> None:
    """A working run is no excuse for what it does not do."""
    assert said(LOUD[code]) == {code}
    assert said(LOUD[code]._replace(history=running())) == {code}


def test_link_and_state_stay_true_while_a_run_works() -> None:
    """Quiet means no finding, not another truth: a detached LV is shown as detached."""
    world = QUIET["detached"]._replace(history=running())
    assert (world.pair().link.value, world.pair().status) == ("detached", Verdict.UP)
    assert QUIET["changing"]._replace(history=running()).pair().snapshot_state.value == "changing"
    run = world.verdict().run
    assert run is not None
    assert run.state is RunState.RUNNING


def test_unfinished_names_its_detached_lvs() -> None:
    """The finding names the LVs that the journal last knew detached, or none."""
    for history, wanted in ((unfinished("LV1", "LV2"), "LV1, LV2"), (unfinished(), "none")):
        found = next(one for one in World(healthy(), history=history).findings() if one.code == "unfinished")
        assert found.text.endswith(f"by its journal these LVs were detached or unknown: {wanted}")


def test_a_mixed_set_is_silent_while_the_next_run_repairs_it() -> None:
    """With a run at work the last one's images are about to be replaced; without, they are a finding."""
    assert said(World(healthy(), history=History(mixed=True))) == {"mixed"}
    assert said(World(healthy(), history=running()._replace(mixed=True))) == set()


def test_an_unreadable_journal_hides_nothing_of_the_array() -> None:
    """The pairs are judged as without memory, and the resource is warn over unknown."""
    damaged = Unread("journal-unreadable", "line 3", "look")
    world = World(observation(screen("BV1", linked(1, state="snap/fault"))), ONE, damaged)
    assert world.codes() == {("journal-unreadable", "app/sync#1"), ("fault", "LV1")}
    assert world.verdict().status is Verdict.WARN
    assert World(healthy(), history=damaged).verdict().status is Verdict.UNKNOWN


def test_one_blind_array_leaves_the_other_fine() -> None:
    """Two resources on two arrays: the one whose array did not answer is unknown, the other is up."""
    near = resource(pair("LV1"), pair("LV2"))
    far = resource(pair("LV7"), name=ResourceName("sync#2"), array=ArrayName("far"))
    evidence = Evidence({near.array: healthy(), far.array: FAILED}, {})
    verdicts = judge(config(near, far), (near, far), evidence, UTC, NOW)
    assert [one.status for one in verdicts.resources] == [Verdict.UP, Verdict.UNKNOWN]
    assert [(one.name, one.up) for one in verdicts.arrays] == [("default", True), ("far", False)]
    assert [(one.code, one.subject) for one in verdicts.arrays[1].findings] == [("query-failed", "far")]
    assert [(one.code, one.subject) for one in verdicts.resources[1].all_findings] == [("query-failed", "LV7")]
    assert (verdicts.status, verdicts.observed_at) == (Verdict.UNKNOWN, NOW)


def test_only_asked_resources_and_their_services_are_judged() -> None:
    """A resource that was left out is in no service, no array and no status."""
    shown, left_out = resource(), resource(pair("LV9"), name=ResourceName("sync#2"), array=ArrayName("far"))
    verdicts = judge(config(shown, left_out), (shown,), Evidence({shown.array: healthy()}, {}), UTC, NOW)
    assert [one.resource.id for one in verdicts.resources] == ["app/sync#1"]
    assert [one.name for one in verdicts.arrays] == ["default"]
    assert verdicts.commands == {"iSMsc_query": 2}


def test_the_detached_lv_counts_in_the_age_of_its_resource() -> None:
    """Resource age is the greatest age of its pairs' SVs, linked or not; pairs without a date are left out."""
    seen = observation(
        screen("BV1", sv("SV1", 9 * HOUR)),
        screen("BV2", linked(2, HOUR)),
        screen("BV3", linked(3, None, state="-")),
        seen={"BV1": ("LV1",)},
    )
    verdict = World(seen, resource(pair("LV1"), pair("LV2"), pair("LV3"))).verdict()
    assert (verdict.age(NOW), verdict.skew) == (9 * HOUR, 8 * HOUR)
    undated = World(observation(screen("BV3", linked(3, None, state="-"))), resource(pair("LV3"))).verdict()
    assert (undated.age(NOW), undated.skew, undated.oldest) == (None, None, None)


def test_a_wrong_link_is_aged_by_the_declared_sv() -> None:
    """What somebody else's SV shows says nothing about how old ours is."""
    seen = observation(screen("BV1", sv("SV1", 3 * HOUR), sv("SV9", 60, lv("LV1"))))
    verdict = World(seen, ONE).verdict()
    assert (verdict.pairs[0].sv, verdict.pairs[0].linked_to, verdict.age(NOW)) == ("SV1", LdName("SV9"), 3 * HOUR)
