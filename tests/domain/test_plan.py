"""What a reading proves about planned pairs: only what a whole screen says, word by word."""

from typing import Final

import pytest

from necism_monitor.domain.events import DETACHED, Kind, PlannedPair, Row
from necism_monitor.domain.history import History
from necism_monitor.domain.model import AccessPolicy, Order
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import make_plan, rows_of, sv_fact
from necism_monitor.domain.reading import BvScreen, Unread
from necism_monitor.domain.states import Words
from tests.domain.builders import GARBLED, HOUR, World, healthy, linked, lv, observation, pair, resource, screen, sv

ONE: Final = PlannedPair(LdName("LV1"), LdName("BV1"), LdName("SV1"), LdName("SV1"), "rw", "2024/03/01 11:00:00")


def row(one: BvScreen, planned: PlannedPair = ONE) -> Row | Unread:
    """What the screen says about one planned pair."""
    found = rows_of((planned,), one, Words())
    return found if isinstance(found, Unread) else found[0]


def proven(one: BvScreen, planned: PlannedPair = ONE) -> Row:
    found = row(one, planned)
    assert isinstance(found, Row)
    return found


def test_a_linked_pair_is_proven() -> None:
    """The SV shown, the access, the date as printed, the device."""
    found = proven(screen("BV1", linked(1), sv("SV9")))
    assert (found.shown, found.access, found.device) == ("SV1", "rw", "/dev/sdx")
    assert found.target is not None
    assert (found.target.kind, found.target.stamp) == (Kind.ACTIVE, "2024/03/01 11:00:00")


def test_a_detached_pair_is_proven_by_a_whole_screen() -> None:
    """Every record was read and none shows the LV; or its own record says so."""
    assert proven(screen("BV1", sv(), sv("SV9", HOUR, lv("LV9")))).shown is DETACHED
    assert proven(screen("BV1", sv("SV1", HOUR, lv("LV1"), "unlink"))).shown is DETACHED


@pytest.mark.parametrize(
    "one",
    [
        screen("BV1", sv(), broken=GARBLED),
        screen("BV1", sv(), unread=["SV9"]),
        screen("BV1", unread=["SV1"]),
        screen("BV1", sv("SV9")),
        screen("BV1", sv(), sv("SV9", HOUR, link="linking")),
        screen("BV1", sv("SV1", HOUR, lv("LV1"), "odd")),
        screen("BV1", linked(1), sv("SV9", HOUR, lv("LV1"))),
    ],
)
def test_anything_less_proves_nothing(one: BvScreen) -> None:
    """A lost line, an unread or missing record, a word nobody decided about, two that claim one LV: unread."""
    assert isinstance(row(one), Unread)


def test_a_previous_sv_must_be_listed_too() -> None:
    """Alternating: turning back needs what the LV showed before."""
    turns = ONE._replace(target=LdName("SV9"))
    assert proven(screen("BV1", linked(1), sv("SV9")), turns).previous is not None
    assert isinstance(row(screen("BV1", sv("SV9")), turns), Unread)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("snap/active", Kind.ACTIVE),
        ("snap/deleting", Kind.MOVING),
        ("rst/exec", Kind.MOVING),
        ("snap/fault", Kind.USELESS),
        ("odd", Kind.USELESS),
        ("", Kind.USELESS),
    ],
)
def test_what_an_sv_is_good_for(state: str, kind: Kind) -> None:
    """Only `snap/active` can be linked; what moves is waited for; everything else is useless."""
    assert sv_fact(sv(state=state), Words()).kind is kind


def test_a_plan_keeps_the_order_of_the_configuration() -> None:
    """Pairs as written, order and parallelism as declared."""
    of = resource(pair("LV2"), pair("LV1"), order=Order.PAIR, parallel=2)
    plan, facts = make_plan(World(healthy(), of).basis())
    assert [one.lv for one in plan.pairs] == ["LV2", "LV1"]
    assert (plan.order, plan.parallel, plan.bvs) == (Order.PAIR, 2, ("BV2", "BV1"))
    assert set(facts) == {"SV1", "SV2"}


@pytest.mark.parametrize(
    ("policy", "shown", "known", "wanted"),
    [
        (AccessPolicy.KEEP, "ro", None, "ro"),
        (AccessPolicy.KEEP, "rw", "ro", "rw"),
        (AccessPolicy.KEEP, None, "ro", "ro"),
        (AccessPolicy.RW, "ro", "ro", "rw"),
        (AccessPolicy.RO, None, None, "ro"),
    ],
)
def test_the_access_given_back(policy: AccessPolicy, shown: str | None, known: str | None, wanted: str) -> None:
    """Declared, else what the LV has, else what the journal knows."""
    record = sv("SV1", HOUR, lv("LV1", shown)) if shown else sv()
    seen = observation(screen("BV1", record), seen={"BV1": ("LV1",)})
    history = History(access={LdName("LV1"): known} if known else {})
    plan, _ = make_plan(World(seen, resource(pair("LV1"), access=policy), history).basis())
    assert (plan.pairs[0].access, plan.pairs[0].previous) == (wanted, LdName("SV1") if shown else None)
