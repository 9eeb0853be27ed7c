"""A reading asks what it must and nothing twice, and knows which of its answers prove an absence."""

import threading
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import pytest

from necism_monitor.app.collect import LATE_MAX
from necism_monitor.domain.history import NO_HISTORY
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import Config, Listener, Resource, Service, Settings, Webhook
from necism_monitor.domain.names import ArrayName, LdName, ServiceName
from necism_monitor.domain.reading import BvScreen, Inventory, LinkScreen, Observation, Unread, Volumes
from necism_monitor.domain.verdicts import Verdicts
from necism_monitor.ism.output import Ending
from tests.app.announced import (
    NOW,
    VIEW,
    Map,
    Simulated,
    detail_query,
    links_query,
    names,
    pair,
    resource,
    sv_query,
)

A1, A2, B1 = pair("A_LV1", "A_SV1"), pair("A_LV2", "A_SV2"), pair("B_LV1", "B_SV1")
ALL: Final = resource(A1, A2, B1)
CONTENT: Final[dict[str, Any]] = {
    "bvs": {"A": {}, "B": {}},
    "svs": {
        "A_SV1": {"bv": "A", "age": "3h"},
        "A_SV2": {"bv": "A", "age": "4h"},
        "A_SV3": {"bv": "A", "age": "5h"},
        "B_SV1": {"bv": "B", "age": "2h"},
    },
    "lvs": {
        "A_LV1": {"bv": "A", "shows": "A_SV1"},
        "A_LV2": {"bv": "A", "shows": "A_SV2"},
        "B_LV1": {"bv": "B", "shows": "B_SV1"},
    },
}
HOMES: Final = names(A_SV1="A", A_SV2="A", B_SV1="B")
WARM: Final = Volumes(HOMES, {LdName("A"): frozenset({LdName("A_LV1"), LdName("A_LV2")})}, ("D1_10",), NOW)
BV_A, BV_B = LdName("A"), LdName("B")


@pytest.fixture(name="array")
def array_fixture(tmp_path: Path) -> Simulated:
    """Two BVs with three pairs, everything linked; nothing remembered."""
    return Simulated(tmp_path, CONTENT)


@pytest.fixture(name="warm")
def warm_fixture(array: Simulated) -> Simulated:
    """The same, with a map that knows where everything is."""
    array.map = Map(WARM)
    return array


def verdicts(seen: Observation, *resources: Resource) -> Verdicts:
    """What is said of what was read."""
    service = Service(ServiceName("app"), "app.conf", resources)
    config = Config(Settings(), (), (service,), Listener(":1"), Webhook(Listener(":2")))
    evidence = Evidence({ArrayName("default"): seen}, {one.id: NO_HISTORY for one in resources})
    return judge(config, resources, evidence, UTC, NOW)


def codes(seen: Observation, *resources: Resource) -> set[tuple[str, str]]:
    """The findings on what was read."""
    return {(found.code, found.subject) for one in verdicts(seen, *resources).resources for found in one.all_findings}


def test_a_cold_map_costs_a_query_per_sv_and_the_list_of_arrays(array: Simulated) -> None:
    """ISMview once, one `-sv` query per SV, one detail query per BV."""
    array.expect(VIEW, *map(sv_query, ("A_SV1", "A_SV2", "B_SV1")), detail_query("A"), detail_query("B"))
    seen = array.collect(ALL)
    assert seen.commands == {"iSMview": 1, "iSMsc_query": 5}
    assert seen.inventory == Inventory(("D1_10",), None)
    assert codes(seen, ALL) == set()
    assert seen.volumes == array.map.known
    assert array.map.known.bv_of == names(A_SV1="A", A_SV2="A", A_SV3="A", B_SV1="B")
    assert array.map.known.lvs_seen == {BV_A: {"A_LV1", "A_LV2"}, BV_B: {"B_LV1"}}
    assert array.map.known.arrays == ("D1_10",)


