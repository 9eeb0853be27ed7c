"""How resources are named on a command line, by alerts and by events."""

from pathlib import Path

import pytest

from necism_monitor.adapters.config import load
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.model import Config
from necism_monitor.domain.selectors import Selector, select


@pytest.fixture(name="config")
def config_fixture(tmp_path: Path) -> Config:
    """Services web (sync#2, then sync#1) and db, and one that hides its only resource."""
    section = "[sync#{0}]\ntype = necismsnap\ndevs = {1}_SV{0}:{1}_LV{0}\n"
    texts = {
        "web": section.format(2, "W") + section.format(1, "W"),
        "db": section.format(1, "D") + section.format(10, "D") + "tags = nostatus\n",
        "quiet": section.format(1, "Q") + "tags = nostatus\n",
    }
    (tmp_path / "services").mkdir()
    for name, text in texts.items():
        (tmp_path / "services" / f"{name}.conf").write_text(text, encoding="utf-8")
    return load(tmp_path)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ((), "db/sync#1 web/sync#2 web/sync#1"),
        (("web",), "web/sync#2 web/sync#1"),
        (("web/sync#1",), "web/sync#1"),
        (("web/sync#1", "db", "web"), "db/sync#1 web/sync#2 web/sync#1"),
        (("db",), "db/sync#1"),
    ],
)
def test_reading_verbs_see_what_is_shown_in_configuration_order(
    config: Config, texts: tuple[str, ...], found: str
) -> None:
    """Each resource once, whatever the order and number of its namings; hidden ones never."""
    assert [one.id for one in select(config, texts, allow_all=True)] == found.split()


def test_acting_verbs_reach_hidden_resources(config: Config) -> None:
    """`nostatus` concerns views only."""
    found = select(config, ["quiet", "db/sync#10"], allow_all=False, include_hidden=True)
    assert [one.id for one in found] == ["db/sync#10", "quiet/sync#1"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("wep", "nothing is named 'wep'", "did you mean 'web'?"),
        ("db/snc#10", "nothing is named 'db/snc#10'", "did you mean 'db/sync#10'?"),
        ("web/SYNC#2", "nothing is named 'web/SYNC#2'", "did you mean 'web/sync#2'?"),
        ("accounting", "nothing is named 'accounting'", "configured services: db, quiet, web"),
        ("sync#1", "nothing is named 'sync#1'", "configured services: db, quiet, web"),
        ("", "'' is no selector", "write SERVICE or SERVICE/sync#1"),
        ("web/", "'web/' is no selector", "write SERVICE or SERVICE/sync#1"),
        ("/sync#1", "'/sync#1' is no selector", "write SERVICE or SERVICE/sync#1"),
        ("web/sync#1/x", "'web/sync#1/x' is no selector", "write SERVICE or SERVICE/sync#1"),
        ("quiet", "'quiet' is hidden from reading by its tag nostatus", "take the tag out of its section"),
    ],
)
def test_a_selector_that_matches_nothing_is_a_usage_error(config: Config, text: str, message: str, hint: str) -> None:
    """The hint names what was probably meant."""
    with pytest.raises(UsageError) as caught:
        select(config, ["web", text], allow_all=True)
    assert caught.value.text == message
    assert caught.value.hint == hint


def test_an_acting_verb_must_be_told_what(config: Config) -> None:
    """Nothing is refreshed because somebody forgot a word."""
    with pytest.raises(UsageError, match="no resource is named"):
        select(config, [], allow_all=False)


def test_a_selector_prints_as_it_is_written() -> None:
    """Both forms."""
    assert [str(Selector.parse(text)) for text in ("db", "db/sync#1")] == ["db", "db/sync#1"]
