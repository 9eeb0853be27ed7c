"""The whole chain on loopback: simulated array, exporter, Prometheus, Alertmanagers, webhook and dispatch.

Everything is what is shipped, and as the documentation says it is set up: rules, route and receiver.  Only paths, ports
and pauses are others, so that an hour is over in a second.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from necism_monitor.adapters.journal import Journal
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.tale import tell
from necism_monitor.simulator.calls import read_calls
from tests.web.ages import age
from tests.web.prometheus import RULES, Prometheus, free_port, hasten, job, prometheus, until
from tests.web.rig import GENEROUS, Exporter, Site, environment

SAMPLE: Final = Path(__file__).parents[2] / "packaging/alertmanager/necism.alertmanager.yml"
SEL: Final = "erp-preprod/sync#1"
FRESH, STALE = 1, 72
"""Hours: ages of images below and above sync_max_delay."""
AUTOMATIC: Final = "automatic = alertmanager nagios icinga\nconsumers = none\n"
PAUSES: Final = {"group_wait": "1s", "group_interval": "2s", "repeat_interval": "2s"}
"""In place of those of the sample: half a minute, five minutes, an hour."""
CHANGES: Final = [f"iSMsc_{verb}" for verb in ("unlink", "unlink", "create", "create", "link", "link")]
"""What one run of the set sends."""


class Chain:
    """The site, and whatever runs in front of it."""

    def __init__(self, directory: Path, latency: str = "none") -> None:
        self.directory = directory
        self.site = Site(directory / "array", "stale", latency)
        (self.service,) = self.site.made.services
        self.set_service("type = necismsnap\n", f"type = necismsnap\n{AUTOMATIC}")
        self.token = directory / "token"
        self.token.write_text(secrets.token_hex(32))
        self.site.settings("array default", "cache_ttl = 1s")
        chart = f'label = service\nmap = erp-preprod={SEL}\ncredentials_file = "{self.token}"'
        self.site.settings("webhook", chart)
        age(self.site, FRESH)
        self._count = 0

    def set_service(self, old: str, new: str) -> None:
        """Change the service file; it has to hold `old`."""
        text = self.service.read_text()
        assert old in text, text
        self.service.write_text(text.replace(old, new, 1))

    def webhook(self, port: int = 0) -> contextlib.AbstractContextManager[Exporter]:
        """A webhook; the same port again after a restart."""
        return self.site.exporter(verb="webhook", address=f"127.0.0.1:{port}")

    @contextlib.contextmanager
    def dispatch(self) -> Iterator[Path]:
        """`necism dispatch --loop`; its log."""
        self._count += 1
        log = self.directory / f"dispatch{self._count}.log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                self.site.command("dispatch", "--loop"), stdout=written, stderr=written, env=environment()
            )
        try:
            yield log
            assert process.poll() is None, log.read_text()
        finally:
            end(process)

    @contextlib.contextmanager
    def alertmanager(self, program: Path, webhook: int, receivers: int = 1) -> Iterator[Alertmanager]:
        """An Alertmanager with the route and the receiver of the sample, the receiver so many times over."""
        self._count += 1
        place, port = self.directory / f"alertmanager{self._count}", free_port()
        place.mkdir()
        (place / "alertmanager.yml").write_text(yaml.safe_dump(settings_of(webhook, self.token, receivers)))
        command = [
            str(program), f"--config.file={place / 'alertmanager.yml'}", f"--storage.path={place / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        ]  # fmt: skip
        with (place / "alertmanager.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        found = Alertmanager(port)
        try:
            until(found.is_ready, lambda: f"Alertmanager does not come up: {(place / 'log').read_text()}")
            yield found
            assert process.poll() is None, (place / "alertmanager.log").read_text()
        finally:
            end(process)

    def prometheus(
        self, program: Path, exporter: Exporter, webhook: int, *alertmanagers: Alertmanager
    ) -> contextlib.AbstractContextManager[Prometheus]:
        """A Prometheus with the shipped rules, without their patience."""
        rules = hasten(RULES, self.directory / "necism.rules.yml")
        receiver = job(webhook, "necism-webhook", more=bearer(self.token))
        told = [one.place for one in alertmanagers]
        return prometheus(program, self.directory, job(exporter), receiver, rules=rules, alertmanagers=told)

    def runs(self) -> list[RunFile]:
        """The runs of the set in the journal."""
        found = Journal(self.site.array / "state").runs(SEL)
        return [one for one in found if isinstance(one, RunFile)]

    def ended(self) -> list[int]:
        """The exit codes of the runs that are over."""
        codes = [tell(one, time.time()).exit for one in self.runs()]
        return [code for code in codes if code is not None]

    def refusals(self) -> list[tuple[str, str]]:
        """Who was refused, and why, in order."""
        return [(one["trigger"], one["code"]) for one in Journal(self.site.array / "state").refusals()]

    def changes(self) -> list[list[str]]:
        """The commands that were sent, but those that only read."""
        return [call["argv"] for call in read_calls(self.site.array) if call["effect_class"] != "READ"]

    def waiting(self) -> list[Path]:
        """What lies in the spool, or is known to dispatch."""
        places = (self.site.array / "run/requests", self.site.array / "state/dispatch")
        return sorted(path for place in places if place.exists() for path in place.glob("*.json"))

    def forget(self) -> None:
        """Take away what waits, as an administrator does."""
        for path in self.waiting():
            path.unlink()


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, port: int) -> None:
        self.place = f"127.0.0.1:{port}"

    def is_ready(self) -> bool:
        """Whether it answers."""
        with urllib.request.urlopen(f"http://{self.place}/-/ready", timeout=GENEROUS) as answer:
            return bool(answer.status == 200)

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are active there."""
        with urllib.request.urlopen(f"http://{self.place}/api/v2/alerts?active=true", timeout=GENEROUS) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def post(self, *alerts: Mapping[str, object]) -> None:
        """Say that these alerts fire, as a Prometheus does."""
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://{self.place}/api/v2/alerts", json.dumps(alerts).encode(), head, method="POST"
        )
        with urllib.request.urlopen(request, timeout=GENEROUS) as answer:
            assert answer.status == 200

    def delivered(self) -> int:
        """How many deliveries to webhooks it has tried."""
        with urllib.request.urlopen(f"http://{self.place}/metrics", timeout=GENEROUS) as answer:
            lines = answer.read().decode().splitlines()
        head = 'alertmanager_notifications_total{integration="webhook"}'
        return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(head))


