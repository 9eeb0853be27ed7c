"""What all runs and refusals come to, whoever caused them, and what a reader that lives long reads again."""

import os
from pathlib import Path

from necism_monitor.adapters import journal_cache
from necism_monitor.adapters.journal import Journal
from necism_monitor.domain.events import Began, Closed, Done, Recovering
from necism_monitor.domain.history import ClockMark, History, Totals
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import ResourceName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Item, Left, Line
from tests.journal.book import AT, CREATE, NEW, PLAN, RESOURCE, UNLINK, WHOLE_RUN, header

FAILED_RUN: tuple[Item, ...] = (*WHOLE_RUN[:10], Closed(5, "old", "the create failed"))


def run(state: Path, number: int, *items: Item, pace: float = 1.0) -> Path:
    """Run `number`, a day after the one before, with a line every `pace` seconds."""
    begun = AT + number * 86400
    journal = Journal(state).begin(header(id=f"{number:08x}"), begun)
    for place, item in enumerate(items):
        journal.append(Line(begun + place * pace, item))
    journal.close()
    return journal.path


def totals(journal: Journal) -> Totals | Unread:
    """Of the resource of the book."""
    return journal.totals((RESOURCE,))[RESOURCE.id]


def test_no_run_is_zero_runs(tmp_path: Path) -> None:
    """A resource that was never refreshed has its counters."""
    assert totals(Journal(tmp_path)) == Totals(0, 0, None, None)


def test_runs_that_began_a_change_count(tmp_path: Path) -> None:
    """Three runs, one of which failed; a fourth began nothing.  The times are those of the last run."""
    run(tmp_path, 1, *WHOLE_RUN)
    run(tmp_path, 2, *FAILED_RUN)
    # Two seconds from line to line: the unlink is done on line 4, the link on line 8, the end is line 11.
    run(tmp_path, 3, *WHOLE_RUN, pace=2.0)
    run(tmp_path, 4, *WHOLE_RUN[:2], Closed(3, "old", "refused"))
    assert totals(Journal(tmp_path)) == Totals(3, 1, 20.0, 8.0)


def test_a_run_without_end_counts_and_has_no_duration_yet(tmp_path: Path) -> None:
    """It is a run; the last one that ended is the one before.  Once somebody else ends it, it was a failure."""
    run(tmp_path, 1, *WHOLE_RUN)
    path = run(tmp_path, 2, *WHOLE_RUN[:4])
    journal = Journal(tmp_path)
    assert totals(journal) == Totals(2, 0, 10.0, 4.0)
    path.unlink()
    run(tmp_path, 2, *WHOLE_RUN[:4], Recovering("its process died"), Closed(0, "old", "service restored"))
    assert totals(journal) == Totals(2, 1, 5.0, 2.0)


def test_a_run_left_open_failed_and_stays_so(tmp_path: Path) -> None:
    """Its process told exit code 6; that `resume` ended it well does not make it a success: counters never go back."""
    begun = (*WHOLE_RUN[:4], Left(6, "old", "LV1 is detached"))
    path = run(tmp_path, 1, *begun)
    journal = Journal(tmp_path)
    assert totals(journal) == Totals(1, 1, 4.0, 1.0)
    path.unlink()
    run(tmp_path, 1, *begun, Recovering("resumed"), Closed(0, "old", "service restored"))
    assert totals(journal) == Totals(1, 1, 6.0, 3.0)


def test_a_relink_that_ended_well_is_no_failure(tmp_path: Path) -> None:
    """It takes up the run that it began itself, so nobody died; where another process had to end it, one did."""
    ours, others = header().owner, {**header().owner, "pid": 4712}
    path = run(tmp_path, 1, *WHOLE_RUN[:4], Recovering("relinked", ours), Closed(0, "old", "every LV is linked"))
    assert totals(Journal(tmp_path)) == Totals(1, 0, 5.0, 2.0)
    path.unlink()
    begun = (*WHOLE_RUN[:4], Recovering("relinked", ours), Recovering("resumed", others))
    run(tmp_path, 1, *begun, Closed(0, "old", "every LV is linked"))
    assert totals(Journal(tmp_path)) == Totals(1, 1, 6.0, 3.0)


