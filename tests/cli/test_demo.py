"""The demo is the first thing anybody sees: it must tell the whole story, and end well."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def told() -> str:
    """What `necism demo --once` prints to somebody who has no terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "necism_monitor", "demo", "--once"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_goes_from_warn_to_up(told: str) -> None:
    """The stale set is warn for status and check, is resynced, and is up for both."""
    marks = r"^(WARN|UP): |^NECISM (WARNING|OK) -|^(erp-preprod/sync#1: done and verified)$"
    heads = re.findall(marks, told, re.MULTILINE)
    assert ["".join(found) for found in heads] == [
        "WARN",
        "WARNING",
        "erp-preprod/sync#1: done and verified",
        "UP",
        "OK",
    ]


@pytest.mark.proves("S02")
def test_the_demo_shows_the_commands_before_it_sends_them(told: str) -> None:
    """The dry run's commands are those of the history, in order."""
    planned = re.findall(r"^(iSMsc_(?:unlink|create|link) .*)$", told, re.MULTILINE)
    done = re.findall(r"^ .*done +(iSMsc_.*)$", told, re.MULTILINE)
    assert planned == done
    assert [line.split()[0] for line in done] == [
        f"iSMsc_{verb}" for verb in ("unlink", "unlink", "create", "create", "link", "link")
    ]


def test_the_demo_fetches_metrics_and_page(told: str) -> None:
    """Metrics and page are fetched over HTTP, and the metrics say up."""
    assert 'necism_resource_status{resource="sync#1",service="erp-preprod",status="up"} 1.0' in told
    assert re.search(r"/    # a page of \d{4,} characters", told)


def test_the_demo_leaves_nothing_behind(told: str) -> None:
    """The simulated array is removed at the end."""
    places = re.findall(r"(/\S*/necism-demo-\w+)", told)
    assert places
    assert not Path(places[0]).exists()


def test_what_the_demo_serves_stays_local(told: str) -> None:
    """The exporter of the demo is bound to loopback."""
    assert set(re.findall(r"http://([^:/]+)", told)) == {"127.0.0.1"}
