"""`necism event nagios|icinga`: the event handler of both monitors; holds no rights, and ends with 0.

Nagios runs it for every event of a service and throws away what it prints, so it says at most one line; where a request
could not be left although there should be one, syslog hears it too.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from necism_monitor.adapters.config_run_dir import find_run_dir
from necism_monitor.adapters.spool import Spool
from necism_monitor.adapters.syslog import warn
from necism_monitor.cli import console
from necism_monitor.cli.logs import logger
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.domain.errors import NecismError
from necism_monitor.domain.request import Put
from necism_monitor.nagios.event import MONITORS, Macros, decide
from necism_monitor.render.logline import one_line

LINE: Final = 400
"""Characters of the one line."""


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    verb = add_verb(subparsers, "event", run, "event handler: request a resync for a problem of a monitor")
    verb.add_argument("monitor", choices=MONITORS, help="whose macros these are")
    verb.add_argument("--state", metavar="S", default="", help="$SERVICESTATE$ or $service.state$")
    verb.add_argument("--state-type", metavar="T", default="", help="$SERVICESTATETYPE$ or $service.state_type$")
    verb.add_argument("--attempt", metavar="N", default="", help="$SERVICEATTEMPT$ or $service.check_attempt$")
    verb.add_argument(
        "--problem-id", metavar="I", default="", help="$SERVICEPROBLEMID$ or $service.last_hard_state_change$"
    )
    verb.add_argument("--downtime", metavar="D", default="", help="$SERVICEDOWNTIME$ or $service.downtime_depth$")
    verb.add_argument("--ack", metavar="A", default=None, help="$service.acknowledgement$; Nagios has none")
    verb.add_argument("selector", metavar="SEL", help="SERVICE or SERVICE/sync#1")


def run(args: argparse.Namespace) -> int:
    """Decide, and leave a request where there is to be one."""
    ack = args.ack if args.ack is not None else "0" if args.monitor == "nagios" else ""
    macros = Macros(args.state, args.state_type, args.attempt, args.problem_id, args.downtime, ack)
    decided = decide(args.monitor, macros, args.selector)
    if isinstance(decided, str):
        logger().info("%s", one_line(f"event {args.monitor} {args.selector}: nothing to do: {decided}", LINE))
        return 0
    put = Spool(run_dir_of(args)).put(decided)
    known = " before" if put is Put.KNOWN else ""
    logger().info("event %s: a resync of %s was requested%s, key %s", args.monitor, args.selector, known, decided.key)
    return 0


def run_dir_of(args: argparse.Namespace) -> Path:
    """Where the spool is.  Raises ConfigError."""
    paths = paths_of(args)
    config = paths.config or os.environ.get("NECISM_CONFIG") or "/etc/necism"
    return Path(find_run_dir(Path(config), paths.run_dir, os.environ))


def lament(error: BaseException) -> None:
    """Say in one line that no request was left, and why."""
    fact = (
        f"{error.text} (hint: {error.hint})" if isinstance(error, NecismError) else f"{type(error).__name__}: {error}"
    )
    text = one_line(f"event: no resync was requested: {fact}", LINE)
    console.complain(f"necism: {text}")
    warn(text)
