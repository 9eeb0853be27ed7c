"""The last good values: what a server goes on showing, with its own date, while nobody can tell the present."""

from __future__ import annotations

from collections.abc import Mapping

from necism_monitor.app.look import Sources
from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import PairVerdict
from necism_monitor.render.last_good import KeptPair, KeptReading


class Memory:
    """The last good values of every pair and array."""

    def __init__(self) -> None:
        self.readings: dict[ArrayName, KeptReading] = {}
        self._pairs: dict[tuple[ArrayName, LdName], KeptPair] = {}
        self._learned: dict[ArrayName, tuple[Sources, float, float, Mapping[LdName, float]]] = {}

    def learn(self, sources: Sources, seen: Mapping[ArrayName, Observation | Unread]) -> None:
        """Take the values of every observation that is new.

        Each is judged at its own end: what it said then is good, even where it is too old to judge the present by.
        """
        for name, answer in seen.items():
            if not isinstance(answer, Observation):
                continue
            identity = (sources, answer.started_at, answer.ended_at, answer.newer)
            known = self._learned.get(name)
            if known is None or known[0] is not sources or known[1:] != identity[1:]:
                self._learn_array(sources, name, answer)
                self._learned[name] = identity

    def pairs(self, resources: tuple[Resource, ...]) -> dict[tuple[ArrayName, LdName], KeptPair]:
        """The values of the pairs of `resources`."""
        svs_of = {(resource.array, pair.lv): pair.svs for resource in resources for pair in resource.pairs}
        return {key: kept for key, kept in self._pairs.items() if kept.sv in svs_of.get(key, ())}

    def forget_others(self, resources: tuple[Resource, ...]) -> None:
        """Keep nothing of pairs that are not configured any more: should they come back, they are read first."""
        self._pairs = self.pairs(resources)

    def _learn_array(self, sources: Sources, name: ArrayName, seen: Observation) -> None:
        resources = tuple(one for one in visible(sources) if one.array == name)
        verdicts = judge(sources.config, resources, Evidence({name: seen}, {}), sources.host_zone, seen.ended_at)
        if all(array.up for array in verdicts.arrays):
            self.readings[name] = KeptReading(seen.ended_at, seen.ended_at - seen.started_at)
        for resource in verdicts.resources:
            for pair in resource.pairs:
                self._learn_pair((name, pair.pair.lv), pair)

    def _learn_pair(self, key: tuple[ArrayName, LdName], pair: PairVerdict) -> None:
        if pair.snapshot_state is SnapshotState.MISSING:
            self._pairs.pop(key, None)
            return
        old = self._pairs.get(key)
        blind = pair.status is Verdict.UNKNOWN or any(one.verdict is Verdict.UNKNOWN for one in pair.findings)
        no_image = blind and pair.snapshot_state is SnapshotState.UNKNOWN and pair.snapshot_time is None
        no_lv = blind and pair.link is LinkState.UNKNOWN
        if no_image and (old is not None or no_lv):
            return
        self._pairs[key] = _blend(pair, old if no_lv else None)


def _blend(pair: PairVerdict, old: KeptPair | None) -> KeptPair:
    """The pair as it was read; of its LV, where that was not read, what was known before."""
    return KeptPair(
        sv=pair.sv,
        bv=pair.bv,
        taken=pair.snapshot_time.earliest if pair.snapshot_time else None,
        size_bytes=pair.size_bytes,
        os_type=old.os_type if old else pair.os_type or "",
        access=old.access if old else pair.access or "",
        special_file=old.special_file if old else pair.special_file or "",
    )


def visible(sources: Sources) -> tuple[Resource, ...]:
    """The resources that faces show: those without the tag nostatus."""
    return tuple(one for one in sources.config.resources if not one.hidden)
