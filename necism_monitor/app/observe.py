"""Observing for a server: many ask at once, each within its own time, and every array is asked once.

A reading runs in a thread of its own array.  Whoever asks meanwhile joins it; whoever cannot wait for its end gets the
last good values with an honest `unknown`, and the reading goes on for the next one who asks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError, wait
from typing import NamedTuple

from necism_monitor.app.look import Sources, observe
from necism_monitor.app.memory import Memory, visible
from necism_monitor.app.ports import ObservationStore
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import Resource, Source
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.offsets import clock_offsets
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.render.last_good import Books, Sight

LOG = logging.getLogger(__name__)
Answer = Observation | Unread


class Flight(NamedTuple):
    """One reading of one array that is going on, or has just ended."""

    array: ArrayName
    sources: Sources
    answer: Future[Answer]
    started: float
    """On the monotonic clock."""


class Outlook(NamedTuple):
    """What one caller waits for, and the configuration it is judged by."""

    sources: Sources
    flights: tuple[Flight, ...]

    def wait_for(self, within: float) -> tuple[tuple[Flight, ...], float]:
        """The readings worth waiting for, and how many seconds at most.

        A reading that has had its time already is not: an array that hangs delays one caller, not every caller.
        """
        until = time.monotonic() - within
        flights = tuple(one for one in self.flights if one.started > until and not one.answer.done())
        return flights, max((one.started - until for one in flights), default=0.0)


class _Judged(NamedTuple):
    """A sight and what it rests on: it is good until one of these changes, or time changes a verdict."""

    sources: Sources
    seen: Mapping[ArrayName, Answer]
    sight: Sight

    def holds(self, now: float) -> bool:
        """Whether time alone has changed nothing."""
        verdicts = self.sight.verdicts
        return verdicts.judged_at <= now and (verdicts.valid_until is None or now < verdicts.valid_until)


class _Store:
    """The observation file and what this process read itself, the newer of both."""

    def __init__(self, file: ObservationStore, own: Mapping[ArrayName, Observation]) -> None:
        self._file, self._own = file, own

    def load(self) -> Mapping[ArrayName, Answer]:
        """The newest observation of each array."""
        merged = dict(self._file.load())
        for name, mine in self._own.items():
            saved = merged.get(name)
            if not isinstance(saved, Observation) or saved.ended_at <= mine.ended_at:
                merged[name] = mine
        return merged

    def save(self, observations: Mapping[ArrayName, Observation]) -> None:
        """Replace the file."""
        self._file.save(observations)


class Observatory:
    """Sights of all visible resources; may be used by several threads, and never raises for what an array says."""

    def __init__(self, sources: Sources) -> None:
        self._guard, self._judging = threading.Lock(), threading.Lock()
        self._sources, self._stopped = sources, False
        self._flights: dict[ArrayName, Flight] = {}
        self._turns: dict[ArrayName, threading.Lock] = {}
        self._own: dict[ArrayName, Observation] = {}
        self._failed: dict[ArrayName, tuple[float, Unread]] = {}
        self._memory = Memory()
        self._judged: _Judged | None = None

    def verdicts(self, within: float) -> Sight:
        """What is known now, or in at most `within` seconds."""
        outlook = self.begin()
        flights, seconds = outlook.wait_for(within)
        wait([flight.answer for flight in flights], timeout=seconds)
        return self.conclude(outlook)

    def begin(self) -> Outlook:
        """Start a reading of each array, or join the one that is going on; returns at once."""
        with self._guard:
            sources = self._sources
            names = dict.fromkeys(resource.array for resource in visible(sources))
            return Outlook(sources, tuple(self._join(sources, name) for name in names))

    def conclude(self, outlook: Outlook, *, fresh: bool = False) -> Sight:
        """Judge what has been read by now; the same sight as before unless something changed, or `fresh` is asked."""
        seen = {one.array: one.answer.result() if one.answer.done() else _late(one.array) for one in outlook.flights}
        with self._judging:
            try:
                return self._judge(outlook.sources, seen, fresh=fresh)
            except Exception as error:
                LOG.exception("the observations could not be judged")
                return self._blind(outlook.sources, {name: _bug(name, error) for name in seen})

    def reload(self, sources: Sources) -> None:
        """Go on with another configuration; readings by the old one end unheard, and before new ones begin."""
        with self._guard:
            self._sources = sources
            self._own.clear()
            self._failed.clear()
        with self._judging:
            self._memory.forget_others(visible(sources))

    def stop(self) -> None:
        """Let everybody who waits go; readings are not interrupted, but nobody hears of them."""
        with self._guard:
            self._stopped = True
            flights = tuple(self._flights.values())
        for flight in flights:
            _tell(flight, _late(flight.array))

    @property
    def busy(self) -> bool:
        """Whether a reading is going on."""
        with self._guard:
            return bool(self._flights)

    def _join(self, sources: Sources, name: ArrayName) -> Flight:
        flying = self._flights.get(name)
        if flying is not None and flying.sources is sources:
            return flying
        flight = Flight(name, sources, Future(), time.monotonic())
        flight.answer.set_running_or_notify_cancel()
        if self._stopped:
            _tell(flight, _late(name))
            return flight
        self._flights[name] = flight
        turn = self._turns.setdefault(name, threading.Lock())
        try:
            # A daemon: an array that hangs must not keep the process from ending.
            threading.Thread(target=self._fly, args=(flight, turn), name=f"read-{name}", daemon=True).start()
        except RuntimeError as error:
            del self._flights[name]
            _tell(flight, Unread("query-failed", f"array {name} was not read: {error}", "look at this host's limits"))
        return flight

    def _fly(self, flight: Flight, turn: threading.Lock) -> None:
        with turn:
            answer = self._ask(flight.sources, flight.array)
        with self._guard:
            if self._flights.get(flight.array) is flight:
                del self._flights[flight.array]
            if flight.sources is self._sources:
                self._note(flight, answer)
        _tell(flight, answer)

    def _note(self, flight: Flight, answer: Answer) -> None:
        """Remember a reading of our own; what was read from a file is read from it again."""
        if flight.sources.config.settings.source is Source.FILE:
            return
        if isinstance(answer, Observation):
            self._own[flight.array] = answer
            self._failed.pop(flight.array, None)
        else:
            self._failed.setdefault(flight.array, (flight.sources.clock.now(), answer))

    def _ask(self, sources: Sources, name: ArrayName) -> Answer:
        try:
            failed = self._recent_failure(sources, name)
            if failed is not None:
                return failed
            merged = sources._replace(store=_Store(sources.store, self._own.copy()))
            seen = observe(merged, tuple(one for one in visible(sources) if one.array == name))[name]
            # How many commands it took says nothing of the array, and would make the same reading look like another.
            return seen._replace(commands={}) if isinstance(seen, Observation) else seen
        except Exception as error:
            LOG.exception("array %s could not be read", name)
            return _bug(name, error)

    def _recent_failure(self, sources: Sources, name: ArrayName) -> Unread | None:
        """A failure is not tried again before `cache_ttl`, or every scrape would."""
        with self._guard:
            when, why = self._failed.get(name, (0.0, None))
            if why is not None and 0 <= sources.clock.now() - when < sources.config.array(name).cache_ttl:
                return why
            self._failed.pop(name, None)
            return None

    def _judge(self, sources: Sources, seen: dict[ArrayName, Answer], *, fresh: bool) -> Sight:
        resources, last = visible(sources), self._judged
        books = _open_books(sources, resources)
        now = sources.clock.now()
        known = last and last.sources is sources and last.seen == seen and last.sight.books == books
        if last and known and not fresh and last.holds(now):
            return last.sight
        self._memory.learn(sources, seen)
        offsets = clock_offsets(sources.config, books.histories, sources.host_zone)
        evidence = Evidence(seen, books.histories, offsets)
        verdicts = judge(sources.config, resources, evidence, sources.host_zone, now)
        sight = Sight(verdicts, self._memory.pairs(resources), dict(self._memory.readings), books)
        if not fresh:
            self._judged = _Judged(sources, seen, sight)
        return sight

    def _blind(self, sources: Sources, seen: dict[ArrayName, Answer]) -> Sight:
        resources = visible(sources)
        verdicts = judge(sources.config, resources, Evidence(seen, {}), sources.host_zone, sources.clock.now())
        return Sight(verdicts, self._memory.pairs(resources), dict(self._memory.readings))


def _open_books(sources: Sources, resources: tuple[Resource, ...]) -> Books:
    """What the journals say of `resources`; hidden ones are not counted among the refusals either."""
    journals, hidden = sources.journals, [one.id for one in sources.config.resources if one.hidden]
    return Books(journals.histories(resources), journals.totals(resources), journals.refused(hidden))


def _tell(flight: Flight, answer: Answer) -> None:
    """Answer whoever waits, unless they were told something before."""
    try:
        flight.answer.set_result(answer)
    except InvalidStateError:
        LOG.debug("nobody waits any more for array %s", flight.array)


def _late(name: ArrayName) -> Unread:
    text = f"the reading of array {name} has not ended yet; it goes on"
    return Unread("timed-out", text, "the array or its path may hang; run `iSMsc_query` by hand and watch it")


def _bug(name: ArrayName, error: Exception) -> Unread:
    text = f"array {name}: {type(error).__name__}: {error}"
    return Unread("query-failed", text, "this is a bug of necism-monitor: report it with the log of the exporter")
