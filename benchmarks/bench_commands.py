"""How many commands a status and a resync send, beside the plain sequence, with and without a map of earlier answers.

Only counts: the simulated arrays answer at once.  Ends with 1 where a count is greater than promised.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Mode
from benchmarks.passes import (
    SHAPES,
    Shape,
    plain_resync,
    plain_status,
    refresh_status,
    run_resync,
    send,
    write_scenario,
)
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.create import create


def count_ours(shape: Shape) -> dict[str, int]:
    """Commands of a first status, of one that knows which SV is on which BV, and of a resync that knows it too."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "array"
        config = create(place, write_scenario(shape, Mode.SET, Path(name)), "none").config
        sent, total = {}, 0
        for label, act in (("first status", refresh_status), ("status", refresh_status), ("resync", run_resync)):
            act(config)
            sent[label] = len(read_calls(place)) - total
            total += sent[label]
        return sent


def count_reference(shape: Shape) -> dict[str, int]:
    """The same by the plain sequence, which remembers nothing."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "array"
        create(place, write_scenario(shape, Mode.REFERENCE, Path(name)), "none")
        send(place / "bin", plain_status(shape))
        status = len(read_calls(place))
        send(place / "bin", plain_resync(shape))
        return {"first status": status, "status": status, "resync": len(read_calls(place)) - status}


def main() -> int:
    """Print the table; 1 where a promise is broken."""
    broken = []
    print("Commands sent; pairs/BVs, order `set`, every LV linked")
    print(f"{'pairs/BVs':<10}{'pass':<14}{'ours':>6}{'promised':>10}{'reference':>11}")
    for shape in SHAPES:
        ours, reference = count_ours(shape), count_reference(shape)
        promised = {"status": shape.bvs, "resync": shape.promised}
        for label, count in ours.items():
            print(f"{shape!s:<10}{label:<14}{count:>6}{promised.get(label, '-'):>10}{reference[label]:>11}")
            if count > promised.get(label, count):
                broken.append(f"{shape} {label}: {count} commands, promised are {promised[label]}")
    for sentence in broken:
        print(f"MISSED {sentence}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
