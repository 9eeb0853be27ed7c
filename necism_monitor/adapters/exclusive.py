"""Who may change an array: the holder of its lock, whose commands inherit the lock.

`SIGKILL` of the holder frees the lock only when the last command that it started has ended.  Of an array behind ssh
that is the client here, so the holder also has to have claimed the array on its own host.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from necism_monitor.adapters.hook_commands import hook_at_work, hook_lock
from necism_monitor.adapters.lock import ArrayLock, Held
from necism_monitor.adapters.owner import alive
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.remote import Claim, RemoteChanger
from necism_monitor.app.ports import Changer, HeldLock, Resetter
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.model import Array
from necism_monitor.ism.commands import ChangeCommand, HostCommand
from necism_monitor.ism.output import Output
from necism_monitor.ism.reach import command_line

ASK_PAUSE: Final = 3.0
"""Seconds for which an array that is busy on its host is taken to be busy still."""


class ArrayExclusive:
    """The lock of one array below `directory`; `label` is written beside its owner."""

    def __init__(self, runner: ProcessRunner, array: Array, directory: Path, label: str) -> None:
        self._runner, self._array = runner, array
        self._lock = ArrayLock(directory, array.name, label)
        self._claim = Claim(array, runner.read)
        self._busy: tuple[float, str] = (0.0, "")
        self._hooks = hook_lock(directory, array.name)

    def acquire(self, wait_seconds: float) -> HeldLock | str:
        """The lock, or a sentence about who has it.  Raises EnvironmentProblem where no lock can be had at all."""
        answer = self._lock.acquire(wait_seconds)
        if isinstance(answer, Held):
            return self._alone(answer)
        who = f"process {answer.owner.pid} on {answer.owner.host}" if answer.owner else "somebody unknown"
        run = f" (run {answer.label})" if answer.label else ""
        return f"the lock of array {self._array.name} is held by {who}{run}, or by a command it started"

    def orphaned(self) -> bool:
        """Whether only a command, or a hook, has the lock, and who started it is known to be gone."""
        answer = self._lock.try_acquire()
        if isinstance(answer, Held):
            answer.release()
            return hook_at_work(self._hooks)
        return answer.owner is not None and alive(answer.owner) is False

    def _alone(self, held: Held) -> HeldLock | str:
        """The lock, where no hook of a run whose process is gone works on."""
        try:
            busy = hook_at_work(self._hooks)
        except EnvironmentProblem:
            held.release()
            raise
        if busy:
            held.release()
            return f"array {self._array.name}: a hook of an earlier run, whose process is gone, still works"
        return held if self._array.host is None else self._claimed(held)

    def _claimed(self, held: Held) -> HeldLock | str:
        """The lock here, once the array is also claimed on its host."""
        until, why = self._busy
        try:
            busy = why if time.monotonic() < until else self._claim.take()
        except BaseException:
            # An interrupt too: whatever it was goes on to the caller, and the lock does not stay behind.
            held.release()
            raise
        if busy is None:
            return held
        if time.monotonic() >= until:
            self._busy = (time.monotonic() + ASK_PAUSE, busy)
        held.release()
        return f"array {self._array.name}: {busy}"

    def changer(self, held: HeldLock) -> Changer:
        """A Changer whose commands inherit the lock."""
        return self._changer(held)

    def resetter(self, held: HeldLock) -> Resetter:
        """A Resetter whose command inherits the lock: the array stays locked for as long as it works."""
        return ListResetter(self._changer(held))

    def _changer(self, held: HeldLock) -> ArrayChanger | RemoteChanger:
        if not isinstance(held, Held):
            raise TypeError(f"{type(held).__name__} is not a lock of this adapter")
        here = ArrayChanger(self._runner, self._array, held)
        if self._array.host is None:
            return here
        return RemoteChanger(self._array, self._claim, here.send, here.settled)


class ArrayChanger:
    """Sends CHANGE commands to one array under its lock."""

    def __init__(self, runner: ProcessRunner, array: Array, held: Held) -> None:
        self._runner, self._array, self._held = runner, array, held

    def change(self, command: ChangeCommand | HostCommand) -> Output:
        """Run `command`; after `change_timeout` it is abandoned, never signalled."""
        return self.send(command_line(self._array, command.argv))._replace(argv=command.argv)

    def send(self, argv: tuple[str, ...]) -> Output:
        """Run a command line as it stands.

        The lock travels twice: sudo and ssh close every descriptor but the first three, so it is the standard input
        too.
        """
        lock = self._held.fileno()
        return self._runner.change(argv, self._array.change_timeout, (lock,), stdin=lock)

    def settled(self, pid: int) -> Output | None:
        """The final output of an abandoned command, or None while it may still land."""
        return self._runner.settled(pid)


class ListResetter:
    """Resets the volume list of the host of the commands, in the way in which changes are sent."""

    def __init__(self, changer: ArrayChanger | RemoteChanger) -> None:
        self._changer = changer

    def reset(self, command: HostCommand) -> Output:
        """Run `command`; after `change_timeout` it is abandoned, never signalled."""
        return self._changer.change(command)
