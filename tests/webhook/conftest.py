"""A site whose alerts are mapped, and a webhook before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.web.rig import Exporter, Site

Start = Callable[..., AbstractContextManager[Exporter]]


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Site:
    """Two pairs, three days old; alerts whose `service` is billing stand for the set."""
    site = Site(tmp_path / "array")
    name = site.made.services[0].stem
    site.settings("webhook", f"label = service\nmap = billing={name}/sync#1, all={name}")
    return site


@pytest.fixture(name="webhook")
def webhook_fixture(site: Site) -> Start:
    """Starts a webhook on a free port of 127.0.0.1."""

    def start(*options: str, address: str = "127.0.0.1:0") -> AbstractContextManager[Exporter]:
        return site.exporter(*options, verb="webhook", address=address)

    return start


def requests_in(site: Site) -> list[dict[str, Any]]:
    """What lies in the spool."""
    return [json.loads(path.read_text()) for path in sorted((site.array / "run/requests").glob("*.json"))]