def test_a_warm_map_costs_one_detail_query_per_bv(array: Simulated) -> None:
    """The second reading asks the two BVs, and has nothing new to remember."""
    array.expect(VIEW, *map(sv_query, ("A_SV1", "A_SV2", "B_SV1")), detail_query("A"), detail_query("B"))
    array.collect(ALL)
    array.expect(detail_query("A"), detail_query("B"))
    seen = array.collect(ALL)
    assert (seen.commands, seen.inventory, array.map.saves) == ({"iSMsc_query": 2}, None, 1)
    assert codes(seen, ALL) == set()


def test_resources_share_their_questions(warm: Simulated) -> None:
    """Two resources on one BV: one detail query."""
    one, two = resource(A1), resource(A2, number=2)
    warm.expect(detail_query("A"))
    assert codes(warm.collect(one, two), one, two) == set()


def test_an_sv_that_moved_to_another_bv_is_found(warm: Simulated) -> None:
    """The map says A, A's screen does not list it, its own screen says B: B is asked, and the map learns."""
    warm.map = Map(WARM._replace(bv_of=names(A_SV1="A", B_SV1="A")))
    moved = resource(A1, B1)
    warm.expect(detail_query("A"), sv_query("B_SV1"), detail_query("B"))
    assert codes(warm.collect(moved), moved) == set()
    assert warm.map.known.bv_of[LdName("B_SV1")] == "B"


def test_an_sv_that_no_screen_lists_is_missing(warm: Simulated) -> None:
    """Its BV's detail screen and its own screen are whole and do not list it: missing, and the map forgets it."""
    warm.world["svs"]["B_SV1"]["unlisted"] = True
    warm.expect(detail_query("A"), detail_query("B"), sv_query("B_SV1"))
    seen = warm.collect(ALL)
    assert seen.bv_of[LdName("B_SV1")] is None
    assert codes(seen, ALL) == {("sv-missing", "B_LV1")}
    assert LdName("B_SV1") not in warm.map.known.bv_of


def test_an_sv_missing_on_a_cold_map_is_looked_for_on_its_bv(array: Simulated) -> None:
    """Its own screen names a BV and does not list it: it is missing only once that BV's screen agrees."""
    array.world["svs"]["B_SV1"]["unlisted"] = True
    only = resource(B1)
    array.expect(VIEW, sv_query("B_SV1"), detail_query("B"))
    assert codes(array.collect(only), only) == {("sv-missing", "B_LV1")}


def test_an_sv_that_only_its_bv_lists_exists(array: Simulated) -> None:
    """Its own screen has an empty list (recorded once from a real array), the BV's screen has its record."""
    only = resource(B1)
    array.world["svs"]["B_SV1"]["unlisted"] = True
    array.expect(VIEW, sv_query("B_SV1"))
    array.world["svs"]["B_SV1"]["unlisted"] = False
    array.expect(detail_query("B"))
    assert codes(array.collect(only), only) == set()


@pytest.mark.parametrize(("ending", "code"), [(Ending.EXITED, "query-failed"), (Ending.TIMED_OUT, "timed-out")])
def test_an_sv_is_not_missing_while_a_screen_failed(warm: Simulated, ending: Ending, code: str) -> None:
    """Its own screen does not list it, but its BV's screen could not be had, or the other way round: unknown."""
    warm.world["svs"]["B_SV1"]["unlisted"] = True
    only = resource(B1)
    if ending is Ending.EXITED:
        warm.expect(sv_query("B_SV1"))
    warm.fail(detail_query("B"), ending=ending)
    assert codes(warm.collect(only), only) == {(code, "B_LV1")}
    warm.map = Map(WARM)
    warm.expect(detail_query("B"))
    warm.fail(sv_query("B_SV1"), ending=ending)
    assert codes(warm.collect(only), only) == {(code, "B_LV1")}


def test_a_failed_query_is_no_absence(array: Simulated) -> None:
    """A nonzero exit of the SV's own query is query-failed, whatever its text."""
    array.expect(VIEW)
    array.fail(sv_query("B_SV1"))
    only = resource(B1)
    assert codes(array.collect(only), only) == {("query-failed", "B_LV1")}


