"""Runs and truths as numbers: equal ones are one, and what was worked out of them once is looked up from then on.

The engine is pure, so what it says of a run is kept beside the run.  Before a run is numbered, it is reduced to what
can still decide something: texts for people, the words of readings, and counts beyond the bound that they are
compared with go.  That this loses nothing is tested by walks with and without the reduction.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import Final, NamedTuple, Protocol

from necism_monitor.domain import run as engine_run
from necism_monitor.domain.events import (
    POST,
    Change,
    Closed,
    Create,
    Event,
    Hook,
    Link,
    Observe,
    Plan,
    Recovering,
    Step,
    SvFact,
    TurnBack,
)
from necism_monitor.domain.run import Failure, Run
from tests.engine.model import Ending, Truth, by_hand, endings, landings, late_endings, sent

RESUMED: Final = Recovering("resumed")
UNWRITTEN: Final = TurnBack("the journal cannot be written")
NO_FAILURE: Final[tuple[Failure, ...]] = ()
SOME_FAILURE: Final = (Failure("something", "failed"),)
MAPPINGS: Final = ("lvs", "svs", "attempts", "said", "hooks")
PLAIN: Final = itemgetter(*(place for place, name in enumerate(Run._fields) if name not in {"plan", *MAPPINGS}))
"""Everything else of a run but its plan, which is the same in a whole walk."""


class Next(Protocol):
    """What decides the steps of a run."""

    def __call__(self, run: Run, resting: frozenset[Step] = ..., /) -> tuple[Step, ...] | Closed:
        """The steps that may begin, or the end."""


Apply = Callable[[Run, Event], Run]
Outcome = tuple[int, Event, int]
"""The number of a truth, the event, the faults it costs."""


class Offer(NamedTuple):
    """What the engine says of a run: how it ends, or what may begin."""

    closed: Closed | None
    steps: tuple[Step, ...]
    overtaking: tuple[Step, ...]
    """What may begin besides, while steps that failed wait for their next try."""


def reduce(run: Run) -> Run:
    """The run without what decides nothing any more."""
    bare = {sv: fact and SvFact(fact.kind, fact.stamp) for sv, fact in run.svs.items()}
    counts = {step: min(count, engine_run.BUSY_ATTEMPTS) for step, count in run.attempts.items()}
    tries = {step: count for step, count in counts.items() if _is_counted(run, step)}
    # A recovery ends by what is linked, whatever failed before.
    failures = SOME_FAILURE if run.failures and not run.recovering else NO_FAILURE
    turned = None if run.turn_back is None else "turned back"
    return run._replace(svs=bare, attempts=tries, said={}, failures=failures, turn_back=turned)


def _is_counted(run: Run, step: Step) -> bool:
    """Tries of readings and hooks decide nothing, nor do those of a create that will not be sent again."""
    if isinstance(step, Create):
        return step in run.in_flight or not (step.sv in run.created or run.turn_back)
    return not isinstance(step, Observe | Hook)


def keep(run: Run) -> Run:
    """The run as it is, but for counts that would grow for ever."""
    return run._replace(
        attempts={step: min(count, engine_run.BUSY_ATTEMPTS + 1) for step, count in run.attempts.items()}
    )


def key_of(run: Run) -> Hashable:
    """What two equal runs have in common."""
    steps, words, hooks = run.attempts.items(), run.said.items(), run.hooks.items()
    facts = (tuple(run.lvs.values()), tuple(run.svs.items()))
    return PLAIN(run), facts, frozenset(steps), frozenset(words), frozenset(hooks)


class Store:
    """The numbers of runs and truths of one plan, and what follows from them."""

    def __init__(self, plan: Plan, engine: Next, change: Apply, reducing: Callable[[Run], Run] = reduce) -> None:
        self._plan, self._engine, self._change, self._reducing = plan, engine, change, reducing
        self.runs, self.truths = list[Run](), list[Truth]()
        self._run_numbers, self._truth_numbers = dict[Hashable, int](), dict[Truth, int]()
        self._after, self._offers = dict[tuple[int, Event], int](), dict[int, Offer]()
        self._endings = dict[tuple[int, Step], tuple[Outcome, ...]]()
        self._late = dict[tuple[int, Step], tuple[Outcome, ...]]()
        self._sent, self._landings = dict[tuple[int, Step], int](), dict[int, tuple[int, ...]]()
        self._by_hand = dict[int, tuple[int, ...]]()

    def run_number(self, run: Run) -> int:
        """The number of a run."""
        run = self._reducing(run)
        number = self._run_numbers.setdefault(key_of(run), len(self.runs))
        if number == len(self.runs):
            self.runs.append(run)
        return number

    def truth_number(self, truth: Truth) -> int:
        """The number of a truth."""
        number = self._truth_numbers.setdefault(truth, len(self.truths))
        if number == len(self.truths):
            self.truths.append(truth)
        return number

    def after(self, run: int, event: Event) -> int:
        """The run after `event`."""
        number = self._after.get((run, event))
        if number is None:
            number = self._after[run, event] = self.run_number(self._change(self.runs[run], event))
        return number

    def resumed(self, run: int) -> int:
        """The run as whoever resumes it begins with it, where the journal tells all of it."""
        return self.after(run, RESUMED)

    def offer(self, number: int) -> Offer:
        """What the engine says of a run."""
        offer = self._offers.get(number)
        if offer is None:
            offer = self._offers[number] = self._ask(self.runs[number])
        return offer

    def _ask(self, run: Run) -> Offer:
        steps = self._engine(run)
        if isinstance(steps, Closed):
            return Offer(steps, (), ())
        waiting = may_rest(run, steps)
        overtaking = dict[Step, None]()
        for resting in [frozenset({step}) for step in waiting] + [frozenset(waiting)] * (len(waiting) > 1):
            overtaking |= dict.fromkeys(self.offered(run, resting))
        return Offer(None, steps, tuple(step for step in overtaking if step not in steps))

    def offered(self, run: Run, resting: frozenset[Step]) -> tuple[Step, ...]:
        """What may begin while `resting` wait for their next try."""
        steps = self._engine(run, resting)
        return () if isinstance(steps, Closed) else steps

    def sent(self, truth: int, step: Step) -> int:
        """The truth with `step` under way."""
        number = self._sent.get((truth, step))
        if number is None:
            number = self._sent[truth, step] = self.truth_number(sent(self.truths[truth], step))
        return number

    def endings(self, truth: int, step: Step) -> tuple[Outcome, ...]:
        """Every way in which `step` can end."""
        found = self._endings.get((truth, step))
        if found is None:
            ends = endings(self.truths[truth], self._plan, step)
            found = self._endings[truth, step] = tuple(self._outcome(end) for end in ends)
        return found

    def late_endings(self, truth: int, step: Change) -> tuple[Outcome, ...]:
        """Every way in which an abandoned command can end after all."""
        found = self._late.get((truth, step))
        if found is None:
            ends = late_endings(self.truths[truth], step)
            found = self._late[truth, step] = tuple(self._outcome(end) for end in ends)
        return found

    def _outcome(self, end: Ending) -> Outcome:
        truth, event, cost = end
        return self.truth_number(truth), event, cost

    def landings(self, truth: int) -> tuple[int, ...]:
        """What may be true once everything that a dead process left under way has ended."""
        found = self._landings.get(truth)
        if found is None:
            worlds = landings(self.truths[truth], self._plan)
            found = self._landings[truth] = tuple(self.truth_number(world) for world in worlds)
        return found

    def by_hand(self, truth: int) -> tuple[int, ...]:
        """What may be true once a person has put a detached LV somewhere else."""
        found = self._by_hand.get(truth)
        if found is None:
            worlds = by_hand(self.truths[truth])
            found = self._by_hand[truth] = tuple(self.truth_number(world) for world in worlds)
        return found


def may_rest(run: Run, steps: tuple[Step, ...]) -> list[Step]:
    """Which of these steps may have failed before and wait for their next try; tries of readings are not counted."""
    return [step for step in steps if isinstance(step, Observe) or run.attempts.get(step)]


def is_rescue(step: Step) -> bool:
    """Whether a step only gives back, or only reads."""
    return isinstance(step, Observe | Link) or step == Hook(POST)
