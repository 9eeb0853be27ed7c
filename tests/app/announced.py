"""A reader that answers only what was announced, with the screens that a simulated array prints."""

import json
import threading
from pathlib import Path
from typing import Any, Final

from necism_monitor.app.collect import collect
from necism_monitor.domain.model import Array, Pair, Resource
from necism_monitor.domain.names import ArrayName, LdName, ResourceName, ServiceName
from necism_monitor.domain.reading import NOTHING_KNOWN, Observation, Volumes
from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Ending, Output
from necism_monitor.simulator import scenario, screens, views
from necism_monitor.simulator.shapes import World

NOW: Final = 1_709_294_400.0
VIEW: Final = "iSMview -d"


def names(**homes: str) -> dict[LdName, LdName]:
    """SV=BV as the map of volumes keeps it."""
    return {LdName(sv): LdName(bv) for sv, bv in homes.items()}


def pair(lv: str, *svs: str) -> Pair:
    return Pair(LdName(lv), tuple(LdName(sv) for sv in svs))


def resource(*pairs: Pair, number: int = 1, array: str = "default") -> Resource:
    return Resource(ServiceName("app"), ResourceName(f"sync#{number}"), pairs, ArrayName(array))


def sv_query(name: str) -> str:
    return f"iSMsc_query -sv {name} -svflg ld"


def detail_query(name: str) -> str:
    return f"iSMsc_query -bv {name} -bvflg ld -detail"


def links_query(name: str) -> str:
    return f"iSMsc_linkinfo -vol {name} -volflg ld -lcl"


class Clock:
    """Stands at NOW until it is set."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Map:
    """A volume map in memory that counts what is saved."""

    def __init__(self, known: Volumes = NOTHING_KNOWN) -> None:
        self.known, self.saves, self.writable = known, 0, True

    def load(self) -> Volumes:
        return self.known

    def save(self, volumes: Volumes) -> bool:
        if self.writable:
            self.known, self.saves = volumes, self.saves + 1
        return self.writable


class Announced:
    """Answers each announced command once; any other command, or the same one again, fails the test."""

    def __init__(self) -> None:
        self.waiting: dict[str, Output] = {}
        self.sent: list[str] = []
        self.most_at_once = 0
        self._guard, self._at_once = threading.Lock(), 0
        self.meeting: threading.Barrier | None = None

    def announce(self, line: str, text: str = "", code: int = 0, ending: Ending = Ending.EXITED) -> None:
        late = ending in {Ending.TIMED_OUT, Ending.LOST}
        said = "" if code == 0 else "iSMsc_query:Error: iSM00000: it failed\n"
        self.waiting[line] = Output(tuple(line.split()), ending, None if late else code, text, said, NOW, NOW + 1)

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        line = " ".join(command.argv)
        with self._guard:
            assert line not in self.sent, f"sent twice: {line}"
            assert line in self.waiting, f"nobody announced: {line}"
            self.sent.append(line)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        if self.meeting is not None:
            self.meeting.wait(30)
        with self._guard:
            self._at_once -= 1
            return self.waiting.pop(line)


class Simulated:
    """The screens of a simulated array, and a reader to announce them to."""

    def __init__(self, directory: Path, content: dict[str, Any]) -> None:
        file = directory / "scenario.json"
        file.write_text(json.dumps({"arrays": {"default": content}}))
        self.world: World = scenario.load(file, NOW).arrays["default"].world
        self.reader, self.map = Announced(), Map()

    def expect(self, *lines: str) -> None:
        """Announce these commands with the screens of the world as it is."""
        for line in lines:
            self.reader.announce(line, self._screen(line))

    def fail(self, *lines: str, ending: Ending = Ending.EXITED) -> None:
        """Announce these commands with a failure."""
        for line in lines:
            self.reader.announce(line, "", 1, ending)

    def collect(self, *resources: Resource, parallel: int = 1) -> Observation:
        """One reading, in which everything announced was sent."""
        array = Array(ArrayName("default"), parallel_commands=parallel)
        seen = collect(self.reader, array, resources, self.map, Clock())
        assert list(self.reader.waiting) == [], "announced, and never sent"
        assert sum(seen.commands.values()) == len(self.reader.sent)
        self.reader.sent.clear()
        return seen

    def _screen(self, line: str) -> str:
        words = line.split()
        if line == VIEW:
            return views.array_list(self.world, monitoring=True)
        if words[0] == "iSMsc_linkinfo":
            return screens.linkinfo(self.world, words[2])
        if words[1] == "-bv":
            return screens.detail(self.world, words[2])
        return screens.plain(self.world, self.world["svs"][words[2]]["bv"], [words[2]])
