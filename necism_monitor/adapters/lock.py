"""One lock an array on this host: flock on a file that also says who holds it.

The lock belongs to the open file, so a CHANGE command that inherited the descriptor keeps the array locked after our
death, until it ends; and it is free the moment the last holder is gone, however it went.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Self

from necism_monitor.adapters.owner import Owner, this_process
from necism_monitor.domain.errors import EnvironmentProblem

OWNER_BYTES: Final = 4096
RETRY_SECONDS: Final = 0.2


class Busy(NamedTuple):
    """Somebody else holds the lock: `owner` who wrote itself down, None where the file does not tell.

    A dead owner means that a command it started still works on the array.
    """

    owner: Owner | None
    label: str = ""


class Held:
    """The lock, ours until `release` or the end of the block."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor: int | None = descriptor
        self._path = path

    def fileno(self) -> int:
        """The descriptor, to be handed to CHANGE commands.  Raises ValueError after `release`."""
        if self._descriptor is None:
            raise ValueError("the lock was released")
        return self._descriptor

    def intact(self) -> bool:
        """Whether the file that the next comer opens is the one we locked; where nobody can tell, it is not."""
        try:
            return os.path.samestat(os.fstat(self.fileno()), self._path.lstat())
        except OSError:
            return False

    def release(self) -> None:
        """Give up our share, once: a command that inherited the descriptor still holds the lock."""
        # Closing, never LOCK_UN: that would take the lock from the command as well.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class ArrayLock:
    """The lock of one array: `directory`/`array`.lock.  `label` is written beside the owner (a run's id)."""

    def __init__(self, directory: Path, array: str, label: str = "") -> None:
        if not array or array.startswith(".") or "/" in array or "\0" in array:
            raise ValueError(f"array name {array!r} is no file name")
        self.path = directory / f"{array}.lock"
        self._label = label

    def try_acquire(self) -> Held | Busy:
        """Take the lock if it is free; never waits.  Raises EnvironmentProblem where no lock can be had at all."""
        while True:
            descriptor = self._open()
            try:
                busy = self._take(descriptor)
            except BaseException:
                # An interrupt too: whatever it was goes on to the caller, and the descriptor does not stay behind.
                os.close(descriptor)
                raise
            if busy is None and self._still_there(descriptor):
                self._sign(descriptor)
                return Held(descriptor, self.path)
            os.close(descriptor)
            if busy is not None:
                return busy

    def acquire(
        self,
        wait_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Held | Busy:
        """Take the lock, trying again for up to `wait_seconds`."""
        deadline = clock() + wait_seconds
        while isinstance(answer := self.try_acquire(), Busy):
            left = deadline - clock()
            if not left > 0:
                return answer
            sleep(min(RETRY_SECONDS, left))
        return answer

    def _open(self) -> int:
        """Open the file without ever waiting for a FIFO's other end, a lease or a terminal."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(self.path, flags, 0o640)
        except OSError as error:
            raise self._problem(error) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise EnvironmentProblem(f"{self.path} is not a regular file", "remove it: the lock makes its own")
        return descriptor

    def _take(self, descriptor: int) -> Busy | None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_owner(os.pread(descriptor, OWNER_BYTES, 0))
        except OSError as error:
            raise self._problem(error) from error
        return None

    def _still_there(self, descriptor: int) -> bool:
        """Whether the file we locked is the one the next comer opens: somebody may have removed it meanwhile."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.lstat())
        except FileNotFoundError:
            return False

    def _sign(self, descriptor: int) -> None:
        """Write ourselves into the file that we have locked, and leave the offset at its end.

        A command that gets the descriptor as its standard input so reads nothing.
        """
        line = json.dumps({**this_process()._asdict(), "label": self._label})
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{line}\n".encode())
        except OSError:
            # The disk is full: the lock is what counts, and an empty file says "holder not known".
            os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_END)

    def _problem(self, error: OSError) -> EnvironmentProblem:
        hints = {
            errno.ELOOP: "it is a symbolic link: remove it, the lock makes its own file",
            errno.EACCES: "run as the user that owns the directory, or correct its mode",
            errno.EROFS: "state_dir must be on a writable local file system",
        }
        hint = hints.get(error.errno or 0, "state_dir must be on a writable local file system that supports flock")
        return EnvironmentProblem(f"{self.path} cannot be locked: {error.strerror}", hint)


def _read_owner(data: bytes) -> Busy:
    """What the holder wrote, judged field by field: the file may hold anything."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return Busy(None)
    match record:
        case {"host": str(host), "boot_id": str(boot), "pid": pid, "start_ticks": ticks, "label": str(label)}:
            # JSON's true is an int to Python's patterns, so the types are compared.
            whole = type(pid) is int and type(ticks) is int and pid > 0
            return Busy(Owner(host, boot, pid, ticks), label) if whole else Busy(None)
        case _:
            return Busy(None)
