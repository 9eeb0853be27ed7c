"""`necism history`: runs and refusals, who and why, the steps with their times, how long each LV was away."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, Final

from necism_monitor.adapters.clock import host_zone, now
from necism_monitor.adapters.journal import Journal
from necism_monitor.cli.console import complain, say
from necism_monitor.cli.options import Subparsers, add_selectors, add_verb, paths_of
from necism_monitor.cli.wiring import load_config
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged, NecismError
from necism_monitor.domain.model import Resource
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.selectors import select
from necism_monitor.domain.tale import tell
from necism_monitor.render.chronicle import chronicle, narrate
from necism_monitor.render.logline import one_line

UNTOLD: Final = 3
"""The refusals could not be read."""


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    verb = add_verb(subparsers, "history", run, "runs and refusals: who, why, steps, detached times, images")
    add_selectors(verb)
    verb.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the journal of the selected resources, oldest first."""
    config = load_config(paths_of(args), os.environ)
    resources = select(config, args.selectors, allow_all=True, include_hidden=True)
    book, at, tales, broken = Journal(Path(config.settings.state_dir)), now(), [], list[NecismError]()
    for resource in resources:
        zone = config.array(resource.array).zone or host_zone()
        for one in _runs(book, resource):
            if isinstance(one, JournalDamaged):
                broken.append(one)
            else:
                tales.append((tell(one, at), zone))
    refusals, problem = _refusals(book, resources, everything=not args.selectors)
    broken += [problem] if problem else []
    tales.sort(key=lambda pair: pair[0].started_at)
    # Whoever reads the document has to know, too, that something is missing in it.
    left_out = [one_line(f"damaged: {one.text} (hint: {one.hint})") for one in broken]
    if args.json:
        say(json.dumps(chronicle(tales, refusals), indent=2))
        complain(*left_out)
    else:
        say(*narrate((tale for tale, _ in tales), refusals), *left_out)
    return UNTOLD if problem else 0


def _runs(book: Journal, resource: Resource) -> list[RunFile | JournalDamaged]:
    try:
        return book.runs(resource.id)
    except JournalDamaged as error:
        return [error]


def _refusals(
    book: Journal, resources: tuple[Resource, ...], *, everything: bool
) -> tuple[list[dict[str, Any]], NecismError | None]:
    """The refusals of these resources, and where `everything` is told those of requests that name none.

    The runs are told also where nobody can tell them.
    """
    names: set[tuple[object, object]] = {(resource.service, resource.name) for resource in resources}
    names |= {(None, None)} if everything else set()
    try:
        found = book.refusals()
    except EnvironmentProblem as problem:
        return [], problem
    return [one for one in found if (one.get("service"), one.get("resource")) in names], None
