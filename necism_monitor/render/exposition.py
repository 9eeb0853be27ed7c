"""The body of a scrape in the text format 0.0.4: a block that is rendered once and kept, and a small live end.

The kept block is there plain and deflated.  Its deflated form ends on a full flush, so that a scrape deflates the live
end only, and both are one gzip member: a reader that stops at the first member's end misses nothing.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LEVEL: Final = 6
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""RFC 1952: deflate, no flags, no time, unknown system."""


class Block(NamedTuple):
    """Rendered families: as they are, and as deflate blocks that more blocks may follow."""

    plain: bytes
    deflated: bytes
    crc: int


class _Families(Collector):
    """What the renderer asks for; a registry would add its own rules and other people's families."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families, in their order."""
        return self._families


def render(families: Iterable[Metric]) -> bytes:
    """`families` in the text format; a family without series is its HELP and TYPE only."""
    return generate_latest(_Families(families))


def keep(plain: bytes) -> Block:
    """`plain` with its deflated form."""
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Block(plain, squeeze.compress(plain) + squeeze.flush(zlib.Z_FULL_FLUSH), zlib.crc32(plain))


def join_plain(block: Block, live: bytes) -> bytes:
    """The whole body."""
    return block.plain + live


def join_gzip(block: Block, live: bytes) -> bytes:
    """The whole body as one gzip member.

    After a full flush nothing refers back, so blocks deflated on their own may follow; a CRC-32 can be continued.
    """
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    end = squeeze.compress(live) + squeeze.flush(zlib.Z_FINISH)
    size = (len(block.plain) + len(live)) & 0xFFFFFFFF
    return b"".join((_HEADER, block.deflated, end, struct.pack("<II", zlib.crc32(live, block.crc), size)))
