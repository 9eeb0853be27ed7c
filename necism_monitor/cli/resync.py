"""`necism resync`, `syncresync` and `resume`: the verbs that change an array."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from necism_monitor.adapters.journal import Journal
from necism_monitor.app.look import Sources
from necism_monitor.app.resync import Report, resume, resync
from necism_monitor.cli.action import Stop, make_desk, make_request, on_terminal
from necism_monitor.cli.console import complain, say
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.durations import parse_duration
from necism_monitor.domain.errors import EnvironmentProblem, UsageError
from necism_monitor.domain.model import Config, Resource
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.selectors import select
from necism_monitor.domain.tale import tell
from necism_monitor.render.chronicle import chronicle

WORST_FIRST = (70, 6, 5, 7, 3, 4, 0)
EXITS = """exit status: 0 done and verified, 3 refused, 4 too soon or not needed, 5 failed but every LV is linked,
6 an LV is detached or could not be read, 7 locked, 64 usage, 70 a bug of ours"""


def register(subparsers: Subparsers) -> None:
    """Add the three verbs."""
    verb = add_verb(subparsers, "resync", run_resync, "refresh the SVs of a resource and link its LVs again", EXITS)
    _add_common(verb)
    verb.add_argument("--dry-run", action="store_true", help="print the exact commands and the plan's hash, run none")
    verb.add_argument("--plan", metavar="HASH", help="refuse unless the plan has this hash")
    verb.add_argument("--wait", metavar="DURATION", default="0s", help="wait for the lock, such as 10m")
    verb.add_argument("--reason", metavar="TEXT", help="why, for the journal")
    verb.add_argument("--json", action="store_true", help="print the run and its refusals as JSON")
    seed = add_verb(
        subparsers, "syncresync", run_syncresync, "as resync, but a skip by sync_min_delay is a success", EXITS
    )
    _add_common(seed)
    back = add_verb(subparsers, "resume", run_resume, "end an unfinished run by linking its LVs; never creates", EXITS)
    back.add_argument("selectors", nargs="+", metavar="SEL", help="SERVICE or SERVICE/sync#1")
    back.add_argument("--json", action="store_true", help="print the run as JSON")


def _add_common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("selectors", nargs="+", metavar="SEL", help="SERVICE or SERVICE/sync#1")
    verb.add_argument("--force", action="store_true", help="bypass sync_min_delay, and nothing else")


def run_resync(args: argparse.Namespace) -> int:
    """Refresh every selected resource in file order; stop after a failure."""
    wishes = {
        "force": args.force,
        "dry_run": args.dry_run,
        "plan": args.plan,
        "reason": args.reason,
        "wait": float(parse_duration(args.wait)),
    }
    return _act(args, wishes, as_json=args.json)


def run_syncresync(args: argparse.Namespace) -> int:
    """The seed's spelling: `stop && syncresync && start` goes on after a skip."""
    code = _act(args, {"force": args.force}, as_json=False)
    return 0 if code == 4 else code  # noqa: PLR2004 - 4 is the documented "too soon"


def run_resume(args: argparse.Namespace) -> int:
    """Restore service after a crash."""
    return _act(args, None, as_json=args.json)


def _act(args: argparse.Namespace, wishes: dict[str, object] | None, *, as_json: bool) -> int:
    """One run a resource; `wishes` None means resume."""
    config = load_config(paths_of(args), os.environ)
    resources = select(config, args.selectors, allow_all=False, include_hidden=True)
    for resource in resources:
        _refuse_unsupported(resource)
    sources, stop, reports = make_sources(config), Stop(), list[Report]()
    with stop.listening():
        for resource in resources:
            report = _one(sources, resource, wishes, stop)
            reports.append(report)
            if report.exit in {5, 6} or stop.why:
                break
    try:
        _print(config, sources, reports, as_json=as_json, dry_run=bool(wishes and wishes.get("dry_run")))
    except EnvironmentProblem as problem:
        # How the run ended must not be lost because its result cannot be written.
        complain(f"necism: {problem.text}", f"hint: {problem.hint}")
    return min((report.exit for report in reports), key=WORST_FIRST.index)


def _one(sources: Sources, resource: Resource, wishes: dict[str, object] | None, stop: Stop) -> Report:
    request = make_request(**(wishes or {}))
    with Progress(visible=on_terminal()) as progress:
        desk = make_desk(sources, resource, stop, request.run_id, progress)
        return resume(desk, resource, request) if wishes is None else resync(desk, resource, request)


def _refuse_unsupported(resource: Resource) -> None:
    """What somebody configured for safety is never skipped in silence."""
    asked = {
        "pre_resync": resource.pre_resync,
        "post_resync": resource.post_resync,
        "in_use_check": resource.in_use_check,
    }
    named = [key for key, value in asked.items() if value]
    if named:
        raise UsageError(
            f"{resource.id} sets {', '.join(named)}, which this release does not run",
            "a resync without them would not be what you asked for: take them out to resync without",
        )


def _print(config: Config, sources: Sources, reports: list[Report], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        say(json.dumps(_document(config, sources, reports), indent=2))
    elif dry_run:
        for report in reports:
            say(*_plan(report))
    else:
        for report in reports:
            say(f"{report.resource.id}: {_result(report)}")


def _plan(report: Report) -> list[str]:
    if report.refusal:
        return [f"{report.resource.id}: {_result(report)}"]
    lines = [f"# {report.resource.id}: {len(report.argvs)} commands, plan {report.hash}"]
    return lines + [" ".join(argv) for argv in report.argvs]


def _result(report: Report) -> str:
    if report.refusal:
        return f"refused: {report.refusal.code}: {report.text} (hint: {report.refusal.hint})"
    return report.text


def _document(config: Config, sources: Sources, reports: list[Report]) -> dict[str, object]:
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
            "trigger": "manual",
            **report.refusal._asdict(),
        }
        for report in reports
        if report.refusal
    ]
    return chronicle(tales, refusals)
