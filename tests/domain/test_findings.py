"""Every finding is raised by its situation, on its subject, and not by the situation just beside it."""

from datetime import UTC
from typing import Any, Final

import pytest

from necism_monitor.domain.findings import CATALOGUE, Verdict, worst
from necism_monitor.domain.history import History
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import AccessPolicy, Settings
from necism_monitor.domain.names import LdName, ResourceName
from necism_monitor.domain.reading import Observation, SvRecord, Unread
from tests.domain.builders import (
    DEFAULT,
    FAILED,
    GARBLED,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    World,
    config,
    healthy,
    linked,
    lv,
    observation,
    pair,
    resource,
    rows,
    running,
    screen,
    sv,
    unfinished,
)

ONE: Final = resource(pair("LV1"))
R: Final = "app/sync#1"
DAY: Final = 24 * HOUR
CUT: Final = Unread("journal-unreadable", "runs/app/sync#1/x.jsonl: line 3: the checksum does not match", "look")


def one(**changes: Any) -> World:  # noqa: ANN401 - the keywords of linked
    """LV1 with SV1 on BV1, where nothing else is."""
    return World(observation(screen("BV1", linked(1, **changes))), ONE)


def seen_before(record: SvRecord) -> World:
    """BV1 with this record, and LV1 seen there before."""
    return World(observation(screen("BV1", record), seen={"BV1": ("LV1",)}), ONE)


def remembering(history: History) -> World:
    return one()._replace(history=history)


# code -> the subject, the situation, the situation just beside it
CASES: Final[dict[str, tuple[str, World, World]]] = {
    "too-old": (R, one(age=25 * HOUR + 1), one(age=25 * HOUR)),
    "skew": (
        R,
        World(observation(screen("BV1", linked(1, 5 * HOUR + 1)), screen("BV2", linked(2, HOUR)))),
        World(observation(screen("BV1", linked(1, 5 * HOUR)), screen("BV2", linked(2, HOUR)))),
    ),
    "never-synced": ("LV1", one(age=None, state=""), one()),
    "sv-missing": (
        "LV1",
        World(observation(screen("BV1"), bv_of={"SV1": None}), ONE),
        World(observation(screen("BV1"), bv_of={"SV1": FAILED}), ONE),
    ),
    "lv-missing": (
        "LV1",
        World(observation(screen("BV1", sv()), links={"BV1": rows()}), ONE),
        World(observation(screen("BV1", sv()), links={"BV1": FAILED}), ONE),
    ),
    "detached": ("LV1", seen_before(sv()), seen_before(linked(1))),
    "wrong-link": (
        "LV1",
        World(observation(screen("BV1", sv(), sv("SV9", HOUR, lv("LV1")))), ONE),
        World(observation(screen("BV1", linked(1), sv("SV9", HOUR, lv("LV9")))), ONE),
    ),
    "access-changed": (
        "LV1",
        World(observation(screen("BV1", sv("SV1", HOUR, lv("LV1", "ro")))), ONE._replace(access=AccessPolicy.RW)),
        World(observation(screen("BV1", sv("SV1", HOUR, lv("LV1", "ro")))), ONE._replace(access=AccessPolicy.RO)),
    ),
    "changing": (
        "LV1",
        one(state="snap/deleting", began=10 * MINUTE),
        one(state="snap/deleting", began=10 * MINUTE - 1),
    ),
    "restoring": ("LV1", one(state="rst/exec"), one(state="snap/deleting", began=1)),
    "fault": ("LV1", one(state="snap/fault"), one()),
    "bv-not-normal": (
        "LV1",
        World(observation(screen("BV1", linked(1), state="fault")), ONE),
        World(observation(screen("BV1", linked(1), state="normal")), ONE),
    ),
    "unexpected-state": ("LV1", one(state="snap/odd"), one(state="snap/fault")),
    "future": ("LV1", one(age=-5 * MINUTE - 1), one(age=-5 * MINUTE)),
    "device-changed": (
        "LV1",
        remembering(History(devices={LdName("LV1"): "/dev/sdq"})),
        remembering(History(devices={LdName("LV1"): "/dev/sdx"})),
    ),
    "unfinished": (R, remembering(unfinished("LV1")), remembering(running())),
    "stuck": (R, remembering(running(NOW - 1)), remembering(running(NOW))),
    "mixed": (R, remembering(History(mixed=True)), remembering(History(mixed=False))),
    "unreadable": (
        "LV1",
        World(observation(screen("BV1", unread=["SV1"])), ONE),
        World(observation(screen("BV1", linked(1), unread=["SV9"])), ONE),
    ),
    "query-failed": ("LV1", World(observation(bv_of={"SV1": "BV1"}, bvs={"BV1": FAILED}), ONE), one()),
    "timed-out": ("LV1", World(observation(bv_of={"SV1": "BV1"}, bvs={"BV1": LATE}), ONE), one()),
    "stale": (
        R,
        World(healthy(ended_at=NOW - 15 * MINUTE - 1)),
        World(healthy(ended_at=NOW - 15 * MINUTE)),
    ),
    "journal-unreadable": (R, one()._replace(history=CUT), one()),
}


