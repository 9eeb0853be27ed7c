"""Refusals: a file a month, appended to by many at once; old months go and are still counted."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_pruned import save_record
from necism_monitor.domain.errors import EnvironmentProblem
from tests.journal.book import RESOURCE

DAY = 86400.0
NOV_2026 = 1_793_491_200.0
"""2026-11-01T00:00:00Z, by date(1)."""
KEEP = 60 * DAY


def refuse(state: Path, at: float, code: str = "too-soon", resource: str = "sync#1") -> None:
    Journal(state).refuse({"at": at, "service": "svc", "resource": resource, "trigger": "timer", "code": code})


def names(state: Path) -> list[str]:
    return sorted(path.name for path in state.glob("refusals*"))


def test_a_refusal_stands_in_the_file_of_its_month(tmp_path: Path) -> None:
    """By UTC, to the second; all of them are read, oldest first."""
    for at in (NOV_2026 - 1, NOV_2026, NOV_2026 + 30 * DAY):
        refuse(tmp_path, at)
    assert names(tmp_path) == ["refusals-2026-10.jsonl", "refusals-2026-11.jsonl", "refusals-2026-12.jsonl"]
    assert [one["at"] for one in Journal(tmp_path).refusals()] == [NOV_2026 - 1, NOV_2026, NOV_2026 + 30 * DAY]


def test_the_file_of_earlier_releases_is_read_too(tmp_path: Path) -> None:
    """It is the oldest."""
    old = {"at": 5.0, "service": "svc", "resource": "sync#1", "code": "locked"}
    (tmp_path / "refusals.jsonl").write_text(json.dumps(old) + "\n")
    refuse(tmp_path, NOV_2026)
    assert [one["code"] for one in Journal(tmp_path).refusals()] == ["locked", "too-soon"]
    assert Journal(tmp_path).refused() == {"locked": 1, "too-soon": 1}


def test_old_months_go_and_are_still_counted(tmp_path: Path) -> None:
    """Whole months only, and those of hidden resources can still be left out."""
    for number in range(12):
        refuse(tmp_path, NOV_2026 - number * 30 * DAY, "locked" if number % 2 else "too-soon", f"sync#{number % 3}")
    refuse(tmp_path, NOV_2026 + DAY, "bv-not-normal")
    before = Journal(tmp_path).refused()
    hidden = RESOURCE.id
    without = Journal(tmp_path).refused([hidden])
    assert before == {"too-soon": 6, "locked": 6, "bv-not-normal": 1}
    assert without == {"too-soon": 4, "locked": 4}
    # Sixty days before 20 November lies 21 September: August was over then, September was not.
    assert Journal(tmp_path).prune(RESOURCE, NOV_2026 + 19 * DAY, KEEP) == ()
    assert names(tmp_path) == [
        "refusals-2026-09.jsonl",
        "refusals-2026-10.jsonl",
        "refusals-2026-11.jsonl",
        "refusals-pruned.json",
    ]
    assert (Journal(tmp_path).refused(), Journal(tmp_path).refused([hidden])) == (before, without)
    assert Journal(tmp_path).prune(RESOURCE, NOV_2026 + 300 * DAY, KEEP) == ()
    assert names(tmp_path) == ["refusals-pruned.json"]
    assert (Journal(tmp_path).refused(), Journal(tmp_path).refused([hidden])) == (before, without)
    assert Journal(tmp_path).refusals() == []


def test_the_file_of_earlier_releases_goes_when_its_last_line_is_old(tmp_path: Path) -> None:
    """Its name tells no month; a program of that release may still be writing to it, so its own time counts too."""
    path = tmp_path / "refusals.jsonl"
    path.write_text(json.dumps({"at": NOV_2026, "service": "svc", "resource": "sync#1", "code": "locked"}) + "\n")
    written = path.stat().st_mtime
    assert Journal(tmp_path).prune(RESOURCE, NOV_2026 + KEEP - 1, KEEP) == ()
    assert Journal(tmp_path).prune(RESOURCE, written + KEEP - 1, KEEP) == ()
    assert path.exists() or written < NOV_2026
    assert Journal(tmp_path).prune(RESOURCE, max(written, NOV_2026) + KEEP + DAY, KEEP) == ()
    assert not path.exists()
    assert Journal(tmp_path).refused() == {"locked": 1}


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("limit", range(5))
def test_a_prune_that_is_killed_anywhere_counts_every_refusal_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Before and after the record is replaced, and after each file: the next prune ends the work."""
    for number in range(4):
        refuse(tmp_path, NOV_2026 - number * 31 * DAY)
    done: list[str] = []

    def mortal(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: object, **keys: object) -> object:
            done.append("")
            if len(done) > limit:
                raise Killed
            return real(*args, **keys)

        return call

    with monkeypatch.context() as patch:
        patch.setattr("necism_monitor.adapters.journal_refusals.save_record", mortal(save_record))
        patch.setattr(Path, "unlink", mortal(Path.unlink))
        with pytest.raises(Killed):
            Journal(tmp_path).prune(RESOURCE, NOV_2026 + 300 * DAY, KEEP)
    for _ in range(2):
        assert Journal(tmp_path).refused() == {"too-soon": 4}
        assert Journal(tmp_path).prune(RESOURCE, NOV_2026 + 300 * DAY, KEEP) == ()
    assert names(tmp_path) == ["refusals-pruned.json"]


