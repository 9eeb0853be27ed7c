"""The check in the words of nagiosplugin: what is probed, how it is judged, and which of its habits we do not share.

The library ranks UNKNOWN above CRITICAL, sorts perfdata by name and rejects labels; its run time loses timeouts in
broad excepts and ends with 1 or 130 where it is interrupted.  The first three are put right here, the run time is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

import nagiosplugin

from necism_monitor.domain.errors import Incoherent
from necism_monitor.domain.verdicts import ResourceVerdict, Verdicts
from necism_monitor.nagios.claims import Claim, Policy, age_of, brief, claims_of, state_of
from necism_monitor.nagios.deadline import Deadline
from necism_monitor.nagios.output import NAME, label
from necism_monitor.nagios.states import RANK, State

LIBRARY_STATES = {
    State.OK: nagiosplugin.Ok,
    State.WARNING: nagiosplugin.Warn,
    State.CRITICAL: nagiosplugin.Critical,
    State.UNKNOWN: nagiosplugin.Unknown,
}
UNKNOWN_VALUE = "U"
AGE, TIME_LIMIT = "age", "time limit"


class Outcome(nagiosplugin.Result):
    """A result that keeps its claims apart; its hint is their short form."""

    def __new__(cls, claims: tuple[Claim, ...], metric: nagiosplugin.Metric) -> Self:
        """The worst claim decides."""
        made: Self = super().__new__(cls, LIBRARY_STATES[state_of(claims)], brief(claims), metric)
        made.claims = claims
        return made

    @property
    def rank(self) -> State:
        """Our name of the state."""
        return State(self.state.code)


class Outcomes(nagiosplugin.Results):
    """Results of which UNKNOWN does not hide the others."""

    @property
    def most_significant_state(self) -> nagiosplugin.state.ServiceState:
        """CRITICAL, WARNING, UNKNOWN, OK, whichever comes first."""
        return max(self.by_state, key=lambda state: RANK[State(state.code)])

    def in_order(self) -> list[Outcome]:
        """All of them, in configuration order."""
        return list(self.results)


class Snapshots(nagiosplugin.Resource):
    """The configured resources: probing them is one look at their arrays."""

    name = NAME

    def __init__(self, look: Callable[[], Verdicts], deadline: Deadline) -> None:
        self._look, self._deadline = look, deadline
        self.verdicts: Verdicts | None = None
        self.by_id: dict[str, ResourceVerdict] = {}

    def probe(self) -> list[nagiosplugin.Metric]:
        """The age of each resource, and the command that used up the time if one did."""
        self.verdicts = verdicts = self._look()
        self.by_id = {str(one.resource.id): one for one in verdicts.resources}
        metrics = [_metric(name, age_of(one, verdicts.judged_at)) for name, one in self.by_id.items()]
        if not metrics:
            raise Incoherent("a look at some resources gave no verdict on any of them")
        if self._deadline.cut_short:
            metrics.insert(0, nagiosplugin.Metric(TIME_LIMIT, self._deadline.cut_short[0]))
        return metrics


class AgeContext(nagiosplugin.Context):
    """Judges a resource: its verdict, and its age against the ranges."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(AGE)
        self._policy = policy

    def evaluate(self, metric: nagiosplugin.Metric, resource: Snapshots) -> Outcome:
        """The claims on one resource."""
        age = None if metric.value == UNKNOWN_VALUE else metric.value
        return Outcome(claims_of(resource.by_id[metric.name], age, self._policy), metric)

    def performance(self, metric: nagiosplugin.Metric, resource: Snapshots) -> nagiosplugin.Performance:
        """`'svc/sync#1'=AGEs;WARN;CRIT;0`; WARN is the range asked for, else sync_max_delay."""
        limit = int(resource.by_id[metric.name].resource.limits.max_delay)
        warning, critical = self._policy.warning, self._policy.critical
        return nagiosplugin.Performance(
            label(metric.name),
            metric.value,
            metric.uom,
            str(warning.range) if warning else limit,
            str(critical.range) if critical else "",
            0,
        )


class TimeLimitContext(nagiosplugin.Context):
    """Judges that the time was not enough."""

    def __init__(self, state: State, deadline: Deadline) -> None:
        super().__init__(TIME_LIMIT)
        self._state, self._deadline = state, deadline

    def evaluate(self, metric: nagiosplugin.Metric, resource: Snapshots) -> Outcome:  # noqa: ARG002 - the library's
        """The state that the caller wants for it."""
        text = f"stopped while running {metric.value}"
        hint = "the array or its path may hang; run the command by hand and watch how long it takes"
        code = f"no answer within {self._deadline.seconds:g} s (-t)"
        return Outcome((Claim(self._state, code, (), text, hint),), metric)


class Check(nagiosplugin.Check):
    """A check whose perfdata keeps the configuration's order."""

    perfdata: list[str]

    def __call__(self) -> None:
        """Probe and judge."""
        for resource in self.resources:
            self._evaluate_resource(resource)
        self.perfdata = [item for item in self.perfdata if item]

    def exit_state(self) -> State:
        """Our name of the state."""
        return State(self.exitcode)


def make_check(snapshots: Snapshots, contexts: Iterable[nagiosplugin.Context], summary: nagiosplugin.Summary) -> Check:
    """The library's objects, put together."""
    return Check(snapshots, *contexts, Outcomes(), summary)


def _metric(name: str, age: int | None) -> nagiosplugin.Metric:
    if age is None:
        return nagiosplugin.Metric(name, UNKNOWN_VALUE, context=AGE)
    return nagiosplugin.Metric(name, age, "s", context=AGE)
