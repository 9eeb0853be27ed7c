"""A server that asks again and again reads journals once, and misses nothing that is written meanwhile."""

import os
from pathlib import Path

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_shelf import Shelf
from necism_monitor.domain.history import History, RunState, Totals
from necism_monitor.domain.model import Pair
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Line
from tests.journal.book import AT, RESOURCE, WHOLE_RUN, header, write

LONG_AGO = 1_700_000_000


def settle(state: Path) -> None:
    """As if all of this had been written long ago."""
    for path in sorted(state.rglob("*"), reverse=True):
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture(name="listed")
def listed_fixture(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The resources whose files are asked for, each time."""
    asked: list[str] = []
    paths = Shelf.paths

    def count(self: Shelf, resource_id: str, since: float | None = None) -> list[Path]:
        asked.append(resource_id)
        return paths(self, resource_id, since)

    monkeypatch.setattr(Shelf, "paths", count)
    return asked


def ask(journal: Journal) -> tuple[object, object, object]:
    """What a scrape asks."""
    return journal.history(RESOURCE), journal.totals((RESOURCE,))[RESOURCE.id], journal.last_change_at()


def test_settled_files_are_looked_through_once(tmp_path: Path, listed: list[str]) -> None:
    """From the second time on no file and no directory of a resource is read."""
    write(tmp_path, *WHOLE_RUN)
    settle(tmp_path)
    journal = Journal(tmp_path)
    first = ask(journal)
    assert isinstance(first[0], History)
    listed.clear()
    assert ask(journal) == first
    assert listed == []


def test_a_resource_that_never_ran_costs_nothing(tmp_path: Path, listed: list[str]) -> None:
    """Its directory is missing, which is known without reading anything; its first run is seen."""
    journal = Journal(tmp_path)
    assert ask(journal) == ask(journal) == (History(), Totals(), None)
    listed.clear()
    ask(journal)
    assert listed == []
    write(tmp_path, *WHOLE_RUN)
    assert ask(journal) == ask(Journal(tmp_path)) != (History(), Totals(), None)


def test_a_line_in_the_newest_file_is_seen(tmp_path: Path) -> None:
    """A run that is open and then closed is not shown as open any longer, though its directory stands still."""
    path = write(tmp_path, *WHOLE_RUN[:-1])
    whole = write(tmp_path / "other", *WHOLE_RUN).read_bytes()
    settle(tmp_path)
    journal = Journal(tmp_path, is_alive=lambda _: False)
    history = journal.history(RESOURCE)
    assert isinstance(history, History)
    assert history.open_run is not None
    assert history.open_run.state is RunState.UNFINISHED
    path.write_bytes(whole)
    assert ask(journal) == ask(Journal(tmp_path))


def test_a_further_run_is_seen(tmp_path: Path) -> None:
    """A file that comes changes its directory."""
    write(tmp_path, *WHOLE_RUN)
    settle(tmp_path)
    journal = Journal(tmp_path)
    ask(journal)
    again = Journal(tmp_path).begin(header(id="ffff0000"), AT + 60)
    for number, item in enumerate((header(id="ffff0000"), *WHOLE_RUN[1:])):
        again.append(Line(AT + 60 + number, item))
    again.close()
    totals = journal.totals((RESOURCE,))[RESOURCE.id]
    assert isinstance(totals, Totals)
    assert totals.runs == 2
    assert ask(journal) == ask(Journal(tmp_path))


def test_whether_an_owner_lives_is_asked_every_time(tmp_path: Path) -> None:
    """A run whose process dies writes nothing any more."""
    write(tmp_path, *WHOLE_RUN[:-1])
    settle(tmp_path)
    lives = [True, False]
    journal = Journal(tmp_path, is_alive=lambda _: lives.pop(0))
    histories = [journal.history(RESOURCE) for _ in range(2)]
    states = [one.open_run.state for one in histories if isinstance(one, History) and one.open_run]
    assert states == [RunState.RUNNING, RunState.UNFINISHED]


def test_damage_is_said_every_time(tmp_path: Path) -> None:
    """What cannot be read is not kept, so that a file that was mended counts at once."""
    path = write(tmp_path, *WHOLE_RUN)
    good = path.read_bytes()
    path.write_bytes(good.replace(b"normally", b"formally").replace(b"abcd1234", b"abcd1235"))
    settle(tmp_path)
    journal = Journal(tmp_path)
    assert isinstance(journal.history(RESOURCE), Unread)
    assert isinstance(journal.history(RESOURCE), Unread)
    path.write_bytes(good)
    settle(tmp_path)
    assert isinstance(journal.history(RESOURCE), History)


def test_another_set_of_pairs_is_looked_up_anew(tmp_path: Path) -> None:
    """How far back memory reaches depends on the pairs; those of before say nothing of them."""
    write(tmp_path, *WHOLE_RUN)
    settle(tmp_path)
    journal = Journal(tmp_path)
    journal.history(RESOURCE)
    other = RESOURCE._replace(pairs=(*RESOURCE.pairs, Pair(LdName("LV9"), (LdName("SV9"),))))
    assert journal.history(other) == Journal(tmp_path).history(other)
