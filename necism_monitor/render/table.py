"""The status for people: what is wrong and what to do first, then every resource and pair.

A page is a neutral structure, so that a terminal and a pipe show the same facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from necism_monitor.domain.durations import format_duration
from necism_monitor.domain.findings import Finding, Verdict
from necism_monitor.domain.history import OpenRun, RunState
from necism_monitor.domain.model import DAY, HOUR, MINUTE
from necism_monitor.domain.states import LinkState
from necism_monitor.domain.verdicts import PairVerdict, ResourceVerdict, Verdicts
from necism_monitor.render.cases import Case, cases_of, grouped

LINES_PER_FINDING: Final = 8
"""How many subjects of one finding are listed on top; the tables below name the findings of every pair."""

_ATTENTION: Final = (Verdict.WARN, Verdict.UNKNOWN)


class Cell(NamedTuple):
    """A text, coloured by `mood` where there are colours."""

    text: str
    mood: Verdict | None = None


class Line(NamedTuple):
    """One line of cells, one blank apart."""

    cells: tuple[Cell, ...]
    indent: int = 0


class Grid(NamedTuple):
    """Rows under headings; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    indent: int = 0


Page = tuple[Line | Grid, ...]
_GAP: Final = Line(())


def status_page(verdicts: Verdicts, zone: tzinfo) -> Page:
    """The whole status, times shown in `zone`."""
    resources = verdicts.resources
    blocks: list[Line | Grid] = [_headline(verdicts, zone)]
    for cases in grouped(cases_of(verdicts)):
        blocks += [_GAP, *_finding_lines(cases)]
    runs = [one for one in resources if one.run]
    if runs:
        blocks.append(_GAP)
        blocks += [_run_line(one, one.run, verdicts.judged_at, zone) for one in runs if one.run]
    if resources:
        blocks += [_GAP, _resource_grid(resources, verdicts.judged_at)]
    for one in resources:
        blocks += [_GAP, Line((Cell(one.resource.id), _status(one.status))), _pair_grid(one, verdicts.judged_at, zone)]
    return tuple(blocks)


def plain_lines(page: Page) -> list[str]:
    """The page as text in columns, nothing cut off."""
    return [line for block in page for line in _plain(block)]


