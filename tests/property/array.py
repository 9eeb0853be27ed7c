"""Simulated arrays in this process: the simulator's own worlds, operations and screens, without a command's start."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.reading import NOTHING_KNOWN, Observation, Unread, Volumes
from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Ending, Output
from necism_monitor.simulator import changes, command, grammar, operations
from necism_monitor.simulator.reply import Reply, error
from necism_monitor.simulator.shapes import World

Tamper = Callable[[tuple[str, ...], str], str]
"""From a command line and its screen to what arrives of it."""


def answer(world: World, argv: tuple[str, ...]) -> Reply:
    """What the simulated READ command `argv` says of `world`."""
    name = argv[0]
    try:
        options = grammar.parse(name, list(argv[1:]))
        changes.check_volume_list(world)
        return Reply(0, command._SCREENS[name](world, options))
    except operations.Refused as refusal:
        return error(name, refusal.message_id, refusal.text)


def screen(world: World, *argv: str) -> str:
    """The screen of a READ command that is answered."""
    reply = answer(world, argv)
    assert reply.code == 0, reply.stderr
    return reply.stdout


class StillClock:
    """A clock that moves only when somebody waits."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.time += max(0.0, seconds)


class WorldReader:
    """Reads a world; `tamper` spoils what it says on its way."""

    def __init__(self, world: World, clock: StillClock, tamper: Tamper = lambda _argv, text: text) -> None:
        self._world, self._clock, self._tamper = world, clock, tamper
        self.calls: list[tuple[str, ...]] = []

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """The screen, at once."""
        del timeout
        self.calls.append(command.argv)
        reply, now = answer(self._world, command.argv), self._clock.now()
        text = self._tamper(command.argv, reply.stdout) if reply.code == 0 else reply.stdout
        return Output(command.argv, Ending.EXITED, reply.code, text, reply.stderr, now, now)


class Map:
    """Remembers in memory."""

    def __init__(self) -> None:
        self.volumes = NOTHING_KNOWN

    def load(self) -> Volumes:
        """What is remembered."""
        return self.volumes

    def save(self, volumes: Volumes) -> bool:
        """Remember."""
        self.volumes = volumes
        return True


class Store:
    """An observation file in memory."""

    def __init__(self) -> None:
        self.kept: dict[ArrayName, Observation | Unread] = {}

    def load(self) -> Mapping[ArrayName, Observation | Unread]:
        """What was saved."""
        return self.kept

    def save(self, observations: Mapping[ArrayName, Observation]) -> None:
        """Replace it."""
        self.kept = dict(observations)
