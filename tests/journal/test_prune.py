"""Old runs are removed; what they came to, the keys they spent and everything a verdict needs is kept."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necism_monitor.adapters import journal_prune
from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_shelf import name_stamp
from necism_monitor.domain.activity import key_mark
from necism_monitor.domain.events import Began, Closed, Done, Recovering, Seen
from necism_monitor.domain.history import Activity, History, Totals
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Item, Left, Line
from necism_monitor.render.families import sight_families
from tests.journal.book import AT, BV, CREATE, LINK, PLAN, RESOURCE, ROW, UNLINK, WHOLE_RUN, header
from tests.render.sights import pair_verdict, sight

DAY = 86400.0
KEEP = 30 * DAY
NOW = AT + 400 * DAY
GOOD = WHOLE_RUN[1:]
FAILED: tuple[Item, ...] = (*WHOLE_RUN[1:10], Closed(5, "old", "the create failed"))
MIXED: tuple[Item, ...] = (*WHOLE_RUN[1:10], Closed(5, "mixed", "half of it"))
OPEN: tuple[Item, ...] = (PLAN, Began(UNLINK), Done(UNLINK), Began(CREATE))
LEFT: tuple[Item, ...] = (*OPEN, Left(6, "old", "LV1 is detached"))
RESUMED: tuple[Item, ...] = (*LEFT, Recovering("resumed"), Began(LINK), Done(LINK), Closed(0, "old", "linked"))
READ_ONLY: tuple[Item, ...] = (PLAN, Seen(BV, (ROW._replace(access="ro"),)), Closed(3, "old", "pre_resync failed"))
DEAD: tuple[Item, ...] = (PLAN,)


def run(state: Path, day: float, items: tuple[Item, ...] = GOOD, key: str | None = None) -> Path:
    """A run on that day, by Nagios."""
    begun = AT + day * DAY
    first = header(id=f"{int(day * 1000):08x}", trigger="nagios", key=key)
    journal = Journal(state).begin(first, begun)
    for place, item in enumerate((first, *items)):
        journal.append(Line(begun + place, item))
    journal.close()
    return journal.path


def book(state: Path) -> Journal:
    """A reader that knows nothing yet; whoever began a run is dead."""
    return Journal(state, is_alive=lambda _owner: False)


def totals(state: Path) -> Totals | Unread:
    return book(state).totals((RESOURCE,))[RESOURCE.id]


def names(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "runs/svc/sync#1").glob("*.jsonl"))


def spent(state: Path, key: str) -> bool:
    found = book(state).activity(RESOURCE, "nagios", key, NOW)
    assert isinstance(found, Activity)
    return found.spent


def counters(state: Path) -> dict[str, float]:
    """The counters as Prometheus gets them."""
    journal = book(state)
    seen = sight(pair_verdict(1), total=journal.totals((RESOURCE,))[RESOURCE.id], refused=journal.refused())
    samples = (sample for family in sight_families(seen) for sample in family.samples)
    return {
        sample.name + sample.labels.get("reason", ""): sample.value
        for sample in samples
        if sample.name.endswith("_total")
    }


def test_old_runs_go_and_everything_that_is_counted_stays(tmp_path: Path) -> None:
    """Ten runs of ten days: those that ended more than thirty days ago are gone, no counter went down."""
    for number in range(10):
        run(tmp_path, 310 + 10 * number, FAILED if number % 3 == 0 else GOOD, key=str(number))
    book(tmp_path).refuse({"at": AT, "service": "svc", "resource": "sync#1", "code": "too-soon"})
    before, history = counters(tmp_path), book(tmp_path).history(RESOURCE)
    assert before["necism_resync_runs_total"] == 10
    assert before["necism_resync_failures_total"] == 4
    assert before["necism_resync_refusals_totaltoo-soon"] == 1
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    # The run of day 370 ended ten seconds after the moment that lies thirty days back.
    assert len(names(tmp_path)) == 4
    assert not list(tmp_path.glob("refusals-20*"))
    assert counters(tmp_path) == before
    assert book(tmp_path).history(RESOURCE) == history
    assert all(spent(tmp_path, str(number)) for number in range(10))
    assert not spent(tmp_path, "10")
    run(tmp_path, 401, FAILED)
    assert (counters(tmp_path)["necism_resync_runs_total"], totals(tmp_path)) == (11, Totals(11, 5, 10.0, 4.0))
    assert book(tmp_path).prune(RESOURCE, NOW + 20 * DAY, KEEP) == ()
    assert totals(tmp_path) == Totals(11, 5, 10.0, 4.0)


def test_what_is_kept_of_a_run_is_readable_by_everybody_and_small(tmp_path: Path) -> None:
    """The exporter has no rights; a key is kept as its mark."""
    run(tmp_path, 1, key="k" * 200)
    run(tmp_path, 399)
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    kept = tmp_path / "runs/svc/sync#1/pruned.json"
    assert kept.stat().st_mode & 0o777 == 0o644
    assert key_mark("nagios", "k" * 200).encode() in kept.read_bytes()
    assert len(kept.read_bytes()) < 300


@pytest.mark.parametrize(("keep", "left"), [(1.0, 3), (2 * DAY, 3), (3 * DAY, 4), (398.5 * DAY, 5)])
def test_two_days_are_kept_in_any_case(tmp_path: Path, keep: float, left: int) -> None:
    """The budgets look back a day, whatever is configured."""
    for day in (1, 2, 397.5, 398.5, 399, 399.9):
        run(tmp_path, day)
    assert book(tmp_path).prune(RESOURCE, NOW, keep) == ()
    assert len(names(tmp_path)) == left


def test_a_run_that_ended_lately_stays_however_long_ago_it_began(tmp_path: Path) -> None:
    """Its end counts: a run left open for months, and resumed yesterday."""
    path = run(tmp_path, 1, LEFT)
    found = book(tmp_path).reopen(RESOURCE)
    assert found is not None
    found[1].append(Line(NOW - DAY, Closed(0, "old", "resumed")))
    found[1].close()
    run(tmp_path, 399)
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    assert path.exists()


@pytest.mark.parametrize("items", [OPEN, LEFT, DEAD])
def test_a_run_without_end_is_never_removed(tmp_path: Path, items: tuple[Item, ...]) -> None:
    """Neither the newest nor one that others followed."""
    path = run(tmp_path, 1, items)
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    run(tmp_path, 2)
    run(tmp_path, 399)
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    assert names(tmp_path) == [path.name, names(tmp_path)[-1]]


def test_the_newest_run_and_the_newest_verified_success_stay(tmp_path: Path) -> None:
    """A verdict needs both, however old they are; an older success goes."""
    run(tmp_path, 1)
    success = run(tmp_path, 2)
    others = [run(tmp_path, day, FAILED) for day in (3, 4)]
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    assert names(tmp_path) == [path.name for path in (success, *others)]
    assert totals(tmp_path) == Totals(4, 2, 10.0, 4.0)


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_a_damaged_journal_stays_where_it_is(tmp_path: Path, damaged: int) -> None:
    """Its bytes are all there is of it; the others go, and once it is set aside everything is counted again."""
    paths = [run(tmp_path, day) for day in (1, 2, 3)]
    run(tmp_path, 399)
    whole = paths[damaged].read_bytes()
    paths[damaged].write_bytes(whole.replace(b'"event":"planned"', b'"event":"planmed"'))
    journal = book(tmp_path)
    assert journal.prune(RESOURCE, NOW, KEEP) == ()
    assert names(tmp_path) == [paths[damaged].name, names(tmp_path)[-1]]
    assert isinstance(totals(tmp_path), Unread)
    paths[damaged].write_bytes(whole)
    assert totals(tmp_path) == Totals(4, 0, 10.0, 4.0)


def test_nothing_is_removed_while_the_memory_cannot_be_read(tmp_path: Path) -> None:
    """Nobody knows then what is needed; the sentence names the file."""
    run(tmp_path, 1)
    path = run(tmp_path, 399)
    path.write_bytes(path.read_bytes().replace(b'"event":"planned"', b'"event":"planmed"'))
    (sentence,) = book(tmp_path).prune(RESOURCE, NOW, KEEP)
    assert path.name in sentence
    assert len(names(tmp_path)) == 2


class Killed(BaseException):
    """The process ends here."""


def steps() -> list[tuple[Any, str]]:
    """Every call by which a prune changes what is on disk."""
    return [(os, "fsync"), (Path, "unlink"), (Path, "replace"), (os, "fchmod")]


@pytest.fixture(name="count_steps")
def count_steps_fixture(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, BaseException], list[str]]:
    """`count_steps(n, error)`: from the n-th step on, each fails with `error`; the list names those that were begun."""

    def install(limit: int, error: BaseException) -> list[str]:
        done: list[str] = []
        for owner, name in steps():
            real = getattr(owner, name)

            def call(*args: object, real: Callable[..., Any] = real, name: str = name, **keys: object) -> object:
                done.append(name)
                if len(done) > limit:
                    raise error
                return real(*args, **keys)

            monkeypatch.setattr(owner, name, call)
        return done

    return install


@pytest.mark.parametrize("error", [Killed(), OSError(28, "No space left on device")], ids=["killed", "disk full"])
@pytest.mark.parametrize("limit", range(12))
def test_a_prune_that_ends_anywhere_neither_loses_nor_doubles_a_count(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    count_steps: Callable[[int, BaseException], list[str]],
    limit: int,
    error: BaseException,
) -> None:
    """At every step it takes: the counters are right then, and after the next prune, which ends the work."""
    for day in range(1, 5):
        run(tmp_path, day, FAILED if day == 2 else GOOD, key=str(day))
    run(tmp_path, 399)
    with monkeypatch.context():
        done = count_steps(limit, error)
        told: tuple[str, ...] = ()
        try:
            told = book(tmp_path).prune(RESOURCE, NOW, KEEP)
        except Killed:
            told = ("killed",)
        monkeypatch.undo()
    assert bool(told) == (len(done) > limit)
    for _ in range(2):
        assert totals(tmp_path) == Totals(5, 1, 10.0, 4.0)
        assert all(spent(tmp_path, str(day)) for day in range(1, 5))
        assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    assert len(names(tmp_path)) == 1
    run(tmp_path, 399.5)
    assert totals(tmp_path) == Totals(6, 1, 10.0, 4.0)


def test_the_steps_of_a_prune_are_those_that_the_test_above_goes_through(
    tmp_path: Path, count_steps: Callable[[int, BaseException], list[str]]
) -> None:
    """What the files come to is on disk before the first of them goes."""
    for day in (1, 2, 399):
        run(tmp_path, day)
    done = count_steps(99, Killed())
    book(tmp_path).prune(RESOURCE, NOW, KEEP)
    # The directory; the record's leftover, mode, bytes, name and directory; two files and their directory.
    assert done == ["fsync", "unlink", "fchmod", "fsync", "replace", "fsync", "unlink", "unlink", "fsync"]


def test_counters_never_go_down_while_somebody_prunes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers take no lock: whenever they look, forty runs are forty, and none of them is damaged."""
    monkeypatch.setattr(journal_prune, "BATCH", 2)
    for day in range(39):
        run(tmp_path, day, key=str(day))
    run(tmp_path, 399)
    seen, done, reader = set[object](), threading.Event(), book(tmp_path)

    def look() -> None:
        while not done.is_set():
            found = reader.activity(RESOURCE, "nagios", "0", NOW)
            seen.update([reader.totals((RESOURCE,))[RESOURCE.id], isinstance(found, Activity) and found.spent])
            assert all(not isinstance(one, Exception) for one in reader.runs(RESOURCE.id))

    thread = threading.Thread(target=look)
    thread.start()
    while len(names(tmp_path)) > 1:
        assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    done.set()
    thread.join()
    assert seen == {Totals(40, 0, 10.0, 4.0), True}


