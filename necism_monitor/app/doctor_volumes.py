"""The checks of what the array shows: volumes, devices, clocks, and words and labels that nobody knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from necism_monitor.app.doctor_commands import RESET
from necism_monitor.app.doctor_visit import Screen, Visit
from necism_monitor.domain.checkup import Health, Item, good, problem, unasked, unknown
from necism_monitor.domain.findings import Finding, Verdict
from necism_monitor.domain.guards import TABLE
from necism_monitor.domain.model import Array
from necism_monitor.domain.reading import BvScreen, LinkScreen, SvRecord, Unread
from necism_monitor.domain.refusals import CATALOGUE
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
    classify_link,
    classify_snap,
)
from necism_monitor.domain.verdicts import PairVerdict, ResourceVerdict

OF_STATUS: Final = frozenset({"too-old", "skew"})
"""What a resync ends; `necism status` tells it, and it is no prerequisite of anything."""
GUARDS: Final = ("wrong-bv", "sv-shown-elsewhere", "sv-guarded", "access-unknown")
"""What would refuse a resync and is no finding of `status`."""
BLINDING: Final = ("prerequisite", "state-unreadable", "unexpected-state", "not-found")
CLOCK_SECONDS: Final = 60.0
"""How far an array's clock may be away: a snapshot dated later than that would pass for a fresh one too long."""
SAMPLES: Final = 4
CAPTURE: Final = "run `necism capture DIR` and report it: nobody has recorded this yet"
DECLARE: Final = (
    "find out what it means; a harmless word is classified with `words` in the [array] section; and " + CAPTURE
)


def check_volumes(visit: Visit) -> Iterator[Item]:
    """Every BV, SV and LV of the configuration: what `status` finds wrong with it, and what would refuse a resync."""
    for one in visit.resources:
        refused = list(_refused(visit, one))
        for pair in one.pairs:
            found = [from_finding("volume", _subject(one, pair), finding) for finding in pair.findings]
            yield from found or ([] if refused else [good("volume", _subject(one, pair), _shown(pair))])
        yield from refused


def _subject(one: ResourceVerdict, pair: PairVerdict) -> str:
    return f"{one.resource.id} {pair.pair.lv}"


def _shown(pair: PairVerdict) -> str:
    access = f", {pair.access}" if pair.access else ""
    return f"BV {pair.bv}, SV {pair.sv} {pair.snapshot_state.value}, LV {pair.pair.lv} {pair.link.value}{access}"


def from_finding(check: str, subject: str, finding: Finding) -> Item:
    """What the judge says, as an item: could not tell stays unknown."""
    health = Health.UNKNOWN if finding.verdict is Verdict.UNKNOWN else Health.PROBLEM
    return Item(check, subject, health, f"{finding.code}: {finding.text}", finding.hint)


def _refused(visit: Visit, one: ResourceVerdict) -> Iterator[Item]:
    """The guards themselves are asked, so that doctor and resync cannot disagree."""
    situation = visit.situation(one.resource)
    evidence = {code: dict.fromkeys(guard(situation)) for code, guard in TABLE}
    # Of an LV that could not be read nobody knows the access: that it could not be is the finding.
    blind = any(evidence[code] for code in BLINDING)
    for code in GUARDS:
        for text in () if blind and code == "access-unknown" else evidence[code]:
            yield problem("volume", one.resource.id, f"{code}: {text}", CATALOGUE[code].hint)


def check_devices(visit: Visit) -> Iterator[Item]:
    """Whether this host has the device that the commands print for an LV."""
    for one in visit.resources:
        array = visit.array(one.resource)
        for pair in one.pairs:
            if pair.link is LinkState.LINKED:
                yield _device(visit, one, pair, array)


def _device(visit: Visit, one: ResourceVerdict, pair: PairVerdict, array: Array) -> Item:
    subject, file = _subject(one, pair), pair.special_file
    if array.host is not None or file is None:
        where = f"its device is one of {array.host}" if array.host else "the commands name no device for it here"
        return _elsewhere(one, subject, where)
    why = visit.here.device(file)
    if isinstance(why, Unread):
        return unasked("device", subject, why)
    if why is not None:
        remedy = f"look at the paths (multipath -ll, lsblk); where the list is stale, {RESET}"
        return problem("device", subject, why, remedy)
    return good("device", subject, f"{file} is a block device of this host")


def _elsewhere(one: ResourceVerdict, subject: str, where: str) -> Item:
    """Whether an LV is in use cannot be asked here: what is declared decides."""
    resource = one.resource
    if resource.unused or resource.in_use_check:
        declared = "consumers = none" if resource.unused else "in_use_check asks for it"
        return good("device", subject, f"{where}; {declared}")
    refused = ", and its automatic callers are refused" if resource.automation.callers else ""
    evidence = f"{where}: whether somebody uses it cannot be asked{refused}"
    return unknown("device", subject, evidence, "set `in_use_check`, or `consumers = none` where nobody uses it")


