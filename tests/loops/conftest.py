"""One place a test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loops.place import Place


@pytest.fixture(name="make_place")
def make_place_fixture(tmp_path: Path) -> Callable[..., Place]:
    """`make_place("nagios")`: a fresh set that this caller may refresh."""

    def make(*callers: str) -> Place:
        return Place(tmp_path, *callers)

    return make
