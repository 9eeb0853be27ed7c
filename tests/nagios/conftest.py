"""Simulated arrays, and signal handlers put back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.simulator.create import create
from tests.nagios.processes import marked
from tests.nagios.public import public_folder

Simulate = Callable[[str], Path]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM)


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """`simulate("stale")`: the directory of a simulated array of that scenario."""

    def make(scenario: str) -> Path:
        return create(tmp_path / scenario, scenario, "none").directory

    return make


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder every user may read, with the package, its library and the plugin."""
    with public_folder() as folder:
        yield folder


@pytest.fixture
def signals() -> Iterator[None]:
    """Signal handlers and timers as they were before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """A `NAME=value` for the environment of every process of the test; what is left of them is ended."""
    text = f"NECISM_TEST_MARK={tmp_path}"
    yield text
    for pid in marked(text):
        os.kill(pid, signal.SIGKILL)
