"""The other half of the spool: reads what lies there, believes none of it, and takes it away.

Whoever reads has rights, and whoever writes has none.  So no name is followed, nothing is waited for, and who asked is
told by the kernel: the owner of the file.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from necism_monitor.adapters.spool import NAME, make_spool
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.request import SIZE_MAX, Found, read_request

AT_ONCE: Final = 1000
"""Entries that are looked at before those are decided; what a flood leaves comes next."""
REFUSED: Final = ".refused"
"""A name for what cannot be removed; a hidden entry is no request, and wakes nobody."""
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_OF_THE_MACHINE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""What says nothing about the entry that was to be opened."""
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class Inbox:
    """Reads `run_dir`/requests."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / NAME

    def prepare(self) -> None:
        """Make the directory where it is missing.  Raises EnvironmentProblem where it cannot be made or trusted."""
        try:
            if not os.path.lexists(self.path):
                make_spool(self.path)
        except OSError as error:
            raise self._problem(error) from error
        self.waiting()

    def waiting(self) -> bool:
        """Whether anything lies there.  Raises EnvironmentProblem."""
        with self._opened() as directory:
            return any(_names(directory))

    def scan(self) -> list[Found]:
        """What lies there, the oldest first.  Raises EnvironmentProblem."""
        with self._opened() as directory:
            group = os.fstat(directory)
            allowed = _Members(group.st_uid, group.st_gid)
            aged = [(_age(directory, name), name) for _, name in zip(range(AT_ONCE), _names(directory), strict=False)]
            looked = [_look(directory, name, allowed) for _, name in sorted(aged)]
            return [found for found in looked if found is not None]

    def remove(self, name: str) -> None:
        """Take an entry away, whatever it is.  Raises EnvironmentProblem."""
        with self._opened() as directory:
            _remove(directory, name)
            os.fsync(directory)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            directory = os.open(self.path, _DIRECTORY)
        except OSError as error:
            raise self._problem(error) from error
        try:
            self._trust(directory)
            yield directory
        except OSError as error:
            raise self._problem(error) from error
        finally:
            os.close(directory)

    def _trust(self, directory: int) -> None:
        """Whoever may write here, or put another directory in its place, may ask.  Raises EnvironmentProblem."""
        parent = self.path.parent.stat()
        open_parent = parent.st_mode & stat.S_IWOTH and not parent.st_mode & stat.S_ISVTX
        for path, is_open in ((self.path.parent, open_parent), (self.path, os.fstat(directory).st_mode & stat.S_IWOTH)):
            if is_open:
                hint = f"everybody could ask for a resync: chmod o-w {path}, and look at what lies there"
                raise EnvironmentProblem(f"{path} may be written by everybody", hint)

    def _problem(self, error: OSError) -> EnvironmentProblem:
        hint = "it must be a directory (mode 2770, its group those who may ask) that this user may read and write"
        return EnvironmentProblem(f"requests in {self.path} cannot be read: {error.strerror}", hint)


class _Members:
    """Who may own a request: root, this process's user, the owner of the spool, and the members of its group."""

    def __init__(self, owner: int, group: int) -> None:
        self._group = group
        self._known = {0: True, os.geteuid(): True, owner: True}

    def __contains__(self, user: int) -> bool:
        if user not in self._known:
            self._known[user] = self._is_member(user)
        return self._known[user]

    def _is_member(self, user: int) -> bool:
        try:
            entry = pwd.getpwuid(user)
            return self._group in {entry.pw_gid, *os.getgrouplist(entry.pw_name, entry.pw_gid)}
        except (KeyError, OSError):
            return False

    def __str__(self) -> str:
        """The group's name, for people."""
        with suppress(KeyError):
            return f"group {grp.getgrgid(self._group).gr_name}"
        return f"group {self._group}"


def _names(directory: int) -> Iterator[str]:
    """Everything but hidden names; never more in memory than asked for."""
    with os.scandir(directory) as entries:
        yield from (entry.name for entry in entries if not entry.name.startswith("."))


def _age(directory: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime_ns
    except FileNotFoundError:
        return 0


def _look(directory: int, name: str, allowed: _Members) -> Found | None:
    """What an entry is; None where it has gone.  Raises OSError only for what is wrong with the machine."""
    try:
        before = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    user = _user(before.st_uid)
    # Asked before it is opened: opening a device or a pipe can have effects of its own.
    if not stat.S_ISREG(before.st_mode):
        return Found(name, user, why="no regular file")
    try:
        file = os.open(name, _FILE, dir_fd=directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _OF_THE_MACHINE:
            raise
        return Found(name, user, why=f"cannot be opened: {error.strerror}")
    with os.fdopen(file, "rb") as stream:
        facts = os.fstat(file)
        why = _objection(facts, allowed)
        if why:
            return Found(name, _user(facts.st_uid), why=why)
        try:
            return Found(name, _user(facts.st_uid), read_request(name, stream.read(SIZE_MAX + 1)))
        except ValueError as error:
            return Found(name, _user(facts.st_uid), why=str(error))


def _objection(facts: os.stat_result, allowed: _Members) -> str:
    """Why a file is not believed, whatever it holds; empty where it may be read."""
    if not stat.S_ISREG(facts.st_mode):
        return "no regular file"
    if facts.st_nlink != 1:
        return f"a file with {facts.st_nlink} names"
    if facts.st_uid not in allowed:
        return f"its owner is not in {allowed}, the spool's"
    if facts.st_mode & _OTHERS_WRITE:
        return "others than its owner may write it"
    return f"{facts.st_size} bytes, at most {SIZE_MAX} are read" if facts.st_size > SIZE_MAX else ""


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def _remove(directory: int, name: str) -> None:
    """Raises OSError where it stays under its name."""
    with suppress(FileNotFoundError):
        try:
            os.unlink(name, dir_fd=directory)
        except (IsADirectoryError, PermissionError):
            _remove_directory(directory, name)


def _remove_directory(directory: int, name: str) -> None:
    """With what is in it; what cannot be removed is hidden, so that it wakes nobody again."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(name, dir_fd=directory)
        return
    os.rename(name, f"{REFUSED}-{os.urandom(4).hex()}", src_dir_fd=directory, dst_dir_fd=directory)
