"""Exporters to be measured: ours over many pairs, the stock handler over the same families, node_exporter for scale.

Ours reads an observation file that was made once from simulated screens, without a process for each of the thousands
of questions: what an array takes to answer is no cost of a scrape.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.app.look import read_array
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.domain.names import ArrayName
from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Ending, Output
from necism_monitor.simulator import screens, views
from necism_monitor.simulator.create import create
from necism_monitor.simulator.shapes import World
from necism_monitor.simulator.world import read_world

PAIRS_OF_A_SET: Final = 10
ARRAY: Final = ArrayName("default")
PATIENCE: Final = 120.0
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Place(NamedTuple):
    """A running exporter."""

    pid: int
    port: int
    path: str = "/metrics"
    tls: bool = False

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it; its certificate is not looked at."""
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Resident MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else float("nan")


class _Screens:
    """Answers READ commands from a simulated world, in this process."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """What the simulated command would print."""
        del timeout
        now = time.time()
        return Output(command.argv, Ending.EXITED, 0, self._screen(command.argv), "", now, now)

    def _screen(self, argv: tuple[str, ...]) -> str:
        said = dict(pairwise(argv))
        if argv[0] == "iSMview":
            return views.array_list(self._world, monitoring=True)
        if argv[0] == "iSMsc_linkinfo":
            return screens.linkinfo(self._world, said["-vol"])
        if "-bv" in said:
            return screens.detail(self._world, said["-bv"])
        return screens.plain(self._world, self._world["svs"][said["-sv"]]["bv"], [said["-sv"]])


def make_site(directory: Path, pairs: int, pairs_of_a_set: int = PAIRS_OF_A_SET) -> Path:
    """A configuration with `pairs` pairs in sets, and the observation of their array; its directory."""
    config = create(directory / "array", _write_scenario(directory, pairs, pairs_of_a_set), "none").config
    observe(config)
    return config


def observe(config: Path) -> None:
    """Read the array anew and write the file."""
    sources = make_sources(load_config(Paths(config=str(config)), {}))
    reader = _Screens(read_world(config.parent))
    sources.store.save({ARRAY: read_array(sources._replace(readers={ARRAY: reader}, devices={}), ARRAY)})


def _write_scenario(directory: Path, pairs: int, pairs_of_a_set: int) -> Path:
    numbers, bvs = range(pairs), max(1, pairs // PAIRS_OF_A_SET)
    service = []
    for first in range(0, pairs, pairs_of_a_set):
        devs = " ".join(f"SV{n:05}:LV{n:05}" for n in numbers[first : first + pairs_of_a_set])
        service += [f"[sync#{first // pairs_of_a_set + 1}]", "type = necismsnap", f"devs = {devs}"]
    array = {
        "bvs": {f"BV{n:05}": {} for n in range(bvs)},
        "svs": {f"SV{n:05}": {"bv": f"BV{n % bvs:05}", "age": "5h"} for n in numbers},
        "lvs": {f"LV{n:05}": {"bv": f"BV{n % bvs:05}", "shows": f"SV{n:05}"} for n in numbers},
    }
    necism = {"source": "file", "stale_after": "2d"}
    path = directory / "scenario.json"
    path.write_text(json.dumps({"arrays": {ARRAY: array}, "services": {"bench.conf": service}, "necism": necism}))
    return path


@contextmanager
def ours(config: Path, *options: str) -> Iterator[Place]:
    """`necism exporter` on a free port."""
    command = [sys.executable, "-m", "necism_monitor", "--config", str(config), "exporter"]
    with _started([*command, "--web.listen-address", "127.0.0.1:0", *options], config.parent / "ours.log") as place:
        yield place


@contextmanager
def ours_by_tls(config: Path) -> Iterator[Place]:
    """The same with a certificate of its own."""
    folder, pair = config.parent, config.parent / "pair.pem"
    subject = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    openssl = shutil.which("openssl") or "openssl"
    subprocess.run([openssl, *subject, *files], check=True, capture_output=True, timeout=PATIENCE)
    pair.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    (folder / "web.yml").write_text(f"tls_server_config:\n  cert_file: {pair}\n  key_file: {pair}\n")
    with ours(config, "--web.config.file", str(folder / "web.yml")) as place:
        yield place._replace(tls=True)


@contextmanager
def crowd(place: Place) -> Iterator[None]:
    """Two hundred clients who want nothing stand around."""
    command = [sys.executable, "-m", "benchmarks.crowd", str(place.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None or process.stdout.readline() != b"there\n":
            raise SystemExit("the crowd did not come")
        yield
        process.communicate(timeout=PATIENCE)


@contextmanager
def stock(config: Path) -> Iterator[Place]:
    """The library's own server with the same families, made anew and rendered for every scrape, as it does."""
    command = [sys.executable, "-m", "benchmarks.stock_exporter", str(config)]
    with _started(command, config.parent / "stock.log") as place:
        yield place


@contextmanager
def node(program: str, directory: Path) -> Iterator[Place]:
    """node_exporter as the distribution ships it, for scale: it shows this machine, about as much as 20 pairs."""
    with _started([program, "--web.listen-address=127.0.0.1:19947"], directory / "node.log", port=19947) as place:
        yield place


@contextmanager
def _started(command: list[str], log: Path, port: int | None = None) -> Iterator[Place]:
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        yield Place(process.pid, _await_port(process, log) if port is None else _await_address(process, log, port))
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _await_port(process: subprocess.Popen[bytes], log: Path) -> int:
    return int(_await_line(process, log, r"listening on \S*:(\d+)/")[1])


def _await_address(process: subprocess.Popen[bytes], log: Path, port: int) -> int:
    _await_line(process, log, rf"\b{port}\b")
    return port


def _await_line(process: subprocess.Popen[bytes], log: Path, pattern: str) -> re.Match[str]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        found = re.search(pattern, log.read_text())
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} did not start: {log.read_text()}")
