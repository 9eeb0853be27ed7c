"""The plugin's own time: every command gets what is left of it, and nothing is started when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from necism_monitor.app.ports import Reader
from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Ending, Output

RESERVE: Final = 2.5
"""Seconds kept back for a command that has to be killed after it ignored TERM."""
RESERVED_SHARE: Final = 0.25

_LATE: Final = (Ending.TIMED_OUT, Ending.LOST)


class Deadline:
    """How much time is left, what we are doing with it, and what used it up."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds - min(RESERVE, seconds * RESERVED_SHARE)
        self.stage = "starting"
        self.outputs: list[Output] = []
        self.cut_short: list[str] = []
        """Commands that were stopped, or not started, because the time was over."""

    def stop(self) -> None:
        """No further command is started."""
        self._end = self._clock()

    def left(self) -> float:
        """Seconds in which commands may run."""
        return max(0.0, self._end - self._clock())


class PunctualReader:
    """A reader that keeps a deadline; a command for which no time is left times out without being started."""

    def __init__(self, reader: Reader, deadline: Deadline) -> None:
        self._reader, self._deadline = reader, deadline

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """Run `command` for at most `timeout` seconds, the array's limit, or what is left."""
        deadline, left, line = self._deadline, self._deadline.left(), " ".join(command.argv)
        if left <= 0:
            deadline.cut_short.append(line)
            now = time.time()
            return Output(command.argv, Ending.TIMED_OUT, None, "", "", now, now)
        deadline.stage = f"running {line}"
        output = self._reader.read(command, left if timeout is None else min(left, timeout))
        deadline.stage = "reading state files"
        deadline.outputs.append(output)
        if output.ending in _LATE and deadline.left() <= 0:
            deadline.cut_short.append(line)
        return output
