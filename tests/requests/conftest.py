"""Simulated arrays with images of three days ago, which every caller may refresh."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.resync.rig import Rig
from tests.resync.test_crashes import GENEROUS, Process, start

AUTOMATIC = ("automatic = timer nagios icinga alertmanager", "consumers = none")
SEL = "erp-preprod"


@pytest.fixture(name="make_stale")
def make_stale_fixture(tmp_path: Path) -> Callable[..., Rig]:
    """`make_stale(latency, place)`: such an array of its own."""

    def make(latency: str = "none", place: str = "array") -> Rig:
        rig = Rig(tmp_path / place, "stale", latency)
        rig.service(*AUTOMATIC)
        return rig

    return make


@pytest.fixture(name="stale")
def stale_fixture(make_stale: Callable[..., Rig]) -> Rig:
    """Without latency."""
    return make_stale()


@contextlib.contextmanager
def running(rig: Rig, *words: str) -> Iterator[Process]:
    """`necism WORDS` as a process, which does not outlive a test that fails."""
    with start(rig, *words) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate(timeout=GENEROUS)


def begun(rig: Rig) -> int:
    """How many CHANGE commands were begun; a line of the log that is just being written is waited for."""
    while True:
        with contextlib.suppress(ValueError):
            return len(rig.changes())
