"""Journal files: one append-only JSONL file a run, each line with version, number and CRC, synced before it counts.

Readers take no lock.  A torn last line is what a crash leaves: it is dropped and reported.  Any other damage raises
`JournalDamaged` and nothing is overwritten.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import zlib
from pathlib import Path
from typing import Any, Self

from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged
from necism_monitor.domain.record import FormatError, Header, Line, RunFile, decode, encode

VERSION = 1
LINE_MAX = 4096
"""Bytes; a line is written by one call, so that a crash can only tear the last one."""
_MARK = b',"crc":"'
_TEXTS = ("text", "why", "reason", "user", "key")
"""The free texts of a line, which give way where it would be longer than LINE_MAX."""
_SHORT = 40


class _Torn(FormatError):
    """The bytes are not those that were written."""


class JournalWriter:
    """Appends to one run's journal.  A failed append leaves the file as it was."""

    def __init__(self, path: Path, descriptor: int, count: int = 0, size: int = 0) -> None:
        self.path, self._descriptor, self._count, self._size = path, descriptor, count, size

    @classmethod
    def create(cls, path: Path) -> Self:
        """Begin the journal of a new run; its directories are on disk too.  Raises EnvironmentProblem."""
        try:
            _make_readable(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
            # A strict umask of the one who acts must not blind the exporter, which runs without rights.
            os.fchmod(descriptor, 0o644)
            for directory in (path.parent, *path.parent.parents[:3]):
                _sync_directory(directory)
        except OSError as error:
            raise _problem(path, error) from error
        return cls(path, descriptor)

    @classmethod
    def reopen(cls, path: Path, run: RunFile) -> Self:
        """Go on with the journal of `run`; a torn last line is cut off.  Raises EnvironmentProblem."""
        whole = path.read_bytes().split(b"\n")[: len(run.lines)]
        size = sum(len(line) + 1 for line in whole)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            os.ftruncate(descriptor, size)
        except OSError as error:
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


def seal(number: int, record: dict[str, Any]) -> bytes:
    """One line: the record with version, number and the CRC-32 of everything before it.

    Texts for people are shortened until it fits; what they said stands in the log.
    """
    body = json.dumps({"v": VERSION, "n": number, **record}, separators=(",", ":"))[:-1].encode()
    sealed = body + _MARK + b'%08x"}\n' % zlib.crc32(body)
    longest = max(_TEXTS, key=lambda name: len(record.get(name) or ""))
    text = record.get(longest) or ""
    if len(sealed) < LINE_MAX or len(text) < _SHORT:
        return sealed
    return seal(number, {**record, longest: text[: len(text) * 3 // 4] + "..."})


def unseal(data: bytes, number: int) -> Line:
    """The line that `data`, without its newline, holds.  Raises FormatError where it is not intact."""
    body, mark, crc = data.rpartition(_MARK)
    if not mark or crc != b'%08x"}' % zlib.crc32(body):
        raise _Torn("its checksum is wrong")
    record = json.loads(body + b"}")
    version, count = record.pop("v"), record.pop("n")
    if version != VERSION:
        raise FormatError(f"it is of version {version}, this program reads version {VERSION}")
    if count != number:
        raise FormatError(f"it is number {count}, expected {number}")
    return decode(record)


def read_run(path: Path) -> RunFile | None:
    """The run of a journal file; None where a crash left not even its header.  Raises JournalDamaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalDamaged(f"{path} cannot be read: {error.strerror}", "check its owner and mode") from error
    *whole, rest = data.split(b"\n")
    lines: list[Line] = []
    for number, text in enumerate(whole):
        try:
            lines.append(unseal(text, number))
        except (FormatError, ValueError, KeyError) as error:
            if isinstance(error, _Torn) and number == len(whole) - 1 and not rest:
                return _run_file(path, lines, torn=True)
            where = f"{path}:{number + 1}: {error}"
            raise JournalDamaged(where, "keep the file; it is never overwritten") from error
    return _run_file(path, lines, torn=bool(rest))


def _run_file(path: Path, lines: list[Line], *, torn: bool) -> RunFile | None:
    if not lines:
        return None
    if not isinstance(lines[0].item, Header):
        raise JournalDamaged(f"{path}:1: the first line is no header", "keep the file; it is never overwritten")
    return RunFile(lines[0].item, tuple(lines), torn)


def _make_readable(directory: Path) -> None:
    """Make what is missing of `directory`, to be read by everybody whatever the umask."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        one.chmod(0o755)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _problem(path: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the journal {path} cannot be written: {error.strerror}", "state_dir must be writable and have space left"
    )
