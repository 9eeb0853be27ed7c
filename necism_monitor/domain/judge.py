"""The one verdict engine: every face shows what `judge` says, so they cannot disagree.

Pure: observations, the journal's memory, policy and the time go in; verdicts and the time at which they would change
by themselves come out.
"""

import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import tzinfo
from typing import NamedTuple

from necism_monitor.domain.findings import CATALOGUE, Finding, Verdict, finding, status_of, worst
from necism_monitor.domain.history import NO_HISTORY, History, OpenRun, RunState
from necism_monitor.domain.judge_pair import Basis, changing_until, judge_pair, transition_began, view_sv
from necism_monitor.domain.model import Array, Config, Pair, Resource, Service, Settings
from necism_monitor.domain.names import ArrayName, LdName, ResourceId
from necism_monitor.domain.reading import BvScreen, LinkScreen, Observation, Unread
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import ArrayVerdict, PairVerdict, ResourceVerdict, ServiceVerdict, Verdicts


class Evidence(NamedTuple):
    """Everything a judgement rests on."""

    observations: Mapping[ArrayName, Observation | Unread]
    histories: Mapping[ResourceId, History | Unread]
    clock_offsets: Mapping[ArrayName, float] = {}


def judge(
    config: Config, resources: tuple[Resource, ...], evidence: Evidence, host_zone: tzinfo, now: float
) -> Verdicts:
    """The verdicts on `resources`; hidden ones are the caller's to leave out."""
    judged = {one.id: _judge_resource(config, one, evidence, host_zone, now) for one in resources}
    services = tuple(
        _judge_service(service, tuple(judged[one.id] for one in service.resources if one.id in judged))
        for service in config.services
        if any(one.id in judged for one in service.resources)
    )
    used = dict.fromkeys(one.array for one in resources)
    arrays = tuple(
        _judge_array(config, config.array(name), _svs_on(config, resources, name), evidence, now) for name in used
    )
    read = [one for name in used if isinstance(one := evidence.observations.get(name), Observation)]
    return Verdicts(
        status=worst(service.status for service in services),
        judged_at=now,
        observed_at=min((one.ended_at for one in read), default=None),
        valid_until=_valid_until(config, judged.values(), evidence, host_zone, now),
        arrays=arrays,
        services=services,
        commands=_count(one.commands for one in read),
    )


def _svs_on(config: Config, judged: tuple[Resource, ...], array: ArrayName) -> frozenset[LdName]:
    """The SVs by which an array is judged: those of every resource that is shown, whichever of them are asked about."""
    shown = [one for one in config.resources if not one.hidden]
    return frozenset(sv for one in (*shown, *judged) if one.array == array for pair in one.pairs for sv in pair.svs)


