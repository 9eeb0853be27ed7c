"""The journal on disk: what is written comes back, what is damaged is seen, and nobody is in anybody's way."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_file import read_run
from necism_monitor.adapters.journal_seal import LINE_MAX, seal, unseal
from necism_monitor.adapters.journal_writer import JournalWriter
from necism_monitor.adapters.owner import this_process
from necism_monitor.app.resync_engine import ROWS_A_LINE
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged
from necism_monitor.domain.events import (
    DETACHED,
    GATE,
    POST,
    PRE,
    Began,
    Closed,
    Create,
    Done,
    GaveUp,
    Hook,
    Kind,
    Link,
    NotDone,
    Observe,
    PlannedPair,
    Recovering,
    Row,
    Seen,
    SvFact,
    TurnBack,
    Unclear,
    Unlink,
)
from necism_monitor.domain.history import History, RunState
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Item, Left, Line, PlanLine, decode, encode
from tests.journal.book import (
    AT,
    LV,
    NEW,
    PLAN,
    RESOURCE,
    UNLINK,
    WHOLE_RUN,
    header,
    write,
)

# --- every event, there and back ---------------------------------------------------------------------------------

names = st.from_regex(r"[A-Za-z0-9_.-]{1,24}", fullmatch=True).filter(lambda text: not text.startswith("-")).map(LdName)
texts = st.text(max_size=60)
access = st.sampled_from([None, "rw", "ro"])
changes = st.one_of(
    st.builds(Unlink, names, names, names),
    st.builds(Create, names, names),
    st.builds(Link, names, names, names, access),
)
hooks = st.builds(Hook, st.sampled_from([PRE, GATE, POST]))
steps = st.one_of(changes, hooks, st.builds(Observe, names))
facts = st.one_of(st.none(), st.builds(SvFact, st.sampled_from(Kind), st.one_of(st.none(), texts), texts))
rows = st.builds(
    Row,
    names,
    st.one_of(st.none(), st.just(DETACHED), names),
    texts,
    facts,
    facts,
    st.none() | texts,
    st.none() | texts,
)
pairs = st.builds(
    PlannedPair,
    names,
    names,
    names,
    st.none() | names,
    st.sampled_from(["rw", "ro"]),
    st.none() | texts,
    st.none() | texts,
    st.none() | texts,
)
items = st.one_of(
    st.builds(Began, steps),
    st.builds(Done, changes | hooks, st.none() | texts),
    st.builds(NotDone, changes | hooks, texts, st.booleans()),
    st.builds(Unclear, steps, texts, st.booleans()),
    st.builds(Seen, names, st.lists(rows, max_size=3).map(tuple), st.booleans()),
    st.builds(GaveUp, names, st.none() | names, texts),
    st.builds(TurnBack, texts),
    st.builds(Recovering, texts, st.none() | st.just({"host": "h", "pid": 1}), st.floats(0, 2e9)),
    st.builds(Closed, st.integers(0, 70), texts, texts),
    st.builds(Left, st.integers(0, 70), texts, texts),
    st.builds(PlanLine, pairs, facts, facts),
    st.builds(
        header,
        reason=st.none() | texts,
        key=st.none() | texts,
        pairs=st.integers(0, 200),
        hooks=st.lists(st.sampled_from([PRE, GATE, POST]), unique=True).map(tuple),
        create_first=st.booleans(),
    ),
)


@settings(max_examples=300, deadline=None)
@given(items, st.integers(0, 10**6), st.lists(texts, max_size=4).map(tuple), st.integers(0, 2**31))
def test_every_event_survives_the_way_to_disk_and_back(item: Item, number: int, argv: tuple[str, ...], at: int) -> None:
    """Sealed and unsealed, a line is what it was; it is one line of ASCII."""
    line = Line(float(at), item, argv)
    data = seal(number, encode(line))
    assert unseal(data[:-1], number) == line
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert data.isascii()


@settings(max_examples=100, deadline=None)
@given(items, st.data())
def test_a_changed_byte_anywhere_in_a_line_is_seen(item: Item, data: st.DataObject) -> None:
    """Whatever bit flips, the line is none."""
    sealed = bytearray(seal(3, encode(Line(AT, item)))[:-1])
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError):
        unseal(bytes(sealed), 3)


def test_names_are_checked_again_on_the_way_in() -> None:
    """A journal that somebody wrote by hand cannot smuggle an option into a command."""
    record = encode(Line(AT, Began(UNLINK)))
    with pytest.raises(ValueError):
        decode({**record, "lv": "-lvflg"})


# --- damage ------------------------------------------------------------------------------------------------------


def test_a_file_torn_at_any_byte_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    """What a crash leaves is dropped and reported; the rest is what was written."""
    path = write(tmp_path, *WHOLE_RUN)
    data = path.read_bytes()
    whole = read_run(path)
    assert whole is not None
    ends = [match.end() for match in re.finditer(b"\n", data)]
    for size in range(len(data)):
        path.write_bytes(data[:size])
        complete = sum(end <= size for end in ends)
        run = read_run(path)
        if complete == 0:
            assert run is None, size
            continue
        assert run is not None
        assert run.lines == whole.lines[:complete], size
        assert run.torn == (size not in ends), size


def test_going_on_cuts_a_torn_tail_off(tmp_path: Path) -> None:
    """The next line stands where the torn one began, with its number; other bytes are untouched."""
    path = write(tmp_path, *WHOLE_RUN[:4])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"v":1,"n":4,"at":17000')
    found = Journal(tmp_path).reopen(RESOURCE)
    assert found is not None
    run, journal = found
    assert run.torn
    journal.append(Line(AT, TurnBack("resume")))
    journal.close()
    assert path.read_bytes() == whole + seal(4, encode(Line(AT, TurnBack("resume"))))


@pytest.mark.parametrize("place", range(len(WHOLE_RUN) - 1))
def test_damage_in_the_middle_makes_the_journal_unreadable_and_stays_as_it_is(tmp_path: Path, place: int) -> None:
    """The answer is neither "no run" nor "an open run": nobody knows, and the file is left alone."""
    path = write(tmp_path, *WHOLE_RUN)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[place] = lines[place].replace(b'"at":17', b'"at":18')
    damaged = b"".join(lines)
    path.write_bytes(damaged)
    history = Journal(tmp_path).history(RESOURCE)
    assert isinstance(history, Unread)
    assert (history.code, f"{path}:{place + 1}:" in history.text) == ("journal-unreadable", True)
    with pytest.raises(JournalDamaged):
        Journal(tmp_path).reopen(RESOURCE)
    assert [type(one) for one in Journal(tmp_path).runs(RESOURCE.id)] == [JournalDamaged]
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("lines", [(0, 2), (0, 1, 1), (1, 0), (0, 1, 2, 4)])
def test_a_lost_or_doubled_line_is_seen_by_its_number(tmp_path: Path, lines: tuple[int, ...]) -> None:
    """Every line is intact, but not the sequence."""
    path = write(tmp_path, *WHOLE_RUN)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[number] for number in lines))
    with pytest.raises(JournalDamaged, match=r"number \d, expected \d"):
        read_run(path)


def test_a_first_line_that_is_no_header_is_damage(tmp_path: Path) -> None:
    """Nothing can be said about a run without its head."""
    path = write(tmp_path, *WHOLE_RUN[1:4])
    with pytest.raises(JournalDamaged, match="no header"):
        read_run(path)


def test_a_journal_that_may_not_be_read_is_unreadable_not_empty(tmp_path: Path) -> None:
    """A file that is a directory stands for everything that cannot be opened."""
    path = write(tmp_path, *WHOLE_RUN)
    path.unlink()
    path.mkdir()
    assert isinstance(Journal(tmp_path).history(RESOURCE), Unread)


# --- size, modes, durability -------------------------------------------------------------------------------------


def name(kind: str, number: int) -> LdName:
    """A name of 24 characters, the longest there is."""
    return LdName(f"{kind}{number:022}")


def test_no_line_reaches_four_kilobytes_for_two_hundred_pairs() -> None:
    """The longest names, dates and device names of a multipath host; texts for people give way."""
    named = "; ".join(f"{name('LV', number)} is detached: linking {name('SV', number)} failed" for number in range(200))
    fact = SvFact(Kind.ACTIVE, NEW, "snap/active")
    device = "/dev/mapper/3600508b400105e210000900000490000"
    row = Row(name("LV", 1), name("SV", 1), "rw", fact, SvFact(Kind.MOVING, NEW, "snap/deleting"), device)
    argv = ("iSMsc_link", "-lv", name("LV", 1), "-sv", name("SV", 1), "-lvflg", "ld", "-svflg", "ld", "-lvacc", "rw")
    step = Link(name("BV", 1), name("LV", 1), name("SV", 1), "rw")
    pair = PlannedPair(name("LV", 1), name("BV", 1), name("SV", 1), name("SV", 2), "rw", NEW, device)
    owner = {**this_process()._asdict(), "host": "h" * 64}
    lines: list[Item] = [
        header(reason="why " * 5000, user="u" * 300, owner=owner),
        PlanLine(pair, fact, fact),
        Seen(name("BV", 1), (row,) * ROWS_A_LINE, more=True),
        Unclear(step, "\x00é🖴" * 3000),
        TurnBack(named),
        Left(6, "mixed", named),
        Closed(6, "mixed", named),
    ]
    for number, item in enumerate(lines):
        data = seal(10**5, encode(Line(AT, item, argv if isinstance(item, Unclear) else ())))
        assert len(data) < LINE_MAX == 4096, number
        assert type(unseal(data[:-1], 10**5).item) is type(item)


def test_files_are_readable_by_everybody_whatever_the_umask(tmp_path: Path) -> None:
    """0644 in directories that can be entered: the exporter runs without rights."""
    old = os.umask(0o077)
    try:
        path = write(tmp_path / "state", *WHOLE_RUN)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o644
    for directory in (path.parent, path.parent.parent, tmp_path / "state" / "runs", tmp_path / "state"):
        assert directory.stat().st_mode & 0o777 == 0o755


def test_a_run_is_never_begun_in_a_file_that_exists(tmp_path: Path) -> None:
    """Two writers of one file cannot be: the second is told."""
    path = write(tmp_path, *WHOLE_RUN)
    with pytest.raises(EnvironmentProblem):
        JournalWriter.create(path)


def test_a_run_that_begins_after_the_clock_was_put_back_is_the_newest(tmp_path: Path) -> None:
    """Its LVs are detached, it has no end and its process is gone: older runs of a later date do not hide that."""
    journal = Journal(tmp_path, is_alive=lambda _owner: False)
    for ahead in (2 * 86400.0, 86400.0):
        later = journal.begin(header(id=f"{int(ahead):08x}"), AT + ahead)
        for item in (header(id=f"{int(ahead):08x}"), *WHOLE_RUN[1:]):
            later.append(Line(AT + ahead, item))
        later.close()
    path = write(tmp_path, *WHOLE_RUN[:5])
    assert max(path.parent.glob("*.jsonl")) == path
    found = journal.history(RESOURCE)
    assert isinstance(found, History)
    assert found.open_run is not None
    assert (found.open_run.id, found.open_run.state, found.open_run.detached) == (
        "abcd1234",
        RunState.UNFINISHED,
        (LV,),
    )
    reopened = journal.reopen(RESOURCE)
    assert reopened is not None
    reopened[1].close()
    assert reopened[0].header.id == "abcd1234"


def test_a_state_directory_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    """A file where the directory should be: a fact and a hint, no traceback."""
    (tmp_path / "state").write_text("")
    with pytest.raises(EnvironmentProblem, match="Not a directory"):
        Journal(tmp_path / "state").begin(header(), AT)


def test_a_failed_append_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a line that reached the file is taken back, and the next append fits."""
    journal = Journal(tmp_path).begin(header(), AT)
    journal.append(Line(AT, header()))
    before, write_whole = journal.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write_whole(descriptor, data[: len(data) // 2]))
    with pytest.raises(EnvironmentProblem, match="No space left"):
        journal.append(Line(AT, PLAN))
    assert journal.path.read_bytes() == before
    monkeypatch.undo()
    journal.append(Line(AT, PLAN))
    journal.close()
    assert journal.path.read_bytes() == before + seal(1, encode(Line(AT, PLAN)))


def test_a_disk_that_fails_every_call_is_still_an_orderly_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the write nor taking it back works: the caller is told, and can go on relinking."""
    journal = Journal(tmp_path).begin(header(), AT)

    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    monkeypatch.setattr(os, "ftruncate", fail)
    with pytest.raises(EnvironmentProblem, match="Input/output error"):
        journal.append(Line(AT, header()))
    monkeypatch.undo()
    journal.close()


def test_readers_meet_only_whole_lines_while_a_writer_writes(tmp_path: Path) -> None:
    """Readers take no lock: at any moment they get a prefix of what was written, never damage."""
    journal, done, seen = Journal(tmp_path).begin(header(), AT), threading.Event(), list[int]()

    def read() -> None:
        while not done.is_set():
            run = read_run(journal.path)
            seen.append(len(run.lines) if run else 0)

    reader = threading.Thread(target=read)
    reader.start()
    journal.append(Line(AT, header()))
    for _ in range(300):
        journal.append(Line(AT, PLAN))
    done.set()
    reader.join()
    journal.close()
    assert seen == sorted(seen)
    assert seen


WRITE = """
import sys
from pathlib import Path
from tests.journal.book import write, WHOLE_RUN
write(Path(sys.argv[1]), *WHOLE_RUN[:3])
"""


def test_every_line_is_on_disk_before_anything_else_happens(
    tmp_path: Path, require_server: Callable[[str], Path]
) -> None:
    """strace: each write is followed by its fdatasync, and the new directories were synced before the first."""
    trace = tmp_path / "trace"
    argv = [
        str(require_server("strace")),
        "-f",
        "-o",
        str(trace),
        "-e",
        "trace=openat,write,fsync,fdatasync",
        sys.executable,
        "-c",
        WRITE,
    ]
    done = subprocess.run([*argv, str(tmp_path / "state")], check=False, capture_output=True, text=True)
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("this machine forbids strace")
    assert done.returncode == 0, done.stderr
    calls = trace.read_text().splitlines()
    opened = next(number for number, call in enumerate(calls) if "jsonl" in call and "O_CREAT" in call)
    descriptor = calls[opened].rpartition("= ")[2]
    after = [call.split(maxsplit=1)[1] for call in calls[opened + 1 :]]
    ours = [call for call in after if re.match(rf"(write|fdatasync)\({descriptor}\b", call) or call.startswith("fsync")]
    kinds = [call.partition("(")[0] for call in ours]
    assert kinds == ["fsync"] * 4 + ["write", "fdatasync"] * 3


# --- what was changed, and what somebody else did to the file ------------------------------------------------------


def test_a_journal_tells_which_base_volumes_were_changed_since_when(tmp_path: Path) -> None:
    """The last word about a CHANGE counts, readings do not; a damaged journal may have changed anything."""
    path = write(tmp_path, *WHOLE_RUN)
    book = Journal(tmp_path)
    assert book.changes_since(AT) == {RESOURCE.id: {"BV1": AT + 7}}
    assert book.changes_since(AT + 7) == {RESOURCE.id: {"BV1": AT + 7}}
    assert book.changes_since(AT + 7.5) == {RESOURCE.id: {}}
    path.write_bytes(path.read_bytes().replace(b'"lv"', b'"vl"', 1))
    assert book.changes_since(AT) == {RESOURCE.id: None}
    assert Journal(tmp_path / "none").changes_since(AT) == {}


@pytest.mark.parametrize("tamper", ["remove", "truncate", "extend", "replace", "directory"])
def test_an_append_notices_what_somebody_did_to_the_file(tmp_path: Path, tamper: str) -> None:
    """What is written to a file that nobody will find is not written: it is an error, and nothing is appended."""
    journal = Journal(tmp_path).begin(header(), AT)
    for number, item in enumerate(WHOLE_RUN[:3]):
        journal.append(Line(AT + number, item))
    path, whole = journal.path, journal.path.read_bytes()
    match tamper:
        case "remove":
            path.unlink()
        case "truncate":
            os.truncate(path, 10)
        case "extend":
            path.write_bytes(whole + b"x")
        case "replace":
            path.rename(path.with_suffix(".old"))
            path.write_bytes(whole)
        case _:
            shutil.rmtree(path.parent)
    found = path.read_bytes() if path.exists() else None
    with pytest.raises(EnvironmentProblem, match=r"not as it was left|No such file"):
        journal.append(Line(AT + 3, WHOLE_RUN[3]))
    assert (path.read_bytes() if path.exists() else None) == found
    journal.close()
