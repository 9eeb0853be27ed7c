"""What dispatch has taken out of the spool and not yet decided, out of reach of those who asked.

State files: STATE_DIR/dispatch/<digest>.json, one for each resource that a request is about, and
STATE_DIR/dispatch.lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from necism_monitor.adapters.atomic_file import make_directory, read_bounded, replace_file, sync_directory
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.request import SIZE_MAX, Errand, read_errand, write_errand

NAME: Final = "dispatch"
"""Below `state_dir`."""
SUFFIX: Final = ".json"
DAMAGED: Final = ".damaged"
_LOCK_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Tray:
    """The errands below one state directory; for one process at a time."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / NAME
        self._lock = state_dir / f"{NAME}.lock"

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else is at work here now; it stays so until the end.  Raises EnvironmentProblem."""
        try:
            make_directory(self.path.parent)
            self.path.mkdir(mode=0o750, exist_ok=True)
            descriptor = os.open(self._lock, _LOCK_FLAGS, 0o640)
        except OSError as error:
            raise self._problem(error) from error
        try:
            yield _locked(descriptor)
        finally:
            os.close(descriptor)

    def errands(self) -> tuple[list[Errand], list[str]]:
        """What is to be done, in the order in which it was asked; and a sentence for each damaged file, set aside.

        Raises EnvironmentProblem.
        """
        try:
            paths = self._paths()
            errands, broken = list[Errand](), list[str]()
            for path in paths:
                try:
                    errands.append(read_errand(read_bounded(path, 2 * SIZE_MAX)))
                except FileNotFoundError:
                    # Another array's errand was decided meanwhile.
                    continue
                except ValueError as error:
                    path.replace(path.with_suffix(DAMAGED))
                    broken.append(f"{path} is damaged ({error}) and was renamed to *{DAMAGED}")
        except OSError as error:
            raise self._problem(error) from error
        return sorted(errands, key=lambda one: (one.asked_at, one.name)), broken

    def _paths(self) -> list[Path]:
        """Where errands lie; nothing where the directory went, which the next one makes again.  Raises OSError."""
        try:
            names = os.listdir(self.path)  # noqa: PTH208 - names are all that is wanted
        except FileNotFoundError:
            return []
        return [self.path / name for name in names if name.endswith(SUFFIX) and not name.startswith(".")]

    def keep(self, errand: Errand) -> None:
        """Write it down, or over what was known of it; on disk when this returns.  Raises EnvironmentProblem."""
        try:
            replace_file(self.path / errand.name, write_errand(errand))
        except OSError as error:
            raise self._problem(error) from error

    def holds(self, errand: Errand) -> bool:
        """Whether the same is known already."""
        return os.path.lexists(self.path / errand.name)

    def drop(self, errand: Errand) -> None:
        """It is decided.  Raises EnvironmentProblem."""
        try:
            with suppress(FileNotFoundError):
                (self.path / errand.name).unlink()
                sync_directory(self.path)
        except OSError as error:
            raise self._problem(error) from error

    def _problem(self, error: OSError) -> EnvironmentProblem:
        hint = "run as a user who may write state_dir, on a local file system with space left"
        return EnvironmentProblem(f"{self.path} cannot be used: {error.strerror}", hint)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
