"""Sights made by hand: whatever an array could ever say, also what no array would."""

from collections.abc import Mapping

from necism_monitor.domain.findings import Finding, Verdict, finding, status_of, worst
from necism_monitor.domain.history import NO_HISTORY, History, OpenRun, Totals
from necism_monitor.domain.model import Limits, Pair, Resource
from necism_monitor.domain.names import ArrayName, LdName, ResourceId, ResourceName, ServiceName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.stamps import Instant
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import ArrayVerdict, PairVerdict, ResourceVerdict, ServiceVerdict, Verdicts
from necism_monitor.render.last_good import Books, KeptPair, KeptReading, Sight

NOW = 1_410_000_000.0
DEFAULT = ArrayName("default")
NO_RUNS = Totals()


def pair_verdict(
    number: int,
    findings: tuple[Finding, ...] = (),
    link: LinkState = LinkState.LINKED,
    state: SnapshotState = SnapshotState.ACTIVE,
    taken: float | None = NOW - 3600,
) -> PairVerdict:
    """Pair `number` of a resource."""
    sv, bv = LdName(f"BV{number}_SV"), LdName(f"BV{number}")
    when = None if taken is None else Instant(taken, taken)
    return PairVerdict(
        pair=Pair(LdName(f"BV{number}_LV"), (sv,)),
        sv=sv,
        bv=bv,
        linked_to=sv,
        link=link,
        access="rw",
        snapshot_state=state,
        snapshot_time=when,
        size_bytes=1024,
        os_type="LX",
        special_file=f"/dev/sd{number}",
        status=status_of(findings),
        findings=findings,
    )


def kept_pair(pair: PairVerdict) -> KeptPair:
    """What is kept of a pair that was read."""
    return KeptPair(
        pair.sv,
        pair.bv,
        pair.snapshot_time.earliest if pair.snapshot_time else None,
        pair.size_bytes,
        pair.os_type or "",
        pair.access or "",
        pair.special_file or "",
    )


def sight(
    *pairs: PairVerdict,
    findings: tuple[Finding, ...] = (),
    run: OpenRun | None = None,
    kept: Mapping[tuple[ArrayName, LdName], KeptPair] | None = None,
    history: History | Unread = NO_HISTORY,
    up: bool = True,
    offset: float | None = None,
    total: Totals | Unread = NO_RUNS,
    refused: Mapping[str, int] | None = None,
) -> Sight:
    """One resource `svc/sync#1` of `pairs`, all of them read, or as `kept` says."""
    resource = Resource(
        ServiceName("svc"), ResourceName("sync#1"), tuple(one.pair for one in pairs), array=DEFAULT, limits=Limits()
    )
    status = worst([status_of(findings), *(one.status for one in pairs)])
    verdict = ResourceVerdict(resource, status, findings, pairs, run, NOW)
    service = ServiceVerdict(resource.service, status, (verdict,))
    trouble = () if up else (finding("timed-out", DEFAULT, "no answer"),)
    array = ArrayVerdict(DEFAULT, up, NOW if up else None, 1.5 if up else None, offset, trouble)
    verdicts = Verdicts(status, NOW, NOW, None, (array,), (service,), {})
    pairs_kept = {(DEFAULT, one.pair.lv): kept_pair(one) for one in pairs} if kept is None else kept
    histories: dict[ResourceId, History | Unread] = {resource.id: history}
    totals: dict[ResourceId, Totals | Unread] = {resource.id: total}
    return Sight(verdicts, pairs_kept, {DEFAULT: KeptReading(NOW - 5, 1.5)}, Books(histories, totals, refused))


def blind_pair(number: int) -> PairVerdict:
    """A pair nobody could look at."""
    lv = f"BV{number}_LV"
    verdict = pair_verdict(number, (finding("timed-out", lv, "no answer"),), LinkState.UNKNOWN, SnapshotState.UNKNOWN)
    return verdict._replace(
        snapshot_time=None,
        size_bytes=None,
        bv=None,
        linked_to=None,
        access=None,
        os_type=None,
        special_file=None,
        status=Verdict.UNKNOWN,
    )
