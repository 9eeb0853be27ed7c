"""How far an open run has come: what is done, at work, in doubt and to come, for people who wait for its end.

It decides nothing: what is done next is the business of `sequence`, from the same fold.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final, NamedTuple

from necism_monitor.domain.events import (
    DETACHED,
    GATE,
    POST,
    PRE,
    Began,
    Create,
    Done,
    Hook,
    Link,
    NotDone,
    Observe,
    PlannedPair,
    Seen,
    Step,
    Unclear,
    Unlink,
)
from necism_monitor.domain.names import LdName
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.run import HookState, Run

VERIFY: Final = "verify"
KINDS: Final = {"unlink": Unlink, "create": Create, "link": Link}


class Turn(enum.Enum):
    """Where a step, or all steps of a kind, stand."""

    DONE = "done"
    AT_WORK = "at work"
    IN_DOUBT = "in doubt"
    FAILED = "failed"
    TO_COME = "to come"
    LEFT_OUT = "left out"


class Mark(NamedTuple):
    """Where one step stands; `at`, in seconds since the epoch: when it was done, or since when it is at work."""

    turn: Turn
    at: float | None = None


class PairCourse(NamedTuple):
    """One pair on its way."""

    lv: LdName
    sv: LdName
    unlink: Mark
    create: Mark
    link: Mark


class Stage(NamedTuple):
    """All steps of one kind; times are seconds since the epoch."""

    kind: str
    """unlink, create, link, verify, or the name of a hook."""
    turn: Turn
    done: int
    total: int
    since: float | None
    """When the first of them began."""
    until: float | None
    """When the last of them ended, once all are done."""


class Course(NamedTuple):
    """An open run, as far as its journal tells."""

    stages: tuple[Stage, ...]
    pairs: tuple[PairCourse, ...]
    turned_back: str
    """Why it creates nothing more; empty while it goes forward."""


class _Times(NamedTuple):
    """When a step last began, and when it was last heard of."""

    began: float
    ended: float | None


_Key = tuple[str, str]


def course_of(file: RunFile) -> Course:
    """Where the run of a journal stands after its last line."""
    run, times = file.run(), _times(file)
    pairs = tuple(_pair(run, pair, times) for pair in run.plan.pairs)
    changes = {kind: _changes(run, kind, [getattr(one, kind) for one in pairs], times) for kind in KINDS}
    hooks = {name: [_hook(run, name, times)] for name in (PRE, GATE, POST) if name in run.plan.hooks}
    opening = [*hooks.get(PRE, []), *hooks.get(GATE, [])]
    unlink, create = changes["unlink"], changes["create"]
    # Where no LV stands on what is to be created, nobody is disturbed before all creates are done.
    begin = [create, *opening, unlink] if run.plan.create_first else [*opening, unlink, create]
    stages = (*begin, changes["link"], _verify(run, changes["link"], times), *hooks.get(POST, []))
    return Course(tuple(one for one in stages if one.total), pairs, run.turn_back or "")


def _times(file: RunFile) -> dict[_Key, _Times]:
    """By kind and subject of a step."""
    found: dict[_Key, _Times] = {}
    for line in file.lines:
        match line.item:
            case Began(step):
                found[_key(step)] = _Times(line.at, None)
            case Done(step) | NotDone(step) | Unclear(step) if _key(step) in found:
                found[_key(step)] = found[_key(step)]._replace(ended=line.at)
            case Seen(bv) if _key(Observe(bv)) in found:
                found[_key(Observe(bv))] = found[_key(Observe(bv))]._replace(ended=line.at)
            case _:
                continue
    return found


def _key(step: Step) -> _Key:
    match step:
        case Hook(name):
            return "hook", name
        case Observe(bv):
            return "observe", bv
        case Create(sv=sv):
            return "create", sv
        case Unlink(lv=lv):
            return "unlink", lv
        case Link(lv=lv):
            return "link", lv


def _pair(run: Run, pair: PlannedPair, times: dict[_Key, _Times]) -> PairCourse:
    working = {_key(step) for step in run.in_flight}

    def mark(kind: str, subject: LdName, turn: Turn) -> Mark:
        seen = times.get((kind, subject))
        if (kind, subject) in working and seen:
            return Mark(Turn.AT_WORK, seen.began)
        return Mark(turn, seen.ended if seen and turn in {Turn.DONE, Turn.IN_DOUBT} else None)

    return PairCourse(
        pair.lv,
        pair.target,
        mark("unlink", pair.lv, _unlinked(run, pair, times)),
        mark("create", pair.target, _created(run, pair)),
        mark("link", pair.lv, _linked(run, pair, times)),
    )


def _unlinked(run: Run, pair: PlannedPair, times: dict[_Key, _Times]) -> Turn:
    shown, made = run.lvs[pair.lv], pair.target in run.created
    if pair.previous is None:
        return Turn.LEFT_OUT
    if shown is DETACHED or (made and pair.target in {shown, pair.previous}):
        return Turn.DONE
    begun = ("unlink", pair.lv) in times
    if shown is None and begun and ("link", pair.lv) not in times:
        return Turn.IN_DOUBT
    if run.turn_back:
        # It was off, and shows an SV again: what the link says.
        return Turn.DONE if begun and ("link", pair.lv) in times else Turn.LEFT_OUT
    return Turn.TO_COME


def _created(run: Run, pair: PlannedPair) -> Turn:
    if pair.target in run.created:
        return Turn.DONE
    if pair.target in run.doubted:
        return Turn.IN_DOUBT
    if any(failure.subject == pair.target for failure in run.failures):
        return Turn.FAILED
    return Turn.LEFT_OUT if run.turn_back else Turn.TO_COME


def _linked(run: Run, pair: PlannedPair, times: dict[_Key, _Times]) -> Turn:
    shown, begun = run.lvs[pair.lv], ("link", pair.lv) in times
    if shown is None and begun:
        return Turn.IN_DOUBT
    if pair.lv in run.abandoned:
        return Turn.FAILED
    if isinstance(shown, LdName) and begun and (shown == pair.target or run.turn_back):
        return Turn.DONE
    return Turn.LEFT_OUT if run.turn_back and isinstance(shown, LdName) else Turn.TO_COME


def _changes(run: Run, kind: str, marks: list[Mark], times: dict[_Key, _Times]) -> Stage:
    """The stage of one kind of CHANGE."""
    turns = [one.turn for one in marks]
    if run.recovering and kind == "create":
        # It never creates: what others did before it is told by the pairs.
        return Stage(kind, Turn.LEFT_OUT, 0, 0, None, None)
    left_out = turns.count(Turn.LEFT_OUT) if kind != "create" else 0
    done, total = turns.count(Turn.DONE), len(turns) - left_out
    seen = [one for (name, _), one in times.items() if name == kind]
    since = min((one.began for one in seen), default=None)
    until = max((one.ended for one in seen if one.ended is not None), default=None)
    turn = Turn.DONE if done == total else _worst(turns)
    return Stage(kind, turn, done, total, since, until if turn is Turn.DONE else None)


def _worst(turns: Iterable[Turn]) -> Turn:
    """What is to be said of steps of which not all are done."""
    found = set(turns)
    order = (Turn.AT_WORK, Turn.IN_DOUBT, Turn.FAILED, Turn.LEFT_OUT, Turn.TO_COME)
    return next(one for one in order if one in found)


def _hook(run: Run, name: str, times: dict[_Key, _Times]) -> Stage:
    seen, state = times.get(("hook", name)), run.hooks.get(name)
    told = {HookState.BEGUN: Turn.AT_WORK, HookState.DONE: Turn.DONE, HookState.FAILED: Turn.FAILED}
    missed = Turn.LEFT_OUT if run.turn_back and name != POST else Turn.TO_COME
    turn = missed if state is None else told[state]
    ended = seen.ended if seen and turn is not Turn.AT_WORK else None
    return Stage(name, turn, int(turn is Turn.DONE), 1, seen.began if seen else None, ended)


def _verify(run: Run, link: Stage, times: dict[_Key, _Times]) -> Stage:
    """The last reading: of a BV it counts once nothing of the run came after it."""
    total = len(run.plan.bvs)
    if link.turn is not Turn.DONE:
        return Stage(VERIFY, Turn.TO_COME, 0, total, None, None)
    reading = [times[_key(step)].began for step in run.in_flight if isinstance(step, Observe)]
    done = total - len(run.unverified)
    turn = Turn.AT_WORK if reading or 0 < done < total else Turn.DONE if done else Turn.TO_COME
    return Stage(VERIFY, turn, done, total, min(reading, default=None), None)
