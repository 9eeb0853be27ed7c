"""Where the sample files are, and the shortest configuration that loads."""

from pathlib import Path
from typing import Final

import pytest

FILES: Final = Path(__file__).parent / "files"
SHORTEST: Final = "[sync#1]\ntype = necismsnap\ndevs = A_SV01:A_LV01\n"


@pytest.fixture(name="files")
def files_fixture() -> Path:
    """The directory of sample files."""
    return FILES


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Path:
    """A configuration directory with one service, db1, of one resource and one pair."""
    services = tmp_path / "etc" / "services"
    services.mkdir(parents=True)
    (services / "db1.conf").write_text(SHORTEST, encoding="utf-8")
    return services.parent
