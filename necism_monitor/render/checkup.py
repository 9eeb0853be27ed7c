"""What `doctor` found, for people and for programs: what is wrong first, with its remedy, then everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from necism_monitor.domain.checkup import Checkup, Health, Item
from necism_monitor.domain.findings import Verdict
from necism_monitor.render.document import SCHEMA, Json, rfc3339
from necism_monitor.render.table import Cell, Grid, Line, Page

MOODS: Final = {Health.OK: Verdict.UP, Health.PROBLEM: Verdict.WARN, Health.UNKNOWN: Verdict.UNKNOWN}
SUBJECTS_SHOWN: Final = 8
"""How many subjects of one remedy are listed on top; the table below names all."""


def checkup_page(found: Checkup) -> Page:
    """The whole checkup."""
    blocks: list[Line | Grid] = [_headline(found)]
    for health in (Health.PROBLEM, Health.UNKNOWN):
        for items in _grouped(item for item in found.items if item.verdict is health):
            blocks += [Line(()), *_remedied(items)]
    rows = tuple(
        (Cell(f"{one.check} {one.subject}"), Cell(one.verdict.value, MOODS[one.verdict]), Cell(one.evidence))
        for one in found.items
    )
    return (*blocks, Line(()), Grid(("CHECK", "VERDICT", "EVIDENCE"), rows))


def _headline(found: Checkup) -> Line:
    verdicts = [item.verdict for item in found.items]
    counts = ", ".join(
        f"{verdicts.count(one)} {one.value}" for one in (Health.PROBLEM, Health.UNKNOWN, Health.OK) if one in verdicts
    )
    shown = f"{found.verdict.value.upper()}:"
    return Line((Cell(shown, MOODS[found.verdict]), Cell(f"{counts} of {len(verdicts)} checks")))


def _grouped(items: Iterable[Item]) -> list[list[Item]]:
    """Items of one check with one remedy together, in the order in which they were found."""
    groups: dict[tuple[str, str | None], list[Item]] = {}
    for item in items:
        groups.setdefault((item.check, item.remedy), []).append(item)
    return list(groups.values())


def _remedied(items: Sequence[Item]) -> Iterable[Line]:
    first = items[0]
    yield Line((Cell(first.verdict.value.upper(), MOODS[first.verdict]), Cell(first.check)))
    for item in items[:SUBJECTS_SHOWN]:
        yield Line((Cell(f"{item.subject}:"), Cell(item.evidence)), indent=2)
    if len(items) > SUBJECTS_SHOWN:
        yield Line((Cell(f"and {len(items) - SUBJECTS_SHOWN} more, see below"),), indent=2)
    yield Line((Cell("->"), Cell(first.remedy or "-")), indent=2)


def checkup_document(found: Checkup) -> Json:
    """The checkup as JSON values; docs/schema/doctor.json describes it."""
    return {
        "schema": SCHEMA,
        "checked_at": rfc3339(found.checked_at),
        "status": found.verdict.value,
        "items": [{**item._asdict(), "verdict": item.verdict.value} for item in found.items],
    }
