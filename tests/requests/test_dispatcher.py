"""The dispatcher alone, with a try of our making: arrays at once, errands in turn, and what each outcome does."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.spool import Spool
from necism_monitor.adapters.spool_inbox import Inbox
from necism_monitor.adapters.tray import Tray
from necism_monitor.app.desk import Report
from necism_monitor.app.dispatch import RETRY, Dispatcher, Office, take
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged
from necism_monitor.domain.model import Config, Listener, Pair, Resource, Service, Settings, Webhook
from necism_monitor.domain.names import ArrayName, LdName, ResourceName, ServiceName
from necism_monitor.domain.refusals import refusal
from necism_monitor.domain.request import Errand, Request
from tests.resync.rig import FastClock

GENEROUS = 60.0


def resource(array: str) -> Resource:
    pair = Pair(LdName("LV"), (LdName("SV"),))
    return Resource(ServiceName(array), ResourceName("sync#1"), (pair,), ArrayName(array))


CONFIG = Config(
    Settings(),
    (),
    (Service(ServiceName("all"), "all.conf", (resource("a"), resource("b"))),),
    Listener(""),
    Webhook(Listener("")),
)


class Bench:
    """An office in a directory, and a log of what it said."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.stopped: str | None = None
        self.clock, self.tray = FastClock(), Tray(folder / "state")
        self.run_dir = folder / "run"
        box = Inbox(self.run_dir)
        box.prepare()
        self.office = Office(
            box, self.tray, Journal(folder / "state"), self.clock, lambda _, text: self.said.append(text), self.stop
        )
        self.dispatcher = Dispatcher(self.office)

    def stop(self) -> str | None:
        return self.stopped

    def owe(self, array: str, key: str, told: str | None = None, age: float = 0.0) -> Errand:
        errand = Errand(f"{array}/sync#1", "nagios", key, "nagios", self.clock.now() - age, told)
        self.tray.keep(errand)
        return errand

    def owed(self) -> list[str]:
        return [errand.key for errand in self.tray.errands()[0]]

    def finish(self) -> None:
        while self.dispatcher.busy:
            self.dispatcher.wait(GENEROUS)


