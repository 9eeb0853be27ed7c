"""A model of an array for the search: what is true, what is under way, and what each step may do.

It knows nothing of the engine's bookkeeping: truth is kept here, beside what an honest observer could have learnt of
it so far, and the invariants are judged on these two alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from necism_monitor.domain.events import (
    DETACHED,
    POST,
    Change,
    Create,
    Done,
    Event,
    Hook,
    Kind,
    Link,
    NotDone,
    Observe,
    Plan,
    PlannedPair,
    Row,
    Seen,
    Step,
    SvFact,
    Unclear,
    Unlink,
)
from necism_monitor.domain.names import LdName

FOREIGN: Final = LdName("SV_of_others")
"""An SV that the plan does not name."""

Ending = tuple["Truth", Event, int]
"""How a step may end: the truth after it, the event it yields, the faults it costs."""


class Truth(NamedTuple):
    """What is really on the array, what is under way there, and what has been learnt of it."""

    lvs: tuple[tuple[LdName, LdName | None], ...]
    svs: tuple[tuple[LdName, str], ...]
    """SV -> its image: a date, or `fault`, or `moving`."""
    guarded: frozenset[LdName] = frozenset()
    """SVs on which a guard is set."""
    flying: frozenset[Step] = frozenset()
    """Sent, and not ended."""
    pending: frozenset[Step] = frozenset()
    """Of these, those that were abandoned and may still take effect."""
    hanging: frozenset[Step] = frozenset()
    """Of these, those that were abandoned and have had their effect."""
    liars: frozenset[LdName] = frozenset()
    """LVs of which the array says from now on, each time, that it linked or detached them, and does neither."""
    wrong: frozenset[LdName] = frozenset()
    """LVs that a link gave another access than it was to give."""
    begun: frozenset[str] = frozenset()
    """Hooks that were started, `post_resync` only by the present process."""
    well: frozenset[str] = frozenset()
    """Hooks that ended well."""
    lied: frozenset[LdName] = frozenset()
    """LVs and SVs of which the array said what is not so, and which have not been read since."""
    doubt: frozenset[LdName] = frozenset()
    """LVs and SVs of which nobody can know what is true of them until they are read."""
    stale: frozenset[LdName] = frozenset()
    """BVs on which something was done, or may have been, since they were last read."""
    unheard: frozenset[LdName] = frozenset()
    """BVs whose last reading failed."""

    def shown(self, lv: LdName) -> LdName | None:
        """The SV that `lv` shows."""
        return dict(self.lvs)[lv]

    def image(self, sv: LdName) -> str:
        """What `sv` holds."""
        return dict(self.svs)[sv]

    def with_lv(self, lv: LdName, sv: LdName | None) -> Truth:
        """After `lv` was linked to `sv`, or detached."""
        return self._replace(lvs=tuple((name, sv if name == lv else old) for name, old in self.lvs))

    def with_sv(self, sv: LdName, image: str) -> Truth:
        """After the image of `sv` changed."""
        return self._replace(svs=tuple((name, image if name == sv else old) for name, old in self.svs))

    @property
    def may_land(self) -> frozenset[Step]:
        """Abandoned commands of which no end is known."""
        return self.pending | self.hanging


def is_active(image: str) -> bool:
    """An image that can be shown."""
    return image not in {"fault", "moving"}


def on_bv(plan: Plan, bv: LdName) -> frozenset[LdName]:
    """Every LV and SV that the plan has on `bv`."""
    pairs = [pair for pair in plan.pairs if pair.bv == bv]
    return frozenset(name for pair in pairs for name in (pair.lv, pair.target, pair.previous) if name)


def subject(step: Change) -> LdName:
    """What a CHANGE is done to."""
    return step.sv if isinstance(step, Create) else step.lv


def accepted(truth: Truth, step: Change) -> bool:
    """Whether the array would do it: it refuses what makes no sense there."""
    match step:
        case Create(sv=sv):
            return sv not in dict(truth.lvs).values()
        case Unlink(lv=lv):
            return truth.shown(lv) is not None
        case Link(lv=lv, sv=sv):
            return truth.shown(lv) is None and is_active(truth.image(sv))


def effect(truth: Truth, step: Change) -> Truth:
    """The truth after `step` had its effect."""
    match step:
        case Create(sv=sv):
            return truth.with_sv(sv, "new")
        case Unlink(lv=lv):
            return truth.with_lv(lv, None)
        case Link(lv=lv, sv=sv):
            return truth.with_lv(lv, sv)._replace(wrong=truth.wrong - {lv})


def sent(truth: Truth, step: Step) -> Truth:
    """`step` is under way."""
    truth = truth._replace(flying=truth.flying | {step})
    return truth._replace(begun=truth.begun | {step.name}) if isinstance(step, Hook) else truth


def endings(truth: Truth, plan: Plan, step: Step) -> Iterator[Ending]:
    """Every way in which a step that is under way can end, or be abandoned."""
    if isinstance(step, Observe):
        yield from _readings(truth, plan, step)
    elif isinstance(step, Hook):
        yield from _hook_endings(_ended(truth, step), step)
    else:
        yield from _change_endings(_ended(truth, step), step)
        yield from _abandoned(truth, step)


def _ended(truth: Truth, step: Step) -> Truth:
    gone = {step}
    return truth._replace(flying=truth.flying - gone, pending=truth.pending - gone, hanging=truth.hanging - gone)


def _hook_endings(truth: Truth, hook: Hook) -> Iterator[Ending]:
    """A hook ends well, or says no, or nobody knows: a time-out ends it."""
    yield truth._replace(well=truth.well | {hook.name}), Done(hook), 0
    yield truth, NotDone(hook, "exit 1"), 1
    yield truth, Unclear(hook, "timed out"), 1


def _told(truth: Truth, step: Change) -> Ending:
    """It had its effect and said so."""
    done, name = effect(truth, step), {subject(step)}
    return done._replace(lied=done.lied - name, doubt=done.doubt - name, stale=done.stale | {step.bv}), _word(step), 0


def _word(step: Change) -> Done:
    return Done(step, "new" if isinstance(step, Create) else None)


def _doubtful(truth: Truth, step: Change) -> Truth:
    return truth._replace(doubt=truth.doubt | {subject(step)}, stale=truth.stale | {step.bv})


def _lying(truth: Truth, step: Change) -> Truth:
    """It says that it was done, and it was not."""
    name = {subject(step)}
    return truth._replace(lied=truth.lied | name, doubt=truth.doubt - name, stale=truth.stale | {step.bv})


def _change_endings(truth: Truth, step: Change) -> Iterator[Ending]:
    """Its own word, a failure before or after the effect, a cut answer, a lie; or the array refuses what is absurd."""
    if isinstance(step, Link | Unlink) and step.lv in truth.liars:
        yield _lying(truth, step), Done(step), 0
        return
    if not accepted(truth, step):
        yield _doubtful(truth, step), Unclear(step, "refused"), 0
        return
    yield _told(truth, step)
    yield truth, NotDone(step, "not started"), 1
    yield truth, NotDone(step, "busy", busy=True), 1
    yield _doubtful(truth, step), Unclear(step, "failed before"), 1
    yield _doubtful(effect(truth, step), step), Unclear(step, "failed after, or its answer was cut"), 1
    yield _lying(truth, step), _word(step), 1
    match step:
        case Create(sv=sv):
            yield _doubtful(truth.with_sv(sv, "fault"), step), Unclear(step, "failed half-way"), 1
            yield _doubtful(truth.with_sv(sv, "moving"), step), Unclear(step, "asynchronous"), 1
        case Link(lv=lv):
            linked, word, _ = _told(truth, step)
            yield linked._replace(wrong=linked.wrong | {lv}), word, 1
            yield _lying(truth._replace(liars=truth.liars | {lv}), step), Done(step), 1
        case Unlink(lv=lv):
            yield _lying(truth._replace(liars=truth.liars | {lv}), step), Done(step), 1


def _abandoned(truth: Truth, step: Change) -> Iterator[Ending]:
    """Its time is over and nobody knows: it has had its effect, or will, or never will."""
    given_up = Unclear(step, "timeout", landed=False)
    truth = _doubtful(truth, step)
    yield truth._replace(pending=truth.pending | {step}), given_up, 1
    if accepted(truth, step):
        yield effect(truth, step)._replace(hanging=truth.hanging | {step}), given_up, 1


def late_endings(truth: Truth, step: Change) -> Iterator[Ending]:
    """An abandoned command ends after all, with or without effect, and is heard or not; it costs nothing more."""
    rest = _ended(truth, step)
    if step in truth.hanging:
        yield rest._replace(doubt=rest.doubt - {subject(step)}), _word(step), 0
    elif accepted(rest, step):
        yield _told(rest, step)
    yield rest, Unclear(step, "failed late"), 0


def landings(truth: Truth, plan: Plan) -> list[Truth]:
    """The process died: every combination of effects of what was under way, once all of it has ended."""
    names = frozenset(name for bv in plan.bvs for name in on_bv(plan, bv))
    rest = truth._replace(flying=frozenset(), pending=frozenset(), hanging=frozenset(), lied=frozenset())
    rest = rest._replace(doubt=names, stale=frozenset(plan.bvs), unheard=frozenset(), begun=truth.begun - {POST})
    truths = [rest]
    for step in truth.flying - truth.hanging:
        if not isinstance(step, Observe | Hook):
            truths += [effect(one, step) for one in truths if accepted(one, step)]
    for step in truth.flying:
        if isinstance(step, Hook):
            truths += [one._replace(well=one.well | {step.name}) for one in truths]
    return list(dict.fromkeys(truths))


def by_hand(truth: Truth) -> list[Truth]:
    """Before somebody resumes, a person may have linked a detached LV to an SV that is none of its pair's."""
    away = [lv for lv, shown in truth.lvs if shown is None]
    return [truth.with_lv(lv, FOREIGN) for lv in away if FOREIGN in dict(truth.svs)]


