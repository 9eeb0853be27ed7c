"""`necism explain`."""

from __future__ import annotations

import pytest

from necism_monitor.cli.explain import EXITS
from necism_monitor.cli.main import VERBS, main
from necism_monitor.domain import findings, refusals


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


def test_no_verb_is_explained_that_is_not_there() -> None:
    """The exit codes are those of verbs that exist, and of the plugin."""
    assert set(EXITS) <= {*VERBS, "check_necism"}
