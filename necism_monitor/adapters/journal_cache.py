"""What was read from files that have not changed since: a server parses each of them once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
Mark = tuple[int, int, int]


class FileCache(Generic[Thing]):
    """What `read` made of each path, by its inode, mtime and size; the oldest entries leave at `bound`.

    Journals are only appended to and truncated, which both change the mtime or the size.
    """

    def __init__(self, read: Callable[[Path], Thing], bound: int) -> None:
        self._read, self._bound = read, bound
        self._kept: dict[Path, tuple[Mark, Thing]] = {}
        self._guard = threading.Lock()

    def get(self, path: Path) -> Thing:
        """What is in `path`; whatever `read` raises is raised, and nothing is kept of it."""
        mark = _mark(path)
        with self._guard:
            kept = self._kept.get(path)
        if kept is not None and mark is not None and kept[0] == mark:
            return kept[1]
        found = self._read(path)
        # What was appended while it was read is seen at the next call: its mark is another one then.
        if mark is not None:
            with self._guard:
                self._kept.pop(path, None)
                self._kept[path] = (mark, found)
                while len(self._kept) > self._bound:
                    del self._kept[next(iter(self._kept))]
        return found


def _mark(path: Path) -> Mark | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size
