"""Judging one pair: from the screens that concern it to its state and findings."""

from datetime import tzinfo
from typing import NamedTuple

from necism_monitor.domain.findings import Finding, finding, status_of
from necism_monitor.domain.history import History
from necism_monitor.domain.model import AccessPolicy, Pair, Resource, Settings
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, Observation, SvRecord, Unread
from necism_monitor.domain.sighting import LvSighting, home_of, link_of, record_of, sight_lv
from necism_monitor.domain.stamps import Instant, instant
from necism_monitor.domain.states import (
    Access,
    BvState,
    LinkState,
    Protection,
    SnapshotState,
    Words,
    classify_access,
    classify_bv,
    classify_guard,
    classify_snap,
)
from necism_monitor.domain.verdicts import PairVerdict


class Basis(NamedTuple):
    """What a resource's pairs are judged on."""

    resource: Resource
    observation: Observation
    history: History
    settings: Settings
    words: Words
    zone: tzinfo
    now: float
    quiet: bool
    """A run is working on the resource: what it does is no finding."""


class SvView(NamedTuple):
    """One SV as judged."""

    name: LdName
    bv: LdName | None
    screen: BvScreen | None
    record: SvRecord | None
    state: SnapshotState
    taken: Instant | None
    unread: Unread | None


def view_sv(basis: Basis, sv: LdName) -> SvView:
    """The state and date of one SV; MISSING only where complete screens say so."""
    screen, record = record_of(basis.observation, sv)
    known = basis.observation.bv_of.get(sv)
    bv = known if isinstance(known, LdName) else None
    if record is None:
        return SvView(sv, bv, screen, None, SnapshotState.MISSING, None, None)
    if isinstance(record, Unread):
        return SvView(sv, bv, screen, None, SnapshotState.UNKNOWN, None, record)
    state = classify_snap(record.state_word, basis.words, dated=record.taken_at is not None)
    taken = instant(record.taken_at, basis.zone) if record.taken_at else None
    return SvView(sv, bv, screen, record, state, taken, None)


_PREFERRED = {LinkState.LINKED: 0, LinkState.UNKNOWN: 1, LinkState.DETACHED: 2, LinkState.MISSING: 3}


def sight(basis: Basis, pair: Pair, views: tuple[SvView, ...]) -> LvSighting:
    """Where the LV is: a proven link on any BV of its SVs outranks a doubt, a doubt outranks an absence."""
    bvs = dict.fromkeys(view.bv for view in views if view.bv)
    sightings = [sight_lv(basis.observation, pair.lv, bv, basis.words, basis.history) for bv in bvs]
    unread = next((view.unread for view in views if view.unread), None)
    # Without a BV there is nowhere to look: either a query failed, or whole screens say that no SV of it exists.
    if not sightings:
        return LvSighting(LinkState.UNKNOWN, None, None, None, unread, None)
    return min(sightings, key=lambda one: _PREFERRED.get(one.link, 0))


def current_sv(views: tuple[SvView, ...], shown: LdName | None) -> SvView:
    """The SV shown; else, of several, the newest active one; else the first declared."""
    for view in views:
        if view.name == shown:
            return view
    active = [view for view in views if view.state is SnapshotState.ACTIVE]
    return max(active, key=lambda view: view.taken.earliest if view.taken else float("-inf"), default=views[0])


def judge_pair(basis: Basis, pair: Pair) -> PairVerdict:
    """The verdict on one pair."""
    views = tuple(view_sv(basis, sv) for sv in pair.svs)
    lv = sight(basis, pair, views)
    sv = current_sv(views, lv.shown)
    link = LinkState.WRONG if lv.link is LinkState.LINKED and lv.shown not in pair.svs else lv.link
    found = (
        *(one for view in views for one in _sv_findings(basis, pair, view, shown=view is sv)),
        *_bv_findings(basis, pair, sv),
        *_lv_findings(basis, pair, lv, link),
    )
    findings = tuple(dict.fromkeys(found))
    return PairVerdict(
        pair=pair,
        sv=sv.name,
        bv=sv.bv,
        linked_to=lv.shown,
        link=link,
        access=lv.access,
        snapshot_state=sv.state,
        snapshot_time=sv.taken,
        size_bytes=sv.record.size_bytes if sv.record else None,
        os_type=lv.record.os_type if lv.record else None,
        special_file=lv.record.special_file if lv.record else None,
        status=status_of(findings),
        findings=findings,
    )


def changing_until(basis: Basis, view: SvView) -> float | None:
    """When the grace of a transitional SV ends; None = it is over, or nobody can tell since when it lasts.

    A beginning further in the future than future_tolerance says nothing: its grace would never end.
    """
    began = transition_began(basis, view)
    if began is None or began - basis.settings.future_tolerance > basis.now:
        return None
    until = min(began, basis.now) + basis.settings.changing_grace
    return until if until > basis.now else None


def transition_began(basis: Basis, view: SvView) -> float | None:
    """When the last operation on an SV began, by the array's clock; else since when it has been seen in transition.

    None = nobody knows: its screen does not say, and nobody could remember when it was first seen.
    """
    if view.record is None:
        return None
    if view.record.started_at is None:
        return basis.observation.volumes.moving.get(view.name)
    return instant(view.record.started_at, basis.zone).earliest


