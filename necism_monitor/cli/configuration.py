"""`necism config check|show`: whether the configuration holds, and what it comes to."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from necism_monitor.adapters.config_show import show
from necism_monitor.cli import console
from necism_monitor.cli.options import Subparsers, add_verb, add_verbs, paths_of
from necism_monitor.cli.wiring import examine_config
from necism_monitor.domain.model import Config
from necism_monitor.render.table import Cell, Grid


def register(subparsers: Subparsers) -> None:
    """`necism config check|show`."""
    parser = add_verb(subparsers, "config", run_check, "check the configuration, or show what is in force")
    verbs = add_verbs(parser, name="action")
    add_verb(
        verbs,
        "check",
        run_check,
        "check the configuration and list what is ignored",
    )
    add_verb(verbs, "show", run_show, "show every value in force and where it comes from")


def run_check(args: argparse.Namespace) -> int:
    """Say what there is; ConfigError says what is wrong."""
    config = examine_config(paths_of(args), os.environ).config
    console.say(_summary(config), *_check_web(config))
    warnings = (*config.warnings, *config.remarks)
    for title, lines in (("warnings", warnings), ("accepted, without effect here", config.ignored)):
        if lines:
            console.say(f"{title}:", *(f"  {line}" for line in lines))
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print every value with its origin."""
    rows = show(examine_config(paths_of(args), os.environ))
    cells = tuple(tuple(map(Cell, row)) for row in rows)
    console.show((Grid(("SECTION", "KEY", "VALUE", "ORIGIN"), cells),))
    return 0


def _check_web(config: Config) -> list[str]:
    """Read what the HTTP faces read at their start; what could not be checked.  Raises ConfigError as they do."""
    paths = {path for path in (config.exporter.web_config, config.webhook.listener.web_config) if path is not None}
    if not paths:
        return []
    try:
        # Here and not above: the libraries of the extra `web` are not installed everywhere.
        from necism_monitor.web.protection import Keeper  # noqa: PLC0415 - see the sentence above
    except ModuleNotFoundError as error:
        return [f"not checked without the Python library {error.name}: {path}" for path in sorted(paths)]
    for path in sorted(paths):
        Keeper(Path(path))
    return []


def _summary(config: Config) -> str:
    resources = config.resources
    counts = (
        (len(config.services), "service"),
        (len(resources), "resource"),
        (sum(len(one.pairs) for one in resources), "pair"),
        (len({one.array for one in resources}), "array"),
    )
    return "ok: " + ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts)
