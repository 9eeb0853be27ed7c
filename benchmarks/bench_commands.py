"""What a reading and a resync cost in commands and in detached time, beside the plain sequence most scripts use.

The reference is the one-pair-at-a-time sequence that the log of 2014 shows: status asks twice per pair (2N); a resync
asks four times and changes three times per pair (7N), one command after the other.  It runs here, as commands on the
same simulated array with the same latencies, in the same run.  Figures are counts and ratios; the seconds are printed
for orientation only.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.app.look import look
from necism_monitor.app.resync import resync
from necism_monitor.cli.action import Stop, make_desk, make_request
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.create import create

LATENCY = "0.02"
SHAPES = ((2, 2), (8, 2), (32, 8))


class Cost(NamedTuple):
    """What one pass cost."""

    commands: int
    seconds: float
    detached: float


def scenario(pairs: int, bvs: int, place: Path) -> Path:
    """A scenario file with `pairs` pairs on `bvs` base volumes."""
    svs = {f"SV{n:02}": {"bv": f"BV{n % bvs}", "age": "5h", "ldn": 100 + n} for n in range(pairs)}
    lvs = {f"LV{n:02}": {"bv": f"BV{n % bvs}", "shows": f"SV{n:02}", "ldn": 200 + n} for n in range(pairs)}
    devs = " ".join(f"SV{n:02}:LV{n:02}" for n in range(pairs))
    world = {
        "description": f"{pairs} pairs on {bvs} base volumes",
        "arrays": {"default": {"bvs": {f"BV{n}": {} for n in range(bvs)}, "svs": svs, "lvs": lvs}},
        "services": {"bench.conf": ["[sync#1]", "type = necismsnap", "consumers = none", f"devs = {devs}"]},
    }
    place.write_text(json.dumps(world))
    return place


def ours(directory: Path, pairs: int, bvs: int) -> tuple[Cost, Cost]:
    """A warm status and a resync with a warm map."""
    made = create(directory / "ours", scenario(pairs, bvs, directory / "world.json"), LATENCY)
    config = load_config(Paths(config=str(made.config)), {})
    sources = make_sources(config)
    look(sources, config.resources)
    before, began = len(read_calls(directory / "ours")), time.monotonic()
    look(sources, config.resources)
    status = Cost(len(read_calls(directory / "ours")) - before, time.monotonic() - began, 0.0)
    before, began = len(read_calls(directory / "ours")), time.monotonic()
    with Progress(visible=False) as progress:
        desk = make_desk(sources, config.resources[0], Stop(), "bench", progress)
        report = resync(desk, config.resources[0], make_request())
    if report.exit != 0:
        raise SystemExit(f"the resync ended with {report.exit}: {report.text}")
    calls = read_calls(directory / "ours")
    return status, Cost(len(calls) - before, time.monotonic() - began, detached(calls[before:]))


def reference(directory: Path, pairs: int, bvs: int) -> tuple[Cost, Cost]:
    """The same passes by the plain sequence: every question once per pair, nothing shared."""
    create(directory / "plain", scenario(pairs, bvs, directory / "world.json"), LATENCY)
    runner, programs = ProcessRunner(), directory / "plain" / "bin"

    def send(argv: tuple[str, ...]) -> None:
        output = runner.read((str(programs / argv[0]), *argv[1:]), 60)
        if not output.succeeded:
            raise SystemExit(f"{argv}: {output.stderr}")

    began = time.monotonic()
    for argv in plain_status(pairs):
        send(argv)
    calls = read_calls(directory / "plain")
    status = Cost(len(calls), time.monotonic() - began, 0.0)
    before, began = len(calls), time.monotonic()
    for argv in plain_resync(pairs, bvs):
        send(argv)
    calls = read_calls(directory / "plain")[before:]
    return status, Cost(len(calls), time.monotonic() - began, detached(calls))


def plain_status(pairs: int) -> Iterator[tuple[str, ...]]:
    """Two questions a pair."""
    for n in range(pairs):
        yield ("iSMsc_query", "-sv", f"SV{n:02}", "-svflg", "ld")
        yield ("iSMsc_linkinfo", "-vol", f"SV{n:02}", "-volflg", "ld", "-lcl")


def plain_resync(pairs: int, bvs: int) -> Iterator[tuple[str, ...]]:
    """Seven commands a pair: unlink all, create all, link all, with a question before each and two before a create."""
    for n in range(pairs):
        yield ("iSMsc_linkinfo", "-vol", f"SV{n:02}", "-volflg", "ld", "-lcl")
        yield ("iSMsc_unlink", "-lv", f"LV{n:02}", "-lvflg", "ld")
    for n in range(pairs):
        yield ("iSMsc_query", "-sv", f"SV{n:02}", "-svflg", "ld")
        yield ("iSMsc_query", "-bv", f"BV{n % bvs}", "-bvflg", "ld", "-detail")
        yield ("iSMsc_create", "-bv", f"BV{n % bvs}", "-sv", f"SV{n:02}", "-bvflg", "ld", "-svflg", "ld")
    for n in range(pairs):
        yield ("iSMsc_linkinfo", "-vol", f"SV{n:02}", "-volflg", "ld", "-lcl")
        yield ("iSMsc_link", "-lv", f"LV{n:02}", "-sv", f"SV{n:02}", "-lvflg", "ld", "-svflg", "ld")


def detached(calls: list) -> float:  # type: ignore[type-arg]  # the log's own records
    """The longest time one LV was away, from the end of its unlink to the end of its link."""
    changes = [call for call in calls if call["effect_class"] == "CHANGE"]
    ends = {(call["argv"][0], call["argv"][2]): float(call["ended"]) for call in changes}
    lvs = {lv for name, lv in ends if name == "iSMsc_unlink"}
    return max(ends["iSMsc_link", lv] - ends["iSMsc_unlink", lv] for lv in lvs)


def main() -> None:
    """Print the table."""
    print("pairs/BVs   pass     commands ours  reference   detached ours  reference   ratio")
    for pairs, bvs in SHAPES:
        with tempfile.TemporaryDirectory() as name:
            mine, plain = ours(Path(name), pairs, bvs), reference(Path(name), pairs, bvs)
        print(f"{pairs:>5}/{bvs:<5} status   {mine[0].commands:>13}  {plain[0].commands:>9}")
        ratio = mine[1].detached / plain[1].detached
        print(
            f"{pairs:>5}/{bvs:<5} resync   {mine[1].commands:>13}  {plain[1].commands:>9}"
            f"   {mine[1].detached:>11.2f} s  {plain[1].detached:>7.2f} s   {ratio:.3f}"
        )
        if mine[1].commands > 3 * pairs + 2 * bvs or mine[0].commands != bvs:
            raise SystemExit(f"more commands than promised: status {mine[0].commands}, resync {mine[1].commands}")


if __name__ == "__main__":
    main()
