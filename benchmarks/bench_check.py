"""The processor time of a check, installed from the wheel.  Ends with 1 where it is more than twice the reference."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.check_cost import CASES, TARGET, install_wheel, measure, prepare

ROUNDS = 21


def main() -> int:
    """Print the table; 1 where the target is missed."""
    broken = []
    print("Processor time of a check without its commands, beside `import nagiosplugin`; milliseconds, medians")
    print(f"{'case':<46}{'check':>7}{'import':>8}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as name:
        folder = install_wheel(Path(name))
        for number, case in enumerate(CASES):
            cost = measure(folder, prepare(case, Path(name) / str(number)), ROUNDS)
            print(f"{case!s:<46}{cost.check:>7.1f}{cost.reference:>8.1f}{cost.ratio:>7.2f}")
            if cost.ratio > TARGET:
                broken.append(f"{case}: {cost.ratio:.2f} times the reference, promised are {TARGET}")
    for sentence in broken:
        print(f"MISSED {sentence}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
