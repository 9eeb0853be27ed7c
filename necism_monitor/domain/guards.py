"""May a run go on, as far as a reading tells: an ordered table of pure decisions; the first that speaks refuses.

A refusal changes nothing.  `--force` bypasses `too-soon` and nothing else.  Could not ask is never read as no.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from necism_monitor.domain.findings import Finding
from necism_monitor.domain.judge_pair import Basis, SvView, judge_pair, sight, view_sv
from necism_monitor.domain.model import ALARMS, MANUAL, Pair
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import choose_target, wanted_access
from necism_monitor.domain.reading import BvScreen, Inventory, LinkScreen, SvRecord, Unread
from necism_monitor.domain.refusals import Refusal, refusal
from necism_monitor.domain.sighting import LvSighting, home_of, link_of, listed_on, unseen_arrays
from necism_monitor.domain.states import (
    BvState,
    LinkState,
    LinkWord,
    Protection,
    SnapshotState,
    classify_bv,
    classify_guard,
    classify_link,
    classify_snap,
)
from necism_monitor.domain.verdicts import PairVerdict


class Subject(NamedTuple):
    """One pair of the resource, as the reading shows it."""

    pair: Pair
    views: tuple[SvView, ...]
    lv: LvSighting
    target: SvView
    verdict: PairVerdict


class Situation(NamedTuple):
    """What is known after one reading under the lock."""

    basis: Basis
    subjects: tuple[Subject, ...]
    unique_names: bool
    force: bool
    trigger: str = MANUAL
    findings: tuple[Finding, ...] = ()
    """What the judge finds wrong with the resource, its pairs and its array."""


def survey(
    basis: Basis,
    unique_names: bool,  # noqa: FBT001 - named at each call
    force: bool,  # noqa: FBT001 - named at each call, too
    trigger: str = MANUAL,
    findings: tuple[Finding, ...] = (),
) -> Situation:
    """The situation that a reading shows; `findings` is what the judge says of the same reading."""
    subjects = tuple(_subject(basis, pair) for pair in basis.resource.pairs)
    return Situation(basis, subjects, unique_names, force, trigger, findings)


def may_change(situation: Situation) -> Refusal | None:
    """The guards that need the reading, in order."""
    for code, check in TABLE:
        evidence = check(situation)
        if evidence:
            return refusal(code, "; ".join(dict.fromkeys(evidence)))
    return None


def _subject(basis: Basis, pair: Pair) -> Subject:
    views = tuple(view_sv(basis, sv) for sv in pair.svs)
    lv = sight(basis, pair, views)
    return Subject(pair, views, lv, choose_target(views, lv.shown, basis.words), judge_pair(basis, pair))


def _screens(situation: Situation) -> list[BvScreen]:
    """The screens of every BV that the run would touch."""
    bvs = dict.fromkeys(view.bv for one in situation.subjects for view in one.views if view.bv)
    seen = [situation.basis.observation.bvs.get(bv) for bv in bvs]
    return [screen for screen in seen if isinstance(screen, BvScreen)]


def _ambiguous_array(situation: Situation) -> list[str]:
    inventory = situation.basis.observation.inventory
    remembered = situation.basis.observation.volumes.arrays
    arrays = inventory.arrays if isinstance(inventory, Inventory) else remembered or ()
    if situation.unique_names or len(arrays) < 2:  # noqa: PLR2004 - one array cannot be confused
        return []
    return [f"this host sees the arrays {', '.join(arrays)}"]


def _prerequisite(situation: Situation) -> list[str]:
    """Only what the system itself says: which message means a missing service or volume list is not known."""
    return [one.text for one in _unread(situation) if one.not_run]


def _unreadable(situation: Situation) -> list[str]:
    return [one.text for one in _unread(situation)]


def _unread(situation: Situation) -> list[Unread]:
    """Anything unread on a BV that would be changed, also of SVs that are not ours: they could be in motion."""
    unread: list[Unread | None] = [view.unread for one in situation.subjects for view in one.views]
    # An LV that lives on another BV is that guard's to name.
    unread += [one.lv.unread for one in situation.subjects if one.lv.unread and not _stranger(situation, one)]
    unread += [] if situation.unique_names else [unseen_arrays(situation.basis.observation)]
    unread += [one for subject in situation.subjects if (one := _contradiction(subject.target.record))]
    for screen in _screens(situation):
        links = situation.basis.observation.links.get(screen.name)
        unread += [record for record in screen.records.values() if isinstance(record, Unread)]
        unread += [screen.broken, links if isinstance(links, Unread) else links and links.broken]
    return [one for one in unread if one]


def _contradiction(record: SvRecord | None) -> Unread | None:
    """An LV under an SV that is said not to be linked: enough for linking it again, not for replacing its image.

    Both that word and the absence of the LV are inferred, so one without the other proves too little.
    """
    if record is None or record.lv is None or record.link_word != LinkWord.UNLINK.value:
        return None
    text = f"{record.name} lists the LV {record.lv.name}, and its link status is {record.link_word!r}"
    return Unread("unreadable", text, "run `necism relink`")


def _unexpected(situation: Situation) -> list[str]:
    words = situation.basis.words
    found = [
        one.text for subject in situation.subjects for one in subject.verdict.findings if one.code == "unexpected-state"
    ]
    for screen in _screens(situation):
        for record in _records(screen):
            if _class(situation, record) is SnapshotState.UNKNOWN:
                found.append(f"SV {record.name} is in state {record.state_word!r}, which nobody has decided about")
            if link_of(record, words) is LinkState.UNKNOWN:
                found.append(f"LV Link Status of {record.name} is {record.link_word!r}")
    return found


def _not_found(situation: Situation) -> list[str]:
    found = []
    for one in situation.subjects:
        found += [f"SV {view.name} is not on the array" for view in one.views if view.state is SnapshotState.MISSING]
        if one.lv.link is LinkState.MISSING and not _stranger(situation, one):
            found.append(f"LV {one.pair.lv} is not on the array")
    return found


def _wrong_bv(situation: Situation) -> list[str]:
    found = [text for one in situation.subjects if (text := _stranger(situation, one))]
    for one in situation.subjects:
        bvs = dict.fromkeys(view.bv for view in one.views if view.bv)
        if len(bvs) > 1:
            found.append(f"the SVs of {one.pair.lv} belong to {' and '.join(bvs)}")
    return found


def _stranger(situation: Situation, one: Subject) -> str:
    """Where an LV is, or was last seen, on another BV than its target; empty where it is not."""
    basis, sv = situation.basis, one.target
    for bv in listed_on(basis.observation, one.pair.lv):
        if bv != sv.bv:
            return f"LV {one.pair.lv} belongs to BV {bv}, SV {sv.name} to BV {sv.bv}"
    # What is remembered counts only where whole screens say that the LV is not on its SV's BV.
    ours = [view.bv for view in one.views if view.bv]
    missing = one.lv.link is LinkState.MISSING
    home = home_of(basis.observation, basis.history, one.pair.lv, ours) if missing else None
    return f"LV {one.pair.lv} was last seen on BV {home}, SV {sv.name} belongs to BV {sv.bv}" if home else ""


def _wrong_link(situation: Situation) -> list[str]:
    return [
        f"LV {one.pair.lv} shows {one.lv.shown}, not {' or '.join(one.pair.svs)}"
        for one in situation.subjects
        if one.lv.link is LinkState.LINKED and one.lv.shown not in one.pair.svs
    ]


def _shown_elsewhere(situation: Situation) -> list[str]:
    found = []
    for one in situation.subjects:
        record = one.target.record
        if record and record.lv and record.lv.name != one.pair.lv and _links(situation, record):
            found.append(f"SV {record.name} is shown by LV {record.lv.name}")
        found += [
            f"SV {one.target.name} is shown by LV {row}" for row in _linked_rows(situation, one) if row != one.pair.lv
        ]
    return found


def _links(situation: Situation, record: SvRecord) -> bool:
    """Anything but a proven detachment counts as shown."""
    return link_of(record, situation.basis.words) is not LinkState.DETACHED


def _linked_rows(situation: Situation, one: Subject) -> list[LdName]:
    """The LVs that the link list, where it was asked for, shows on the target."""
    links = situation.basis.observation.links.get(one.target.bv) if one.target.bv else None
    rows = links.rows.values() if isinstance(links, LinkScreen) else ()
    words = situation.basis.words
    return [
        row.lv
        for row in rows
        if row.partner == one.target.name and classify_link(row.link_word, words) is not LinkState.DETACHED
    ]


def _guarded(situation: Situation) -> list[str]:
    return [
        f"SV {one.target.name} is guarded ({one.target.record.guard_word})"
        for one in situation.subjects
        if one.target.record and classify_guard(one.target.record.guard_word) is not Protection.OFF
    ]


def _bv_not_normal(situation: Situation) -> list[str]:
    return [
        f"BV {screen.name} is in state {screen.state_word!r}"
        for screen in _screens(situation)
        if classify_bv(screen.state_word, situation.basis.words) is not BvState.NORMAL
    ]


def _in_state(state: SnapshotState) -> Callable[[Situation], list[str]]:
    """A guard against any SV in `state` on a BV that the run would touch."""

    def check(situation: Situation) -> list[str]:
        return [
            f"SV {record.name} of BV {screen.name} is in state {record.state_word!r}"
            for screen in _screens(situation)
            for record in _records(screen)
            if _class(situation, record) is state
        ]

    return check


def _access_unknown(situation: Situation) -> list[str]:
    basis, found = situation.basis, []
    for one in situation.subjects:
        if wanted_access(basis.resource.access, one.lv, basis.history, one.pair.lv) is None:
            now = f"is {one.lv.access}" if one.lv.access else "is detached, and no run has journalled its access"
            found.append(f"LV {one.pair.lv} {now}")
    return found


def _too_soon(situation: Situation) -> list[str]:
    """Never when an LV is detached or an SV has no good image; an ambiguous date counts as its newer reading."""
    limit = situation.basis.resource.limits.min_delay
    shown = [one.verdict for one in situation.subjects]
    views = [view for one in situation.subjects for view in one.views]
    spoilt = any(view.state is not SnapshotState.ACTIVE or view.taken is None for view in views)
    if situation.force or limit == 0 or spoilt or any(one.link is LinkState.DETACHED for one in shown):
        return []
    now = situation.basis.now
    age, sv = max((max(0.0, now - one.snapshot_time.latest), one.sv) for one in shown if one.snapshot_time)
    return [f"the oldest image ({sv}) is {age:.0f} s old, sync_min_delay is {limit:.0f} s"] if age < limit else []


WORTH_A_RESYNC: Final = frozenset({"too-old", "never-synced", "skew"})
"""The findings for which an alarm may start a run: those that a new set of images ends, whatever the rest."""


def _not_needed(situation: Situation) -> list[str]:
    if situation.trigger not in ALARMS or situation.findings:
        return []
    return [f"{situation.trigger} asked for it, and this reading shows nothing wrong"]


def _needs_person(situation: Situation) -> list[str]:
    """An alarm is about something: what that is, and whether a new image is the answer, may be for a person to say."""
    other = [one for one in situation.findings if one.code not in WORTH_A_RESYNC]
    return [f"{one.code} of {one.subject}: {one.text}" for one in other] if situation.trigger in ALARMS else []


def _records(screen: BvScreen) -> list[SvRecord]:
    return [record for record in screen.records.values() if isinstance(record, SvRecord)]


def _class(situation: Situation, record: SvRecord) -> SnapshotState:
    return classify_snap(record.state_word, situation.basis.words, dated=record.taken_at is not None)


TABLE: Final[tuple[tuple[str, Callable[[Situation], list[str]]], ...]] = (
    ("prerequisite", _prerequisite),
    ("ambiguous-array", _ambiguous_array),
    ("state-unreadable", _unreadable),
    ("unexpected-state", _unexpected),
    ("not-found", _not_found),
    ("wrong-bv", _wrong_bv),
    ("wrong-link", _wrong_link),
    ("sv-shown-elsewhere", _shown_elsewhere),
    ("sv-guarded", _guarded),
    ("bv-not-normal", _bv_not_normal),
    ("restoring", _in_state(SnapshotState.RESTORING)),
    ("changing", _in_state(SnapshotState.CHANGING)),
    ("access-unknown", _access_unknown),
    ("too-soon", _too_soon),
    ("not-needed", _not_needed),
    ("needs-person", _needs_person),
)
