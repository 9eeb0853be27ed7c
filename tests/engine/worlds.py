"""Worlds to search: pairs on base volumes, what each LV shows when the run begins, and the plan of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from necism_monitor.domain.events import GATE, POST, PRE, Plan, PlannedPair
from necism_monitor.domain.model import Order
from necism_monitor.domain.names import LdName
from tests.engine.model import FOREIGN, Truth

World = tuple[Plan, Truth]
GATED: Final = (GATE,)
"""What every run has, whatever is configured."""
HOOKED: Final = (PRE, GATE, POST)
KINDS: Final = {
    "none": ("plain", "plain"),
    "one": ("alternating", "plain"),
    "all": ("alternating", "alternating"),
}
"""Which of every two pairs take turns."""


def pair_of(number: int, bv: int, kind: str = "plain", access: str = "rw") -> PlannedPair:
    """Pair `number` on BV `bv`: plain, alternating, detached (it shows nothing), or faulty (its image is useless)."""
    target, other = LdName(f"SV{number}"), LdName(f"SV{number}b")
    previous = {"plain": target, "alternating": other, "detached": None, "faulty": target}[kind]
    stamp = None if kind == "faulty" else "old"
    return PlannedPair(LdName(f"LV{number}"), LdName(f"BV{bv}"), target, previous, access, stamp)


def world(order: Order, parallel: int, *pairs: PlannedPair, hooks: tuple[str, ...] = GATED) -> World:
    """The plan of these pairs, and the array as they found it; every SV that is no target is guarded."""
    others = {pair.previous for pair in pairs if pair.previous and pair.previous != pair.target}
    images = {pair.target: pair.stamp or "fault" for pair in pairs} | dict.fromkeys({*others, FOREIGN}, "old")
    lvs = tuple((pair.lv, pair.previous) for pair in pairs)
    truth = Truth(lvs, tuple(sorted(images.items())), guarded=frozenset({*others, FOREIGN}))
    return Plan(pairs, order, parallel, hooks, create_first=len(others) == len(pairs)), truth


def shape(order: Order, parallel: int, shape_name: str, alternation: str, hooks: tuple[str, ...] = GATED) -> World:
    """`2-on-1`, `2-on-2` or `4-on-2`: so many pairs on so many BVs; none, every second or all alternate."""
    count, bvs = (int(word) for word in shape_name.split("-on-"))
    kinds = KINDS[alternation]
    pairs = (pair_of(one + 1, one * bvs // count + 1, kinds[one % 2]) for one in range(count))
    return world(order, parallel, *pairs, hooks=hooks)


def settings(alternation: str, bvs: int) -> Iterator[tuple[Order, int]]:
    """Orders and numbers of BVs at once that make a difference: where all pairs take turns, the order makes none."""
    for order in (Order.SET,) if alternation == "all" else tuple(Order):
        for parallel in range(1, bvs + 1):
            yield order, parallel
