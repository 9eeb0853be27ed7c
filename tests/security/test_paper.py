"""SECURITY.md says which test proves what: those tests exist, and the statements it cites are claimed."""

import re

from tests.architecture.house import ROOT
from tests.checklist import STATEMENTS, claimed

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_that_is_cited_exists() -> None:
    """A row without proof, or with one that was renamed, would be a promise."""
    cited = set(re.findall(r"`(tests/[a-z_/]+\.py)`", TEXT))
    assert len(cited) > 10
    assert sorted(path for path in cited if not (ROOT / path).is_file()) == []
    (actors,) = re.findall(r"\n\| actor .*?\n\n", TEXT, re.DOTALL)
    rows = actors.strip().splitlines()[2:]
    assert [row for row in rows if "`tests/" not in row] == []


def test_every_statement_that_is_cited_is_claimed() -> None:
    """By a test somewhere, which runs with all others."""
    cited = {code for code in re.findall(r"\b[PNSK]\d\d\b", TEXT) if code in STATEMENTS}
    claims = {code for path in (ROOT / "tests").rglob("test_*.py") for code in claimed(path)}
    assert cited
    assert sorted(cited - claims) == []