def test_a_damaged_record_of_old_runs_is_no_empty_one(tmp_path: Path) -> None:
    """No totals and no answer about keys; verdicts and the other guards go on; `abandon` sets it aside."""
    for day in (1, 2, 399):
        run(tmp_path, day, key=str(day))
    assert book(tmp_path).prune(RESOURCE, NOW, KEEP) == ()
    late = run(tmp_path, 3)
    late.rename(late.with_name(f"{name_stamp(AT + 3 * DAY)}-00000bb8.jsonl"))
    kept = tmp_path / "runs/svc/sync#1/pruned.json"
    damaged = kept.read_bytes().replace(b'"runs":2', b'"runs":3')
    kept.write_bytes(damaged)
    journal = book(tmp_path)
    found = totals(tmp_path)
    assert isinstance(found, Unread)
    assert (found.code, str(kept) in found.text) == ("journal-unreadable", True)
    assert isinstance(journal.activity(RESOURCE, "nagios", "7", NOW), Unread)
    assert isinstance(journal.activity(RESOURCE, "nagios", None, NOW), Activity)
    assert isinstance(journal.history(RESOURCE), History)
    (sentence,) = journal.prune(RESOURCE, NOW, KEEP)
    assert str(kept) in sentence
    assert (len(names(tmp_path)), kept.read_bytes()) == (2, damaged)
    assert journal.set_aside(RESOURCE) == ((str(kept), f"{kept}.damaged"),)
    assert totals(tmp_path) == Totals(2, 0, 10.0, 4.0)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"v":1}', b"\x00" * 40, b'{"v":2,"runs":0,"crc":"00000000"}'], ids=repr)
