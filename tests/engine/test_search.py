"""The engine against everything that can happen to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from necism_monitor.domain import sequence
from necism_monitor.domain.events import (
    DETACHED,
    Closed,
    Create,
    Done,
    Event,
    Kind,
    Link,
    Observe,
    Plan,
    PlannedPair,
    Step,
    SvFact,
    Unclear,
    Unlink,
)
from necism_monitor.domain.model import Order
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import Run, apply
from necism_monitor.domain.sequence import next_steps
from tests.engine.model import Broken, Truth
from tests.engine.search import Walk


def pair_of(number: int, bv: int, kind: str = "plain", access: str = "rw") -> PlannedPair:
    """Pair `number` on BV `bv`: plain, alternating, detached (it shows nothing), or faulty (its image is useless)."""
    target, other = LdName(f"SV{number}"), LdName(f"SV{number}b")
    previous = {"plain": target, "alternating": other, "detached": None, "faulty": target}[kind]
    stamp = None if kind == "faulty" else "old"
    return PlannedPair(LdName(f"LV{number}"), LdName(f"BV{bv}"), target, previous, access, stamp)


def world(order: Order, parallel: int, *pairs: PlannedPair) -> tuple[Plan, Truth]:
    """The plan of these pairs, and the array as they found it."""
    images = {pair.target: pair.stamp or "fault" for pair in pairs}
    images |= {pair.previous: "old" for pair in pairs if pair.previous and pair.previous != pair.target}
    truth = Truth(tuple((pair.lv, pair.previous) for pair in pairs), tuple(sorted(images.items())))
    return Plan(pairs, order, parallel), truth


def two_pairs(order: Order, parallel: int, bvs: int, *, alternating: bool) -> tuple[Plan, Truth]:
    """Two pairs on one or two BVs, every LV linked to an old image."""
    kind = "alternating" if alternating else "plain"
    return world(order, parallel, *(pair_of(number, min(number, bvs), kind) for number in (1, 2)))


@pytest.mark.parametrize("alternating", [False, True], ids=["plain", "alternating"])
@pytest.mark.parametrize("bvs", [1, 2], ids=["one-bv", "two-bvs"])
@pytest.mark.parametrize("order", list(Order), ids=lambda order: order.value)
def test_two_faults_and_one_death_anywhere_leave_no_lv_detached_in_silence(
    order: Order, bvs: int, alternating: bool, record_property: Callable[[str, object], None]
) -> None:
    """With any two faults and a death at any point, the run, or its resume, ends as the invariants say."""
    walk = Walk()
    for parallel in (1, 2) if bvs > 1 else (1,):
        plan, truth = two_pairs(order, parallel, bvs, alternating=alternating)
        walk.explore(plan, truth, faults=2, deaths=1)
    record_property("figure", f"search {order.value} {bvs} BV: {walk.positions} positions, {walk.moves} moves")
    assert walk.endings > 0
    assert walk.liars_given_up > 0, "a link that lies any number of times is given up"


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
    for parallel in (1, 2) if len(pairs) == 2 and pairs[0].bv != pairs[1].bv else (1,):
        walk.explore(
            *world(order, parallel, *pairs), faults=2 if {pair.bv for pair in pairs} == {"BV1"} else 1, deaths=1
        )
    assert walk.endings > 0


def create_first(run: Run) -> tuple[Step, ...] | Closed:
    """A mutant: it creates while the LV still shows the SV."""
    steps = next_steps(run)
    if isinstance(steps, Closed):
        return steps
    return tuple(Create(step.bv, step.sv) if isinstance(step, Unlink) else step for step in steps)


def unreadable_ignored(run: Run) -> tuple[Step, ...] | Closed:
    """A mutant: what could not be read counts as detached, and as an image."""
    lvs = {lv: DETACHED if shown is None else shown for lv, shown in run.lvs.items()}
    svs = {sv: fact or SvFact(Kind.ACTIVE, "new") for sv, fact in run.svs.items()}
    return next_steps(run._replace(lvs=lvs, svs=svs))


def believing(run: Run, event: Event) -> Run:
    """A mutant: a command whose end is in doubt counts as done, and nothing is read again."""
    if isinstance(event, Unclear) and event.landed and not isinstance(event.step, Observe):
        return apply(run, Done(event.step, "new" if isinstance(event.step, Create) else None))
    return apply(run, event)


def reading_too_early(run: Run) -> tuple[Step, ...] | Closed:
    """A mutant: it reads a BV on which a command of ours may still land."""
    steps = next_steps(run)
    early = tuple(Observe(step.bv) for step in run.adrift if Observe(step.bv) not in run.in_flight)
    return steps if isinstance(steps, Closed) else (*steps, *early)


def going_on(run: Run) -> tuple[Step, ...] | Closed:
    """A mutant: a failure does not turn the run back."""
    return next_steps(run._replace(turn_back=None))


def linking_anything(run: Run) -> tuple[Step, ...] | Closed:
    """A mutant: it links an LV to a target that holds no image."""
    steps = next_steps(run)
    if isinstance(steps, Closed) or not run.turn_back:
        return steps
    away = [pair for pair in run.plan.pairs if run.lvs[pair.lv] is DETACHED]
    busy = {step.bv for step in run.in_flight}
    return steps or tuple(Link(pair.bv, pair.lv, pair.target, None) for pair in away[:1] if pair.bv not in busy)


def two_at_once(run: Run) -> tuple[Step, ...] | Closed:
    """A mutant: it forgets what is in flight."""
    return next_steps(run._replace(in_flight=frozenset(), adrift=frozenset()))


def blindly_closed(run: Run) -> tuple[Step, ...] | Closed:
    """A mutant: it ends without the reading that verifies."""
    return next_steps(run._replace(unverified=frozenset()))


ENGINES = (
    create_first,
    unreadable_ignored,
    reading_too_early,
    going_on,
    linking_anything,
    two_at_once,
    blindly_closed,
)


def plans() -> Iterator[tuple[Plan, Truth]]:
    """Small worlds in which every mutant can do its harm."""
    yield two_pairs(Order.SET, 1, 1, alternating=False)
    yield two_pairs(Order.SET, 2, 2, alternating=False)


def explore_all(walk: Walk) -> None:
    """One fault and one death in each small world."""
    for plan, truth in plans():
        walk.explore(plan, truth, faults=1, deaths=1)


@pytest.mark.parametrize("mutant", ENGINES, ids=lambda mutant: mutant.__name__)
def test_a_planted_mutant_of_the_engine_is_caught(mutant: object) -> None:
    """The search is sharp enough to find each of these."""
    with pytest.raises(Broken):
        explore_all(Walk(engine=mutant))  # type: ignore[arg-type]  # all mutants have the engine's signature


def test_not_reading_again_after_doubt_is_caught() -> None:
    """Believing that a command in doubt had its effect breaks an invariant."""
    with pytest.raises(Broken):
        explore_all(Walk(change=believing))


def test_the_small_worlds_are_sound_without_a_mutant() -> None:
    """What catches the mutants does not catch the engine itself."""
    explore_all(Walk())


def test_forgetting_the_access_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that would never insist on the access would end as done with the wrong one."""
    monkeypatch.setattr(sequence, "_must_insist", lambda _run, _pair: False)
    with pytest.raises(Broken, match="access"):
        explore_all(Walk())