def test_every_code_has_a_case() -> None:
    """No finding of the catalogue is left without a situation that raises it."""
    assert list(CASES) == list(CATALOGUE)


@pytest.mark.parametrize("code", CASES)
def test_a_finding_has_its_situation_subject_and_near_miss(code: str) -> None:
    """It is raised on its subject with a hint, makes its verdict, and is not raised just beside its limit."""
    subject, world, near = CASES[code]
    assert (code, subject) in world.codes()
    said = next(found for found in world.findings() if found.code == code)
    assert said.text
    assert said.hint
    verdict = world.verdict()
    assert verdict.status is worst(found.verdict for found in world.findings())
    assert said.verdict is CATALOGUE[code].verdict
    assert verdict.status is not Verdict.UP
    assert code not in {found for found, _ in near.codes()}


@pytest.mark.parametrize("code", CASES)
def test_a_finding_is_said_once(code: str) -> None:
    """No text comes twice, and a resource's own findings do not repeat those of its pairs."""
    found = CASES[code][1].findings()
    assert len(found) == len(set(found))
    verdict = CASES[code][1].verdict()
    assert {said.subject for said in verdict.findings} <= {R}
    assert R not in {said.subject for each in verdict.pairs for said in each.findings}


def test_the_healthy_world_is_up() -> None:
    """Two linked pairs with images of today are nothing to talk about."""
    verdicts = World(healthy()).verdicts()
    assert verdicts.resources[0].all_findings == ()
    assert (verdicts.status, verdicts.arrays[0].up) == (Verdict.UP, True)


@pytest.mark.parametrize("word", ["", "-"])
def test_blank_states_are_empty_only_without_a_date(word: str) -> None:
    """Blank and `-` are an SV without image; with a date beside them nobody has decided what they mean."""
    assert one(age=None, state=word).codes() == {("never-synced", "LV1")}
    assert one(state=word).codes() == {("unexpected-state", "LV1")}


def test_an_active_image_without_a_date_is_never_synced() -> None:
    """`snap/active` alone says nothing about when."""
    assert one(age=None).codes() == {("never-synced", "LV1")}


def test_a_transition_of_unknown_beginning_is_changing_at_once() -> None:
    """Where no start time is printed, nobody can tell that the grace still runs."""
    assert one(age=None, state="snap/deleting").codes() == {("changing", "LV1")}


def test_a_transition_first_seen_by_a_reading_has_its_grace_from_then() -> None:
    """No start time on the screen: since when it was seen counts, if that was remembered; the grace is 10 minutes."""
    world = one(age=None, state="snap/deleting")
    assert isinstance(world.seen, Observation)
    for ago, codes in ((0, set[str]()), (599, set()), (600, {"changing"}), (-5 * MINUTE - 1, {"changing"})):
        volumes = world.seen.volumes._replace(moving={LdName("SV1"): NOW - ago})
        known = world._replace(seen=world.seen._replace(volumes=volumes))
        assert {code for code, _ in known.codes()} == codes, ago
        if ago == 599:
            assert known.verdicts().valid_until == NOW + 1


def test_the_start_time_on_the_screen_outranks_what_was_remembered() -> None:
    """The array knows better since when it works."""
    world = one(state="snap/deleting", began=601)
    assert isinstance(world.seen, Observation)
    volumes = world.seen.volumes._replace(moving={LdName("SV1"): NOW})
    assert world._replace(seen=world.seen._replace(volumes=volumes)).codes() == {("changing", "LV1")}