def test_two_that_prune_at_once_do_not_count_twice(tmp_path: Path) -> None:
    """Runs of two arrays end at the same moment: whoever comes second leaves it to the first."""
    for number in range(24):
        refuse(tmp_path, NOV_2026 - number * 31 * DAY)
    seen, together = set[int](), threading.Barrier(4)

    def prune() -> None:
        together.wait()
        for day in range(0, 800, 40):
            assert Journal(tmp_path).prune(RESOURCE, NOV_2026 - 800 * DAY + day * DAY + KEEP, KEEP) == ()
            seen.update((Journal(tmp_path).refused() or {"": -1}).values())

    threads = [threading.Thread(target=prune) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {24}


APPEND = """
import sys
from pathlib import Path
from necism_monitor.adapters.journal import Journal
for number in range(200):
    Journal(Path(sys.argv[1])).refuse({"at": %f, "service": "svc", "resource": "sync#1", "code": sys.argv[2]})
"""


def test_processes_that_append_at_once_lose_no_line_while_somebody_prunes(tmp_path: Path) -> None:
    """No lock is taken to refuse, and no file that anybody writes to is rewritten."""
    for number in range(2, 20):
        refuse(tmp_path, NOV_2026 - number * 31 * DAY, "old")
    argv = [sys.executable, "-c", APPEND % NOV_2026, str(tmp_path)]
    writers = [subprocess.Popen([*argv, f"code{number}"]) for number in range(3)]
    for day in range(0, 600, 30):
        assert Journal(tmp_path).prune(RESOURCE, NOV_2026 - 600 * DAY + day * DAY + KEEP, KEEP) == ()
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    assert Journal(tmp_path).refused() == {"old": 18, "code0": 200, "code1": 200, "code2": 200}


def test_a_line_that_was_cut_takes_no_other_with_it(tmp_path: Path) -> None:
    """What a full disk left of one refusal ends before the next begins."""
    refuse(tmp_path, NOV_2026)
    path = tmp_path / "refusals-2026-11.jsonl"
    path.write_bytes(path.read_bytes() + b'{"at":1793')
    refuse(tmp_path, NOV_2026 + 1, "locked")
    assert [one["code"] for one in Journal(tmp_path).refusals()] == ["too-soon", "locked"]


def test_a_refusal_that_fits_only_in_part_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is the machine's fault: a fact and a hint."""
    monkeypatch.setattr("os.write", lambda _descriptor, data: len(data) // 2)
    with pytest.raises(EnvironmentProblem, match="No space left"):
        refuse(tmp_path, NOV_2026)


def test_a_damaged_record_of_old_refusals_is_no_zero(tmp_path: Path) -> None:
    """Nobody can tell how many there were: there is no counter then, and a prune says why it does nothing."""
    for at in (NOV_2026 - 200 * DAY, NOV_2026):
        refuse(tmp_path, at)
    assert Journal(tmp_path).prune(RESOURCE, NOV_2026 + DAY, KEEP) == ()
    kept = tmp_path / "refusals-pruned.json"
    kept.write_bytes(kept.read_bytes().replace(b'"too-soon",1', b'"too-soon",2'))
    assert Journal(tmp_path).refused() is None
    with pytest.raises(EnvironmentProblem, match=r"refusals-pruned\.json"):
        Journal(tmp_path).refusals()
    (sentence,) = Journal(tmp_path).prune(RESOURCE, NOV_2026 + 300 * DAY, KEEP)
    assert "refusals-pruned.json" in sentence
    assert (tmp_path / "refusals-2026-11.jsonl").exists()


def test_a_line_that_is_no_refusal_is_left_out(tmp_path: Path) -> None:
    """Times that are no moments, texts that are no texts: nobody's history ends with a traceback for them."""
    good = {"at": 1700000000.0, "service": "svc", "resource": "sync#1", "code": "locked"}
    bad: list[dict[str, Any]] = [
        {"at": 1e300},
        {"at": float("nan")},
        {"at": -1e300},
        {"at": "now"},
        {"text": [1]},
        {"code": None},
    ]
    lines = [json.dumps({**good, **one}) for one in ({}, *bad)]
    (tmp_path / "refusals-2023-11.jsonl").write_text("\n".join(lines) + "\n")
    journal = Journal(tmp_path)
    assert journal.refusals() == [good]
    assert journal.refused() == {"locked": 1}


def test_a_damaged_record_of_old_refusals_is_not_a_matter_for_abandon(tmp_path: Path) -> None:
    """It belongs to no resource; the hint says what helps."""
    (tmp_path / "refusals-pruned.json").write_text("{}\n")
    with pytest.raises(EnvironmentProblem) as problem:
        Journal(tmp_path).refusals()
    assert "move it away" in problem.value.hint
    assert "abandon" not in problem.value.hint
