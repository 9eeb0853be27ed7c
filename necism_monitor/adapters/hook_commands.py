"""How hooks are run: under a lock that flock(1) holds and the hook does not inherit.

A hook that outlives its caller keeps others from working on the array until it ends; what it started keeps nobody.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping
from pathlib import Path

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.names import ArrayName
from necism_monitor.ism.output import Ending, Output


def hook_lock(directory: Path, array: ArrayName) -> Path:
    """The file that is locked while a hook of a run on `array` works; `directory` is that of the array's lock."""
    return directory / f"{array}.hooks"


class HookCommands:
    """Runs the hooks of runs on one array; fulfils `app.ports.Commands`."""

    def __init__(self, runner: ProcessRunner, directory: Path, array: ArrayName) -> None:
        self._runner, self._lock = runner, hook_lock(directory, array)

    def hook(self, argv: tuple[str, ...], timeout: float, *, env: Mapping[str, str] | None = None) -> Output:
        """Run `argv` with `env` added; after `timeout` seconds it is killed with its process group."""
        if argv[0].startswith("-"):
            # flock(1) would take it for an option of its own: `-c` is its shell.
            at, why = time.time(), f"{argv[0]} is no program: it begins with a dash\n"
            return Output(argv, Ending.NOT_STARTED, None, "", why, at, at)
        output = self._runner.hook(("flock", "--close", str(self._lock), *argv), timeout, env=env)
        return output._replace(argv=argv)


def hook_at_work(path: Path) -> bool:
    """Whether a hook still works that was started by somebody who is gone.  Raises EnvironmentProblem."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be opened: {error.strerror}", "check its owner and mode") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        raise EnvironmentProblem(
            f"{path} cannot be locked: {error.strerror}", "state_dir must lie on a local disk"
        ) from error
    finally:
        os.close(descriptor)
    return False
