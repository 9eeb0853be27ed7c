"""Whatever the journals do, the page gets its diary."""

import pytest

from necism_monitor.app.diary import open_diary
from necism_monitor.domain.diary import Diary, Entry
from necism_monitor.domain.model import Resource
from tests.app.looking import FakeJournals, World


class Telling(FakeJournals):
    """Journals that tell who was asked about, and when."""

    def diary(self, resources: tuple[Resource, ...], now: float) -> Diary:
        if self.error:
            raise self.error
        return {one.id: Entry(problem=f"asked at {now:.0f}") for one in resources}


def test_the_visible_resources_are_told() -> None:
    """One that is hidden is in no diary either."""
    world = World(arrays=("default", "other"))
    world.journals = Telling()
    hidden = world.resource(2)._replace(hidden=True)
    told = open_diary(world.sources(world.resource(1), hidden))
    assert told == {world.resource(1).id: Entry(problem=f"asked at {world.clock.now():.0f}")}


def test_a_bug_costs_the_diary_only(caplog: pytest.LogCaptureFixture) -> None:
    """The page says that something is missing, and the log has the trace."""
    world = World()
    world.journals = Telling()
    world.journals.error = RuntimeError("surprise")
    (entry,) = open_diary(world.sources()).values()
    assert entry.problem.startswith("RuntimeError: surprise; this is a bug")
    assert "Traceback" in caplog.text
