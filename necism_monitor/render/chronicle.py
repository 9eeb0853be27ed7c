"""Runs and refusals for people and for programs: what `necism history` and the acting verbs print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from necism_monitor.domain.names import ResourceId
from necism_monitor.domain.stamps import PRINTED
from necism_monitor.domain.tale import Phase, RunTale, phases
from necism_monitor.render.logline import one_line

REASON_MAX: Final = 200
"""Characters of a reason that a line of text shows; programs get all of it."""
_OPEN: Final = "THE RUN IS OPEN: `necism resume` ends it once its process is gone"
_NOTHING_CHANGED: Final = "it has changed nothing: if its process is gone, there is nothing to bring to an end"
REFUSAL_KEYS = ("at", "service", "resource", "trigger", "code", "text", "hint")


def chronicle(tales: Iterable[tuple[RunTale, tzinfo]], refusals: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON document; each run with the zone of its array's clock."""
    return {
        "schema": 1,
        "runs": [_run(tale, zone) for tale, zone in tales],
        "refusals": [_refusal(one) for one in refusals],
    }


def moment(at: float | None) -> str | None:
    """RFC 3339 in UTC; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _run(tale: RunTale, zone: tzinfo) -> dict[str, Any]:
    return {
        "id": tale.id,
        "service": tale.service,
        "resource": tale.resource,
        "trigger": tale.trigger,
        "key": tale.key,
        "user": tale.user,
        "reason": tale.reason,
        "started_at": moment(tale.started_at),
        "ended_at": moment(tale.ended_at),
        "exit": tale.exit,
        "images": tale.images,
        "plan_hash": tale.plan_hash,
        "steps": [
            {
                "argv": list(step.argv),
                "started_at": moment(step.started_at),
                "ended_at": moment(step.ended_at),
                "outcome": step.outcome,
            }
            for step in tale.steps
        ],
        "detached_seconds": dict(tale.detached_seconds),
        "snapshot_times": {sv: moment(_instant(stamp, zone)) for sv, stamp in tale.snapshot_stamps.items()},
    }


def rehearsed(
    resource: ResourceId, user: str, reason: str | None, plan_hash: str | None, argvs: Iterable[tuple[str, ...]]
) -> dict[str, Any]:
    """The entry of a dry run: what a run would be, with the steps that it would send and no times."""
    service, _, name = resource.rpartition("/")
    unknown = dict.fromkeys(("id", "started_at", "ended_at", "exit", "images", "key"))
    steps = [{"argv": list(argv), "started_at": None, "ended_at": None, "outcome": "planned"} for argv in argvs]
    return {
        **unknown,
        "service": service,
        "resource": name,
        "trigger": "manual",
        "user": user,
        "reason": reason,
        "plan_hash": plan_hash,
        "steps": steps,
        "detached_seconds": {},
        "snapshot_times": {},
    }


def _instant(stamp: str, zone: tzinfo) -> float:
    return datetime.strptime(stamp, PRINTED).replace(tzinfo=zone).timestamp()


def _refusal(record: Mapping[str, Any]) -> dict[str, Any]:
    at = record.get("at")
    shown = {key: record.get(key) for key in REFUSAL_KEYS}
    return {**shown, "at": moment(at) if isinstance(at, int | float) else None}


def narrate(tales: Iterable[RunTale], refusals: Iterable[Mapping[str, Any]]) -> list[str]:
    """Runs and refusals in lines of plain text, in the order of time."""
    told = [(tale.started_at, story(tale)) for tale in tales]
    told += [(_at(one), [refusal_story(one)]) for one in refusals]
    return [line for _, lines in sorted(told, key=lambda pair: pair[0]) for line in lines]


def _at(record: Mapping[str, Any]) -> float:
    at = record.get("at")
    return at if isinstance(at, int | float) else float("-inf")


def story(tale: RunTale) -> list[str]:
    """A run in lines of plain text."""
    return [one_line(line) for line in _story(tale)]


def _story(tale: RunTale) -> list[str]:
    end = f"exit {tale.exit}" if tale.exit is not None else "no end"
    head = f"{moment(tale.started_at)}  {tale.service}/{tale.resource}  run {tale.id}  by {tale.user} ({_why(tale)})"
    lines = [head, f"  {end}, images {tale.images or 'unknown'}: {tale.text}"]
    if tale.open:
        lines.append(f"  {_OPEN if tale.binding else _NOTHING_CHANGED}")
    lines += [f"  {moment(at)}  {word}" for at, word in tale.recoveries]
    if tale.torn:
        lines.append("  the last line of its journal was cut, as by a crash, and has been left out")
    lines += [_phase(one) for one in phases(tale)]
    for step in tale.steps:
        took = " " * 10 if step.ended_at is None else f"{_seconds(step.started_at, step.ended_at):8.1f} s"
        # The gate without a command of its own is no blank line.
        lines.append(f"  {took}  {step.outcome:<8}  {' '.join(step.argv) or step.kind}")
    lines += [f"  {lv} was detached for {seconds:.1f} s" for lv, seconds in tale.detached_seconds.items()]
    lines += [f"  {sv} is dated {stamp}" for sv, stamp in tale.snapshot_stamps.items()]
    return lines


def _why(tale: RunTale) -> str:
    """The trigger, and with it the key and the reason where there are any."""
    key = [] if tale.key is None else [f"key {one_line(tale.key)}"]
    reason = [f"reason: {one_line(tale.reason, REASON_MAX)}"] if tale.reason else []
    return ", ".join([tale.trigger, *key, *reason])


def _seconds(begun: float, ended: float) -> float:
    """Of a clock that may have been put back meanwhile."""
    return max(0.0, ended - begun)


def _phase(phase: Phase) -> str:
    took = "not ended" if phase.ended_at is None else f"took {_seconds(phase.started_at, phase.ended_at):.1f} s"
    commands = "1 command" if phase.commands == 1 else f"{phase.commands} commands"
    return f"  {phase.kind:<6} began {moment(phase.started_at)}, {took} ({commands})"


def refusal_story(record: Mapping[str, Any]) -> str:
    """A refusal in one line."""
    shown = _refusal(record)
    where = "the spool" if shown["resource"] is None else f"{shown['service']}/{shown['resource']}"
    key = "" if record.get("key") is None else f", key {record['key']}"
    trigger = "" if shown["trigger"] is None else f", {shown['trigger']}"
    asked = f"by {record.get('user')}{trigger}{key}"
    refused = f"refused: {shown['code']}: {shown['text']} (hint: {shown['hint']})"
    return one_line(f"{shown['at']}  {where}  {refused} ({asked})")
