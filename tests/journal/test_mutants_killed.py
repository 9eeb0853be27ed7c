"""Single lines of the journal that no other test would miss: each of these tests fails where one of them is changed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from necism_monitor.adapters import journal_shelf
from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_damage import is_damaged
from necism_monitor.adapters.journal_file import read_header, read_run
from necism_monitor.adapters.journal_pruned import save_record
from necism_monitor.adapters.journal_seal import FORMAT, close_seal, holds_whole
from necism_monitor.adapters.journal_writer import JournalWriter
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged, JournalNewer
from necism_monitor.domain.events import Began, Closed, Create, Done, GaveUp, Seen
from necism_monitor.domain.history import Activity, History, Totals
from necism_monitor.domain.names import LdName, ResourceId
from necism_monitor.domain.record import FormatError, Item, Line, RunFile, decode
from tests.journal.book import AT, BV, LV, PLAN, RESOURCE, ROW, SV, WHOLE_RUN, header, write
from tests.journal.test_prune import FAILED, GOOD, KEEP, NOW, OPEN, READ_ONLY, book, names, totals
from tests.journal.test_prune import run as old_run
from tests.journal.test_versions import resealed

UNCHANGED: tuple[Item, ...] = (PLAN, Closed(3, "old", "pre_resync failed"))


def run(state: Path, begun: float, items: tuple[Item, ...] = WHOLE_RUN[1:], **head: object) -> Path:
    """A run that began at that time, with a line a second; `head` is of its header."""
    first = header(**{"id": f"{int(begun):08x}", "trigger": "nagios", **head})
    journal = Journal(state).begin(first, begun)
    for place, item in enumerate((first, *items)):
        journal.append(Line(begun + place, item))
    journal.close()
    return journal.path


def empty(state: Path, begun: float) -> Path:
    """What a crash leaves between the file and its first line."""
    path = Journal(state).begin(header(), begun).path
    assert path.read_bytes() == b""
    return path


def damage(path: Path) -> None:
    """A byte in the middle is another one."""
    path.write_bytes(path.read_bytes().replace(b'"event":"planned"', b'"event":"planmed"'))


def files(state: Path) -> list[Path]:
    """The journals of all resources, in the order in which the file system names them."""
    return list((state / "runs").glob("*/*/*.jsonl"))


# --- when something was changed ------------------------------------------------------------------------------------


def test_only_the_file_that_can_hold_the_last_change_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of runs that lie behind each other the newest alone is read."""
    paths = [run(tmp_path, begun) for begun in (AT, AT + 1000, AT + 2000)]
    for number, path in enumerate(paths):
        os.utime(path, (AT + 1000 * number + 10, AT + 1000 * number + 10))
    opened: list[str] = []

    def read(path: Path) -> RunFile | None:
        opened.append(path.name)
        return read_run(path)

    monkeypatch.setattr(journal_shelf, "read_run", read)
    assert Journal(tmp_path).last_change_at() == AT + 2007
    assert opened == [paths[-1].name]


def test_a_damaged_journal_counts_as_a_change_at_its_own_time(tmp_path: Path) -> None:
    """Nobody knows what it says; that it was written to is known."""
    path = run(tmp_path, AT)
    damage(path)
    os.utime(path, (AT + 50, AT + 50))
    assert Journal(tmp_path).last_change_at() == AT + 50


def test_runs_that_changed_nothing_are_no_last_change(tmp_path: Path) -> None:
    """Neither one that ended before its first step nor an empty file."""
    run(tmp_path, AT, UNCHANGED)
    empty(tmp_path, AT + 60)
    assert Journal(tmp_path).last_change_at() is None


def test_a_file_whose_time_lags_a_second_behind_its_lines_is_looked_into(tmp_path: Path) -> None:
    """The kernel's clock for files may lag by a tick, the second included."""
    path = run(tmp_path, AT)
    os.utime(path, (AT + 6, AT + 6))
    assert Journal(tmp_path).changes_since(AT + 7) == {RESOURCE.id: {BV: AT + 7}}


def test_an_old_file_hides_no_later_one(tmp_path: Path) -> None:
    """Whichever of two resources the file system names first."""
    run(tmp_path, AT)
    run(tmp_path, AT, resource="sync#2")
    old, new = files(tmp_path)
    os.utime(old, (AT - 100, AT - 100))
    fresh = ResourceId(f"svc/{new.parent.name}")
    assert Journal(tmp_path).changes_since(AT) == {fresh: {BV: AT + 7}}


