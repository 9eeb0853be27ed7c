"""The journals behind their door: nothing is loaded where there is none, and nothing else is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_door import JournalDoor
from necism_monitor.domain.history import Activity
from necism_monitor.domain.reading import Unread
from tests.journal.book import AT, RESOURCE, header


def answers(journals: Journal | JournalDoor) -> list[object]:
    """All that can be asked."""
    return [
        journals.histories((RESOURCE,)),
        journals.totals((RESOURCE,)),
        journals.refused(),
        journals.last_change_at(),
        journals.changes_since(0.0),
    ]


def test_without_a_journal_the_door_says_what_the_journal_says(tmp_path: Path) -> None:
    """No state directory, an empty one, and a file in its place."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("nowhere", "empty", "file"):
        assert answers(JournalDoor(tmp_path / name)) == answers(Journal(tmp_path / name))


@pytest.mark.parametrize("place", ["state", "state/runs", "state/runs/svc", "state/runs/svc/sync#1"])
def test_a_file_in_the_place_of_a_directory_is_not_taken_for_no_runs(tmp_path: Path, place: str) -> None:
    """Whatever was done lies behind it: nobody can tell, and so says every answer about the resource."""
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    door = JournalDoor(tmp_path / "state")
    for said in (door.histories((RESOURCE,))[RESOURCE.id], door.totals((RESOURCE,))[RESOURCE.id]):
        assert isinstance(said, Unread)
        assert (said.code, "Not a directory" in said.text) == ("journal-unreadable", True)
    spent = Journal(tmp_path / "state").activity(RESOURCE, "nagios", "4711", 1.0)
    assert isinstance(spent, Unread)


def test_files_beside_the_directories_of_runs_are_nobodys_runs(tmp_path: Path) -> None:
    """A note that somebody left there holds no automatic caller back."""
    Journal(tmp_path).begin(header(), AT).close()
    for note in ("runs/README", "runs/svc/notes.txt"):
        (tmp_path / note).write_text("x")
    assert Journal(tmp_path).activity(RESOURCE, "nagios", "4711", AT) == Activity()
    assert Journal(tmp_path).last_change_at() is None


def test_the_first_run_opens_the_door(tmp_path: Path) -> None:
    """A door that was asked before anything was written shows what is written later."""
    door = JournalDoor(tmp_path)
    assert door.last_change_at() is None
    Journal(tmp_path).refuse({"at": 1.0, "service": "svc", "resource": "sync#1", "code": "locked"})
    directory = tmp_path / "runs" / str(RESOURCE.id)
    directory.mkdir(parents=True)
    (directory / "20260101T000000.000000Z-00000000.jsonl").write_text("damaged\n" * 2)
    assert answers(door) == answers(Journal(tmp_path))
    assert getattr(door.histories((RESOURCE,))[RESOURCE.id], "code", "") == "journal-unreadable"


def test_without_a_journal_its_modules_are_not_loaded(tmp_path: Path) -> None:
    """Neither events nor records: what makes the door worth having."""
    code = (
        "import sys; from pathlib import Path; from necism_monitor.adapters.journal_door import JournalDoor; "
        f"JournalDoor(Path({str(tmp_path)!r})).last_change_at(); "
        "print([name for name in sys.modules if name.endswith(('.journal', '.events', '.record', '.run'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert (done.stdout, done.stderr) == ("[]\n", "")
