"""'Could not ask' is never read as 'no': whatever could not be read, nothing is healthy or absent because of it."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, Inventory, LinkScreen, Observation, Unread
from necism_monitor.domain.sighting import sight_lv
from necism_monitor.domain.states import LinkState, SnapshotState
from tests.domain.builders import (
    GARBLED,
    HOUR,
    NOW,
    UNREAD,
    World,
    healthy,
    linked,
    lv,
    observation,
    pair,
    resource,
    rows,
    screen,
    sv,
)

ONE: Final = resource(pair("LV1"))
BV1, SV1, LV1 = LdName("BV1"), LdName("SV1"), LdName("LV1")


def only(world: World) -> set[str]:
    return {code for code, _ in world.codes()}


@pytest.mark.parametrize("why", UNREAD)
@pytest.mark.parametrize("place", ["bv_of", "bvs", "record"])
def test_an_unread_sv_is_unknown(place: str, why: Unread) -> None:
    """Wherever the reading of an SV failed, its pair is unknown with that reason, and no run starts."""
    seen = healthy()
    if place == "bv_of":
        seen = seen._replace(bv_of={**seen.bv_of, SV1: why})
    elif place == "bvs":
        seen = seen._replace(bvs={**seen.bvs, BV1: why})
    else:
        whole = seen.bvs[BV1]
        assert isinstance(whole, BvScreen)
        seen = seen._replace(bvs={**seen.bvs, BV1: whole._replace(records={**whole.records, SV1: why})})
    world = World(seen)
    assert only(world) == {why.code}
    assert (world.pair().status, world.pair().snapshot_state) == (Verdict.UNKNOWN, SnapshotState.UNKNOWN)
    assert world.pair().link is LinkState.UNKNOWN
    assert world.pair(1).status is Verdict.UP
    assert world.refused(force=True) == "state-unreadable"


@pytest.mark.parametrize("why", UNREAD)
def test_an_unread_stranger_hides_our_lv_but_not_our_image(why: Unread) -> None:
    """Another SV's record could not be read: an LV that nobody shows may be under it."""
    blind = screen("BV1", sv(), unread=["SV9"])
    seen = observation(blind, seen={"BV1": ("LV1",)}, links={"BV1": why})
    world = World(seen, ONE)
    assert world.pair().link is LinkState.UNKNOWN
    assert world.pair().snapshot_state is SnapshotState.ACTIVE
    assert only(world) == {"unreadable"}
    assert world.refused() == "state-unreadable"


@pytest.mark.parametrize("why", UNREAD)
def test_a_broken_detail_screen_proves_no_absence(why: Unread) -> None:
    """A line nobody owns: records that were read survive, but nothing is detached, and no run starts."""
    shown = World(observation(screen("BV1", linked(1), broken=why)), ONE)
    hidden = World(observation(screen("BV1", sv(), broken=why), seen={"BV1": ("LV1",)}), ONE)
    absent = World(observation(screen("BV1", broken=why), bv_of={"SV1": "BV1"}), ONE)
    assert only(shown) == set()
    assert (only(hidden), hidden.pair().link) == ({why.code}, LinkState.UNKNOWN)
    assert (only(absent), absent.pair().snapshot_state) == ({why.code}, SnapshotState.UNKNOWN)
    assert {one.refused(force=True) for one in (shown, hidden, absent)} == {"state-unreadable"}


@pytest.mark.parametrize("why", UNREAD)
def test_a_link_list_that_failed_or_broke_proves_no_missing_lv(why: Unread) -> None:
    """An LV nobody shows and nobody ever saw: without a whole link list it is unknown, never missing."""
    for links in (why, rows(broken=why), rows(("LV7", "link", "SV7"), broken=why)):
        world = World(observation(screen("BV1", sv()), links={"BV1": links}), ONE)
        assert (world.pair().link, only(world)) == (LinkState.UNKNOWN, {why.code})
        assert world.refused() == "state-unreadable"


@pytest.mark.parametrize("why", UNREAD)
def test_an_unread_link_list_blocks_though_the_detail_screen_is_whole(why: Unread) -> None:
    """A whole detail screen proves a known LV detached; the run still does not start on half an answer."""
    world = World(observation(screen("BV1", sv()), links={"BV1": why}, seen={"BV1": ("LV1",)}), ONE)
    assert world.pair().link is LinkState.DETACHED
    assert world.refused() == "state-unreadable"
    shown = World(observation(screen("BV1", linked(1)), links={"BV1": rows(broken=why)}), ONE)
    assert shown.refused() == "state-unreadable"


