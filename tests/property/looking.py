"""Looking at a random site as every face does."""

from __future__ import annotations

from datetime import UTC

from necism_monitor.app.look import Sources, judge_now, observe
from necism_monitor.domain.reading import Observation
from necism_monitor.domain.verdicts import Verdicts
from tests.app.looking import FakeJournals
from tests.property.array import Map, StillClock, Store, Tamper, WorldReader
from tests.property.worlds import Site


def untouched(_argv: tuple[str, ...], text: str) -> str:
    """Every screen arrives as it was printed."""
    return text


def sources_of(site: Site, tamper: Tamper = untouched) -> Sources:
    """What a look at `site` needs; nothing was read or journalled yet."""
    clock = StillClock(site.now)
    names = [array.name for array in site.config.arrays]
    readers = {name: WorldReader(site.worlds[name], clock, tamper) for name in names}
    maps = {name: Map() for name in names}
    return Sources(site.config, readers, maps, FakeJournals(), Store(), clock, UTC)


def look_and_keep(sources: Sources) -> Verdicts:
    """Look, and keep what was read: whoever looks next judges the same observation."""
    seen = observe(sources, sources.config.resources)
    sources.store.save({name: one for name, one in seen.items() if isinstance(one, Observation)})
    return judge_now(sources, sources.config.resources, seen)
