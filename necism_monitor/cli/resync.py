"""`necism resync` and `syncresync`, and what every acting verb has in common."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from necism_monitor.adapters.journal import Journal
from necism_monitor.app.desk import Desk, Report, Request
from necism_monitor.app.look import Sources
from necism_monitor.app.resync import resync
from necism_monitor.cli.action import Stop, make_desk, make_request, on_terminal, user_name
from necism_monitor.cli.console import complain, say
from necism_monitor.cli.logs import warn_of
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.automation import KEY_MAX, is_key
from necism_monitor.domain.durations import parse_duration
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged, UsageError
from necism_monitor.domain.model import ALARMS, CALLERS, MANUAL, Config, Resource
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.rules import RuleError
from necism_monitor.domain.selectors import select
from necism_monitor.domain.tale import tell
from necism_monitor.render.chronicle import chronicle, rehearsed
from necism_monitor.render.logline import one_line

WORST_FIRST = (70, 6, 5, 7, 3, 4, 0)
HASH: Final = re.compile(r"[0-9a-f]{16}")

Act = Callable[[Desk, Resource, Request], Report]


def register(subparsers: Subparsers) -> None:
    """Add both verbs."""
    verb = add_verb(subparsers, "resync", run_resync, "refresh the SVs of a resource and link its LVs again")
    _add_common(verb)
    verb.add_argument("--dry-run", action="store_true", help="print the exact commands and the plan's hash, run none")
    verb.add_argument("--plan", metavar="HASH", type=read_hash, help="refuse unless the plan has this hash")
    verb.add_argument("--wait", metavar="DURATION", type=read_wait, default=0.0, help="wait for the lock, such as 10m")
    verb.add_argument("--reason", metavar="TEXT", help="why, for the journal")
    verb.add_argument(
        "--trigger",
        choices=(MANUAL, *CALLERS),
        default=MANUAL,
        help="who asks, if it is no person: only where `automatic` of the section allows it",
    )
    verb.add_argument("--key", type=read_key, help="what is asked about, such as a problem's number: it starts one run")
    verb.add_argument("--json", action="store_true", help="print the run and its refusals as JSON")
    old = add_verb(subparsers, "syncresync", run_syncresync, "as resync, but a skip by sync_min_delay is a success")
    _add_common(old)


def _add_common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("selectors", nargs="+", metavar="SEL", help="SERVICE or SERVICE/sync#1")
    verb.add_argument("--force", action="store_true", help="bypass sync_min_delay, and nothing else")


def read_wait(text: str) -> float:
    """Seconds of a duration.  Raises UsageError."""
    try:
        return float(parse_duration(text))
    except RuleError as error:
        raise UsageError(f"--wait {error.value!r}: {error.rule}", error.hint) from error


def read_hash(text: str) -> str:
    """The hash of a plan.  Raises UsageError for what cannot be one."""
    if not HASH.fullmatch(text):
        raise UsageError(f"--plan {text!r}: this is no hash of a plan", "write the 16 digits that `--dry-run` prints")
    return text


def read_key(text: str) -> str:
    """The key of a request.  Raises UsageError for what cannot be one."""
    if not is_key(text):
        raise UsageError(f"--key {text[:KEY_MAX]!r}: this is no key", f"write 1 to {KEY_MAX} printable characters")
    return text


def check_caller(trigger: str, key: str | None) -> None:
    """Whether trigger and key go together.  Raises UsageError.

    An alarm is repeated while its problem lasts: without a key each repetition would start a run.
    """
    if trigger in ALARMS and key is None:
        raise UsageError(
            f"--trigger {trigger} needs --key", "give the problem's number or fingerprint, the same each time"
        )
    if trigger == MANUAL and key is not None:
        raise UsageError("--key is for callers that are no persons", "name the caller with --trigger, or leave it out")


def run_resync(args: argparse.Namespace) -> int:
    """Refresh every selected resource in file order; stop after a failure."""
    check_caller(args.trigger, args.key)
    wishes = {
        "trigger": args.trigger,
        "key": args.key,
        "force": args.force,
        "dry_run": args.dry_run,
        "plan": args.plan,
        "reason": args.reason,
        "wait": args.wait,
    }
    return act(args, resync, wishes, as_json=args.json)


def run_syncresync(args: argparse.Namespace) -> int:
    """The spelling of old scripts: `stop && syncresync && start` goes on after a skip."""
    code = act(args, resync, {"force": args.force})
    return 0 if code == 4 else code  # noqa: PLR2004 - 4 is the documented "too soon"


def act(args: argparse.Namespace, do: Act, wishes: dict[str, object], *, as_json: bool = False, unable: int = 3) -> int:
    """Do it for every selected resource in file order, and print how it went; stop after a 5 or a 6.

    `unable` is the exit code where lock, journal or array could not be reached, and nothing was begun.
    """
    config = load_config(paths_of(args), os.environ)
    warn_of(config)
    resources = select(config, args.selectors, allow_all=False, include_hidden=True)
    sources, stop, reports = make_sources(config), Stop(), list[Report]()
    with stop.listening():
        for resource in resources:
            report = _one(sources, resource, do, make_request(**wishes), stop, unable)
            reports.append(report)
            if report.exit in {5, 6} or stop.why:
                break
    try:
        _print(config, sources, reports, wishes, as_json=as_json)
    except (EnvironmentProblem, JournalDamaged) as problem:
        if wishes.get("dry_run"):
            raise
        # How the run ended must not be lost because its result cannot be written.
        complain(f"necism: {problem.text}", f"hint: {problem.hint}")
    return min((report.exit for report in reports), key=WORST_FIRST.index)


def _one(sources: Sources, resource: Resource, do: Act, request: Request, stop: Stop, unable: int) -> Report:
    """Do it for one resource; what went well or wrong with those before it is told all the same."""
    try:
        with Progress(visible=on_terminal()) as progress:
            desk = make_desk(sources, resource, stop, request.run_id, progress)
            return do(desk, resource, request)
    except (EnvironmentProblem, JournalDamaged) as problem:
        complain(f"necism: {problem.text}", f"hint: {problem.hint}")
        return Report(resource, unable, problem.text)


def _print(
    config: Config, sources: Sources, reports: list[Report], wishes: dict[str, object], *, as_json: bool
) -> None:
    dry_run = bool(wishes.get("dry_run"))
    if as_json:
        document = _document(config, sources, reports, _trigger(wishes))
        document["runs"] += [_rehearsed(one, wishes) for one in reports if dry_run and not one.refusal]
        say(json.dumps(document, indent=2))
    elif dry_run:
        for report in reports:
            say(*_plan(report))
    else:
        for report in reports:
            say(f"{report.resource.id}: {_result(report)}")


def _rehearsed(report: Report, wishes: dict[str, object]) -> dict[str, Any]:
    """The run that a dry run would be."""
    reason = wishes.get("reason")
    reason = None if reason is None else str(reason)
    key = wishes.get("key")
    key = None if key is None else str(key)
    asked = rehearsed(report.resource.id, user_name(), reason, report.hash, report.argvs)
    return {**asked, "trigger": _trigger(wishes), "key": key}


def _trigger(wishes: dict[str, object]) -> str:
    return str(wishes.get("trigger", MANUAL))


def _plan(report: Report) -> list[str]:
    if report.refusal:
        return [f"{report.resource.id}: {_result(report)}"]
    lines = [f"# {report.resource.id}: {len(report.argvs)} commands, plan {report.hash}"]
    lines += [f"# {note}" for note in report.notes]
    return lines + [" ".join(argv) for argv in report.argvs]


def _result(report: Report) -> str:
    if report.refusal:
        return one_line(f"refused: {report.refusal.code}: {report.text} (hint: {report.refusal.hint})")
    return one_line(report.text)


def _document(config: Config, sources: Sources, reports: list[Report], trigger: str) -> dict[str, Any]:
    """The runs of this call, as the journal tells them, and its refusals."""
    book, now = Journal(Path(config.settings.state_dir)), sources.clock.now()
    tales = [
        (tell(run, now), config.array(report.resource.array).zone or sources.host_zone)
        for report in reports
        for run in book.runs(report.resource.id)
        if isinstance(run, RunFile) and run.header.id == report.run_id
    ]
    refusals = [
        {
            "at": now,
            "service": report.resource.service,
            "resource": report.resource.name,
            "trigger": trigger,
            **report.refusal._asdict(),
        }
        for report in reports
        if report.refusal
    ]
    return chronicle(tales, refusals)