def test_two_damaged_resources_are_two(tmp_path: Path) -> None:
    """That nothing is known of one tells nothing of the other."""
    damage(run(tmp_path, AT))
    damage(run(tmp_path, AT, resource="sync#2"))
    assert Journal(tmp_path).changes_since(AT) == {"svc/sync#1": None, "svc/sync#2": None}


@pytest.mark.parametrize("place", [0, 1])
def test_a_sound_run_makes_no_damaged_resource_known(tmp_path: Path, place: int) -> None:
    """Whichever of the two files is read first."""
    for begun in (AT, AT + 100):
        run(tmp_path, begun)
    damage(files(tmp_path)[place])
    assert Journal(tmp_path).changes_since(AT) == {RESOURCE.id: None}


def test_the_changes_of_several_runs_add_up(tmp_path: Path) -> None:
    """Each changed another base volume; an empty file changed none."""
    other = LdName("BV2")
    for begun, bv in ((AT, BV), (AT + 100, other)):
        create = Create(bv, SV)
        run(tmp_path, begun, (PLAN, Began(create), Done(create)))
    empty(tmp_path, AT + 200)
    assert Journal(tmp_path).changes_since(AT) == {RESOURCE.id: {BV: AT + 3, other: AT + 103}}


# --- what is remembered --------------------------------------------------------------------------------------------


def test_the_world_wide_name_of_a_device_is_remembered(tmp_path: Path) -> None:
    """As the host read it from the device."""
    write(tmp_path, *WHOLE_RUN[:9], Seen(BV, (ROW._replace(wwn="2" * 16),)), WHOLE_RUN[-1])
    history = Journal(tmp_path).history(RESOURCE)
    assert isinstance(history, History)
    assert history.wwns == {LV: "2" * 16}


def test_twenty_runs_that_changed_something_are_remembered(tmp_path: Path) -> None:
    """The twentieth back still counts, here the last success; an empty file among them is none."""
    old_run(tmp_path, 1)
    for number in range(19):
        old_run(tmp_path, 2 + number, FAILED)
    empty(tmp_path, AT + 30 * 86400)
    history = book(tmp_path).history(RESOURCE)
    assert isinstance(history, History)
    assert history.last_success_at == AT + 86400 + 10


def test_the_reach_of_the_memory_is_counted_to_the_last_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reach of five, the fifth back is remembered and the sixth is not."""
    monkeypatch.setattr(journal_shelf, "REACH", 5)
    old_run(tmp_path, 1)
    for number, known in enumerate([True] * 5 + [False]):
        history = book(tmp_path).history(RESOURCE)
        assert isinstance(history, History)
        assert (history.last_success_at is not None) == known, number
        old_run(tmp_path, 2 + number, READ_ONLY)


def test_an_empty_file_is_no_run_for_any_face(tmp_path: Path) -> None:
    """A crash between the file and its header leaves nothing to count, to hold back or to tell."""
    empty(tmp_path, AT)
    journal = Journal(tmp_path)
    assert journal.totals((RESOURCE,))[RESOURCE.id] == Totals()
    assert journal.activity(RESOURCE, "nagios", "7", AT + 60) == Activity()
    assert journal.history(RESOURCE) == History()
    assert journal.runs(RESOURCE.id) == []


# --- what is wrong, and what helps ---------------------------------------------------------------------------------


def said_of(path: Path) -> JournalDamaged:
    """What reading a journal raises."""
    with pytest.raises(JournalDamaged) as raised:
        read_run(path)
    return raised.value


@pytest.mark.parametrize("kind", ["later release", "cannot be read"])
def test_what_may_not_be_set_aside_is_told_as_reading_tells_it(tmp_path: Path, kind: str) -> None:
    """Fact and hint are those of the reader."""
    path = run(tmp_path, AT)
    if kind == "later release":
        resealed(path, 0, v=FORMAT + 1)
    else:
        path.unlink()
        path.mkdir()
    said = said_of(path)
    with pytest.raises(EnvironmentProblem) as raised:
        is_damaged(path)
    assert (raised.value.text, raised.value.hint) == (said.text, said.hint)
    assert str(path) in said.text
    assert said.hint


def test_a_file_that_cannot_be_read_is_named_with_the_systems_reason(tmp_path: Path) -> None:
    """The file, why, and what to look at."""
    path = run(tmp_path, AT)
    path.unlink()
    path.mkdir()
    said = said_of(path)
    assert str(path) in said.text
    assert "Is a directory" in said.text
    assert said.hint


def test_a_first_line_that_is_no_header_has_a_way_out(tmp_path: Path) -> None:
    """`necism abandon` sets the file aside."""
    assert "necism abandon" in said_of(write(tmp_path, *WHOLE_RUN[1:4])).hint


def test_a_torn_file_without_a_header_is_named(tmp_path: Path) -> None:
    """Its last line is cut and its first one is no header: the sentence begins with the file."""
    path = write(tmp_path, *WHOLE_RUN[1:3])
    path.write_bytes(path.read_bytes()[:-3] + b"\n")
    assert said_of(path).text.startswith(f"{path}:1: ")


def test_a_whole_line_with_something_behind_it_has_a_wrong_checksum(tmp_path: Path) -> None:
    """The sentence says so, and names the line, also where no line end follows."""
    path = write(tmp_path, *WHOLE_RUN[:3])
    path.write_bytes(path.read_bytes().removesuffix(b"\n") + b"X")
    assert said_of(path).text == f"{path}:3: its checksum is wrong"


def test_a_release_that_wrote_behind_a_line_did_not_write_it(tmp_path: Path) -> None:
    """The last signature up to the line counts; a later one is somebody else's."""
    path = write(tmp_path, *WHOLE_RUN[:2])
    resealed(path, 0, necism="4.4.4")
    later = [
        {"v": 9, "n": 2, "at": AT, "event": "paused"},
        {"v": 9, "n": 3, "necism": "7.7.7", "at": AT, "event": "recovering", "why": "x"},
    ]
    with path.open("ab") as file:
        file.writelines(close_seal(record) + b"\n" for record in later)
    with pytest.raises(JournalNewer, match=r":3: written by necism 4\.4\.4 "):
        read_run(path)


