"""The search is sharp: every planted mistake is found, and by the invariant that it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from necism_monitor.domain import sequence
from necism_monitor.domain.events import POST
from necism_monitor.domain.model import Order
from necism_monitor.domain.run import Run
from tests.engine import mutants
from tests.engine.interpreter import Interpreter
from tests.engine.invariants import Broken
from tests.engine.search import Walk
from tests.engine.store import Apply, Next
from tests.engine.worlds import HOOKED, World, pair_of, shape, world


def worlds() -> Iterator[World]:
    """Small worlds in which every mutant can do its harm."""
    yield shape(Order.SET, 1, "2-on-1", "none")
    yield shape(Order.PAIR, 1, "2-on-2", "one")
    yield shape(Order.SET, 2, "2-on-2", "none")
    yield shape(Order.SET, 2, "2-on-2", "all")


def hooked_worlds() -> Iterator[World]:
    """The same with hooks."""
    yield shape(Order.SET, 1, "2-on-1", "none", HOOKED)
    yield shape(Order.PAIR, 1, "2-on-1", "one", HOOKED)
    yield shape(Order.SET, 2, "2-on-2", "all", HOOKED)


def explore_all(walk: Walk, places: Iterator[World]) -> None:
    """One fault and one death in each world."""
    for plan, truth in places:
        walk.explore(plan, truth, faults=1, deaths=1)


def check_caught(invariant: str, walk: Walk, places: Iterator[World]) -> None:
    """The walk breaks `invariant`."""
    with pytest.raises(Broken, match=invariant):
        explore_all(walk, places)


def test_the_small_worlds_are_sound_without_a_mutant() -> None:
    """What catches the mutants does not catch the engine itself."""
    explore_all(Walk(), worlds())
    explore_all(Walk(), hooked_worlds())


@pytest.mark.parametrize(
    ("engine", "invariant"),
    [
        (mutants.create_first, "no_create_while_an_lv_shows_the_sv"),
        (mutants.unreadable_ignored, "no_change_on_an_unread_state"),
        (mutants.reading_too_early, "no_reading_while_a_command_may_land"),
        (mutants.going_on, "nothing_is_taken_away_after_turning_back"),
        (mutants.linking_anything, "no_link_to_a_useless_image"),
        (mutants.two_at_once, "one_change_at_once_on_a_bv"),
        (mutants.blindly_closed, "zero_and_five_mean_read"),
        (mutants.too_many_bvs, "no_more_bvs_at_once_than_allowed"),
        (mutants.creating_what_is_shown, "no_create_while_an_lv_shows_the_sv"),
        (mutants.tidying, "no_unlink_of_a_foreign_image"),
    ],
)
def test_a_mutant_of_the_engine_is_caught(engine: Next, invariant: str) -> None:
    """A wrong next step is found wherever it can do harm."""
    check_caught(invariant, Walk(engine=engine), worlds())


@pytest.mark.parametrize(
    ("change", "invariant"),
    [
        (mutants.believing, "no_change_on_an_unread_state"),
        (mutants.remembering, "no_change_on_an_unread_state"),
        (mutants.resuming_forward, "nothing_is_taken_away_after_turning_back"),
    ],
)
def test_a_mutant_of_the_fold_is_caught(change: Apply, invariant: str) -> None:
    """A run that takes an event for what it does not prove is found."""
    check_caught(invariant, Walk(change=change), worlds())


@pytest.mark.parametrize(
    ("interpreter", "change", "invariant"),
    [
        (mutants.SendingUnwritten, None, "nothing_is_taken_away_unwritten"),
        (mutants.TrustingMemory, mutants.deaf_to_the_journal, "nothing_is_taken_away_unwritten"),
        (None, mutants.deaf_to_the_journal, "no end can be reached"),
        (mutants.WritingAfterwards, None, "what_nobody_must_end_changed_nothing"),
        (mutants.HushingUp, None, "what_is_not_written_is_not_done"),
    ],
)
def test_a_mutant_of_the_journal_is_caught(
    interpreter: type[Interpreter] | None, change: Apply | None, invariant: str
) -> None:
    """What is sent, told or remembered without the journal is found."""
    chosen: dict[str, Any] = {"interpreter": interpreter, "change": change}
    check_caught(invariant, Walk(**{name: value for name, value in chosen.items() if value is not None}), worlds())


@pytest.mark.parametrize(
    ("name", "mutant", "invariant"),
    [
        ("_must_insist", lambda _run, _pair: False, "zero_means_new_and_linked"),
        ("_held", lambda _run, _pair: False, "no_switch_before_every_create"),
        ("_moving", lambda _run, _bv: False, "no_create_beside_a_moving_sv"),
        ("_unlinks_left", lambda _run: False, "a_set_is_of_one_point_in_time"),
        ("rescue_target", lambda _run, pair: pair.target, "no_link_to_a_useless_image"),
        ("stays_open", lambda _run: False, "a_closed_run_could_do_no_more"),
    ],
)
def test_a_rule_left_out_of_the_sequence_is_caught(
    name: str, mutant: Callable[..., object], invariant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each rule of the sequence is there for an invariant that falls without it."""
    monkeypatch.setattr(sequence, name, mutant)
    check_caught(invariant, Walk(), worlds())


def starting_on_anything(run: Run) -> bool:
    """A mutant: `post_resync` runs whatever the LVs show."""
    return run.owes_post and POST not in run.hooks and not run.in_flight


@pytest.mark.parametrize(
    ("name", "mutant", "invariant"),
    [
        ("_opening", lambda _run: None, "no_host_loses_an_lv_before_the_hooks_agree"),
        ("_post_due", starting_on_anything, "no_consumer_starts_on_less_than_it_had"),
        ("_post_due", lambda _run: False, "no_consumer_is_forgotten"),
    ],
)
def test_a_rule_left_out_of_the_hooks_is_caught(
    name: str, mutant: Callable[..., object], invariant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gate, stop and start are each there for an invariant that falls without them."""
    monkeypatch.setattr(sequence, name, mutant)
    check_caught(invariant, Walk(), hooked_worlds())


@pytest.mark.parametrize(
    ("parts", "invariant"),
    [
        ({"engine": mutants.stopping_beside_a_create}, "no_hook_beside_a_change"),
        ({"change": mutants.paying_twice}, "what_can_be_paid_is_paid"),
    ],
)
def test_a_mutant_of_the_hooks_is_caught(parts: dict[str, Any], invariant: str) -> None:
    """A hook at the wrong time, or one that is taken for done, is found."""
    check_caught(invariant, Walk(**parts), hooked_worlds())


def test_a_mutant_that_waits_for_another_bv_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """An LV that could be given back, behind a BV that cannot be read, is found."""

    def waiting(run: Run, wanted: list[Any], _resting: frozenset[Any]) -> tuple[Any, ...]:
        return admitted(run, wanted, frozenset())

    admitted = sequence._admitted
    monkeypatch.setattr(sequence, "_admitted", waiting)
    pairs = (pair_of(1, 1), pair_of(2, 2))
    check_caught("no_bv_waits_for_what_rests", Walk(), iter([world(Order.SET, 1, *pairs)]))
