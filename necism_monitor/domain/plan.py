"""From a reading to a plan: which SV each pair re-creates, what its LV shows now, and the access it is to get back.

Also the way back: what a later reading proves about the planned pairs.
"""

import hashlib
from collections.abc import Iterable

from necism_monitor.domain.events import DETACHED, GATE, POST, PRE, Kind, LvFact, Plan, PlannedPair, Row, SvFact
from necism_monitor.domain.history import History
from necism_monitor.domain.judge_pair import Basis, SvView, sight, view_sv
from necism_monitor.domain.model import AccessPolicy, Pair, Resource
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, SvRecord, Unread
from necism_monitor.domain.sighting import LvSighting, link_of
from necism_monitor.domain.stamps import printed_form
from necism_monitor.domain.states import LinkState, SnapshotState, Words, classify_snap

SENT = ("rw", "ro")
"""The accesses that are ever sent."""


def make_plan(basis: Basis) -> tuple[Plan, dict[LdName, SvFact | None]]:
    """The plan for a resource whose reading passed every guard, and what that reading proved of the SVs."""
    resource = basis.resource
    pairs = tuple(_planned(basis, pair) for pair in resource.pairs)
    views = [view_sv(basis, sv) for pair in resource.pairs for sv in pair.svs]
    facts = {view.name: sv_fact(view.record, basis.words) if view.record else None for view in views}
    create_first = all(len(pair.svs) > 1 for pair in resource.pairs)
    return Plan(pairs, resource.order, resource.parallel, hooks_of(resource), create_first), facts


def hooks_of(resource: Resource) -> tuple[str, ...]:
    """The hooks of a run, in their order: nobody loses an LV without the gate."""
    configured = ((PRE, resource.pre_resync), (GATE, True), (POST, resource.post_resync))
    return tuple(name for name, there in configured if there)


def _planned(basis: Basis, pair: Pair) -> PlannedPair:
    views = tuple(view_sv(basis, sv) for sv in pair.svs)
    lv = sight(basis, pair, views)
    target = choose_target(views, lv.shown, basis.words)
    return PlannedPair(
        lv=pair.lv,
        bv=target.bv or target.name,
        target=target.name,
        previous=lv.shown if lv.link is LinkState.LINKED else None,
        access=wanted_access(basis.resource.access, lv, basis.history, pair.lv) or "rw",
        stamp=printed_form(target.record.taken_at) if target.record else None,
        special_file=lv.record.special_file if lv.record else None,
    )


def choose_target(views: tuple[SvView, ...], shown: LdName | None, words: Words) -> SvView:
    """The SV to re-create: of several one that no LV shows; faulty or empty first, then oldest, then last declared."""
    others = [view for view in views if view.name != shown] or list(views)
    idle = [view for view in others if not _claimed(view, words)] or others
    return min(reversed(idle), key=_worth)


def _claimed(view: SvView, words: Words) -> bool:
    """Some LV stands under the SV, and it is not proven detached."""
    if view.record is None or view.record.lv is None:
        return False
    return link_of(view.record, words) is not LinkState.DETACHED


def _worth(view: SvView) -> tuple[bool, float]:
    """The order in which images are given up: a spoilt one without a date first, a good one without a date last."""
    spoilt = view.state in {SnapshotState.FAULT, SnapshotState.EMPTY}
    undated = float("-inf") if spoilt else float("inf")
    return not spoilt, view.taken.earliest if view.taken else undated


def wanted_access(policy: AccessPolicy, seen: LvSighting, history: History, lv: LdName) -> str | None:
    """`rw` or `ro`, or None where `keep` does not know what to keep."""
    if policy is not AccessPolicy.KEEP:
        return str(policy.value)
    known = seen.access if seen.link is LinkState.LINKED else history.access.get(lv)
    return known if known in SENT else None


def sv_fact(record: SvRecord, words: Words) -> SvFact:
    """What a record proves of its SV."""
    stamp = printed_form(record.taken_at)
    match classify_snap(record.state_word, words, dated=record.taken_at is not None):
        case SnapshotState.ACTIVE:
            return SvFact(Kind.ACTIVE, stamp, record.state_word)
        case SnapshotState.CHANGING | SnapshotState.RESTORING:
            return SvFact(Kind.MOVING, stamp, record.state_word)
        case _:
            return SvFact(Kind.USELESS, stamp, record.state_word)


def rows_of(pairs: Iterable[PlannedPair], screen: BvScreen, words: Words) -> tuple[Row, ...] | Unread:
    """What `screen` proves about the planned pairs of its BV; `Unread` where it does not prove all of it."""
    rows = []
    for pair in pairs:
        row = _row(pair, screen, words)
        if isinstance(row, Unread):
            return row
        rows.append(row)
    return tuple(rows)


def _row(pair: PlannedPair, screen: BvScreen, words: Words) -> Row | Unread:
    target = _readable(screen, pair.target)
    previous = _readable(screen, pair.previous) if pair.previous else None
    for one in (target, previous):
        if isinstance(one, Unread):
            return one
    shown = _shown(pair.lv, screen, words)
    if isinstance(shown, Unread):
        return shown
    lv = next((one.lv for one in _showing(pair.lv, screen)), None)
    return Row(
        pair.lv,
        shown,
        lv.access_word if lv else "",
        sv_fact(target, words) if isinstance(target, SvRecord) else None,
        sv_fact(previous, words) if isinstance(previous, SvRecord) else None,
        lv.special_file if lv else None,
    )


def _readable(screen: BvScreen, sv: LdName) -> SvRecord | Unread:
    missing = Unread("unreadable", f"the screen of {screen.name} does not list {sv}", "ask again")
    return screen.records.get(sv, screen.broken or missing)


def _showing(lv: LdName, screen: BvScreen) -> list[SvRecord]:
    return [one for one in screen.records.values() if isinstance(one, SvRecord) and one.lv and one.lv.name == lv]


def _shown(lv: LdName, screen: BvScreen, words: Words) -> LvFact | Unread:
    """What `lv` shows: detached only where every record of a whole screen could be read and none shows it."""
    showing = _showing(lv, screen)
    if len(showing) > 1:
        names = " and ".join(one.name for one in showing)
        return Unread("unreadable", f"{names} both claim to be shown by {lv}", "ask again")
    record = showing[0] if showing else None
    if record is not None:
        link = link_of(record, words)
        if link is LinkState.UNKNOWN:
            return Unread("unreadable", f"the link word of {lv} is {record.link_word!r}", "classify it with `words`")
        return record.name if link is LinkState.LINKED else DETACHED
    blind = screen.broken or next((why for one in screen.records.values() if (why := _blind(one, words))), None)
    return blind or DETACHED


def _blind(record: SvRecord | Unread, words: Words) -> Unread | None:
    """Why a record that names no LV does not prove that no LV shows its SV."""
    if isinstance(record, Unread):
        return record
    if record.lv is not None or link_of(record, words) is not LinkState.UNKNOWN:
        return None
    return Unread("unreadable", f"the link word of {record.name} is {record.link_word!r}", "classify it with `words`")


def plan_hash(argvs: Iterable[tuple[str, ...]]) -> str:
    """The identity of a plan: the exact commands, in order."""
    text = "\n".join("\0".join(argv) for argv in argvs)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