def test_a_damaged_journal_has_no_totals(tmp_path: Path) -> None:
    """Nobody knows how many there were; other resources are counted."""
    path = run(tmp_path, 1, *WHOLE_RUN)
    journal = Journal(tmp_path)
    assert totals(journal) == Totals(1, 0, 10.0, 4.0)
    path.write_bytes(path.read_bytes().replace(b"SV1", b"SV2", 1))
    other = Resource(RESOURCE.service, ResourceName("sync#2"), RESOURCE.pairs)
    found = journal.totals((RESOURCE, other))
    assert isinstance(found[RESOURCE.id], Unread)
    assert found[other.id] == Totals()


def test_totals_reach_further_back_than_the_memory(tmp_path: Path) -> None:
    """Twenty-five runs are twenty-five, though a verdict needs the newest alone."""
    for number in range(25):
        run(tmp_path, number, *WHOLE_RUN)
    assert totals(Journal(tmp_path)) == Totals(25, 0, 10.0, 4.0)


def test_a_file_that_did_not_change_is_read_once(tmp_path: Path) -> None:
    """Of two runs only the one that goes on is read again, and what it says now is what counts."""
    reads: list[str] = []

    def read(path: Path) -> bytes:
        reads.append(path.name)
        return path.read_bytes()

    cache = journal_cache.FileCache(read, 2)
    one, two, three = (tmp_path / name for name in "abc")
    for path in (one, two, three):
        path.write_bytes(b"1")
    assert [cache.get(path) for path in (one, two, one, two)] == [b"1"] * 4
    assert reads == ["a", "b"]
    with two.open("ab") as file:
        file.write(b"2")
    assert [cache.get(one), cache.get(two)] == [b"1", b"12"]
    assert reads == ["a", "b", "b"]
    # No more than two are kept: the oldest one leaves.
    cache.get(three)
    assert [cache.get(two), cache.get(three), cache.get(one)] == [b"12", b"1", b"1"]
    assert reads == ["a", "b", "b", "c", "a"]


def test_a_journal_that_is_written_while_somebody_watches_is_seen(tmp_path: Path) -> None:
    """The same reader sees a run begin, go on and end."""
    journal, seen = Journal(tmp_path), []
    writer = Journal(tmp_path).begin(header(), AT)
    for number, item in enumerate(FAILED_RUN):
        writer.append(Line(AT + number, item))
        seen.append(totals(journal))
    writer.close()
    assert seen[0] == seen[1] == Totals()
    assert set(seen[2:10]) == {Totals(1, 0, None, None)}
    assert seen[10] == Totals(1, 1, 10.0, 4.0)


def test_the_newest_create_leaves_its_mark(tmp_path: Path) -> None:
    """The date it printed and the time at which that was journalled, also where a later run created nothing."""
    run(tmp_path, 1, *FAILED_RUN)
    run(tmp_path, 2, header(), PLAN, Began(UNLINK), Done(UNLINK), Began(CREATE), Closed(6, "old", "lost"))
    history = Journal(tmp_path).history(RESOURCE)
    assert isinstance(history, History)
    assert history.mark == ClockMark(NEW, AT + 86400 + 5)


def test_refusals_are_counted_by_code_but_for_those_that_nobody_is_to_see(tmp_path: Path) -> None:
    """Every caller's, from the file; none there is none refused, and a file that cannot be opened is no answer."""
    journal = Journal(tmp_path)
    assert journal.refused() == {}
    for name, code in (("sync#1", "too-soon"), ("sync#1", "too-soon"), ("sync#2", "locked"), ("sync#2", "too-soon")):
        journal.refuse({"service": "svc", "resource": name, "code": code})
    assert journal.refused() == {"too-soon": 3, "locked": 1}
    hidden = Resource(RESOURCE.service, ResourceName("sync#2"), RESOURCE.pairs).id
    assert Journal(tmp_path).refused([hidden]) == {"too-soon": 2}
    (tmp_path / "refusals.jsonl").unlink()
    (tmp_path / "refusals.jsonl").mkdir()
    assert Journal(tmp_path).refused() is None


def test_refusals_can_be_read_whatever_the_umask(tmp_path: Path) -> None:
    """The exporter has no rights; who acts may have a strict umask, also one that an older release left behind."""
    before = os.umask(0o077)
    try:
        Journal(tmp_path / "state").refuse({"code": "locked"})
    finally:
        os.umask(before)
    file = tmp_path / "state" / "refusals.jsonl"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    file.chmod(0o600)
    Journal(tmp_path / "state").refuse({"code": "locked"})
    assert file.stat().st_mode & 0o777 == 0o644
