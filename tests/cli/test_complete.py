"""The hidden verb that completion files ask: words, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from necism_monitor.cli.main import HIDDEN, main
from tests.cli.conftest import Necism


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Two services; one section of the second is hidden from reading."""
    services = tmp_path / "config" / "services"
    services.mkdir(parents=True)
    (services / "a.conf").write_text("[sync#1]\ntype = necismsnap\ndevs = SV1:LV1\n")
    (services / "b.conf").write_text(
        "[sync#1]\ntype = necismsnap\ndevs = SV2:LV2\n[sync#2]\ntype = necismsnap\ndevs = SV3:LV3\ntags = nostatus\n"
    )
    return services.parent


def test_services_and_resources_are_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One a line, in configuration order, services first."""
    assert main(["complete", "selectors", "--config", str(config)]) == 0
    assert capsys.readouterr().out.split() == ["a", "b", "a/sync#1", "b/sync#1", "b/sync#2"]


def test_reading_verbs_are_offered_what_they_know(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A resource that is tagged nostatus would be refused."""
    assert main(["--config", str(config), "complete", "shown"]) == 0
    assert capsys.readouterr().out.split() == ["a", "b", "a/sync#1", "b/sync#1"]


@pytest.mark.parametrize("text", [None, "", "[sync#1]\ntype = necismsnap\n", "no section"])
def test_trouble_is_not_told(necism: Necism, tmp_path: Path, text: str | None) -> None:
    """A configuration that is missing or wrong: exit 0, not a word on either stream."""
    service = tmp_path / "a.conf"
    if text is not None:
        service.write_text(text)
    done = necism("complete", "selectors", "--config", service)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_one_is_led_to_it(necism: Necism) -> None:
    """A near miss of its name does not lead to it, as it is for programs."""
    assert list(HIDDEN) == ["complete"]
    assert "complete" not in necism("complte").stderr.partition("hint")[2]
