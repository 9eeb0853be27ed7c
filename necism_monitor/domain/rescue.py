"""What a relink may do, by one reading alone: link each LV that is proven detached to an active SV of its pair."""

from typing import NamedTuple

from necism_monitor.domain.events import Plan, PlannedPair, SvFact
from necism_monitor.domain.judge_pair import Basis, SvView, current_sv, judge_pair, sight, view_sv
from necism_monitor.domain.model import Pair
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import rows_of, sv_fact, wanted_access
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.sighting import LvSighting, link_of
from necism_monitor.domain.stamps import printed_form
from necism_monitor.domain.states import LinkState, SnapshotState


class Rescue(NamedTuple):
    """The detached LVs that can be linked, and what is to be said about the others."""

    plan: Plan
    facts: dict[LdName, SvFact | None]
    """What the reading proved of the SVs to be shown."""
    left: tuple[str, ...]
    """Why each LV that is neither linked nor going to be linked is left as it is."""
    warnings: tuple[str, ...]


def find_rescue(basis: Basis) -> Rescue:
    """Sort the pairs of a resource: linked, to be linked, to be left alone."""
    planned: list[PlannedPair] = []
    facts: dict[LdName, SvFact | None] = {}
    left: list[str] = []
    warnings: list[str] = []
    for pair in basis.resource.pairs:
        views = tuple(view_sv(basis, sv) for sv in pair.svs)
        lv, sv = sight(basis, pair, views), current_sv(views, None)
        if lv.link is LinkState.LINKED and lv.shown in pair.svs:
            continue
        why = _left_alone(basis, pair, lv, sv) or _taken(basis, pair, sv, planned)
        if why or sv.record is None:
            left.append(f"{pair.lv} {why or 'has no SV that could be read'}")
            continue
        access = wanted_access(basis.resource.access, lv, basis.history, pair.lv)
        if access is None:
            warnings.append(f"the access that {pair.lv} had is not known: it is linked in the plain form, as rw")
        one = PlannedPair(pair.lv, sv.bv or sv.name, sv.name, None, access or "rw", printed_form(sv.record.taken_at))
        unproven = _unproven(basis, one, sv)
        if unproven:
            left.append(f"{pair.lv} could not be read: {unproven.text}")
            continue
        planned.append(one)
        facts[sv.name] = sv_fact(sv.record, basis.words)
    plan = Plan(tuple(planned), basis.resource.order, basis.resource.parallel)
    return Rescue(plan, facts, tuple(left), tuple(warnings))


def _left_alone(basis: Basis, pair: Pair, lv: LvSighting, sv: SvView) -> str:
    """Why an LV is not touched; empty where it is detached and `sv` has an image for it."""
    if lv.link is LinkState.LINKED:
        return f"shows {lv.shown}, which is none of its SVs"
    if lv.link is LinkState.MISSING:
        return "is not on the array"
    odd = [one.text for one in judge_pair(basis, pair).findings if one.code == "unexpected-state"]
    if odd:
        return f"is left alone: {odd[0]}"
    if lv.link is not LinkState.DETACHED:
        return f"could not be read: {lv.unread.text if lv.unread else 'its state is not known'}"
    # One that changes is waited for, and linked only once it is active.
    if sv.state not in {SnapshotState.ACTIVE, SnapshotState.CHANGING}:
        word = repr(sv.record.state_word) if sv.record else sv.state.value
        return f"is detached, and {sv.name} holds no usable image: its state is {word}"
    return ""


def _taken(basis: Basis, pair: Pair, sv: SvView, planned: list[PlannedPair]) -> str:
    """Another LV shows the SV, or is about to."""
    record = sv.record
    if any(one.target == sv.name for one in planned):
        return f"is detached, and {sv.name} is linked to another LV"
    if record is None or record.lv is None or record.lv.name == pair.lv:
        return ""
    detached = link_of(record, basis.words) is LinkState.DETACHED
    return "" if detached else f"is detached, and {sv.name} is shown by {record.lv.name}"


def _unproven(basis: Basis, pair: PlannedPair, sv: SvView) -> Unread | None:
    """Why the screen of the BV does not prove what the run would have to see before it links."""
    if sv.screen is None:
        return Unread("unreadable", f"no screen shows {sv.name}", "ask again")
    rows = rows_of((pair,), sv.screen, basis.words)
    return rows if isinstance(rows, Unread) else None