def test_a_detached_lv_costs_one_link_query_per_bv(warm: Simulated) -> None:
    """Both LVs of A are detached: one linkinfo through one of its SVs, and the LVs are detached, not missing."""
    warm.map = Map(WARM._replace(lvs_seen={}))
    for lv in ("A_LV1", "A_LV2"):
        warm.world["lvs"][lv]["shows"] = None
    warm.expect(detail_query("A"), detail_query("B"), links_query("A_SV1"))
    seen = warm.collect(ALL)
    assert seen.commands == {"iSMsc_query": 2, "iSMsc_linkinfo": 1}
    assert codes(seen, ALL) == {("detached", "A_LV1"), ("detached", "A_LV2")}
    assert warm.map.known.lvs_seen[BV_A] == {"A_LV1", "A_LV2"}


def test_an_lv_that_no_screen_lists_is_missing_unless_it_was_seen(warm: Simulated) -> None:
    """The link list does not know it: missing, or detached where the map ever saw it there."""
    only = resource(A1)
    del warm.world["lvs"]["A_LV1"]
    for seen_before, code in ((frozenset[LdName](), "lv-missing"), (frozenset({LdName("A_LV1")}), "detached")):
        warm.map = Map(WARM._replace(lvs_seen={BV_A: seen_before}))
        warm.expect(detail_query("A"), links_query("A_SV1"))
        assert codes(warm.collect(only), only) == {(code, "A_LV1")}


def test_a_failed_link_query_leaves_an_lv_unknown(warm: Simulated) -> None:
    """Never seen, not shown, and the list could not be had: unknown."""
    only = resource(A1)
    warm.map = Map(WARM._replace(lvs_seen={}))
    warm.world["lvs"]["A_LV1"]["shows"] = None
    warm.expect(detail_query("A"))
    warm.fail(links_query("A_SV1"))
    assert codes(warm.collect(only), only) == {("query-failed", "A_LV1")}


def test_a_failing_bv_leaves_the_others(warm: Simulated) -> None:
    """A's screen fails: its SVs are asked for themselves, B's pair is read as ever, and nothing is forgotten."""
    warm.fail(detail_query("A"))
    warm.expect(detail_query("B"), sv_query("A_SV1"), sv_query("A_SV2"))
    seen = warm.collect(ALL)
    assert codes(seen, ALL) == {("query-failed", "A_LV1"), ("query-failed", "A_LV2")}
    assert HOMES.items() <= warm.map.known.bv_of.items()


def test_an_array_that_is_down_is_not_forgotten(warm: Simulated) -> None:
    """Every query fails for a while: the map keeps what it knows, so the array comes back warm."""
    warm.fail(*map(detail_query, "AB"), *map(sv_query, ("A_SV1", "A_SV2", "B_SV1")))
    seen = warm.collect(ALL)
    assert {code for code, _ in codes(seen, ALL)} == {"query-failed"}
    assert (warm.map.known, warm.map.saves) == (WARM, 0)
    warm.expect(detail_query("A"), detail_query("B"))
    assert codes(warm.collect(ALL), ALL) == set()


def test_an_array_that_hangs_is_not_asked_everything(warm: Simulated) -> None:
    """After a few timeouts nothing more is sent; what was not asked is timed out, not absent."""
    assert LATE_MAX == 2
    warm.fail(detail_query("A"), detail_query("B"), ending=Ending.LOST)
    seen = warm.collect(ALL)
    assert codes(seen, ALL) == {("timed-out", lv) for lv in ("A_LV1", "A_LV2", "B_LV1")}
    assert seen.commands == {"iSMsc_query": 2}
    (found,) = verdicts(seen, ALL).arrays[0].findings
    assert found.text.startswith(f"{detail_query('A')}: no answer within 1 s")


def test_a_bv_that_hangs_is_the_reason_for_its_pairs(warm: Simulated) -> None:
    """Its SVs are not asked for one by one: each would hang too, and the first timeout is what everybody is told."""
    warm.fail(detail_query("A"), ending=Ending.LOST)
    warm.expect(detail_query("B"))
    said = verdicts(warm.collect(ALL), ALL)
    (text,) = {found.text for found in said.resources[0].all_findings}
    assert text.startswith(f"{detail_query('A')}: no answer within 1 s")
    assert [found.text for found in said.arrays[0].findings] == [text]


