"""Whether this process still starts others: a server that ends must leave none behind that nobody waits for."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PATIENCE: Final = 0.5
"""Seconds to wait for starts that are under way; one whose program lies on a disk that hangs is not waited for."""


class Gate:
    """Open until it is closed."""

    def __init__(self) -> None:
        self._changed, self._passing, self._closed = threading.Condition(), 0, False

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Around the start of a process.  Raises OSError where no more are started."""
        with self._changed:
            if self._closed:
                raise OSError(errno.ECANCELED, "this program is ending")
            self._passing += 1
        try:
            yield
        finally:
            with self._changed:
                self._passing -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let no more through, and wait for those who are passing: then every process that was started is there."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._passing, PATIENCE)


GATE: Final = Gate()
"""That of this process."""
