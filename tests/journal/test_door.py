"""The journals behind their door: nothing is loaded where there is none, and nothing else is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_door import JournalDoor
from tests.journal.book import RESOURCE


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
