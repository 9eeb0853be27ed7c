"""The world file of a simulated array: read whole, changed under a lock, replaced atomically."""

from __future__ import annotations

import fcntl
import json
import os
import time

from necism_monitor.simulator import calls, operations, rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from necism_monitor.simulator.shapes import World

WORLD = "world.json"
LOCK = "world.lock"


def load(directory: str) -> World:
    """The world as it stands in its file. It is replaced whole, so no lock is needed to read it."""
    with open(f"{directory}/{WORLD}", encoding="utf-8") as file:  # noqa: PTH123 - pathlib slows every command's start
        world: World = json.load(file)
    return world


def save(directory: str, world: World) -> None:
    """Check the world, write it beside the old one and put it in its place; raises rules.ImpossibleWorld."""
    rules.check(world)
    temporary = f"{directory}/.{WORLD}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:  # noqa: PTH123 - as in load
        file.write(json.dumps(world))  # dumps without indent is the fast encoder
    os.replace(temporary, f"{directory}/{WORLD}")  # noqa: PTH105 - as in load


def settled(directory: str) -> World:
    """The world now, with every due effect landed; takes the lock only when something is due."""
    world = load(directory)
    now = time.time()
    if any(entry["due"] <= now for entry in world["pending"]):
        with edit_world(directory) as current:
            return current
    return world


def read_world(directory: str | os.PathLike[str]) -> World:
    """The world of the array in `directory` as it is now; changing the value changes nothing on the array."""
    return settled(os.fspath(directory))


class edit_world:  # noqa: N801 - used as a verb: with edit_world(directory) as world
    """Hold the world's lock, hand out the world, and on leaving check it and write it back if it changed.

    Due effects land first. An exception inside, or an impossible world (rules.ImpossibleWorld), leaves the file alone.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = os.fspath(directory)
        self._lock = -1

    def __enter__(self) -> World:
        self._lock = os.open(f"{self._directory}/{LOCK}", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            return self._open()
        except BaseException:  # whatever it was, the lock is given back and the error goes on
            os.close(self._lock)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and json.dumps(self._world) != self._before:
                save(self._directory, self._world)
        finally:
            os.close(self._lock)

    def _open(self) -> World:
        self._world = load(self._directory)
        landed = operations.settle(self._world, time.time())
        if landed:
            save(self._directory, self._world)
        for call, effect, why in landed:
            calls.log_effect(self._directory, call, effect, why)
        self._before = json.dumps(self._world)
        return self._world
