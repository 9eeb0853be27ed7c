"""The table of keys that people read, held against the readers of the configuration."""

import re
from pathlib import Path

import pytest

from necism_monitor.adapters import config_keys
from necism_monitor.adapters.config import examine
from necism_monitor.adapters.config_fields import DEFAULT
from necism_monitor.adapters.config_keys import GENERAL, SERVICE, Part
from necism_monitor.adapters.config_resource import OWN, TABLE
from necism_monitor.adapters.config_show import Row, show
from necism_monitor.domain.errors import ConfigError

SCOPES = {"a/sync#1": "[sync#N]", "[array default]": "[array NAME]"}


def told(section: str) -> str:
    """The title under which the table tells of a section."""
    return SCOPES.get(section, section)


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """The configuration in force where nobody set anything that need not be set."""
    (tmp_path / "necism.conf").write_text("[array default]\n")
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "a.conf").write_text("[sync#1]\ntype = necismsnap\ndevs = SV:LV\n")
    return show(examine(tmp_path))


def test_every_key_is_told_with_its_true_default(rows: list[Row], tmp_path: Path) -> None:
    """What `necism config show` calls a default is what the table says, key by key; nothing more, nothing less."""
    read = {(told(row.section), row.key): row.value for row in rows if row.origin == DEFAULT}
    read = {key: value.replace(str(tmp_path), "/etc/necism") for key, value in read.items()}
    assert read == {
        (part.title, key.name): key.default
        for part in config_keys.PARTS
        for key in part.keys
        if key.default is not None
    }


def test_the_keys_of_a_service_file_are_those_that_its_reader_knows() -> None:
    """Mandatory keys and the three of OpenSVC's that mean something here are told as well."""
    assert {key.name for key in SERVICE.keys} == TABLE | OWN
    assert {key.name for key in SERVICE.keys if key.default is None} == {"devs", "type", "disable", "tags"}


@pytest.mark.parametrize("part", GENERAL, ids=lambda part: part.title)
def test_the_keys_of_a_section_are_those_that_its_reader_knows(part: Part, tmp_path: Path) -> None:
    """An unknown key is refused with the list of all known ones, and that is the table's."""
    title = part.title.replace("NAME", "default")
    (tmp_path / "necism.conf").write_text(f"{title}\nxqxqxqxqxq = 1\n")
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "a.conf").write_text("[sync#1]\ntype = necismsnap\ndevs = SV:LV\n")
    with pytest.raises(ConfigError) as raised:
        examine(tmp_path)
    (problem,) = raised.value.problems
    assert problem.hint == f"known are: {', '.join(sorted(key.name for key in part.keys))}"


def test_what_a_default_is_called_can_be_written_or_stands_for_nothing(tmp_path: Path) -> None:
    """A number, duration or word that the table gives as default is taken as a value, and means the same."""
    words = {"none", "any", "unset", "the host's"}
    lines = [f"{key.name} = {key.default}" for key in SERVICE.keys if key.default and key.default not in words]
    service = tmp_path / "a.conf"
    service.write_text("\n".join(["[sync#1]", "type = necismsnap", "devs = SV:LV", *lines]))
    written = {row.key: row.value for row in show(examine(service)) if row.section == "a/sync#1"}
    assert {key.name: written[key.name] for key in SERVICE.keys if key.default} == {
        key.name: key.default for key in SERVICE.keys if key.default
    }


def test_the_contract_is_kept_where_it_names_a_default() -> None:
    """The sixteen defaults that scripts rely on most, as the product's description gives them, read by a person."""
    defaults = {key.name: key.default for part in config_keys.PARTS for key in part.keys}
    assert (defaults["sync_max_delay"], defaults["sync_min_delay"], defaults["sync_max_skew"]) == ("1d1h", "30m", "4h")
    assert (defaults["order"], defaults["access"], defaults["parallel"]) == ("set", "keep", "1")
    assert (defaults["automatic"], defaults["cooldown"], defaults["max_per_day"]) == ("none", "1h", "6")
    assert (defaults["stale_after"], defaults["cache_ttl"], defaults["keep_history"]) == ("15m", "1m", "400d")
    assert (defaults["read_timeout"], defaults["change_timeout"]) == ("4m", "10m")
    assert (defaults["max_runs_per_hour"], defaults["source"]) == ("4", "commands")


def test_every_meaning_is_a_sentence_and_every_key_stands_once() -> None:
    """Each ends with a full stop, says more than the key's own name, and no section tells a key twice."""
    for part in config_keys.PARTS:
        names = [key.name for key in part.keys]
        assert len(names) == len(set(names))
        assert [key.name for key in part.keys if not re.fullmatch(r"\S.{12,}\.", key.means)] == []
