"""Snapshot sets on the page: what is wrong with each and what to do, its age against its limit, its pairs, its runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from necism_monitor.domain.diary import NO_ENTRY, Diary, Entry
from necism_monitor.domain.findings import Finding, Verdict
from necism_monitor.domain.history import RunState
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.verdicts import PairVerdict, ResourceVerdict
from necism_monitor.render.cases import PRESSING, Case, grouped, urgency
from necism_monitor.render.last_good import Sight
from necism_monitor.render.page_runs import OpenView, RefusalView, RunView, view_open, view_refusals, view_runs
from necism_monitor.render.page_words import command_for, date, listed, span

MENDED: Final = frozenset({"too-old", "skew", "never-synced"})
"""What a resync that ends well leaves behind no more."""
LINES: Final = 6
"""How many subjects of one finding are listed; the table of pairs names the findings of each."""
FEW: Final = 8
"""So many healthy pairs are shown without being asked for."""
NEAR: Final = 0.85
"""The part of its limit from which on an age is said to come near it."""


class Problem(NamedTuple):
    """Findings of one code with one remedy."""

    code: str
    verdict: str
    pressing: bool
    lines: tuple[str, ...]
    more: int
    hint: str
    command: str


class Gauge(NamedTuple):
    """A span against its limit, in words and for a bar."""

    words: str
    limit: str
    told: str
    """What the bar says in words: how much is left, or by how much it is beyond."""
    value: int
    most: int
    state: str
    """ok, near, over, kept (the last value that was read) or none."""


class PairView(NamedTuple):
    """A row of the table of pairs."""

    lv: str
    sv: str
    others: str
    bv: str
    link: str
    access: str
    image: str
    taken: str
    kept: bool
    """`taken` and `age` are those of the last reading."""
    age: str
    status: str
    codes: str


class SetView(NamedTuple):
    """One resource."""

    anchor: str
    service: str
    name: str
    id: str
    status: str
    level: str
    """pressing, warn, unknown, running or up: how soon somebody has to look."""
    problems: tuple[Problem, ...]
    age: Gauge
    skew: Gauge
    facts: tuple[tuple[str, str], ...]
    open: OpenView | None
    ill: tuple[PairView, ...]
    well: tuple[PairView, ...]
    folded: bool
    """`well` are many: shown when asked for."""
    runs: tuple[RunView, ...]
    refusals: tuple[RefusalView, ...]
    untold: str


def view_set(sight: Sight, diary: Diary, one: ResourceVerdict, now: float) -> SetView:
    """Everything about one resource."""
    entry = diary.get(one.resource.id, NO_ENTRY)
    pairs = [(pair, _pair(sight, one, pair, now)) for pair in one.pairs]
    well = tuple(view for pair, view in pairs if pair.status is Verdict.UP)
    return SetView(
        anchor=anchor_of(one),
        service=one.resource.service,
        name=one.resource.name,
        id=one.resource.id,
        status=one.status.value,
        level=level_of(one),
        problems=tuple(_problem(one, group) for group in grouped(_cases(one))),
        age=_age(sight, one, now),
        skew=_distance(one.skew, one.resource.limits.max_skew),
        facts=_facts(sight, one, now),
        open=view_open(one.run, entry.open, now) if one.run else None,
        ill=tuple(view for pair, view in pairs if pair.status is not Verdict.UP),
        well=well,
        folded=len(well) > FEW,
        runs=view_runs(entry, one.run, now),
        refusals=view_refusals(entry.refusals, now),
        untold=_untold(entry),
    )


def anchor_of(one: ResourceVerdict) -> str:
    """The id of its element; neither name holds a colon, so no two sets share one."""
    return f"set-{one.resource.service}:{one.resource.name.partition('#')[2]}"


def level_of(one: ResourceVerdict) -> str:
    """How soon somebody has to look."""
    if any(found.code in PRESSING for found in one.all_findings):
        return "pressing"
    return "running" if _is_mending(one) else one.status.value


def _is_mending(one: ResourceVerdict) -> bool:
    """A run is at work, and what is wrong is what its end mends."""
    running = one.run is not None and one.run.state is RunState.RUNNING
    return running and all(found.code in MENDED for found in one.all_findings)


def worst_of(one: ResourceVerdict) -> Finding | None:
    """The most urgent finding."""
    return min(one.all_findings, key=urgency, default=None)


def _cases(one: ResourceVerdict) -> list[Case]:
    own = [Case("", found) for found in one.findings]
    return own + [Case(pair.pair.lv, found) for pair in one.pairs for found in pair.findings]


def next_command(one: ResourceVerdict, found: Finding) -> str:
    """What to type; while a run is open nothing but what is about that run."""
    if one.run is None or found.code in {"unfinished", "stuck"}:
        return command_for(found.code, one.resource)
    return ""


def _problem(one: ResourceVerdict, cases: list[Case]) -> Problem:
    first = cases[0].finding
    subjects: dict[str, list[str]] = {}
    for case in cases:
        subjects.setdefault(case.finding.text, []).append(case.subject)
    lines = [_line(text, names) for text, names in list(subjects.items())[:LINES]]
    rest = [len(names) for names in list(subjects.values())[LINES:]]
    return Problem(
        first.code,
        first.verdict.value,
        first.code in PRESSING,
        tuple(lines),
        sum(rest),
        "a resync is running: wait for its end" if _is_mending(one) else first.hint,
        next_command(one, first),
    )


def _line(text: str, names: list[str]) -> str:
    """The text, after those whom it concerns where it does not name them."""
    told = tuple(name for name in names if name and name not in text)
    return f"{listed(told)}: {text}" if told else text


def _age(sight: Sight, one: ResourceVerdict, now: float) -> Gauge:
    known, limit = one.age(now), one.resource.limits.max_delay
    oldest = min(sight.dates(one), default=None)
    if known is not None or oldest is None:
        return _gauge(known, limit, "old")
    kept = _gauge(max(0.0, now - oldest), limit, "old")
    return kept._replace(words=f"last known: {kept.words}", state="kept")


def _gauge(value: float | None, limit: float, word: str) -> Gauge:
    most = max(1, round(limit))
    if value is None:
        return Gauge("not known", span(limit), "not known", 0, most, "none")
    left = limit - value
    state = "over" if left < 0 else "near" if value >= NEAR * limit else "ok"
    told = f"{span(-left)} beyond it" if left < 0 else f"{span(left)} left"
    return Gauge(f"{span(value)} {word}", span(limit), told, min(most, round(value)), most, state)


def _distance(skew: float | None, limit: float) -> Gauge:
    """As an age, but that nobody waits for it to pass."""
    gauge = _gauge(skew, limit, "apart")
    return gauge if gauge.state in {"over", "none"} else gauge._replace(told="", state="ok")


def _facts(sight: Sight, one: ResourceVerdict, now: float) -> tuple[tuple[str, str], ...]:
    resource, kept = one.resource, sight.readings.get(one.resource.array)
    read = "never" if kept is None else f"{date(kept.ended_at)} ({span(max(0.0, now - kept.ended_at))} ago)"
    facts = [("Array", resource.array), ("Last good reading", read), ("Last good resync", _last_good(sight, one, now))]
    facts += [("Runs on", listed(tuple(sorted(resource.run_on))))] if resource.run_on else []
    facts += [("Automatic", listed(tuple(sorted(resource.automation.callers))))] if resource.automation.callers else []
    held = resource.disabled or resource.no_action
    return (*facts, *((("Resync", "refused: the service file disables it"),) if held else ()))


def _last_good(sight: Sight, one: ResourceVerdict, now: float) -> str:
    history = sight.books.histories.get(one.resource.id)
    if history is None or isinstance(history, Unread):
        return "not known"
    at = history.last_success_at
    return "none in the journal" if at is None else f"{date(at)} ({span(max(0.0, now - at))} ago)"


def _untold(entry: Entry) -> str:
    return f"Not all runs can be told: {entry.problem}" if entry.problem else ""


def _pair(sight: Sight, one: ResourceVerdict, pair: PairVerdict, now: float) -> PairView:
    kept = sight.kept(one.resource, pair.pair)
    taken = pair.snapshot_time.earliest if pair.snapshot_time else None
    # A reading that came says more than one before, also where it says that there is no date.
    blind = taken is None and pair.status is Verdict.UNKNOWN and kept is not None and kept.taken is not None
    shown = kept.taken if blind and kept else taken
    link = pair.link.value if pair.linked_to in {None, pair.sv} else f"{pair.link.value}: {pair.linked_to}"
    return PairView(
        lv=pair.pair.lv,
        sv=pair.sv,
        others=listed(tuple(sv for sv in pair.pair.svs if sv != pair.sv)),
        bv=pair.bv or "-",
        link=link,
        access=pair.access or "-",
        image=pair.snapshot_state.value,
        taken=date(shown),
        kept=blind,
        age=span(None if shown is None else max(0.0, now - shown)),
        status=pair.status.value,
        codes=_codes(pair.findings),
    )


def _codes(found: Iterable[Finding]) -> str:
    return ", ".join(dict.fromkeys(one.code for one in found))
