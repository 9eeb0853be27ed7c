"""The hidden verb `complete`: what the completion of a shell offers and only the configuration knows.

Whoever presses TAB wants words or nothing: no problem is told, and the exit code is 0.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterable

from necism_monitor.cli.console import say
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.wiring import load_config
from necism_monitor.domain.errors import NecismError
from necism_monitor.domain.model import Resource


def register(subparsers: Subparsers) -> None:
    """`complete selectors|shown`: every selector, or those that reading verbs know."""
    parser = add_verb(subparsers, "complete", run, "")
    parser.add_argument("what", choices=("selectors", "shown"))


def run(args: argparse.Namespace) -> int:
    """Print one word a line."""
    with contextlib.suppress(NecismError, OSError):
        resources = load_config(paths_of(args), os.environ).resources
        say(*selectors(one for one in resources if args.what == "selectors" or not one.hidden))
    return 0


def selectors(resources: Iterable[Resource]) -> list[str]:
    """Services first, as they are shorter; then the resources."""
    found = list(resources)
    return list(dict.fromkeys([*(one.service for one in found), *(one.id for one in found)]))
