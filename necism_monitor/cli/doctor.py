"""`necism doctor`: every prerequisite with its evidence, and what to do about those that do not hold."""

from __future__ import annotations

import argparse
import json
import os
from functools import partial
from pathlib import Path

from necism_monitor.adapters.config import default_path
from necism_monitor.adapters.exclusive import ArrayExclusive
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.reach import ArrayReader
from necism_monitor.adapters.surroundings import HostSurroundings
from necism_monitor.app.doctor import examine
from necism_monitor.app.doctor_visit import Clinic
from necism_monitor.cli import console
from necism_monitor.cli.action import kill_switch, user_name
from necism_monitor.cli.logs import log_command, logger
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.checkup import Health
from necism_monitor.domain.model import Config
from necism_monitor.render.checkup import checkup_document, checkup_page


def register(subparsers: Subparsers) -> None:
    """`necism doctor [--fix] [--json]`."""
    parser = add_verb(subparsers, "doctor", run, "check every prerequisite, with evidence and remedy")
    parser.add_argument("--fix", action="store_true", help="first reset the volume list: `iSMvollist -r`")
    parser.add_argument("--json", action="store_true", help="print the document that docs/schema/doctor.json describes")


def run(args: argparse.Namespace) -> int:
    """Look, print, and say whether all is well."""
    paths = paths_of(args)
    config = load_config(paths, os.environ)
    place = Path(paths.config) if paths.config else default_path(os.environ)
    found = examine(make_clinic(config, place), fix=args.fix)
    if args.json:
        console.say(json.dumps(checkup_document(found), indent=2))
    else:
        console.show(checkup_page(found))
    return 0 if found.verdict is Health.OK else 1


def make_clinic(config: Config, place: Path) -> Clinic:
    """Everything a visit needs; starts and reads nothing yet."""
    runner, settings = ProcessRunner(on_finish=log_command), config.settings
    state, general = Path(settings.state_dir), place / "necism.conf"
    sources = make_sources(config, log_command)
    bare = {name: config.array(name)._replace(ism_path=None, command_prefix=()) for name in sources.readers}
    return Clinic(
        sources=sources,
        here=HostSurroundings(runner, Path(settings.host_root)),
        there={name: ArrayReader(runner, array, run_dir=Path(settings.run_dir)) for name, array in bare.items()},
        locks={name: ArrayExclusive(runner, config.array(name), state / "locks", "doctor") for name in sources.readers},
        killed=partial(kill_switch, Path(settings.kill_switch)),
        config_path=str(place),
        files=(*([str(general)] if general.exists() else []), *(service.file for service in config.services)),
        user=user_name(),
        say=partial(logger().info, "%s"),
    )
