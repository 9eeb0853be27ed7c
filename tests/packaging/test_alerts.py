"""The alert rules that people load into Prometheus: valid, tested by promtool, speaking of what exists."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from necism_monitor.domain import findings, refusals
from necism_monitor.domain.rejections import Rejection
from necism_monitor.render.family_table import FAMILIES, WEBHOOK_FAMILIES
from tests.packaging.alert_worlds import ALERTS, ROOT, RULES, promtool

TESTS: Final = RULES.with_name("necism.rules.test.yml")
OUGHT: Final = {
    "NecismExporterDown", "NecismExporterAbsent", "NecismArrayUnreadable", "NecismBlind", "NecismLinkVolumeDetached",
    "NecismImageFaulty", "NecismImageTooOld", "NecismAutomationHeld", "NecismResyncFailed",
}  # fmt: skip
RECORDED: Final = {
    one["record"]: one
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for one in group["rules"]
    if "record" in one
}
EXPRESSIONS: Final = " ".join(one["expr"] for one in [*ALERTS.values(), *RECORDED.values()])


def cases() -> list[dict[str, Any]]:
    """What promtool is asked of the alerts."""
    return [one for test in yaml.safe_load(TESTS.read_text())["tests"] for one in test["alert_rule_test"]]


def words(label: str, operator: str = "=~?") -> set[str]:
    """The words that matchers on a label name."""
    parts = re.findall(rf'\b{label}{operator}"([^"]*)"', EXPRESSIONS)
    return {word for part in parts for word in part.split("|")}


@pytest.mark.proves("P23")
def test_prometheus_accepts_the_rules(require_server: Callable[[str], Path]) -> None:
    """Promtool finds nothing to say, its lint included."""
    promtool(require_server("promtool"), "check", "rules", "--lint=all", "--lint-fatal", RULES)


@pytest.mark.proves("P23")
def test_the_tests_of_the_rules_pass(require_server: Callable[[str], Path]) -> None:
    """Each alert fires for its reason, with these labels and texts, and neither before its time nor after it."""
    promtool(require_server("promtool"), "test", "rules", TESTS)


@pytest.mark.proves("P23", "P24")
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """A case that knows an alert only quiet, or only loud, proves nothing of it; none is for an alert that is gone."""
    loud = {one["alertname"] for one in cases() if one["exp_alerts"]}
    quiet = {one["alertname"] for one in cases() if not one["exp_alerts"]}
    assert loud == quiet == set(ALERTS)
    assert set(ALERTS) >= OUGHT


def test_a_case_that_is_wrong_fails(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """Promtool compares labels and texts: another severity, another text or another pause is found."""
    found, path = require_server("promtool"), tmp_path / "wrong.yml"
    whole = yaml.safe_load(TESTS.read_text())
    one = [test for test in whole["tests"] if test["name"] == "NecismLinkVolumeDetached"]
    text = json.dumps(whole | {"rule_files": [str(RULES)], "tests": one})
    path.write_text(text)
    promtool(found, "test", "rules", path)
    for before, after in (
        ('"critical"', '"warning"'),
        ("are not linked", "are away"),
        ('"eval_time": "16m"', '"eval_time": "14m"'),
    ):
        assert before in text
        path.write_text(text.replace(before, after))
        with pytest.raises(AssertionError, match="FAILED"):
            promtool(found, "test", "rules", path)


def test_the_rules_speak_of_what_the_exporter_shows() -> None:
    """Every metric, finding, refusal and status that an expression names exists."""
    known = {f"necism_{name}" for name in (*FAMILIES, *WEBHOOK_FAMILIES)}
    plain = re.sub("|".join(RECORDED), "", re.sub(r'"[^"]*"', "", EXPRESSIONS))
    assert set(re.findall(r"[\w:]*necism_[\w:]+", plain)) <= known
    assert words("finding") <= set(findings.CATALOGUE)
    reasons = words("reason") | words("reason", "!~")
    assert reasons <= set(refusals.CATALOGUE) | {one.value for one in Rejection}
    assert words("status") == {"up"}


def test_recorded_names_follow_the_convention() -> None:
    """Level, metric and operation, and what is recorded is used by a rule."""
    for name in RECORDED:
        assert re.fullmatch(r"(pair|resource):necism_[a-z_]+:[a-z_]+", name)
        assert EXPRESSIONS.count(name) > 0


def test_no_finding_is_left_without_an_alert() -> None:
    """Those that have a metric of their own are asked for by that one."""
    of_their_own = {"too-old", "unfinished", "query-failed", "timed-out", "stale"}
    assert words("finding") | of_their_own == set(findings.CATALOGUE)
    assert words("finding") & of_their_own == set()


def test_a_refusal_is_either_harmless_or_one_alert() -> None:
    """What holds automation is not told a second time as a refusal, and a reason nobody thought of is told."""
    harmless, held = words("reason", "!~"), words("reason", "=~")
    assert held == {"killed", "needs-person", "over-budget"}
    assert held < harmless
    assert {"in-use", "state-unreadable", "wrong-link", "not-automatic"} <= set(refusals.CATALOGUE) - harmless


def test_what_is_about_a_set_is_told_once() -> None:
    """An alert with the labels of a set has dropped those of the exporter that showed it."""
    for name, alert in ALERTS.items():
        told = f"{alert['annotations']['description']}"
        if "$labels.service" in told:
            assert "$labels.instance" not in told, name
            assert re.match(
                r"(time\(\) - )?((resource|pair):|(max|min|group) without \(instance, job)", alert["expr"]
            ), name


@pytest.mark.proves("P23")
@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_to_do(name: str) -> None:
    """Prefix, severity, a sentence, a description with values, and a runbook of its own."""
    alert = ALERTS[name]
    assert re.fullmatch("Necism([A-Z][a-z]+)+", name)
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert re.fullmatch(r"[A-Z][^.]*\.", alert["annotations"]["summary"])
    assert "{{" not in alert["annotations"]["summary"]
    assert "{{" in alert["annotations"]["description"]
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert (ROOT / alert["annotations"]["runbook_url"]).is_file()
