"""Engines, drivers and journals with one planted mistake each: the search must find every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from necism_monitor.domain.events import (
    DETACHED,
    PRE,
    Began,
    Closed,
    Create,
    Done,
    Event,
    Hook,
    Kind,
    Link,
    Observe,
    Recovering,
    Step,
    SvFact,
    TurnBack,
    Unclear,
    Unlink,
)
from necism_monitor.domain.run import Run, apply
from necism_monitor.domain.sequence import next_steps
from tests.engine.interpreter import WHOLE, Interpreter, Move, Position

NO_STEPS: Final[frozenset[Step]] = frozenset()
Steps = tuple[Step, ...] | Closed


def create_first(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It creates while the LV still shows the SV."""
    steps = next_steps(run, resting)
    if isinstance(steps, Closed):
        return steps
    return tuple(Create(step.bv, step.sv) if isinstance(step, Unlink) else step for step in steps)


def unreadable_ignored(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """What could not be read counts as detached, and as an image."""
    lvs = {lv: DETACHED if shown is None else shown for lv, shown in run.lvs.items()}
    svs = {sv: fact or SvFact(Kind.ACTIVE, "new") for sv, fact in run.svs.items()}
    return next_steps(run._replace(lvs=lvs, svs=svs), resting)


def reading_too_early(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It reads a BV on which a command of ours may still land."""
    steps = next_steps(run, resting)
    early = tuple(Observe(step.bv) for step in run.adrift if Observe(step.bv) not in run.in_flight)
    return steps if isinstance(steps, Closed) else (*steps, *early)


def going_on(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """A failure does not turn the run back."""
    return next_steps(run._replace(turn_back=None), resting)


def linking_anything(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It links an LV to a target that holds no image, rather than leave it detached."""
    steps = next_steps(run, resting)
    away = [pair for pair in run.plan.pairs if run.lvs[pair.lv] is DETACHED and pair.bv not in run.closed]
    last = tuple(Link(pair.bv, pair.lv, pair.target, None) for pair in away[:1])
    return last if isinstance(steps, Closed) and run.changed and last and last[0] not in run.attempts else steps


def two_at_once(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It forgets which commands are in flight."""
    hooks = frozenset(step for step in run.in_flight if isinstance(step, Hook))
    return next_steps(run._replace(in_flight=hooks, adrift=frozenset()), resting)


def blindly_closed(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It ends without the reading that verifies."""
    return next_steps(run._replace(unverified=frozenset()), resting)


def too_many_bvs(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It works on more BVs at once than it may."""
    return next_steps(run._replace(plan=run.plan._replace(parallel=run.plan.parallel + 1)), resting)


def creating_what_is_shown(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It creates the SV that the LV shows, not the one that waits."""
    steps = next_steps(run, resting)
    other = {pair.target: pair.previous or pair.target for pair in run.plan.pairs}
    if isinstance(steps, Closed):
        return steps
    return tuple(Create(step.bv, other[step.sv]) if isinstance(step, Create) else step for step in steps)


def tidying(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It takes an LV off an SV that somebody linked by hand."""
    steps = next_steps(run._replace(result=None), resting)
    if not isinstance(steps, Closed):
        return steps
    for pair in run.plan.pairs:
        shown = run.lvs[pair.lv]
        if isinstance(shown, str) and shown not in {pair.target, pair.previous}:
            return (Unlink(pair.bv, pair.lv, shown),)
    return steps


def stopping_beside_a_create(run: Run, resting: frozenset[Step] = NO_STEPS) -> Steps:
    """It stops the consumer while a create is still under way."""
    steps = next_steps(run, resting)
    waits = run.in_flight and not run.turn_back and PRE in run.plan.hooks and PRE not in run.hooks
    return (Hook(PRE),) if waits and not isinstance(steps, Closed) else steps


def believing(run: Run, event: Event) -> Run:
    """A command whose end is in doubt counts as done, and nothing is read again."""
    if isinstance(event, Unclear) and event.landed and isinstance(event.step, Unlink | Create | Link):
        return apply(run, Done(event.step, "new" if isinstance(event.step, Create) else None))
    return apply(run, event)


def remembering(run: Run, event: Event) -> Run:
    """A resume trusts what the journal told of the array."""
    after = apply(run, event)
    if not isinstance(event, Recovering):
        return after
    return after._replace(lvs=run.lvs, svs=run.svs)


def resuming_forward(run: Run, event: Event) -> Run:
    """A resume goes on with the creates that are left."""
    after = apply(run, event)
    return after._replace(turn_back=run.turn_back) if isinstance(event, Recovering) else after


def paying_twice(run: Run, event: Event) -> Run:
    """A resume takes a `post_resync` that failed for one that was done."""
    after = apply(run, event)
    return after._replace(hooks=run.hooks) if isinstance(event, Recovering) else after


def deaf_to_the_journal(run: Run, event: Event) -> Run:
    """A journal that cannot be written does not turn the run back: it trusts its memory."""
    unwritten = isinstance(event, TurnBack) and event.why != "SIGTERM"
    return run if unwritten else apply(run, event)


class SendingUnwritten(Interpreter):
    """It sends a command although its intent could not be written."""

    def begin(self, at: Position, step: Step, due: tuple[Step, ...] = ()) -> Iterator[Move]:
        """As it should, and once more where the line fails."""
        yield from super().begin(at, step, due)
        if at.left == WHOLE and self.faults:
            unwritten = Position(at.run, at.truth, self.store.resumed(at.run))
            yield Move(self.send(unwritten, step, written=False), 1, 0, "sent, but unwritten")


class TrustingMemory(Interpreter):
    """After a line that failed it goes on from its memory as if nothing were wrong."""

    def begin(self, at: Position, step: Step, due: tuple[Step, ...] = ()) -> Iterator[Move]:
        """Whatever the engine names is sent."""
        if at.left == WHOLE:
            yield from super().begin(at, step, due)
        else:
            yield Move(self.send(at, step, written=False), 0, 0, Began(step))


class WritingAfterwards(Interpreter):
    """It writes the intent when the command is already under way."""

    def begin(self, at: Position, step: Step, due: tuple[Step, ...] = ()) -> Iterator[Move]:
        """There is a moment when the command is under way and the journal does not know."""
        yield from super().begin(at, step, due)
        if at.left == WHOLE:
            under_way = Position(at.run, self.store.sent(at.truth, step))
            yield from self.killed(under_way, "killed after sending, before writing")


class HushingUp(Interpreter):
    """It tells of a run without a journal what it would tell of one with it."""

    def told(self, run: Run, closed: Closed) -> Closed:
        """Nothing about the journal."""
        del run
        return closed
