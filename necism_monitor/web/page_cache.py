"""One rendering of the page for everybody who asks within a second: a hundred open browsers cost what one does."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool

LIFETIME: Final = 1.0
"""Seconds for which a page is good; it says itself of which moment it is."""
_LEVEL: Final = 5


class Sheet(NamedTuple):
    """A page, plain and packed."""

    plain: bytes
    packed: bytes


class PageCache:
    """The last page.  Whoever comes while it is made waits for it without taking up a thread."""

    def __init__(self) -> None:
        self._making = asyncio.Lock()
        self._kept: tuple[float, Sheet] | None = None

    async def get(self, look: Callable[[], Awaitable[Callable[[], str]]]) -> Sheet:
        """The page; where it is too old, `look` waits for the arrays and answers with what makes a new one."""
        async with self._making:
            if self._kept is None or time.monotonic() - self._kept[0] >= LIFETIME:
                make = await look()
                sheet = await run_in_threadpool(_sheet, make)
                self._kept = (time.monotonic(), sheet)
            return self._kept[1]


def _sheet(make: Callable[[], str]) -> Sheet:
    plain = make().encode()
    return Sheet(plain, gzip.compress(plain, _LEVEL, mtime=0))
