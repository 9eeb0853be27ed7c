"""What the journal remembers of a resource: access, devices, homes, times, and whether a run is open."""

from pathlib import Path

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_writer import JournalWriter
from necism_monitor.adapters.owner import this_process
from necism_monitor.domain.events import Closed, Recovering, Seen
from necism_monitor.domain.history import History
from necism_monitor.domain.record import Item, Left
from tests.journal.book import AT, BV, LV, RESOURCE, ROW, WHOLE_RUN, header, write


def remembered(state: Path, *items: Item, alive: bool = False) -> History:
    """The history after a run with these lines."""
    write(state, *items)
    history = Journal(state, is_alive=lambda _owner: alive).history(RESOURCE)
    assert isinstance(history, History)
    return history


def test_a_whole_run_leaves_access_device_home_and_its_times(tmp_path: Path) -> None:
    """What the next verdict and the next run need."""
    history = remembered(tmp_path, *WHOLE_RUN)
    assert (history.access, history.devices, history.home) == ({LV: "rw"}, {LV: "/dev/sdx"}, {LV: BV})
    assert (history.open_run, history.mixed) == (None, False)
    assert (history.last_run_at, history.last_success_at) == (AT + 10, AT + 10)
    assert Journal(tmp_path).last_change_at() == AT + 7


def test_an_access_that_a_link_left_wrong_is_not_what_is_to_be_kept(tmp_path: Path) -> None:
    """Else the next run would keep the mistake, and no face would name it."""
    wrong = (*WHOLE_RUN[:9], Seen(BV, (ROW._replace(access="ro"),)), Closed(5, "new", "its access is 'ro'"))
    assert remembered(tmp_path, *wrong).access == {LV: "rw"}


def test_a_run_without_end_is_unfinished_or_running_by_its_owner(tmp_path: Path) -> None:
    """Dead owner: unfinished; living: running; its LVs in doubt are named."""
    for alive, state in ((False, "unfinished"), (True, "running")):
        history = remembered(tmp_path / state, *WHOLE_RUN[:5], alive=alive)
        assert history.open_run is not None
        assert (history.open_run.state.value, history.open_run.detached) == (state, (LV,))


def test_a_run_that_never_began_a_change_is_in_nobodys_way(tmp_path: Path) -> None:
    """Its process is gone and it had sent nothing."""
    assert remembered(tmp_path, *WHOLE_RUN[:2]).open_run is None


def test_a_run_left_open_is_unfinished_though_its_process_lives(tmp_path: Path) -> None:
    """The process said that it goes no further; a recovery takes it up again."""
    left = (*WHOLE_RUN[:4], Left(6, "old", "LV1 is detached"))
    history = remembered(tmp_path / "a", *left, alive=True)
    assert history.open_run is not None
    assert history.open_run.state.value == "unfinished"
    owner = this_process()._asdict()
    taken = remembered(tmp_path / "b", *left, Recovering("resumed", owner, AT + 99), alive=True)
    assert taken.open_run is not None
    assert (taken.open_run.state.value, taken.open_run.deadline) == ("running", AT + 99)


def test_no_journal_at_all_is_an_empty_memory(tmp_path: Path) -> None:
    """A first run has no past."""
    assert Journal(tmp_path / "none").history(RESOURCE) == History()
    assert Journal(tmp_path / "none").last_change_at() is None
    assert Journal(tmp_path / "none").refusals() == []


def test_writer_names_its_file_after_time_and_run(tmp_path: Path) -> None:
    """`state_dir/runs/SERVICE/RESOURCE/<utc>-<id>.jsonl`."""
    path = write(tmp_path, *WHOLE_RUN)
    assert path.relative_to(tmp_path) == Path("runs/svc/sync#1/20231114T221320.000000Z-abcd1234.jsonl")
    assert issubclass(type(Journal(tmp_path).begin(header(id="ffff0000"), AT)), JournalWriter)
