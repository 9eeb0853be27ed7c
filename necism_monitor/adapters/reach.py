"""How the commands of one array are reached on this host: its directory, its prefix, its deadline, its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.domain.model import Array
from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Output


def command_line(array: Array, argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv` with its program in the array's `ism_path`, behind its `command_prefix`."""
    program = argv[0] if array.ism_path is None else str(Path(array.ism_path, argv[0]))
    return (*array.command_prefix, program, *argv[1:])


class ArrayReader:
    """Sends READ commands to one array, at most its `parallel_commands` at once; may be used by several threads.

    The `Output` holds the command line as it was run, so that a person can repeat it; `on_finish` is given the same
    with the plain command, so that counters know it whatever its path.
    """

    def __init__(self, runner: ProcessRunner, array: Array, on_finish: Callable[[Output], None] | None = None) -> None:
        self._runner, self._array, self._on_finish = runner, array, on_finish
        self._turn = threading.BoundedSemaphore(array.parallel_commands)

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """Run `command`; `timeout` in seconds shortens the array's `read_timeout`."""
        limit = self._array.read_timeout if timeout is None else min(timeout, self._array.read_timeout)
        with self._turn:
            output = self._runner.read(command_line(self._array, command.argv), limit)
        if self._on_finish is not None:
            self._on_finish(output._replace(argv=command.argv))
        return output
