"""The files people drop in are accepted by the programs they are for."""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_prometheus_accepts_the_scrape_sample(require_server: Callable[[str], Path]) -> None:
    """Promtool finds the sample configuration valid."""
    sample = ROOT / "packaging/prometheus/necism.scrape.yml"
    done = subprocess.run(
        [require_server("promtool"), "check", "config", sample], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
