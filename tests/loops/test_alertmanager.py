"""The loop closes with the real Prometheus and Alertmanager: once, however often and by whomever it is asked for."""

from __future__ import annotations

import concurrent.futures
import contextlib
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.loops.chain import AUTOMATIC, CHANGES, SEL, STALE, Alertmanager, Chain, firing, requests_in
from tests.loops.story import ALERT, Story
from tests.web.ages import age
from tests.web.prometheus import until
from tests.web.rig import GENEROUS, Exporter, environment

Need = Callable[[str], Path]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = f"window = {DAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]} 01:00-02:00 UTC\n"
OPEN = "window = mon-sun 00:00-24:00 UTC\n"
RECEIVERS = 50
OTHERS = {"locked", "not-needed", "too-soon", "cooling-down"}


def sent(chain: Chain) -> list[str]:
    """The names of the commands that changed something."""
    return [argv[0] for argv in chain.changes()]


def said(chain: Chain) -> Callable[[], str]:
    """What is known, for a test that waits in vain."""
    return lambda: f"runs {chain.ended()}, refusals {chain.refusals()}, changes {sent(chain)}, waits {chain.waiting()}"


@pytest.mark.proves("S12")
def test_a_stale_set_is_refreshed_by_its_alert(
    chain: Chain, require_server: Need, record_property: Callable[[str, object], None]
) -> None:
    """Stale, pending, firing, delivered with a token, requested, one resync, resolved; who asked is on record."""
    programs = require_server("prometheus"), require_server("prometheus-alertmanager")
    told: list[str] = []
    began = datetime.now(UTC)

    def note(text: str) -> None:
        told.append(f"{(datetime.now(UTC) - began).total_seconds():.0f} s {text}")

    with (
        chain.site.exporter() as exporter,
        chain.webhook() as webhook,
        chain.dispatch() as dispatch,
        chain.alertmanager(programs[1], webhook.port) as manager,
        chain.prometheus(programs[0], exporter, webhook.port, manager) as server,
    ):
        Story(chain, server, manager, webhook, dispatch, note).close()
        (asked,) = server.await_samples('necism_requests_total{trigger="alertmanager"} >= 1')
        (rejected,) = server.await_samples("sum(necism_requests_rejected_total) < 1")
        (runs,) = server.await_samples("necism_resync_runs_total == 1")
    record_property("figure", "\n    ".join(["Prometheus and Alertmanager close the loop:", *told]))
    assert (asked.labels["job"], rejected.value, runs.labels["service"]) == ("necism-webhook", 0, "erp-preprod")
    (run,) = chain.runs()
    assert run.header.trigger == "alertmanager"
    assert (sent(chain), chain.ended(), chain.waiting()) == (CHANGES, [0], [])
    assert chain.token.read_text() not in everything_written(chain)


def everything_written(chain: Chain) -> str:
    """Logs and journals of the product."""
    places = [*chain.directory.glob("*.log"), *chain.site.array.glob("*.log"), *chain.site.array.glob("state/**/*")]
    texts = [path.read_text(errors="replace") for path in places if path.is_file() and path.name != "prometheus.log"]
    assert any(SEL in text for text in texts)
    return "\n".join(texts)


@pytest.mark.proves("S03", "S04")
def test_two_alertmanagers_a_hundred_deliveries_and_restarts_are_one_run(
    chain: Chain, require_server: Need, record_property: Callable[[str, object], None]
) -> None:
    """Each of two delivers to fifty receivers at once, and again; the webhook is killed before the run and in it.

    After the run dispatch is another one, and both deliver the very occurrence again: its key is spent.
    """
    programs = require_server("prometheus"), require_server("prometheus-alertmanager")
    age(chain.site, STALE)
    with (
        contextlib.ExitStack() as rest,
        chain.site.exporter() as exporter,
        chain.webhook() as first,
        chain.alertmanager(programs[1], first.port, RECEIVERS) as one,
        chain.alertmanager(programs[1], first.port, RECEIVERS) as other,
        chain.prometheus(programs[0], exporter, first.port, one, other),
    ):
        # Nobody carries out anything yet: every delivery meets the same request.
        until(lambda: requested(chain, first) >= 2 * RECEIVERS, said(chain))
        occurrences = [alert for manager in (one, other) for alert in manager.alerts() if is_ours(alert)]
        (request,) = requests_in(chain)
        kill(first)
        second = rest.enter_context(chain.webhook(first.port))
        with chain.dispatch():
            until(lambda: bool(sent(chain)), said(chain))
            kill(second)
            rest.enter_context(chain.webhook(first.port))
            until(lambda: bool(chain.ended()), said(chain))
        until(lambda: not any(map(is_ours, one.alerts() + other.alerts())), lambda: "the alert is not resolved")
        before = chain.refusals().count(("alertmanager", "key-spent"))
        for manager in (one, other):
            manager.post(firing(occurrences[0]))
        with chain.dispatch():
            until(lambda: chain.refusals().count(("alertmanager", "key-spent")) > before, said(chain))
        delivered = one.delivered() + other.delivered()
    assert [(alert["labels"], alert["startsAt"]) for alert in occurrences] == [
        (occurrences[0]["labels"], occurrences[0]["startsAt"])
    ] * 2
    assert (request["trigger"], request["selector"]) == ("alertmanager", SEL)
    assert (chain.ended(), sent(chain)) == ([0], CHANGES)
    assert {code for _, code in chain.refusals()} <= {*OTHERS, "key-spent"}
    record_property("figure", f"two Alertmanagers, {delivered} deliveries of one alert, three webhooks: one run")


