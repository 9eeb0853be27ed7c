"""Small files that are replaced as a whole: a reader sees the old text or the new one, whatever happens between."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

MODE: Final = 0o644
DIRECTORY_MODE: Final = 0o755


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a file.  Raises OSError where it cannot be read, ValueError where it is longer than `limit`."""
    # Not blocking, so that a pipe in the place of the file cannot hold us up.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"longer than {limit} bytes")
    return data


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` on the disk, then in the place of `path`; missing directories are made.  Raises OSError."""
    make_directory(path.parent)
    # Named by process: one that died in the middle leaves at most one file, which its successor of that number takes.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    try:
        _write(temporary, data)
        temporary.replace(path)
    except BaseException:
        # KeyboardInterrupt too: nothing half-written stays.
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Make `path` and its parents, readable by everybody whatever the umask.  Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        path.chmod(DIRECTORY_MODE)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), MODE)
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Wait until the names in `path` are on the disk.  Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
