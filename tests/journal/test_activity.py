"""What holds back automatic callers: the key of a request, the last change, and the budgets of a day and an hour."""

from pathlib import Path

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_file import read_run
from necism_monitor.adapters.owner import this_process
from necism_monitor.domain.events import Began, Closed, Done, Hook
from necism_monitor.domain.history import Activity
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Item, Left, Line, RunFile
from tests.journal.book import AT, PLAN, RESOURCE, WHOLE_RUN, header

HOUR, DAY = 3600.0, 86400.0
CHANGED = WHOLE_RUN[1:]
UNCHANGED: tuple[Item, ...] = (PLAN, Closed(3, "old", "pre_resync failed"))


def run(state: Path, begun: float, items: tuple[Item, ...] = CHANGED, **head: object) -> Path:
    """A run that began at that time, with a line a second; `head` is of its header."""
    first = header(**{"id": f"{int(begun):08x}", "trigger": "nagios", **head})
    journal = Journal(state).begin(first, begun)
    for place, item in enumerate((first, *items)):
        journal.append(Line(begun + place, item))
    journal.close()
    return journal.path


def ask(state: Path, now: float, trigger: str = "nagios", key: str | None = None, *, alive: bool = False) -> Activity:
    """The activity of the book's resource."""
    found = Journal(state, is_alive=lambda _owner: alive).activity(RESOURCE, trigger, key, now)
    assert isinstance(found, Activity)
    return found


def test_nothing_was_done_where_there_is_no_journal(tmp_path: Path) -> None:
    """A first request meets no key, no distance and an unused budget."""
    assert ask(tmp_path / "none", AT, key="7") == Activity()


def test_a_key_is_spent_by_a_run_that_began_a_change(tmp_path: Path) -> None:
    """However long ago; a run that changed nothing spent nothing, and other keys are free."""
    run(tmp_path, AT, key="7")
    run(tmp_path, AT + 60, UNCHANGED, key="8")
    later = AT + 300 * DAY
    assert ask(tmp_path, later, key="7").spent
    assert not ask(tmp_path, later, key="8").spent
    assert not ask(tmp_path, later, key="9").spent
    assert not ask(tmp_path, later).spent


def test_the_same_text_of_another_caller_is_another_key(tmp_path: Path) -> None:
    """Problem 7 of Nagios and problem 7 of Icinga are two problems."""
    run(tmp_path, AT, trigger="nagios", key="7")
    assert ask(tmp_path, AT + DAY, "nagios", "7").spent
    assert not ask(tmp_path, AT + DAY, "icinga", "7").spent


@pytest.mark.parametrize(("alive", "spent"), [(True, True), (False, False)])
def test_a_key_is_spent_while_its_run_is_at_work(tmp_path: Path, alive: bool, spent: bool) -> None:
    """Before its first change too, while its process lives; one that died then left the key unused."""
    run(tmp_path, AT, (PLAN,), key="7", owner=this_process()._asdict())
    assert ask(tmp_path, AT + 5, key="7", alive=alive).spent is spent


def test_a_run_of_which_nobody_knows_whether_it_lives_spends_its_key(tmp_path: Path) -> None:
    """It was started on another host."""
    run(tmp_path, AT, (PLAN,), key="7")
    found = Journal(tmp_path, is_alive=lambda _owner: None).activity(RESOURCE, "nagios", "7", AT + 5)
    assert isinstance(found, Activity)
    assert found.spent


def test_a_run_that_was_left_before_any_change_spends_nothing(tmp_path: Path) -> None:
    """Its process said that it goes no further, though it may still be there."""
    run(tmp_path, AT, (PLAN, Left(3, "old", "stopped")), key="7")
    assert not ask(tmp_path, AT + 5, key="7", alive=True).spent


def test_the_last_change_is_the_last_line_of_the_newest_run_that_changed_something(tmp_path: Path) -> None:
    """Of any caller, a person included; whatever came after it without changing anything does not count."""
    run(tmp_path, AT, trigger="nagios")
    run(tmp_path, AT + HOUR, trigger="manual")
    run(tmp_path, AT + 2 * HOUR, UNCHANGED)
    assert ask(tmp_path, AT + 3 * HOUR).last_change_at == AT + HOUR + 10


def test_automatic_runs_of_the_last_day_and_hour_are_listed_by_their_beginning(tmp_path: Path) -> None:
    """A run exactly a day old has left the day; a person's run, and one that changed nothing, use no budget."""
    now = AT + 2 * DAY
    for ago in (DAY + 1, DAY, DAY - 1, 2 * HOUR, HOUR, HOUR - 1, 60.0):
        run(tmp_path, now - ago, trigger="timer" if ago == HOUR - 1 else "alertmanager")
    run(tmp_path, now - 50, trigger="manual")
    run(tmp_path, now - 40, UNCHANGED)
    found = ask(tmp_path, now)
    assert found.daily == (now - DAY + 1, now - 2 * HOUR, now - HOUR, now - HOUR + 1, now - 60)
    assert found.hourly == (now - HOUR + 1, now - 60)


