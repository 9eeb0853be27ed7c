"""The words of the answer: one line that leads to the worst, and as many more as were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import nagiosplugin

from necism_monitor.domain.durations import format_duration
from necism_monitor.domain.verdicts import PairVerdict, ResourceVerdict, Verdicts
from necism_monitor.ism.output import Output
from necism_monitor.nagios.check import TIME_LIMIT, UNKNOWN_VALUE, Outcome, Outcomes, Snapshots
from necism_monitor.nagios.deadline import Deadline
from necism_monitor.nagios.output import clip
from necism_monitor.nagios.states import RANK

ITEMS = 6
"""Resources named on the status line."""
LONGEST_REASON = 200
_LEVEL_FINDINGS, _LEVEL_PAIRS, _LEVEL_COMMANDS = 1, 2, 3


class Report(nagiosplugin.Summary):
    """Status line and long output."""

    def __init__(self, verbose: int, snapshots: Snapshots, deadline: Deadline) -> None:
        self._level, self._snapshots, self._deadline = verbose, snapshots, deadline

    def ok(self, results: Outcomes) -> str:
        """`3 resources, 12 LVs, oldest 5h12m`."""
        outcomes = results.in_order()
        ages = [one.metric.value for one in outcomes if one.metric.value != UNKNOWN_VALUE]
        lvs = sum(len(verdict.pairs) for verdict in self._snapshots.by_id.values())
        parts = [f"{len(outcomes)} resources"] if len(outcomes) > 1 else []
        parts.append(f"{lvs} LV{'' if lvs == 1 else 's'}")
        return ", ".join([*parts, *([f"oldest {format_duration(max(ages), 2)}"] if ages else [])])

    def problem(self, results: Outcomes) -> str:
        """How many of what, then the worst by name, with the reason of the first."""
        wrong = sorted((one for one in results.in_order() if one.rank), key=lambda one: -RANK[one.rank])
        shown = _choose(wrong)
        items = [_item(one) for one in shown]
        items[0] += f" ({clip(shown[0].claims[0].text, LONGEST_REASON)})"
        left_out = len(wrong) - len(shown)
        more = [f"and {left_out} more resources"] if left_out else []
        hint = "" if self._level else "; -v tells more"
        return _count(results.in_order()) + "; ".join([*items, *more]) + hint

    def verbose(self, results: Outcomes) -> list[str]:
        """The lines below the status line."""
        lines = [line for one in results.in_order() for line in _lines_of(one)]
        verdicts = self._snapshots.verdicts
        if self._level >= _LEVEL_PAIRS and verdicts:
            lines += [line for one in verdicts.resources for line in _resource_lines(one, verdicts.judged_at)]
        if self._level >= _LEVEL_COMMANDS and verdicts:
            lines += _what_ran(verdicts, self._deadline.outputs)
        return lines if self._level >= _LEVEL_FINDINGS else []


def _choose(wrong: Sequence[Outcome]) -> list[Outcome]:
    """The worst, but at least one of every state: UNKNOWN is named beside CRITICAL."""
    if len(wrong) <= ITEMS:
        return list(wrong)
    first_of = {one.rank: one for one in reversed(wrong)}.values()
    others = [one for one in wrong if all(one is not first for first in first_of)]
    chosen = [*first_of, *others[: ITEMS - len(first_of)]]
    return sorted(chosen, key=wrong.index)


def _item(outcome: Outcome) -> str:
    if outcome.metric.name == TIME_LIMIT:
        return str(outcome.hint)
    return f"{outcome.metric.name} {outcome.hint}"


def _count(outcomes: Sequence[Outcome]) -> str:
    """`1 critical, 2 unknown, 5 ok: `, where there is more than one resource."""
    counted = Counter(one.rank for one in outcomes if one.metric.name != TIME_LIMIT)
    if counted.total() == 1:
        return ""
    states = sorted(counted, key=lambda state: -RANK[state])
    return ", ".join(f"{counted[state]} {state.name.lower()}" for state in states) + ": "


def _lines_of(outcome: Outcome) -> Iterator[str]:
    """One line a claim, with what to do."""
    for claim in outcome.claims:
        what = f"{claim.code} {' '.join(claim.subjects[:ITEMS])}".rstrip()
        left_out = len(claim.subjects) - ITEMS
        more = f" and {left_out} more" if left_out > 0 else ""
        hint = f" (hint: {claim.hint})" if claim.hint else ""
        yield f"{claim.state.name} {outcome.metric.name} {what}{more}: {claim.text}{hint}"


def _resource_lines(verdict: ResourceVerdict, now: float) -> Iterator[str]:
    run = f", run {verdict.run.id} is {verdict.run.state.value}" if verdict.run else ""
    several = verdict.skew is not None and len(verdict.pairs) > 1
    skew = f", images {format_duration(verdict.skew or 0, 2)} apart" if several else ""
    yield f"{verdict.resource.id}: {verdict.status.value}{skew}{run}"
    for pair in verdict.pairs:
        yield f"  {_pair_line(pair, now)}"


def _pair_line(pair: PairVerdict, now: float) -> str:
    age = pair.age(now)
    taken = "no date" if age is None else f"{format_duration(age, 2)} old"
    shows = f"{pair.link.value} to {pair.linked_to}" if pair.linked_to else pair.link.value
    return (
        f"{pair.pair.lv}: {shows}, access {pair.access or '-'}; "
        f"{pair.sv} is {pair.snapshot_state.value}, {taken}; BV {pair.bv or '-'}"
    )


def _what_ran(verdicts: Verdicts, outputs: Sequence[Output]) -> Iterator[str]:
    yield f"{len(outputs)} commands run by this check"
    for one in outputs:
        code = "" if one.code is None else f" {one.code}"
        yield f"  {' '.join(one.argv)}: {one.ending.value}{code} after {one.ended_at - one.started_at:.3f} s"
    for array in verdicts.arrays:
        age = None if array.observed_at is None else verdicts.judged_at - array.observed_at
        seen = "never" if age is None else f"{format_duration(age)} ago"
        yield f"array {array.name}: {'up' if array.up else 'not up'}, read {seen}"
