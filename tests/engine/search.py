"""An exhaustive walk over everything that can happen to a run: order of completions, faults, deaths and recoveries.

A position is (run, truth, faults left, deaths left).  From each position every begin, every completion with every
outcome, every late effect, every giving up and every death of the process is tried, once per position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from necism_monitor.domain.events import (
    Began,
    Closed,
    Create,
    Done,
    Event,
    GaveUp,
    Link,
    Observe,
    Plan,
    PlannedPair,
    Recovering,
    Step,
    SvFact,
    TurnBack,
    Unclear,
)
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import Run, apply, start
from necism_monitor.domain.sequence import next_steps, stays_open
from tests.engine.model import Broken, Truth, accepted, active, answers, check_sent, effect, fact

Next = Callable[[Run], tuple[Step, ...] | Closed]
Apply = Callable[[Run, Event], Run]


class Position(NamedTuple):
    """Where a walk stands."""

    run: Run
    truth: Truth
    faults: int
    deaths: int


class Walk:
    """The search; `positions` and `moves` say how much was explored."""

    def __init__(self, engine: Next = next_steps, change: Apply = apply) -> None:
        self._engine, self._apply = engine, change
        self.positions = self.moves = self.endings = self.liars_given_up = 0

    def explore(self, plan: Plan, truth: Truth, faults: int, deaths: int) -> None:
        """Walk everything reachable; raises Broken at the first position that must not be."""
        svs: dict[LdName, SvFact | None] = {sv: fact(truth, sv) for sv, _ in truth.svs}
        first = Position(start(plan, svs), truth, faults, deaths)
        before: dict[object, list[object]] = {_key(first): []}
        heap, ends = [first], list[object]()
        while heap:
            position = heap.pop()
            self.positions += 1
            origin, endings = _key(position), self.endings
            for after in self._moves(position):
                self.moves += 1
                key = _key(after)
                if key not in before:
                    before[key] = []
                    heap.append(after)
                before[key].append(origin)
            ends += [origin] if self.endings > endings else []
        _check_ends_reachable(before, ends)

    def _moves(self, at: Position) -> Iterator[Position]:
        steps = self._engine(at.run)
        if isinstance(steps, Closed):
            self.endings += 1
            self.liars_given_up += bool(at.truth.liars & at.run.abandoned)
            _check_end(at, steps)
            if stays_open(at.run):
                yield from self._revive(at)
            return
        for step in (*steps, *self._overtaking(at.run, steps)):
            yield self._begin(at, step)
        for step in at.run.in_flight - at.run.adrift:
            for truth, event, cost in answers(at.truth, at.run, step, at.faults):
                yield Position(self._apply(at.run, event), truth, at.faults - cost, at.deaths)
        yield from self._late(at)
        yield from _given_up(at, steps)
        if at.faults and not at.run.turn_back:
            yield at._replace(run=apply(at.run, TurnBack("SIGTERM")), faults=at.faults - 1)
        if at.deaths and at.run.changed:
            yield from self._revive(at._replace(deaths=at.deaths - 1))

    def _overtaking(self, run: Run, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """What may begin while a link that failed waits for its next try."""
        tried = frozenset(step for step in steps if isinstance(step, Link) and run.attempts.get(step))
        others = next_steps(run, tried) if tried and self._engine is next_steps else ()
        return () if isinstance(others, Closed) else tuple(step for step in others if step not in steps)

    def _begin(self, at: Position, step: Step) -> Position:
        if not isinstance(step, Observe):
            if any(other.bv == step.bv for other in at.run.in_flight):
                raise Broken(f"two commands at once on {step.bv}")
            check_sent(at.truth, at.run.plan.pairs, step)
            if isinstance(step, Create) and (at.run.turn_back or at.run.recovering):
                raise Broken(f"create of {step.sv} after the run turned back")
        elif any(other.bv == step.bv for other in at.truth.pending):
            raise Broken(f"a reading of {step.bv} while a command may still land on it")
        return at._replace(run=apply(at.run, Began(step)))

    def _late(self, at: Position) -> Iterator[Position]:
        """An abandoned command lands, with or without effect, and is reaped."""
        for step in at.truth.pending & at.run.adrift:
            if isinstance(step, Observe):
                continue
            rest = at.truth._replace(pending=at.truth.pending - {step})
            if accepted(rest, step):
                done = Done(step, "new" if type(step).__name__ == "Create" else None)
                yield at._replace(run=apply(at.run, done), truth=effect(rest, step))
            yield at._replace(run=apply(at.run, Unclear(step, "failed late")), truth=rest)

    def _revive(self, at: Position) -> Iterator[Position]:
        """The process dies.  Its commands in flight land or not; then somebody resumes from the journal."""
        for truth in _landings(at.truth, at.run):
            yield at._replace(run=apply(at.run._replace(result=None), Recovering("resume")), truth=truth)


def _check_ends_reachable(before: dict[object, list[object]], ends: list[object]) -> None:
    """From every position there is a way to an end: nothing that repeats itself goes on for ever."""
    reached, heap = set(ends), list(ends)
    while heap:
        for origin in before[heap.pop()]:
            if origin not in reached:
                reached.add(origin)
                heap.append(origin)
    if len(reached) < len(before):
        raise Broken(f"{len(before) - len(reached)} positions from which no end can be reached")


def _landings(truth: Truth, run: Run) -> Iterator[Truth]:
    """Every combination of effects of what was in flight when the process died."""
    steps = [step for step in run.in_flight | truth.pending if not isinstance(step, Observe)]
    truths = [truth._replace(pending=frozenset())]
    for step in steps:
        truths += [effect(one, step) for one in truths if accepted(one, step)]
    yield from truths


def _given_up(at: Position, steps: tuple[Step, ...]) -> Iterator[Position]:
    """The interpreter's bounds: an abandoned command, a link that fails again, a BV that cannot be read or moves."""
    for step in at.run.adrift:
        yield at._replace(run=apply(at.run, GaveUp(step.bv, None, "bound")))
    for step in steps:
        again = at.run.attempts.get(step, 0) > 1
        if isinstance(step, Link) and again:
            yield at._replace(run=apply(at.run, GaveUp(step.bv, step.lv, "bound")))
        if isinstance(step, Observe) and again and not at.run.in_flight:
            yield at._replace(run=apply(at.run, GaveUp(step.bv, None, "bound")))