@pytest.fixture(name="bench")
def bench_fixture(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def done(one: Resource, errand: Errand) -> Report:
    return Report(one, 0, f"done {errand.key}", None, "run")


def refused(code: str) -> Report:
    said = refusal(code, "because")
    return Report(resource("a"), said.exit, said.text, said)


def test_an_array_that_takes_its_time_does_not_hold_the_others(bench: Bench) -> None:
    """One errand an array at a time, in the order in which they were asked; another array goes on meanwhile."""
    for age, (array, key) in enumerate([("a", "2"), ("a", "1"), ("b", "3")]):
        bench.owe(array, key, age=age)
    release, order, at_once = threading.Event(), list[str](), list[int]()
    inside = {"a": 0, "b": 0}

    def slowly(one: Resource, errand: Errand) -> Report:
        inside[one.array] += 1
        at_once.append(inside[one.array])
        if one.array == "a":
            assert release.wait(GENEROUS)
        order.append(errand.key)
        inside[one.array] -= 1
        return done(one, errand)

    bench.dispatcher.start(CONFIG, slowly)
    while "3" in bench.owed():
        bench.dispatcher.wait(0.01)
    assert (bench.dispatcher.busy, order) == (True, ["3"])
    bench.owe("b", "4")
    while "4" in bench.owed():
        bench.dispatcher.start(CONFIG, slowly)
        bench.dispatcher.wait(0.01)
    bench.clock.sleep(RETRY + 1)
    # What is being tried is not begun a second time, however long it takes.
    bench.dispatcher.start(CONFIG, slowly)
    release.set()
    bench.finish()
    assert (order, bench.owed(), set(at_once)) == (["3", "4", "1", "2"], [], {1})


def test_a_machine_without_threads_is_no_array_at_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The errand stays and is tried later; who drains what is at work does not wait for what never began."""
    bench.owe("a", "1")

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            bench.dispatcher.start(CONFIG, done)
    bench.dispatcher.wait(GENEROUS)
    assert (bench.dispatcher.busy, bench.owed()) == (False, ["1"])
    bench.dispatcher.again()
    bench.dispatcher.start(CONFIG, done)
    bench.finish()
    assert bench.owed() == []


@pytest.mark.proves("S10")
@pytest.mark.parametrize(("most", "together"), [(1, 1), (2, 2)])
def test_arrays_that_begin_at_once_do_not_exceed_the_budget_of_all(bench: Bench, most: int, together: int) -> None:
    """A run that has not begun yet is not in the journal: room is kept for it, and all are tried in the end."""
    for array in "ab":
        bench.owe(array, array)
    config = CONFIG._replace(settings=Settings(max_runs_per_hour=most))
    here, release, inside, highest = threading.Semaphore(0), threading.Event(), list[str](), list[int]()

    def slowly(one: Resource, errand: Errand) -> Report:
        inside.append(errand.key)
        highest.append(len(inside))
        here.release()
        assert release.wait(GENEROUS)
        inside.remove(errand.key)
        return done(one, errand)

    bench.dispatcher.start(config, slowly)
    for _ in range(together):
        assert here.acquire(timeout=GENEROUS)
    bench.dispatcher.wait(0.05)
    assert bench.dispatcher.due() == []
    release.set()
    while bench.owed():
        bench.dispatcher.start(config, slowly)
        bench.finish()
    assert max(highest) == together


@pytest.mark.parametrize("code", ["outside-window", "cooling-down", "over-budget", "locked"])
def test_what_ends_by_itself_is_waited_for_and_tried_now_and_then(bench: Bench, code: str) -> None:
    """The errand knows what was told, so that it is not told again; a clock that was put back holds nobody."""
    bench.owe("a", "1")
    seen: list[str | None] = []

    def held(_: Resource, errand: Errand) -> Report:
        seen.append(errand.told)
        return refused(code)

    for expected in (1, 1, 2):
        bench.dispatcher.start(CONFIG, held)
        bench.finish()
        assert len(seen) == expected
        bench.clock.sleep(RETRY / 2 + 1)
    bench.clock = FastClock()
    bench.dispatcher.again()
    bench.dispatcher.start(CONFIG, held)
    bench.finish()
    assert seen == [None, code, code]
    assert bench.owed() == ["1"]


@pytest.mark.parametrize(
    "code", ["not-needed", "needs-person", "killed", "key-spent", "not-automatic", "unfinished", "state-unreadable"]
)
def test_what_does_not_end_by_itself_ends_the_errand(bench: Bench, code: str) -> None:
    """It is decided; whoever asks again is heard again."""
    bench.owe("a", "1")
    bench.dispatcher.start(CONFIG, lambda *_: refused(code))
    bench.finish()
    assert bench.owed() == []


def test_a_failure_of_lock_or_journal_keeps_the_errand(bench: Bench) -> None:
    """It is counted, and tried again after a while; the next errand is tried all the same."""
    for age, key in enumerate("21"):
        bench.owe("a", key, age=age)
    tried: list[str] = []

    def broken(one: Resource, errand: Errand) -> Report:
        tried.append(errand.key)
        if len(tried) == 1:
            raise EnvironmentProblem("no space", "make some")
        if len(tried) == 2:
            raise JournalDamaged("damaged", "look")
        return done(one, errand)

    bench.dispatcher.start(CONFIG, broken)
    bench.finish()
    assert (tried, bench.owed(), bench.dispatcher.troubles) == (["1", "2"], ["1", "2"], 2)
    assert "a/sync#1: nagios, key 1 stays: no space (hint: make some)" in bench.said
    bench.clock.sleep(RETRY + 1)
    bench.dispatcher.start(CONFIG, broken)
    bench.finish()
    assert bench.owed() == []


def test_a_bug_keeps_its_errand_and_is_not_repeated(bench: Bench) -> None:
    """The same process does not try it again, the next one may; the other errands are carried out."""
    for age, key in enumerate("21"):
        bench.owe("a", key, age=age)

    def buggy(one: Resource, errand: Errand) -> Report:
        if errand.key == "1":
            raise ZeroDivisionError("oops")
        return done(one, errand)

    bench.dispatcher.start(CONFIG, buggy)
    bench.finish()
    assert (bench.owed(), bench.dispatcher.bugs) == (["1"], 1)
    assert any("a bug: ZeroDivisionError: oops" in line for line in bench.said)
    bench.clock.sleep(RETRY + 1)
    bench.dispatcher.again()
    assert bench.dispatcher.due() == []


def test_after_a_signal_no_further_errand_is_begun(bench: Bench) -> None:
    """What was turned back before a change stays, and so does what was not tried."""
    for age, key in enumerate("321"):
        bench.owe("a", key, age=age)

    def interrupted(one: Resource, errand: Errand) -> Report:
        if errand.key == "2":
            bench.stopped = "SIGTERM"
            # It had opened its journal, and changed nothing: the key is not spent.
            return Report(one, 5, "turned back", None, "run")
        return done(one, errand)

    bench.dispatcher.start(CONFIG, interrupted)
    bench.finish()
    assert bench.owed() == ["2", "3"]


def test_what_cannot_be_written_down_stays_in_the_spool(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk of the state directory loses no request."""
    Spool(bench.run_dir).put(Request("a", "nagios", "1"))

    def full(_: Errand) -> None:
        raise EnvironmentProblem("full", "make space")

    monkeypatch.setattr(bench.tray, "keep", full)
    with pytest.raises(EnvironmentProblem):
        take(bench.office, CONFIG)
    assert bench.office.box.waiting()


def test_a_refusal_that_cannot_be_recorded_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has it even where the journal cannot."""
    Spool(bench.run_dir).put(Request("nobody", "nagios", "1"))

    def full(_: object) -> None:
        raise EnvironmentProblem("the journal is full", "make space")

    monkeypatch.setattr(bench.office.book, "refuse", full)
    take(bench.office, CONFIG)
    assert any(line.startswith("refused: unknown-selector: ") for line in bench.said)
    assert "the journal is full" in bench.said
    assert not bench.office.box.waiting()


def test_requests_that_are_found_together_keep_their_order(bench: Bench) -> None:
    """The order in which they were left, which tells the newest of them: their names do not."""
    keys = [f"key{number}" for number in range(20)]
    spool = Spool(bench.run_dir)
    for place, key in enumerate(keys):
        asked_for = Request("a/sync#1", "nagios", key)
        spool.put(asked_for)
        os.utime(bench.run_dir / "requests" / asked_for.name, (place, place))
    take(bench.office, CONFIG._replace(services=(Service(ServiceName("a"), "a.conf", (resource("a"),)),)))
    assert bench.owed() == keys
