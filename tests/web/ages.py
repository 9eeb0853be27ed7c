"""Time that goes by on the simulated array."""

import time

from necism_monitor.simulator.world import edit_world
from tests.web.rig import Site

HOUR = 3600


def age(site: Site, hours: float) -> None:
    """Let every image of the array be so old."""
    with edit_world(site.array) as world:
        for volume in world["svs"].values():
            volume["created"] = time.time() - hours * HOUR
