"""Carries out requests: takes them out of the spool, tries each at its resource, and keeps it until it is decided.

What a request may start is decided where every resync is decided; here it is only carried there.  Whatever kills this
process, an errand is on disk until the journal holds its key or its refusal is on record, so none is lost; and because
a spent key starts nothing, none runs twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from necism_monitor.app.desk import Report
from necism_monitor.app.ports import Clock, ErrandTray, JournalBook, RequestBox
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged, UsageError
from necism_monitor.domain.model import Config, Resource
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.refusals import refusal
from necism_monitor.domain.request import WAITING, Errand, Found
from necism_monitor.domain.selectors import select

RETRY: float = 30.0
"""Seconds between two tries of an errand that waits."""
TOLD: int = 10
"""Rejected files of one look that are recorded each for itself; of a flood the rest is one record."""
_NEXT: float = 1e-6
"""Seconds: requests that are found together keep their order."""

Try = Callable[[Resource, Errand], Report]


class Office(NamedTuple):
    """What dispatch works with, whatever the configuration says."""

    box: RequestBox
    tray: ErrandTray
    book: JournalBook
    clock: Clock
    say: Callable[[str, str], None]
    """Level and text of a log entry."""
    stop: Callable[[], str | None]


class Dispatcher:
    """One array works at one errand at a time; several arrays work at once."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._tried: dict[str, float] = {}
        self._busy: dict[ArrayName, threading.Thread] = {}
        self._broken: set[str] = set()
        self._guard, self._at_work, self._postponed = threading.Lock(), 0, set[str]()
        self.bugs = 0
        """Errands at which this program itself failed; they stay, and are not tried again by this process."""
        self.troubles = 0
        """Errands that could not be tried, because lock or journal could not be had."""

    @property
    def busy(self) -> bool:
        """Whether an errand is being tried."""
        return any(thread.is_alive() for thread in self._busy.values())

    def again(self) -> None:
        """Try everything that waits at once."""
        self._tried = {}

    def due(self) -> list[Errand]:
        """What is to be tried now.  Raises EnvironmentProblem."""
        errands, broken = self._office.tray.errands()
        for sentence in broken:
            self._office.say("ERROR", sentence)
        known, now = {one.name for one in errands}, self._office.clock.now()
        for gone in set(self._tried) - known:
            self._tried.pop(gone, None)
        return [one for one in errands if self._is_due(one, now)]

    def _is_due(self, errand: Errand, now: float) -> bool:
        if errand.name in self._broken or errand.name in self._postponed:
            return False
        tried = self._tried.get(errand.name)
        # A clock that was put back must not make anybody wait for it.
        return tried is None or abs(now - tried) >= RETRY

    def start(self, config: Config, attempt: Try) -> None:
        """Try what is due, each array's in its order; an array that is at work comes later.

        Raises EnvironmentProblem.
        """
        # Asked first: what an array is still at must not be taken for undecided once it has ended.
        resting = {one.array for one in config.resources if not self._is_at_work(one.array)}
        resources = {str(one.id): one for one in config.resources}
        work: dict[ArrayName, list[tuple[Resource, Errand]]] = {}
        for errand in self.due():
            resource = resources.get(errand.resource)
            if resource is None:
                _refuse_unknown(self._office, errand, errand.resource, "nothing is named so any more")
                self._office.tray.drop(errand)
            elif resource.array in resting:
                work.setdefault(resource.array, []).append((resource, errand))
        for array, batch in work.items():
            self._note(batch)
            most = config.settings.max_runs_per_hour
            thread = threading.Thread(target=self._work, args=(batch, attempt, most), name=f"dispatch-{array}")
            thread.start()
            # Not before: where no thread can be started there is none to wait for.
            self._busy[array] = thread

    def _is_at_work(self, array: ArrayName) -> bool:
        return array in self._busy and self._busy[array].is_alive()

    def _note(self, batch: list[tuple[Resource, Errand]]) -> None:
        now = self._office.clock.now()
        self._tried.update({errand.name: now for _, errand in batch})

    def _work(self, batch: list[tuple[Resource, Errand]], attempt: Try, most: int) -> None:
        for resource, errand in batch:
            if self._office.stop():
                return
            if self._admitted(resource, errand, most):
                try:
                    self._try(resource, errand, attempt)
                finally:
                    self._leave()

    def _admitted(self, resource: Resource, errand: Errand, most: int) -> bool:
        """Whether all who are at work, and one more, fit into `max_runs_per_hour`: their runs may not have begun yet.

        One that does not is postponed until somebody has ended.
        """
        with self._guard:
            if self._at_work and self._begun_lately(resource, errand, most) + self._at_work >= most:
                self._postponed.add(errand.name)
                self._tried.pop(errand.name, None)
                return False
            self._at_work += 1
            return True

    def _begun_lately(self, resource: Resource, errand: Errand, most: int) -> int:
        """Automatic runs of the last hour; as many as are allowed where nobody can tell."""
        lately = self._office.book.activity(resource, errand.trigger, errand.key, self._office.clock.now())
        return most if isinstance(lately, Unread) else len(lately.hourly)

    def _leave(self) -> None:
        with self._guard:
            self._at_work -= 1
            self._postponed.clear()

    def _try(self, resource: Resource, errand: Errand, attempt: Try) -> None:
        try:
            self._settle(resource, errand, attempt(resource, errand))
        except (EnvironmentProblem, JournalDamaged) as problem:
            self.troubles += 1
            self._office.say("ERROR", f"{resource.id}: {errand} stays: {problem.text} (hint: {problem.hint})")
        except Exception as error:  # noqa: BLE001 - one errand's bug costs the others nothing
            self.bugs += 1
            self._broken.add(errand.name)
            self._office.say("ERROR", f"{resource.id}: {errand} stays: a bug: {type(error).__name__}: {error}")

    def _settle(self, resource: Resource, errand: Errand, report: Report) -> None:
        """Keep an errand that waits, or that somebody stopped; drop one that is decided."""
        code = report.refusal.code if report.refusal else None
        if code in WAITING and not errand.too_old(self._office.clock.now()):
            self._wait(resource, errand._replace(told=code))
            level = "DEBUG" if code == errand.told else "INFO"
            self._office.say(level, f"{resource.id}: {errand}: waits, and is tried again ({code})")
        elif code is None and self._was_stopped(resource, errand, report):
            self._office.say("WARNING", f"{resource.id}: {errand} stays: {report.text}")
        else:
            self._office.tray.drop(errand)
            ended = "given up after it waited for days" if code in WAITING else f"decided, exit {report.exit}"
            self._office.say("INFO", f"{resource.id}: {errand}: {ended}: {report.text}")

    def _was_stopped(self, resource: Resource, errand: Errand, report: Report) -> bool:
        """Whether a signal came before the first CHANGE, so that the key is not spent; else whatever ran has run."""
        if report.run_id is None:
            return True
        if not self._office.stop():
            return False
        lately = self._office.book.activity(resource, errand.trigger, errand.key, self._office.clock.now())
        return isinstance(lately, Unread) or not lately.spent

    def _wait(self, resource: Resource, errand: Errand) -> None:
        """Of one caller only the newest problem of a resource waits: when it comes to its run, that answers all."""
        others = [one for one in self._office.tray.errands()[0] if _is_like(one, errand)]
        newest = max([errand, *others], key=lambda one: (one.asked_at, one.name))
        self._office.tray.keep(newest)
        for one in (errand, *others):
            if one.name != newest.name:
                self._office.tray.drop(one)
                self._office.say("INFO", f"{resource.id}: {one}: {one.told}; a newer request waits in its place")

    def wait(self, seconds: float) -> None:
        """Until the errands that are being tried are settled, at most so long."""
        for thread in list(self._busy.values()):
            thread.join(seconds)


