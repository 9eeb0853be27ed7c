"""A model of what drives the engine: it writes, sends, takes in and folds; it gives up, is told to stop, and is killed.

A position is (the run in memory, the truth, the run that a resume would begin with where the journal broke).  While
the journal takes every line, it tells the run in memory, so the third part is WHOLE.  Each line is written before the
run in memory follows it, so a death has two sides of every line:

* before the line of an intent: the death at the position before; nothing was sent;
* after it, and before the command is sent: a move of its own, `killed before sending`;
* before the line of an outcome: the death while the command is under way, with or without its effect;
* after it: the death at the position after.

A line that fails may be on disk all the same; from then on nothing more is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from necism_monitor.domain import sequence
from necism_monitor.domain.events import (
    DETACHED,
    Began,
    Closed,
    Event,
    GaveUp,
    Hook,
    Kind,
    Link,
    Observe,
    Plan,
    Seen,
    Step,
    TurnBack,
)
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import Run
from tests.engine.invariants import Death, End, Sent, Waiting, check
from tests.engine.model import Truth
from tests.engine.store import RESUMED, UNWRITTEN, Store, is_rescue, may_rest

WHOLE: Final = -1
"""The journal tells the run in memory."""
STOP: Final = TurnBack("SIGTERM")


class Position(NamedTuple):
    """Where a walk stands: numbers of a run, of a truth, and of the run that a broken journal leaves to a resume."""

    run: int
    truth: int
    left: int = WHOLE


class Move(NamedTuple):
    """One thing that may happen: where it leads, what it costs, and how it is told."""

    to: Position
    faults: int
    deaths: int
    tale: str | Event


class Interpreter:
    """Every move from a position.  `ends` counts the runs that ended."""

    def __init__(self, store: Store, plan: Plan, start: Truth, rows_a_line: int = 12) -> None:
        self.store, self.plan, self._start, self._rows_a_line = store, plan, start, rows_a_line
        self._bvs = plan.bvs
        self._proven = set[tuple[object, ...]]()
        self.faults = self.deaths = 0

    def moves(self, at: Position, faults: int, deaths: int) -> Iterator[Move]:
        """Everything that may happen now, with so many faults and deaths left."""
        self.faults, self.deaths = faults, deaths
        offer = self.store.offer(at.run)
        self._check_waiting(at.run)
        if offer.closed is not None:
            yield from self._end(at, offer.closed)
            return
        truth = self.store.truths[at.truth]
        for step in offer.steps + offer.overtaking:
            yield from self.begin(at, step, offer.steps)
        for step in truth.flying - truth.may_land:
            for number, event, cost in self.store.endings(at.truth, step):
                if cost <= faults:
                    yield from self.note(at, event, number, cost)
        for step in truth.may_land:
            if not isinstance(step, Observe | Hook):
                for number, event, cost in self.store.late_endings(at.truth, step):
                    yield from self.note(at, event, number, cost)
        for event in self._given_up(self.store.runs[at.run], truth):
            yield from self.note(at, event, at.truth, 0)
        if faults and not self.store.runs[at.run].turn_back:
            yield from self.note(at, STOP, at.truth, 1)
        yield from self.killed(at, "killed")

    def begin(self, at: Position, step: Step, due: tuple[Step, ...] = ()) -> Iterator[Move]:
        """Write the intent, then send.  What is due together is begun together, whatever the first makes of it."""
        began = Began(step)
        if at.left != WHOLE:
            if is_rescue(step):
                yield Move(self.send(at, step, written=False), 0, 0, began)
            return
        after = self.send(at, step, written=True)
        yield Move(after, 0, 0, began)
        for other in due[due.index(step) + 1 :] if step in due else ():
            if other not in self.store.offer(after.run).steps:
                yield Move(self.send(after, other, written=True), 0, 0, f"{began}, then {Began(other)}")
        for left in {self.store.resumed(at.run), self.store.resumed(after.run)} if self.faults else ():
            turned = Position(self.store.after(at.run, UNWRITTEN), at.truth, left)
            to = self.send(turned, step, written=False) if is_rescue(step) else turned
            yield Move(to, 1, 0, f"the line {began} fails")
        yield from self.killed(Position(after.run, at.truth), f"killed before sending {type(step).__name__}")

    def send(self, at: Position, step: Step, *, written: bool) -> Position:
        """The command is under way."""
        run = self.store.runs[at.run]
        asked = (at.truth, step, bool(run.turn_back), run.recovering, written)
        if asked not in self._proven:
            check(Sent(step, self.store.truths[at.truth], self.plan, bool(run.turn_back), run.recovering, written))
            self._proven.add(asked)
        return Position(self.store.after(at.run, Began(step)), self.store.sent(at.truth, step), at.left)

    def note(self, at: Position, event: Event, truth: int, cost: int) -> Iterator[Move]:
        """Write an event, line by line, and fold it in."""
        lines, after = self._lines(event), at.run
        for line in lines:
            after = self.store.after(after, line)
        yield Move(Position(after, truth, at.left), cost, 0, event)
        if at.left == WHOLE and (cost < self.faults or (self.deaths and len(lines) > 1)):
            yield from self._unwritten(at, event, truth, cost)

    def _unwritten(self, at: Position, event: Event, truth: int, cost: int) -> Iterator[Move]:
        """Not every line of an event comes on disk: one of them fails, or the process dies before the last."""
        lines, memory = self._lines(event), self.store.after(at.run, UNWRITTEN)
        for line in lines:
            memory = self.store.after(memory, line)
        written, lefts = at.run, {self.store.resumed(at.run)}
        for line in lines:
            if written != at.run:
                yield from self.killed(Position(written, truth), f"killed between the lines of {event}", cost)
            written = self.store.after(written, line)
            lefts.add(self.store.resumed(written))
        for left in lefts if cost < self.faults else ():
            yield Move(Position(memory, truth, left), cost + 1, 0, f"the line {event} fails")

    def _lines(self, event: Event) -> tuple[Event, ...]:
        if not isinstance(event, Seen) or len(event.rows) <= self._rows_a_line:
            return (event,)
        size, rows = self._rows_a_line, event.rows
        starts = range(0, len(rows), size)
        return tuple(Seen(event.bv, rows[one : one + size], more=one + size < len(rows)) for one in starts)

    def killed(self, at: Position, tale: str, cost: int = 0) -> Iterator[Move]:
        """The process dies, and somebody resumes the run from what is on disk."""
        if self.deaths:
            yield from self.resume(at, tale, cost, 1)

    def resume(self, at: Position, tale: str, cost: int, deaths: int) -> Iterator[Move]:
        """Go on from the journal, once every command that was left under way has ended; a resume writes that first."""
        left = self.store.resumed(at.run) if at.left == WHOLE else at.left
        for truth in self.store.landings(at.truth):
            asked = (truth, left)
            if asked not in self._proven:
                check(Death(self.store.truths[truth], self._start, self.store.runs[left]))
                self._proven.add(asked)
            yield Move(Position(left, truth), cost, deaths, tale)
            if cost < self.faults:
                for world in self.store.by_hand(truth):
                    yield Move(Position(left, world), cost + 1, deaths, f"{tale} after somebody linked an LV by hand")
                memory = self.store.after(self.store.after(left, UNWRITTEN), RESUMED)
                yield Move(Position(memory, truth, left), cost + 1, deaths, f"{tale}, and resumed without a journal")

    def _given_up(self, run: Run, truth: Truth) -> Iterator[GaveUp]:
        """Bounds: a reading that fails, a command that does not end, an SV that moves, a link that fails."""
        busy = {step.bv for step in truth.flying - truth.may_land}
        lost = {step.bv for step in truth.may_land}
        for bv in self._bvs:
            if bv not in run.closed and bv not in busy and (bv in truth.unheard | lost or _moves(run, bv)):
                yield GaveUp(bv, None, "bound")
        for pair in self.plan.pairs:
            tried = any(isinstance(step, Link) and step.lv == pair.lv for step in run.attempts)
            if tried and not isinstance(run.lvs[pair.lv], str) and pair.lv not in run.abandoned and pair.bv not in busy:
                yield GaveUp(pair.bv, pair.lv, "bound")

    def _end(self, at: Position, closed: Closed) -> Iterator[Move]:
        """Write the end, tell it, and go; what stays open is resumed."""
        run = self.store.runs[at.run]
        is_open = sequence.stays_open(run)
        if at.left == WHOLE:
            self._check_end(at, closed, is_open=is_open, written=True)
            if is_open:
                yield from self.resume(at, "left open, and resumed", 0, 0)
            yield from self.killed(at, "killed before the last line")
        cost = 1 if at.left == WHOLE else 0
        if cost <= self.faults:
            self._check_end(at, self.told(run, closed), is_open=True, written=False)
            yield from self.resume(at, "left without a last line, and resumed", cost, 0)

    def told(self, run: Run, closed: Closed) -> Closed:
        """What is told of a run whose journal could not be written to its end."""
        text = closed.text if closed.exit else f"every LV is linked; images {closed.images}"
        # A refusal changed nothing, and stays one.
        code = 3 if closed.exit == 3 else max(closed.exit, 6 if run.recovering else 5)
        return Closed(code, closed.images, text)

    def _check_waiting(self, number: int) -> None:
        """Ask for every BV in need whether it waits only because others rest."""
        if (number,) in self._proven:
            return
        self._proven.add((number,))
        run, steps = self.store.runs[number], self.store.offer(number).steps
        for bv in in_need(run):
            resting = frozenset(step for step in may_rest(run, steps) if step.bv != bv)
            check(Waiting(bv, resting, self.store.offered(run, resting) if resting else steps))

    def _check_end(self, at: Position, told: Closed, *, is_open: bool, written: bool) -> None:
        run = self.store.runs[at.run]
        truth = self.store.truths[at.truth]
        check(End(told, truth, self._start, self.plan, run.recovering, is_open, written))


def in_need(run: Run) -> list[LdName]:
    """BVs that should be read, or whose LVs should be given back, while there is a place for one more BV."""
    busy = {step.bv for step in run.in_flight}
    if run.refused or len({step.bv for step in run.in_flight - run.adrift}) >= run.plan.parallel:
        return []
    return [bv for bv in run.plan.bvs if bv not in busy | run.closed and _is_in_need(run, bv)]


def _is_in_need(run: Run, bv: LdName) -> bool:
    pairs = run.pairs_on(bv)
    if any(run.lvs[pair.lv] is None or run.svs[pair.target] is None for pair in pairs):
        return True
    away = [pair for pair in pairs if run.lvs[pair.lv] is DETACHED and pair.lv not in run.abandoned]
    facts = (run.svs[pair.target] for pair in away)
    return bool(run.turn_back) and any(fact is not None and fact.kind is Kind.ACTIVE for fact in facts)


def _moves(run: Run, bv: LdName) -> bool:
    facts = (run.svs[pair.target] for pair in run.plan.pairs if pair.bv == bv)
    return any(fact is not None and fact.kind is Kind.MOVING for fact in facts)