def _readings(truth: Truth, plan: Plan, step: Observe) -> Iterator[Ending]:
    """A true reading; a moving SV may have come to rest before it, as a new image or as a fault."""
    truth, names = _ended(truth, step), on_bv(plan, step.bv)
    worlds = [truth]
    for sv, image in truth.svs:
        if sv in names and image == "moving":
            worlds += [one.with_sv(sv, rested) for one in worlds for rested in ("new", "fault")]
    pairs = [pair for pair in plan.pairs if pair.bv == step.bv]
    for one in worlds:
        learnt = one._replace(lied=one.lied - names, doubt=one.doubt - names)
        learnt = learnt._replace(stale=one.stale - {step.bv}, unheard=one.unheard - {step.bv})
        yield learnt, Seen(step.bv, tuple(row(one, pair) for pair in pairs)), 0
    yield truth._replace(unheard=truth.unheard | {step.bv}), Unclear(step, "timed out, or cut"), 1


def row(truth: Truth, pair: PlannedPair) -> Row:
    """What a true screen says of `pair`."""
    previous = fact(truth, pair.previous) if pair.previous else None
    access = {"rw": "ro", "ro": "rw"}[pair.access] if pair.lv in truth.wrong else pair.access
    return Row(pair.lv, truth.shown(pair.lv) or DETACHED, access, fact(truth, pair.target), previous)


def fact(truth: Truth, sv: LdName) -> SvFact:
    """What a true screen says of `sv`."""
    image = truth.image(sv)
    if is_active(image):
        return SvFact(Kind.ACTIVE, image, "snap/active")
    return SvFact(Kind.MOVING if image == "moving" else Kind.USELESS, None, image)
