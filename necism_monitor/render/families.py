"""Metric families of the exporter: from verdicts and last good values to what prometheus_client renders.

Pure: nothing is registered anywhere, and every scrape gets new families, so that a pair that left the configuration
leaves the metrics with it.  What is not known has no series; no value stands for "unknown".
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from necism_monitor.domain.findings import CATALOGUE, Verdict
from necism_monitor.domain.history import History, RunState, Totals
from necism_monitor.domain.model import Resource
from necism_monitor.domain.refusals import CATALOGUE as REFUSALS
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import ArrayVerdict, PairVerdict, ResourceVerdict
from necism_monitor.render.family_table import BUCKETS, FAMILIES, PREFIX, WEBHOOK_FAMILIES, Kind
from necism_monitor.render.last_good import Sight


class CommandCount(NamedTuple):
    """What one iSM command did in this process so far; `buckets` counts the calls up to each of BUCKETS."""

    calls: int
    failures: int
    seconds: float
    buckets: tuple[int, ...]


class Program(NamedTuple):
    """What the exporter says of itself."""

    version: str
    python: str
    reloaded: bool
    """The last attempt to read the configuration succeeded."""


class _Series:
    """One family of the table in the making; None is no series."""

    def __init__(self, name: str) -> None:
        entry = FAMILIES.get(name) or WEBHOOK_FAMILIES[name]
        make = CounterMetricFamily if entry.kind is Kind.COUNTER else GaugeMetricFamily
        self.family = make(f"{PREFIX}{name}", entry.text, labels=entry.labels)

    def add(self, labels: Iterable[str | None], value: float | None) -> None:
        """One series; a label that is not known is empty, which to Prometheus is a label that is not there."""
        if value is not None:
            self.family.add_metric([safe(label or "") for label in labels], float(value))

    def one_hot(self, labels: tuple[str, ...], states: type[enum.Enum], present: enum.Enum) -> None:
        """A series for every state, and 1 in exactly one."""
        for state in states:
            self.add((*labels, state.value), state is present)


def safe(text: str) -> str:
    r"""`text` as a label: control characters and lone surrogates become `\xNN`, and no name loses a scrape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def sight_families(sight: Sight) -> list[Metric]:
    """Every family that changes only when something was read, a run moved or time changed a verdict."""
    resources = sight.verdicts.resources
    return [
        *_array_families(sight, sight.verdicts.arrays),
        *_image_families(sight, resources),
        *_limit_families(sight, resources),
        _resource_status(resources),
        *_pair_states(resources),
        _findings(resources),
        *_run_families(sight, resources),
        *_total_families(sight, resources),
    ]


def _ids(resource: Resource) -> tuple[str, str]:
    return resource.service, resource.name


def _pairs(resources: tuple[ResourceVerdict, ...]) -> Iterable[tuple[Resource, PairVerdict]]:
    return ((one.resource, pair) for one in resources for pair in one.pairs)


def _array_families(sight: Sight, arrays: tuple[ArrayVerdict, ...]) -> list[Metric]:
    up = _Series("up")
    duration = _Series("collection_duration_seconds")
    stamp = _Series("collection_timestamp_seconds")
    offset = _Series("array_clock_offset_seconds")
    for array in arrays:
        kept = sight.readings.get(array.name)
        up.add((array.name,), array.up)
        duration.add((array.name,), kept and kept.duration)
        stamp.add((array.name,), kept and kept.ended_at)
        offset.add((array.name,), array.clock_offset)
    return [up.family, duration.family, stamp.family, offset.family]


def _image_families(sight: Sight, resources: tuple[ResourceVerdict, ...]) -> list[Metric]:
    stamp = _Series("snapshot_timestamp_seconds")
    size = _Series("snapshot_size_bytes")
    info = _Series("pair_info")
    for resource, verdict in _pairs(resources):
        kept = sight.kept(resource, verdict.pair)
        if kept is None:
            continue
        names = (*_ids(resource), verdict.pair.lv, kept.sv, kept.bv)
        stamp.add(names, kept.taken)
        size.add(names, kept.size_bytes)
        info.add((*names, resource.array, kept.os_type, kept.access, kept.special_file), 1)
    return [stamp.family, size.family, info.family]


def _limit_families(sight: Sight, resources: tuple[ResourceVerdict, ...]) -> list[Metric]:
    longest = _Series("resync_max_delay_seconds")
    shortest = _Series("resync_min_delay_seconds")
    automatic = _Series("resync_automatic")
    skew = _Series("set_skew_seconds")
    for one in resources:
        ids, dates = _ids(one.resource), tuple(sight.dates(one))
        longest.add(ids, one.resource.limits.max_delay)
        shortest.add(ids, one.resource.limits.min_delay)
        automatic.add(ids, _is_automatic(one.resource))
        skew.add(ids, max(dates) - min(dates) if dates else None)
    return [longest.family, shortest.family, automatic.family, skew.family]


