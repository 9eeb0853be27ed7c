"""What one visit of `doctor` finds out before anything is judged: each array is read once, and every answer kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import PurePath
from typing import NamedTuple

from necism_monitor.app.look import Sources, judge_now, read_array
from necism_monitor.app.ports import HostExclusive, Reader, Surroundings, VolumeMap
from necism_monitor.domain.guards import Situation, survey
from necism_monitor.domain.history import NO_HISTORY, History
from necism_monitor.domain.judge import basis_of
from necism_monitor.domain.model import Array, Resource
from necism_monitor.domain.names import ArrayName, LdName, ResourceId
from necism_monitor.domain.reading import BvScreen, LinkScreen, Observation, SvScreen, Unread, Volumes
from necism_monitor.domain.verdicts import ResourceVerdict, Verdicts
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.commands import ReadCommand, linkinfo, view_arrays
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.output import Output
from necism_monitor.ism.query import parse_detail, parse_sv

Screen = BvScreen | LinkScreen | SvScreen


class Clinic(NamedTuple):
    """What `doctor` works with."""

    sources: Sources
    here: Surroundings
    there: Mapping[ArrayName, Reader]
    """Sends READ commands to the host of each array's commands as they stand: without `ism_path` and prefix."""
    locks: Mapping[ArrayName, HostExclusive]
    killed: Callable[[], str | Unread | None]
    config_path: str
    files: tuple[str, ...]
    """The files of the configuration."""
    user: str
    say: Callable[[str], None]
    """Tells the log what was done."""

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays that a resource lies on, in configuration order."""
        config = self.sources.config
        return tuple(config.array(name) for name in dict.fromkeys(one.array for one in config.resources))


class Asked(NamedTuple):
    """One READ command and what came back."""

    command: ReadCommand
    output: Output

    @property
    def name(self) -> str:
        """The program."""
        return PurePath(self.command.argv[0]).name


class Recorder:
    """A Reader that keeps every answer; may be used by several threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.asked: list[Asked] = []

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """Run `command`."""
        output = self._reader.read(command, timeout)
        self.asked.append(Asked(command, output))
        return output


class KnownVolumes:
    """A volume map that is only read: whoever asks what is missing must not make it."""

    def __init__(self, inner: VolumeMap) -> None:
        self._inner = inner

    def load(self) -> Volumes:
        """What is remembered."""
        return self._inner.load()

    def save(self, volumes: Volumes) -> bool:
        """Nothing is kept."""
        del volumes
        return False


class Visit:
    """One array read after the other, once; everything else is asked when a check wants to know it."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic, self.config, self.here = clinic, clinic.sources.config, clinic.here
        self.asked: dict[ArrayName, tuple[Asked, ...]] = {}
        self.seen: dict[ArrayName, Observation] = {}
        for array in clinic.arrays:
            self._read(array.name)
        shown = tuple(one for one in self.config.resources if not one.hidden)
        self.verdicts: Verdicts = judge_now(clinic.sources, shown, self.seen)
        self.histories: Mapping[ResourceId, History | Unread] = clinic.sources.journals.histories(self.config.resources)
        self.now = self.verdicts.judged_at

    def _read(self, name: ArrayName) -> None:
        """Read the array as `status` does, and ask for its list of arrays and each BV's links even where not needed."""
        recorder = Recorder(self.clinic.sources.readers[name])
        readers = {**self.clinic.sources.readers, name: recorder}
        maps = {name: KnownVolumes(self.clinic.sources.maps[name])}
        seen = read_array(self.clinic.sources._replace(readers=readers, maps=maps), name)
        if not any("iSMview" in one.name for one in recorder.asked):
            recorder.read(view_arrays())
        for bv, screen in seen.bvs.items():
            if isinstance(screen, BvScreen) and screen.records and bv not in seen.links:
                recorder.read(linkinfo(next(iter(screen.records))))
        self.seen[name], self.asked[name] = seen, tuple(recorder.asked)

    @property
    def resources(self) -> tuple[ResourceVerdict, ...]:
        """The judged resources, in configuration order."""
        return self.verdicts.resources

    def array(self, resource: Resource) -> Array:
        """The array of a resource."""
        return self.config.array(resource.array)

    def situation(self, resource: Resource) -> Situation:
        """What the guards of a resync would be asked with."""
        remembered = self.histories[resource.id]
        history = NO_HISTORY if isinstance(remembered, Unread) else remembered
        sources = self.clinic.sources
        basis = basis_of(self.config, resource, self.seen[resource.array], history, sources.host_zone, self.now)
        return survey(basis, unique_names=True, force=True)

    @cached_property
    def screens(self) -> dict[ArrayName, tuple[Screen, ...]]:
        """Every screen of an array that could be read."""
        return {name: tuple(_screens(asked)) for name, asked in self.asked.items()}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name by which somebody else may drive what is ours."""
        found: set[str] = set()
        for resource in self.config.resources:
            found |= {
                resource.service,
                resource.id,
                *(name for pair in resource.pairs for name in (pair.lv, *pair.svs)),
            }
        for seen in self.seen.values():
            found |= {bv for bv in seen.bv_of.values() if isinstance(bv, LdName)}
        return frozenset(found)


def _screens(asked: Iterable[Asked]) -> Iterable[Screen]:
    for one in asked:
        text = text_of(one.output)
        screen = text if isinstance(text, Unread) else _parse(one.command.argv, text)
        if screen is not None and not isinstance(screen, Unread):
            yield screen


def _parse(argv: tuple[str, ...], text: str) -> Screen | Unread | None:
    """The screen of a query; None for the list of arrays."""
    if argv[1] == "-bv":
        return parse_detail(text, LdName(argv[2]))
    if argv[1] == "-sv":
        return parse_sv(text, LdName(argv[2]))
    return parse_linkinfo(text, LdName(argv[2])) if argv[1] == "-vol" else None
