"""What the call log of a simulated array says of one pass: commands, detached times, and the least they could be.

Nothing here measures: it reads calls, each with its beginning, its end and the latency that the array was configured
to take for it (`nominal`).  Seconds throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from necism_monitor.simulator.shapes import Call, World


class Mode(Enum):
    """How a pass is done."""

    REFERENCE = "reference, one after the other"
    SET = "set, one BV at a time"
    SET_PARALLEL = "set, all BVs at once"
    PAIR = "pair"
    ALTERNATING = "alternating"


class Pass(NamedTuple):
    """One pass, as the call log tells it."""

    mode: Mode
    factor: float
    commands: int
    readings: int
    """Of the commands, those that only ask and began while an LV was away."""
    away: dict[str, float]
    """LV -> measured, from the end of its unlink to the end of its link."""
    path: dict[str, float]
    """LV -> what the array's own latencies make of it in this mode."""
    skew: float
    """Between the oldest and the newest image that the LVs show."""

    @property
    def longest(self) -> str:
        """The LV that was away longest."""
        return max(self.away, key=self.away.__getitem__)

    @property
    def overhead(self) -> float:
        """What came on top of the array's time, for the LV that was away longest."""
        return self.away[self.longest] - self.path[self.longest]

    def excess(self) -> float:
        """The greatest share, over all LVs, by which the measured time exceeds the array's own."""
        return max(self.away[lv] / self.path[lv] - 1 for lv in self.away)

    def scaled(self, factor: float) -> float:
        """The longest time away if latencies were of `factor`: the array's part scales, the overhead does not."""
        return self.path[self.longest] * factor / self.factor + self.overhead


def read_pass(mode: Mode, factor: float, calls: list[Call], world: World) -> Pass:
    """The figures of the pass whose calls these are; `world` is the array after it."""
    path = critical_path(mode, calls, world)
    return Pass(mode, factor, len(calls), readings_away(calls), times_away(calls), path, skew(world))


def option(call: Call, name: str) -> str:
    """The word behind an option, empty where it is not given."""
    words = call["argv"]
    return words[words.index(name) + 1] if name in words else ""


def times_away(calls: Iterable[Call]) -> dict[str, float]:
    """LV -> seconds from the end of its unlink to the end of its link."""
    left: dict[str, float] = {}
    away: dict[str, float] = {}
    for call in sorted(calls, key=_ended):
        if call["argv"][0] == "iSMsc_unlink":
            left[option(call, "-lv")] = _ended(call)
        elif call["argv"][0] == "iSMsc_link":
            away[option(call, "-lv")] = _ended(call) - left[option(call, "-lv")]
    return away


def readings_away(calls: Iterable[Call]) -> int:
    """How many readings began while an LV was away."""
    count, away = 0, 0
    for call in sorted(calls, key=lambda call: call["started"]):
        away += {"iSMsc_unlink": 1, "iSMsc_link": -1}.get(call["argv"][0], 0)
        count += call["effect_class"] == "READ" and away > 0
    return count


def critical_path(mode: Mode, calls: list[Call], world: World) -> dict[str, float]:
    """LV -> the least time that it can be away in this mode, by nothing but the latencies of the array.

    The base volumes' commands form chains; a chain is one command after the other.  One base volume at a time is one
    chain of everything; all at once is a chain for each base volume.

    - set: unlinks, creates and links are three phases.  A phase ends when its longest chain does; no create may begin
      before the last unlink, no link before the last create.  An LV waits for what is left of the unlinks when its
      own is through, for the longest chain of creates, and for the links of its chain up to its own.
    - pair: the create of its SV, and its link.
    - alternating: its link.  The creates are over by then.
    - reference: every command, reading or change, between its unlink and the end of its link.
    """
    if mode is Mode.REFERENCE:
        return _between(calls)
    links = _named(calls, "iSMsc_link")
    if mode is Mode.ALTERNATING:
        return {option(link, "-lv"): _nominal(link) for link in links}
    if mode is Mode.PAIR:
        made = {option(create, "-sv"): _nominal(create) for create in _named(calls, "iSMsc_create")}
        return {option(link, "-lv"): made[option(link, "-sv")] + _nominal(link) for link in links}
    return _phases(calls, world, apart=mode is Mode.SET_PARALLEL)


def _between(calls: list[Call]) -> dict[str, float]:
    """LV -> the latencies of all that was sent after its unlink, its link included."""
    path: dict[str, float] = {}
    away: set[str] = set()
    for call in calls:
        for lv in away:
            path[lv] = path.get(lv, 0.0) + _nominal(call)
        if call["argv"][0] == "iSMsc_unlink":
            away.add(option(call, "-lv"))
        elif call["argv"][0] == "iSMsc_link":
            away.remove(option(call, "-lv"))
    return path


def _phases(calls: list[Call], world: World, *, apart: bool) -> dict[str, float]:
    def chain(call: Call) -> str:
        lv = option(call, "-lv")
        return (world["lvs"][lv]["bv"] if lv else option(call, "-bv")) if apart else ""

    unlinks, longest_unlinks = _run_down(_named(calls, "iSMsc_unlink"), chain)
    _, longest_creates = _run_down(_named(calls, "iSMsc_create"), chain)
    links, _ = _run_down(_named(calls, "iSMsc_link"), chain)
    return {lv: longest_unlinks - unlinks[lv] + longest_creates + end for lv, end in links.items()}


def _run_down(calls: list[Call], chain: Callable[[Call], str]) -> tuple[dict[str, float], float]:
    """LV -> when its command of the phase is through, and when the phase is, from the beginning of the phase."""
    through: dict[str, float] = {}
    ends: dict[str, float] = {}
    for call in calls:
        ends[chain(call)] = ends.get(chain(call), 0.0) + _nominal(call)
        through[option(call, "-lv")] = ends[chain(call)]
    return through, max(ends.values(), default=0.0)


def skew(world: World) -> float:
    """Seconds between the oldest and the newest image that an LV shows, by the array's own clock."""
    shown = [world["svs"][lv["shows"]]["created"] for lv in world["lvs"].values() if lv["shows"]]
    dated = [moment for moment in shown if moment is not None]
    return max(dated) - min(dated)


def _named(calls: list[Call], name: str) -> list[Call]:
    return [call for call in calls if call["argv"][0] == name]


def _ended(call: Call) -> float:
    return call["ended"] or 0.0


def _nominal(call: Call) -> float:
    return call["nominal"] or 0.0
