"""Puts the pieces together: the configuration with what overrides it, and the sources that every reading face needs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from necism_monitor.adapters.blockdev import BlockDevices
from necism_monitor.adapters.clock import SystemClock, host_zone
from necism_monitor.adapters.config import Examined, Overrides, default_path, examine
from necism_monitor.adapters.journal_door import JournalDoor
from necism_monitor.adapters.observation_file import ObservationFile
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.reach import ArrayReader
from necism_monitor.adapters.volume_map import FileMap
from necism_monitor.app.look import Sources
from necism_monitor.cli.paths import Paths
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.model import Array, Config
from necism_monitor.ism.output import Output

__all__ = ["Paths", "examine_config", "known_arrays", "load_config", "make_sources", "observation_file"]

OBSERVATION: Final = "observation.json"


def load_config(paths: Paths, environ: Mapping[str, str]) -> Config:
    """The configuration as options and environment override it.  Raises ConfigError with all problems at once."""
    return examine_config(paths, environ).config


def examine_config(paths: Paths, environ: Mapping[str, str]) -> Examined:
    """As `load_config`, with the origin of every value."""
    place = default_path(environ) if paths.config is None else Path(paths.config)
    try:
        examined = examine(place, overrides=Overrides(*paths[1:]), environ=environ)
    except FileNotFoundError as error:
        # A file that is missing is a problem of the configuration; only the working directory is asked for unguarded.
        raise UsageError(
            "the working directory does not exist any more, so a relative path leads nowhere",
            "change to a directory that exists, or write absolute paths",
        ) from error
    return examined


def known_arrays(config: Config) -> tuple[Array, ...]:
    """The declared arrays, then those that only resources name: they mean the local commands under that label."""
    names = (*(array.name for array in config.arrays), *(resource.array for resource in config.resources))
    return tuple(config.array(name) for name in dict.fromkeys(names))


def observation_file(config: Config) -> ObservationFile:
    """The file that the action and the collector share with every face."""
    names = tuple(array.name for array in known_arrays(config))
    return ObservationFile(Path(config.settings.run_dir, OBSERVATION), names)


def make_sources(config: Config, on_finish: Callable[[Output], None] | None = None) -> Sources:
    """Everything a look needs; starts and reads nothing yet.

    `on_finish` is given every command's `Output`, with the plain command as its argv; it must not raise.
    """
    runner, arrays = ProcessRunner(), known_arrays(config)
    state, run_dir = Path(config.settings.state_dir), Path(config.settings.run_dir)
    return Sources(
        config=config,
        readers={array.name: ArrayReader(runner, array, on_finish, run_dir) for array in arrays},
        maps={array.name: FileMap(state, array.name) for array in arrays},
        journals=JournalDoor(state),
        store=observation_file(config),
        clock=SystemClock(),
        host_zone=host_zone(),
        devices={array.name: BlockDevices(runner) for array in arrays if array.host is None},
    )