def _plain(block: Line | Grid) -> Iterable[str]:
    margin = " " * block.indent
    if isinstance(block, Line):
        yield (margin + " ".join(cell.text for cell in block.cells)).rstrip()
        return
    table = [block.columns, *(tuple(cell.text for cell in row) for row in block.rows)]
    widths = widths_of(block)
    for row in table:
        yield (margin + "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True))).rstrip()


def widths_of(grid: Grid) -> list[int]:
    """The width that each column needs."""
    table = [grid.columns, *(tuple(cell.text for cell in row) for row in grid.rows)]
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def _status(verdict: Verdict) -> Cell:
    return Cell(verdict.value, verdict)


def _headline(verdicts: Verdicts, zone: tzinfo) -> Line:
    """The worst verdict, how many resources have which, and how fresh all of it is."""
    statuses = [one.status for one in verdicts.resources]
    counts = ", ".join(f"{statuses.count(one)} {one.value}" for one in (*_ATTENTION, Verdict.UP) if one in statuses)
    total = f"{counts} of {len(statuses)} resource{'' if len(statuses) == 1 else 's'};"
    shown = total if statuses else "no resources to show;"
    return Line(
        (Cell(f"{verdicts.status.value.upper()}:", verdicts.status), Cell(shown), Cell(_freshness(verdicts, zone)))
    )


def _freshness(verdicts: Verdicts, zone: tzinfo) -> str:
    if verdicts.observed_at is None:
        return "no array was asked"
    number = sum(verdicts.commands.values())
    ago = _span(max(0.0, verdicts.judged_at - verdicts.observed_at))
    return f"as of {_clock(verdicts.observed_at, zone)}, {ago} ago, by {number} command{'' if number == 1 else 's'}"


def _finding_lines(cases: Sequence[Case]) -> Iterable[Line]:
    """The finding, whom it concerns, and what to do about it."""
    first = cases[0].finding
    yield Line((Cell(first.verdict.value.upper(), first.verdict), Cell(first.code)))
    subjects: dict[str, list[str]] = {}
    for case in cases:
        subjects.setdefault(case.finding.text, []).append(case.subject)
    listed = list(subjects.items())
    for text, names in listed[:LINES_PER_FINDING]:
        more = f" and {len(names) - LINES_PER_FINDING} more" if len(names) > LINES_PER_FINDING else ""
        yield Line((Cell(f"{', '.join(names[:LINES_PER_FINDING])}{more}:"), Cell(text)), indent=2)
    if len(listed) > LINES_PER_FINDING:
        rest = sum(len(names) for _, names in listed[LINES_PER_FINDING:])
        yield Line((Cell(f"and {rest} more, see below"),), indent=2)
    yield Line((Cell("->"), Cell(first.hint)), indent=2)


def _run_line(one: ResourceVerdict, run: OpenRun, now: float, zone: tzinfo) -> Line:
    mood = Verdict.WARN if run.state is RunState.UNFINISHED else None
    facts = [f"run {run.id} since {_clock(run.started_at, zone)} ({_span(now - run.started_at)}) by {run.owner}"]
    facts += [f"step: {run.step}"] if run.step else []
    facts += [f"detached: {', '.join(run.detached)}"] if run.detached else []
    return Line((Cell(run.state.value.upper(), mood), Cell(one.resource.id), Cell("; ".join(facts))))


def _resource_grid(resources: Sequence[ResourceVerdict], now: float) -> Grid:
    columns = ("RESOURCE", "STATUS", "AGE", "MAX-AGE", "SKEW", "MAX-SKEW", "RUN", "FINDINGS")
    return Grid(columns, tuple(_resource_row(one, now) for one in resources))


def _resource_row(one: ResourceVerdict, now: float) -> tuple[Cell, ...]:
    limits, codes = one.resource.limits, {found.code for found in one.findings}
    return (
        Cell(one.resource.id),
        _status(one.status),
        Cell(_span(one.age(now)), Verdict.WARN if "too-old" in codes else None),
        Cell(_span(limits.max_delay)),
        Cell(_span(one.skew), Verdict.WARN if "skew" in codes else None),
        Cell(_span(limits.max_skew)),
        Cell(f"{one.run.state.value} {_span(now - one.run.started_at)}" if one.run else "-"),
        Cell(_codes(one.all_findings)),
    )


def _pair_grid(one: ResourceVerdict, now: float, zone: tzinfo) -> Grid:
    columns = ("LV", "STATUS", "LINK", "SV", "STATE", "AGE", "TAKEN", "BV", "ACCESS", "FINDINGS")
    return Grid(columns, tuple(_pair_row(pair, now, zone) for pair in one.pairs), indent=2)


def _pair_row(one: PairVerdict, now: float, zone: tzinfo) -> tuple[Cell, ...]:
    wrong = one.link is LinkState.WRONG and one.linked_to is not None
    others = f" ({'|'.join(one.pair.svs)})" if len(one.pair.svs) > 1 else ""
    return (
        Cell(one.pair.lv),
        _status(one.status),
        Cell(f"{one.link.value}: {one.linked_to}" if wrong else one.link.value),
        Cell(f"{one.sv}{others}"),
        Cell(one.snapshot_state.value),
        Cell(_span(one.age(now))),
        Cell("-" if one.snapshot_time is None else _clock(one.snapshot_time.earliest, zone)),
        Cell(one.bv or "-"),
        Cell(one.access or "-"),
        Cell(_codes(one.findings)),
    )


def _codes(findings: Iterable[Finding]) -> str:
    return ", ".join(dict.fromkeys(found.code for found in findings)) or "-"


def _span(seconds: float | None) -> str:
    """Two units, such as `3d4h` or `2h59m`: what is below them is cut, so that no age looks more exact than it is."""
    if seconds is None:
        return "-"
    unit = next((fine for coarse, fine in ((DAY, HOUR), (HOUR, MINUTE)) if abs(seconds) >= coarse), 1)
    return format_duration(seconds // unit * unit)


def _clock(at: float, zone: tzinfo) -> str:
    try:
        return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        # The array may print any year; not every one exists in every zone.
        return "-"
