"""Verdicts made by hand, for the faces that show them."""

from __future__ import annotations

from typing import Final

from necism_monitor.domain.findings import Finding, Verdict, finding, status_of
from necism_monitor.domain.history import OpenRun, RunState
from necism_monitor.domain.model import Limits, Pair, Resource
from necism_monitor.domain.names import ArrayName, LdName, ResourceName, ServiceName
from necism_monitor.domain.stamps import Instant
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import ArrayVerdict, PairVerdict, ResourceVerdict, ServiceVerdict, Verdicts

NOW: Final = 1_411_010_264.25
"""2014-09-18 03:17:44.25 UTC, by `date -u -d @1411010264`."""
ARRAY: Final = ArrayName("default")
SERVICE: Final = ServiceName("iiststnec02")
LV: Final = LdName("SOURCE_0001_LV00A6")
SV: Final = LdName("SOURCE_0001_SV006D")
BV: Final = LdName("SOURCE_0001")


def pair(*found: Finding, lv: str = LV, age: float | None = 160.25) -> PairVerdict:
    """A linked pair with an active image, and these findings."""
    taken = None if age is None else Instant(NOW - age, NOW - age + 3600)
    return PairVerdict(
        pair=Pair(LdName(lv), (SV,)), sv=SV, bv=BV, linked_to=SV, link=LinkState.LINKED, access="rw",
        snapshot_state=SnapshotState.ACTIVE, snapshot_time=taken, size_bytes=None, os_type="LX", special_file=None,
        status=status_of(found), findings=found,
    )  # fmt: skip


def blind(*found: Finding, lv: str = LV) -> PairVerdict:
    """A pair nobody could look at."""
    return pair(*found, lv=lv, age=None)._replace(
        bv=None, linked_to=None, link=LinkState.UNKNOWN, access=None, snapshot_state=SnapshotState.UNKNOWN
    )


def resource(
    *pairs: PairVerdict, found: tuple[Finding, ...] = (), status: Verdict = Verdict.UP, name: str = "sync#1",
    run: OpenRun | None = None,
) -> ResourceVerdict:  # fmt: skip
    """A resource of these pairs; sync_max_delay is 1500 minutes."""
    made = Resource(SERVICE, ResourceName(name), tuple(one.pair for one in pairs), limits=Limits())
    return ResourceVerdict(made, status, found, pairs, run, NOW - 4)


def verdicts(*resources: ResourceVerdict, status: Verdict = Verdict.UP, array: tuple[Finding, ...] = ()) -> Verdicts:
    """Everything, in one service, read four seconds ago by two commands."""
    return Verdicts(
        status=status, judged_at=NOW, observed_at=NOW - 4, valid_until=None,
        arrays=(ArrayVerdict(ARRAY, not array, NOW - 4, 0.5, None, array),),
        services=(ServiceVerdict(SERVICE, status, resources),) if resources else (),
        commands={"iSMsc_query": 2},
    )  # fmt: skip


def open_run(state: RunState) -> OpenRun:
    """A run that began two minutes ago and detached an LV."""
    return OpenRun("7f3a", state, NOW - 120, NOW + 600, (LV,), "root@host (pid 4711)", "create SOURCE_0001_SV006D")


DETACHED: Final = finding("detached", LV, f"LV {LV} is not linked")
TOO_OLD: Final = finding("too-old", "iiststnec02/sync#1", f"{SV} is 2d0h old, sync_max_delay is 1d1h")
FAILED: Final = Finding("query-failed", LV, "iSMsc_query -sv X: exit code 1", "run it by hand")
