"""`necism status`: what is wrong, what to do, and the state of every pair."""

from __future__ import annotations

import argparse
import json
import os

from necism_monitor.app.look import look
from necism_monitor.cli import console
from necism_monitor.cli.logs import log_command, warn_of
from necism_monitor.cli.options import Subparsers, add_selectors, add_verb, paths_of
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.selectors import select
from necism_monitor.render.document import status_document
from necism_monitor.render.table import status_page

EXITS = {Verdict.UP: 0, Verdict.WARN: 1, Verdict.UNKNOWN: 3}


def register(subparsers: Subparsers) -> None:
    """`necism status [SEL ...] [--json]`."""
    parser = add_verb(
        subparsers,
        "status",
        run,
        "show resources, pairs, findings and unfinished runs",
    )
    add_selectors(parser)
    parser.add_argument("--json", action="store_true", help="print the document that docs/schema/status.json describes")


def run(args: argparse.Namespace) -> int:
    """Look, print, and say the worst verdict."""
    config = load_config(paths_of(args), os.environ)
    warn_of(config)
    resources = select(config, args.selectors, allow_all=True)
    sources = make_sources(config, log_command)
    verdicts = look(sources, resources)
    if args.json:
        console.say(json.dumps(status_document(verdicts), indent=2))
    else:
        console.show(status_page(verdicts, sources.host_zone))
    return EXITS[verdicts.status]
