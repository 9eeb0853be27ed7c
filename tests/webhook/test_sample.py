"""The sample for Alertmanager is loaded by its own program, and asks for what a resync can mend."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.architecture.house import ROOT

SAMPLE = ROOT / "packaging/alertmanager/necism.alertmanager.yml"
RULES = ROOT / "packaging/prometheus/necism.rules.yml"


def test_amtool_accepts_it(require_server: Callable[[str], Path]) -> None:
    """`amtool check-config` finds nothing wrong."""
    command = [str(require_server("amtool")), "check-config", str(SAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 receivers" in done.stdout


def test_its_alerts_exist() -> None:
    """Every alert that is routed to the webhook is one of the rules'; it is neither resolved, cut nor redirected."""
    sample = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    (route,) = sample["route"]["routes"]
    (matcher,) = route["matchers"]
    names = set(re.findall(r"Necism\w+", matcher))
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert names <= {rule.get("alert") for group in rules["groups"] for rule in group["rules"]}
    assert len(names) == 3
    (hook,) = sample["receivers"][1]["webhook_configs"]
    assert (hook["send_resolved"], hook["max_alerts"], hook["http_config"]["follow_redirects"]) == (False, 0, False)