def settings_of(port: int, token: Path, receivers: int) -> dict[str, Any]:
    """The sample for this webhook; `receivers` copies of its receiver, each with a route of its own."""
    sample: dict[str, Any] = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    (route,) = sample["route"]["routes"]
    people, receiver = sample["receivers"]
    assert set(PAUSES) <= set(route)
    route.update(PAUSES)
    (hook,) = receiver["webhook_configs"]
    hook["url"] = f"http://127.0.0.1:{port}/"
    hook["http_config"]["authorization"]["credentials_file"] = str(token)
    names = [f"{receiver['name']}-{number}" for number in range(receivers)]
    sample["route"]["routes"] = [{**route, "receiver": name} for name in names]
    sample["receivers"] = [people, *({**receiver, "name": name} for name in names)]
    return sample


def firing(alert: Mapping[str, Any] | None = None) -> dict[str, object]:
    """An alert as a Prometheus sends it, for an hour: this one anew, or one about the set that begins now."""
    labels = {"alertname": "NecismImageTooOld", "service": "erp-preprod", "resource": "sync#1", "severity": "warning"}
    now = datetime.now(UTC)
    told = {"labels": labels, "startsAt": now.isoformat()} if alert is None else alert
    kept = {name: told[name] for name in ("labels", "startsAt")}
    return {**kept, "endsAt": (now + timedelta(hours=1)).isoformat()}


def bearer(token: Path) -> dict[str, object]:
    """What a scrape configuration says to be let in."""
    return {"authorization": {"credentials_file": str(token)}}


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end; what does not listen is killed."""
    process.terminate()
    try:
        process.wait(GENEROUS)
    finally:
        process.kill()
        process.wait(GENEROUS)


def requests_in(chain: Chain) -> list[dict[str, Any]]:
    """What lies in the spool."""
    return [json.loads(path.read_text()) for path in (chain.site.array / "run/requests").glob("*.json")]