def test_any_bytes_that_are_no_record_are_damage(tmp_path: Path, data: bytes) -> None:
    """Never a count of nothing."""
    run(tmp_path, 1)
    (tmp_path / "runs/svc/sync#1/pruned.json").write_bytes(data)
    assert isinstance(totals(tmp_path), Unread)


def test_runs_that_changed_nothing_do_not_push_the_memory_out_of_reach(tmp_path: Path) -> None:
    """A hundred refusals after `pre_resync`: the access, the device and the success before them are still known."""
    run(tmp_path, 1)
    for number in range(100):
        run(tmp_path, 2 + number, READ_ONLY)
    history = book(tmp_path).history(RESOURCE)
    assert isinstance(history, History)
    assert (history.last_success_at, history.home, history.devices) == (AT + DAY + 10, {"LV1": BV}, {"LV1": "/dev/sdx"})


def test_the_memory_is_bounded_all_the_same(tmp_path: Path) -> None:
    """Twenty runs that changed something, two hundred of any kind."""
    run(tmp_path, 1)
    for number in range(20):
        run(tmp_path, 2 + number, FAILED)
    history = book(tmp_path).history(RESOURCE)
    assert isinstance(history, History)
    assert history.last_success_at is None
    for number in range(200):
        run(tmp_path, 50 + number, READ_ONLY)
    history = book(tmp_path).history(RESOURCE)
    assert isinstance(history, History)
    assert history.last_run_at is None


