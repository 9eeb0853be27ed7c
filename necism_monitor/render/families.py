"""Metric families of the exporter: from verdicts and last good values to what prometheus_client renders.

Pure: nothing is registered anywhere, and every scrape gets new families, so that a pair that left the configuration
leaves the metrics with it.  What is not known has no series; no value stands for "unknown".
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from necism_monitor.domain.findings import CATALOGUE, Verdict
from necism_monitor.domain.history import History, RunState, Totals
from necism_monitor.domain.model import Resource
from necism_monitor.domain.refusals import CATALOGUE as REFUSALS
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import ArrayVerdict, PairVerdict, ResourceVerdict
from necism_monitor.render.last_good import Sight

BUCKETS: Final = (0.1, 1.0, 10.0, 60.0, 180.0, 600.0)
"""Upper bounds in seconds: a warm query takes 0.04 s, a create 35 to 38 s, a stalled query took 181 s (captured)."""


class _Help(NamedTuple):
    """The labels of a family and what its HELP says."""

    labels: tuple[str, ...]
    text: str


RESOURCE: Final = ("service", "resource")
PAIR: Final = (*RESOURCE, "lv")
IMAGE: Final = (*PAIR, "sv", "bv")
ARRAY: Final = ("array",)

GAUGES: Final[Mapping[str, _Help]] = {
    "up": _Help(ARRAY, "Whether every iSM query of the last reading of the array was answered and read (1) or not."),
    "collection_duration_seconds": _Help(
        ARRAY, "Seconds that the last good reading of the array took; readings are shared and cached for cache_ttl."
    ),
    "collection_timestamp_seconds": _Help(ARRAY, "Unix time at which the last good reading of the array ended."),
    "array_clock_offset_seconds": _Help(
        ARRAY, "Seconds by which the array's clock is ahead of this host's, measured at the stamp of a new image."
    ),
    "snapshot_timestamp_seconds": _Help(
        IMAGE,
        "Unix time of the image in the pair's SV, from the date behind Snap State (iSMsc_query); last good value.",
    ),
    "snapshot_size_bytes": _Help(
        IMAGE, "Snapshot Data Size of the pair's SV (iSMsc_query), 1 GB read as 2^30 bytes; last good value."
    ),
    "pair_info": _Help(
        (*IMAGE, "array", "os_type", "access", "special_file"),
        "The pair as the array shows it (iSMsc_query, LV block), always 1; last good value.",
    ),
    "resync_max_delay_seconds": _Help(
        RESOURCE, "sync_max_delay of the resource: an older image is the finding too-old."
    ),
    "resync_min_delay_seconds": _Help(RESOURCE, "sync_min_delay of the resource: younger images are not refreshed."),
    "set_skew_seconds": _Help(
        RESOURCE, "Seconds between the oldest and the newest image of the resource; last good value."
    ),
    "resource_status": _Help(
        (*RESOURCE, "status"), "The verdict on the resource and its pairs: 1 in one status; unknown = could not tell."
    ),
    "pair_status": _Help((*PAIR, "status"), "The verdict on the pair: 1 in one status; unknown = could not tell."),
    "link_state": _Help(
        (*PAIR, "state"), "How the LV stands to its SV (iSMsc_query, iSMsc_linkinfo; word and partner): 1 in one state."
    ),
    "snapshot_state": _Help((*PAIR, "state"), "Class of the SV's Snap State (iSMsc_query): 1 in one state."),
    "findings": _Help(
        (*RESOURCE, "finding"), "Subjects (the resource, its pairs) with the finding; see `necism explain CODE`."
    ),
    "resync_running": _Help(RESOURCE, "Whether a resync of the resource is running, by its journal."),
    "resync_unfinished": _Help(
        RESOURCE, "Whether a resync of the resource has no end and nobody runs it, by its journal; `necism resume`."
    ),
    "resync_last_run_timestamp_seconds": _Help(
        RESOURCE, "Unix time of the last resync of the resource, whatever came of it, by its journal."
    ),
    "resync_last_success_timestamp_seconds": _Help(
        RESOURCE, "Unix time of the last successful resync of the resource, by its journal."
    ),
    "resync_last_duration_seconds": _Help(
        RESOURCE, "Seconds from beginning to end of the last resync that changed something, by the resource's journal."
    ),
    "resync_last_detached_seconds": _Help(
        RESOURCE, "Longest time in seconds that an LV was detached in that resync, by its journal."
    ),
    "resync_age_seconds": _Help(
        RESOURCE,
        "Age of the oldest image shown, at this scrape; alerts use time() - necism_snapshot_timestamp_seconds.",
    ),
    "config_last_reload_successful": _Help(
        (), "Whether the configuration could be read when last asked for; if not, the one before stays in force."
    ),
    "build_info": _Help(
        ("version", "pythonversion"), "Version of necism-monitor and of the Python it runs on, always 1."
    ),
}
"""Every gauge by its name without prefix."""


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
    """One gauge family in the making; None is no series."""

    def __init__(self, name: str) -> None:
        labels, text = GAUGES[name]
        self.family = GaugeMetricFamily(f"necism_{name}", text, labels=labels)

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
    skew = _Series("set_skew_seconds")
    for one in resources:
        ids, dates = _ids(one.resource), tuple(sight.dates(one))
        longest.add(ids, one.resource.limits.max_delay)
        shortest.add(ids, one.resource.limits.min_delay)
        skew.add(ids, max(dates) - min(dates) if dates else None)
    return [longest.family, shortest.family, skew.family]


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
    runs = CounterMetricFamily(
        "necism_resync_runs",
        "Resyncs that began to change the array, by the journal: of every caller.",
        labels=RESOURCE,
    )
    failures = CounterMetricFamily(
        "necism_resync_failures",
        "Those of them that ended with another exit code than 0, or whose process died.",
        labels=RESOURCE,
    )
    refusals = CounterMetricFamily(
        "necism_resync_refusals",
        "Resyncs that were refused, by the journal: of every caller; see `necism explain REASON`.",
        labels=("reason",),
    )
    duration = _Series("resync_last_duration_seconds")
    detached = _Series("resync_last_detached_seconds")
    for one in resources:
        totals, ids = sight.books.totals.get(one.resource.id), _ids(one.resource)
        if isinstance(totals, Totals):
            runs.add_metric([safe(label) for label in ids], totals.runs)
            failures.add_metric([safe(label) for label in ids], totals.failures)
            duration.add(ids, totals.last_duration)
            detached.add(ids, totals.last_detached)
    if sight.books.refused is not None:
        for code, number in {**dict.fromkeys(REFUSALS, 0), **sight.books.refused}.items():
            refusals.add_metric([safe(code)], number)
    return [runs, failures, duration.family, detached.family, refusals]


def age_family(sight: Sight, now: float) -> Metric:
    """The one family that changes with every second."""
    age = _Series("resync_age_seconds")
    for one in sight.verdicts.resources:
        oldest = min(sight.dates(one), default=None)
        age.add(_ids(one.resource), None if oldest is None else max(0.0, now - oldest))
    return age.family


def command_families(counts: Mapping[str, CommandCount]) -> list[Metric]:
    """The commands of this process; commands that only other processes ran are not in it."""
    calls = CounterMetricFamily(
        "necism_ism_commands", "iSM commands this process ran, by command name.", labels=("command",)
    )
    failures = CounterMetricFamily(
        "necism_ism_command_failures",
        "Those of them that were not started, did not end in time, or ended with another exit status than 0.",
        labels=("command",),
    )
    seconds = HistogramMetricFamily(
        "necism_ism_command_duration_seconds", "Seconds that iSM commands of this process took.", labels=("command",)
    )
    for command, count in counts.items():
        label = [safe(command)]
        calls.add_metric(label, count.calls)
        failures.add_metric(label, count.failures)
        bounds = [str(bound) for bound in BUCKETS]
        buckets = [*zip(bounds, map(float, count.buckets), strict=True), ("+Inf", float(count.calls))]
        seconds.add_metric(label, buckets, count.seconds)
    return [calls, failures, seconds]


def program_families(program: Program) -> list[Metric]:
    """The exporter itself."""
    reload = _Series("config_last_reload_successful")
    reload.add((), program.reloaded)
    build = _Series("build_info")
    build.add((program.version, program.python), 1)
    return [reload.family, build.family]
