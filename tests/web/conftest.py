"""A site of its own for every test that asks for one."""

from pathlib import Path

import pytest

from tests.web.rig import Site


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Site:
    """Two pairs, three days old."""
    return Site(tmp_path / "array")
