"""The body of a scrape: kept block and live end, plain and as one gzip member."""

import gzip
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.render import exposition
from necism_monitor.render.families import sight_families
from tests.render.sights import pair_verdict, sight


@given(st.binary(max_size=5000), st.binary(max_size=500))
def test_both_forms_hold_the_same_bytes(kept: bytes, live: bytes) -> None:
    """Unpacked, the gzip form is the plain form, whatever is in it; checksum and length are those of the whole."""
    block = exposition.keep(kept)
    assert gzip.decompress(exposition.join_gzip(block, live)) == exposition.join_plain(block, live) == kept + live


def test_it_is_one_gzip_member() -> None:
    """A reader that stops at the end of the first member has read everything."""
    block = exposition.keep(b"kept " * 1000)
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    assert reader.decompress(exposition.join_gzip(block, b"live")) == b"kept " * 1000 + b"live"
    assert reader.eof
    assert reader.unused_data == b""


def test_another_program_accepts_it(require_server: Callable[[str], Path]) -> None:
    """Gzip itself tests checksum and length."""
    packed = exposition.join_gzip(exposition.keep(b"a" * 100_000), b"b" * 1000)
    done = subprocess.run([require_server("gzip"), "-dc"], input=packed, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"a" * 100_000 + b"b" * 1000


def test_a_kept_block_serves_many_scrapes() -> None:
    """The block is not used up: every scrape has its own live end."""
    block = exposition.keep(b"kept\n")
    bodies = [gzip.decompress(exposition.join_gzip(block, b"%d\n" % number)) for number in range(3)]
    assert bodies == [b"kept\n0\n", b"kept\n1\n", b"kept\n2\n"]


def test_metrics_shrink_well() -> None:
    """The form that is sent is a small part of the text."""
    text = exposition.render(sight_families(sight(*(pair_verdict(number) for number in range(1, 101)))))
    assert len(exposition.join_gzip(exposition.keep(text), b"")) * 8 < len(text)


def test_the_text_ends_with_a_line_end() -> None:
    """The format asks for it, and the live end follows directly."""
    assert exposition.render(sight_families(sight(pair_verdict(1)))).endswith(b"\n")
    assert exposition.CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"
