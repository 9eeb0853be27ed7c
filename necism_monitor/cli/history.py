"""`necism history`: runs and refusals, who and why, the steps with their times, how long each LV was away."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from necism_monitor.adapters.clock import host_zone, now
from necism_monitor.adapters.journal import Journal
from necism_monitor.cli.console import say
from necism_monitor.cli.options import Subparsers, add_selectors, add_verb, paths_of
from necism_monitor.cli.wiring import load_config
from necism_monitor.domain.errors import JournalDamaged
from necism_monitor.domain.selectors import select
from necism_monitor.domain.tale import tell
from necism_monitor.render.chronicle import chronicle, narrate
from necism_monitor.render.logline import one_line


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    verb = add_verb(subparsers, "history", run, "runs and refusals: who, why, steps, detached times, images")
    add_selectors(verb)
    verb.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the journal of the selected resources, oldest first."""
    config = load_config(paths_of(args), os.environ)
    resources = select(config, args.selectors, allow_all=True, include_hidden=True)
    book, at, tales, broken = Journal(Path(config.settings.state_dir)), now(), [], []
    for resource in resources:
        zone = config.array(resource.array).zone or host_zone()
        for one in book.runs(resource.id):
            if isinstance(one, JournalDamaged):
                broken.append(one)
            else:
                tales.append((tell(one, at), zone))
    names = {(resource.service, resource.name) for resource in resources}
    refusals = [one for one in book.refusals() if (one.get("service"), one.get("resource")) in names]
    tales.sort(key=lambda pair: pair[0].started_at)
    if args.json:
        say(json.dumps(chronicle(tales, refusals), indent=2))
    else:
        say(*narrate((tale for tale, _ in tales), refusals))
        say(*(one_line(f"damaged: {one.text} (hint: {one.hint})") for one in broken))
    return 0
