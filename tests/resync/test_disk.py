"""A journal that cannot be written: where it fails decides whether anything is changed, never whether LVs come back."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.lock import ArrayLock
from necism_monitor.app.desk import Desk
from necism_monitor.app.ports import JournalBook, RunJournal
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.record import Header, Line
from tests.resync.rig import LV1, LV2, SV1, SV2, Rig, check_calls, linked_again

PREPARATION = 3
"""The header and the two pairs."""
LINES = PREPARATION + 2 * (6 + 2) + 1
"""Lines of a whole run: those, two for each of six changes and two readings, and the end."""


class Failing:
    """A book whose journals take so many lines and no more."""

    def __init__(self, book: object, lines: int) -> None:
        self._book, self._lines = book, lines

    def __getattr__(self, name: str) -> object:
        return getattr(self._book, name)

    def begin(self, header: Header, at: float) -> "FailingJournal":
        return FailingJournal(self._book.begin(header, at), self._lines)  # type: ignore[attr-defined]  # it is a JournalBook


def failing(desk: Desk, book: Failing) -> Desk:
    """The desk with that book."""
    return desk._replace(book=cast("JournalBook", book))


class FailingJournal:
    def __init__(self, inner: RunJournal, lines: int) -> None:
        self._inner, self._left = inner, lines

    def append(self, line: Line) -> None:
        if self._left == 0:
            raise EnvironmentProblem("the journal cannot be written: No space left on device", "make room")
        self._left -= 1
        self._inner.append(line)

    def close(self) -> None:
        self._inner.close()


@pytest.mark.parametrize("lines", range(LINES))
def test_a_full_disk_at_any_append_brings_every_lv_back(rig: Rig, lines: int) -> None:
    """Before the first change: nothing starts.  Later: no more creates, every LV linked, exit 5, open, and said."""
    world, desk = rig.world(), rig.desk()
    desk = failing(desk, Failing(desk.book, lines))
    if lines < PREPARATION:
        with pytest.raises(EnvironmentProblem):
            rig.resync(desk)
        assert rig.changes() == []
        # Its owner, this very process, lives on; that of a real run does not.
        later = Journal(rig.directory / "state", is_alive=lambda _owner: False)
        assert rig.resync(rig.desk(book=later)).exit == 0, "what a full disk left behind is in nobody's way"
        return
    report = rig.resync(desk)
    check_calls(world, rig.calls())
    assert linked_again(rig)
    assert (report.exit, len(rig.files()[-1].lines)) == (5, lines)
    assert "No space left on device" in report.text
    assert "stays open" in report.text
    assert rig.tale().open
    if not rig.files()[-1].run().changed:
        assert rig.changes() == []
        return
    assert (rig.resume().exit, rig.tale().open, rig.shows()) == (0, False, {LV1: SV1, LV2: SV2})


def test_the_lines_of_a_run_are_counted_right(rig: Rig) -> None:
    """What the test above goes through is the whole of a run."""
    rig.resync()
    assert len(rig.files()[-1].lines) == LINES


def test_nothing_is_created_that_the_journal_does_not_know(rig: Rig) -> None:
    """The intent of the first create cannot be written: it is not sent."""
    begun = 3 + 2 * 2
    desk = rig.desk()
    assert rig.resync(failing(desk, Failing(desk.book, begun))).exit == 5
    assert rig.sent("create") == 0
    assert linked_again(rig)


def test_a_resume_that_cannot_be_written_links_all_the_same(rig: Rig) -> None:
    """The rescue is worth more than its record: 6, because it is not on paper, and the run stays open."""
    rig.necism("relink_timeout", "60s")
    desk = rig.desk()
    rig.fault("fail_before", "iSMsc_link", match=[LV1], occurrence="all")
    assert rig.resync().exit == 6
    with_faults_gone(rig)
    book = Failing(desk.book, 0)
    reopened = desk.book.reopen(rig.resource)
    assert reopened is not None
    file, journal = reopened
    book.reopen = lambda _resource: (file, FailingJournal(journal, 0))  # type: ignore[attr-defined]  # as the book's own
    report = rig.resume(failing(desk, book))
    assert (report.exit, rig.shows()) == (6, {LV1: SV1, LV2: SV2})
    assert rig.tale().open
    assert (rig.resume().exit, rig.tale().open) == (0, False)


def with_faults_gone(rig: Rig) -> None:
    """The array works again."""
    from necism_monitor.simulator.faults import clear_faults  # noqa: PLC0415 - beside its one use

    clear_faults(rig.directory)


@pytest.fixture(name="small_disk")
def small_disk_fixture(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few pages."""
    if os.getuid() != 0:
        pytest.skip("only root mounts a file system")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> Path:
    """A file that leaves one page of `disk` free."""
    path, page = disk / "filler", os.sysconf("SC_PAGE_SIZE")
    with path.open("wb", buffering=0) as file:
        size = 0
        with contextlib.suppress(OSError):
            while file.write(b"x" * page) == page:
                size += page
        file.truncate(size - page)
    return path


def test_a_really_full_disk_is_survived(rig: Rig, small_disk: Path) -> None:
    """A state directory with room for a few lines: relinked, exit 5, and the journal that is there can be read."""
    rig.necism("state_dir", str(small_disk))
    text = (rig.config_dir / "necism.conf").read_text()
    (rig.config_dir / "necism.conf").write_text(text.replace(f"state_dir = {rig.directory}/state\n", ""))
    rig.look()  # the map of the volumes takes its page now
    (small_disk / "runs" / rig.resource.id).mkdir(parents=True)
    with ArrayLock(small_disk / "locks", "default").try_acquire() as held:  # type: ignore[union-attr]  # nobody else asks for it
        assert held.intact()
    filler = fill(small_disk)
    report = rig.resync()
    assert report.exit == 5, report.text
    assert "No space left on device" in report.text
    assert linked_again(rig)
    filler.unlink()
    (run,) = Journal(small_disk).runs(rig.resource.id)
    assert run.run().result is None  # type: ignore[union-attr]  # a damaged file would have no run
    assert rig.resume().exit == 0


def test_a_refusal_that_cannot_be_written_down_is_told_as_one(rig: Rig) -> None:
    """A pre_resync that fails and a disk that is full when the run is closed: 3, because nothing was changed."""
    rig.service("pre_resync = /bin/false")
    desk = rig.desk()
    report = rig.resync(failing(desk, Failing(desk.book, PREPARATION + 2)))
    assert (report.exit, rig.changes()) == (3, [])
