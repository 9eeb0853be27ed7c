"""Corners of the journal that only a changed line would show: ends of years, torn lines, several runs, exact words."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_damage import move_aside
from necism_monitor.adapters.owner import Owner
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.events import Closed, Kind, PlannedPair, SvFact
from necism_monitor.domain.history import History
from necism_monitor.domain.names import LdName
from necism_monitor.domain.record import Item, Line, PlanLine, RunFile
from tests.journal.book import AT, BV, LV, RESOURCE, SV, WHOLE_RUN, header, write

KEEP = 60 * 86400.0
REFUSAL = {"at": AT, "service": "svc", "resource": "sync#1", "code": "too-soon"}


def moment(*date: int) -> float:
    """Midnight of a date, UTC."""
    return datetime(*date, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]  # year, month and day


def names(state: Path) -> set[str]:
    """The files of refusals."""
    return {path.name for path in state.glob("refusals*.jsonl")}


@pytest.mark.parametrize(("before", "left"), [((2026, 12, 15), True), ((2027, 1, 1), True), ((2027, 1, 2), False)])
def test_december_is_over_when_january_begins(tmp_path: Path, before: tuple[int, int, int], left: bool) -> None:
    """The last month of a year lasts to the next year: not a day shorter, and no year longer."""
    Journal(tmp_path).refuse({**REFUSAL, "at": moment(2026, 12, 31)})
    assert Journal(tmp_path).prune(RESOURCE, moment(*before) + KEEP, KEEP) == ()
    assert names(tmp_path) == ({"refusals-2026-12.jsonl"} if left else set())


@pytest.mark.parametrize(("at", "left"), [(moment(2026, 6, 2), True), (moment(2026, 6, 1), True), (AT, False)])
def test_refusals_of_earlier_releases_stay_as_long_as_their_newest(tmp_path: Path, at: float, left: bool) -> None:
    """The file without a month is judged by its lines and its own time; a line without a time holds nothing back."""
    path = tmp_path / "refusals.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in (REFUSAL, {**REFUSAL, "at": at}, {"code": "x"})))
    os.utime(path, (AT, AT))
    Journal(tmp_path).prune(RESOURCE, moment(2026, 6, 1) + KEEP, KEEP)
    assert names(tmp_path) == ({"refusals.jsonl"} if left else set())
    assert Journal(tmp_path).refused() == {"too-soon": 2, "x": 1}


def test_a_file_of_refusals_written_to_lately_stays(tmp_path: Path) -> None:
    """Whatever its lines say: somebody of an earlier release may still be at work."""
    path = tmp_path / "refusals.jsonl"
    path.write_text(json.dumps(REFUSAL) + "\n")
    for written, left in ((moment(2026, 6, 1), {"refusals.jsonl"}), (moment(2026, 6, 1) - 1, set())):
        os.utime(path, (written, written))
        Journal(tmp_path).prune(RESOURCE, moment(2026, 6, 1) + KEEP, KEEP)
        assert names(tmp_path) == left


def test_a_refusal_is_one_line_without_blanks(tmp_path: Path) -> None:
    """Two refusals are two lines, and nothing else is in the file."""
    for code in ("a", "b"):
        Journal(tmp_path).refuse({"at": AT, "code": code})
    (path,) = tmp_path.glob("refusals-*.jsonl")
    assert path.read_bytes() == b'{"at":1700000000.0,"code":"a"}\n{"at":1700000000.0,"code":"b"}\n'


@pytest.mark.parametrize("torn", [b'{"at":1', b"\xff\xfe", b"x"])
def test_a_torn_refusal_spoils_no_other(tmp_path: Path, torn: bytes) -> None:
    """What a full disk cut off stays a line of its own, also where it is no text, and is left out."""
    Journal(tmp_path).refuse(REFUSAL)
    (path,) = tmp_path.glob("refusals-*.jsonl")
    path.write_bytes(path.read_bytes() + b"[1]\n" + torn)
    Journal(tmp_path).refuse({**REFUSAL, "code": "locked"})
    assert [one["code"] for one in Journal(tmp_path).refusals()] == ["too-soon", "locked"]
    assert path.read_bytes().count(b"\n") == 4


def test_damaged_files_are_set_aside_under_names_of_their_own(tmp_path: Path) -> None:
    """The first, the second, the third: nothing is written over."""
    moved = []
    for text in "abc":
        (tmp_path / "x.jsonl").write_text(text)
        moved.append(move_aside(tmp_path / "x.jsonl").name)
    assert moved == ["x.jsonl.damaged", "x.jsonl.damaged2", "x.jsonl.damaged3"]
    with pytest.raises(EnvironmentProblem) as raised:
        move_aside(tmp_path / "x.jsonl")
    text = f"{tmp_path / 'x.jsonl'} cannot be renamed: No such file or directory"
    assert (raised.value.text, raised.value.hint) == (text, "check the rights of its directory")


def test_every_run_of_a_resource_is_listed_oldest_first(tmp_path: Path) -> None:
    """Two runs, and a file that a crash left empty between them."""
    book = Journal(tmp_path)
    for number in (0, 1, 2):
        journal = book.begin(header(id=f"r{number}"), AT + 3600 * number)
        for item in () if number == 1 else (header(id=f"r{number}"), Closed(0, "new", "done")):
            journal.append(Line(AT + 3600 * number, item))
        journal.close()
    runs = book.runs(RESOURCE.id)
    assert [run.header.id for run in runs if isinstance(run, RunFile)] == ["r0", "r2"]
    assert len(runs) == 2
    assert book.reopen(RESOURCE) is None


def test_the_last_change_is_the_newest_of_all_files(tmp_path: Path) -> None:
    """Of several runs the latest word about a CHANGE, whichever file was written last; none without any."""
    assert Journal(tmp_path).last_change_at() is None
    paths = []
    for number in range(3):
        journal = Journal(tmp_path).begin(header(id=f"r{number}"), AT + 1000 * number)
        for offset, item in enumerate((header(id=f"r{number}"), *WHOLE_RUN[1:])):
            journal.append(Line(AT + 1000 * number + offset, item))
        journal.close()
        paths.append(journal.path)
    for number, path in enumerate(paths):
        os.utime(path, (AT + 1000 * number + 20, AT + 1000 * number + 20))
    newest = Journal(tmp_path).last_change_at()
    assert newest is not None
    assert AT + 2000 <= newest <= AT + 2011
    assert Journal(tmp_path).changes_since(AT + 2000) == {RESOURCE.id: {BV: newest}}
    assert Journal(tmp_path).changes_since(newest) == {RESOURCE.id: {BV: newest}}
    assert Journal(tmp_path).changes_since(newest + 1) == {RESOURCE.id: {}}
    assert Journal(tmp_path).changes_since(AT + 3000) == {}


def test_an_owner_is_asked_for_by_everything_that_names_it(tmp_path: Path) -> None:
    """Host, boot, process and start: who is asked for is who wrote the header; the dead left an unfinished run."""
    asked: list[Owner] = []

    def is_alive(owner: Owner) -> bool:
        asked.append(owner)
        return False

    whole = header(owner={"host": "h", "boot_id": "b", "pid": 12, "start_ticks": 34})
    write(tmp_path, whole, *WHOLE_RUN[1:4])
    history = Journal(tmp_path, is_alive).history(RESOURCE)
    assert isinstance(history, History)
    assert history.open_run is not None
    assert asked
    assert set(asked) == {Owner("h", "b", 12, 34)}


def test_a_mixed_set_is_remembered(tmp_path: Path) -> None:
    """A run that ended with images of different points in time."""
    write(tmp_path, *WHOLE_RUN[:-1], Closed(5, "mixed", "turned back"))
    history = Journal(tmp_path).history(RESOURCE)
    assert isinstance(history, History)
    assert history.mixed


def test_a_plan_tells_what_its_svs_were(tmp_path: Path) -> None:
    """What the reading before the run proved of target and previous SV is where the run starts from."""
    other = LdName("SV2")
    pair = PlannedPair(LV, BV, SV, other, "rw", "x", "/dev/sdx")
    items: tuple[Item, ...] = (header(), PlanLine(pair, SvFact(Kind.USELESS, None), SvFact(Kind.ACTIVE, "y")))
    write(tmp_path, *items)
    (run,) = Journal(tmp_path).runs(RESOURCE.id)
    assert isinstance(run, RunFile)
    assert run.run().svs == {SV: SvFact(Kind.USELESS, None), other: SvFact(Kind.ACTIVE, "y")}


def test_a_journal_that_cannot_be_written_says_which_and_why(tmp_path: Path) -> None:
    """The file, the reason of the system, and what to look at."""
    path = write(tmp_path, *WHOLE_RUN[:4])
    run = Journal(tmp_path).runs(RESOURCE.id)[0]
    assert isinstance(run, RunFile)
    again = Journal(tmp_path).reopen(RESOURCE)
    assert again is not None
    again[1].close()
    with pytest.raises(EnvironmentProblem) as raised:
        type(again[1]).reopen(path.with_name("gone.jsonl"), run)
    text = f"the journal {path.with_name('gone.jsonl')} cannot be written: No such file or directory"
    hint = "state_dir must be writable and have space left"
    assert (raised.value.text, raised.value.hint) == (text, hint)