def test_the_first_reason_outlives_a_second_failure(warm: Simulated) -> None:
    """The BV's screen failed, the SV's own question does not come in time: that the screen failed is the reason."""
    warm.fail(detail_query("B"))
    warm.fail(sv_query("B_SV1"), ending=Ending.LOST)
    only = resource(B1)
    (found,) = verdicts(warm.collect(only), only).resources[0].all_findings
    assert (found.code, found.text.split(":")[0]) == ("query-failed", detail_query("B"))


def test_what_was_not_asked_names_what_hung(array: Simulated) -> None:
    """The list of arrays and the first SV hang: the others say after which command they were not asked."""
    array.fail(VIEW, sv_query("A_SV1"), ending=Ending.LOST)
    said = verdicts(array.collect(ALL), ALL)
    last = said.resources[0].pairs[2].findings[0].text
    assert last.startswith(f"{sv_query('B_SV1')}: not asked")
    assert f"first {VIEW}: no answer within 1 s" in last


def test_the_list_of_arrays_ages(warm: Simulated) -> None:
    """After a day it is asked for again: an array that was zoned in later is found; a date in the future is no date."""
    only = resource(B1)
    warm.world["also_visible"] = [
        {"name": "OTHER", "product_id": "M300 Disk Array", "resource_state": "ready", "monitoring": "running"}
    ]
    warm.map = Map(WARM._replace(arrays_at=NOW - 86399))
    warm.expect(detail_query("B"))
    assert warm.collect(only).volumes.arrays == ("D1_10",)
    for at in (NOW - 86400, NOW + 1, None):
        warm.map = Map(WARM._replace(arrays_at=at))
        warm.expect(VIEW, detail_query("B"))
        seen = warm.collect(only).volumes
        assert (seen.arrays, seen.arrays_at) == (("D1_10", "OTHER"), NOW), at
        assert warm.map.known.arrays_at == NOW


def read_b(place: Simulated) -> Observation:
    """A reading of BV B alone, whose SV shows no start time."""
    place.world["svs"]["B_SV1"]["omit"] = ["Create   Start Time"]
    place.expect(detail_query("B"))
    return place.collect(resource(B1))


def test_a_transition_without_a_start_time_is_remembered_from_its_first_sight(warm: Simulated) -> None:
    """The grace begins with the first reading that could remember it, and is forgotten when the SV settles."""
    sv, only = warm.world["svs"]["B_SV1"], resource(B1)
    sv["state"] = "snap/deleting"
    first = read_b(warm)
    assert first.volumes.moving == warm.map.known.moving == {LdName("B_SV1"): NOW}
    assert codes(first, only) == set()
    warm.map = Map(warm.map.known._replace(moving={LdName("B_SV1"): NOW - 601, LdName("A_SV1"): NOW - 5}))
    assert codes(read_b(warm), only) == {("changing", "B_LV1")}
    sv["state"] = "snap/active"
    settled = read_b(warm)
    assert settled.volumes.moving == warm.map.known.moving == {LdName("A_SV1"): NOW - 5}
    assert codes(settled, only) == set()


def test_a_first_sight_that_nobody_can_remember_is_raised_at_once(warm: Simulated) -> None:
    """With a map that cannot be written the grace would begin anew with every reading, and never end."""
    warm.world["svs"]["B_SV1"]["state"] = "snap/deleting"
    warm.map.writable, only = False, resource(B1)
    seen = read_b(warm)
    assert (seen.volumes.moving, codes(seen, only)) == ({}, {("changing", "B_LV1")})
    # What somebody else could write down counts.
    warm.map = Map(WARM._replace(moving={LdName("B_SV1"): NOW - 60}))
    warm.map.writable = False
    assert codes(read_b(warm), only) == set()


