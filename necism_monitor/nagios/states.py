"""The four answers of a plugin, and which of them outranks which."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

from necism_monitor.domain.findings import Verdict


class State(enum.IntEnum):
    """The exit status of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


STATE_OF: Final = {Verdict.UP: State.OK, Verdict.WARN: State.WARNING, Verdict.UNKNOWN: State.UNKNOWN}
RANK: Final = {State.OK: 0, State.UNKNOWN: 1, State.WARNING: 2, State.CRITICAL: 3}
"""Something that could not be read never hides something that was read and is wrong."""


def worst_state(states: Iterable[State]) -> State:
    """The state that outranks the others; OK where there are none."""
    return max(states, key=RANK.__getitem__, default=State.OK)