def test_a_run_in_the_future_uses_the_budget(tmp_path: Path) -> None:
    """A clock that was set back gives nobody a new budget."""
    run(tmp_path, AT + 5 * DAY)
    found = ask(tmp_path, AT)
    assert (found.daily, found.hourly) == ((AT + 5 * DAY,), (AT + 5 * DAY,))


def test_the_hour_is_that_of_all_resources_the_day_of_one(tmp_path: Path) -> None:
    """Also of resources that no configuration names any more."""
    run(tmp_path, AT)
    run(tmp_path, AT + 60, resource="sync#2")
    run(tmp_path, AT + 120, service="gone")
    found = ask(tmp_path, AT + 600)
    assert (found.daily, found.hourly) == ((AT,), (AT, AT + 60, AT + 120))


def test_a_damaged_journal_of_another_resource_counts_as_a_start(tmp_path: Path) -> None:
    """Nobody knows what it did: it is never read as nothing.  An old one has left the hour whatever it holds."""
    for begun in (AT - 2 * HOUR, AT):
        damage(run(tmp_path, begun, UNCHANGED, trigger="manual", resource="sync#2"))
    assert ask(tmp_path, AT + 600).hourly == (AT,)


def test_a_damaged_journal_of_the_resource_itself_answers_nothing(tmp_path: Path) -> None:
    """Neither "spent" nor "free": what is needed to tell cannot be read."""
    damage(run(tmp_path, AT, key="7"))
    for key in ("7", None):
        found = Journal(tmp_path).activity(RESOURCE, "nagios", key, AT + 60)
        assert isinstance(found, Unread)
        assert found.code == "journal-unreadable"


def test_an_old_run_whose_head_cannot_be_read_may_have_spent_any_key(tmp_path: Path) -> None:
    """Of a request without a key, nothing so old is needed."""
    path = run(tmp_path, AT, key="7")
    path.write_bytes(path.read_bytes().replace(b'"key":"7"', b'"key":"8"'))
    now = AT + 30 * DAY
    run(tmp_path, now - 5)
    assert isinstance(Journal(tmp_path).activity(RESOURCE, "nagios", "9", now), Unread)
    assert ask(tmp_path, now).daily == (now - 5,)


def test_old_files_are_told_by_their_names_and_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred runs two lie within the day: without a key these two are read, and no other."""
    now = AT + 100 * DAY
    for number in range(100):
        run(tmp_path, AT + number * DAY + HOUR)
    run(tmp_path, now - 60)
    opened: list[str] = []

    def read(path: Path) -> RunFile | None:
        opened.append(path.name)
        return read_run(path)

    monkeypatch.setattr("necism_monitor.adapters.journal_shelf.read_run", read)
    found = ask(tmp_path, now)
    assert (len(found.daily), len(found.hourly)) == (2, 1)
    assert len(set(opened)) == len(opened) == 2


def test_names_that_tell_no_time_are_looked_into(tmp_path: Path) -> None:
    """A file that somebody renamed is not read as none."""
    path = run(tmp_path, AT)
    path.rename(path.with_name("renamed.jsonl"))
    damaged = run(tmp_path, AT, resource="sync#2")
    damage(damaged.rename(damaged.with_name("renamed.jsonl")))
    written = (tmp_path / "runs/svc/sync#2/renamed.jsonl").stat().st_mtime
    found = ask(tmp_path, AT + 60)
    assert found.daily == (AT,)
    assert found.hourly == (AT, written)


def test_a_directory_that_may_not_be_listed_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Could not ask is never read as no."""
    run(tmp_path, AT)

    def forbid(path: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.listdir", forbid)
    found = Journal(tmp_path).activity(RESOURCE, "nagios", None, AT + 60)
    assert isinstance(found, Unread)
    assert "Permission denied" in found.text


def test_the_longest_key_is_kept_whole(tmp_path: Path) -> None:
    """Two hundred characters of any script: other texts give way, a key is compared to its last character."""
    key = "🖴" * 199
    run(tmp_path, AT, key=key + "a", reason="why " * 2000, user="u" * 300)
    assert ask(tmp_path, AT + 60, key=key + "a").spent
    assert not ask(tmp_path, AT + 60, key=key + "b").spent


def damage(path: Path) -> None:
    """Change a name in the middle."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"event":"planned","lv":"LV1"', b'"event":"planned","lv":"LV2"'))
    assert path.read_bytes() != data


def test_a_run_that_stopped_the_consumers_uses_the_budget_though_it_changed_no_volume(tmp_path: Path) -> None:
    """A timer must not stop and start a database every minute; its key is free, and there is no distance to keep."""
    hook = Hook("pre_resync")
    run(tmp_path, AT, (PLAN, Began(hook), Done(hook), Closed(3, "old", "in use")), key="7")
    assert ask(tmp_path, AT + 60, key="7") == Activity(daily=(AT,), hourly=(AT,))
