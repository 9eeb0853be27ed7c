"""docs/metrics.md, from the table of families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from necism_monitor.render.family_table import FAMILIES, PREFIX, WEBHOOK_FAMILIES, Family

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
- `process_*`, of the exporter's own process, come from the client library and are as everywhere.

| family | type | labels | meaning |
|---|---|---|---|
"""


WEBHOOK: Final = """\
## The webhook

What `necism webhook` shows at its own address, beside `necism_config_last_reload_successful` and `necism_build_info`:
what it counted since its start. [webhook.md](webhook.md) explains the reasons.

| family | type | labels | meaning |
|---|---|---|---|
"""
ALL: Final = {**FAMILIES, **WEBHOOK_FAMILIES}


def paper() -> str:
    """The page."""
    words = ["", "## The words of labels", "", *vocabulary(), ""]
    return "\n".join([*HEAD.splitlines(), *rows(FAMILIES), "", *WEBHOOK.splitlines(), *rows(WEBHOOK_FAMILIES), *words])


def rows(families: Mapping[str, Family]) -> list[str]:
    """A line of the table for each family."""
    return [
        f"| `{PREFIX}{name}` | {entry.kind.value} | {' '.join(f'`{label}`' for label in entry.labels)} | {entry.text} |"
        for name, entry in families.items()
    ]


def vocabulary() -> Iterator[str]:
    """A line for every label whose values are known beforehand, with the families that have it."""
    for label, words in dict.fromkeys(found for entry in ALL.values() for found in entry.words.items()):
        families = " and ".join(f"`{PREFIX}{name}`" for name, entry in ALL.items() if has(entry, label, words))
        yield f"- `{label}` of {families}: {', '.join(f'`{word}`' for word in words)}"


def has(entry: Family, label: str, words: tuple[str, ...]) -> bool:
    """Whether the family has this label with these words."""
    return entry.words.get(label) == words
