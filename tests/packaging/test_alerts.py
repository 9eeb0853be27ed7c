"""The alert rules that people load into Prometheus: valid, told of in the documentation, firing when they should."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from necism_monitor.domain import findings, refusals
from necism_monitor.render.families import GAUGES

ROOT = Path(__file__).parents[2]
RULES = ROOT / "packaging/prometheus/necism.rules.yml"
ALERTS: Final[Mapping[str, Any]] = {
    one["alert"]: one for group in yaml.safe_load(RULES.read_text())["groups"] for one in group["rules"]
}
Sample = dict[str, object]
COUNTERS = {"resync_failures_total", "resync_refusals_total"}
SET: Final = 'instance="db1:19942",job="necism",service="erp",resource="sync#1"'
ARRAY: Final = 'instance="db1:19942",job="necism",array="default"'
HOST: Final = 'instance="db1:19942",job="necism"'


class World(NamedTuple):
    """What an exporter shows, minute by minute (promtool's notation), and when the alert is and is not there yet."""

    series: Mapping[str, str]
    quiet: str
    firing: str
    more: Mapping[str, str] = {}
    """Labels of the alert besides those of its series."""


def finding(code: str) -> str:
    return f'necism_findings{{{SET},finding="{code}"}}'


HEALTHY: Final[Mapping[str, str]] = {
    f"up{{{HOST}}}": "1x400",
    f"necism_up{{{ARRAY}}}": "1x400",
    f"necism_collection_timestamp_seconds{{{ARRAY}}}": "0+60x400",
    f'necism_snapshot_timestamp_seconds{{{SET},lv="L",sv="S",bv="B"}}': "0x400",
    f"necism_resync_max_delay_seconds{{{SET}}}": "90000x400",
    **{finding(code): "0x400" for code in findings.CATALOGUE},
    f"necism_resync_unfinished{{{SET}}}": "0x400",
    f"necism_resync_failures_total{{{SET}}}": "7x400",
    **{f'necism_resync_refusals_total{{{HOST},reason="{code}"}}': "3x400" for code in refusals.CATALOGUE},
    f"necism_config_last_reload_successful{{{HOST}}}": "1x400",
}
SICK: Final[Mapping[str, World]] = {
    "NecismExporterDown": World({f"up{{{HOST}}}": "1x9 0x90"}, "19m", "21m"),
    "NecismArrayUnreadable": World({f"necism_up{{{ARRAY}}}": "1x9 0x90"}, "24m", "26m"),
    "NecismBlind": World({f"necism_collection_timestamp_seconds{{{ARRAY}}}": "0x400"}, "240m", "250m"),
    "NecismImageTooOld": World({f"necism_resync_max_delay_seconds{{{SET}}}": "600x400"}, "20m", "30m"),
    "NecismLinkVolumeBroken": World({finding("detached"): "0x9 2x90"}, "14m", "16m", {"finding": "detached"}),
    "NecismSnapshotSetNeedsLook": World({finding("mixed"): "0x9 1x90"}, "39m", "41m", {"finding": "mixed"}),
    "NecismResyncUnfinished": World({f"necism_resync_unfinished{{{SET}}}": "0x9 1x90"}, "11m", "13m"),
    "NecismResyncStuck": World({finding("stuck"): "0x9 1x90"}, "14m", "16m", {"finding": "stuck"}),
    "NecismResyncFailed": World({f"necism_resync_failures_total{{{SET}}}": "7x9 8x390"}, "9m", "12m"),
    "NecismAutomationHeld": World(
        {f'necism_resync_refusals_total{{{HOST},reason="needs-person"}}': "3x9 4x390"},
        "9m",
        "12m",
        {"reason": "needs-person"},
    ),
    "NecismJournalUnreadable": World(
        {finding("journal-unreadable"): "0x9 1x90"}, "24m", "26m", {"finding": "journal-unreadable"}
    ),
    "NecismConfigurationNotReloaded": World(
        {f"necism_config_last_reload_successful{{{HOST}}}": "1x9 0x90"}, "24m", "26m"
    ),
}
PLACES: Final[Mapping[str, str]] = {"NecismExporterDown": HOST, "NecismArrayUnreadable": ARRAY, "NecismBlind": ARRAY}
HOSTWIDE = {"NecismAutomationHeld", "NecismConfigurationNotReloaded"}


def promtool(found: Path, *words: object) -> None:
    """Run promtool; what it says is the failure."""
    argv = [str(one) for one in (found, *words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def firing(name: str, world: World) -> list[Sample]:
    """The samples that the query for firing alerts gives."""
    place = PLACES.get(name, HOST if name in HOSTWIDE else SET)
    more = "".join(f',{key}="{value}"' for key, value in world.more.items())
    severity = ALERTS[name]["labels"]["severity"]
    labels = f'{place}{more},alertname="{name}",alertstate="firing",severity="{severity}"'
    return [{"labels": f"ALERTS{{{labels}}}", "value": 1}]


def play(found: Path, path: Path, series: Mapping[str, str], expected: Mapping[str, list[Sample]]) -> None:
    """Let promtool play `series` and ask at each time of `expected` which alerts fire."""
    asked = [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": at, "exp_samples": samples}
        for at, samples in expected.items()
    ]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": asked}
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool(found, "test", "rules", path)


def test_prometheus_accepts_the_rules(require_server: Callable[[str], Path]) -> None:
    """Promtool finds nothing to say, its lint included."""
    promtool(require_server("promtool"), "check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_a_healthy_set_raises_no_alert(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """Nothing fires in six hours in which only time goes by."""
    times = {at: list[Sample]() for at in ("5m", "60m", "180m", "360m")}
    play(require_server("promtool"), tmp_path / "healthy.json", HEALTHY, times)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_for_its_own_reason_and_not_at_once(
    require_server: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    """Nothing before its time, then it alone, with the labels that lead to the set, the array or the host."""
    world = SICK[name]
    expected = {world.quiet: list[Sample](), world.firing: firing(name, world)}
    play(require_server("promtool"), tmp_path / "sick.json", {**HEALTHY, **world.series}, expected)


def test_the_alerts_speak_of_what_the_exporter_shows() -> None:
    """Every metric, finding and refusal that an expression names exists."""
    text = " ".join(one["expr"] for one in ALERTS.values())
    known = {f"necism_{name}" for name in {*GAUGES, *COUNTERS}}
    assert set(re.findall(r"necism_\w+", text)) <= known
    words = {key: re.findall(rf'{key}=~?"([^"]+)"', text) for key in ("finding", "reason")}
    assert {word for part in words["finding"] for word in part.split("|")} <= set(findings.CATALOGUE)
    assert {word for part in words["reason"] for word in part.split("|")} <= set(refusals.CATALOGUE)


def test_no_finding_is_left_without_an_alert() -> None:
    """Those that have a metric of their own are asked for by that one."""
    of_their_own = {"too-old", "unfinished", "query-failed", "timed-out", "stale"}
    text = " ".join(one["expr"] for one in ALERTS.values())
    named = {word for part in re.findall(r'finding=~?"([^"]+)"', text) for word in part.split("|")}
    assert named | of_their_own == set(findings.CATALOGUE)
    assert named & of_their_own == set()


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_to_do(name: str) -> None:
    """Severity, a sentence, a description, and a place in docs/monitoring.md that exists."""
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert re.fullmatch(r"[A-Z][^.]*\.", alert["annotations"]["summary"])
    assert "{{" in alert["annotations"]["description"]
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == name.lower()
    assert name in headings
