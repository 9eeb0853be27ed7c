"""Findings in the order in which people should hear of them: the most urgent first, those with one remedy together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from necism_monitor.domain.findings import CATALOGUE, Finding, Verdict
from necism_monitor.domain.verdicts import Verdicts

_URGENT: Final = (
    "unfinished", "stuck", "detached", "wrong-link", "fault", "sv-missing", "lv-missing", "bv-not-normal", "restoring",
    "device-changed", "access-changed", "unexpected-state", "mixed", "changing", "never-synced", "too-old", "skew",
)  # fmt: skip
_ORDER: Final = {code: place for place, code in enumerate(dict.fromkeys((*_URGENT, *CATALOGUE)))}
_RANK: Final = (Verdict.WARN, Verdict.UNKNOWN, Verdict.UP)

PRESSING: Final = frozenset(
    {"unfinished", "stuck", "detached", "wrong-link", "fault", "sv-missing", "lv-missing", "device-changed"}
)
"""What cannot wait for office hours: hosts have no data, other data than they think, or somebody waits for them."""


class Case(NamedTuple):
    """A finding with the full name of its subject."""

    subject: str
    finding: Finding


def cases_of(verdicts: Verdicts) -> list[Case]:
    """Every finding once: what an array's reading says again of its pairs is left out."""
    cases = [
        case
        for one in verdicts.resources
        for case in (
            *(Case(one.resource.id, found) for found in one.findings),
            *(Case(f"{one.resource.id} {pair.pair.lv}", found) for pair in one.pairs for found in pair.findings),
        )
    ]
    said = {case.finding.text for case in cases}
    repeated = [Case(f"array {array.name}", found) for array in verdicts.arrays for found in array.findings]
    return cases + [case for case in repeated if case.finding.text not in said]


def urgency(found: Finding) -> tuple[int, int]:
    """Sorts findings: the most urgent is the least."""
    return _RANK.index(found.verdict), _ORDER[found.code]


def grouped(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases of one finding with one remedy together, the most urgent first."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.finding.code, case.finding.hint), []).append(case)
    return sorted(groups.values(), key=lambda group: urgency(group[0].finding))