def requested(chain: Chain, webhook: Exporter) -> float:
    """How many deliveries became a request, new or not."""
    webhook.headers = {"Authorization": f"Bearer {chain.token.read_text()}"}
    return webhook.get().value("requests_total", trigger="alertmanager")


def is_ours(alert: dict[str, Any]) -> bool:
    """Whether it is the alert of the story."""
    return bool(alert["labels"]["alertname"] == ALERT)


def kill(running: Exporter) -> None:
    """It is no more, from one moment to the next."""
    running.process.kill()
    running.process.wait(GENEROUS)


@pytest.mark.proves("S12")
def test_nagios_icinga_and_alertmanager_at_once_are_one_run(
    chain: Chain, require_server: Need, record_property: Callable[[str, object], None]
) -> None:
    """All three ask at one moment; one of them gets its run, and of each of the others is on record why it did not."""
    program = require_server("prometheus-alertmanager")
    age(chain.site, STALE)
    macros = ("--state", "CRITICAL", "--state-type", "HARD", "--attempt", "3", "--downtime", "0", "--ack", "0")
    moment = threading.Barrier(3)

    def ask(monitor: str, problem: str) -> None:
        moment.wait(GENEROUS)
        command = chain.site.command("event", monitor, *macros, "--problem-id", problem, SEL)
        subprocess.run(command, check=True, capture_output=True, timeout=GENEROUS, env=environment())

    def alarm(manager: Alertmanager) -> None:
        moment.wait(GENEROUS)
        manager.post(firing())

    with (
        chain.webhook() as webhook,
        chain.alertmanager(program, webhook.port) as manager,
        chain.dispatch(),
        concurrent.futures.ThreadPoolExecutor(3) as pool,
    ):
        asked = [pool.submit(ask, "nagios", "4711"), pool.submit(ask, "icinga", "1414995.123")]
        for one in [*asked, pool.submit(alarm, manager)]:
            one.result(GENEROUS)
        until(lambda: answered(chain) == {"nagios", "icinga", "alertmanager"} and chain.ended(), said(chain))
    (run,) = chain.runs()
    assert (chain.ended(), sent(chain)) == ([0], CHANGES)
    others = {one for one in chain.refusals() if one[0] != run.header.trigger}
    assert {who for who, _ in others} == {"nagios", "icinga", "alertmanager"} - {run.header.trigger}
    assert {why for _, why in others} <= OTHERS
    told = ", ".join(f"{who} {why}" for who, why in sorted(others))
    record_property("figure", f"three monitors at once: {run.header.trigger} got its run, {told}")


def answered(chain: Chain) -> set[str]:
    """Who got a run or a refusal."""
    return {one.header.trigger for one in chain.runs()} | {who for who, _ in chain.refusals()}


@pytest.mark.proves("S12")
def test_an_alert_outside_the_window_is_heard_inside_it(chain: Chain, require_server: Need) -> None:
    """Refused and recorded once, however often it is delivered; inside the window one more delivery of it runs.

    Nobody waits in between: what dispatch kept of it is taken away.
    """
    program = require_server("prometheus-alertmanager")
    age(chain.site, STALE)
    chain.set_service(AUTOMATIC, AUTOMATIC + CLOSED)
    with chain.webhook() as webhook, chain.alertmanager(program, webhook.port) as manager:
        with chain.dispatch():
            manager.post(firing())
            until(lambda: bool(chain.refusals()), said(chain))
            seen = requested(chain, webhook)
            until(lambda: requested(chain, webhook) > seen + 1, lambda: "it is not delivered again")
        assert (chain.refusals(), sent(chain)) == ([("alertmanager", "outside-window")], [])
        chain.forget()
        chain.set_service(CLOSED, OPEN)
        with chain.dispatch():
            until(lambda: bool(chain.ended()), said(chain))
    (run,) = chain.runs()
    assert (run.header.trigger, chain.ended(), sent(chain)) == ("alertmanager", [0], CHANGES)
