"""What opens a run, whatever it is for: its header and plan on disk, and the tools of its engine."""

from __future__ import annotations

from collections.abc import Mapping

from necism_monitor.app.desk import Desk, Request, deadline_of
from necism_monitor.app.hooks import HostHooks, patience
from necism_monitor.app.ports import HeldLock, RunJournal
from necism_monitor.app.resync_engine import Tools
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.events import Plan, SvFact
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import LdName
from necism_monitor.domain.record import Header, Line, PlanLine


def header_of(desk: Desk, resource: Resource, request: Request, plan: Plan, digest: str, changes: int) -> Header:
    """Who wants `plan`, why, and how long it may take; `changes` is the number of its CHANGE commands."""
    waits, now = patience(resource), desk.clock.now()
    return Header(
        id=request.run_id,
        service=resource.service,
        resource=resource.name,
        trigger=request.trigger,
        key=request.key,
        user=request.user,
        reason=request.reason,
        force=request.force,
        order=plan.order.value,
        parallel=plan.parallel,
        pairs=len(plan.pairs),
        plan_hash=digest,
        deadline=deadline_of(desk.config.settings, desk.array, changes, 2 * len(plan.bvs), now, waits),
        owner=request.owner,
        hooks=plan.hooks,
        create_first=plan.create_first,
    )


def open_journal(desk: Desk, header: Header, plan: Plan, facts: Mapping[LdName, SvFact | None]) -> RunJournal:
    """Write the header and the plan, so that whatever comes is on disk before the first CHANGE.

    Raises EnvironmentProblem.
    """
    now = desk.clock.now()
    journal = desk.book.begin(header, now)
    try:
        journal.append(Line(now, header))
        for pair in plan.pairs:
            previous = facts.get(pair.previous) if pair.previous else None
            journal.append(Line(now, PlanLine(pair, facts.get(pair.target), previous)))
    except EnvironmentProblem:
        journal.close()
        raise
    return journal


def tools_of(desk: Desk, journal: RunJournal, held: HeldLock, hooks: HostHooks) -> Tools:
    """What the engine performs a run with, under the lock of its array."""
    return Tools(
        array=desk.array,
        settings=desk.config.settings,
        reader=desk.reader,
        changer=desk.exclusive.changer(held),
        journal=journal,
        clock=desk.clock,
        narrator=desk.narrator,
        stop=desk.stop,
        hooks=hooks,
        devices=desk.devices,
        intact=held.intact,
    )
