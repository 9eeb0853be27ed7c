"""The guarded resync of one resource: guards, lock, one reading, guards, plan, engine, verification.

Guards say whether a run may start, `sequence` says what comes next; here nothing is decided, only done in order.
"""

from __future__ import annotations

from typing import NamedTuple

from necism_monitor.app.collect import collect
from necism_monitor.app.desk import Desk, Report, Request, acquire, deadline_of, refuse
from necism_monitor.app.ports import (
    HeldLock,
    RunJournal,
)
from necism_monitor.app.resync_engine import Engine, Tools
from necism_monitor.app.share import share
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.events import Closed, Plan, SvFact
from necism_monitor.domain.guards import Situation, Start, may_begin, may_change, survey
from necism_monitor.domain.history import NO_HISTORY
from necism_monitor.domain.judge import basis_of
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import make_plan, plan_hash
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.record import Header, Line, PlanLine
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
    notes = _notes(desk, resource, request)
    return Report(resource, 0, "would be done", None, None, ready.argvs, ready.hash, notes)


def _notes(desk: Desk, resource: Resource, request: Request) -> tuple[str, ...]:
    """What a person who starts a run is told: it is theirs to heed."""
    if request.trigger != "manual":
        return ()
    switch = desk.killed()
    held = f"the kill switch {switch} is there: it holds automatic callers, this run was asked for by a person"
    used = (
        "whether a host uses the LVs is not checked by this release: stop their consumers first, "
        "or declare `consumers = none`"
    )
    return tuple(note for note, true in ((held, switch), (used, not resource.unused)) if true)


def _early(desk: Desk, resource: Resource, request: Request) -> Refusal | None:
    """The guards before the lock; a living owner is waited for where the caller wants to wait."""
    refused = may_begin(Start(resource, desk.book.history(resource), desk.node))
    return None if refused and refused.code == "locked" and request.wait and not request.dry_run else refused


def _locked(desk: Desk, resource: Resource, request: Request, held: HeldLock) -> Report:
    """The lock is ours: what the journal says may have changed while we waited for it."""
    refused = may_begin(Start(resource, desk.book.history(resource), desk.node))
    ready = refused or _prepare(desk, resource, request)
    if isinstance(ready, Refusal):
        return refuse(desk, resource, request, ready)
    why = desk.stop()
    if why:
        return Report(resource, 3, f"stopped by {why} before anything was changed")
    for note in _notes(desk, resource, request):
        desk.narrator.say("WARNING", note)
    journal = _open_journal(desk, resource, request, ready)
    try:
        engine = _engine(desk, ready, journal, held)
        result, is_open = engine.drive()
        return _ended(desk, resource, request, ready, engine, result, is_open)
    finally:
        journal.close()


def _prepare(desk: Desk, resource: Resource, request: Request) -> _Ready | Refusal:
    """One reading and the guards that need it; a transitional SV is waited for before anything is detached."""
    deadline = desk.clock.now() + desk.config.settings.settle_timeout
    while True:
        observation = collect(desk.reader, desk.array, (resource,), desk.volumes, desk.clock)
        situation = _situation(desk, resource, observation, force=request.force)
        refused = may_change(situation)
        waits = refused is not None and refused.code == "changing" and not request.dry_run
        if not waits or refused is None or desk.clock.now() >= deadline or desk.stop():
            break
        desk.narrator.say("INFO", f"waiting: {refused.text}")
        desk.clock.sleep(SETTLE_PAUSE)
    return refused or _planned(situation, observation, request)


def _situation(desk: Desk, resource: Resource, observation: Observation, *, force: bool) -> Situation:
    remembered = desk.book.history(resource)
    history = NO_HISTORY if isinstance(remembered, Unread) else remembered
    basis = basis_of(desk.config, resource, observation, history, desk.host_zone, desk.clock.now())
    return survey(basis, desk.array.unique_names, force)


def _planned(situation: Situation, observation: Observation, request: Request) -> _Ready | Refusal:
    plan, facts = make_plan(situation.basis)
    argvs = tuple(command_of(step).argv for step in rehearse(plan, facts))
    digest = plan_hash(argvs)
    if request.plan is not None and request.plan != digest:
        return refusal("plan-changed", f"the plan is {digest} now, not {request.plan}")
    return _Ready(observation, plan, facts, argvs, digest)


def _open_journal(desk: Desk, resource: Resource, request: Request, ready: _Ready) -> RunJournal:
    """Write the header and the plan, so that whatever comes is on disk before the first CHANGE."""
    now = desk.clock.now()
    header = Header(
        id=request.run_id,
        service=resource.service,
        resource=resource.name,
        trigger=request.trigger,
        key=request.key,
        user=request.user,
        reason=request.reason,
        force=request.force,
        order=ready.plan.order.value,
        parallel=ready.plan.parallel,
        pairs=len(ready.plan.pairs),
        plan_hash=ready.hash,
        deadline=deadline_of(desk.config.settings, desk.array, len(ready.argvs), 2 * len(ready.plan.bvs), now),
        owner=request.owner,
    )
    journal = desk.book.begin(header, now)
    try:
        journal.append(Line(now, header))
        for pair in ready.plan.pairs:
            previous = ready.facts.get(pair.previous) if pair.previous else None
            journal.append(Line(now, PlanLine(pair, ready.facts.get(pair.target), previous)))
    except EnvironmentProblem:
        journal.close()
        raise
    return journal


def _engine(desk: Desk, ready: _Ready, journal: RunJournal, held: HeldLock) -> Engine:
    tools = Tools(
        desk.array,
        desk.config.settings,
        desk.reader,
        desk.exclusive.changer(held),
        journal,
        desk.clock,
        desk.narrator,
        desk.stop,
        held.intact,
    )
    return Engine(tools, start(ready.plan, ready.facts), len(ready.argvs))


def _ended(
    desk: Desk,
    resource: Resource,
    request: Request,
    ready: _Ready,
    engine: Engine,
    result: Closed,
    is_open: bool,  # noqa: FBT001 - one of two answers of the engine
) -> Report:
    share(desk, resource, engine, ready.observation)
    left = _way_out(desk, resource, result) if is_open else ""
    desk.narrator.say("INFO" if result.exit == 0 else "ERROR", f"{result.text}{left}")
    return Report(resource, result.exit, result.text + left, None, request.run_id, ready.argvs, ready.hash)


def _way_out(desk: Desk, resource: Resource, result: Closed) -> str:
    """What to do about a run without an end; one whose journal is gone cannot be resumed."""
    history = desk.book.history(resource)
    if isinstance(history, Unread) or history.open_run:
        return "; the run stays open: `necism resume` ends it"
    return "; no journal of it is left: `necism relink` links what is detached" if result.exit == EXIT_AWAY else ""
