"""What an event of a monitor asks for: the macros it hands over become a request, or the reason why there is none.

The state in them is no evidence of anything about an image: a plugin that was killed is CRITICAL, too.  It only says
that somebody should look, and whoever carries out the request does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.request import Request, asked

MONITORS: Final = ("nagios", "icinga")
STATES: Final[Mapping[str, str]] = {"0": "OK", "1": "WARNING", "2": "CRITICAL", "3": "UNKNOWN"}
"""The numbers of `$SERVICESTATEID$` and `$service.state_id$`; plugins exit with the same."""
TYPES: Final[Mapping[str, str]] = {"0": "SOFT", "1": "HARD"}
"""The numbers of Icinga's API."""
PROBLEMS: Final = frozenset({"WARNING", "CRITICAL"})
"""WARNING is what most findings are; UNKNOWN says that nobody could tell."""
SHOWN: Final = 80

_PROBLEM_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:_+-]{0,99}")
_NOTHING: Final = re.compile(r"[0.:_+-]*")
_ATTEMPT: Final = re.compile(r"0*[1-9][0-9]{0,9}(\.0+)?")
_NO: Final = re.compile(r"0+(\.0+)?|false", re.IGNORECASE)


class Macros(NamedTuple):
    """The values as they were handed over, whatever they are."""

    state: str = ""
    state_type: str = ""
    attempt: str = ""
    problem_id: str = ""
    downtime: str = ""
    ack: str = ""


def decide(monitor: str, macros: Macros, selector: str) -> Request | str:
    """The request of a first-hand, hard, unattended problem; a sentence about why there is none for anything else.

    Nagios says HARD with the last attempt, Icinga with the first, so the attempt's number decides nothing.
    """
    why = _objection(macros)
    if why:
        return why
    try:
        return asked(selector, monitor, macros.problem_id)
    except UsageError as error:
        return error.text


def _objection(macros: Macros) -> str:
    state, kind = _word(macros.state, STATES), _word(macros.state_type, TYPES)
    if kind != "HARD":
        return f"the state type is {_shown(macros.state_type)}, not HARD"
    if state not in PROBLEMS:
        return f"the state is {_shown(macros.state)}, neither WARNING nor CRITICAL"
    if not _ATTEMPT.fullmatch(macros.attempt):
        return f"the attempt is {_shown(macros.attempt)}, no number from 1 on"
    if not _NO.fullmatch(macros.downtime):
        return f"the downtime is {_shown(macros.downtime)}, not 0"
    if not _NO.fullmatch(macros.ack):
        return f"the acknowledgement is {_shown(macros.ack)}, not 0"
    if not _PROBLEM_ID.fullmatch(macros.problem_id) or _NOTHING.fullmatch(macros.problem_id):
        return f"the problem id is {_shown(macros.problem_id)}, which names no problem"
    return ""


def _word(text: str, numbers: Mapping[str, str]) -> str:
    return numbers.get(text, text.upper())


def _shown(text: str) -> str:
    return repr(text[:SHOWN])
