"""`necism explain`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from necism_monitor.adapters import config_keys
from necism_monitor.cli.explain import EXITS, PLAIN
from necism_monitor.cli.main import VERBS, main
from necism_monitor.domain import findings, refusals
from tests.cli.conftest import ROOT


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What it prints, blanks and line ends made one blank."""
    assert main(["explain", *words]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("code", findings.CATALOGUE)
def test_every_finding_is_explained(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its verdict, what it means and what to do."""
    shown = explained(capsys, code)
    entry = findings.CATALOGUE[code]
    assert f"{code}: a finding; its subject is {entry.verdict.value}" in shown
    assert entry.explain in shown
    assert f"-> {entry.hint}" in shown


@pytest.mark.parametrize("code", refusals.CATALOGUE)
def test_every_refusal_is_explained(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its exit code, what it means and what to do."""
    shown = explained(capsys, code)
    assert f"{code}: a refusal of resync (exit code {refusals.EXITS.get(code, 3)})" in shown
    assert refusals.CATALOGUE[code].explain in shown
    assert f"-> {refusals.CATALOGUE[code].hint}" in shown


def test_a_code_that_is_both_is_told_as_both(capsys: pytest.CaptureFixture[str]) -> None:
    """`wrong-link` is a finding of status and a refusal of resync."""
    shown = explained(capsys, "wrong-link")
    assert "a finding" in shown
    assert "a refusal" in shown


@pytest.mark.parametrize("key", config_keys.names())
def test_every_key_of_the_configuration_is_explained(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its section, form and default, and what it means; a key of two sections is told for both."""
    shown = explained(capsys, key)
    for section, found in config_keys.meanings(key).items():
        assert f"{key}: a key of {section}" in shown
        assert f"{key} = {' '.join(found.form.split())}" in shown
        assert found.means in shown


def test_exit_codes_are_told_by_verb_and_by_number(capsys: pytest.CaptureFixture[str]) -> None:
    """6 means one thing for resync; 3 has a meaning for each verb; every verb has 64 and 70 besides."""
    assert "6: an exit code resync an LV is detached" in explained(capsys, "6")
    shown = explained(capsys, "3")
    assert "status unknown: could not tell" in shown
    assert "any other command" in shown
    assert "70 a bug of necism-monitor" in explained(capsys, "resync")
    assert "70" not in explained(capsys, "check_necism")


def test_the_list_holds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a code: every finding, every refusal, every verb with codes of its own."""
    shown = explained(capsys)
    assert [code for code in (*findings.CATALOGUE, *refusals.CATALOGUE, *EXITS) if f" {code} " not in shown] == []


def test_every_verb_is_explained_and_no_other() -> None:
    """`necism --help` promises the exit codes of each verb; there are those of verbs that exist, and of the plugin."""
    assert sorted([*EXITS, *PLAIN]) == sorted([*VERBS, "check_necism"])


@pytest.mark.parametrize("verb", VERBS)
def test_the_exit_codes_of_a_verb_are_told(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With those that every command has; an event handler has none but 0."""
    shown = explained(capsys, verb)
    assert f"{verb}: exit codes 0 " in shown
    assert ("70 a bug of necism-monitor" in shown) == (verb != "event")


def test_a_resume_whose_post_resync_fails_has_a_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """5 is told by explanation and help of `resume`; `relink` runs no hook and never ends so."""
    assert "only post_resync failed" in EXITS["resume"][5]
    assert 5 not in EXITS["relink"]
    assert main(["resume", "--help"]) == 0
    assert "5 every LV is linked, and only post_resync failed" in " ".join(capsys.readouterr().out.split())
    assert main(["relink", "--help"]) == 0
    assert "post_resync" not in capsys.readouterr().out


@pytest.mark.parametrize("code", ["pre-resync-failed", "in-use"])
def test_a_refusal_that_may_come_after_creates_says_so(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of pairs that take turns it is no refusal but a 5."""
    assert "After the creates of pairs that take turns it is a failure (5) instead" in explained(capsys, code)
    assert "take turns" not in explained(capsys, "too-soon")


def test_a_skip_of_the_seeds_spelling_has_no_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """`syncresync` never ends with 4, and neither its help nor its explanation says so; `resync` does."""
    assert main(["syncresync", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "0 done and verified, or skipped by sync_min_delay 3 refused" in shown
    assert "too-soon" not in shown
    assert 4 not in EXITS["syncresync"]
    assert "syncresync" not in explained(capsys, "4")
    assert "resync not needed or too soon" in explained(capsys, "4")


SPOKEN_OF = re.compile(r"`necism ((?:[a-z][a-z-]*)(?:\|[a-z-]+)*)")


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Every text in the product's source, and the file it stands in."""
    for path in (*root.joinpath("necism_monitor").rglob("*.py"), root / "check_necism.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.relative_to(root)}:{node.lineno}", node.value


def test_no_text_names_a_command_that_is_not_there() -> None:
    """A hint that sends somebody to a verb of another release helps nobody."""
    found = {(where, verb) for where, text in texts(ROOT) for verb in SPOKEN_OF.findall(text)}
    assert {verb for _, verb in found} >= {"resume", "relink", "abandon", "history", "capture"}
    assert {(where, verb) for where, verb in found if verb not in VERBS} == set()
