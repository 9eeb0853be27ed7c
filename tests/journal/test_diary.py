"""The diary: the open run, the last runs and the last refusals of a resource, whatever lies in state_dir."""

from pathlib import Path

from necism_monitor.adapters.journal import Journal
from necism_monitor.domain.diary import NO_ENTRY, REFUSALS, RUNS, Entry
from necism_monitor.domain.events import Began, Done
from necism_monitor.domain.record import Item, Line
from tests.journal.book import AT, CREATE, NEW, PLAN, RESOURCE, UNLINK, WHOLE_RUN, header, write

LATER = AT + 10_000


def entry(state: Path, now: float = LATER) -> Entry:
    return Journal(state).diary((RESOURCE,), now)[RESOURCE.id]


def write_runs(state: Path, count: int) -> None:
    """Whole runs, a hundred seconds apart."""
    for number in range(count):
        begun = AT + 100 * number
        journal = Journal(state).begin(header(id=f"run{number:05}"), begun)
        for place, item in enumerate((header(id=f"run{number:05}"), *WHOLE_RUN[1:])):
            journal.append(Line(begun + place, item))
        journal.close()


def test_nothing_written_is_nothing_told(tmp_path: Path) -> None:
    """A resource without runs and refusals has an empty entry, and a missing directory is no problem."""
    assert entry(tmp_path / "none") == NO_ENTRY


def test_the_newest_runs_come_first_and_not_all(tmp_path: Path) -> None:
    """Only the last ones are told, with phases and detached times, and without the single steps."""
    write_runs(tmp_path, RUNS + 3)
    told = entry(tmp_path)
    assert [one.tale.id for one in told.runs] == [f"run{number:05}" for number in range(RUNS + 2, 2, -1)]
    assert told.open is None
    first = told.runs[0]
    assert first.tale.exit == 0
    assert first.tale.steps == ()
    assert [one.kind for one in first.phases] == ["unlink", "create", "link"]
    assert first.tale.detached_seconds == {"LV1": 4.0}


def test_an_open_run_is_told_with_its_course(tmp_path: Path) -> None:
    """The newest run without an end is `open`, counted up to now, and no row of the list."""
    write_runs(tmp_path, 1)
    journal = Journal(tmp_path).begin(header(id="open0001"), AT + 500)
    items: tuple[Item, ...] = (header(id="open0001"), PLAN, Began(UNLINK), Done(UNLINK), Began(CREATE))
    for number, item in enumerate(items):
        journal.append(Line(AT + 500 + number, item))
    told = entry(tmp_path, AT + 603)
    assert told.open is not None
    assert told.open.tale.id == "open0001"
    assert told.open.tale.detached_seconds == {"LV1": 100.0}
    assert told.open.course.stages[1].done == 0
    assert [one.tale.id for one in told.runs] == ["run00000"]
    journal.append(Line(AT + 505, Done(CREATE, NEW)))
    journal.close()
    after = entry(tmp_path, AT + 603)
    assert after.open is not None
    assert after.open.course.stages[1].done == 1


def test_a_file_that_changes_is_told_anew(tmp_path: Path) -> None:
    """A process that lives long sees what was appended since it looked."""
    keeper = Journal(tmp_path)
    path = write(tmp_path, *WHOLE_RUN[:4])
    before = keeper.diary((RESOURCE,), LATER)[RESOURCE.id]
    assert before.open is not None
    writer = Journal(tmp_path).reopen(RESOURCE)
    assert writer is not None
    for number, item in enumerate(WHOLE_RUN[4:]):
        writer[1].append(Line(AT + 4 + number, item))
    writer[1].close()
    after = keeper.diary((RESOURCE,), LATER)[RESOURCE.id]
    assert path.exists()
    assert after.open is None
    assert [one.tale.exit for one in after.runs] == [0]


def test_damage_is_named_and_hides_nothing_else(tmp_path: Path) -> None:
    """The other runs are still told beside the file that cannot be read."""
    write_runs(tmp_path, 2)
    newest = max((tmp_path / "runs" / RESOURCE.id).glob("*.jsonl"))
    newest.write_bytes(newest.read_bytes().replace(b"began", b"bogus", 1))
    told = entry(tmp_path)
    assert [one.tale.id for one in told.runs] == ["run00000"]
    assert str(newest) in told.problem


def test_a_run_that_is_open_below_another_is_a_row(tmp_path: Path) -> None:
    """Only the newest can be the open one; an older one without an end stands in the list."""
    write(tmp_path, *WHOLE_RUN[:3])
    write_runs(tmp_path, 1)
    told = entry(tmp_path)
    assert told.open is None
    assert [one.tale.exit for one in told.runs] == [0, None]


def test_the_last_refusals_of_each_resource(tmp_path: Path) -> None:
    """The newest first, not all of them, and none of another resource."""
    book = Journal(tmp_path)
    for number in range(REFUSALS + 2):
        for name in ("sync#1", "sync#2"):
            book.refuse(
                {"at": AT + number, "service": "svc", "resource": name, "code": "too-soon", "text": f"{number}"}
            )
    told = entry(tmp_path).refusals
    assert [one.text for one in told] == [str(number) for number in range(REFUSALS + 1, 1, -1)]
    assert told[0].at == AT + REFUSALS + 1
    assert (told[0].user, told[0].hint) == ("", "")


def test_refusals_nobody_can_read_are_said_and_runs_are_told(tmp_path: Path) -> None:
    """A damaged account of removed refusals does not take the runs along."""
    write_runs(tmp_path, 1)
    (tmp_path / "refusals-pruned.json").write_text("{")
    told = entry(tmp_path)
    assert len(told.runs) == 1
    assert "refusals-pruned.json" in told.problem


def test_a_directory_that_is_none_is_a_problem(tmp_path: Path) -> None:
    """Whatever stands where the runs should be is named."""
    folder = tmp_path / "runs" / RESOURCE.id
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder)
    assert "cannot be read" in entry(tmp_path).problem
