"""The guarded resync of one resource: guards, lock, one reading, guards, plan, engine, verification.

Guards say whether a run may start, `sequence` says what comes next; here nothing is decided, only done in order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple

from necism_monitor.app.collect import collect
from necism_monitor.app.ports import (
    Clock,
    Exclusive,
    HeldLock,
    JournalBook,
    Narrator,
    ObservationStore,
    Reader,
    RunJournal,
    VolumeMap,
)
from necism_monitor.app.resync_engine import Engine, Tools
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.events import Closed, Plan, Recovering, SvFact
from necism_monitor.domain.guards import Situation, Start, may_begin, may_change, survey
from necism_monitor.domain.history import NO_HISTORY, RunState
from necism_monitor.domain.judge import basis_of
from necism_monitor.domain.model import Array, Config, Resource, Settings
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import make_plan, plan_hash
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.record import Header, Json, Line, PlanLine
from necism_monitor.domain.refusals import Refusal, refusal
from necism_monitor.domain.run import start
from necism_monitor.domain.sequence import rehearse
from necism_monitor.ism.outcome import command_of

LOCK_PAUSE = 0.5
"""Seconds between two tries to get the lock."""
SETTLE_PAUSE = 5.0
"""Seconds between two readings while an SV changes before a run."""


class Request(NamedTuple):
    """Who wants a resync, why, and under which conditions."""

    user: str
    owner: Json
    run_id: str
    trigger: str = "manual"
    key: str | None = None
    reason: str | None = None
    force: bool = False
    dry_run: bool = False
    plan: str | None = None
    """Refuse unless the plan has this hash."""
    wait: float = 0.0
    """Seconds to wait for the lock."""


class Desk(NamedTuple):
    """What the action works with, for the array of one resource."""

    config: Config
    array: Array
    reader: Reader
    exclusive: Exclusive
    volumes: VolumeMap
    book: JournalBook
    store: ObservationStore
    clock: Clock
    host_zone: tzinfo
    node: str
    narrator: Narrator
    stop: Callable[[], str | None]


class Report(NamedTuple):
    """How it ended."""

    resource: Resource
    exit: int
    text: str
    refusal: Refusal | None = None
    run_id: str | None = None
    argvs: tuple[tuple[str, ...], ...] = ()
    """The CHANGE commands of the plan."""
    hash: str | None = None


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
        return _refused(desk, resource, request, refused)
    if request.dry_run:
        ready = _prepare(desk, resource, request)
        if isinstance(ready, Refusal):
            return _refused(desk, resource, request, ready)
        return Report(resource, 0, "would be done", None, None, ready.argvs, ready.hash)
    held = _acquire(desk, request.wait)
    if isinstance(held, str):
        return _refused(desk, resource, request, refusal("locked", held))
    try:
        return _locked(desk, resource, request, held)
    finally:
        held.release()


def _acquire(desk: Desk, seconds: float) -> HeldLock | str:
    """The lock, tried for up to `seconds`; whoever waits can be told to stop."""
    deadline = desk.clock.now() + seconds
    while isinstance(held := desk.exclusive.acquire(0.0), str):
        if desk.clock.now() >= deadline or desk.stop():
            break
        desk.clock.sleep(LOCK_PAUSE)
    return held


def _early(desk: Desk, resource: Resource, request: Request) -> Refusal | None:
    """The guards before the lock; a living owner is waited for where the caller wants to wait."""
    refused = may_begin(Start(resource, desk.book.history(resource), desk.node))
    return None if refused and refused.code == "locked" and request.wait and not request.dry_run else refused


def _locked(desk: Desk, resource: Resource, request: Request, held: HeldLock) -> Report:
    """The lock is ours: what the journal says may have changed while we waited for it."""
    refused = may_begin(Start(resource, desk.book.history(resource), desk.node))
    ready = refused or _prepare(desk, resource, request)
    if isinstance(ready, Refusal):
        return _refused(desk, resource, request, ready)
    why = desk.stop()
    if why:
        return Report(resource, 3, f"stopped by {why} before anything was changed")
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


def deadline_of(settings: Settings, array: Array, changes: int, readings: int, begun: float) -> float:
    """The time by which a run should have ended whatever happens; seconds since the epoch."""
    bound = settings.settle_timeout + settings.relink_timeout
    return begun + bound + array.change_timeout * changes + array.read_timeout * readings


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
    _share(desk, resource, ready.observation, engine)
    left = "; the run stays open: `necism resume` ends it" if is_open else ""
    desk.narrator.say("INFO" if result.exit == 0 else "ERROR", f"{result.text}{left}")
    return Report(resource, result.exit, result.text + left, None, request.run_id, ready.argvs, ready.hash)


def _share(desk: Desk, resource: Resource, before: Observation, engine: Engine) -> None:
    """Put the verification reading into the observation file, where it completes or replaces what is there."""
    saved = desk.store.load()
    kept = saved.get(resource.array)
    base = kept if isinstance(kept, Observation) else before
    others = [one for one in desk.config.resources if one.array == resource.array and one.id != resource.id]
    if engine.run.result is None or (base is before and others):
        return
    links = {bv: screen for bv, screen in base.links.items() if bv not in engine.screens}
    merged = base._replace(bvs={**base.bvs, **engine.screens}, links=links)
    if set(base.bvs) <= set(engine.screens):
        merged = merged._replace(started_at=min(engine.asked_at.values()), ended_at=desk.clock.now())
    readable = {name: one for name, one in saved.items() if isinstance(one, Observation)}
    try:
        desk.store.save({**readable, resource.array: merged})
    except EnvironmentProblem as problem:
        desk.narrator.say("WARNING", problem.text)


def _refused(desk: Desk, resource: Resource, request: Request, refused: Refusal) -> Report:
    """Note the refusal; a dry run leaves no trace."""
    level = "INFO" if refused.exit in {4, 7} else "ERROR"
    desk.narrator.say(level, f"refused: {refused.code}: {refused.text} (hint: {refused.hint})")
    if not request.dry_run:
        record = {
            "at": desk.clock.now(),
            "service": resource.service,
            "resource": resource.name,
            "trigger": request.trigger,
            "user": request.user,
            **refused._asdict(),
        }
        try:
            desk.book.refuse(record)
        except EnvironmentProblem as problem:
            desk.narrator.say("WARNING", problem.text)
    return Report(resource, refused.exit, refused.text, refused)


def resume(desk: Desk, resource: Resource, request: Request) -> Report:
    """End an unfinished run by restoring service: reads everything, links what is detached, never creates."""
    history = desk.book.history(resource)
    if isinstance(history, Unread):
        return _refused(desk, resource, request, refusal("journal-unreadable", history.text))
    # Where the run's process is gone, the lock is held by a command that it started, or by another run: both end.
    orphaned = history.open_run is not None and history.open_run.state is RunState.UNFINISHED
    held = _acquire(desk, desk.config.settings.relink_timeout if orphaned else request.wait)
    if isinstance(held, str):
        return _refused(desk, resource, request, refusal("locked", held))
    try:
        found = desk.book.reopen(resource)
        if found is None:
            return Report(resource, 0, "nothing to do: no run is open")
        file, journal = found
        try:
            tools = Tools(
                desk.array,
                desk.config.settings,
                desk.reader,
                desk.exclusive.changer(held),
                journal,
                desk.clock,
                desk.narrator,
                desk.stop,
            )
            engine, now = Engine(tools, file.run(), len(file.plan.pairs)), desk.clock.now()
            deadline = deadline_of(desk.config.settings, desk.array, len(file.plan.pairs), 2 * len(file.plan.bvs), now)
            engine.note(Recovering(f"resumed by {request.user}", request.owner, deadline))
            result, is_open = engine.drive()
            left = "; the run stays open" if is_open else ""
            desk.narrator.say("INFO" if result.exit == 0 else "ERROR", f"{result.text}{left}")
            return Report(resource, result.exit, result.text + left, None, file.header.id)
        finally:
            journal.close()
    finally:
        held.release()
