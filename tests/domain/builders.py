"""Small worlds by hand: one-liners for records, screens, observations and what is asked about them.

The healthy world is two pairs on two base volumes, images of an hour and of twenty minutes ago.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

from necism_monitor.domain.beginning import Start, may_begin
from necism_monitor.domain.findings import Finding
from necism_monitor.domain.guards import Situation, may_change, survey
from necism_monitor.domain.history import NO_HISTORY, Activity, History, OpenRun, RunState
from necism_monitor.domain.judge import Evidence, basis_of, judge
from necism_monitor.domain.judge_pair import Basis
from necism_monitor.domain.model import Array, Config, Listener, Pair, Resource, Service, Settings, Webhook
from necism_monitor.domain.names import ArrayName, LdName, ResourceName, ServiceName
from necism_monitor.domain.reading import (
    BvScreen,
    Destination,
    Inventory,
    LinkScreen,
    LvRecord,
    Observation,
    SvRecord,
    Unread,
    Volumes,
)
from necism_monitor.domain.refusals import Refusal
from necism_monitor.domain.verdicts import PairVerdict, ResourceVerdict, Verdicts

NOW: Final = datetime(2024, 3, 1, 12, 0, tzinfo=UTC).timestamp()
MINUTE: Final = 60
HOUR: Final = 3600
DEFAULT: Final = ArrayName("default")
FAILED: Final = Unread("query-failed", "iSMsc_query: exit code 1", "run it by hand")
LATE: Final = Unread("timed-out", "iSMsc_query: no answer within 240 s", "look at the paths")
GARBLED: Final = Unread("unreadable", "line 7: belongs to no record", "run `necism capture DIR`")
UNREAD: Final = (FAILED, LATE, GARBLED)
ONE_ARRAY: Final = Inventory(("D1_10",), None)


def printed(age: float, now: float = NOW) -> datetime:
    """The local time without zone that an array in UTC prints for an instant `age` seconds ago."""
    return datetime.fromtimestamp(now, UTC).replace(tzinfo=None) - timedelta(seconds=age)


def pair(lv: str = "LV1", *svs: str) -> Pair:
    return Pair(LdName(lv), tuple(LdName(sv) for sv in svs or ("SV" + lv[2:],)))


def lv(name: str = "LV1", access: str = "rw", device: str | None = "/dev/sdx") -> LvRecord:
    return LvRecord(LdName(name), "LX", device, access)


def sv(
    name: str = "SV1",
    age: float | None = HOUR,
    shown_by: LvRecord | None = None,
    link: str | None = None,
    *,
    state: str = "snap/active",
    began: float | None = None,
    guard: str = "off",
) -> SvRecord:
    """An SV's record; `began` is how long ago its last operation began, by default at its date."""
    since = age if began is None else began
    word = link if link is not None else "link" if shown_by else "unlink"
    return SvRecord(
        LdName(name),
        "LX",
        -1,
        "normal",
        state,
        None if age is None else printed(age),
        None if since is None else printed(since),
        2**30,
        guard,
        word,
        shown_by,
    )


def linked(number: int = 1, age: float | None = HOUR, **changes: Any) -> SvRecord:  # noqa: ANN401 - the keywords of sv
    """SVn, shown by LVn."""
    return sv(f"SV{number}", age, lv(f"LV{number}"), **changes)


def screen(
    name: str, *records: SvRecord, state: str = "normal", broken: Unread | None = None, unread: Iterable[str] = ()
) -> BvScreen:
    """A detail screen; the SVs named in `unread` have a record nobody can read."""
    known: dict[LdName, SvRecord | Unread] = {record.name: record for record in records}
    known.update({LdName(one): GARBLED for one in unread})
    return BvScreen(LdName(name), "LX", None, state, known, broken)


def rows(*listed: tuple[str, str, str | None], broken: Unread | None = None) -> LinkScreen:
    """A link list: LV, word, partner."""
    found = {
        LdName(name): Destination(LdName(name), "LX", word, LdName(partner) if partner else None, "rw")
        for name, word, partner in listed
    }
    return LinkScreen(found, broken)


def resource(*pairs: Pair, **changes: Any) -> Resource:  # noqa: ANN401 - the fields of Resource
    """app/sync#1; by default LV1 and LV2 with their SVs."""
    made = Resource(ServiceName("app"), ResourceName("sync#1"), pairs or (pair("LV1"), pair("LV2")))
    return made._replace(**changes)


def config(*resources: Resource, settings: Settings = Settings(), arrays: tuple[Array, ...] = ()) -> Config:  # noqa: B008 - an immutable value
    """One service of these resources."""
    service = Service(ServiceName("app"), "app.conf", resources)
    return Config(settings, arrays, (service,), Listener(":19942"), Webhook(Listener("127.0.0.1:19943")))


