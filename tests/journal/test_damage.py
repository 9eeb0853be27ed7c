"""Whatever happens to the bytes of a journal: its beginning is read and the rest reported, or it is damaged."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_file import read_header, read_run
from necism_monitor.adapters.journal_seal import seal
from necism_monitor.domain.errors import JournalDamaged, JournalNewer
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Line, RunFile, encode
from tests.journal.book import RESOURCE, WHOLE_RUN, write

Harm = Callable[[bytes], bytes]


@pytest.fixture(name="path", scope="module")
def path_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run."""
    return write(tmp_path_factory.mktemp("state"), *WHOLE_RUN)


@pytest.fixture(name="whole", scope="module")
def whole_fixture(path: Path) -> bytes:
    """Its bytes, before anything happens to them."""
    return path.read_bytes()


def check(path: Path, whole: bytes, data: bytes) -> str:
    """Read `data` as that journal: what came of it must be one of the answers that are allowed."""
    path.write_bytes(whole)
    intact = read_run(path)
    assert intact is not None
    path.write_bytes(data)
    run = read(path)
    if isinstance(run, JournalDamaged):
        assert not isinstance(run, JournalNewer)
        assert re.match(rf"{re.escape(str(path))}:\d+: ", run.text), run.text
        assert run.hint
        return "damaged"
    head = read_header(path)
    if run is None:
        assert head is None
        assert data.count(b"\n") <= 1
        return "none"
    assert head == run.header
    # Never a line that was not written, never one without those before it; and what is missing at the end is reported,
    # unless the file ends where it ended once.
    assert run.lines == intact.lines[: len(run.lines)]
    assert run.torn or whole.startswith(data)
    assert path.read_bytes() == data
    return "torn" if run.torn else "whole"


def read(path: Path) -> RunFile | JournalDamaged | None:
    """The run, or what is wrong with it."""
    try:
        return read_run(path)
    except JournalDamaged as damage:
        return damage


def lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


harms: st.SearchStrategy[Harm] = st.one_of(
    st.builds(lambda at, bit: lambda data: flip(data, at, bit), st.integers(0, 10**6), st.integers(0, 7)),
    st.builds(lambda at: lambda data: data[: at % (len(data) + 1)], st.integers(0, 10**6)),
    st.builds(lambda at, what: lambda data: insert(data, at, what), st.integers(0, 10**6), st.binary(max_size=40)),
    st.builds(lambda at, size: lambda data: cut(data, at, size), st.integers(0, 10**6), st.integers(1, 600)),
    st.builds(lambda at, size: lambda data: wipe(data, at, size), st.integers(0, 10**6), st.integers(1, 600)),
    st.builds(lambda one, two: lambda data: swap(data, one, two), st.integers(0, 99), st.integers(0, 99)),
    st.builds(lambda one, to: lambda data: copy(data, one, to), st.integers(0, 99), st.integers(0, 99)),
    st.builds(lambda one: lambda data: drop(data, one), st.integers(0, 99)),
)


def flip(data: bytes, at: int, bit: int) -> bytes:
    """One bit is another."""
    changed = bytearray(data)
    if changed:
        changed[at % len(changed)] ^= 1 << bit
    return bytes(changed)


