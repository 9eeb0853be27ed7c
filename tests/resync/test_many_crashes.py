"""Two hundred kills of the real command line: at any command, at any moment in it, and again while it is resumed."""

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.resync.rig import Rig, check_calls, linked_again
from tests.resync.test_crashes import GENEROUS, run, start, until
from tests.resync.test_orders import MIXED, PLAIN, TURNS, scenario

pytestmark = pytest.mark.long

KILLS: Final = 200
LATENCY: Final = "0.006"
"""A create takes a quarter of a second."""
LONGEST: Final = 0.3
"""Seconds within which most commands end."""
SEL: Final = "svc/sync#1"
SHAPES: Final = (
    ("plain", PLAIN, ()),
    ("parallel", PLAIN, ("parallel = 2",)),
    ("turns", TURNS, ()),
    ("pair", PLAIN, ("order = pair",)),
    ("mixed", MIXED, ("order = pair", "parallel = 2")),
)


def begun(rig: Rig) -> int:
    """How many CHANGE commands were begun; a line of the log that is just being written is waited for."""
    while True:
        with contextlib.suppress(ValueError):
            return len(rig.changes())


def kill(rig: Rig, chance: random.Random, verb: str, commands: int) -> str:
    """Kill `necism VERB` once so many CHANGE commands were begun, a random moment later; what was done, and its log."""
    after, pause = begun(rig) + chance.randint(0, commands), chance.random() ** 2 * LONGEST
    with start(rig, verb, SEL) as process:
        until(lambda: begun(rig) >= after, process)
        time.sleep(pause)
        process.kill()
        _, err = process.communicate(timeout=GENEROUS)
    return f"{verb} killed {pause:.3f} s after CHANGE {after}\n{err}"


@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_anywhere_even_in_resume_every_lv_is_linked_or_named(
    tmp_path: Path, make_rig: Callable[..., Rig], seed: int
) -> None:
    """What was sent keeps the rules of a run; resume creates nothing; nothing is created twice."""
    chance = random.Random(seed)
    name, devs, keys = SHAPES[seed % len(SHAPES)]
    rig = make_rig(scenario(tmp_path, devs, *keys), LATENCY)
    rig.necism("relink_timeout", "60s")
    world = rig.world()
    first = kill(rig, chance, "resync", 9)
    resumes = [kill(rig, chance, "resume", 3) for _ in range(chance.choice((0, 0, 1, 2)))]
    code, out, err = run(rig, "resume", SEL)
    told = "\n".join([f"seed {seed}, {name}", first, *resumes, out, err, *rig.changes()])
    assert code in {0, 6}, told
    away = [lv for lv, shown in rig.shows().items() if shown is None]
    assert all(lv in out for lv in away), told
    assert code == 6 or linked_again(rig), told
    # Not the array's log: a create that the killed run had just started may begin there later.
    assert not any("iSMsc_create" in log for log in (*resumes, err)), told
    creates = [line for line in rig.changes() if line.startswith("iSMsc_create ")]
    assert len(creates) == len(set(creates)), told
    check_calls(world, rig.calls())
    files = rig.files()
    assert not files or rig.tale().exit is not None or not files[-1].run().changed, told
