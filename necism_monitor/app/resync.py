"""The guarded resync of one resource: guards, lock, one reading, guards, plan, engine, verification.

Guards say whether a run may start, `sequence` says what comes next; here nothing is decided, only done in order.
"""

from __future__ import annotations

from typing import NamedTuple

from necism_monitor.app.admission import admit, situation_of
from necism_monitor.app.collect import collect
from necism_monitor.app.desk import Desk, Report, Request, acquire, refuse, tidy
from necism_monitor.app.hooks import HostHooks, argv_of, doubt, survey, unanswered
from necism_monitor.app.opening import header_of, open_journal, tools_of
from necism_monitor.app.ports import (
    HeldLock,
)
from necism_monitor.app.resync_engine import REFUSED, Engine
from necism_monitor.app.share import share, withdraw
from necism_monitor.domain.beginning import switch_story
from necism_monitor.domain.events import GATE, PRE, Closed, Hook, Plan, SvFact
from necism_monitor.domain.guards import Situation, may_change
from necism_monitor.domain.model import MANUAL, Resource
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import make_plan, plan_hash
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.refusals import Refusal, refusal
from necism_monitor.domain.run import start
from necism_monitor.domain.sequence import rehearse
from necism_monitor.ism.outcome import command_of

EXIT_AWAY = 6
"""An LV is detached, or nobody knows."""
SETTLE_PAUSE = 5.0
"""Seconds between two readings while an SV changes before a run."""


class _Ready(NamedTuple):
    """A plan that passed every guard."""

    observation: Observation
    plan: Plan
    facts: dict[LdName, SvFact | None]
    argvs: tuple[tuple[str, ...], ...]
    """Every command of the run, hooks included."""
    changes: int
    hash: str


def resync(desk: Desk, resource: Resource, request: Request) -> Report:
    """Refresh one resource.  Raises EnvironmentProblem, before any change, where lock or journal cannot be had."""
    refused = _early(desk, resource, request)
    if refused:
        return refuse(desk, resource, request, refused)
    if request.dry_run:
        return _rehearsed(desk, resource, request)
    held = acquire(desk, request.wait)
    if isinstance(held, str):
        return refuse(desk, resource, request, refusal("locked", held))
    try:
        return _locked(desk, resource, request, held)
    finally:
        held.release()


def _rehearsed(desk: Desk, resource: Resource, request: Request) -> Report:
    """What a run would do now; the lock is asked for, so that it says what a run would say, and given back at once."""
    held = acquire(desk, 0.0)
    if isinstance(held, str):
        return refuse(desk, resource, request, refusal("locked", held))
    held.release()
    ready = _prepare(desk, resource, request)
    if isinstance(ready, Refusal):
        return refuse(desk, resource, request, ready)
    found = survey(desk, ready.plan.pairs)
    # What pre_resync would stop may use them until then.
    if found.used and PRE not in ready.plan.hooks:
        return refuse(desk, resource, request, refusal("in-use", "; ".join(found.used)))
    told = doubt(resource, found)
    # pre_resync makes nothing visible: whom a doubt holds now, it would hold then.
    if told and request.trigger != MANUAL:
        return refuse(desk, resource, request, refusal("in-use", unanswered(told)))
    notes = (*_notes(desk, request), *found.used, *filter(None, [told]))
    return Report(resource, 0, "would be done", None, None, ready.argvs, ready.hash, notes)


def _notes(desk: Desk, request: Request) -> tuple[str, ...]:
    """What a person who starts a run is told: it is theirs to heed."""
    switch = desk.killed() if request.trigger == MANUAL else None
    if not switch:
        return ()
    return (f"{switch_story(switch)}: it holds automatic callers, this run was asked for by a person",)


def _early(desk: Desk, resource: Resource, request: Request) -> Refusal | None:
    """The guards before the lock; a living owner is waited for where the caller wants to wait."""
    refused = admit(desk, resource, request)
    return None if refused and refused.code == "locked" and request.wait and not request.dry_run else refused


