"""Paths of the configuration: what they are relative to, and who outranks the file."""

import os.path
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from necism_monitor.adapters.config_values import word


class Overrides(NamedTuple):
    """What the command line says instead of necism.conf; None = nothing."""

    ism_path: str | None = None
    state_dir: str | None = None
    run_dir: str | None = None


class Chosen(NamedTuple):
    """A path that outranks the file, made absolute, and who chose it."""

    path: str
    origin: str


class Outside(NamedTuple):
    """All that may outrank necism.conf: the options first, then the environment."""

    overrides: Overrides
    environ: Mapping[str, str]

    def choose(self, key: str) -> Chosen | None:
        """The path somebody chose for `key`, relative to the working directory; None where nobody did."""
        option: str | None = getattr(self.overrides, key)
        if option:
            return Chosen(_from_here(option), f"--{key.replace('_', '-')}")
        name = f"NECISM_{key.upper()}"
        return Chosen(_from_here(self.environ[name]), name) if self.environ.get(name) else None


def _from_here(text: str) -> str:
    """`text`, relative to the working directory, which need not exist where it is absolute."""
    return absolute(text, Path("/") if text.startswith("/") else Path.cwd())


def absolute(text: str, folder: Path) -> str:
    """`text`, relative to `folder`, without `.` and `..`; links are kept, their names are what people know."""
    return os.path.normpath(folder / text)


def path_in(folder: Path) -> Callable[[str], str]:
    """A reader of one path, quoted as in a shell where it holds blanks, relative to `folder`."""
    return lambda text: absolute(word(text), folder)


def shown_path(path: str | None) -> str:
    """How a path that may be unset is shown."""
    return path or "none"