def _is_like(one: Errand, errand: Errand) -> bool:
    """Whether it waits, too, and for the same."""
    same = (one.resource, one.trigger) == (errand.resource, errand.trigger)
    return same and one.told is not None and one.name != errand.name


def take(office: Office, config: Config) -> None:
    """Empty the spool: every request becomes an errand of each resource it names, everything else is refused.

    Raises EnvironmentProblem; what could not be written down stays in the spool.
    """
    found = office.box.scan()
    rejected = [one for one in found if one.request is None]
    for one in rejected:
        office.box.remove(one.name)
    _record_rejected(office, rejected)
    for one, errand in _errands_of(office, config, found):
        if errand is not None and not office.tray.holds(errand):
            office.tray.keep(errand)
            office.say("INFO", f"{errand.resource}: a request of {errand.user}: {errand}")
        if errand is None:
            office.box.remove(one.name)


def _errands_of(office: Office, config: Config, found: list[Found]) -> Iterator[tuple[Found, Errand | None]]:
    """Each request's errands, and None when it has no more; what was left there earlier was asked earlier."""
    looked = office.clock.now()
    for place, one in enumerate(found):
        now = looked + place * _NEXT
        if one.request is None:
            continue
        selector, trigger, key = one.request
        try:
            resources = select(config, [selector], allow_all=False, include_hidden=True)
        except UsageError as error:
            _refuse_unknown(office, Errand(selector, trigger, key, one.user, now), selector, error.text)
            resources = ()
        for resource in resources:
            yield one, Errand(str(resource.id), trigger, key, one.user, now)
        yield one, None


def _refuse_unknown(office: Office, errand: Errand, selector: str, why: str) -> None:
    refused = refusal("unknown-selector", f"a request of {errand.user} names {selector!r}: {why}")
    asked = {"trigger": errand.trigger, "key": errand.key, "user": errand.user}
    _record(office, {**asked, **refused._asdict()})


def _record_rejected(office: Office, rejected: list[Found]) -> None:
    """One record each, so that nothing was refused in silence; a flood does not fill the journal's disk."""
    for one in rejected[:TOLD]:
        text = f"{one.name[:80]!r} in the spool, owned by {one.user}: {one.why}"
        _record(office, {"user": one.user, **refusal("request-rejected", text)._asdict()})
    more = rejected[TOLD:]
    if more:
        owners = ", ".join(sorted({one.user for one in more})[:TOLD])
        text = f"{len(more)} more entries in the spool, owned by {owners}: the last of them: {more[-1].why}"
        _record(office, {"user": owners, **refusal("request-rejected", text)._asdict()})


def _record(office: Office, record: dict[str, object]) -> None:
    """Note a refusal that belongs to no resource."""
    office.say("ERROR", f"refused: {record['code']}: {record['text']} (hint: {record['hint']})")
    try:
        office.book.refuse({"at": office.clock.now(), **record})
    except EnvironmentProblem as problem:
        office.say("WARNING", problem.text)
