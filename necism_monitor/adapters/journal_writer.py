"""Writes one run's journal: only for who holds the array's lock."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Self

from necism_monitor.adapters.atomic_file import MODE, make_directory, sync_directory
from necism_monitor.adapters.journal_seal import seal
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.record import Line, RunFile, encode


class JournalWriter:
    """Appends to one run's journal.  A failed append leaves the file as it was."""

    def __init__(self, path: Path, descriptor: int, count: int = 0, size: int = 0) -> None:
        self.path, self._descriptor, self._count, self._size = path, descriptor, count, size

    @classmethod
    def create(cls, path: Path) -> Self:
        """Begin the journal of a new run; its directories are on disk too.  Raises EnvironmentProblem."""
        try:
            make_directory(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, MODE)
        except OSError as error:
            raise _problem(path, error) from error
        try:
            # A strict umask of the one who acts must not blind the exporter, which runs without rights.
            os.fchmod(descriptor, MODE)
            for directory in (path.parent, *path.parent.parents[:3]):
                sync_directory(directory)
        except OSError as error:
            os.close(descriptor)
            raise _problem(path, error) from error
        return cls(path, descriptor)

    @classmethod
    def reopen(cls, path: Path, run: RunFile) -> Self:
        """Go on with the journal of `run`; a torn last line is cut off.  Raises EnvironmentProblem."""
        try:
            whole = path.read_bytes().split(b"\n")[: len(run.lines)]
            size = sum(len(line) + 1 for line in whole)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise _problem(path, error) from error
        try:
            os.ftruncate(descriptor, size)
        except OSError as error:
            os.close(descriptor)
            raise _problem(path, error) from error
        return cls(path, descriptor, len(whole), size)

    def append(self, line: Line) -> None:
        """Write one line and wait until it is on disk.  Raises EnvironmentProblem; the file then ends as before.

        A file that is not the one at its path any more, or not as long as it was left, is no journal: nobody would
        find there what is written.
        """
        data = seal(self._count, encode(line))
        self._check()
        try:
            _write_whole(self._descriptor, data)
        except OSError as error:
            # A disk that fails the write may fail this too; what is left then is a torn line, which readers drop.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise _problem(self.path, error) from error
        self._count, self._size = self._count + 1, self._size + len(data)

    def _check(self) -> None:
        """Raise EnvironmentProblem where somebody removed, moved, replaced, cut or wrote to the file."""
        try:
            ours, found = os.fstat(self._descriptor), self.path.lstat()
        except OSError as error:
            raise _problem(self.path, error) from error
        if not os.path.samestat(ours, found) or ours.st_nlink == 0 or ours.st_size != self._size:
            raise EnvironmentProblem(
                f"the journal {self.path} is not as it was left: somebody removed, replaced or changed it",
                "nothing but necism may touch the files below state_dir",
            )

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _write_whole(descriptor: int, data: bytes) -> None:
    """One write, then the disk: a line that fits only in part counts as a full disk."""
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fdatasync(descriptor)


def _problem(path: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the journal {path} cannot be written: {error.strerror}", "state_dir must be writable and have space left"
    )
