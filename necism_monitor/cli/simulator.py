"""`necism simulator`: a simulated array on disk, behind the real commands' names."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from necism_monitor.cli import console
from necism_monitor.cli.options import Subparsers, add_verb, add_verbs
from necism_monitor.domain.errors import EnvironmentProblem, UsageError
from necism_monitor.simulator.create import Created, CreateError, create
from necism_monitor.simulator.scenario import ScenarioError, scenarios


def register(subparsers: Subparsers) -> None:
    """`necism simulator create|list`."""
    parser = add_verb(subparsers, "simulator", run_list, "make a simulated array to try everything on")
    verbs = add_verbs(parser, name="action")
    add_verb(verbs, "list", run_list, "list the scenarios that come with the package")
    made = add_verb(verbs, "create", run_create, "make a simulated array: its commands, its world, a configuration")
    made.add_argument("directory", metavar="DIR", type=Path, help="a new or empty directory")
    made.add_argument("--scenario", metavar="NAME|FILE", default="seed", help="what the array holds; default seed")
    made.add_argument(
        "--latency",
        metavar="none|seed|FACTOR",
        default="none",
        help="how long its commands take: none (the default), the times of a real log, or these scaled",
    )
    made.add_argument("--force", action="store_true", help="replace a simulated array that is there")


def run_list(args: argparse.Namespace) -> int:
    """Print every scenario with its description."""
    del args
    known = scenarios()
    width = max(map(len, known))
    console.say(*(f"{name:<{width}}  {text}" for name, text in known.items()))
    return 0


def run_create(args: argparse.Namespace) -> int:
    """Make it, say what was made, and what to type next."""
    try:
        made = create(args.directory, args.scenario, args.latency, force=args.force)
    except ScenarioError as error:
        raise UsageError(str(error), "`necism simulator list` names the scenarios") from error
    except CreateError as error:
        raise UsageError(str(error), "name a new or empty directory, or give --force to replace an array") from error
    except ValueError as error:
        raise UsageError(str(error), "write `--latency none`, `--latency seed` or `--latency 0.1`") from error
    except OSError as error:
        raise EnvironmentProblem(
            f"{args.directory}: {error.strerror}", "name a directory that can be written"
        ) from error
    console.say(*_told(made, args.scenario))
    return 0


def _told(made: Created, scenario: str) -> list[str]:
    config = shlex.quote(str(made.config))
    first = made.services[0].stem if made.services else "SERVICE"
    return [
        f"scenario {scenario} in {made.directory}",
        *(f"  array {name}: commands in {place / 'bin'}" for name, place in made.arrays.items()),
        f"  configuration: {made.config} ({', '.join(service.name for service in made.services)})",
        "next:",
        f"  necism --config {config} status",
        f"  necism --config {config} resync {first} --dry-run",
        f"  check_necism --config {config}",
    ]
