"""What was made of files, kept for as long as those files stand still.

A server asks for the same thing with every scrape.  Reading all files to find that none of them changed would cost it
more than everything else it does, so each place has a mark, which is cheap to take and changes with its files.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

SETTLED: Final = 1.0
"""Seconds: a time of last change that is younger may hide a second change, made within the same tick of the kernel."""
BELIEVED: Final = 60.0
"""Seconds for which a mark is believed; then everything is read again, whatever the mark says."""

Mark = tuple[int, ...]
MISSING: Final[Mark] = ()
Key = TypeVar("Key")
Thing = TypeVar("Thing")


class _Kept(NamedTuple, Generic[Thing]):
    mark: Mark
    until: float
    """On the monotonic clock."""
    thing: Thing


class Standstill(Generic[Key, Thing]):
    """What was made of each place, by its mark."""

    def __init__(self, mark: Callable[[Key], Mark | None], believed: float = BELIEVED) -> None:
        self._mark, self._believed = mark, believed
        self._kept: dict[Key, _Kept[Thing]] = {}
        self._guard = threading.Lock()

    def get(self, key: Key, make: Callable[[], Thing]) -> Thing:
        """What `make` makes of a place, or made of it as it still is; what it raises is raised and not kept."""
        # Taken first: what changes while things are made gives the place another mark.
        mark, now = self._mark(key), time.monotonic()
        with self._guard:
            kept = self._kept.get(key)
        if kept is not None and kept.mark == mark and now < kept.until:
            return kept.thing
        thing = make()
        with self._guard:
            if mark is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = _Kept(mark, now + self._believed, thing)
        return thing


def mark_of(path: str, now: float) -> Mark | None:
    """The mark of a file or directory, MISSING where there is none; None = it may change without another mark."""
    try:
        seen = os.stat(path)  # noqa: PTH116 - taken of hundreds of places for one scrape; a Path costs more than this
    except FileNotFoundError:
        return MISSING
    except OSError:
        return None
    if not now - seen.st_mtime > SETTLED:
        return None
    return seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size
