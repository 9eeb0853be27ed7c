"""The effective configuration as rows: what `necism config show` prints."""

from __future__ import annotations

from typing import NamedTuple

from necism_monitor.adapters.config import Examined
from necism_monitor.adapters.config_fields import Setting


class Row(NamedTuple):
    """One effective value with its units; `origin` is `default`, `file:line`, an option or a variable."""

    section: str
    key: str
    value: str
    origin: str


def show(examined: Examined) -> list[Row]:
    """Every key of every section with the value in force; of credentials only the path of their file."""
    return [Row(one.section, one.key, one.show(one.value), one.origin) for one in _effective(examined)]


def _effective(examined: Examined) -> list[Setting]:
    """A later note on a key replaces an earlier one, in its place."""
    return list({(one.section, one.key): one for one in examined.settings}.values())
