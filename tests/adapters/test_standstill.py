"""What was made of files is kept while they stand still, and not a moment longer."""

import os
import time
from pathlib import Path

import pytest

from necism_monitor.adapters.standstill import MISSING, SETTLED, Mark, Standstill, mark_of

LONG_AGO = 1_700_000_000


def let_settle(*paths: Path) -> None:
    """As if these had been written long ago."""
    for path in paths:
        os.utime(path, (LONG_AGO, LONG_AGO))


class Maker:
    """Reads a file and counts how often."""

    def __init__(self, path: Path) -> None:
        self.path, self.calls = path, 0

    def __call__(self) -> str:
        self.calls += 1
        return self.path.read_text()


def mark_now(path: str) -> Mark | None:
    return mark_of(path, time.time())


@pytest.fixture(name="file")
def file_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("one")
    let_settle(path)
    return path


def test_a_file_that_stands_still_is_read_once(file: Path) -> None:
    """However often it is asked for."""
    kept: Standstill[str, str] = Standstill(mark_now)
    maker = Maker(file)
    assert {kept.get(str(file), maker) for _ in range(5)} == {"one"}
    assert maker.calls == 1


def test_a_change_is_seen_at_once(file: Path) -> None:
    """A file that grew, or that another one took the place of, is read again."""
    kept: Standstill[str, str] = Standstill(mark_now)
    maker = Maker(file)
    kept.get(str(file), maker)
    with file.open("a") as opened:
        opened.write(" more")
    assert kept.get(str(file), maker) == "one more"
    other = file.with_name("other")
    other.write_text("one")
    let_settle(other)
    other.replace(file)
    assert kept.get(str(file), maker) == "one"


def test_what_was_written_just_now_is_never_believed(file: Path) -> None:
    """Two changes within one tick of the file system's clock look like one: only what has settled has a mark."""
    now = file.stat().st_mtime + SETTLED
    assert mark_of(str(file), now) is None
    assert mark_of(str(file), now + 0.1) is not None
    assert mark_of(str(file), now - 3600) is None, "a clock that was put back proves nothing"


def test_a_place_without_a_mark_is_read_every_time(file: Path) -> None:
    """Nothing of an unsettled place is kept, also not for when it has a mark again."""
    marks: list[Mark | None] = [(1,), None, (1,), (1,)]
    kept: Standstill[str, str] = Standstill(lambda _: marks.pop(0))
    maker = Maker(file)
    for _ in range(4):
        kept.get("place", maker)
    assert maker.calls == 3


def test_nothing_is_believed_for_ever(file: Path) -> None:
    """A mark that no longer tells of changes, as on a broken file system, hides them for a while only."""
    kept: Standstill[str, str] = Standstill(lambda _: (1,), believed=0.0)
    maker = Maker(file)
    kept.get("place", maker)
    kept.get("place", maker)
    assert maker.calls == 2


def test_a_failure_is_not_kept(file: Path) -> None:
    """What could not be read is tried again."""
    kept: Standstill[str, str] = Standstill(lambda _: (1,))
    with pytest.raises(FileNotFoundError):
        kept.get("place", Maker(file.with_name("none")))
    assert kept.get("place", Maker(file)) == "one"


def test_a_missing_place_has_a_mark_until_it_is_there(tmp_path: Path) -> None:
    """Most resources have never run: nothing is made of them anew with every scrape."""
    path = tmp_path / "none" / "none"
    assert mark_now(str(path)) == MISSING
    assert mark_now(str(tmp_path / "none")) == MISSING
    path.parent.mkdir()
    assert mark_now(str(path.parent)) is None, "it is new, so it has not settled"


def test_a_place_nobody_may_look_at_has_none(tmp_path: Path) -> None:
    """A name that cannot be looked up is no absence."""
    assert mark_now(str(tmp_path / ("n" * 300))) is None