def test_the_head_is_read_without_the_rest(tmp_path: Path) -> None:
    """Damage behind the first line does not hide whose run it is; old files are asked for their heads only."""
    path = run(tmp_path, AT, key="7")
    damage(path)
    head = read_header(path)
    assert head is not None
    assert (head.trigger, head.key) == ("nagios", "7")


def test_a_head_without_its_line_end_is_none(tmp_path: Path) -> None:
    """A crash tore it off: whether the line was synced nobody knows, and no reader takes it."""
    path = write(tmp_path, header())
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    assert (read_header(path), read_run(path)) == (None, None)


def test_a_head_that_is_longer_than_any_of_ours_is_read_with_its_run(tmp_path: Path) -> None:
    """Four kilobytes are what is written, not what is read."""
    first = header(owner={"host": "h" * 5000, "boot_id": "b", "pid": 1, "start_ticks": 2})
    assert read_header(write(tmp_path, first, PLAN)) == first


def test_an_intact_line_is_found_whatever_marks_stand_before_and_behind_its_end() -> None:
    """A field of the same name inside it, and another line after it."""
    line = close_seal({"owner": {"host": "h", "crc": "none"}})
    assert holds_whole(line + close_seal({"b": 2}) + b"X")
    assert not holds_whole(line)


def test_a_torn_tail_that_cannot_be_cut_off_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal, the system's reason and a hint; and no descriptor stays open."""
    path = write(tmp_path, *WHOLE_RUN[:4])
    found = read_run(path)
    assert found is not None

    def fail(_descriptor: int, _size: int) -> None:
        raise OSError(5, "Input/output error")

    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr("os.ftruncate", fail)
    with pytest.raises(EnvironmentProblem) as raised:
        JournalWriter.reopen(path, found)
    assert f"{path} cannot be written: Input/output error" in raised.value.text
    assert raised.value.hint
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_hooks_of_a_run_survive_the_way_to_disk_and_back(tmp_path: Path) -> None:
    """Whoever resumes it owes what its header names."""
    found = read_run(write(tmp_path, header(hooks=("pre_resync", "post_resync")), PLAN))
    assert found is not None
    assert (found.header.hooks, found.plan.hooks) == (("pre_resync", "post_resync"),) * 2


@pytest.mark.parametrize("names", [{"bv": "-lvflg"}, {"lv": "-lvflg"}], ids=str)
def test_names_of_what_was_given_up_are_checked_on_the_way_in(names: dict[str, str]) -> None:
    """Only a validated name can become part of a command."""
    record = {"at": AT, "event": "gave-up", "bv": "BV1", "lv": None, "why": "lost"}
    assert decode(record) == Line(AT, GaveUp(BV, None, "lost"))
    with pytest.raises(FormatError, match="lvflg"):
        decode({**record, **names})