def insert(data: bytes, at: int, what: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + what + data[at:]


def cut(data: bytes, at: int, size: int) -> bytes:
    at %= len(data) + 1
    return data[:at] + data[at + size :]


def wipe(data: bytes, at: int, size: int) -> bytes:
    """Zeros, as a file system leaves them."""
    at %= len(data) + 1
    return data[:at] + b"\0" * min(size, len(data) - at) + data[at + size :]


def swap(data: bytes, one: int, two: int) -> bytes:
    lines = lines_of(data)
    if lines:
        one, two = one % len(lines), two % len(lines)
        lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def copy(data: bytes, one: int, to: int) -> bytes:
    lines = lines_of(data)
    if lines:
        lines.insert(to % (len(lines) + 1), lines[one % len(lines)])
    return b"".join(lines)


def drop(data: bytes, one: int) -> bytes:
    lines = lines_of(data)
    if lines:
        del lines[one % len(lines)]
    return b"".join(lines)


@settings(max_examples=600, deadline=None)
@given(st.lists(harms, min_size=1, max_size=3))
def test_no_harm_makes_another_run_of_it(path: Path, whole: bytes, done: list[Harm]) -> None:
    """Flipped, cut, doubled, swapped, dropped, wiped, overgrown, and up to three of these at once."""
    data = whole
    for harm in done:
        data = harm(data)
    check(path, whole, data)


def test_any_flipped_bit_is_damage_or_drops_the_last_line(path: Path, whole: bytes) -> None:
    """Bit by bit: before the last line it is damage; in it, the line is taken for a torn one."""
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    for at in range(0, len(whole), 7):
        answer = check(path, whole, flip(whole, at, at % 8))
        assert answer == ("damaged" if at < last else "torn"), at


@pytest.mark.parametrize("place", range(len(WHOLE_RUN)))
def test_a_lost_line_end_never_takes_a_whole_line_with_it(path: Path, whole: bytes, place: int) -> None:
    """Two lines in one are no torn line: a crash never leaves an intact line with something behind it."""
    lines = lines_of(whole)
    merged = b"".join([*lines[:place], lines[place].removesuffix(b"\n"), b"X", *lines[place + 1 :]])
    assert check(path, whole, merged) == "damaged"
    assert check(path, whole, b"".join([*lines[:place], lines[place].removesuffix(b"\n"), b"X"])) == "damaged"


@pytest.mark.parametrize("place", range(len(WHOLE_RUN)))
@pytest.mark.parametrize("by", [-1, 1, 1000])
def test_an_intact_line_with_a_wrong_number_is_damage(path: Path, whole: bytes, place: int, by: int) -> None:
    """Also the last one: it is no torn line, and names the number that was expected."""
    lines = lines_of(whole)
    intact = read_and(path, whole)
    lines[place] = seal(place + by, encode(intact[place]))
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalDamaged, match=rf":{place + 1}: it is number {place + by}, expected {place}$"):
        read_run(path)


@pytest.mark.parametrize("place", range(len(WHOLE_RUN)))
@pytest.mark.parametrize(
    "changes",
    [
        {"at": "soon"},
        {"event": None},
        {"bv": "-lvflg", "lv": "-x", "sv": "-y"},
        {"v": None},
        {"rows": [[1]]},
        {"n": None},
    ],
    ids=str,
)
def test_an_intact_line_that_makes_no_sense_is_damage_or_a_later_release(
    path: Path, whole: bytes, place: int, changes: dict[str, object]
) -> None:
    """A seal alone makes no journal: names, times and events are checked behind it."""
    intact = read_and(path, whole)
    record = encode(intact[place])
    changed = {key: value for key, value in changes.items() if key in {*record, "v", "n"}}
    if not changed:
        return
    lines = lines_of(whole)
    lines[place] = seal(place, {**record, **changed})
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalDamaged, match=rf"{re.escape(str(path))}:{place + 1}: "):
        read_run(path)


def read_and(path: Path, whole: bytes) -> tuple[Line, ...]:
    """The lines of the whole run, whose bytes are put back first."""
    path.write_bytes(whole)
    run = read_run(path)
    assert run is not None
    return run.lines


@given(st.binary(max_size=300))
@example(b"")
@example(b"\n")
@example(b"\n\n")
@example(b"{}\n")
@example(b"null\n5\n")
@settings(max_examples=200, deadline=None)
def test_foreign_bytes_are_no_run(path: Path, whole: bytes, data: bytes) -> None:
    """A file that holds something else: nothing is in it, or it is damaged."""
    assert check(path, whole, data) in {"none", "damaged"}


def test_damage_anywhere_is_named_by_file_and_line_in_every_face(path: Path, whole: bytes) -> None:
    """History, totals and activity say the same sentence."""
    state = path.parents[3]
    path.write_bytes(flip(whole, len(whole) // 2, 3))
    journal = Journal(state)
    number = whole.count(b"\n", 0, len(whole) // 2) + 1
    answers = [
        journal.history(RESOURCE),
        journal.totals((RESOURCE,))[RESOURCE.id],
        journal.activity(RESOURCE, "timer", None, 0.0),
    ]
    assert [one.text for one in answers if isinstance(one, Unread)] == [f"{path}:{number}: its checksum is wrong"] * 3
    path.write_bytes(whole)
