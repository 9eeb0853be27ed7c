"""A run that is at work loads nothing any more: an upgrade may swap its files meanwhile."""

import subprocess
import sys
from pathlib import Path
from typing import Final

RUN: Final = """
import sys
from pathlib import Path
from tests.resync.rig import Rig

rig = Rig(Path(sys.argv[1]) / "array")
loaded = set()

def remember(argv):
    if not loaded:
        loaded.update(sys.modules)

rig.before = remember
assert rig.resync(force=True).exit == 0
late = sorted(name for name in set(sys.modules) - loaded if name.startswith("necism_monitor."))
print(" ".join(late))
"""


def test_nothing_of_ours_is_loaded_after_the_first_change(tmp_path: Path) -> None:
    """From the first CHANGE to the end of the run, pruning and the observation file included."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr
