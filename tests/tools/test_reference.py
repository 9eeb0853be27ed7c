"""docs/cli.md and docs/configuration.md agree with the code they are made from."""

from __future__ import annotations

import re

import pytest

from necism_monitor.adapters import config_keys
from necism_monitor.cli.explain import EXITS
from necism_monitor.cli.main import VERBS
from tests.tools.conftest import ROOT
from tools import reference


@pytest.mark.parametrize("name", reference.papers())
def test_a_paper_is_up_to_date(name: str) -> None:
    """Whoever changes a verb, an option or a key runs `make reference` and looks at what it changed."""
    assert (ROOT / "docs" / name).read_text() == reference.papers()[name], "run `make reference`"


def test_every_verb_stands_in_the_reference() -> None:
    """With a heading that the list at the top links to, and with its own exit codes."""
    text = (ROOT / "docs" / "cli.md").read_text()
    assert re.findall(r"\[([a-z]+)\]\(#necism-([a-z]+)\)", text) != []
    assert {one for one, _ in re.findall(r"\[([a-z]+)\]\(#necism-([a-z]+)\)", text)} == set(VERBS)
    for verb in VERBS:
        part = text.partition(f"\n### necism {verb}\n")[2].partition("\n### ")[0]
        assert f"necism {verb}" in part
        assert [number for number in EXITS.get(verb, {}) if number < 64 and f"\n| {number} | " not in part] == []


def test_every_key_stands_in_the_reference() -> None:
    """Under its section."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    for part in config_keys.PARTS:
        rows = text.partition(f"\n### {part.title}\n")[2].partition("\n### ")[0]
        assert [key.name for key in part.keys if f"\n| `{key.name}` | " not in rows] == []


def test_no_bar_breaks_a_table() -> None:
    """Every row of a table has the columns of its head."""
    for name in reference.papers():
        columns = 0
        for line in (ROOT / "docs" / name).read_text().splitlines():
            if not line.startswith("|"):
                columns = 0
                continue
            bars = len(re.findall(r"(?<!\\)\|", line))
            columns = columns or bars
            assert bars == columns, line