def _locked(desk: Desk, resource: Resource, request: Request, held: HeldLock) -> Report:
    """The lock is ours: what the journal says may have changed while we waited for it."""
    refused = admit(desk, resource, request)
    ready = refused or _prepare(desk, resource, request)
    if isinstance(ready, Refusal):
        return refuse(desk, resource, request, ready)
    for note in _notes(desk, request):
        desk.narrator.say("WARNING", note)
    hooks = HostHooks(desk, resource, request.run_id, request.trigger)
    if not ready.plan.create_first and PRE not in ready.plan.hooks and not desk.stop():
        # Nothing comes before the first unlink, so the gate stands before the run.
        used = hooks.gate(ready.plan.pairs)
        if used:
            return refuse(desk, resource, request, refusal("in-use", used))
        ready = ready._replace(plan=_without_gate(ready.plan))
    # The gate may take minutes.
    why = desk.stop()
    if why:
        return Report(resource, 3, f"stopped by {why} before anything was changed")
    header = header_of(desk, resource, request, ready.plan, ready.hash, ready.changes)
    journal = open_journal(desk, header, ready.plan, ready.facts)
    taken = withdraw(desk, resource)
    try:
        run = start(ready.plan, ready.facts)
        engine = Engine(tools_of(desk, journal, held, hooks), run, ready.changes)
        result, is_open = engine.drive()
        share(desk, resource, engine, ready.observation, taken)
        return _ended(desk, resource, request, ready, engine, result, is_open)
    finally:
        journal.close()
        tidy(desk, resource)


def _prepare(desk: Desk, resource: Resource, request: Request) -> _Ready | Refusal:
    """One reading and the guards that need it; a transitional SV is waited for before anything is detached."""
    deadline = desk.clock.now() + desk.config.settings.settle_timeout
    while True:
        observation = collect(desk.reader, desk.array, (resource,), desk.volumes, desk.clock)
        situation = situation_of(desk, resource, request, observation)
        refused = may_change(situation)
        waits = refused is not None and refused.code == "changing" and not request.dry_run
        if not waits or refused is None or desk.clock.now() >= deadline or desk.stop():
            break
        desk.narrator.say("INFO", f"waiting: {refused.text}")
        desk.clock.sleep(SETTLE_PAUSE)
        # Minutes go by: a kill switch that came meanwhile, or the end of a window, counts.
        held = admit(desk, resource, request)
        if held is not None:
            return held
    return refused or _planned(desk, situation, observation, request)


def _planned(desk: Desk, situation: Situation, observation: Observation, request: Request) -> _Ready | Refusal:
    resource = situation.basis.resource
    plan, facts = make_plan(situation.basis)
    wwns = desk.devices.wwns({pair.lv: pair.special_file for pair in plan.pairs})
    plan = plan._replace(pairs=tuple(pair._replace(wwn=wwns.get(pair.lv)) for pair in plan.pairs))
    steps = rehearse(plan, facts)
    told = (argv_of(resource, step.name) if isinstance(step, Hook) else command_of(step).argv for step in steps)
    argvs = tuple(argv for argv in told if argv)
    digest = plan_hash(argvs)
    if request.plan is not None and request.plan != digest:
        return refusal("plan-changed", f"the plan is {digest} now, not {request.plan}")
    changes = sum(not isinstance(step, Hook) for step in steps)
    return _Ready(observation, plan, facts, argvs, changes, digest)


def _without_gate(plan: Plan) -> Plan:
    return plan._replace(hooks=tuple(name for name in plan.hooks if name != GATE))


def _ended(
    desk: Desk,
    resource: Resource,
    request: Request,
    ready: _Ready,
    engine: Engine,
    result: Closed,
    is_open: bool,  # noqa: FBT001 - one of two answers of the engine
) -> Report:
    code = engine.run.refused
    if code and result.exit == REFUSED:
        refused = refusal(code, engine.run.failures[0].why)
        return refuse(desk, resource, request, refused)._replace(run_id=request.run_id)
    left = _way_out(desk, resource, result) if is_open else ""
    desk.narrator.say("INFO" if result.exit == 0 else "ERROR", f"{result.text}{left}")
    return Report(resource, result.exit, result.text + left, None, request.run_id, ready.argvs, ready.hash)


def _way_out(desk: Desk, resource: Resource, result: Closed) -> str:
    """What to do about a run without an end; one whose journal is gone cannot be resumed."""
    history = desk.book.history(resource)
    if isinstance(history, Unread) or history.open_run:
        return "; the run stays open: `necism resume` ends it"
    return "; no journal of it is left: `necism relink` links what is detached" if result.exit == EXIT_AWAY else ""