# --- what is removed -----------------------------------------------------------------------------------------------


def test_a_run_that_ended_at_the_very_moment_stays(tmp_path: Path) -> None:
    """Only what ended before it goes."""
    path = old_run(tmp_path, 1)
    old_run(tmp_path, 399)
    ended = AT + 86400 + 10
    assert book(tmp_path).prune(RESOURCE, ended + KEEP, KEEP) == ()
    assert path.exists()
    assert book(tmp_path).prune(RESOURCE, ended + 1 + KEEP, KEEP) == ()
    assert not path.exists()


def test_the_run_whose_duration_is_told_stays(tmp_path: Path) -> None:
    """Twenty runs that were left open after it do not end: the last duration is still that of the one that did."""
    path = old_run(tmp_path, 1, GOOD)
    for number in range(20):
        old_run(tmp_path, 2 + number, OPEN)
    before = totals(tmp_path)
    assert isinstance(before, Totals)
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    assert path.name in names(tmp_path)
    assert totals(tmp_path) == before


def test_a_file_that_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says which one and why."""
    path = old_run(tmp_path, 1)
    old_run(tmp_path, 399)

    def refuse(path: Path, **_keys: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    told = book(tmp_path).prune(RESOURCE, NOW, KEEP)
    assert [sentence for sentence in told if f"{path.parent}/" in sentence and "Permission denied" in sentence]


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.fixture(name="auckland")
def auckland_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host whose clock is half a day ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC-13")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("auckland")
def test_the_month_of_a_refusal_is_that_of_utc(tmp_path: Path) -> None:
    """Whatever the clock of the host says: 30 November 2023, 18:00 UTC is December there."""
    Journal(tmp_path).refuse({"at": 1_701_367_200.0, "code": "locked"})
    assert [path.name for path in tmp_path.glob("refusals*")] == ["refusals-2023-11.jsonl"]


def test_a_refusal_that_cannot_be_noted_says_where_and_what_helps(tmp_path: Path) -> None:
    """A file stands where the state directory is to be."""
    (tmp_path / "state").write_text("x")
    with pytest.raises(EnvironmentProblem) as raised:
        Journal(tmp_path / "state").refuse({"code": "locked"})
    assert str(tmp_path / "state") in raised.value.text
    assert raised.value.hint


def test_refusals_that_cannot_be_read_say_which_file_and_what_helps(tmp_path: Path) -> None:
    """A directory stands for every file that cannot be opened."""
    path = tmp_path / "refusals-2023-11.jsonl"
    path.mkdir()
    with pytest.raises(EnvironmentProblem) as raised:
        Journal(tmp_path).refusals()
    assert str(path) in raised.value.text
    assert "Is a directory" in raised.value.text
    assert raised.value.hint


@pytest.mark.parametrize("record", [{"counts": [[1]], "gone": []}, {"gone": []}, {"counts": [["a", "b", "c"]]}])
def test_kept_counts_that_make_no_sense_name_their_file(tmp_path: Path, record: dict[str, object]) -> None:
    """The seal is intact, what it holds is not: fact and hint, and never a count of nothing."""
    path = tmp_path / "refusals-pruned.json"
    save_record(path, record)
    with pytest.raises(EnvironmentProblem) as raised:
        Journal(tmp_path).refusals()
    assert str(path) in raised.value.text
    assert raised.value.hint
    assert Journal(tmp_path).refused() is None


def test_a_file_of_somebody_else_is_written_to_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mode may not be changed by us: the refusal is noted all the same."""
    path = tmp_path / "refusals.jsonl"
    path.touch(0o600)
    path.chmod(0o600)

    def forbid(_descriptor: int, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.fchmod", forbid)
    Journal(tmp_path).refuse({"code": "locked"})
    assert Journal(tmp_path).refused() == {"locked": 1}


def test_times_of_refusals_are_taken_from_the_epoch_to_the_last_year_that_dates_tell(tmp_path: Path) -> None:
    """1970-01-01 is a moment; 9999-01-01 and later are none."""
    lines = ('{"at":0,"code":"a"}', '{"at":253370764799,"code":"b"}', '{"at":253370764800,"code":"c"}')
    (tmp_path / "refusals.jsonl").write_text("\n".join(lines) + "\n")
    assert [one["code"] for one in Journal(tmp_path).refusals()] == ["a", "b"]