def test_a_transition_that_begins_in_the_future_is_changing() -> None:
    """A start beyond future_tolerance would give a grace that never ends; within it, it is as good as now."""
    assert ("changing", "LV1") in one(age=HOUR, state="snap/deleting", began=-5 * MINUTE - 1).codes()
    assert one(age=HOUR, state="snap/deleting", began=-5 * MINUTE).codes() == set()


def test_keep_compares_with_the_last_journalled_access() -> None:
    """`access = keep` finds a change since the last run, and nothing where no run has written one down."""
    world = one()
    assert world._replace(history=History(access={LdName("LV1"): "ro"})).codes() == {("access-changed", "LV1")}
    assert world._replace(history=History(access={LdName("LV1"): "rw"})).codes() == set()
    assert world.codes() == set()


def test_a_device_that_is_not_visible_has_not_changed() -> None:
    """A missing `Special File` line is no other device."""
    world = World(observation(screen("BV1", sv("SV1", HOUR, lv("LV1", "rw", None)))), ONE)
    assert world._replace(history=History(devices={LdName("LV1"): "/dev/sdq"})).codes() == set()


def test_another_disk_behind_the_same_name_is_another_device() -> None:
    """Only the WWN tells; what was not read, now or then, says nothing."""
    lv = LdName("LV1")
    for now, before, expected in (("A", "A", set()), ("A", "B", {("device-changed", "LV1")}), ("A", "", set())):
        world = remembering(History(wwns={lv: before} if before else {}))
        world = world._replace(seen=healthy()._replace(wwns={lv: now}))
        assert world.codes() == expected


def test_an_lv_known_only_to_the_journal_is_detached() -> None:
    """Seen by a run under this BV once, absent from whole screens now: detached, not missing."""
    world = World(observation(screen("BV1", sv()), links={"BV1": rows()}), ONE)
    known = world._replace(history=History(home={LdName("LV1"): LdName("BV1")}))
    elsewhere = world._replace(history=History(home={LdName("LV1"): LdName("BV2")}))
    assert known.codes() == {("detached", "LV1")}
    assert elsewhere.codes() == {("lv-missing", "LV1")}


def test_an_lv_seen_on_another_bv_is_not_said_to_be_nowhere() -> None:
    """The code stays, text and hint name the BV; only of an LV seen nowhere it is said that it is not on the array."""
    nowhere = observation(screen("BV1", sv()), links={"BV1": rows()})
    (lost,) = World(nowhere, ONE).findings()
    assert lost.text == "LV LV1 is not on the array"
    remembered = World(observation(screen("BV1", sv()), links={"BV1": rows()}, seen={"BV7": ("LV1",)}), ONE)
    seen_now = observation(screen("BV1", sv()), screen("BV7", sv("SV7", HOUR, lv("LV1"))), links={"BV1": rows()})
    for world in (remembered, World(seen_now, ONE)):
        (found,) = world.findings()
        assert found.text == "LV LV1 is not on BV BV1 of its SV; it was seen on BV BV7"
        assert (found.code, "BV7" in found.hint) == ("lv-missing", True)


def test_the_link_list_proves_a_detachment() -> None:
    """An LV that was never seen before, but listed as not linked, exists and is detached."""
    for word in ("unlink", "-", ""):
        world = World(observation(screen("BV1", sv()), links={"BV1": rows(("LV1", word, None))}), ONE)
        assert world.codes() == {("detached", "LV1")}, word


def test_contradicting_screens_are_no_answer() -> None:
    """Linked by the list and shown by nobody, or shown by two SVs: unreadable, not detached and not linked."""
    listed = observation(screen("BV1", sv()), links={"BV1": rows(("LV1", "link", "SV1"))}, seen={"BV1": ("LV1",)})
    twice = observation(screen("BV1", linked(1), sv("SV9", HOUR, lv("LV1"))))
    homeless = observation(screen("BV1", sv("SV9")), bv_of={"SV1": "BV1"})
    for seen in (listed, twice, homeless):
        assert {code for code, _ in World(seen, ONE).codes()} == {"unreadable"}