def _is_automatic(resource: Resource) -> bool:
    """Some caller that is no person is named, and nothing in the service file refuses every run."""
    return bool(resource.automation.callers) and not (resource.disabled or resource.no_action)


def _resource_status(resources: tuple[ResourceVerdict, ...]) -> Metric:
    status = _Series("resource_status")
    for one in resources:
        status.one_hot(_ids(one.resource), Verdict, one.status)
    return status.family


def _pair_states(resources: tuple[ResourceVerdict, ...]) -> list[Metric]:
    status = _Series("pair_status")
    link = _Series("link_state")
    image = _Series("snapshot_state")
    for resource, pair in _pairs(resources):
        names = (*_ids(resource), pair.pair.lv)
        status.one_hot(names, Verdict, pair.status)
        link.one_hot(names, LinkState, pair.link)
        image.one_hot(names, SnapshotState, pair.snapshot_state)
    return [status.family, link.family, image.family]


def _findings(resources: tuple[ResourceVerdict, ...]) -> Metric:
    family = _Series("findings")
    for one in resources:
        found = {(finding.code, finding.subject) for finding in one.all_findings}
        codes = [code for code, _ in found]
        for code in CATALOGUE:
            family.add((*_ids(one.resource), code), codes.count(code))
    return family.family


def _run_families(sight: Sight, resources: tuple[ResourceVerdict, ...]) -> list[Metric]:
    running = _Series("resync_running")
    open_end = _Series("resync_unfinished")
    last = _Series("resync_last_run_timestamp_seconds")
    success = _Series("resync_last_success_timestamp_seconds")
    for one in resources:
        history = sight.books.histories.get(one.resource.id)
        if not isinstance(history, History):
            continue
        ids, state = _ids(one.resource), one.run.state if one.run else None
        running.add(ids, state is RunState.RUNNING)
        open_end.add(ids, state is RunState.UNFINISHED)
        last.add(ids, history.last_run_at)
        success.add(ids, history.last_success_at)
    return [running.family, open_end.family, last.family, success.family]


def _total_families(sight: Sight, resources: tuple[ResourceVerdict, ...]) -> list[Metric]:
    """What all runs came to, whoever started them; a journal that cannot be read has no series."""
    runs = _Series("resync_runs_total")
    failures = _Series("resync_failures_total")
    duration = _Series("resync_last_duration_seconds")
    detached = _Series("resync_last_detached_seconds")
    refusals = _Series("resync_refusals_total")
    for one in resources:
        totals, ids = sight.books.totals.get(one.resource.id), _ids(one.resource)
        if isinstance(totals, Totals):
            runs.add(ids, totals.runs)
            failures.add(ids, totals.failures)
            duration.add(ids, totals.last_duration)
            detached.add(ids, totals.last_detached)
    if sight.books.refused is not None:
        for code, number in {**dict.fromkeys(REFUSALS, 0), **sight.books.refused}.items():
            refusals.add((code,), number)
    return [runs.family, failures.family, duration.family, detached.family, refusals.family]


def age_family(sight: Sight, now: float) -> Metric:
    """The one family that changes with every second."""
    age = _Series("resync_age_seconds")
    for one in sight.verdicts.resources:
        oldest = min(sight.dates(one), default=None)
        age.add(_ids(one.resource), None if oldest is None else max(0.0, now - oldest))
    return age.family


def command_families(counts: Mapping[str, CommandCount]) -> list[Metric]:
    """The commands of this process; commands that only other processes ran are not in it."""
    calls = _Series("ism_commands_total")
    failures = _Series("ism_command_failures_total")
    entry = FAMILIES["ism_command_duration_seconds"]
    seconds = HistogramMetricFamily(f"{PREFIX}ism_command_duration_seconds", entry.text, labels=entry.labels)
    for command, count in counts.items():
        calls.add((command,), count.calls)
        failures.add((command,), count.failures)
        bounds = [str(bound) for bound in BUCKETS]
        buckets = [*zip(bounds, map(float, count.buckets), strict=True), ("+Inf", float(count.calls))]
        seconds.add_metric([safe(command)], buckets, count.seconds)
    return [calls.family, failures.family, seconds]


def program_families(program: Program) -> list[Metric]:
    """The exporter itself."""
    reload = _Series("config_last_reload_successful")
    reload.add((), program.reloaded)
    build = _Series("build_info")
    build.add((program.version, program.python), 1)
    return [reload.family, build.family]


def request_families(requests: Mapping[str, int], rejected: Mapping[str, int]) -> list[Metric]:
    """What the webhook counted: requests by trigger, and what asked for nothing by reason."""
    left, asked_for_nothing = _Series("requests_total"), _Series("requests_rejected_total")
    for trigger, number in requests.items():
        left.add((trigger,), number)
    for reason, number in rejected.items():
        asked_for_nothing.add((reason,), number)
    return [left.family, asked_for_nothing.family]
