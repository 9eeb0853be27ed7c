"""The spool: a directory in which those who hold no rights leave requests.  This half only writes.

State files: RUN_DIR/requests/<digest>.json, one a request, below 4 KB, mode 0640.

A file gets its name when it is complete and on the disk, so nobody ever reads half of one; a name that is taken is a
request that was made before.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from necism_monitor.adapters.atomic_file import make_directory
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.request import Put, Request, write_request

NAME: Final = "requests"
"""Below `run_dir`."""
DIRECTORY_MODE: Final = 0o2770
"""Its group may ask, and every file in it belongs to that group."""
FILE_MODE: Final = 0o640
FULL: Final = 1000
"""Requests that may lie there at once: a storm cannot fill the disk."""
_NO_FOLLOW: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Spool:
    """Puts requests into `run_dir`/requests.  Safe to be used by several threads and processes at once."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / NAME

    def put(self, request: Request) -> Put:
        """Leave a request; when this returns it is on the disk.  Raises EnvironmentProblem where it is not."""
        try:
            directory = self._open()
            try:
                return _put(directory, request)
            finally:
                os.close(directory)
        except OSError as error:
            raise self._problem(error) from error

    def _open(self) -> int:
        """The directory, made where it is missing and we may.  Raises OSError."""
        with suppress(FileNotFoundError):
            return os.open(self.path, _NO_FOLLOW)
        make_spool(self.path)
        return os.open(self.path, _NO_FOLLOW)

    def _problem(self, error: OSError) -> EnvironmentProblem:
        who = "only root and members of the directory's group may ask: add this user to it, and restart its daemon"
        hints = {
            errno.EACCES: who,
            errno.EPERM: who,
            errno.ENOENT: "`necism dispatch`, started by who is to run the requests, makes it",
            errno.ENOSPC: "look at the space on its file system",
            errno.EDQUOT: f"at most {FULL} requests wait there: look whether `necism dispatch` runs",
            errno.EOPNOTSUPP: "run_dir must be on tmpfs or a local file system",
        }
        hint = hints.get(error.errno or 0, "run_dir must be a directory on tmpfs or a local file system")
        return EnvironmentProblem(f"no request can be left in {self.path}: {_reason(error)}", hint)


def make_spool(path: Path) -> None:
    """Make the directory with its mode, whatever the umask, for the group of `run_dir`.  Raises OSError."""
    make_directory(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        with suppress(PermissionError):
            # Of a group that we are not in only root can make it; else it is our own.
            os.chown(path, -1, path.parent.stat().st_gid)
        path.chmod(DIRECTORY_MODE)


def _reason(error: OSError) -> str:
    return "it is full" if error.errno == errno.EDQUOT else str(error.strerror)


def _put(directory: int, request: Request) -> Put:
    """Raises OSError; EDQUOT where too many wait."""
    if _is_there(directory, request.name):
        os.fsync(directory)
        return Put.KNOWN
    if len(os.listdir(directory)) >= FULL:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    file = os.open(".", os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, FILE_MODE, dir_fd=directory)
    try:
        _fill(file, write_request(request))
        # The file has no name yet: this gives it one, or fails where somebody was faster.
        os.link(f"/proc/self/fd/{file}", request.name, dst_dir_fd=directory)
    except FileExistsError:
        return Put.KNOWN
    finally:
        os.close(file)
        os.fsync(directory)
    return Put.NEW


def _is_there(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _fill(file: int, data: bytes) -> None:
    os.fchmod(file, FILE_MODE)
    if os.write(file, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file)