def _sv_findings(basis: Basis, pair: Pair, view: SvView, *, shown: bool) -> list[Finding]:
    lv, sv = pair.lv, view.name
    found = _state_findings(basis, lv, view)
    if view.unread:
        found.append(Finding(view.unread.code, lv, view.unread.text, view.unread.hint))
    if view.record and classify_guard(view.record.guard_word) is Protection.UNKNOWN:
        found.append(finding("unexpected-state", lv, f"SV Protection of {sv} is {view.record.guard_word!r}"))
    if view.record and _odd_link(basis, lv, view.record):
        found.append(finding("unexpected-state", lv, f"LV Link Status of {sv} is {view.record.link_word!r}"))
    if shown and view.taken and view.taken.earliest > basis.now + basis.settings.future_tolerance:
        ahead = view.taken.earliest - basis.now
        found.append(finding("future", lv, f"{sv} is dated {ahead:.0f} s in the future"))
    return found


def _odd_link(basis: Basis, lv: LdName, record: SvRecord) -> bool:
    """An undecided link word that the sighting of `lv` does not speak about."""
    ours = record.lv is not None and record.lv.name == lv
    return not ours and link_of(record, basis.words) is LinkState.UNKNOWN


def _state_findings(basis: Basis, lv: LdName, view: SvView) -> list[Finding]:
    sv, word = view.name, view.record.state_word if view.record else ""
    match view.state:
        case SnapshotState.MISSING:
            return [finding("sv-missing", lv, f"SV {sv} is not on the array")]
        case SnapshotState.FAULT:
            return [finding("fault", lv, f"SV {sv} is in state {word!r}")]
        case SnapshotState.RESTORING:
            return [finding("restoring", lv, f"a restore runs from SV {sv} ({word!r})")]
        case SnapshotState.CHANGING if not basis.quiet and changing_until(basis, view) is None:
            return [finding("changing", lv, f"SV {sv} is in state {word!r} for too long, or nobody knows since when")]
        case SnapshotState.EMPTY if not basis.quiet:
            return [finding("never-synced", lv, f"SV {sv} holds no image")]
        case SnapshotState.ACTIVE if view.taken is None and not basis.quiet:
            return [finding("never-synced", lv, f"SV {sv} is active but shows no date")]
        case SnapshotState.UNKNOWN if view.record:
            return [finding("unexpected-state", lv, f"SV {sv} is in state {word!r}, which nobody has decided about")]
        case _:
            return []


def _bv_findings(basis: Basis, pair: Pair, view: SvView) -> list[Finding]:
    if view.screen is None:
        return []
    word, state = view.screen.state_word, classify_bv(view.screen.state_word, basis.words)
    found = []
    if state is not BvState.NORMAL:
        found.append(finding("bv-not-normal", pair.lv, f"BV {view.bv} is in state {word!r}"))
    if state is BvState.UNKNOWN:
        found.append(finding("unexpected-state", pair.lv, f"BV {view.bv} is in state {word!r}, which is not known"))
    return found


def _lv_findings(basis: Basis, pair: Pair, seen: LvSighting, link: LinkState) -> list[Finding]:
    lv = pair.lv
    found = _access_findings(basis, pair, seen)
    if seen.unread:
        found.append(Finding(seen.unread.code, lv, seen.unread.text, seen.unread.hint))
    if seen.word is not None:
        found.append(finding("unexpected-state", lv, f"the link word of {lv} is {seen.word!r}"))
    if link is LinkState.MISSING:
        found.append(_missing(basis, pair))
    if link is LinkState.DETACHED and not basis.quiet:
        found.append(finding("detached", lv, f"LV {lv} is not linked"))
    if link is LinkState.WRONG:
        found.append(finding("wrong-link", lv, f"LV {lv} shows {seen.shown}, not {' or '.join(pair.svs)}"))
    return found + _device_findings(basis, lv, seen)


def _device_findings(basis: Basis, lv: LdName, seen: LvSighting) -> list[Finding]:
    """That an LV keeps its device whichever SV it shows is inferred: hosts go on with the one they know."""
    history, record = basis.history, seen.record
    known = (
        (history.devices.get(lv), record.special_file if record else None),
        (history.wwns.get(lv), basis.observation.wwns.get(lv)),
    )
    changed = [f"{now} on this host, it was {before}" for before, now in known if before and now and before != now]
    return [finding("device-changed", lv, f"{lv} is {' and '.join(changed)}")] if changed else []


def _missing(basis: Basis, pair: Pair) -> Finding:
    """An absence on the BVs of its SVs; where the LV was seen on another one, nobody says that it does not exist."""
    ours = [bv for bv in map(basis.observation.bv_of.get, pair.svs) if isinstance(bv, LdName)]
    home = home_of(basis.observation, basis.history, pair.lv, ours)
    if home is None:
        return finding("lv-missing", pair.lv, f"LV {pair.lv} is not on the array")
    text = f"LV {pair.lv} is not on BV {' or '.join(dict.fromkeys(ours))} of its SV; it was seen on BV {home}"
    return finding("lv-missing", pair.lv, text, f"correct `devs`: this LV can only show SVs of its own BV, {home}")


def _access_findings(basis: Basis, pair: Pair, seen: LvSighting) -> list[Finding]:
    if seen.access is None or seen.link is not LinkState.LINKED:
        return []
    if classify_access(seen.access) is Access.UNKNOWN:
        return [finding("unexpected-state", pair.lv, f"LV Access of {pair.lv} is {seen.access!r}")]
    declared = basis.resource.access
    wanted = basis.history.access.get(pair.lv) if declared is AccessPolicy.KEEP else declared.value
    if wanted is None or wanted == seen.access:
        return []
    return [finding("access-changed", pair.lv, f"{pair.lv} is {seen.access}, it should be {wanted}")]