def _count(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for command, number in one.items():
            total[command] = total.get(command, 0) + number
    return total


def _judge_service(service: Service, resources: tuple[ResourceVerdict, ...]) -> ServiceVerdict:
    return ServiceVerdict(service.name, worst(one.status for one in resources), resources)


def basis_of(
    config: Config, resource: Resource, observation: Observation, history: History, host_zone: tzinfo, now: float
) -> Basis:
    """What the pairs of `resource` are judged on; guards and planner use the same."""
    array = config.array(resource.array)
    quiet = history.open_run is not None and _working(history.open_run, now)
    zone = array.zone or host_zone
    return Basis(resource, observation, history, config.settings, array.words, zone, now, quiet)


def _working(run: OpenRun, now: float) -> bool:
    """Its owner lives and it is within the deadline it gave itself."""
    return run.state is RunState.RUNNING and now <= run.deadline


def _judge_resource(
    config: Config, resource: Resource, evidence: Evidence, host_zone: tzinfo, now: float
) -> ResourceVerdict:
    remembered = evidence.histories.get(resource.id, NO_HISTORY)
    history = NO_HISTORY if isinstance(remembered, Unread) else remembered
    found = list(_history_findings(resource, remembered, now))
    seen = evidence.observations.get(resource.array, _no_reading(resource.array))
    quiet = history.open_run is not None and _working(history.open_run, now)
    if isinstance(seen, Observation) and not quiet:
        seen = _untimely(config.settings, seen, now) or seen
    if isinstance(seen, Unread):
        pairs = tuple(_blind(pair, None if seen.code == "stale" else seen) for pair in resource.pairs)
        found += [Finding("stale", resource.id, seen.text, seen.hint)] if seen.code == "stale" else []
        observed = None
    else:
        basis = basis_of(config, resource, seen, history, host_zone, now)
        pairs, late = _lifted(resource, tuple(judge_pair(basis, pair) for pair in resource.pairs), quiet=quiet)
        observed = seen.ended_at
        found += late
        found += _set_findings(basis, pairs)
    status = worst([status_of(found), *(pair.status for pair in pairs)])
    return ResourceVerdict(resource, status, tuple(found), pairs, history.open_run, observed)


def _lifted(
    resource: Resource, pairs: tuple[PairVerdict, ...], *, quiet: bool
) -> tuple[tuple[PairVerdict, ...], list[Finding]]:
    """`stale` is said once, of the resource; a run at work makes its own readings old, which is no finding."""
    late = [one for pair in pairs for one in pair.findings if one.code == "stale"]
    if not late:
        return pairs, []
    lifted = []
    for pair in pairs:
        findings = tuple(one for one in pair.findings if one.code != "stale")
        lifted.append(pair._replace(findings=findings, status=status_of(findings) if quiet else pair.status))
    said = dict.fromkeys(Finding("stale", resource.id, one.text, one.hint) for one in late)
    return tuple(lifted), [] if quiet else list(said)


def _no_reading(array: ArrayName) -> Unread:
    return Unread("stale", f"array {array} has not been read yet", "wait for the first reading")


def _untimely(settings: Settings, seen: Observation, now: float) -> Unread | None:
    """Why a reading says nothing about the present: too old, or dated where nobody can tell how old it is."""
    age = now - seen.ended_at
    if age > settings.stale_after:
        text = f"the newest reading of array {seen.array} is {age / 60:.0f} min old"
        return Unread("stale", text, CATALOGUE["stale"].hint)
    if -age > settings.future_tolerance:
        text = f"the newest reading of array {seen.array} is dated {-age / 60:.0f} min in the future"
        return Unread("stale", text, "check this host's clock: was it put back? The next reading has the right date")
    return None


def _blind(pair: Pair, why: Unread | None) -> PairVerdict:
    """A pair nobody could look at."""
    findings = (Finding(why.code, pair.lv, why.text, why.hint),) if why else ()
    return PairVerdict(
        pair,
        pair.svs[0],
        None,
        None,
        LinkState.UNKNOWN,
        None,
        SnapshotState.UNKNOWN,
        None,
        None,
        None,
        None,
        Verdict.UNKNOWN,
        findings,
    )


def _set_findings(basis: Basis, pairs: tuple[PairVerdict, ...]) -> list[Finding]:
    """Age and skew of the set; the greatest age counts, skew is not judged while a run is changing the images."""
    resource, found = basis.resource, []
    times = [pair.snapshot_time.earliest for pair in pairs if pair.snapshot_time]
    if not times:
        return []
    oldest = next(pair for pair in pairs if pair.snapshot_time and pair.snapshot_time.earliest == min(times))
    age, skew = basis.now - min(times), max(times) - min(times)
    if age > resource.limits.max_delay:
        text = f"{oldest.sv} is {_span(age)} old, sync_max_delay is {_span(resource.limits.max_delay)}"
        found.append(finding("too-old", resource.id, text))
    if skew > resource.limits.max_skew and not basis.quiet:
        text = f"the images are {_span(skew)} apart, sync_max_skew is {_span(resource.limits.max_skew)}"
        found.append(finding("skew", resource.id, text))
    return found


def _span(seconds: float) -> str:
    """A duration for people: its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours}h"
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"


def _history_findings(resource: Resource, history: History | Unread, now: float) -> Iterable[Finding]:
    if isinstance(history, Unread):
        yield Finding("journal-unreadable", resource.id, history.text, history.hint)
        return
    run = history.open_run
    if run and run.state is RunState.UNFINISHED:
        yield finding("unfinished", resource.id, run.story)
    if run and run.state is RunState.RUNNING and now > run.deadline:
        late = _span(now - run.deadline)
        yield finding("stuck", resource.id, f"run {run.id} by {run.owner} is {late} past its deadline: {run.step}")
    if history.mixed and not run:
        yield finding("mixed", resource.id, "the last run left images of different points in time")


_ARRAY_CODES = ("query-failed", "timed-out", "stale")


def _judge_array(
    config: Config, array: Array, svs: AbstractSet[LdName], evidence: Evidence, now: float
) -> ArrayVerdict:
    """An array is up where every query of its last reading was answered and could be read, as far as `svs` need it."""
    seen = evidence.observations.get(array.name, _no_reading(array.name))
    offset = evidence.clock_offsets.get(array.name)
    if isinstance(seen, Unread):
        code = seen.code if seen.code in _ARRAY_CODES else "query-failed"
        found = (Finding(code, array.name, seen.text, seen.hint),)
        return ArrayVerdict(array.name, up=False, observed_at=None, duration=None, clock_offset=offset, findings=found)
    late = _untimely(config.settings, seen, now)
    asked = _answers(seen, svs)
    unread = [one for one in (*asked, late) if isinstance(one, Unread)]
    first = {one.code: one for one in reversed(unread)}
    findings = tuple(
        Finding(code, array.name, first[code].text, first[code].hint) for code in _ARRAY_CODES if code in first
    )
    # A base volume that a run changed after this reading is no failure of the reading.
    up = late is None and all(one.code == "stale" for one in unread) and not _spoilt(asked)
    return ArrayVerdict(array.name, up, seen.ended_at, seen.ended_at - seen.started_at, offset, findings)


def _answers(seen: Observation, svs: AbstractSet[LdName]) -> tuple[object, ...]:
    """What came of the questions about `svs`; a reading may also hold what nobody here is to hear of."""
    homes = {sv: home for sv, home in seen.bv_of.items() if sv in svs}
    bvs = dict.fromkeys(home for home in homes.values() if isinstance(home, LdName))
    screens = (*(seen.bvs.get(bv) for bv in bvs), *(seen.links.get(bv) for bv in bvs))
    return (*homes.values(), *screens, seen.inventory)


def _spoilt(asked: Iterable[object]) -> bool:
    """Some screen holds a line that belongs to nothing: what it says of absences is not to be believed."""
    return any(isinstance(one, BvScreen | LinkScreen) and one.broken is not None for one in asked)


def _valid_until(
    config: Config, judged: Iterable[ResourceVerdict], evidence: Evidence, host_zone: tzinfo, now: float
) -> float | None:
    """The first moment at which a verdict is another one although nothing new is known."""
    moments: list[float] = []
    for verdict in judged:
        seen = evidence.observations.get(verdict.resource.array)
        history = evidence.histories.get(verdict.resource.id, NO_HISTORY)
        if verdict.run:
            moments.append(_just_after(verdict.run.deadline))
        if isinstance(seen, Observation):
            moments.append(_just_after(seen.ended_at + config.settings.stale_after))
            moments.append(seen.ended_at - config.settings.future_tolerance)
        if verdict.oldest is not None:
            moments.append(_just_after(verdict.oldest + verdict.resource.limits.max_delay))
        if isinstance(seen, Observation) and isinstance(history, History):
            basis = basis_of(config, verdict.resource, seen, history, host_zone, now)
            moments += _pair_moments(basis, verdict)
    return min((moment for moment in moments if moment > now), default=None)


def _just_after(limit: float) -> float:
    """The first moment above a limit that is itself still allowed."""
    return math.nextafter(limit, math.inf)


def _pair_moments(basis: Basis, verdict: ResourceVerdict) -> list[float]:
    """The end of a grace, and the moments at which a date is no longer in the future."""
    moments, tolerance = [], basis.settings.future_tolerance
    for pair in verdict.pairs:
        if pair.snapshot_time:
            moments.append(pair.snapshot_time.earliest - tolerance)
        for view in (view_sv(basis, sv) for sv in pair.pair.svs):
            began = transition_began(basis, view)
            moments += [] if began is None else [began - tolerance]
            moments += [until for until in (changing_until(basis, view),) if until is not None]
    return moments
