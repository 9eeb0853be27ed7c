"""What every search needs."""

import pytest

from necism_monitor.domain import run


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is answered as busy is sent twice, not sixty times: the bound is reached by two faults."""
    monkeypatch.setattr(run, "BUSY_ATTEMPTS", 2)
