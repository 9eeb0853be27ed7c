"""What next: one pure function of a folded run.  No clock, no I/O, no second program for recovery.

1. A BV with an unknown fact is read before anything else is done on it.
2. Turned back: a detached LV is linked to its target if that is active, else to what it showed before.
3. Forward, per pair, t = target: not created and the LV shows t -> unlink; not created -> create t; created and
   detached -> link t; created and the LV shows another -> unlink it.
   Order `set` holds every create until all LVs that stand on their target are detached, and every unlink or link of
   a created pair until all are created.  A pair that takes turns (its LV does not stand on its target) is held the
   same way under any order: no LV is switched unless every create succeeded.
4. At most `parallel` BVs at once, one CHANGE each, none on a BV in flight.
5. `pre_resync` and the gate `in_use` come before everything else, or, where every pair has alternatives, after the
   creates; a run that turned back needs neither.
6. Nothing left: read once what was changed, then run an owed `post_resync` where every LV is linked and the images
   are of one point in time (a recovery: whatever they are), then close.
"""

from __future__ import annotations

from typing import Final

from necism_monitor.domain.events import (
    DETACHED,
    GATE,
    POST,
    PRE,
    Began,
    Change,
    Closed,
    Create,
    Done,
    Hook,
    Kind,
    Link,
    Observe,
    Plan,
    PlannedPair,
    Row,
    Seen,
    Step,
    SvFact,
    Unlink,
)
from necism_monitor.domain.model import Order
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import HookState, Run, apply, start

FAILURES_TOLD: Final = 3
"""How many failures the end of a run names beside its first: the rest stands in the journal."""


def next_steps(run: Run, resting: frozenset[Step] = frozenset()) -> tuple[Step, ...] | Closed:
    """The steps that may begin now; empty = wait for what is in flight; `Closed` = the run is over.

    `resting` are steps that failed and wait for their next try: a link among them does not hold up the links of
    other LVs.
    """
    if run.result is not None:
        return run.result
    opening, wanted = _opening(run), [] if _declined(run) else _wanted(run)
    if opening is not None:
        before = Observe | Create if run.plan.create_first else Observe
        wanted = [step for step in wanted if isinstance(step, before)]
        if not wanted and not run.in_flight:
            return (opening,)
    if not wanted and not run.in_flight - run.adrift:
        wanted = [Observe(bv) for bv in run.plan.bvs if bv in run.unverified and _may_read(run, bv)]
    if not wanted and not [step for step in run.in_flight if step.bv not in run.closed]:
        return (Hook(POST),) if _post_due(run) else conclude(run)
    return _admitted(run, wanted, resting)


def _opening(run: Run) -> Hook | None:
    """The hook that must have ended well before a host loses an LV, and has not."""
    left = [name for name in (PRE, GATE) if name in run.plan.hooks and run.hooks.get(name) is not HookState.DONE]
    return Hook(left[0]) if left and not run.turn_back else None


def _declined(run: Run) -> bool:
    """A hook said no before the first CHANGE: a refusal changes nothing."""
    return bool(run.refused) and not run.changed


def _post_due(run: Run) -> bool:
    """Owed, not tried yet, and those whom it starts again find every LV linked and of one point in time."""
    whole = not any(_plight(run, pair) for pair in run.plan.pairs)
    return run.owes_post and POST not in run.hooks and whole and (run.recovering or images(run) != "mixed")


def _wanted(run: Run) -> list[Step]:
    """Every step that the facts call for, in pair order; the wait for a moving SV comes after all else."""
    unknown = [bv for bv in run.plan.bvs if bv not in run.closed and _unknown(run, bv)]
    steps: list[Step] = [Observe(bv) for bv in unknown if _may_read(run, bv)]
    for pair in run.plan.pairs:
        if pair.bv not in run.closed and pair.bv not in unknown:
            step = _rescue(run, pair) if run.turn_back else _forward(run, pair)
            steps += [step] if step else []
    return steps + [Observe(bv) for bv in run.plan.bvs if bv not in unknown and _moving(run, bv) and _may_read(run, bv)]


def _admitted(run: Run, wanted: list[Step], resting: frozenset[Step]) -> tuple[Step, ...]:
    """One step a BV, none on a BV in flight, at most `parallel` BVs; a moving BV takes a place from creates.

    What comes after a resting link waits with it, but for links and readings.  A resting reading takes a place from
    creates and unlinks, and keeps nobody else from being read or linked.
    """
    taken = {step.bv for step in run.in_flight}
    working = {step.bv for step in run.in_flight - run.adrift}
    moving = {bv for bv in run.plan.bvs if _moving(run, bv)}
    chosen: list[Step] = []
    held_up = False
    for step in wanted:
        if isinstance(step, Link) and step in resting:
            held_up = True
            continue
        if isinstance(step, Observe) and step in resting:
            moving.add(step.bv)
            continue
        if held_up and not isinstance(step, Link | Observe):
            continue
        engaged = working if isinstance(step, Link | Observe) else working | moving - {step.bv}
        if step.bv not in taken and len(engaged) < run.plan.parallel:
            chosen.append(step)
            taken.add(step.bv)
            working.add(step.bv)
    return tuple(chosen)


