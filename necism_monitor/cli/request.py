"""`necism request`: leaves one request in the spool; holds no rights, and decides nothing."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from necism_monitor.adapters.spool import Spool
from necism_monitor.cli.console import say
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.wiring import load_config
from necism_monitor.domain.model import ALARMS
from necism_monitor.domain.request import Put, asked
from necism_monitor.domain.selectors import select


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    verb = add_verb(subparsers, "request", run, "ask `necism dispatch` for a resync, without any rights")
    verb.add_argument("selector", metavar="SEL", help="SERVICE or SERVICE/sync#1")
    verb.add_argument("--trigger", choices=ALARMS, required=True, help="who asks")
    verb.add_argument("--key", required=True, help="what is asked about, such as a problem's number: it starts one run")


def run(args: argparse.Namespace) -> int:
    """Leave the request, and say whether it was asked before."""
    request = asked(args.selector, args.trigger, args.key)
    config = load_config(paths_of(args), os.environ)
    select(config, [request.selector], allow_all=False, include_hidden=True)
    put = Spool(Path(config.settings.run_dir)).put(request)
    say(f"{request.selector}: {'requested' if put is Put.NEW else 'requested before, and not yet taken'}")
    return 0
