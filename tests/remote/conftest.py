"""A far side and rigs behind it."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.remote.far import Far, behind_ssh, processes
from tests.resync.rig import Rig


@pytest.fixture(name="far")
def far_fixture(require_server: Callable[[str], Path], tmp_path: Path) -> Iterator[Far]:
    """A real sshd."""
    require_server("ssh")
    far = Far(require_server("sshd"), tmp_path / "far side")
    yield far
    far.stop()


@pytest.fixture(name="make_rig")
def make_rig_fixture(far: Far, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """`make_rig(latency, key=value)`: the two pairs of the log on an array behind ssh; none of its commands is left."""

    def make(latency: str = "none", **keys: str) -> Rig:
        return behind_ssh(Rig(tmp_path / "array", "seed", latency), far, **keys)

    yield make
    far.stop()
    for pid, line in processes().items():
        if f"{tmp_path}/array" in line:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
