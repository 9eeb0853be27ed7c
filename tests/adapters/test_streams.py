"""The bounded memory of a stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.adapters.streams import Cap, Capture


@given(st.lists(st.binary(max_size=40), max_size=10), st.integers(0, 30), st.integers(0, 30))
def test_however_a_stream_is_cut_into_chunks_its_ends_survive(chunks: list[bytes], head: int, tail: int) -> None:
    """What is kept depends on the bytes only: all of a short stream, else its first and last ones around a mark."""
    capture = Capture(Cap(head, tail))
    for chunk in chunks:
        capture.feed(chunk)
    whole = b"".join(chunks)
    missing = max(0, len(whole) - head - tail)
    assert capture.left_out == missing
    if missing:
        first, last = whole[:head], whole[len(whole) - tail :]
        mark = f"\n[{missing} bytes left out]\n"
        assert capture.text() == first.decode(errors="backslashreplace") + mark + last.decode(errors="backslashreplace")
    else:
        assert capture.text() == whole.decode(errors="backslashreplace")
