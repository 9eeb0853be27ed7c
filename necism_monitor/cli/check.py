"""The plugin, wired to files and commands."""

from __future__ import annotations

import os
from collections.abc import Sequence

from necism_monitor.app.look import Sources
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.nagios.options import Options
from necism_monitor.nagios.plugin import run_plugin


def main(argv: Sequence[str]) -> int:
    """Print one answer and return the plugin's exit status."""
    return run_plugin(argv, connect)


def connect(options: Options) -> Sources:
    """The sources at the places that the options, the environment and the configuration name."""
    paths = Paths(options.config, options.ism_path, options.state_dir, options.run_dir)
    return make_sources(load_config(paths, os.environ))
