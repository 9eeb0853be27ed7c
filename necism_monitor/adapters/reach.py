"""How the READ commands of one array are sent: here or over ssh, with its deadline, in its turn."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.domain.model import Array
from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.reach import CONNECT_SECONDS, MARGIN, SAFE, Link, command_line, read_line, shown_line

SOCKET_MAX: Final = 107
"""Bytes of a socket's path on Linux."""
SOCKET_NAME: Final = 1 + 40 + 17
"""What ssh puts behind the directory: a slash, a hash, and the ending of the temporary name."""

SILENT_SECONDS: Final = 5.0
"""For which a host that let us wait in vain is not asked again: dozens of questions would each wait as long."""


class ArrayReader:
    """Sends READ commands to one array, at most its `parallel_commands` at once; may be used by several threads.

    The `Output` holds the command line as a person can repeat it; `on_finish` is given the same with the plain
    command, so that counters know it whatever its path.  `run_dir` is where connections are shared, if it can be used.
    """

    def __init__(
        self,
        runner: ProcessRunner,
        array: Array,
        on_finish: Callable[[Output], None] | None = None,
        run_dir: Path | None = None,
    ) -> None:
        self._runner, self._array, self._on_finish, self._run_dir = runner, array, on_finish, run_dir
        self._turn = threading.BoundedSemaphore(array.parallel_commands)
        self._silence: tuple[float, Output] | None = None

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """Run `command`; `timeout` in seconds shortens the array's `read_timeout`.

        Behind a host that has just let us wait in vain it is not sent, and the answer is that one's: a cut connection.
        """
        with self._turn:
            if (silence := self._silence) is not None and time.monotonic() < silence[0]:
                return silence[1]._replace(argv=shown_line(self._array, command.argv))
            output = (self._here if self._array.host is None else self._there)(command, timeout)
        if self._on_finish is not None:
            self._on_finish(output._replace(argv=command.argv))
        return output

    def _here(self, command: ReadCommand, timeout: float | None) -> Output:
        limit = self._array.read_timeout if timeout is None else min(timeout, self._array.read_timeout)
        return self._runner.read(command_line(self._array, command.argv), limit)

    def _there(self, command: ReadCommand, timeout: float | None) -> Output:
        """Over ssh: the command has its own deadline there, and ssh some time more here to connect and to come back."""
        from necism_monitor.ism.far_side import read_output  # noqa: PLC0415 - few arrays are behind ssh, and the check starts often

        whole = self._array.read_timeout + MARGIN
        limit = whole if timeout is None else min(timeout, whole)
        seconds, nonce = min(limit, self._array.read_timeout), os.urandom(16).hex()
        link = Link(self._array.ssh_config, control_directory(self._run_dir))
        argv = read_line(self._array, command.argv, link, nonce, seconds)
        output = read_output(self._runner.read(argv, limit), nonce, shown_line(self._array, command.argv), seconds)
        waited = output.ending is Ending.CUT and output.ended_at - output.started_at >= CONNECT_SECONDS
        self._silence = (time.monotonic() + SILENT_SECONDS, output) if waited else None
        return output


def control_directory(run_dir: Path | None) -> str | None:
    """A directory of this user alone below `run_dir` for ssh's sockets; None where there can be none.

    Whoever could put a socket there would answer in the array's place.
    """
    if run_dir is None:
        return None
    path = run_dir / f"ssh-{os.geteuid()}"
    if not SAFE.issuperset(str(path)) or "%" in str(path) or len(str(path)) + SOCKET_NAME > SOCKET_MAX:
        return None
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return str(path) if ours else None
