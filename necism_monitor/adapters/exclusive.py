"""Who may change an array: the holder of its lock, whose commands inherit the lock.

`SIGKILL` of the holder frees the lock only when the last command that it started has ended.
"""

from __future__ import annotations

from pathlib import Path

from necism_monitor.adapters.lock import ArrayLock, Held
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.reach import command_line
from necism_monitor.app.ports import Changer, HeldLock
from necism_monitor.domain.model import Array
from necism_monitor.ism.commands import ChangeCommand
from necism_monitor.ism.output import Output


class ArrayExclusive:
    """The lock of one array below `directory`; `label` is written beside its owner."""

    def __init__(self, runner: ProcessRunner, array: Array, directory: Path, label: str) -> None:
        self._runner, self._array = runner, array
        self._lock = ArrayLock(directory, array.name, label)

    def acquire(self, wait_seconds: float) -> HeldLock | str:
        """The lock, or a sentence about who has it.  Raises EnvironmentProblem where no lock can be had at all."""
        answer = self._lock.acquire(wait_seconds)
        if isinstance(answer, Held):
            return answer
        who = f"process {answer.owner.pid} on {answer.owner.host}" if answer.owner else "somebody unknown"
        run = f" (run {answer.label})" if answer.label else ""
        return f"the lock of array {self._array.name} is held by {who}{run}, or by a command it started"

    def changer(self, held: HeldLock) -> Changer:
        """A Changer whose commands inherit the lock."""
        if not isinstance(held, Held):
            raise TypeError(f"{type(held).__name__} is not a lock of this adapter")
        return ArrayChanger(self._runner, self._array, held)


class ArrayChanger:
    """Sends CHANGE commands to one array under its lock."""

    def __init__(self, runner: ProcessRunner, array: Array, held: Held) -> None:
        self._runner, self._array, self._held = runner, array, held

    def change(self, command: ChangeCommand) -> Output:
        """Run `command`; after `change_timeout` it is abandoned, never signalled.

        The lock travels twice: sudo closes every descriptor but the first three, so it is the standard input too.
        """
        lock = self._held.fileno()
        argv = command_line(self._array, command.argv)
        output = self._runner.change(argv, self._array.change_timeout, (lock,), stdin=lock)
        return output._replace(argv=command.argv)

    def settled(self, pid: int) -> Output | None:
        """The final output of an abandoned command, or None while it may still land."""
        return self._runner.settled(pid)