def test_a_screen_cut_between_two_records_hides_nothing(warm: Simulated) -> None:
    """The last record of A is lost: its SV is asked for, the screens contradict each other, and no LV is detached."""
    warm.expect(detail_query("A"), detail_query("B"), sv_query("A_SV2"))
    line = detail_query("A")
    whole = warm.reader.waiting[line].stdout
    cut = whole[: whole.index("    SV:LD Name              : A_SV2")]
    warm.reader.announce(line, cut)
    seen = warm.collect(ALL)
    assert codes(seen, ALL) == {("unreadable", "A_LV2")}


def test_one_unreadable_record_leaves_the_others(warm: Simulated) -> None:
    """A record without its required label is unread by name, its neighbour is healthy."""
    warm.world["svs"]["A_SV1"]["omit"] = ["Snap State"]
    warm.expect(detail_query("A"), detail_query("B"), links_query("A_SV1"))
    seen = warm.collect(ALL)
    assert codes(seen, ALL) == {("unreadable", "A_LV1")}


def test_the_arrays_are_asked_for_until_a_whole_list_was_read(array: Simulated) -> None:
    """A failed list, or one with a row nobody can read, is not remembered; a whole one is, with every array."""
    only = resource(B1)
    array.fail(VIEW)
    array.expect(sv_query("B_SV1"), detail_query("B"))
    first = array.collect(only)
    assert isinstance(first.inventory, Unread)
    array.expect(VIEW, detail_query("B"))
    array.reader.announce(VIEW, array.reader.waiting[VIEW].stdout.replace("\n\n", "\n  ?? half a row\n\n"))
    second = array.collect(only)
    assert isinstance(second.inventory, Inventory)
    assert second.inventory.broken
    assert array.map.known.arrays is None
    array.world["also_visible"] = [
        {"name": "OTHER", "product_id": "M300 Disk Array", "resource_state": "ready", "monitoring": "running"}
    ]
    array.expect(VIEW, detail_query("B"))
    array.collect(only)
    assert array.map.known.arrays == ("D1_10", "OTHER")


def test_alternatives_share_their_bv(array: Simulated) -> None:
    """Three SVs that take turns: three queries while the map is cold, one detail query, then one alone."""
    turns = resource(pair("A_LV1", "A_SV1", "A_SV3"))
    array.expect(VIEW, sv_query("A_SV1"), sv_query("A_SV3"), detail_query("A"))
    assert codes(array.collect(turns), turns) == set()
    array.expect(detail_query("A"))
    assert codes(array.collect(turns), turns) == set()


def test_several_commands_run_at_once_only_where_allowed(array: Simulated) -> None:
    """`parallel_commands = 2`: two queries meet in the reader, and every one of them is counted."""
    array.reader.meeting = threading.Barrier(2)
    array.map = Map(Volumes({}, {}, ("D1_10",), NOW))
    only = resource(A1, B1)
    array.expect(sv_query("A_SV1"), sv_query("B_SV1"), detail_query("A"), detail_query("B"))
    seen = array.collect(only, parallel=2)
    assert (array.reader.most_at_once, seen.commands) == (2, {"iSMsc_query": 4})
    assert list(seen.bvs) == ["A", "B"]
    assert codes(seen, only) == set()


def test_one_after_the_other_is_the_rule(array: Simulated) -> None:
    """Without the setting no two commands are under way together."""
    array.expect(VIEW, *map(sv_query, ("A_SV1", "A_SV2", "B_SV1")), detail_query("A"), detail_query("B"))
    array.collect(ALL)
    assert array.reader.most_at_once == 1


def test_screens_become_values(warm: Simulated) -> None:
    """What was read stands in the observation under its BV: whole screens, no reason against them."""
    warm.world["lvs"]["B_LV1"]["shows"] = None
    warm.expect(detail_query("A"), detail_query("B"), links_query("B_SV1"))
    seen = warm.collect(ALL)
    first, links = seen.bvs[BV_A], seen.links[BV_B]
    assert isinstance(first, BvScreen)
    assert isinstance(links, LinkScreen)
    assert (list(first.records), first.broken) == (["A_SV1", "A_SV2", "A_SV3"], None)
    assert (list(links.rows), links.broken) == (["B_LV1"], None)
    assert (seen.array, seen.started_at, seen.ended_at) == ("default", NOW, NOW)
