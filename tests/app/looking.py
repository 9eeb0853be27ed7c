"""A small world for what looks: captured screens from a reader that counts, may hang and may break."""

import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from necism_monitor.app.look import Sources
from necism_monitor.domain.diary import NO_DIARY, Diary
from necism_monitor.domain.history import NO_HISTORY, History, Totals
from necism_monitor.domain.model import Array, Config, Limits, Listener, Pair, Resource, Service, Settings, Webhook
from necism_monitor.domain.names import ArrayName, LdName, ResourceId, ResourceName, ServiceName
from necism_monitor.domain.reading import Observation, Unread, Volumes
from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Ending, Output

CAPTURE: Final = (Path(__file__).resolve().parents[1] / "captures" / "query_detail.txt").read_text()
TAKEN: Final = datetime(2014, 9, 9, 17, 27, 45, tzinfo=UTC).timestamp()
"""The date of the newer image in the capture."""
NOW: Final = TAKEN + 3600
GENEROUS: Final = 30
"""Seconds that only a hang reaches."""

BV: Final = LdName("xxxxxxxxxxx_00CC")
SV: Final = LdName("xxxxxxxxxxx_00cc_SV00ce")
LV: Final = LdName("xxxxxxxxxxx_00cc_LV00cf")
OLD_SV: Final = LdName("xxxxxxxxxxx_00cc_SV00cd")
OLD_LV: Final = LdName("xxxxxxxxxxx_00cc_LV00d0")


class FakeClock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class FakeReader:
    """Answers a detail query with `text`, others with `sv_text`; waits while `gate` is closed; may raise `error`."""

    def __init__(self, clock: FakeClock) -> None:
        self.text, self.sv_text, self.links_text, self.code, self.calls = CAPTURE, "", "", 0, 0
        self.gate, self.begun = threading.Event(), threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self._clock, self._guard = clock, threading.Lock()

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        with self._guard:
            self.calls += 1
        self.begun.set()
        assert self.gate.wait(GENEROUS)
        if self.error:
            raise self.error
        now = self._clock.now()
        text = self.text if "-detail" in command.argv else self.sv_text
        text = self.links_text if "-vol" in command.argv else text
        return Output(command.argv, Ending.EXITED, self.code, text, "", now, now)


class FakeMap:
    """Knows the BV of everything, so that a reading is one detail query."""

    def load(self) -> Volumes:
        return Volumes({SV: BV, OLD_SV: BV}, {}, ("D1_10",), NOW)

    def save(self, volumes: Volumes) -> bool:
        """Nothing is kept."""
        return False


class FakeJournals:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.known: dict[ResourceId, History | Unread] = {}
        self.changed_at: float | None = None
        self.left_out: list[ResourceId] = []
        self.error: Exception | None = None

    def histories(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, History | Unread]:
        if self.error:
            raise self.error
        return {one.id: self.known.get(one.id, NO_HISTORY) for one in resources}

    def diary(self, resources: tuple[Resource, ...], now: float) -> Diary:
        del resources, now
        return NO_DIARY

    def totals(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, Totals | Unread]:
        return {one.id: Totals() for one in resources}

    def refused(self, leaving_out: Collection[ResourceId] = ()) -> Mapping[str, int] | None:
        self.left_out = list(leaving_out)
        return {}

    def changes_since(self, at: float) -> Mapping[ResourceId, Mapping[LdName, float] | None]:
        del at
        return {}

    def last_change_at(self) -> float | None:
        return self.changed_at


class FakeStore:
    """An observation file in memory."""

    def __init__(self) -> None:
        self.saved: dict[ArrayName, Observation | Unread] = {}
        self.loads = 0

    def load(self) -> Mapping[ArrayName, Observation | Unread]:
        self.loads += 1
        return self.saved

    def save(self, observations: Mapping[ArrayName, Observation]) -> None:
        self.saved.update(observations)


class World:
    """Sources made of the fakes: resource sync#1 on array `default`, and what a test adds."""

    def __init__(self, settings: Settings | None = None, arrays: tuple[str, ...] = ("default",)) -> None:
        self.clock, self.journals, self.store = FakeClock(), FakeJournals(), FakeStore()
        self.settings = settings or Settings()
        self.arrays = tuple(ArrayName(name) for name in arrays)
        self.readers = {name: FakeReader(self.clock) for name in self.arrays}
        self.pairs: tuple[Pair, ...] = (Pair(LV, (SV,)),)
        self.limits = Limits()

    @property
    def reader(self) -> FakeReader:
        return self.readers[self.arrays[0]]

    def resource(self, number: int) -> Resource:
        name = ResourceName(f"sync#{number}")
        array = self.arrays[number - 1]
        return Resource(ServiceName("svc"), name, self.pairs, array=array, limits=self.limits)

    def sources(self, *resources: Resource) -> Sources:
        """The sources of `resources`, by default one on each array."""
        chosen = resources or tuple(self.resource(number) for number in range(1, len(self.arrays) + 1))
        listener = Listener("127.0.0.1:0")
        config = Config(
            self.settings,
            tuple(Array(name) for name in self.arrays),
            (Service(ServiceName("svc"), "svc.conf", chosen),),
            listener,
            Webhook(listener),
        )
        maps = {name: FakeMap() for name in self.arrays}
        return Sources(config, self.readers, maps, self.journals, self.store, self.clock, UTC)
