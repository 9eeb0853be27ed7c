"""Passes on simulated arrays: ours in each mode, and the plain sequence that most scripts use.

The plain sequence is the one that the log of 2014 shows: a status asks twice per pair (2N), a resync asks four times
and changes three times per pair (7N), one command after the other, nothing shared and nothing remembered.  It is sent
here as bare commands, through the same process runner, to an array of the same making with the same latencies.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Mode, Pass, read_pass
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.app.look import look
from necism_monitor.app.resync import resync
from necism_monitor.cli.action import Stop, make_desk, make_request
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.create import create
from necism_monitor.simulator.world import read_world

LONGEST_COMMAND = 600
Argv = tuple[str, ...]


class Shape(NamedTuple):
    """How many pairs on how many base volumes."""

    pairs: int
    bvs: int

    @property
    def promised(self) -> int:
        """The commands that a resync may take: three changes a pair, two readings a base volume."""
        return 3 * self.pairs + 2 * self.bvs

    def __str__(self) -> str:
        return f"{self.pairs}/{self.bvs}"


SHAPES = (Shape(2, 2), Shape(8, 2), Shape(32, 8))


class Job(NamedTuple):
    """One pass to be made."""

    shape: Shape
    mode: Mode
    factor: float
    delay: float = 0.0
    """Seconds to wait first, so that passes side by side do not start their commands all at one moment."""


def perform(job: Job) -> Pass:
    """Make one pass on an array of its own, map and array warm, and read its figures."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "array"
        config = create(place, write_scenario(job.shape, job.mode, Path(name)), str(job.factor)).config
        refresh_status(config)
        before = len(read_calls(place))
        time.sleep(job.delay)
        if job.mode is Mode.REFERENCE:
            send(place / "bin", plain_resync(job.shape))
        else:
            run_resync(config)
        return read_pass(job.mode, job.factor, read_calls(place)[before:], read_world(place))


def write_scenario(shape: Shape, mode: Mode, directory: Path) -> Path:
    """A scenario file: `shape`, with the resource's keys for `mode`; where pairs take turns, two SVs each."""
    pairs, names = range(shape.pairs), ("a", "b") if mode is Mode.ALTERNATING else ("",)
    svs = {f"SV{n:02}{name}": {"bv": _bv(shape, n), "age": "5h"} for n in pairs for name in names}
    lvs = {f"LV{n:02}": {"bv": _bv(shape, n), "shows": f"SV{n:02}{names[0]}"} for n in pairs}
    devs = " ".join("|".join(f"SV{n:02}{name}" for name in names) + f":LV{n:02}" for n in pairs)
    service = ["[sync#1]", "type = necismsnap", "consumers = none", *_keys(shape, mode), f"devs = {devs}"]
    array = {"bvs": {f"BV{n}": {} for n in range(shape.bvs)}, "svs": svs, "lvs": lvs}
    path = directory / "scenario.json"
    path.write_text(json.dumps({"arrays": {"default": array}, "services": {"bench.conf": service}}))
    return path


def _bv(shape: Shape, number: int) -> str:
    return f"BV{number % shape.bvs}"


def _keys(shape: Shape, mode: Mode) -> list[str]:
    order = "pair" if mode is Mode.PAIR else "set"
    return [f"order = {order}", f"parallel = {shape.bvs if mode is Mode.SET_PARALLEL else 1}"]


def refresh_status(config: Path) -> None:
    """One status pass."""
    sources = make_sources(load_config(Paths(config=str(config)), {}))
    look(sources, sources.config.resources)


def run_resync(config: Path) -> None:
    """One resync, as the command line does it; raises SystemExit where it is not done and verified."""
    sources = make_sources(load_config(Paths(config=str(config)), {}))
    resource = sources.config.resources[0]
    with Progress(visible=False) as progress:
        desk = make_desk(sources, resource, Stop(), "bench", progress)
        report = resync(desk, resource, make_request())
    if report.exit != 0:
        raise SystemExit(f"the resync ended with {report.exit}: {report.text}")


def send(programs: Path, commands: Iterable[Argv]) -> None:
    """Send one command after the other; raises SystemExit at the first that fails."""
    runner = ProcessRunner()
    for argv in commands:
        output = runner.read((str(programs / argv[0]), *argv[1:]), LONGEST_COMMAND)
        if not output.succeeded:
            raise SystemExit(f"{' '.join(argv)}: {output.stdout}{output.stderr}")


def plain_status(shape: Shape) -> Iterator[Argv]:
    """Two questions a pair."""
    for n in range(shape.pairs):
        yield ("iSMsc_query", "-sv", f"SV{n:02}", "-svflg", "ld")
        yield ("iSMsc_linkinfo", "-vol", f"SV{n:02}", "-volflg", "ld", "-lcl")


def plain_resync(shape: Shape) -> Iterator[Argv]:
    """Seven commands a pair: unlink all, create all, link all, with a question before each and two before a create."""
    for n in range(shape.pairs):
        yield ("iSMsc_linkinfo", "-vol", f"SV{n:02}", "-volflg", "ld", "-lcl")
        yield ("iSMsc_unlink", "-lv", f"LV{n:02}", "-lvflg", "ld")
    for n in range(shape.pairs):
        yield ("iSMsc_query", "-sv", f"SV{n:02}", "-svflg", "ld")
        yield ("iSMsc_query", "-bv", _bv(shape, n), "-bvflg", "ld", "-detail")
        yield ("iSMsc_create", "-bv", _bv(shape, n), "-sv", f"SV{n:02}", "-bvflg", "ld", "-svflg", "ld")
    for n in range(shape.pairs):
        yield ("iSMsc_linkinfo", "-vol", f"SV{n:02}", "-volflg", "ld", "-lcl")
        yield ("iSMsc_link", "-lv", f"LV{n:02}", "-sv", f"SV{n:02}", "-lvflg", "ld", "-svflg", "ld")