def _unknown(run: Run, bv: LdName) -> bool:
    return any(
        run.lvs[pair.lv] is None or run.svs[pair.target] is None or run.svs.get(pair.previous or pair.target) is None
        for pair in run.pairs_on(bv)
    )


def _moving(run: Run, bv: LdName) -> bool:
    facts = [run.svs[pair.target] for pair in run.pairs_on(bv)]
    return bv not in run.closed and any(fact is not None and fact.kind is Kind.MOVING for fact in facts)


def _may_read(run: Run, bv: LdName) -> bool:
    """A reading proves nothing while a command of ours may still land on the BV."""
    return bv not in run.closed and not any(step.bv == bv for step in run.in_flight)


def _forward(run: Run, pair: PlannedPair) -> Change | None:
    shown, made = run.lvs[pair.lv], pair.target in run.created
    if not made and (_moving(run, pair.bv) or not _in_turn(run, pair)):
        return None
    if not made and shown == pair.target:
        return Unlink(pair.bv, pair.lv, pair.target)
    if not made:
        return None if _unlinks_left(run) else Create(pair.bv, pair.target)
    if _held(run, pair):
        return None
    if shown is DETACHED:
        return None if pair.lv in run.abandoned else _link(run, pair, pair.target)
    if shown == pair.target:
        return Unlink(pair.bv, pair.lv, pair.target) if _must_insist(run, pair) else None
    return Unlink(pair.bv, pair.lv, shown) if shown is not None and shown == pair.previous else None


def _rescue(run: Run, pair: PlannedPair) -> Link | None:
    if run.lvs[pair.lv] is not DETACHED or pair.lv in run.abandoned:
        return None
    sv = rescue_target(run, pair)
    return _link(run, pair, sv) if sv else None


def rescue_target(run: Run, pair: PlannedPair) -> LdName | None:
    """The SV a detached LV can be linked to: its target, else what it showed before, if active."""
    for sv in (pair.target, pair.previous):
        fact = run.svs.get(sv) if sv is not None else None
        if fact is not None and fact.kind is Kind.ACTIVE:
            return sv
    return None


def _link(run: Run, pair: PlannedPair, sv: LdName) -> Link:
    """The plain form means rw; it is said aloud only where a plain link came back with another access."""
    aloud = pair.access if pair.access != "rw" or pair.lv in run.insisted else None
    return Link(pair.bv, pair.lv, sv, aloud)


def _must_insist(run: Run, pair: PlannedPair) -> bool:
    """Linked plainly, came back with another access, and not yet linked with the access said aloud."""
    aloud = Link(pair.bv, pair.lv, pair.target, pair.access)
    return pair.lv in run.insisted and pair.access == "rw" and aloud not in run.attempts


def _alternates(pair: PlannedPair) -> bool:
    return pair.previous is not None and pair.previous != pair.target


def _unlinks_left(run: Run) -> bool:
    """Order `set`: some LV still stands on the SV that is to be re-created."""
    return run.plan.order is Order.SET and any(
        run.lvs[pair.lv] in {pair.target, None} and pair.target not in run.created for pair in run.plan.pairs
    )


def _in_turn(run: Run, pair: PlannedPair) -> bool:
    """Order `pair`: on one BV a pair begins only when every earlier plain pair shows its new image."""
    if run.plan.order is Order.SET or _alternates(pair):
        return True
    earlier = run.plan.pairs[: run.plan.pairs.index(pair)]
    return all(_renewed(run, one) for one in earlier if one.bv == pair.bv and not _alternates(one))


def _renewed(run: Run, pair: PlannedPair) -> bool:
    return pair.target in run.created and run.lvs[pair.lv] == pair.target


def _held(run: Run, pair: PlannedPair) -> bool:
    """Created, but its LV waits until every create of the resource succeeded."""
    waits = run.plan.order is Order.SET or _alternates(pair)
    return waits and any(other.target not in run.created for other in run.plan.pairs)


