"""Every family the exporter shows, in the order of a scrape: name, kind, labels, HELP, and the words a label may hold.

docs/metrics.md is made from this table (`make reference`), and a test holds it to it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from necism_monitor.domain.findings import CATALOGUE as FINDINGS
from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.refusals import CATALOGUE as REFUSALS
from necism_monitor.domain.rejections import Rejection
from necism_monitor.domain.states import LinkState, SnapshotState

PREFIX: Final = "necism_"
BUCKETS: Final = (0.1, 1.0, 10.0, 60.0, 180.0, 600.0)
"""Upper bounds in seconds: a warm query takes 0.04 s, a create 35 to 38 s, a stalled query took 181 s (captured)."""


class Kind(enum.Enum):
    """The types of the text format that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Family(NamedTuple):
    """The labels of a family, what its HELP says, and the values of those labels that have a vocabulary."""

    labels: tuple[str, ...]
    text: str
    kind: Kind = Kind.GAUGE
    words: Mapping[str, tuple[str, ...]] = {}


def _words(states: Iterable[enum.Enum]) -> tuple[str, ...]:
    return tuple(state.value for state in states)


RESOURCE: Final = ("service", "resource")
PAIR: Final = (*RESOURCE, "lv")
IMAGE: Final = (*PAIR, "sv", "bv")
ARRAY: Final = ("array",)
COMMAND: Final = ("command",)

FAMILIES: Final[Mapping[str, Family]] = {
    "up": Family(ARRAY, "Whether every iSM query of the last reading of the array was answered and read (1) or not."),
    "collection_duration_seconds": Family(
        ARRAY, "Seconds that the last good reading of the array took; readings are shared and cached for cache_ttl."
    ),
    "collection_timestamp_seconds": Family(ARRAY, "Unix time at which the last good reading of the array ended."),
    "array_clock_offset_seconds": Family(
        ARRAY, "Seconds by which the array's clock is ahead of this host's, measured at the stamp of a new image."
    ),
    "snapshot_timestamp_seconds": Family(
        IMAGE,
        "Unix time of the image in the pair's SV, from the date behind Snap State (iSMsc_query); last good value.",
    ),
    "snapshot_size_bytes": Family(
        IMAGE, "Snapshot Data Size of the pair's SV (iSMsc_query), 1 GB read as 2^30 bytes; last good value."
    ),
    "pair_info": Family(
        (*IMAGE, "array", "os_type", "access", "special_file"),
        "The pair as the array shows it (iSMsc_query, LV block), always 1; last good value.",
    ),
    "resync_max_delay_seconds": Family(
        RESOURCE, "sync_max_delay of the resource: an older image is the finding too-old."
    ),
    "resync_min_delay_seconds": Family(RESOURCE, "sync_min_delay of the resource: younger images are not refreshed."),
    "resync_automatic": Family(
        RESOURCE, "Whether a caller that is no person may start the resource (1), by `automatic`, or none may (0)."
    ),
    "set_skew_seconds": Family(
        RESOURCE, "Seconds between the oldest and the newest image of the resource; last good value."
    ),
    "resource_status": Family(
        (*RESOURCE, "status"),
        "The verdict on the resource and its pairs: 1 in one status; unknown = could not tell.",
        words={"status": _words(Verdict)},
    ),
    "pair_status": Family(
        (*PAIR, "status"),
        "The verdict on the pair: 1 in one status; unknown = could not tell.",
        words={"status": _words(Verdict)},
    ),
    "link_state": Family(
        (*PAIR, "state"),
        "How the LV stands to its SV (iSMsc_query, iSMsc_linkinfo; word and partner): 1 in one state.",
        words={"state": _words(LinkState)},
    ),
    "snapshot_state": Family(
        (*PAIR, "state"),
        "Class of the SV's Snap State (iSMsc_query): 1 in one state.",
        words={"state": _words(SnapshotState)},
    ),
    "findings": Family(
        (*RESOURCE, "finding"),
        "Subjects (the resource, its pairs) with the finding; see `necism explain CODE`.",
        words={"finding": tuple(FINDINGS)},
    ),
    "resync_running": Family(RESOURCE, "Whether a resync of the resource is running, by its journal."),
    "resync_unfinished": Family(
        RESOURCE, "Whether a resync of the resource has no end and nobody runs it, by its journal; `necism resume`."
    ),
    "resync_last_run_timestamp_seconds": Family(
        RESOURCE, "Unix time at which the last run that changed something ended, or was last heard of, by its journal."
    ),
    "resync_last_success_timestamp_seconds": Family(
        RESOURCE, "Unix time at which the last resync ended that left every image new, by its journal."
    ),
    "resync_runs_total": Family(
        RESOURCE, "Resyncs that began to change the array, by the journal: of every caller.", Kind.COUNTER
    ),
    "resync_failures_total": Family(
        RESOURCE, "Those of them that ended with another exit code than 0, or whose process died.", Kind.COUNTER
    ),
    "resync_last_duration_seconds": Family(
        RESOURCE, "Seconds from beginning to end of the last resync that changed something, by the resource's journal."
    ),
    "resync_last_detached_seconds": Family(
        RESOURCE, "Longest time in seconds that an LV was detached in that resync, by its journal."
    ),
    "resync_refusals_total": Family(
        ("reason",),
        "Resyncs that were refused, by the journal: of every caller; see `necism explain REASON`.",
        Kind.COUNTER,
        {"reason": tuple(REFUSALS)},
    ),
    "resync_age_seconds": Family(
        RESOURCE,
        "Age of the oldest image shown, at this scrape; alerts use time() - necism_snapshot_timestamp_seconds.",
    ),
    "ism_commands_total": Family(COMMAND, "iSM commands this process ran, by command name.", Kind.COUNTER),
    "ism_command_failures_total": Family(
        COMMAND,
        "Those of them that were not started, did not end in time, or ended with another exit status than 0.",
        Kind.COUNTER,
    ),
    "ism_command_duration_seconds": Family(
        COMMAND,
        "Seconds that iSM commands of this process took.",
        Kind.HISTOGRAM,
        {"le": (*(f"{bound:g}" for bound in BUCKETS), "+Inf")},
    ),
    "config_last_reload_successful": Family(
        (), "Whether the configuration could be read when last asked for; if not, the one before stays in force."
    ),
    "build_info": Family(
        ("version", "pythonversion"), "Version of necism-monitor and of the Python it runs on, always 1."
    ),
}
"""Every family of the exporter by its name without prefix."""

WEBHOOK_FAMILIES: Final[Mapping[str, Family]] = {
    "requests_total": Family(
        ("trigger",),
        "Requests that `necism webhook` left in the spool, those that lay there already included.",
        Kind.COUNTER,
        {"trigger": ("alertmanager",)},
    ),
    "requests_rejected_total": Family(
        ("reason",),
        "Deliveries, and alerts in them, that asked for nothing.",
        Kind.COUNTER,
        {"reason": _words(Rejection)},
    ),
}
"""What the webhook shows instead, beside its configuration and its build."""