def test_warn_outranks_unknown_and_both_are_named() -> None:
    """One pair could not be read, the other is faulty: the resource is warn, and both findings are there."""
    seen = observation(screen("BV1", linked(1, state="snap/fault")), bv_of={"SV2": "BV2"}, bvs={"BV2": FAILED})
    verdict = World(seen).verdict()
    assert [each.status for each in verdict.pairs] == [Verdict.WARN, Verdict.UNKNOWN]
    assert verdict.status is Verdict.WARN
    assert {found.code for found in verdict.all_findings} == {"fault", "query-failed"}


def test_the_array_repeats_what_kept_it_from_answering() -> None:
    """query-failed, timed-out and stale come once each with the array as subject, unreadable does not."""
    blind = {"SV1": "BV1", "SV2": "BV2", "SV3": "BV3", "SV4": "BV4"}
    of = resource(*(pair(f"LV{number}") for number in range(1, 5)))
    seen = observation(bv_of=blind, bvs={"BV1": FAILED, "BV2": FAILED, "BV3": LATE, "BV4": GARBLED})
    array = World(seen, of).verdicts().arrays[0]
    assert [(found.code, found.subject) for found in array.findings] == [
        ("query-failed", "default"),
        ("timed-out", "default"),
    ]
    assert not array.up
    old = World(healthy(ended_at=NOW - DAY)).verdicts().arrays[0]
    assert [(found.code, found.subject) for found in old.findings] == [("stale", "default")]
    assert (old.up, old.observed_at) == (False, NOW - DAY)


def test_the_array_is_judged_by_what_is_shown() -> None:
    """A hidden resource's BV that failed is in no face: the array is up, and nothing is found on it."""
    shown, hidden = resource(pair("LV1")), resource(pair("LV2"), name=ResourceName("sync#2"), hidden=True)
    seen = observation(screen("BV1", linked(1)), bv_of={"SV2": "BV2"}, bvs={"BV2": FAILED}, links={"BV2": LATE})
    verdicts = judge(config(shown, hidden), (shown,), Evidence({DEFAULT: seen}, {}), UTC, NOW)
    assert (verdicts.arrays[0].up, verdicts.arrays[0].findings) == (True, ())
    # Whoever asks about another resource hears of everything that is shown.
    open_too = hidden._replace(hidden=False)
    verdicts = judge(config(shown, open_too), (shown,), Evidence({DEFAULT: seen}, {}), UTC, NOW)
    assert [one.code for one in verdicts.arrays[0].findings] == ["query-failed", "timed-out"]


@pytest.mark.parametrize("where", ["detail", "links"])
def test_a_screen_with_a_line_of_nobody_takes_the_array_down_without_a_finding(where: str) -> None:
    """Not everything could be read; no finding of arrays has a word for that."""
    detail = screen("BV1", linked(1), broken=GARBLED if where == "detail" else None)
    links = {"BV1": rows(broken=GARBLED)} if where == "links" else {}
    array = World(observation(detail, links=links), ONE).verdicts().arrays[0]
    assert (array.up, array.findings) == (False, ())


def test_a_stale_reading_leaves_nothing_to_believe() -> None:
    """Where the newest reading is too old, no pair keeps a state, a date or a link."""
    verdict = World(healthy(ended_at=NOW - HOUR)).verdict()
    assert {found.code for found in verdict.all_findings} == {"stale"}
    assert {each.status for each in verdict.pairs} == {Verdict.UNKNOWN}
    assert (verdict.age(NOW), verdict.skew, verdict.observed_at) == (None, None, None)
    assert {each.link.value for each in verdict.pairs} == {each.snapshot_state.value for each in verdict.pairs}


def test_a_reading_dated_in_the_future_is_stale() -> None:
    """Where this host's clock was put back, nobody can tell how old the reading is."""
    tolerance = Settings().future_tolerance
    assert World(healthy(ended_at=NOW + tolerance)).codes() == set()
    assert World(healthy(ended_at=NOW + tolerance + 1)).codes() == {("stale", R)}


def test_an_array_never_read_is_stale() -> None:
    """Without any reading there is nothing but the reason."""
    never = World(Unread("stale", "there is no observation.json", "run `necism collect`")).verdicts()
    assert {found.code for found in never.resources[0].all_findings} == {"stale"}
    assert (never.status, never.observed_at, never.arrays[0].up) == (Verdict.UNKNOWN, None, False)
