"""docs/metrics.md, from the table of families."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from necism_monitor.render.family_table import FAMILIES, PREFIX, Family

HEAD: Final = """\
# Metrics

<!-- Made by `make reference`: change the texts in the code, then make it again. -->

What `necism exporter` shows, in the order of a scrape, as text format 0.0.4. Names, labels and words are part of the
public interface. [monitoring.md](monitoring.md) says how to scrape them, [runbooks](runbooks) what to do when an alert
on them fires.

- Every family is declared in every scrape; what is not known has no series. No value stands for "unknown".
- A label that is not known is empty. Control characters and bytes that are no text appear as `\\xNN`.
- A state is one series per word, 1 in exactly one of them. Where nobody could look, that is `unknown`; timestamps,
  sizes, skew and `necism_pair_info` then show the last good value.
- `service` and `resource` name the service file and its section. A scrape configuration that has a `service` label of
  its own renames ours: see [monitoring.md](monitoring.md#a-scrape-configuration-with-a-service-label-of-its-own).
- `necism_resync_*` and `necism_array_clock_offset_seconds` come from the journals below `state_dir`: they count runs of
  every caller, begin at 0, survive restarts and never go down. A journal that cannot be read has no such series.
- `necism_ism_*` counts the commands of the exporter itself, since its start.

| family | type | labels | meaning |
|---|---|---|---|
"""


def paper() -> str:
    """The page."""
    rows = [
        f"| `{PREFIX}{name}` | {entry.kind.value} | {' '.join(f'`{label}`' for label in entry.labels)} | {entry.text} |"
        for name, entry in FAMILIES.items()
    ]
    return "\n".join([*HEAD.splitlines(), *rows, "", "## The words of labels", "", *vocabulary(), ""])


def vocabulary() -> Iterator[str]:
    """A line for every label whose values are known beforehand, with the families that have it."""
    for label, words in dict.fromkeys(found for entry in FAMILIES.values() for found in entry.words.items()):
        families = " and ".join(f"`{PREFIX}{name}`" for name, entry in FAMILIES.items() if has(entry, label, words))
        yield f"- `{label}` of {families}: {', '.join(f'`{word}`' for word in words)}"


def has(entry: Family, label: str, words: tuple[str, ...]) -> bool:
    """Whether the family has this label with these words."""
    return entry.words.get(label) == words
