"""A model of an array for the search: what is true, what each step may do to it, and what must never happen.

It knows nothing of the engine's bookkeeping: truth is kept here, and the invariants are judged on truth alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from necism_monitor.domain.events import (
    DETACHED,
    Change,
    Create,
    Done,
    Event,
    Kind,
    Link,
    NotDone,
    Observe,
    PlannedPair,
    Row,
    Seen,
    Step,
    SvFact,
    Unclear,
    Unlink,
)
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import Run


class Truth(NamedTuple):
    """What is really on the array, and what abandoned commands may still do."""

    lvs: tuple[tuple[LdName, LdName | None], ...]
    svs: tuple[tuple[LdName, str], ...]
    """SV -> its image: a date, or `fault`, or `moving`."""
    pending: frozenset[Step] = frozenset()
    lied: frozenset[LdName] = frozenset()
    """LVs that the array said to have detached, SVs that it said to have created, and did not."""
    wrong: frozenset[LdName] = frozenset()
    """LVs that a link gave another access than it was to give."""
    liars: frozenset[LdName] = frozenset()
    """LVs of which the array says from now on, each time, that it linked or detached them, and does neither."""

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


class Broken(AssertionError):
    """An invariant does not hold."""


def active(image: str) -> bool:
    """An image that can be shown."""
    return image not in {"fault", "moving"}


def check_sent(truth: Truth, pairs: tuple[PlannedPair, ...], step: Change) -> None:
    """What must be true of every command at the moment it is sent."""
    match step:
        case Create(sv=sv):
            if any(shown == sv and lv not in truth.lied for lv, shown in truth.lvs):
                raise Broken(f"create of {sv} while an LV shows it")
            if any(image == "moving" and name in _on(pairs, step.bv) for name, image in truth.svs):
                raise Broken(f"create on {step.bv} while an SV of it is moving")
            if sv not in {pair.target for pair in pairs}:
                raise Broken(f"create of {sv}, which the plan does not name")
        case Unlink(lv=lv):
            pair = next(pair for pair in pairs if pair.lv == lv)
            if truth.shown(lv) not in {pair.target, pair.previous, None}:
                raise Broken(f"unlink of {lv}, which shows {truth.shown(lv)}")
        case Link(sv=sv):
            if not active(truth.image(sv)) and sv not in truth.lied:
                raise Broken(f"link to {sv}, which holds {truth.image(sv)}")


def _on(pairs: tuple[PlannedPair, ...], bv: LdName) -> set[LdName]:
    return {sv for pair in pairs if pair.bv == bv for sv in (pair.target, pair.previous) if sv}


def accepted(truth: Truth, step: Change) -> bool:
    """Whether the array would do it: it refuses what makes no sense there."""
    match step:
        case Create(sv=sv):
            return sv not in dict(truth.lvs).values()
        case Unlink(lv=lv):
            return truth.shown(lv) is not None
        case Link(lv=lv, sv=sv):
            return truth.shown(lv) is None and active(truth.image(sv))


def effect(truth: Truth, step: Change) -> Truth:
    """The truth after `step` had its effect."""
    match step:
        case Create(sv=sv):
            return truth.with_sv(sv, "new")
        case Unlink(lv=lv):
            return truth.with_lv(lv, None)
        case Link(lv=lv, sv=sv):
            return truth.with_lv(lv, sv)._replace(wrong=truth.wrong - {lv})


def answers(truth: Truth, run: Run, step: Step, faults: int) -> Iterator[tuple[Truth, Event, int]]:
    """Every way in which `step` can end: the truth after it, the event it yields, the faults it costs."""
    if isinstance(step, Observe):
        yield from _readings(truth, run, step, faults)
        return
    if isinstance(step, Link | Unlink) and step.lv in truth.liars:
        yield truth, Done(step), 0
        return
    if not accepted(truth, step):
        yield truth, Unclear(step, "refused"), 0
        return
    yield effect(truth, step), Done(step, "new" if isinstance(step, Create) else None), 0
    if faults:
        yield truth, NotDone(step, "not started"), 1
        yield truth, Unclear(step, "failed before"), 1
        yield effect(truth, step), Unclear(step, "failed after"), 1
        yield truth._replace(pending=truth.pending | {step}), Unclear(step, "timeout", landed=False), 1
    if faults and isinstance(step, Create):
        yield truth.with_sv(step.sv, "fault"), Unclear(step, "failed half-way"), 1
        yield truth.with_sv(step.sv, "moving"), Unclear(step, "asynchronous"), 1
        yield truth._replace(lied=truth.lied | {step.sv}), Done(step, "new"), 1
    if faults and isinstance(step, Unlink):
        lying = truth._replace(lied=truth.lied | {step.lv})
        yield lying, Done(step), 1
        yield lying._replace(liars=truth.liars | {step.lv}), Done(step), 1
    if faults and isinstance(step, Link):
        yield truth, Done(step), 1
        yield truth._replace(liars=truth.liars | {step.lv}), Done(step), 1
        linked = effect(truth, step)
        yield linked._replace(wrong=linked.wrong | {step.lv}), Done(step), 1


def _readings(truth: Truth, run: Run, step: Observe, faults: int) -> Iterator[tuple[Truth, Event, int]]:
    """A true reading; a moving SV may have come to rest before it, as a new image or as a fault."""
    moving = [sv for sv in _on(run.plan.pairs, step.bv) if truth.image(sv) == "moving"]
    yield truth, Seen(step.bv, tuple(row(truth, pair) for pair in run.pairs_on(step.bv))), 0
    for sv in moving:
        for image in ("new", "fault"):
            rested = truth.with_sv(sv, image)
            yield rested, Seen(step.bv, tuple(row(rested, pair) for pair in run.pairs_on(step.bv))), 0
    if faults:
        yield truth, Unclear(step, "timed out"), 1


def row(truth: Truth, pair: PlannedPair) -> Row:
    """What a true screen says of `pair`."""
    previous = fact(truth, pair.previous) if pair.previous else None
    access = {"rw": "ro", "ro": "rw"}[pair.access] if pair.lv in truth.wrong else pair.access
    return Row(pair.lv, truth.shown(pair.lv) or DETACHED, access, fact(truth, pair.target), previous)


def fact(truth: Truth, sv: LdName) -> SvFact:
    """What a true screen says of `sv`."""
    image = truth.image(sv)
    if active(image):
        return SvFact(Kind.ACTIVE, image, "snap/active")
    return SvFact(Kind.MOVING if image == "moving" else Kind.USELESS, None, image)