def check_clocks(visit: Visit) -> Iterator[Item]:
    """The array's clock as far as its stamps tell, and whether this host's own is kept."""
    zone = visit.clinic.sources.host_zone
    offsets = {one.name: one.clock_offset for one in visit.verdicts.arrays}
    for array in visit.clinic.arrays:
        said = f"timezone = {array.zone}" if array.zone else f"no `timezone` is set, so the host's is taken ({zone})"
        yield _clock(visit, array, offsets.get(array.name), said)
    kept = visit.here.synchronised()
    if isinstance(kept, Unread):
        yield unasked("clock", "this host", kept)
    elif kept:
        yield good("clock", "this host", "a time service keeps it")
    else:
        remedy = "start a time service (chrony, systemd-timesyncd); ages are differences of two clocks"
        yield problem("clock", "this host", "the kernel says that nothing synchronises its clock", remedy)


def _clock(visit: Visit, array: Array, offset: float | None, zone: str) -> Item:
    pairs = [pair for one in visit.resources if one.resource.array == array.name for pair in one.pairs]
    stamps = [pair.snapshot_time.earliest for pair in pairs if pair.snapshot_time]
    remedy = f"set the clock of the array; a distance of whole hours is a zone: `timezone` in [array {array.name}]"
    if offset is not None and abs(offset) > CLOCK_SECONDS:
        side = "ahead of" if offset > 0 else "behind"
        evidence = f"its clock is {abs(offset):.0f} s {side} this host's, by the newest create; {zone}"
        return problem("clock", array.name, evidence, remedy)
    ahead = max(stamps, default=visit.now) - visit.now
    if ahead > CLOCK_SECONDS:
        return problem("clock", array.name, f"an image is dated {ahead:.0f} s in the future; {zone}", remedy)
    if offset is not None:
        return good("clock", array.name, f"{offset:+.1f} s to this host's, by the newest create; {zone}")
    if not stamps:
        evidence = f"no image is dated and no run was made, so nothing tells its clock; {zone}"
        return unknown("clock", array.name, evidence, "read its volumes first; the first resync measures its clock")
    return good("clock", array.name, f"no image is dated in the future; the first resync measures its clock; {zone}")


def check_words(visit: Visit) -> Iterator[Item]:
    """Words nobody has decided about, on every screen: those of other volumes of a BV block changes as well."""
    for array in visit.clinic.arrays:
        counted = Counter(word for screen in visit.screens[array.name] for word in _odd_words(screen, array.words))
        for (field, word), count in counted.most_common():
            evidence = f"{field} is {word!r} on {count} record{'' if count == 1 else 's'}"
            yield problem("word", array.name, evidence, DECLARE)
        if not counted:
            screens = len(visit.screens[array.name])
            yield _nothing_odd("word", array, screens, "every word in a judged field is known")


def _nothing_odd(check: str, array: Array, screens: int, evidence: str) -> Item:
    if screens:
        return good(check, array.name, f"{screens} screens: {evidence}")
    return unknown(check, array.name, "no screen could be read", "see what the checks above say")


def _odd_words(screen: Screen, words: Words) -> Iterator[tuple[str, str]]:
    if isinstance(screen, BvScreen):
        if classify_bv(screen.state_word, words) is BvState.UNKNOWN:
            yield "State of a BV", screen.state_word
        for record in screen.records.values():
            if isinstance(record, SvRecord):
                yield from _odd_of(record, words)
    elif isinstance(screen, LinkScreen):
        for row in screen.rows.values():
            if classify_link(row.link_word, words) is LinkState.UNKNOWN:
                yield "the link word of an LV", row.link_word


def _odd_of(record: SvRecord, words: Words) -> Iterator[tuple[str, str]]:
    if classify_snap(record.state_word, words, dated=record.taken_at is not None) is SnapshotState.UNKNOWN:
        yield "Snap State", record.state_word
    if classify_guard(record.guard_word) is Protection.UNKNOWN:
        yield "SV Guard", record.guard_word
    if classify_link(record.link_word, words) is LinkState.UNKNOWN:
        yield "LV Link Status", record.link_word
    if record.lv is not None and classify_access(record.lv.access_word) is Access.UNKNOWN:
        yield "LV Access", record.lv.access_word


def check_labels(visit: Visit) -> Iterator[Item]:
    """Labels nobody knows: they are kept and judged by nothing, so what they say is unknown."""
    for array in visit.clinic.arrays:
        screens = visit.screens[array.name]
        counted = Counter(label for screen in screens for label in screen.labels)
        samples = ", ".join(f"{label[:40]!r} ({count}x)" for label, count in counted.most_common(SAMPLES))
        more = f" and {len(counted) - SAMPLES} more" if len(counted) > SAMPLES else ""
        if counted:
            yield unknown("label", array.name, f"labels that nobody knows: {samples}{more}", CAPTURE)
        else:
            yield _nothing_odd("label", array, len(screens), "every label is known")