@pytest.mark.parametrize("why", UNREAD)
def test_an_unread_list_of_arrays_blocks(why: Unread) -> None:
    """Nobody knows whether a second array is visible: no run, unless names are declared unique."""
    for inventory in (why, Inventory(("D1_10",), why), Inventory((), why)):
        world = World(healthy(inventory=inventory))
        assert world.refused(force=True) == "state-unreadable"
        unique = world._replace(array=world.array._replace(unique_names=True))
        assert unique.refused(force=True) is None
    assert not World(healthy(inventory=why)).verdicts().arrays[0].up


def test_arrays_nobody_ever_asked_for_block() -> None:
    """Neither this reading nor the map knows the arrays; where the map does, it is not asked again."""
    assert World(healthy(inventory=None)).refused(force=True) == "state-unreadable"
    assert World(healthy(inventory=None, arrays=("D1_10",))).refused(force=True) is None


def test_what_nobody_asked_about_is_unknown() -> None:
    """A reading made for another configuration says nothing about an SV it does not know."""
    world = World(healthy(), resource(pair("LV8")))
    assert (world.pair().status, world.pair().link) == (Verdict.UNKNOWN, LinkState.UNKNOWN)
    assert only(world) == {"unreadable"}


def test_an_unread_alternative_is_unknown_though_the_other_is_shown() -> None:
    """The SV shown is fine, the other one's query failed: the pair is not up, and no run starts."""
    alternating = resource(pair("LV1", "SV1", "SV9"))
    for why in UNREAD:
        world = World(observation(screen("BV1", linked(1)), bv_of={"SV9": why}), alternating)
        assert (world.pair().status, world.pair().link) == (Verdict.UNKNOWN, LinkState.LINKED)
        assert world.refused(force=True) == "state-unreadable"


def test_a_proven_link_outranks_a_bv_that_could_not_be_read() -> None:
    """Alternatives on two BVs is a fault of its own; where one of them shows the LV, it is not lost."""
    seen = observation(screen("BV1", sv("SV1")), screen("BV2", sv("SV9", HOUR, lv("LV1"))), seen={"BV1": ("LV1",)})
    world = World(seen, resource(pair("LV1", "SV1", "SV9")))
    assert (world.pair().link, world.pair().sv) == (LinkState.LINKED, "SV9")
    assert world.refused(force=True) == "wrong-bv"


# --- random mutilation -----------------------------------------------------------------------------------------------

REASONS = st.sampled_from(UNREAD)
PLACES = st.sampled_from(
    [
        "bv_of",
        "bv_of left out",
        "bvs",
        "bvs left out",
        "record",
        "record left out",
        "broken",
        "inventory",
        "inventory broken",
        "links",
        "links broken",
    ]
)


def mutilate(seen: Observation, place: str, number: int, why: Unread) -> Observation:
    """`seen` with one thing that could not be read, about pair `number`."""
    bv, sv_name = LdName(f"BV{number}"), LdName(f"SV{number}")
    match place:
        case "bv_of":
            return seen._replace(bv_of={**seen.bv_of, sv_name: why})
        case "bv_of left out":
            return seen._replace(bv_of={sv: home for sv, home in seen.bv_of.items() if sv != sv_name})
        case "bvs":
            return seen._replace(bvs={**seen.bvs, bv: why})
        case "bvs left out":
            return seen._replace(bvs={name: one for name, one in seen.bvs.items() if name != bv})
        case "inventory":
            return seen._replace(inventory=why)
        case "inventory broken":
            return seen._replace(inventory=Inventory(("D1_10",), why))
        case "links":
            return seen._replace(links={**seen.links, bv: why})
        case "links broken":
            return seen._replace(links={**seen.links, bv: LinkScreen({}, why)})
        case _:
            return wound_screen(seen, place, number, why)


