"""Simulated sites in front of which doctor sits; whatever a test does, no command that changes the array is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.doctor.site import Site
from tests.resync.rig import Rig


@pytest.fixture(name="make_site")
def make_site_fixture(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    """`make_site(scenario)`."""
    made: list[Site] = []

    def make(scenario: str = "seed") -> Site:
        made.append(Site(Rig(tmp_path / scenario, scenario)))
        return made[-1]

    yield make
    for site in made:
        assert [call["argv"] for call in site.sent_by_doctor if call["effect_class"] == "CHANGE"] == []


@pytest.fixture(name="site")
def site_fixture(make_site: Callable[[], Site]) -> Site:
    """The two pairs of the log of 2014, with nothing wrong."""
    return make_site()