def _check_end(at: Position, result: Closed) -> None:
    """What must be true when a run ends, judged on the truth."""
    run, truth = at.run, at.truth
    for pair in run.plan.pairs:
        shown = truth.shown(pair.lv)
        if shown is None and (result.exit != 6 or pair.lv not in result.text):
            raise Broken(f"{pair.lv} is detached and exit {result.exit} says {result.text!r}")
        if shown is None and not stays_open(run) and any(active(truth.image(sv)) for sv in _usable(pair)):
            raise Broken(f"{pair.lv} is detached although an image is there, and the run is closed")
        if result.exit == 0 and not run.recovering and (shown != pair.target or truth.image(pair.target) != "new"):
            raise Broken(f"exit 0, but {pair.lv} shows {shown} with {truth.image(pair.target)!r}")
        if result.exit == 0 and not run.recovering and pair.lv in truth.wrong:
            raise Broken(f"exit 0, but the access of {pair.lv} is not {pair.access}")
        if result.exit in {0, 5} and shown not in {pair.target, pair.previous}:
            raise Broken(f"exit {result.exit}, but {pair.lv} shows {shown}")
    _check_images(at, result)
    if truth.pending and result.exit == 0:
        raise Broken("exit 0 while a command may still land")


def _check_images(at: Position, result: Closed) -> None:
    """`new` where every LV shows a new image, `old` where none does, `mixed` only where some do and some do not."""
    pairs, truth = at.run.plan.pairs, at.truth
    if result.images == "mixed" and len(pairs) == 1:
        raise Broken("a single image is said to be mixed")
    shown = [truth.shown(pair.lv) for pair in pairs]
    if result.exit not in {0, 5}:
        return
    new = {sv is not None and truth.image(sv) == "new" for sv in shown}
    true = "mixed" if len(new) > 1 else "new" if True in new else "old"
    if result.images != true:
        raise Broken(f"the images are said to be {result.images}, and are {true}")
    if result.exit == 5 and f"images {true}" not in result.text:
        raise Broken(f"the images are {true}, and exit 5 says {result.text!r}")


def _usable(pair: PlannedPair) -> list[LdName]:
    return [sv for sv in (pair.target, pair.previous) if sv]


def _key(at: Position) -> object:
    run = at.run
    return (
        frozenset(run.lvs.items()),
        frozenset(run.svs.items()),
        run.created,
        run.in_flight,
        run.adrift,
        run.doubted,
        run.unverified,
        run.closed,
        run.abandoned,
        run.insisted,
        frozenset((k, min(v, 2)) for k, v in run.attempts.items()),
        bool(run.failures),
        bool(run.turn_back),
        run.recovering,
        run.changed,
        at.truth,
        at.faults,
        at.deaths,
    )