def conclude(run: Run) -> Closed:
    """How the run ends: 0 done and verified, 5 failed with every LV proven linked, 6 an LV detached or not provable."""
    if _declined(run) and not run.owes_post:
        return Closed(3, images(run), f"refused: {run.refused}: {run.failures[0].why}")
    named = [f"{pair.lv} {_plight(run, pair)}" for pair in run.plan.pairs if _plight(run, pair)]
    if named:
        return Closed(6, images(run), "; ".join([*named, *_account(run)]))
    if run.recovering:
        code = 5 if run.owes_post else 0
        return Closed(code, images(run), "; ".join(["every LV is linked", *_account(run)]))
    if not run.failures and all(_renewed(run, pair) and not _must_insist(run, pair) for pair in run.plan.pairs):
        return Closed(0, images(run), "done and verified")
    return Closed(5, images(run), "; ".join(["every LV is linked", *_account(run)]))


def _account(run: Run) -> list[str]:
    """The images behind the LVs, and why the run did not do what it was to do."""
    kind = images(run)
    new = ", ".join(pair.lv for pair in run.plan.pairs if _is_new(run, pair))
    told = [f"images {kind}" + (f" (new: {new})" if kind == "mixed" else "")]
    told += [] if run.recovering or not run.turn_back else [f"turned back: {run.turn_back}"]
    others = [text for one in run.failures if (text := f"{one.subject}: {one.why}") != run.turn_back]
    owed = run.owes_post and run.hooks.get(POST) is not HookState.FAILED
    return told + others[:FAILURES_TOLD] + ["post_resync is owed"] * owed


def _plight(run: Run, pair: PlannedPair) -> str:
    """What is wrong with an LV at the end; empty = proven to show an SV of its pair."""
    shown = run.lvs[pair.lv]
    if shown is None or pair.bv in run.closed | run.unverified:
        return f"{'was detached and ' if shown is DETACHED else ''}could not be read{_obstacle(run, pair.bv)}"
    if shown is DETACHED and _declined(run):
        return "is detached, as before the run"
    if shown is DETACHED:
        sv = rescue_target(run, pair)
        words = next((why for step, why in run.said.items() if isinstance(step, Link) and step.lv == pair.lv), "")
        told = f" ({words})" if words and words not in (run.turn_back or "") else ""
        return f"is detached: linking {sv} failed{told}" if sv else f"is detached: {pair.target} holds no usable image"
    return "" if shown in {pair.target, pair.previous} else f"shows {shown}"


def _obstacle(run: Run, bv: LdName) -> str:
    """Why nothing was found out about `bv` at the end."""
    if any(step.bv == bv for step in run.adrift):
        return " (a command that did not end may still take effect)"
    why = run.said.get(Observe(bv))
    return f" ({why})" if why else ""


def stays_open(run: Run) -> bool:
    """True where a later `resume` could still find out or mend something; a proven impossibility is closed."""
    if run.owes_post:
        return True
    return not _declined(run) and any(
        run.lvs[pair.lv] is None
        or pair.bv in run.closed | run.unverified
        or (run.lvs[pair.lv] is DETACHED and rescue_target(run, pair) is not None)
        for pair in run.plan.pairs
    )


def images(run: Run) -> str:
    """`new`, `old` or `mixed`: whether all, none, or some of the resource's LVs have a new image."""
    kinds = {_is_new(run, pair) for pair in run.plan.pairs}
    return ("new" if True in kinds else "old") if len(kinds) == 1 else "mixed"


def _is_new(run: Run, pair: PlannedPair) -> bool:
    """Whether the image behind the LV is none that it had before the run; a lost image is not new."""
    if _alternates(pair) and run.lvs[pair.lv] == pair.previous:
        return False
    # One that was given up, and came to rest all the same, is known by its date.
    fact = run.svs.get(pair.target)
    dated = fact is not None and fact.kind is Kind.ACTIVE and fact.stamp not in {None, pair.stamp}
    return pair.target in run.created or dated


def rehearse(plan: Plan, svs: dict[LdName, SvFact | None]) -> tuple[Change | Hook, ...]:
    """Every CHANGE and hook of a run in which nothing goes wrong, in order: what a dry run prints and hashes."""
    run, changes = start(plan, svs), list[Change | Hook]()
    while not isinstance(steps := next_steps(run), Closed):
        for step in steps:
            run = apply(run, Began(step))
            if isinstance(step, Observe):
                run = apply(run, Seen(step.bv, tuple(_as_believed(run, pair) for pair in run.pairs_on(step.bv))))
            else:
                changes.append(step)
                run = apply(run, Done(step, "rehearsal"))
    return tuple(changes)


def _as_believed(run: Run, pair: PlannedPair) -> Row:
    previous = run.svs[pair.previous] if pair.previous else None
    return Row(pair.lv, run.lvs[pair.lv], pair.access, run.svs[pair.target], previous)
