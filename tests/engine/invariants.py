"""What must hold, whatever fails, is killed or lies: each function is one sentence, and True where it holds.

They are judged on the truth of the array and on what could be known of it, never on the engine's own bookkeeping,
and they are asked whenever a step is sent (`Sent`), steps rest (`Waiting`), a process dies (`Death`) and a run ends
(`End`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from necism_monitor.domain.events import (
    GATE,
    POST,
    PRE,
    Closed,
    Create,
    Hook,
    Link,
    Observe,
    Plan,
    PlannedPair,
    Step,
    Unlink,
)
from necism_monitor.domain.model import Order
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import Run
from tests.engine.model import Truth, is_active, on_bv


class Broken(AssertionError):
    """An invariant does not hold."""


class Sent(NamedTuple):
    """A step at the moment it is sent."""

    step: Step
    truth: Truth
    plan: Plan
    turned_back: bool
    recovering: bool
    written: bool
    """Its intent is on disk."""


class Waiting(NamedTuple):
    """A BV that should be read, or whose LV should be given back, while every failed step of other BVs rests."""

    bv: LdName
    resting: frozenset[Step]
    offered: tuple[Step, ...]


class Death(NamedTuple):
    """A process at the moment it dies."""

    truth: Truth
    start: Truth
    """The truth when the run began."""
    left: Run
    """The run as its journal tells it to whoever resumes it."""


class End(NamedTuple):
    """A run at the moment its process ends by itself."""

    told: Closed
    truth: Truth
    start: Truth
    plan: Plan
    recovering: bool
    is_open: bool
    written: bool
    """The journal took every line."""


def linked(pair: PlannedPair, truth: Truth) -> bool:
    """Whether the LV shows one of the SVs of its pair."""
    return truth.shown(pair.lv) in {pair.target, pair.previous} - {None}


def renewed(pair: PlannedPair, truth: Truth) -> bool:
    """Whether the LV shows the new image."""
    return truth.shown(pair.lv) == pair.target and truth.image(pair.target) == "new"


def images(plan: Plan, truth: Truth) -> str:
    """What the LVs really show: images that are new, old, or some of each."""
    shown = (truth.shown(pair.lv) for pair in plan.pairs)
    new = {sv is not None and truth.image(sv) == "new" for sv in shown}
    return "mixed" if len(new) > 1 else "new" if True in new else "old"


def owes_post(plan: Plan, truth: Truth, start: Truth) -> bool:
    """Whether a consumer was stopped, or lost something where nobody stops one, and nobody has started it again."""
    if POST not in plan.hooks or POST in truth.well:
        return False
    return PRE in truth.begun if PRE in plan.hooks else lost_something(truth, start)


def lost_something(truth: Truth, start: Truth) -> bool:
    """Whether an image is another one, or an LV that showed one does not show it any more."""
    now = dict(truth.lvs)
    return truth.svs != start.svs or any(shown is not None and now[lv] != shown for lv, shown in start.lvs)


def no_create_while_an_lv_shows_the_sv(now: Sent) -> bool:
    """No create begins while any LV shows that SV, unless the array itself said that it had detached it."""
    step, truth = now.step, now.truth
    return not isinstance(step, Create) or all(
        lv in truth.lied for lv, shown in truth.lvs if shown is not None and shown == step.sv
    )


def no_create_on_a_guarded_sv(now: Sent) -> bool:
    """No create begins on an SV that is guarded."""
    return not isinstance(now.step, Create) or now.step.sv not in now.truth.guarded


def no_create_beside_a_moving_sv(now: Sent) -> bool:
    """No create begins on a BV that has a transitional SV."""
    if not isinstance(now.step, Create):
        return True
    names = on_bv(now.plan, now.step.bv)
    return not any(image == "moving" and sv in names for sv, image in now.truth.svs)


def a_set_is_of_one_point_in_time(now: Sent) -> bool:
    """Order `set`: no create begins while an LV still shows the old image of a target, unless it is said not to."""
    if not isinstance(now.step, Create) or now.plan.order is not Order.SET:
        return True
    truth = now.truth
    kept = [pair for pair in now.plan.pairs if truth.shown(pair.lv) == pair.target and pair.lv not in truth.lied]
    return all(truth.image(pair.target) == "new" or pair.target in truth.lied for pair in kept)


def no_image_lost_that_the_plan_does_not_name(now: Sent) -> bool:
    """Only the SVs that the plan names as targets are created."""
    return not isinstance(now.step, Create) or now.step.sv in {pair.target for pair in now.plan.pairs}


def no_unlink_of_a_foreign_image(now: Sent) -> bool:
    """No LV is detached that shows something else than its pair says."""
    if not isinstance(now.step, Unlink):
        return True
    lv = now.step.lv
    return any(pair.lv == lv and now.truth.shown(lv) in {pair.target, pair.previous, None} for pair in now.plan.pairs)


def no_link_to_a_useless_image(now: Sent) -> bool:
    """No LV is linked to an SV that is not snap/active, unless the array itself said that it had created it."""
    if not isinstance(now.step, Link):
        return True
    return is_active(now.truth.image(now.step.sv)) or now.step.sv in now.truth.lied


def one_change_at_once_on_a_bv(now: Sent) -> bool:
    """Never are two CHANGEs at once on one BV, and none begins while the BV is being read."""
    if isinstance(now.step, Observe | Hook):
        return True
    return not any(other.bv == now.step.bv for other in now.truth.flying)


def no_change_on_an_unread_state(now: Sent) -> bool:
    """No CHANGE begins on a BV while something in doubt there has not been read again."""
    if isinstance(now.step, Observe | Hook):
        return True
    return not on_bv(now.plan, now.step.bv) & now.truth.doubt


def no_reading_while_a_command_may_land(now: Sent) -> bool:
    """No BV is read while a command of ours may still land on it."""
    if not isinstance(now.step, Observe):
        return True
    return not any(other.bv == now.step.bv for other in now.truth.flying)


def nothing_is_taken_away_after_turning_back(now: Sent) -> bool:
    """A run that turned back, or that somebody resumed, neither creates nor detaches, nor stops a consumer."""
    taking = isinstance(now.step, Create | Unlink) or now.step in {Hook(PRE), Hook(GATE)}
    return not (taking and (now.turned_back or now.recovering))


def nothing_is_taken_away_unwritten(now: Sent) -> bool:
    """No create, unlink or stopping hook begins whose intent is not on disk: only what restores may."""
    return now.written or isinstance(now.step, Observe | Link) or now.step == Hook(POST)


def no_switch_before_every_create(now: Sent) -> bool:
    """No LV is taken off its old image for another SV unless every create of the resource succeeded, or claimed to."""
    step, truth = now.step, now.truth
    if not isinstance(step, Unlink) or not any(
        pair.lv == step.lv and pair.target != step.sv for pair in now.plan.pairs
    ):
        return True
    return all(truth.image(pair.target) == "new" or pair.target in truth.lied for pair in now.plan.pairs)


def no_host_loses_an_lv_before_the_hooks_agree(now: Sent) -> bool:
    """No unlink, and no create unless all pairs take turns, begins before `pre_resync` and the gate ended well."""
    first = Unlink if now.plan.create_first else Unlink | Create
    if not isinstance(now.step, first):
        return True
    return {PRE, GATE} & set(now.plan.hooks) <= now.truth.well


def no_hook_beside_a_change(now: Sent) -> bool:
    """No hook runs while a CHANGE is under way, and no CHANGE while a hook runs."""
    others = now.truth.flying
    if isinstance(now.step, Hook):
        return all(isinstance(other, Observe) for other in others)
    return isinstance(now.step, Observe) or not any(isinstance(other, Hook) for other in others)


def the_gate_comes_after_the_stop(now: Sent) -> bool:
    """`in_use` is asked only when `pre_resync` ended well, and nothing is asked that the plan does not have."""
    if not isinstance(now.step, Hook):
        return True
    before = {PRE} & set(now.plan.hooks) if now.step.name == GATE else set()
    return now.step.name in now.plan.hooks and before <= now.truth.well


def no_consumer_starts_on_less_than_it_had(now: Sent) -> bool:
    """`post_resync` runs only when every LV is linked, and of one point in time unless a person resumed."""
    if now.step != Hook(POST):
        return True
    plan, truth = now.plan, now.truth
    return all(linked(pair, truth) for pair in plan.pairs) and (now.recovering or images(plan, truth) != "mixed")


def no_more_bvs_at_once_than_allowed(now: Sent) -> bool:
    """At most `parallel` BVs are worked on at once, those of abandoned commands not counted."""
    at_work = {step.bv for step in now.truth.flying - now.truth.may_land}
    return isinstance(now.step, Hook) or len(at_work | {now.step.bv}) <= now.plan.parallel


AT_SEND: Final[tuple[Callable[[Sent], bool], ...]] = (
    no_create_while_an_lv_shows_the_sv,
    no_create_on_a_guarded_sv,
    no_create_beside_a_moving_sv,
    a_set_is_of_one_point_in_time,
    no_image_lost_that_the_plan_does_not_name,
    no_unlink_of_a_foreign_image,
    no_link_to_a_useless_image,
    one_change_at_once_on_a_bv,
    no_change_on_an_unread_state,
    no_reading_while_a_command_may_land,
    nothing_is_taken_away_after_turning_back,
    nothing_is_taken_away_unwritten,
    no_switch_before_every_create,
    no_host_loses_an_lv_before_the_hooks_agree,
    no_hook_beside_a_change,
    the_gate_comes_after_the_stop,
    no_consumer_starts_on_less_than_it_had,
    no_more_bvs_at_once_than_allowed,
)


def no_bv_waits_for_what_rests(now: Waiting) -> bool:
    """An LV that could be read or given back never waits for the next try of a step on another BV: something begins."""
    return any(step not in now.resting for step in now.offered)


AT_REST: Final[tuple[Callable[[Waiting], bool], ...]] = (no_bv_waits_for_what_rests,)


def what_nobody_must_end_changed_nothing(now: Death) -> bool:
    """A journal that binds nobody to a resume stands for an array that lost nothing, and a consumer nobody stopped."""
    lost = lost_something(now.truth, now.start) or owes_post(now.left.plan, now.truth, now.start)
    return now.left.binding or not lost


AT_DEATH: Final[tuple[Callable[[Death], bool], ...]] = (what_nobody_must_end_changed_nothing,)


def a_detached_lv_is_named(end: End) -> bool:
    """A run that leaves an LV detached says so by exit 6 and by the name of the LV, or changed nothing at all."""
    away = [pair.lv for pair in end.plan.pairs if end.truth.shown(pair.lv) is None]
    return end.told.exit == 3 or all(end.told.exit == 6 and lv in end.told.text for lv in away)


def a_closed_run_could_do_no_more(end: End) -> bool:
    """A run is closed with a detached LV only where no SV of its pair holds an image."""
    usable = {
        pair.lv: [sv for sv in (pair.target, pair.previous) if sv and is_active(end.truth.image(sv))]
        for pair in end.plan.pairs
    }
    away = [pair.lv for pair in end.plan.pairs if end.truth.shown(pair.lv) is None and usable[pair.lv]]
    return end.is_open or end.told.exit == 3 or not away


def zero_means_new_and_linked(end: End) -> bool:
    """Exit 0 of a run means that every LV shows its new image, with the right access."""
    if end.told.exit != 0 or end.recovering:
        return True
    return all(renewed(pair, end.truth) and pair.lv not in end.truth.wrong for pair in end.plan.pairs)


def zero_and_five_mean_linked(end: End) -> bool:
    """Exit 0 and exit 5 mean that every LV shows an SV of its pair."""
    return end.told.exit not in {0, 5} or all(linked(pair, end.truth) for pair in end.plan.pairs)


def zero_and_five_mean_read(end: End) -> bool:
    """Exit 0 and exit 5 are told only of what was read after the last change, with nothing left that may land."""
    truth = end.truth
    return end.told.exit not in {0, 5} or not (truth.stale or truth.doubt or truth.lied or truth.flying)


def six_means_away_or_not_provable(end: End) -> bool:
    """Exit 6 means that an LV is detached or shows none of its SVs, or that nobody could find out."""
    if end.told.exit != 6 or (end.recovering and not end.written):
        return True
    truth = end.truth
    unsure = truth.stale or truth.doubt or truth.flying or truth.unheard
    return bool(unsure) or not all(linked(pair, truth) for pair in end.plan.pairs)


def a_refusal_changed_nothing(end: End) -> bool:
    """Exit 3 means that array and consumers are as they were before the run."""
    if end.told.exit != 3:
        return True
    same = (end.truth.lvs, end.truth.svs, end.truth.flying) == (end.start.lvs, end.start.svs, frozenset())
    return same and not owes_post(end.plan, end.truth, end.start)


def the_images_are_told_as_they_are(end: End) -> bool:
    """Where every LV is linked, `new`, `old` and `mixed` are said of what the LVs show, and exit 5 says it aloud."""
    true = images(end.plan, end.truth)
    if end.told.images == "mixed" and len(end.plan.pairs) == 1:
        return False
    if end.told.exit not in {0, 5}:
        return True
    return end.told.images == true and (end.told.exit == 0 or f"images {true}" in end.told.text)


def no_other_image_was_lost(end: End) -> bool:
    """Every SV that the plan does not create holds the image that it held before the run."""
    targets = {pair.target for pair in end.plan.pairs}
    before = dict(end.start.svs)
    return all(sv in targets or image == before[sv] for sv, image in end.truth.svs)


def no_consumer_is_forgotten(end: End) -> bool:
    """While `post_resync` is owed, no run is closed, and none is told to have succeeded."""
    owed = owes_post(end.plan, end.truth, end.start)
    return not owed or (end.is_open and end.told.exit in {5, 6})


def what_can_be_paid_is_paid(end: End) -> bool:
    """Where `post_resync` is owed and may run, no process ends with exit 5 without having tried it."""
    plan, truth = end.plan, end.truth
    if end.told.exit != 5 or not owes_post(plan, truth, end.start):
        return True
    may_run = all(linked(pair, truth) for pair in plan.pairs) and (end.recovering or images(plan, truth) != "mixed")
    return not may_run or POST in truth.begun


def what_is_not_written_is_not_done(end: End) -> bool:
    """A run whose end is not on disk never exits 0."""
    return end.written or end.told.exit != 0


AT_END: Final[tuple[Callable[[End], bool], ...]] = (
    a_detached_lv_is_named,
    a_closed_run_could_do_no_more,
    zero_means_new_and_linked,
    zero_and_five_mean_linked,
    zero_and_five_mean_read,
    six_means_away_or_not_provable,
    a_refusal_changed_nothing,
    the_images_are_told_as_they_are,
    no_other_image_was_lost,
    no_consumer_is_forgotten,
    what_can_be_paid_is_paid,
    what_is_not_written_is_not_done,
)


MOMENTS: Final = ((Sent, AT_SEND), (Waiting, AT_REST), (Death, AT_DEATH), (End, AT_END))
ALL: Final[Mapping[type, Sequence[Callable[..., bool]]]] = dict(MOMENTS)


def check(now: Sent | Waiting | Death | End) -> None:
    """Raise Broken unless everything that must hold at this moment does; it names the invariant and the truth."""
    for holds in ALL[type(now)]:
        if not holds(now):
            raise Broken(f"{holds.__name__}: {holds.__doc__}\n{_brief(now)}")


def _brief(now: Sent | Waiting | Death | End) -> str:
    """What there is to say of a moment."""
    truth = {} if isinstance(now, Waiting) else now.truth._asdict()
    facts = {name: sorted(value, key=str) for name, value in truth.items() if value}
    rest = {name: value for name, value in now._asdict().items() if name not in {"truth", "start", "plan", "left"}}
    return "\n".join(f"  {name}: {value}" for name, value in (rest | facts).items())
