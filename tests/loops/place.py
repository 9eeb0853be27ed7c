"""A simulated array that a monitor may have refreshed: plugin and handler where it looks for them, dispatch at work."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.simulator.world import edit_world
from tests.resync.rig import Rig

ROOT: Final = Path(__file__).parents[2]
SET: Final = "erp-preprod"
GENEROUS: Final = 120
"""Seconds that only a hang reaches."""
HOUR: Final = 3600
PAIRS: Final = 2


class Check(NamedTuple):
    """One check that a monitor ran: the plugin's exit status and arguments."""

    exit: int
    words: str


class Place:
    """The rig, and a directory in which plugin and handler lie; both note how they were called."""

    def __init__(self, directory: Path, *callers: str) -> None:
        self.rig = Rig(directory / "array", "stale")
        self.rig.necism("cache_ttl", "1s", "array default")
        self.rig.service(f"automatic = {' '.join(callers)}", "consumers = none")
        self.directory, self.plugins = directory, directory / "plugins"
        self.plugins.mkdir()
        self._checks, self._events = directory / "checks", directory / "events"
        config = ["--config", str(self.rig.config_dir)]
        check = shlex.join([sys.executable, str(ROOT / "check_necism.py"), *config])
        self.plugin = self.script(
            "check_necism", f'{check} "$@"; code=$?', f'echo "$code $*" >>{self._checks}', "exit $code"
        )
        event = shlex.join([sys.executable, "-m", "necism_monitor", *config])
        self.handler = self.script("necism", f'echo "$*" >>{self._events}', f'exec {event} "$@"')
        self.age(1)

    def script(self, name: str, *lines: str) -> Path:
        """Write a program of the shell."""
        path = self.plugins / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return path

    def age(self, hours: float) -> None:
        """Let every image of the array be so old."""
        with edit_world(self.rig.directory) as world:
            for volume in world["svs"].values():
                volume["created"] = time.time() - hours * HOUR

    def checks(self) -> list[Check]:
        """Every check of the set that the plugin was started for, in order."""
        told = [line.partition(" ") for line in lines_of(self._checks)]
        return [Check(int(code), words) for code, _, words in told if SET in words]

    def events(self, kind: str) -> list[dict[str, str]]:
        """What the handler was told of states of that kind: the option's name and value, the selector as SEL."""
        told = [line.split(" ") for line in lines_of(self._events)]
        options = [dict(zip(words[2:-1:2], words[3:-1:2], strict=True)) | {"SEL": words[-1]} for words in told]
        return [one for one in options if one["--state-type"] == kind]

    def waiting(self) -> list[str]:
        """Requests that are not decided."""
        places = (self.rig.directory / "run/requests", self.rig.directory / "state/dispatch")
        return [path.name for place in places if place.exists() for path in place.iterdir()]

    def refused(self) -> list[str]:
        """The codes of what was refused."""
        return [refusal["code"] for refusal in self.rig.refusals()]

    def sent(self) -> dict[str, int]:
        """How many CHANGE commands of each kind were sent, by the call log."""
        return {verb: self.rig.sent(verb) for verb in ("unlink", "create", "link")}

    @contextlib.contextmanager
    def dispatch(self) -> Iterator[Server]:
        """`necism dispatch --loop`."""
        argv = [sys.executable, "-m", "necism_monitor", "--config", str(self.rig.config_dir), "dispatch", "--loop"]
        with running(argv, self.directory / "dispatch.log") as server:
            yield server


class Server:
    """A running process and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log
        self.also: Path | None = None
        """A second log, where the program keeps its own."""

    def told(self) -> str:
        """What it said, for whoever reads why a test failed."""
        return "".join(log.read_text(errors="replace") for log in (self.log, self.also) if log and log.exists())

    def until(self, condition: Callable[[], object], otherwise: str) -> None:
        """Wait for a condition; the process has to live meanwhile."""
        deadline = time.monotonic() + GENEROUS
        while not condition():
            assert self.process.poll() is None, f"it ended: {self.told()}"
            assert time.monotonic() < deadline, f"{otherwise}:\n{self.told()}"
            time.sleep(0.05)


@contextlib.contextmanager
def running(argv: Sequence[str], log: Path) -> Iterator[Server]:
    """A process that is asked to end at the end, and made to if it does not."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("NECISM_")}
    with log.open("wb") as written:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=written, stderr=written, env=environ)
    try:
        yield Server(process, log)
        assert process.poll() is None, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(GENEROUS)
        finally:
            process.kill()
            process.wait(GENEROUS)


def lines_of(path: Path) -> list[str]:
    """The complete lines of a file that somebody may be writing."""
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
