"""A chain of its own for every test that asks for one."""

from pathlib import Path

import pytest

from tests.loop.rig import Chain

LATENCY = "0.02"
"""A run takes two seconds."""


@pytest.fixture(name="chain")
def chain_fixture(tmp_path: Path) -> Chain:
    """One set, which is fresh, and whom alerts, Nagios and Icinga may refresh."""
    return Chain(tmp_path, LATENCY)
