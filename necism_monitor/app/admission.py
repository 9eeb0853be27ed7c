"""Whether a caller may start a run: what the pure guards are asked with, by everybody who asks them."""

from __future__ import annotations

from necism_monitor.app.desk import Desk, Request
from necism_monitor.domain.beginning import Start, may_begin
from necism_monitor.domain.findings import Finding
from necism_monitor.domain.guards import Situation, survey
from necism_monitor.domain.history import NO_HISTORY, History
from necism_monitor.domain.judge import Evidence, basis_of, judge
from necism_monitor.domain.model import ALARMS, MANUAL, Resource
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.refusals import Refusal


def admit(desk: Desk, resource: Resource, request: Request) -> Refusal | None:
    """Ask the guards that need no reading; before the lock, and again under it, where nobody can come between."""
    start = Start(resource, desk.book.history(resource), desk.node)
    if request.trigger != MANUAL:
        now = desk.clock.now()
        start = start._replace(
            trigger=request.trigger,
            key=request.key,
            killed=desk.killed(),
            activity=desk.book.activity(resource, request.trigger, request.key, now),
            settings=desk.config.settings,
            zone=desk.host_zone,
            now=now,
        )
    return may_begin(start)


def situation_of(desk: Desk, resource: Resource, request: Request, observation: Observation) -> Situation:
    """What the guards of a reading are asked with."""
    remembered, now = desk.book.history(resource), desk.clock.now()
    history = NO_HISTORY if isinstance(remembered, Unread) else remembered
    basis = basis_of(desk.config, resource, observation, history, desk.host_zone, now)
    found = _findings(desk, resource, observation, remembered, now) if request.trigger in ALARMS else ()
    return survey(basis, desk.array.unique_names, request.force, request.trigger, found)


def _findings(
    desk: Desk, resource: Resource, observation: Observation, history: History | Unread, now: float
) -> tuple[Finding, ...]:
    """What every face would say of this reading: of the resource, its pairs and its array."""
    evidence = Evidence({resource.array: observation}, {resource.id: history})
    verdicts = judge(desk.config, (resource,), evidence, desk.host_zone, now)
    of_array = (finding for array in verdicts.arrays for finding in array.findings)
    return (*verdicts.resources[0].all_findings, *of_array)
