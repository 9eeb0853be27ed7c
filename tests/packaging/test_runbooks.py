"""The pages people read when an alert fires: one for each alert, and every command in them is one that exists."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from necism_monitor.cli.main import find_verb, make_parser
from necism_monitor.domain import findings, refusals
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.model import Settings

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs/runbooks"
INDEX: Final = FOLDER / "README.md"
ALERTS: Final[dict[str, Any]] = {
    one["alert"]: one
    for group in yaml.safe_load((ROOT / "packaging/prometheus/necism.rules.yml").read_text())["groups"]
    for one in group["rules"]
    if "alert" in one
}
PAGES: Final = sorted(path for path in FOLDER.iterdir() if path != INDEX)
SECTIONS: Final = ["What it means for hosts", "How to look", "What to do", "What not to do", "When to call NEC"]
COMMAND: Final = re.compile(r"^    (necism .+)$|`(necism [a-z][^`]*)`", re.MULTILINE)
CHANGES: Final = re.compile(r"^    (?:iSMsc_(?:create|link|unlink|delete|restore|svguard)\b|kill |rm )", re.MULTILINE)


def commands(path: Path) -> list[str]:
    """Every `necism` command line of a page, of its blocks and of its sentences."""
    return ["".join(found) for found in COMMAND.findall(path.read_text(encoding="utf-8"))]


def parse(command: str) -> None:
    """Let the real parser read a command line, without what a shell takes for itself; a verb alone is only named."""
    words = shlex.split(command.partition(" > ")[0])[1:]
    verb = find_verb(words)
    if words != [verb]:
        make_parser(verb).read(words)


def severity(page: Path) -> str:
    """What a page says of the alert's severity."""
    (said,) = re.findall(r"\bSeverity:\s(\w+)\.", page.read_text(encoding="utf-8"))
    return str(said)


@pytest.mark.proves("S14")
def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    """Nobody is sent to a page that is not there, and no page waits for an alert that is gone."""
    assert [path.name for path in PAGES] == sorted(f"{name}.md" for name in ALERTS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_runbook_answers_the_same_questions(path: Path) -> None:
    """Title, severity as in the rules, five headings in their order, each with words below it."""
    title, *parts = re.split(r"^#+ ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert title.partition("\n")[0] == path.stem
    assert severity(path) == ALERTS[path.stem]["labels"]["severity"]
    assert [part.partition("\n")[0] for part in parts] == SECTIONS
    assert [part for part in parts if len(part.partition("\n")[2].split()) < 3] == []


@pytest.mark.parametrize("path", [*PAGES, INDEX, ROOT / "docs/monitoring.md"], ids=lambda path: path.stem)
def test_the_commands_exist(path: Path) -> None:
    """The parser of the program accepts each of them, with its options; codes that are explained exist."""
    codes = {*findings.CATALOGUE, *refusals.CATALOGUE, "CODE"}
    for command in commands(path):
        parse(command)
        assert "explain" not in command or command.split()[2] in codes


def test_a_command_that_does_not_exist_is_caught(tmp_path: Path) -> None:
    """A verb, an option or an argument that nobody knows fails."""
    for command in ("necism repair erp/sync#1", "necism status --fix", "necism abandon erp/sync#1"):
        (tmp_path / "page.md").write_text(f"Do:\n\n    {command}\n")
        (found,) = commands(tmp_path / "page.md")
        with pytest.raises(UsageError, match=r"unknown|unrecognized|required"):
            parse(found)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_runbook_begins_by_looking(path: Path) -> None:
    """Something can be asked first, and no block of commands changes the array or ends a process."""
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^    (necism|promtool|timedatectl)", text, re.MULTILINE)
    assert CHANGES.search(text) is None


@pytest.mark.proves("S14")
def test_automation_can_be_stopped_at_once() -> None:
    """The index and the page of held automation say how, by the name that the program looks for by default."""
    for path in (INDEX, FOLDER / "NecismAutomationHeld.md"):
        assert f"    touch /etc/necism/{Settings().kill_switch}\n" in path.read_text(encoding="utf-8")


def test_the_index_names_every_alert_under_its_severity() -> None:
    """Critical ones first."""
    text = INDEX.read_text(encoding="utf-8")
    critical, _, warning = text.partition("\n| warning")
    for name, alert in ALERTS.items():
        assert f"[{name}]({name}.md)" in (critical if alert["labels"]["severity"] == "critical" else warning)
