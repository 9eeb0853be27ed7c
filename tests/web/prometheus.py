"""A real Prometheus on a free port of 127.0.0.1: it scrapes, keeps rules, and is asked over its HTTP API."""

import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import yaml

from tests.web.rig import GENEROUS, Exporter

T = TypeVar("T")
NOT_YET: Final = 503
"""What it says while it reads its data."""
RULES: Final = Path(__file__).parents[2] / "packaging/prometheus/necism.rules.yml"


class Door(NamedTuple):
    """How the exporter lets a scraper in: its own options, and what a scrape configuration says to match."""

    options: tuple[str, ...] = ()
    scrape: Mapping[str, object] = {}


class Sample(NamedTuple):
    """One series of an answer."""

    labels: dict[str, str]
    value: float


class Refused(Exception):
    """What Prometheus says of a query it does not take."""


class Prometheus:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, query: str) -> list[Sample]:
        """The answer to an instant query.  Raises Refused for one that is wrong, OSError before the server is up."""
        found = self._get("query", query=query)["result"]
        return [Sample(one["metric"], float(one["value"][1])) for one in found]

    def alerts(self) -> dict[str, set[str]]:
        """The alerts there are, by state: pending and firing."""
        told: dict[str, set[str]] = {"pending": set(), "firing": set()}
        for one in self._get("alerts")["alerts"]:
            told[one["state"]].add(one["labels"]["alertname"])
        return told

    def await_samples(self, query: str) -> list[Sample]:
        """The answer to a query, once it has one."""
        return self.await_that(lambda: self.ask(query), f"no answer to {query}")

    def await_that(self, look: Callable[[], T], otherwise: str) -> T:
        """What `look` finds, once that is not empty."""
        return until(look, lambda: otherwise)

    def _get(self, what: str, **words: str) -> dict[str, Any]:
        address = f"{self.address}/api/v1/{what}?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(address, timeout=GENEROUS) as answer:
                data: dict[str, Any] = json.load(answer)["data"]
                return data
        except urllib.error.HTTPError as error:
            if error.code == NOT_YET:
                raise
            raise Refused(error.read().decode()) from error


def until(look: Callable[[], T], otherwise: Callable[[], str]) -> T:
    """What `look` finds, once that is not empty; a server that does not answer yet is asked again."""
    deadline = time.monotonic() + 2 * GENEROUS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if found := look():
                return found
        time.sleep(0.2)
    raise AssertionError(otherwise())


def job(
    exporter: Exporter | int,
    name: str = "necism",
    labels: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """A scrape job for an exporter or a port, every two seconds, with what else its configuration says."""
    port = exporter if isinstance(exporter, int) else exporter.port
    target = {"targets": [f"127.0.0.1:{port}"], "labels": dict(labels or {})}
    return {
        "job_name": name,
        "scrape_interval": "2s",
        "scrape_timeout": "2s",
        "static_configs": [target],
        **(more or {}),
    }


def hasten(rules: Path, target: Path) -> Path:
    """The rules as they are shipped, but looked at every second, and without their patience.

    `for` becomes 2 seconds where there is one, `keep_firing_for` 1 second.  Expressions, thresholds, labels and texts
    stay to the letter.
    """
    shipped = yaml.safe_load(rules.read_text())
    for group in shipped["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule |= {key: short for key, short in (("for", "2s"), ("keep_firing_for", "1s")) if key in rule}
    target.write_text(yaml.safe_dump(shipped, sort_keys=False))
    return target


@contextlib.contextmanager
def prometheus(
    program: Path,
    directory: Path,
    *jobs: Mapping[str, object],
    rules: Path | None = None,
    alertmanagers: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """A server with these jobs, which tells the Alertmanagers at these addresses, ended at the end."""
    settings = directory / "prometheus.yml"
    files = {"rule_files": [str(rules)]} if rules else {}
    told = {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]} if alertmanagers else {}
    settings.write_text(yaml.safe_dump({**files, "alerting": told, "scrape_configs": list(jobs)}))
    port = free_port()
    command = [
        str(program), f"--config.file={settings}", f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (directory / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Prometheus(port)
        assert server.poll() is None, (directory / "prometheus.log").read_text()
    finally:
        server.terminate()
        try:
            server.wait(GENEROUS)
        finally:
            server.kill()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
