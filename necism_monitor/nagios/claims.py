"""What is to be said about one resource: its findings and its age, each with the state it makes."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from necism_monitor.domain.durations import format_duration
from necism_monitor.domain.findings import Finding
from necism_monitor.domain.verdicts import ResourceVerdict
from necism_monitor.nagios.ranges import Threshold
from necism_monitor.nagios.states import RANK, STATE_OF, State, worst_state

LVS_NAMED = 3
CODES_NAMED = 6


class Policy(NamedTuple):
    """What the caller adds to the verdict."""

    warning: Threshold | None = None
    critical: Threshold | None = None
    critical_on: frozenset[str] = frozenset()


class Claim(NamedTuple):
    """One thing that is wrong: with the whole resource (no `subjects`) or with some of its LVs."""

    state: State
    code: str
    subjects: tuple[str, ...]
    text: str
    hint: str = ""


def age_of(verdict: ResourceVerdict, now: float) -> int | None:
    """Whole seconds, as perfdata shows them; None where there is no date, or none that is a number."""
    age, oldest = verdict.age(now), verdict.oldest
    return None if age is None or oldest is None or not math.isfinite(oldest) else int(age)


def claims_of(verdict: ResourceVerdict, age: int | None, policy: Policy) -> tuple[Claim, ...]:
    """Everything wrong with one resource, the worst first; `age` in seconds."""
    claims = [*_of_findings(verdict, policy), *_of_age(age, policy)]
    shown = worst_state(claim.state for claim in claims)
    status = STATE_OF[verdict.status]
    if RANK[status] > RANK[shown]:
        claims.append(Claim(status, verdict.status.value, (), "no finding says why"))
    return tuple(sorted(claims, key=lambda claim: -RANK[claim.state]))


def state_of(claims: Iterable[Claim]) -> State:
    """The state of the resource."""
    return worst_state(claim.state for claim in claims)


def brief(claims: Iterable[Claim]) -> str:
    """`detached LV1, LV2, too-old`: what is wrong, each code once, the worst first."""
    lvs_of: dict[str, dict[str, None]] = {}
    for claim in claims:
        lvs_of.setdefault(claim.code, {}).update(dict.fromkeys(claim.subjects))
    codes = [f"{code} {name_some(list(lvs))}".rstrip() for code, lvs in lvs_of.items()]
    left_out = len(codes) - CODES_NAMED
    return ", ".join([*codes[:CODES_NAMED], *([f"{left_out} more findings"] if left_out > 0 else [])])


def name_some(names: list[str]) -> str:
    """The first few of `names` and how many more there are."""
    left_out = len(names) - LVS_NAMED
    return " ".join([*names[:LVS_NAMED], *([f"and {left_out} more"] if left_out > 0 else [])])


def _of_findings(verdict: ResourceVerdict, policy: Policy) -> Iterable[Claim]:
    """The findings; those that differ in nothing but the LV are one claim."""
    lvs_of: dict[Finding, list[str]] = {}
    for one in verdict.all_findings:
        lvs = lvs_of.setdefault(one._replace(subject=""), [])
        if one.subject != verdict.resource.id:
            lvs.append(one.subject)
    for one, lvs in lvs_of.items():
        state = State.CRITICAL if one.code in policy.critical_on else STATE_OF[one.verdict]
        yield Claim(state, one.code, tuple(dict.fromkeys(lvs)), one.text, one.hint)


def _of_age(age: int | None, policy: Policy) -> Iterable[Claim]:
    asked = [("-c", State.CRITICAL, policy.critical), ("-w", State.WARNING, policy.warning)]
    for option, state, threshold in asked:
        if threshold is None:
            continue
        if age is None:
            yield Claim(State.UNKNOWN, "age", (), f"no image is dated, so {option} {threshold.text} cannot be judged")
            return
        if threshold.violated(age):
            text = f"the oldest image is {format_duration(age, 2)} old, alert at {option} {threshold.text}"
            yield Claim(state, "age", (), text)
            return
