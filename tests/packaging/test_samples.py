"""The files people drop in are accepted by the programs they are for."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from necism_monitor.domain import findings

ROOT = Path(__file__).parents[2]


def test_prometheus_accepts_the_scrape_sample(require_server: Callable[[str], Path]) -> None:
    """Promtool finds the sample configuration valid."""
    sample = ROOT / "packaging/prometheus/necism.scrape.yml"
    done = subprocess.run(
        [require_server("promtool"), "check", "config", sample], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_nagios_sample_uses_options_that_exist() -> None:
    """Every option in the Nagios sample is one of the plugin's."""
    sample = (ROOT / "packaging/nagios/check_necism.cfg").read_text()
    used = {word for line in sample.splitlines() if "command_line" in line for word in line.split() if word[0] == "-"}
    done = subprocess.run(
        [sys.executable, ROOT / "check_necism.py", "--help"], capture_output=True, text=True, check=False
    )
    assert used
    assert [option for option in sorted(used) if option not in done.stdout] == []


def test_what_is_critical_in_nagios_is_what_the_plugin_knows() -> None:
    """Sample and documentation name the same findings; an unfinished run and another device are among them."""
    said = [
        re.findall(r"--critical-on (\S+)", (ROOT / name).read_text())
        for name in ("packaging/nagios/check_necism.cfg", "docs/monitoring.md")
    ]
    assert said[0] == said[1]
    assert {"unfinished", "device-changed"} <= set(said[0][0].split(",")) <= set(findings.CATALOGUE)
