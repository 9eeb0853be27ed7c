"""May a run start: every guard has its situation and its near miss, and the first in the table speaks."""

from datetime import UTC
from itertools import combinations, pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain import beginning
from necism_monitor.domain.guards import TABLE
from necism_monitor.domain.history import Activity, History
from necism_monitor.domain.model import AccessPolicy, Array, Automation, Limits, Window
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import plan_hash
from necism_monitor.domain.reading import BvScreen, Inventory, SvRecord, Unread
from necism_monitor.domain.refusals import CATALOGUE, EXITS, refusal
from necism_monitor.domain.states import LinkState, SnapshotState
from tests.domain.builders import (
    DEFAULT,
    FAILED,
    HOUR,
    MINUTE,
    NOW,
    ONE_ARRAY,
    World,
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
UNIQUE: Final = Array(DEFAULT, unique_names=True)
OLD: Final = 9 * HOUR
CUT: Final = Unread("journal-unreadable", "line 3", "look")


def of_bv(*records: SvRecord, **changes: Any) -> World:  # noqa: ANN401 - the keywords of screen
    """LV1 with SV1, an image of nine hours ago, beside these records on its BV."""
    own = [] if "SV1" in {one.name for one in records} else [linked(1, OLD)]
    return World(observation(screen("BV1", *own, *records, **changes), seen={"BV1": ("LV1",)}), ONE)


FINE: Final = of_bv(sv("SV9", OLD))

ALLOWED: Final = ONE._replace(automation=Automation(callers=frozenset({"timer", "icinga"})))
NIGHT: Final = Window(frozenset(range(7)), 22 * 60, 5 * 60, UTC, "22:00-05:00")
BY_TIMER: Final = FINE._replace(of=ALLOWED, trigger="timer")
AGED: Final = FINE._replace(of=ALLOWED._replace(limits=Limits(max_delay=8 * HOUR)), trigger="icinga")
BLIND: Final = Unread("query-failed", "whether the kill switch /etc/necism/STOP is there could not be asked", "look")
NOT_RUN: Final = FAILED._replace(text="iSMsc_query: program not found", not_run=True)


def by_timer(*, windows: tuple[Window, ...] = (), **changes: Any) -> World:  # noqa: ANN401 - the fields of Activity
    """The timer asks at noon; what was done lately."""
    automation = ALLOWED.automation._replace(windows=windows, max_per_day=2)
    return BY_TIMER._replace(of=ALLOWED._replace(automation=automation), activity=Activity(**changes))


# code -> the situation, the situation just beside it
CASES: Final[dict[str, tuple[World, World]]] = {
    "run-on": (
        FINE._replace(of=ONE._replace(run_on=frozenset({"node2"}))),
        FINE._replace(of=ONE._replace(run_on=frozenset({"node1", "node2"}))),
    ),
    "disabled": (FINE._replace(of=ONE._replace(no_action=True)), FINE._replace(of=ONE._replace(hidden=True))),
    "unfinished": (FINE._replace(history=unfinished("LV1")), FINE._replace(history=History(mixed=True))),
    "journal-unreadable": (FINE._replace(history=CUT), FINE),
    "locked": (FINE._replace(history=running()), FINE._replace(history=History(last_run_at=1.0))),
    "not-automatic": (BY_TIMER._replace(trigger="nagios"), BY_TIMER),
    "key-spent": (by_timer(spent=True), by_timer()),
    "killed": (BY_TIMER._replace(killed=BLIND), BY_TIMER._replace(killed=BLIND, trigger="manual")),
    "outside-window": (by_timer(windows=(NIGHT,)), by_timer(windows=(NIGHT, NIGHT._replace(start_minute=12 * 60)))),
    "cooling-down": (by_timer(last_change_at=NOW - HOUR + 1), by_timer(last_change_at=NOW - HOUR)),
    "over-budget": (
        by_timer(daily=(NOW - 24 * HOUR + 1, NOW - 9 * HOUR)),
        by_timer(daily=(NOW - 24 * HOUR, NOW - 9 * HOUR)),
    ),
    "prerequisite": (
        World(observation(bv_of={"SV1": NOT_RUN}), ONE),
        World(observation(screen("BV1", linked(1, OLD)), inventory=NOT_RUN), ONE, array=UNIQUE),
    ),
    "ambiguous-array": (
        World(healthy(inventory=Inventory(("A", "B"), None))),
        World(healthy(inventory=Inventory(("A",), None))),
    ),
    "state-unreadable": (of_bv(unread=["SV9"]), FINE),
    "unexpected-state": (of_bv(sv("SV9", OLD, state="odd")), of_bv(sv("SV9", OLD, state="snap/fault"))),
    "not-found": (World(observation(screen("BV1"), bv_of={"SV1": None}), ONE), FINE),
    "wrong-bv": (
        World(
            observation(screen("BV1", sv("SV1", OLD)), screen("BV2", linked(2, OLD), sv("SV3", OLD, lv("LV1")))),
            resource(pair("LV1"), pair("LV2")),
        ),
        World(observation(screen("BV1", linked(1, OLD)), screen("BV2", linked(2, OLD), sv("SV3", OLD, lv("LV3"))))),
    ),
    "wrong-link": (
        of_bv(sv("SV1", OLD), sv("SV9", OLD, lv("LV1"))),
        of_bv(sv("SV9", OLD, lv("LV9"))),
    ),
    "sv-shown-elsewhere": (of_bv(sv("SV1", OLD, lv("LV9"))), of_bv(linked(1, OLD), sv("SV9", OLD, lv("LV9")))),
    "sv-guarded": (of_bv(linked(1, OLD, guard="on")), of_bv(linked(1, OLD), sv("SV9", OLD, guard="on"))),
    "bv-not-normal": (of_bv(state="fault"), of_bv(state="normal")),
    "restoring": (of_bv(sv("SV9", OLD, state="rst/exec")), FINE),
    "changing": (of_bv(sv("SV9", OLD, state="snap/deleting")), of_bv(sv("SV9", None, state="-"))),
    "access-unknown": (of_bv(sv("SV1", OLD, lv("LV1", "nr"))), of_bv(sv("SV1", OLD, lv("LV1", "ro")))),
    "too-soon": (of_bv(linked(1, 30 * MINUTE - 1)), of_bv(linked(1, 30 * MINUTE))),
    "not-needed": (BY_TIMER._replace(trigger="icinga"), BY_TIMER),
    "needs-person": (AGED._replace(history=History(mixed=True)), AGED),
}
TABLE_CODES: Final = [code for code, _ in TABLE]
BY_ALARM: Final = ("not-needed", "needs-person")
WOUNDS: Final = [code for code in TABLE_CODES if code not in BY_ALARM]
BEGINNING: Final = ("run-on", "disabled", "unfinished", "journal-unreadable", "locked")
UNATTENDED: Final = ("not-automatic", "key-spent", "killed", "outside-window", "cooling-down", "over-budget")
LATER: Final = ("plan-changed", "pre-resync-failed", "in-use")
IN_THE_SPOOL: Final = ("unknown-selector", "request-rejected")
ORDER: Final = (
    "run-on disabled unfinished journal-unreadable locked not-automatic key-spent killed outside-window cooling-down "
    "over-budget prerequisite ambiguous-array state-unreadable unexpected-state not-found wrong-bv wrong-link "
    "sv-shown-elsewhere sv-guarded bv-not-normal restoring changing access-unknown too-soon not-needed needs-person"
).split()


def said_to(world: World) -> tuple[str, str, str]:
    """Code, evidence and hint."""
    said = world.refusal()
    assert said is not None
    return said


def test_every_guard_of_a_reading_or_a_journal_has_a_case() -> None:
    """No refusal is left without a situation that raises it, but for those given during a run or before any guard."""
    assert [*CASES] == ORDER
    assert {*CASES, *LATER, *IN_THE_SPOOL} == set(CATALOGUE)


def test_the_guards_stand_in_the_order_of_the_catalogue() -> None:
    """What is documented as asked first is asked first."""
    tables = [code for code, _ in (*beginning.BEGINNING, *beginning.UNATTENDED, *TABLE)]
    assert tables == ORDER
    assert list(CATALOGUE) == [*ORDER, *LATER, *IN_THE_SPOOL]
    assert (tables[:5], tables[5:11]) == ([*BEGINNING], [*UNATTENDED])


@pytest.mark.parametrize("code", CASES)
def test_a_guard_has_its_situation_and_its_near_miss(code: str) -> None:
    """It refuses with evidence and a hint, and lets the situation just beside it pass."""
    world, near = CASES[code]
    said = world.refusal()
    assert said is not None
    assert said.code == code
    assert said.text
    assert said.hint
    assert near.refused() is None


@pytest.mark.parametrize("code", CASES)
def test_force_bypasses_too_soon_and_nothing_else(code: str) -> None:
    """The same situation, forced."""
    assert CASES[code][0].refused(force=True) == (None if code == "too-soon" else code)


def test_exit_codes_of_refusals() -> None:
    """3 refused, 4 too soon, 7 locked."""
    assert {code: refusal(code, "text").exit for code in CATALOGUE if refusal(code, "text").exit != 3} == {
        code: exit_code
        for code, exit_code in {"too-soon": 4, "key-spent": 4, "not-needed": 4, "locked": 7}.items()
        if code in CATALOGUE
    }
    assert EXITS["too-soon"] == 4


# --- the order -------------------------------------------------------------------------------------------------------


def wounded(codes: tuple[str, ...]) -> World:
    """Fourteen pairs, each on its own BV; every code spoils one of them."""
    numbers = {code: number for number, code in enumerate(WOUNDS, start=1)}
    screens: list[BvScreen] = []
    homes: dict[str, str | Unread | None] = {}
    for code, number in numbers.items():
        made = spoil(code if code in codes else "", number)
        gone = NOT_RUN if code == "prerequisite" else None
        homes.update({f"SV{number}": gone} if made is None else {})
        screens.extend([] if made is None else [made])
    inventory = Inventory(("A", "B"), None) if "ambiguous-array" in codes else ONE_ARRAY
    of = resource(*(pair(f"LV{number}") for number in numbers.values()))
    young = 10 * MINUTE if "too-soon" in codes else 0
    known = {f"BV{number}": (f"LV{number}",) for number in numbers.values()}
    seen = observation(*screens, bv_of=homes, inventory=inventory, seen=known)
    return World(seen, of._replace(limits=Limits(min_delay=OLD + young)))


def spoil(code: str, number: int) -> BvScreen | None:
    """BVn with SVn and LVn, spoilt as `code` says; None where the SV is gone."""
    sound, name = linked(number, OLD), f"SV{number}"
    extra = f"X{number}"
    match code:
        case "state-unreadable":
            return screen(f"BV{number}", sound, unread=[extra])
        case "unexpected-state":
            return screen(f"BV{number}", sound, sv(extra, OLD, state="odd"))
        case "prerequisite" | "not-found":
            return None
        case "wrong-bv":
            return screen(f"BV{number}", sound, sv(extra, OLD, lv("LV1")))
        case "wrong-link":
            return screen(f"BV{number}", sv(name, OLD), sv(extra, OLD, lv(f"LV{number}")))
        case "sv-shown-elsewhere":
            return screen(f"BV{number}", sv(name, OLD, lv("LV99")))
        case "sv-guarded":
            return screen(f"BV{number}", linked(number, OLD, guard="on"))
        case "bv-not-normal":
            return screen(f"BV{number}", sound, state="fault")
        case "restoring":
            return screen(f"BV{number}", sound, sv(extra, OLD, state="rst/exec"))
        case "changing":
            return screen(f"BV{number}", sound, sv(extra, OLD, state="snap/deleting"))
        case "access-unknown":
            return screen(f"BV{number}", sv(name, OLD, lv(f"LV{number}", "nr")))
        case _:
            return screen(f"BV{number}", sound)


def test_the_unwounded_world_passes() -> None:
    """Fourteen sound pairs: nothing is refused."""
    assert wounded(()).refused() is None


@pytest.mark.parametrize("code", WOUNDS)
def test_each_wound_alone_is_named(code: str) -> None:
    """Among fourteen pairs one wound is enough, and its own guard names it."""
    assert wounded((code,)).refused() == code


@pytest.mark.parametrize(("first", "second"), list(combinations(WOUNDS, 2)))
def test_of_two_reasons_the_first_of_the_table_is_named(first: str, second: str) -> None:
    """Where two guards would refuse, the one that stands first in the table does."""
    assert wounded((first, second)).refused() == first


@pytest.mark.parametrize(("first", "second"), list(pairwise(BEGINNING)))
def test_the_guards_of_the_journal_come_first_and_in_order(first: str, second: str) -> None:
    """Configuration before journal, journal before the array."""
    histories: dict[str, History | Unread] = {
        "unfinished": unfinished("LV1"),
        "journal-unreadable": CUT,
        "locked": running(),
    }
    both = {first, second}
    nodes = frozenset({"node2"} if "run-on" in both else ())
    history = next((histories[code] for code in BEGINNING if code in both & histories.keys()), History())
    of = ONE._replace(run_on=nodes, disabled="disabled" in both)
    assert World(observation(bv_of={"SV1": FAILED}), of, history).refused() == first


# --- the edges of single guards --------------------------------------------------------------------------------------


def test_disabled_names_its_reason() -> None:
    """`disable = true` and the tag noaction are the same refusal with other evidence."""
    texts = [World(FINE.seen, of).refusal() for of in (ONE._replace(disabled=True), ONE._replace(no_action=True))]
    assert [said.text for said in texts if said] == ["`disable = true`", "tag `noaction`"]


def test_two_arrays_pass_where_names_are_declared_unique() -> None:
    """`unique_names` is the administrator's word that no volume name exists twice."""
    both = World(healthy(inventory=Inventory(("A", "B"), None)))
    assert both._replace(array=both.array._replace(unique_names=True)).refused(force=True) is None
    remembered = World(healthy(inventory=None, arrays=("A", "B")))
    assert remembered.refused(force=True) == "ambiguous-array"


def test_an_lv_nobody_lists_is_not_found() -> None:
    """Whole screens, never seen: the LV does not exist."""
    assert World(observation(screen("BV1", sv("SV1", OLD)), links={"BV1": rows()}), ONE).refused() == "not-found"


@pytest.mark.parametrize("memory", ["map", "journal"])
def test_an_lv_remembered_on_another_bv_is_on_the_wrong_bv(memory: str) -> None:
    """Whole screens of the SV's BV do not list the LV, but a reading or a run once saw it on BV2: both are named."""
    seen = {"BV2": ("LV1",)} if memory == "map" else {}
    history = History(home={LdName("LV1"): LdName("BV2")}) if memory == "journal" else History()
    world = World(observation(screen("BV1", sv("SV1", OLD)), links={"BV1": rows()}, seen=seen), ONE, history)
    said = world.refusal()
    assert said is not None
    assert (said.code, said.text) == ("wrong-bv", "LV LV1 was last seen on BV BV2, SV SV1 belongs to BV BV1")
    # An LV that is there now may have been anywhere before.
    here = observation(screen("BV1", linked(1, OLD)), seen={"BV2": ("LV1",)})
    assert World(here, ONE, history).refused() is None


def test_a_link_list_alone_names_the_bv_of_an_lv() -> None:
    """The LV stands on the link list of another BV that this reading asked about: the wrong BV, not `not-found`."""
    two = observation(
        screen("BV1", sv("SV1", OLD)),
        screen("BV2", sv("SV2", OLD)),
        links={"BV1": rows(), "BV2": rows(("LV1", "unlink", None), ("LV2", "unlink", None))},
    )
    said = World(two, resource(pair("LV1"), pair("LV2"))).refusal()
    assert said is not None
    assert (said.code, said.text) == ("wrong-bv", "LV LV1 belongs to BV BV2, SV SV1 to BV BV1")


def test_alternatives_on_two_bvs_are_the_wrong_bv() -> None:
    """An LV can only show SVs of its own BV."""
    seen = observation(screen("BV1", linked(1, OLD)), screen("BV2", sv("SV9", OLD)))
    assert World(seen, resource(pair("LV1", "SV1", "SV9"))).refused() == "wrong-bv"


def test_faulty_and_empty_svs_may_be_created() -> None:
    """That is the repair, and no minimum delay stands in its way."""
    for record in (linked(1, 60, state="snap/fault"), linked(1, None, state="-"), linked(1, None)):
        assert World(observation(screen("BV1", record)), ONE).refused() is None


def test_a_detached_lv_is_never_too_soon() -> None:
    """An image of a minute ago that nobody can see is refreshed all the same; its access must be known."""
    loose = World(observation(screen("BV1", sv("SV1", 60)), seen={"BV1": ("LV1",)}), ONE)
    assert loose.refused() == "access-unknown"
    for access, wanted in (("rw", None), ("ro", None), ("nr", "access-unknown"), ("odd", "access-unknown")):
        assert loose._replace(history=History(access={LdName("LV1"): access})).refused() == wanted
    assert loose._replace(of=ONE._replace(access=AccessPolicy.RO)).refused() is None


def test_declared_access_needs_no_memory() -> None:
    """`access = rw` is enough, whatever the LV has now."""
    world = of_bv(sv("SV1", OLD, lv("LV1", "nr")))
    assert world._replace(of=ONE._replace(access=AccessPolicy.RW)).refused() is None


def test_the_oldest_image_decides_about_too_soon() -> None:
    """One pair is old enough: the resource may be refreshed; with both young it may not, and the oldest is named."""
    assert World(observation(screen("BV1", linked(1, OLD)), screen("BV2", linked(2, 60)))).refused() is None
    young = World(observation(screen("BV1", linked(1, 600)), screen("BV2", linked(2, 60)))).refusal()
    assert young is not None
    assert "SV1" in young.text
    assert "600 s" in young.text


def test_no_minimum_delay_is_never_too_soon() -> None:
    """`sync_min_delay = 0` switches the guard off, for a date in the future too."""
    for age in (0, -HOUR):
        world = World(observation(screen("BV1", linked(1, age))), ONE._replace(limits=Limits(min_delay=0)))
        assert world.refused() is None


def test_locked_and_unfinished_name_the_run() -> None:
    """Who runs it, and which LVs it left detached."""
    busy = CASES["locked"][0].refusal()
    left = CASES["unfinished"][0].refusal()
    assert busy is not None
    assert left is not None
    assert busy.text == "run r1 by root on node1 (process 7) is at work: create BV1 SV1"
    assert (
        left.text
        == "run r1 by root on node1 (process 7) has no end; by its journal these LVs were detached or unknown: LV1"
    )


def test_a_plan_hash_tells_any_two_plans_apart() -> None:
    """Order, borders between words and the last word all count."""
    texts = ("a b|c", "c|a b", "a|b c", "a b c", "ab|c", "a b|c|")
    plans = [tuple(tuple(argv.split()) for argv in text.split("|")) for text in texts]
    assert len({plan_hash(plan) for plan in plans}) == len(plans)


def situation(state: str, guard: str, link: str, access: str, shown: str | None, other: str, bv: str) -> World:
    """SV1 with these words, shown by LV `shown`, beside another SV of the same BV."""
    own = sv("SV1", OLD, lv(shown, access) if shown else None, link if shown else None, state=state, guard=guard)
    links = {} if shown else {"BV1": rows(("LV1", "unlink", None))}
    seen = observation(screen("BV1", own, sv("SV9", OLD, state=other), state=bv), seen={"BV1": ("LV1",)}, links=links)
    return World(seen, ONE, History(access={LdName("LV1"): "rw"}))


SITUATIONS = st.builds(
    situation,
    st.sampled_from(["snap/active", "snap/fault", "snap/deleting", "rst/exec", "odd", "-"]),
    st.sampled_from(["off", "on", "odd"]),
    st.sampled_from(["link", "unlink", "odd"]),
    st.sampled_from(["rw", "ro", "nr", "odd"]),
    st.sampled_from(["LV1", "LV9", None]),
    st.sampled_from(["snap/active", "snap/fault", "snap/deleting", "rst/exec", "odd"]),
    st.sampled_from(["normal", "fault", "odd"]),
)


@given(SITUATIONS)
def test_what_passes_is_safe(world: World) -> None:
    """Whatever the words: a run that may start finds a normal BV, nothing in motion, no guard, and its own LV."""
    if world.refused(force=True) is not None:
        return
    [one] = world.situation().subjects
    assert one.lv.link is LinkState.DETACHED or (one.lv.link is LinkState.LINKED and one.lv.shown == "SV1")
    assert one.target.record is not None
    assert one.target.screen is not None
    assert (one.target.record.guard_word, one.target.screen.state_word) == ("off", "normal")
    assert one.target.record.lv is None or one.target.record.lv.name == "LV1" or one.target.record.link_word == "unlink"
    assert one.target.state in {SnapshotState.ACTIVE, SnapshotState.FAULT, SnapshotState.UNKNOWN, SnapshotState.EMPTY}
    assert one.target.state is not SnapshotState.UNKNOWN
    words = {record.state_word for record in one.target.screen.records.values() if not isinstance(record, Unread)}
    assert words <= {"snap/active", "snap/fault", "-"}


# --- what is missing on this host ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["the BV of an SV", "a base volume", "a link list", "the arrays"])
def test_a_command_that_did_not_run_is_a_prerequisite_wherever_it_was_asked(where: str) -> None:
    """The same failure of a command that did run stays `state-unreadable`, with its words."""

    def world(why: Unread) -> World:
        bare = screen("BV1", sv("SV1", OLD))
        return {
            "the BV of an SV": World(observation(bv_of={"SV1": why}), ONE),
            "a base volume": World(observation(bv_of={"SV1": "BV1"}, bvs={"BV1": why}), ONE),
            "a link list": World(observation(bare, links={"BV1": why}), ONE),
            "the arrays": World(observation(screen("BV1", linked(1, OLD)), inventory=why), ONE),
        }[where]

    assert said_to(world(NOT_RUN))[:2] == ("prerequisite", NOT_RUN.text)
    assert said_to(world(FAILED))[0] == "state-unreadable"
    assert FAILED.text in said_to(world(FAILED))[1]


@pytest.mark.parametrize(
    ("word", "code"), [("", "unexpected-state"), ("-", "unexpected-state"), ("unlink", "state-unreadable")]
)
def test_an_image_is_not_replaced_under_an_lv_whose_link_is_denied(word: str, code: str) -> None:
    """That an SV without a link has no LV under it is inferred: a lost or false word would take it from a host."""
    shown = sv("SV1", HOUR, lv("LV1"), word)
    declared = ONE._replace(access=AccessPolicy.RW)
    assert FINE._replace(seen=observation(screen("BV1", shown)), of=declared).refused(force=True) == code
