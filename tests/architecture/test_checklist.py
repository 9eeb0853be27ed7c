"""The statements of tests/checklist.py are claimed by tests that exist."""

from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from tests.checklist import COMPLETE, STATEMENTS, claimed, table

FILES = sorted((ROOT / "tests").rglob("test_*.py"))
CLAIMS = {code: path for path in FILES for code in claimed(path)}


def test_every_claim_is_for_a_statement() -> None:
    """A claim with a slip of the pen would prove nothing."""
    assert sorted(set(CLAIMS) - set(STATEMENTS)) == []


def test_every_statement_of_a_complete_list_is_claimed() -> None:
    """What no test claims does not hold."""
    assert [code for listed in COMPLETE for code in listed if code not in CLAIMS] == []


def test_claims_are_read_off_marks(tmp_path: Path) -> None:
    """A claim counts where it is written as a mark, whatever else is in the file."""
    source = "import pytest\n\n@pytest.mark.proves('P01', 'N02')\ndef test_it() -> None:\n    'proves P09'\n"
    (tmp_path / "test_a.py").write_text(source, encoding="utf-8")
    assert list(claimed(tmp_path / "test_a.py")) == ["P01", "N02"]


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (["passed", "passed"], "P01 holds (2): "),
        (["passed", "failed"], "P01 FAILS : "),
        (["error"], "P01 FAILS : "),
        (["passed", "skipped"], "P01 not proven (skipped): "),
    ],
)
def test_a_statement_holds_where_all_its_tests_passed(outcomes: list[str], said: str) -> None:
    """One failure or one skip among many is said."""
    (line,) = table(("P01", outcome) for outcome in outcomes)
    assert line == said + STATEMENTS["P01"]