kinds = st.sampled_from([GOOD, GOOD, FAILED, MIXED, OPEN, LEFT, RESUMED, READ_ONLY, DEAD])


@settings(max_examples=60, deadline=None)
@given(st.lists(kinds, max_size=12), st.lists(st.integers(1, 400), max_size=3))
def test_whatever_was_done_a_prune_changes_no_answer(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[Item, ...]], days: list[int]
) -> None:
    """Memory, totals and activity are what they were, and what is gone was old and had an end."""
    state = tmp_path_factory.mktemp("state")
    for number, items in enumerate(history):
        run(state, 30 * number + 1, items, key=str(number))
    for day in sorted(days):
        moment = AT + day * DAY
        before = list(answers(state, len(history), moment))
        assert book(state).prune(RESOURCE, moment, KEEP) == ()
        assert list(answers(state, len(history), moment)) == before
        for number, items in enumerate(history):
            young = AT + (30 * number + 1) * DAY >= moment - KEEP
            if young or not isinstance(items[-1], Closed):
                assert any(name.endswith(f"{(30 * number + 1) * 1000:08x}.jsonl") for name in names(state))


def answers(state: Path, keys: int, now: float) -> Iterator[object]:
    """All that anybody asks of the journals."""
    yield book(state).history(RESOURCE)
    yield totals(state)
    yield from (book(state).activity(RESOURCE, "nagios", str(key), now) for key in range(keys))