def wound_screen(seen: Observation, place: str, number: int, why: Unread) -> Observation:
    """`seen` with a record or a line of one screen that could not be read, or with a record that is gone."""
    bv, sv_name = LdName(f"BV{number}"), LdName(f"SV{number}")
    whole = seen.bvs.get(bv)
    if not isinstance(whole, BvScreen):
        return seen._replace(bvs={**seen.bvs, bv: why})
    records = {name: one for name, one in whole.records.items() if name != sv_name or place == "broken"}
    if place == "record":
        records[sv_name] = why
    broken = why if place == "broken" else whole.broken
    return seen._replace(bvs={**seen.bvs, bv: whole._replace(records=records, broken=broken)})


@given(st.lists(st.tuples(PLACES, st.sampled_from([1, 2]), REASONS), min_size=1, max_size=4), st.booleans())
def test_no_mutilated_reading_passes_the_guards(wounds: list[tuple[str, int, Unread]], force: bool) -> None:
    """However many things could not be read, and wherever: no run starts."""
    seen = healthy()
    for place, number, why in wounds:
        seen = mutilate(seen, place, number, why)
    assert World(seen).refused(force=force) == "state-unreadable"


@given(st.lists(st.tuples(PLACES, st.sampled_from([1, 2]), REASONS), min_size=1, max_size=4), st.booleans())
def test_no_mutilated_reading_invents_an_absence(wounds: list[tuple[str, int, Unread]], known: bool) -> None:
    """A healthy array of which things could not be read: nothing is detached, missing, wrong or empty, only unknown."""
    seen = healthy(seen={"BV1": ("LV1",), "BV2": ("LV2",)} if known else {})
    for place, number, why in wounds:
        seen = mutilate(seen, place, number, why)
    world = World(seen)
    assert only(world) <= {"query-failed", "timed-out", "unreadable"}
    hidden = {number for place, number, _ in wounds if place.startswith(("bv_of", "bvs", "record"))}
    for number in (1, 2):
        shown = world.pair(number - 1)
        assert (shown.status is Verdict.UP) == (number not in hidden)
        assert shown.link in {LinkState.LINKED, LinkState.UNKNOWN}
        assert shown.snapshot_state in {SnapshotState.ACTIVE, SnapshotState.UNKNOWN}


@given(
    st.lists(st.sampled_from(["ours", "free", "foreign", "unread", "odd"]), max_size=4, unique=True),
    st.sampled_from([None, GARBLED]),
    st.sampled_from([None, "failed", "broken", "empty", "unlink", "link"]),
    st.booleans(),
)
def test_absence_needs_whole_screens(kinds: list[str], broken: Unread | None, listed: str | None, known: bool) -> None:
    """An LV is detached or missing only where no record is unread or undecided and no line lost, or its row says so."""
    makes = {"ours": linked(1), "free": sv("SV2"), "foreign": linked(3), "odd": sv("SV5", link="odd")}
    one = screen(
        "BV1",
        *(makes[kind] for kind in kinds if kind in makes),
        broken=broken,
        unread=["SV4"] if "unread" in kinds else [],
    )
    lists: dict[str | None, LinkScreen | Unread] = {
        "failed": GARBLED,
        "broken": rows(broken=GARBLED),
        "empty": rows(),
        "unlink": rows(("LV1", "unlink", None)),
        "link": rows(("LV1", "link", "SV1")),
    }
    seen = observation(one, links={"BV1": lists[listed]} if listed else {}, seen={"BV1": ("LV1",)} if known else {})
    said = sight_lv(seen, LV1, BV1, World(seen).basis().words, World(seen).basis().history)
    whole = broken is None and not {"unread", "odd"} & set(kinds)
    if said.link is LinkState.DETACHED:
        assert "ours" not in kinds
        assert listed == "unlink" or (whole and known and listed != "link")
    if said.link is LinkState.MISSING:
        assert "ours" not in kinds
        assert whole
        assert (listed, known) == ("empty", False)
    assert (said.link is LinkState.LINKED) == ("ours" in kinds)


@given(st.floats(0, 10 * HOUR))
def test_an_unread_array_is_never_up(age: float) -> None:
    """Without a reading, or with one too old, no status is up, whatever the age."""
    for why in UNREAD:
        assert World(why, now=NOW + age).verdicts().status is Verdict.UNKNOWN
    old = World(healthy(), now=NOW + 15 * 60 + 1 + age).verdicts()
    assert old.status is Verdict.UNKNOWN
    assert not old.arrays[0].up
