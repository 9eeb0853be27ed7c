"""How long a simulated command takes: the times of a real log, scaled.

From the log: unlink, create, link, a warm and a first query, linkinfo, and (inferred) the stall of linkinfo on an SV
that no LV shows. iSMview and iSMvollist stand in no log: they take a warm query's time here.
"""

from __future__ import annotations

from necism_monitor.simulator import operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import World

# Seconds at factor 1: first, second, first, ... call of the command on this array.
SECONDS = {
    "iSMsc_unlink": (0.473, 0.323),
    "iSMsc_create": (35.372, 38.412),
    "iSMsc_link": (0.027, 0.027),
    "iSMsc_query": (0.041, 0.041),
    "iSMsc_linkinfo": (0.030, 0.030),
}
OTHER = (0.041, 0.041)
FIRST_QUERY = 1.8
STALL = 181.424
SEED = 1.0


def parse(text: str) -> float:
    """The factor behind `none`, `seed` or a number; raises ValueError naming what was given."""
    if text in ("none", "seed"):
        return 0.0 if text == "none" else SEED
    try:
        factor = float(text)
    except ValueError:
        factor = -1.0
    if not 0 <= factor < float("inf"):
        raise ValueError(f"latency {text!r}: none, seed, or a factor such as 0.1")
    return factor


def nominal(world: World, name: str, options: dict[str, str]) -> float:
    """Seconds this call takes; counts the call in `world`, so the world must be held when the factor is not 0."""
    if not world["latency"]:
        return 0.0
    count = world["counts"].get(name, 0)
    world["counts"][name] = count + 1
    return world["latency"] * _seconds(world, name, options, count)


def _seconds(world: World, name: str, options: dict[str, str], count: int) -> float:
    if name == "iSMsc_query" and not world["warm"]:
        world["warm"] = True
        return FIRST_QUERY
    volume = options.get("-vol", "")
    if world["options"]["stall_linkinfo"] and volume in world["svs"] and not operations.shown_by(world, volume):
        return STALL
    return SECONDS.get(name, OTHER)[count % 2]
