"""Looking: from the configured source to verdicts.  Every reading face, status, check and exporter, goes this way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import NamedTuple

from necism_monitor.app.collect import collect, in_parallel
from necism_monitor.app.ports import Clock, Journals, ObservationStore, Reader, VolumeMap
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import Config, Resource, Source
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.verdicts import Verdicts


class Sources(NamedTuple):
    """Everything a look needs from outside."""

    config: Config
    readers: Mapping[ArrayName, Reader]
    maps: Mapping[ArrayName, VolumeMap]
    journals: Journals
    store: ObservationStore
    clock: Clock
    host_zone: tzinfo


def look(sources: Sources, resources: tuple[Resource, ...]) -> Verdicts:
    """Observe the arrays of `resources` and judge; never raises for anything an array or a file says."""
    return judge_now(sources, resources, observe(sources, resources))


def judge_now(
    sources: Sources, resources: tuple[Resource, ...], observations: Mapping[ArrayName, Observation | Unread]
) -> Verdicts:
    """Judge what was observed by the journal and the clock as they are now."""
    evidence = Evidence(observations, sources.journals.histories(resources))
    return judge(sources.config, resources, evidence, sources.host_zone, sources.clock.now())


def observe(sources: Sources, resources: tuple[Resource, ...]) -> dict[ArrayName, Observation | Unread]:
    """One observation an array: from the file alone, or by commands where the file is too old to save them."""
    saved = sources.store.load()
    names = tuple(dict.fromkeys(resource.array for resource in resources))
    seen: dict[ArrayName, Observation | Unread] = {}
    for name in names:
        kept = saved.get(name) or _not_in_file(name)
        if sources.config.settings.source is Source.FILE or _fresh(sources, name, kept, resources):
            # What somebody else ran for the file is not what this look cost.
            seen[name] = kept if isinstance(kept, Unread) else kept._replace(commands={})
    asked = [name for name in names if name not in seen]
    # Side by side: an array that hangs does not keep the others waiting.
    seen.update(zip(asked, in_parallel(lambda name: read_array(sources, name), asked, len(asked)), strict=True))
    return {name: seen[name] for name in names}


def read_array(sources: Sources, name: ArrayName) -> Observation:
    """Read one array by commands: every configured resource on it, so that the observation serves everybody."""
    wanted = tuple(one for one in sources.config.resources if one.array == name)
    return collect(sources.readers[name], sources.config.array(name), wanted, sources.maps[name], sources.clock)


def _fresh(sources: Sources, name: ArrayName, kept: Observation | Unread, resources: tuple[Resource, ...]) -> bool:
    """Younger than `cache_ttl`, not from the future, newer than the last journalled CHANGE, and about these SVs."""
    svs = {sv for one in resources if one.array == name for pair in one.pairs for sv in pair.svs}
    if isinstance(kept, Unread) or not svs <= kept.bv_of.keys():
        return False
    now, changed = sources.clock.now(), sources.journals.last_change_at()
    young = 0 <= now - kept.ended_at < sources.config.array(name).cache_ttl
    return young and (changed is None or kept.started_at > changed)


def _not_in_file(name: ArrayName) -> Unread:
    return Unread("stale", f"the observation file holds no reading of array {name}", "run `necism collect`")
