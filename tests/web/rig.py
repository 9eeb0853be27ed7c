"""The exporter as a process over a simulated array, and a client that speaks plain HTTP."""

import contextlib
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from necism_monitor.simulator.create import Created, create

GENEROUS = 60
"""Seconds that only a hang reaches."""


class Answer(NamedTuple):
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()

    def series(self) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
        """The samples as another program's parser reads them."""
        found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return found

    def value(self, name: str, **labels: str) -> float:
        """The value of the one series that has these labels."""
        wanted = set(labels.items())
        (number,) = [number for held, number in self.series()[f"necism_{name}"].items() if wanted <= held]
        return number


class Exporter:
    """A running exporter."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log
        self.context: ssl.SSLContext | None = None
        """What a client needs for TLS; None = plain HTTP."""
        self.headers: dict[str, str] = {}
        """Sent with every request, unless it has its own."""
        self.port = self._port()

    def get(self, path: str = "/metrics", method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; `_` in a header's name stands for `-`."""
        if self.context is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=GENEROUS)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=GENEROUS, context=self.context)
        began = time.monotonic()
        with contextlib.closing(connection):
            own = {name.replace("_", "-"): text for name, text in headers.items()}
            connection.request(method, path, body, self.headers | own)
            answer = connection.getresponse()
            held = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, held, answer.read(), time.monotonic() - began)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=GENEROUS)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(GENEROUS)

    def await_log(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Wait for a line of the log."""
        deadline = time.monotonic() + GENEROUS
        while True:
            found = list(re.finditer(pattern, self.log.read_text()))
            if len(found) >= count:
                return found[count - 1]
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def _port(self) -> int:
        return int(self.await_log(r"listening on \S*:(\d+)/")[1])


class Site:
    """A simulated array with its configuration."""

    def __init__(self, directory: Path, scenario: str | Path = "stale", latency: str = "none") -> None:
        self.made: Created = create(directory, scenario, latency)
        self.config, self.array = self.made.config, self.made.directory
        self._count = 0

    def command(self, *words: str) -> list[str]:
        """A `necism` command line with this site's configuration."""
        return [sys.executable, "-m", "necism_monitor", "--config", str(self.config), *words]

    @contextlib.contextmanager
    def exporter(self, *options: str, verb: str = "exporter", address: str = "127.0.0.1:0") -> Iterator[Exporter]:
        """An exporter (or a webhook) on a free port, ended at the end."""
        self._count += 1
        log = self.array / f"{verb}{self._count}.log"
        command = self.command(verb, "--web.listen-address", address, *options)
        with log.open("wb") as written:
            process = subprocess.Popen(command, stderr=written, stdout=written, env=environment())
        try:
            yield Exporter(process, log)
        finally:
            # Asked first: it takes what it started with it.
            process.terminate()
            try:
                process.wait(GENEROUS)
            finally:
                process.kill()
                process.wait(GENEROUS)

    def settings(self, section: str, line: str) -> None:
        """Add a line to a section of necism.conf."""
        path = self.config / "necism.conf"
        text = path.read_text()
        if f"[{section}]" not in text:
            text += f"[{section}]\n"
        path.write_text(text.replace(f"[{section}]\n", f"[{section}]\n{line}\n"))


def environment() -> dict[str, str]:
    """Ours without what would redirect the product."""
    return {name: text for name, text in os.environ.items() if not name.startswith("NECISM_")}
