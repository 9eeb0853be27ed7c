"""The `devs` of a resource: which LV is to show which SV, or which SVs in turn."""

from __future__ import annotations

import re

from necism_monitor.domain.model import Pair
from necism_monitor.domain.names import OS_TYPES, LdName, NameRuleError
from necism_monitor.domain.rules import RuleError


def pairs(text: str) -> tuple[list[Pair], list[RuleError | NameRuleError]]:
    """The pairs of a `devs` value, and what is wrong with the parts that are none."""
    found: list[Pair] = []
    faults: list[RuleError | NameRuleError] = []
    for part in re.split(r"\s*,\s*|\s+", text.strip()):
        try:
            found.append(_pair(part))
        except (RuleError, NameRuleError) as error:
            faults.append(
                error if error.value == part else RuleError(part, f"{error.rule} ({error.value})", error.hint)
            )
    return found, faults


def _pair(part: str) -> Pair:
    if not part:
        raise RuleError(part, "an empty part between commas", "write one comma, or blanks only, between the pairs")
    pieces = part.split(":")
    if any(piece in OS_TYPES for one in pieces[:-1] for piece in one.split("|")):
        raise RuleError(part, "an OS type in front of a name", "write the bare names (LX:SV1:LX:LV1 -> SV1:LV1)")
    if len(pieces) != 2:  # noqa: PLR2004 - one SV side, one LV side
        raise RuleError(part, "this is not SV:LV", "write SV:LV without blanks around ':' and '|'")
    if not all(name for piece in pieces for name in piece.split("|")):
        raise RuleError(part, "a name is missing", "write SV:LV, alternatives as SVa|SVb:LV, without blanks")
    if "|" in pieces[1]:
        raise RuleError(part, "alternatives are SVs; there is one LV", "write SVa|SVb:LV")
    return Pair(LdName(pieces[1]), tuple(LdName(name) for name in pieces[0].split("|")))
