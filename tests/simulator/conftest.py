"""Simulated arrays in a temporary directory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.simulator.create import create
from tests.simulator.simulated import Simulated, run_inline

Make = Callable[..., Simulated]


@pytest.fixture(name="make")
def make_fixture(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Make:
    """`make("seed")` creates that scenario below a directory with a blank in its name."""
    run_inline(monkeypatch)

    def make(scenario: str | Path, latency: str = "none", place: str = "a simulated array") -> Simulated:
        created = create(tmp_path / place, scenario, latency)
        return Simulated(created.directory, capfdbinary)

    return make


@pytest.fixture(name="seed")
def seed_fixture(make: Make) -> Simulated:
    """The two pairs of the log, without latency."""
    return make("seed")
