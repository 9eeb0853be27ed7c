"""An exhaustive walk over everything that can happen to a run: order of completions, faults, deaths and recoveries.

From each position every move of the interpreter is tried that the faults and deaths left allow.  A position that was
walked with as many faults and deaths left, or more, is not walked again: all that could happen has been seen.
Positions with most left come first, so the tale of what breaks an invariant is short.
"""

from __future__ import annotations

import gc
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from necism_monitor.domain.events import Event, Plan, SvFact
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import Run, apply, start
from necism_monitor.domain.sequence import next_steps
from tests.engine.interpreter import Interpreter, Position
from tests.engine.invariants import Broken
from tests.engine.model import Truth, fact
from tests.engine.store import Apply, Next, Store, reduce

TRACED: Final = 250
"""Positions after which nobody counts lines any more: the same few hundred would be counted millions of times."""
FAULTS: Final = 8
"""More than are ever allowed: it makes one number of faults and deaths left."""


class Walk:
    """The search; `positions`, `moves` and `endings` say how much was explored."""

    def __init__(
        self,
        engine: Next = next_steps,
        change: Apply = apply,
        interpreter: type[Interpreter] = Interpreter,
        reducing: Callable[[Run], Run] = reduce,
        rows_a_line: int = 12,
    ) -> None:
        self._engine, self._change, self._interpreter = engine, change, interpreter
        self._reducing, self._rows_a_line = reducing, rows_a_line
        self.positions = self.moves = self.endings = self.liars_given_up = 0

    def explore(self, plan: Plan, truth: Truth, faults: int, deaths: int) -> Graph:
        """Walk everything reachable; raises Broken at the first position that must not be."""
        store = Store(plan, self._engine, self._change, self._reducing)
        svs: dict[LdName, SvFact | None] = {sv: fact(truth, sv) for sv, _ in truth.svs if sv not in truth.guarded}
        svs |= {pair.previous: fact(truth, pair.previous) for pair in plan.pairs if pair.previous}
        first = Position(store.run_number(start(plan, svs)), store.truth_number(truth))
        graph = Graph(store, self._interpreter(store, plan, truth, self._rows_a_line))
        with _undisturbed():
            graph.walk(first, faults, deaths)
        self.positions += len(graph.at)
        self.moves += graph.moves
        self.endings += len(graph.ends)
        self.liars_given_up += graph.count_liars_given_up()
        graph.check_ends_reachable()
        return graph


class Graph:
    """What has been walked: positions in the order of their discovery, and the moves that cost nothing."""

    def __init__(self, store: Store, interpreter: Interpreter) -> None:
        self.store, self._interpreter = store, interpreter
        self.at, self.moves, self.ends = list[Position](), 0, list[int]()
        self._numbers = dict[Position, int]()
        self._seen = array("q")
        """Position -> a bit for each (faults, deaths) that are no more than it was walked with."""
        self._parents, self._tales = array("q"), list[str | Event]()
        self._from, self._to = array("q"), array("q")

    def walk(self, first: Position, faults: int, deaths: int) -> None:
        """Walk on from `first` until nothing new is found."""
        self._known(first, -1, "begin")
        heaps: list[list[tuple[int, int, int]]] = [[] for _ in range(faults + deaths + 1)]
        self._seen[0] = _no_more_than(faults, deaths)
        heaps[faults + deaths].append((0, faults, deaths))
        for left in range(faults + deaths, -1, -1):
            for number, faults_left, deaths_left in heaps[left]:
                if number == TRACED:
                    sys.settrace(None)
                for after, cost, dying in self._step(number, faults_left, deaths_left):
                    rest, alive = faults_left - cost, deaths_left - dying
                    if not self._seen[after] >> (alive * FAULTS + rest) & 1:
                        self._seen[after] |= _no_more_than(rest, alive)
                        heaps[rest + alive].append((after, rest, alive))

    def _step(self, number: int, faults: int, deaths: int) -> Iterator[tuple[int, int, int]]:
        """Every move from a position that can be paid for."""
        at = self.at[number]
        try:
            for move in self._interpreter.moves(at, faults, deaths):
                self.moves += 1
                after = self._known(move.to, number, move.tale)
                if not move.faults and not move.deaths:
                    self._from.append(number)
                    self._to.append(after)
                yield after, move.faults, move.deaths
        except Broken as error:
            raise Broken(f"{error}\n{self.tale(number)}") from None

    def _known(self, at: Position, origin: int, tale: str | Event) -> int:
        number = self._numbers.setdefault(at, len(self.at))
        if number == len(self.at):
            self.at.append(at)
            self._seen.append(0)
            self._parents.append(origin)
            self._tales.append(tale)
            if self.store.offer(at.run).closed is not None:
                self.ends.append(number)
        return number

    def tale(self, number: int) -> str:
        """How the walk came to a position."""
        lines = list[str]()
        while number >= 0:
            lines.append(f"  {self._tales[number]}")
            number = self._parents[number]
        return "\n".join(reversed(lines))

    def check_ends_reachable(self) -> None:
        """From every position an end is reached without a further fault or death: nothing goes on for ever."""
        # The moves into a position, as a chain through one array: lists for millions of positions fill the memory.
        newest, older = array("q", [-1]) * len(self.at), array("q", [-1]) * len(self._to)
        for edge, after in enumerate(self._to):
            newest[after], older[edge] = edge, newest[after]
        reached, heap = bytearray(len(self.at)), list(self.ends)
        while heap:
            number = heap.pop()
            if reached[number]:
                continue
            reached[number] = 1
            edge = newest[number]
            while edge >= 0:
                heap.append(self._from[edge])
                edge = older[edge]
        if not all(reached):
            lost = reached.index(0)
            count = len(reached) - sum(reached)
            raise Broken(f"{count} positions from which no end can be reached, the first after\n{self.tale(lost)}")

    def count_liars_given_up(self) -> int:
        """How many ends gave up a link that lies for ever."""
        ends = [self.at[number] for number in self.ends]
        return sum(bool(self.store.truths[at.truth].liars & self.store.runs[at.run].abandoned) for at in ends)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collector: nothing that a walk keeps is garbage.  Whoever traced lines before does so afterwards."""
    was_on, tracer = gc.isenabled(), sys.gettrace()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
        if sys.gettrace() is not tracer:
            sys.settrace(tracer)


def _no_more_than(faults: int, deaths: int) -> int:
    """A bit for each number of faults and deaths that are no more than these."""
    row = (1 << (faults + 1)) - 1
    return sum(row << (dead * FAULTS) for dead in range(deaths + 1))
