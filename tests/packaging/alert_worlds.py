"""What exporters show, minute by minute in promtool's notation, and promtool that plays it to the shipped rules."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from necism_monitor.domain import findings, refusals

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "packaging/prometheus/necism.rules.yml"
ALERTS: Final[Mapping[str, Any]] = {
    one["alert"]: one
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for one in group["rules"]
    if "alert" in one
}
World = dict[str, str]
Firing = Mapping[str, Iterable[str]]
"""Time -> the alerts that fire then."""

FIRING: Final = 'count by (alertname) (ALERTS{alertstate="firing"})'


class Exporter:
    """The names of the series that one exporter shows of the set `erp/sync#1` on the array `default`."""

    def __init__(self, host: str) -> None:
        self.host = f'instance="{host}:19942",job="necism"'
        self.array, self.set = f'{self.host},array="default"', f'{self.host},service="erp",resource="sync#1"'
        self.target = f"up{{{self.host}}}"
        self.up = f"necism_up{{{self.array}}}"
        self.read_at = f"necism_collection_timestamp_seconds{{{self.array}}}"
        self.taken = f'necism_snapshot_timestamp_seconds{{{self.set},lv="L",sv="S",bv="B"}}'
        self.pair_up = f'necism_pair_status{{{self.set},lv="L",status="up"}}'
        self.limit = self.of_set("resync_max_delay_seconds")
        self.running = self.of_set("resync_running")
        self.unfinished = self.of_set("resync_unfinished")
        self.ended = self.of_set("resync_last_run_timestamp_seconds")
        self.automatic = self.of_set("resync_automatic")

    def of_set(self, name: str) -> str:
        """A series about the set."""
        return f"necism_{name}{{{self.set}}}"

    def finding(self, code: str) -> str:
        """The number of subjects with a finding."""
        return f'necism_findings{{{self.set},finding="{code}"}}'

    def healthy(self, minutes: int) -> World:
        """Nothing but time goes by."""
        steady = {
            self.target: 1, self.up: 1, f"necism_array_clock_offset_seconds{{{self.array}}}": 1,
            self.taken: 0, self.pair_up: 1, self.limit: 90000, self.automatic: 0,
            f'necism_resource_status{{{self.set},status="up"}}': 1,
            **{self.finding(code): 0 for code in findings.CATALOGUE},
            self.running: 0, self.unfinished: 0, self.ended: 0,
            self.of_set("resync_last_success_timestamp_seconds"): 0,
            self.of_set("resync_runs_total"): 9, self.of_set("resync_failures_total"): 7,
            **{f'necism_resync_refusals_total{{{self.host},reason="{code}"}}': 3 for code in refusals.CATALOGUE},
            f"necism_config_last_reload_successful{{{self.host}}}": 1,
        }  # fmt: skip
        return {name: f"{value}x{minutes}" for name, value in steady.items()} | {self.read_at: f"0+60x{minutes}"}


def promtool(found: Path, *words: object) -> None:
    """Run promtool; what it says is the failure."""
    argv = [str(one) for one in (found, *words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def play(found: Path, path: Path, world: Mapping[str, str], firing: Firing) -> None:
    """Let promtool play `world` and ask at each time of `firing` which alerts fire, and how many of each."""
    asked = [
        {
            "expr": FIRING,
            "eval_time": at,
            "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names],
        }
        for at, names in firing.items()
    ]
    inputs = [{"series": name, "values": values} for name, values in world.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": asked}
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool(found, "test", "rules", path)
