"""The engine against everything that can happen to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from necism_monitor.domain.events import GATE, POST, PRE
from necism_monitor.domain.model import Order
from tests.engine.search import Graph, Walk
from tests.engine.store import Store, keep, key_of, reduce
from tests.engine.worlds import GATED, HOOKED, KINDS, pair_of, settings, shape, world

Record = Callable[[str, object], None]


def search(
    record: Record, shape_name: str, alternation: str, faults: int, deaths: int, walk: Walk | None = None
) -> Walk:
    """Every order and every number of BVs at once of a shape; what was explored is printed at the end of the tests."""
    walk = walk or Walk()
    for order, parallel in settings(alternation, int(shape_name[-1])):
        walk.explore(*shape(order, parallel, shape_name, alternation), faults, deaths)
    told = f"{walk.positions} positions, {walk.moves} moves, {walk.endings} ends"
    record("figure", f"search {shape_name}, {alternation} alternating, {faults} faults, {deaths} deaths: {told}")
    return walk


@pytest.mark.parametrize("alternation", list(KINDS))
@pytest.mark.parametrize("shape_name", ["2-on-1", "2-on-2"])
def test_two_faults_and_one_death_anywhere_leave_no_lv_detached_in_silence(
    shape_name: str, alternation: str, record_property: Record
) -> None:
    """With any two faults and a death at any point, the run, or its resume, keeps every invariant."""
    walk = search(record_property, shape_name, alternation, faults=2, deaths=1)
    assert walk.liars_given_up > 0, "a link that lies any number of times is given up"


@pytest.mark.parametrize("alternation", list(KINDS))
def test_four_pairs_on_two_base_volumes_stand_one_fault_and_one_death(
    alternation: str, record_property: Record
) -> None:
    """Four pairs keep every invariant with any fault and a death at any point."""
    assert search(record_property, "4-on-2", alternation, faults=1, deaths=1).endings > 0


@pytest.mark.long
@pytest.mark.parametrize("alternation", list(KINDS))
def test_four_pairs_on_two_base_volumes_stand_two_faults_and_one_death(
    alternation: str, record_property: Record
) -> None:
    """Four pairs keep every invariant with any two faults and a death at any point."""
    assert search(record_property, "4-on-2", alternation, faults=2, deaths=1).liars_given_up > 0


@pytest.mark.long
@pytest.mark.parametrize("alternation", list(KINDS))
@pytest.mark.parametrize(("shape_name", "faults", "deaths"), [("2-on-1", 3, 2), ("2-on-2", 2, 2)])
def test_a_resume_that_is_killed_as_well_is_resumed_again(
    shape_name: str, faults: int, deaths: int, alternation: str, record_property: Record
) -> None:
    """Two deaths, the second also while somebody resumes the run, beside two or three faults."""
    assert search(record_property, shape_name, alternation, faults, deaths).endings > 0


HOOKS = {"all": HOOKED, "pre": (PRE, GATE), "post": (GATE, POST), "no": ()}


@pytest.mark.parametrize(
    ("hooks", "alternation"),
    [*(("all", alternation) for alternation in KINDS), ("pre", "all"), ("post", "none"), ("no", "one")],
)
def test_hooks_that_fail_or_die_neither_lose_an_lv_nor_forget_a_consumer(
    hooks: str, alternation: str, record_property: Record
) -> None:
    """A hook fails, is killed at its time limit, or dies with the process: the gate is kept, what is owed is paid."""
    walk = Walk()
    for order, parallel in settings(alternation, 1):
        walk.explore(*shape(order, parallel, "2-on-1", alternation, HOOKS[hooks]), faults=2, deaths=1)
    walk.explore(*shape(Order.SET, 2, "2-on-2", alternation, HOOKS[hooks]), faults=1, deaths=1)
    record_property(
        "figure", f"search {hooks} hooks, {alternation} alternating: {walk.positions} positions, {walk.moves} moves"
    )
    assert walk.endings > 0


MIXES: dict[str, tuple[tuple[int, int, str, str], ...]] = {
    "detached": ((1, 1, "detached", "rw"), (2, 1, "plain", "rw")),
    "faulty": ((1, 1, "faulty", "rw"), (2, 2, "plain", "rw")),
    "detached-and-faulty": ((1, 1, "detached", "rw"), (2, 1, "faulty", "rw")),
    "read-only": ((1, 1, "plain", "ro"), (2, 1, "alternating", "ro")),
    "three": ((1, 1, "plain", "rw"), (2, 1, "alternating", "rw"), (3, 2, "plain", "rw")),
    "three-alternating": ((1, 1, "alternating", "rw"), (2, 2, "alternating", "rw"), (3, 2, "detached", "rw")),
}


@pytest.mark.parametrize("order", list(Order), ids=lambda order: order.value)
@pytest.mark.parametrize("mix", list(MIXES))
def test_mixed_resources_keep_the_invariants(mix: str, order: Order) -> None:
    """Detached LVs, faulty SVs, read-only LVs and pairs that take turns beside plain ones: one fault and one death."""
    walk = Walk()
    pairs = [pair_of(*arguments) for arguments in MIXES[mix]]
    one_bv = {pair.bv for pair in pairs} == {"BV1"}
    for parallel in (1, 2) if len(pairs) == 2 and not one_bv else (1,):
        for hooks in (GATED, HOOKED) if order is Order.SET else (GATED,):
            walk.explore(*world(order, parallel, *pairs, hooks=hooks), faults=2 if one_bv else 1, deaths=1)
    assert walk.endings > 0


@pytest.mark.parametrize("alternation", list(KINDS))
def test_a_death_between_two_lines_of_one_reading_is_stood(alternation: str) -> None:
    """A reading of many pairs takes several lines; here each row takes one, and the process may die after any."""
    walk = Walk(rows_a_line=1)
    for order, parallel in settings(alternation, 1):
        walk.explore(*shape(order, parallel, "2-on-1", alternation), faults=2, deaths=1)
    assert walk.endings > 0


def projected(graph: Graph) -> set[object]:
    """The positions of a walk, each run reduced to what can decide something."""
    store: Store = graph.store
    keys = [key_of(reduce(run)) for run in store.runs]
    return {(keys[at.run], store.truths[at.truth], keys[at.left] if at.left >= 0 else None) for at in graph.at}


@pytest.mark.parametrize(
    ("shape_name", "hooks"), [("2-on-1", HOOKED), ("2-on-2", GATED)], ids=["one-bv-hooks", "two-bvs-gate"]
)
@pytest.mark.parametrize("alternation", list(KINDS))
def test_what_the_search_leaves_out_of_a_run_decides_nothing(
    shape_name: str, alternation: str, hooks: tuple[str, ...]
) -> None:
    """A walk that tells runs apart by every field comes to the same positions as one that reduces them."""
    plan, truth = shape(Order.SET, 1, shape_name, alternation, hooks)
    full = Walk(reducing=keep).explore(plan, truth, faults=1, deaths=1)
    assert projected(full) == projected(Walk().explore(plan, truth, faults=1, deaths=1))


def test_a_walk_comes_to_the_same_positions_whatever_was_walked_before() -> None:
    """That a position is not walked again with less left loses none: every smaller walk is part of the greater one."""
    plan, truth = shape(Order.SET, 1, "2-on-1", "none")
    walks = {
        (faults, deaths): projected(Walk().explore(plan, truth, faults, deaths))
        for faults in range(3)
        for deaths in range(2)
    }
    assert all(found <= walks[2, 1] for found in walks.values())
    assert len(walks[0, 0]) < len(walks[1, 0]) < len(walks[2, 0])
