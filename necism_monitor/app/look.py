"""Looking: from the configured source to verdicts.  Every reading face, status, check and exporter, goes this way."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

from necism_monitor.app.collect import collect, in_parallel
from necism_monitor.app.ports import Clock, HostDevices, Journals, ObservationStore, Reader, VolumeMap
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import Config, Resource, Source
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.offsets import clock_offsets
from necism_monitor.domain.reading import Observation, Unread, special_files
from necism_monitor.domain.verdicts import Verdicts

NEVER: Final = float("-inf")


class Sources(NamedTuple):
    """Everything a look needs from outside."""

    config: Config
    readers: Mapping[ArrayName, Reader]
    maps: Mapping[ArrayName, VolumeMap]
    journals: Journals
    store: ObservationStore
    clock: Clock
    host_zone: tzinfo
    devices: Mapping[ArrayName, HostDevices] = {}
    """The devices of this host, for the arrays whose commands name them."""


def look(sources: Sources, resources: tuple[Resource, ...]) -> Verdicts:
    """Observe the arrays of `resources` and judge; never raises for anything an array or a file says."""
    return judge_now(sources, resources, observe(sources, resources))


def judge_now(
    sources: Sources, resources: tuple[Resource, ...], observations: Mapping[ArrayName, Observation | Unread]
) -> Verdicts:
    """Judge what was observed by the journal and the clock as they are now."""
    # Every resource on these arrays: an array's clock is the same whichever of them is asked about.
    others = tuple(one for one in sources.config.resources if one.array in observations and not one.hidden)
    histories = sources.journals.histories(tuple(dict.fromkeys((*resources, *others))))
    evidence = Evidence(observations, histories, clock_offsets(sources.config, histories, sources.host_zone))
    return judge(sources.config, resources, evidence, sources.host_zone, sources.clock.now())


def observe(sources: Sources, resources: tuple[Resource, ...]) -> dict[ArrayName, Observation | Unread]:
    """One observation an array: from the file alone, or by commands where the file is too old to save them."""
    saved = sources.store.load()
    names = tuple(dict.fromkeys(resource.array for resource in resources))
    seen: dict[ArrayName, Observation | Unread] = {}
    for name in names:
        kept = saved.get(name) or _not_in_file(name)
        if sources.config.settings.source is Source.FILE:
            kept = _still_true(sources, kept)
        elif not _fresh(sources, name, kept, resources):
            continue
        # What somebody else ran for the file is not what this look cost.
        seen[name] = kept if isinstance(kept, Unread) else kept._replace(commands={})
    asked = [name for name in names if name not in seen]
    # Side by side: an array that hangs does not keep the others waiting.
    seen.update(zip(asked, in_parallel(lambda name: read_array(sources, name), asked, len(asked)), strict=True))
    return {name: seen[name] for name in names}


def read_array(sources: Sources, name: ArrayName) -> Observation:
    """Read one array by commands: every resource on it that is shown, so that the observation serves everybody."""
    wanted = tuple(one for one in sources.config.resources if one.array == name and not one.hidden)
    seen = collect(sources.readers[name], sources.config.array(name), wanted, sources.maps[name], sources.clock)
    return seen._replace(wwns=sources.devices[name].wwns(special_files(seen))) if name in sources.devices else seen


def _fresh(sources: Sources, name: ArrayName, kept: Observation | Unread, resources: tuple[Resource, ...]) -> bool:
    """Younger than `cache_ttl`, not from the future, newer than the last journalled CHANGE, and about these SVs."""
    svs = {sv for one in resources if one.array == name for pair in one.pairs for sv in pair.svs}
    if isinstance(kept, Unread) or not svs <= kept.bv_of.keys():
        return False
    if not 0 <= sources.clock.now() - kept.ended_at < sources.config.array(name).cache_ttl:
        return False
    changed = sources.journals.last_change_at()
    return changed is None or kept.started_at > changed


def _still_true(sources: Sources, kept: Observation | Unread) -> Observation | Unread:
    """`kept` without the screens that a journalled CHANGE came after: what they show may be true no more."""
    changed = sources.journals.last_change_at()
    if isinstance(kept, Unread) or changed is None or changed < kept.started_at:
        return kept
    elsewhere = {one.id for one in sources.config.resources if one.array != kept.array}
    changes = sources.journals.changes_since(kept.started_at)
    ours = [touched for resource, touched in changes.items() if resource not in elsewhere]
    outdated = {
        bv for bv in kept.bvs if any(touched is None or touched.get(bv, NEVER) >= kept.asked_at(bv) for touched in ours)
    }
    return kept._replace(
        bvs={bv: _overtaken(bv) if bv in outdated else screen for bv, screen in kept.bvs.items()},
        links={bv: screen for bv, screen in kept.links.items() if bv not in outdated},
    )


def _overtaken(bv: LdName) -> Unread:
    return Unread("stale", f"the array was changed after this reading of BV {bv}", "run `necism collect`")


def _not_in_file(name: ArrayName) -> Unread:
    return Unread("stale", f"the observation file holds no reading of array {name}", "run `necism collect`")
