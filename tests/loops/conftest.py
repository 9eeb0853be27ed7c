"""A place, or a whole chain, of its own for every test that asks for one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loops.chain import Chain
from tests.loops.place import Place

LATENCY = "0.02"
"""A run takes two seconds."""


@pytest.fixture(name="make_place")
def make_place_fixture(tmp_path: Path) -> Callable[..., Place]:
    """`make_place("nagios")`: a fresh set that this caller may refresh."""

    def make(*callers: str) -> Place:
        return Place(tmp_path, *callers)

    return make


@pytest.fixture(name="chain")
def chain_fixture(tmp_path: Path) -> Chain:
    """One set, which is fresh, and whom alerts, Nagios and Icinga may refresh."""
    return Chain(tmp_path, LATENCY)
