"""The status for programs: the JSON document that docs/schema/status.json describes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from necism_monitor.domain.findings import Finding
from necism_monitor.domain.history import OpenRun
from necism_monitor.domain.verdicts import ArrayVerdict, PairVerdict, ResourceVerdict, ServiceVerdict, Verdicts

SCHEMA: Final = 1

Json = dict[str, Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_LAST: Final = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds()


def status_document(verdicts: Verdicts) -> Json:
    """The verdicts as JSON values, in configuration order; null = not known."""
    now = verdicts.judged_at
    return {
        "schema": SCHEMA,
        "observed_at": rfc3339(verdicts.observed_at),
        "status": verdicts.status.value,
        "arrays": [_array(one) for one in verdicts.arrays],
        "services": [_service(one, now) for one in verdicts.services],
        "commands": dict(verdicts.commands),
    }


def rfc3339(at: float | None) -> str | None:
    """`2014-09-18T03:15:04Z`: UTC, whole seconds, because many readers know no other form.

    Times outside the calendar's years, which a broken clock may show, become its first or last second.
    """
    if at is None:
        return None
    moment = _EPOCH + timedelta(seconds=min(max(at, _FIRST), _LAST) // 1)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}".rjust(len("YYYY-mm-ddTHH:MM:SSZ"), "0")


def seconds(span: float | None) -> float | None:
    """A distance to the millisecond."""
    return None if span is None else round(span, 3)


def _array(one: ArrayVerdict) -> Json:
    return {
        "array": one.name,
        "up": one.up,
        "observed_at": rfc3339(one.observed_at),
        "clock_offset_seconds": seconds(one.clock_offset),
        "findings": _findings(one.findings),
    }


def _service(one: ServiceVerdict, now: float) -> Json:
    return {
        "service": one.name,
        "status": one.status.value,
        "resources": [_resource(resource, now) for resource in one.resources],
    }


def _resource(one: ResourceVerdict, now: float) -> Json:
    return {
        "resource": one.resource.name,
        "status": one.status.value,
        "age_seconds": seconds(one.age(now)),
        "max_delay_seconds": seconds(one.resource.limits.max_delay),
        "skew_seconds": seconds(one.skew),
        "run": None if one.run is None else _run(one.run),
        "findings": _findings(one.findings),
        "pairs": [_pair(pair, now) for pair in one.pairs],
    }


def _run(run: OpenRun) -> Json:
    return {"id": run.id, "state": run.state.value, "started_at": rfc3339(run.started_at)}


def _pair(one: PairVerdict, now: float) -> Json:
    return {
        "lv": one.pair.lv,
        "sv": one.sv,
        "svs": list(one.pair.svs),
        "bv": one.bv,
        "linked_to": one.linked_to,
        "link": one.link.value,
        "access": one.access,
        "snapshot_state": one.snapshot_state.value,
        "snapshot_time": rfc3339(None if one.snapshot_time is None else one.snapshot_time.earliest),
        "age_seconds": seconds(one.age(now)),
        "status": one.status.value,
        "findings": _findings(one.findings),
    }


def _findings(found: Iterable[Finding]) -> list[Json]:
    return [{"code": one.code, "subject": one.subject, "text": one.text, "hint": one.hint} for one in found]
