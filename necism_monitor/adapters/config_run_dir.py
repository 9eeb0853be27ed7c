"""Where `run_dir` is, for those who only leave a request there: of the configuration, that one key is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from necism_monitor.adapters.atomic_file import read_bounded
from necism_monitor.adapters.config_lines import parse_ini
from necism_monitor.adapters.config_paths import Outside, Overrides, path_in
from necism_monitor.domain.errors import ConfigError, Problem
from necism_monitor.domain.model import Settings
from necism_monitor.domain.rules import RuleError

GENERAL: Final = "necism.conf"
LARGEST: Final = 1 << 20
"""Bytes of a necism.conf."""


def find_run_dir(path: Path, run_dir: str | None, environ: Mapping[str, str]) -> str:
    """What `load` would say, whatever is wrong with service files.  Raises ConfigError.

    `path` is a service file or a directory; `run_dir` is that of the option.
    """
    chosen = Outside(Overrides(run_dir=run_dir), environ).choose("run_dir")
    if chosen is not None:
        return chosen.path
    folder = path.absolute()
    try:
        text = _text(folder)
        return Settings().run_dir if text is None else path_in(folder)(text)
    except OSError as error:
        rule, hint = f"cannot be read: {error.strerror}", "name the configuration with --config or NECISM_CONFIG"
        raise ConfigError((Problem(str(error.filename or path), None, "", rule, hint),)) from error
    except RuleError as error:
        raise ConfigError((Problem(str(folder / GENERAL), None, error.value, error.rule, error.hint),)) from error
    except ValueError as error:
        raise ConfigError((Problem(str(folder / GENERAL), None, "", str(error), ""),)) from error


def _text(folder: Path) -> str | None:
    """What stands in necism.conf; None where nothing is said.  Raises OSError, ValueError, ConfigError."""
    os.stat(folder)  # noqa: PTH116 - a configuration that is missing is an error, even where its value would be ours
    file = folder / GENERAL
    if not folder.is_dir() or not os.path.lexists(file):
        return None
    ini = parse_ini(str(file), read_bounded(file, LARGEST))
    if ini.problems:
        raise ConfigError(ini.problems)
    section = ini.section("necism")
    entry = None if section is None else section.entries.get("run_dir")
    return None if entry is None else entry.value
