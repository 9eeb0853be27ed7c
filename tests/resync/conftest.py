"""Rigs in a temporary directory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.resync.rig import Rig


@pytest.fixture(name="make_rig")
def make_rig_fixture(tmp_path: Path) -> Callable[..., Rig]:
    """`make_rig("eight", latency)`: that scenario on an array of its own."""
    return lambda scenario="seed", latency="none", place="array": Rig(tmp_path / place, scenario, latency)


@pytest.fixture(name="rig")
def rig_fixture(make_rig: Callable[..., Rig]) -> Rig:
    """The two pairs of the log, without latency."""
    return make_rig()