def observation(
    *screens: BvScreen,
    bv_of: Mapping[str, str | Unread | None] | None = None,
    bvs: Mapping[str, Unread] | None = None,
    links: Mapping[str, LinkScreen | Unread] | None = None,
    seen: Mapping[str, Iterable[str]] | None = None,
    inventory: Inventory | Unread | None = ONE_ARRAY,
    arrays: tuple[str, ...] | None = None,
    ended_at: float = NOW,
) -> Observation:
    """A reading of these screens; `bv_of` and `bvs` add to, or replace, what the screens say themselves."""
    homes: dict[LdName, LdName | Unread | None] = {sv: one.name for one in screens for sv in one.records}
    homes.update({LdName(sv): LdName(bv) if isinstance(bv, str) else bv for sv, bv in (bv_of or {}).items()})
    known: dict[LdName, BvScreen | Unread] = {one.name: one for one in screens}
    known.update({LdName(bv): why for bv, why in (bvs or {}).items()})
    before = {LdName(bv): frozenset(LdName(one) for one in lvs) for bv, lvs in (seen or {}).items()}
    return Observation(
        DEFAULT,
        ended_at - 2,
        ended_at,
        homes,
        known,
        {LdName(bv): one for bv, one in (links or {}).items()},
        inventory,
        {"iSMsc_query": len(known)},
        Volumes({}, before, arrays),
    )


def healthy(**changes: Any) -> Observation:  # noqa: ANN401 - the keywords of observation
    """Two pairs on two base volumes, both linked; each BV also has a spare SV."""
    first = screen("BV1", linked(1), sv("SPARE1", 5 * HOUR))
    second = screen("BV2", linked(2, 20 * MINUTE), sv("SPARE2", 5 * HOUR))
    return observation(first, second, **{"seen": {"BV1": ("LV1",), "BV2": ("LV2",)}, **changes})


def running(deadline: float = NOW + HOUR, state: RunState = RunState.RUNNING, detached: Iterable[str] = ()) -> History:
    """A history with an open run."""
    lvs = tuple(LdName(one) for one in detached)
    return History(OpenRun("r1", state, NOW - 600, deadline, lvs, "root on node1 (process 7)", "create BV1 SV1"))


def unfinished(*detached: str) -> History:
    return running(state=RunState.UNFINISHED, detached=detached)


class World(NamedTuple):
    """What is observed of one resource, and everything else a verdict or a guard rests on."""

    seen: Observation | Unread
    of: Resource = resource()
    history: History | Unread = NO_HISTORY
    settings: Settings = Settings()
    array: Array = Array(DEFAULT)
    now: float = NOW
    zone: tzinfo = UTC
    trigger: str = "manual"
    killed: str | Unread | None = None
    activity: Activity | Unread = Activity()

    def verdicts(self) -> Verdicts:
        """Everything that is said."""
        known = config(self.of, settings=self.settings, arrays=(self.array,))
        evidence = Evidence({DEFAULT: self.seen}, {self.of.id: self.history})
        return judge(known, (self.of,), evidence, self.zone, self.now)

    def verdict(self) -> ResourceVerdict:
        return self.verdicts().resources[0]

    def pair(self, index: int = 0) -> PairVerdict:
        return self.verdict().pairs[index]

    def findings(self) -> tuple[Finding, ...]:
        """The resource's and its pairs'."""
        return self.verdict().all_findings

    def codes(self) -> set[tuple[str, str]]:
        """Code and subject of each finding."""
        return {(one.code, one.subject) for one in self.findings()}

    def basis(self) -> Basis:
        assert isinstance(self.seen, Observation)
        history = NO_HISTORY if isinstance(self.history, Unread) else self.history
        known = config(self.of, settings=self.settings, arrays=(self.array,))
        return basis_of(known, self.of, self.seen, history, self.zone, self.now)

    def situation(self, *, force: bool = False) -> Situation:
        found = (*self.findings(), *(one for array in self.verdicts().arrays for one in array.findings))
        return survey(self.basis(), self.array.unique_names, force, self.trigger, found)

    def start(self, node: str = "node1") -> Start:
        return Start(
            self.of,
            self.history,
            node,
            trigger=self.trigger,
            key="4711",
            killed=self.killed,
            activity=self.activity,
            settings=self.settings,
            zone=self.zone,
            now=self.now,
        )

    def refusal(self, *, force: bool = False, node: str = "node1") -> Refusal | None:
        """What the guards say, those of the journal first."""
        early = may_begin(self.start(node))
        return early or may_change(self.situation(force=force))

    def refused(self, *, force: bool = False, node: str = "node1") -> str | None:
        """The code of the refusal, None where the run may start."""
        said = self.refusal(force=force, node=node)
        return said.code if said else None
