"""`necism` as a process, and simulated arrays for it to ask."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.simulator.create import create

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE: Final = 120
"""Seconds; only a hang takes so long."""

Done = subprocess.CompletedProcess[str]
Necism = Callable[..., Done]
Simulated = Callable[[str], Path]


def clean_environment(**more: str) -> dict[str, str]:
    """Ours, without what would configure the product, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NECISM_")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "dumb", **more}


@pytest.fixture
def necism(tmp_path: Path) -> Necism:
    """Run `necism WORDS` to its end."""

    def run(*words: object, **environ: str) -> Done:
        command = [sys.executable, "-m", "necism_monitor", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=tmp_path,
            env=clean_environment(**environ),
        )  # fmt: skip

    return run


@pytest.fixture
def simulated(tmp_path: Path) -> Simulated:
    """Make a simulated array of that scenario, without latency; its directory."""

    def make(scenario: str) -> Path:
        return create(tmp_path / scenario, scenario, "none").directory

    return make
