"""docs/metrics.md says what the exporter shows."""

import re

from necism_monitor.render.family_table import FAMILIES, WEBHOOK_FAMILIES
from tools.metrics import paper


def test_every_family_has_one_row_with_all_its_labels() -> None:
    """Name, type, labels and meaning stand in four cells that no text breaks."""
    rows = [re.split(r" \| ", line.strip("| ")) for line in paper().splitlines() if line.startswith("| `necism_")]
    assert [len(row) for row in rows if len(row) != 4] == []
    families = {**FAMILIES, **WEBHOOK_FAMILIES}
    assert [row[0].strip("`") for row in rows] == [f"necism_{name}" for name in families]
    assert [row[2].replace("`", "").split() for row in rows] == [list(entry.labels) for entry in families.values()]


def test_the_words_of_a_state_are_listed_with_its_families() -> None:
    """Whoever writes a matcher finds what can match."""
    (line,) = [line for line in paper().splitlines() if line.startswith("- `status` of")]
    assert line == "- `status` of `necism_resource_status` and `necism_pair_status`: `up`, `warn`, `unknown`"
    refused, rejected = [line for line in paper().splitlines() if line.startswith("- `reason` of")]
    assert "`needs-person`" in refused
    assert "`unauthorized`" in rejected
