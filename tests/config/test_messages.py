"""One file per rule; each file ends with the messages it must cause, in lines that begin with `#! `."""

import shutil
from pathlib import Path

import pytest

from necism_monitor.adapters.config import load
from necism_monitor.domain.errors import ConfigError

FILES = Path(__file__).parent / "files"


def samples(folder: str) -> list[Path]:
    return sorted((FILES / folder).iterdir())


def expected(sample: Path) -> list[str]:
    lines = sample.read_text(encoding="latin-1").splitlines()
    return [line.removeprefix("#! ") for line in lines if line.startswith("#! ")]


def relative(texts: list[str], folder: Path) -> list[str]:
    return [text.replace(f"{folder}/", "") for text in texts]


def problems_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("sample", samples("bad"), ids=lambda path: path.stem)
def test_a_service_file_is_refused_with_the_place_the_rule_and_a_hint(sample: Path) -> None:
    """Every broken rule of a service file is named with file, line, value, rule and hint."""
    assert relative(problems_of(sample), sample.parent) == expected(sample)
    assert expected(sample)


@pytest.mark.parametrize("sample", samples("bad-general"), ids=lambda path: path.stem)
def test_necism_conf_is_refused_with_the_place_the_rule_and_a_hint(sample: Path, site: Path) -> None:
    """Every broken rule of necism.conf is named with file, line, value, rule and hint."""
    shutil.copy(sample, site / "necism.conf")
    assert relative(problems_of(site), site) == expected(sample)
    assert expected(sample)


@pytest.mark.parametrize("sample", samples("odd"), ids=lambda path: path.stem)
def test_what_is_accepted_but_surprising_is_warned_about(sample: Path) -> None:
    """A file that loads says what in it deserves a look, and which keys of OpenSVC have no effect."""
    config = load(sample)
    said = [*config.warnings, *config.remarks, *(f"ignored {one}" for one in config.ignored)]
    assert relative(said, sample.parent) == expected(sample)
    assert expected(sample)


def test_all_problems_of_all_files_are_told_at_once(site: Path) -> None:
    """Nobody has to correct a configuration one message at a time."""
    (site / "necism.conf").write_text("[necism]\nsource = disk\n[what]\n", encoding="utf-8")
    (site / "services" / "aa.conf").write_text("[sync#1]\ntype = necismsnap\ndevs = X\nfoo = 1\n", encoding="utf-8")
    (site / "services" / "zz.env").write_text(";[sync#1]\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(site)
    places = [(Path(one.file).name, one.line) for one in caught.value.problems]
    assert places == [("necism.conf", 2), ("necism.conf", 3), ("aa.conf", 3), ("aa.conf", 4), ("zz.env", None)]
    assert str(caught.value).startswith("5 configuration problems:\n")


@pytest.mark.parametrize(
    "content", [b"[sync#1]\ntype = necismsnap\ndevs = A\0:B\n", "[sync#1]\r\n".encode("utf-16"), b"\0"]
)
def test_a_file_with_nul_characters_is_no_text(tmp_path: Path, content: bytes) -> None:
    """Such a file is refused whole, with the line of the first NUL."""
    file = tmp_path / "db1.conf"
    file.write_bytes(content)
    line = content.split(b"\0")[0].count(b"\n") + 1
    assert problems_of(file) == [f"{file}:{line}: a NUL character (hint: save the file as UTF-8 text)"]


def test_a_file_name_that_is_no_service_name_is_refused(tmp_path: Path) -> None:
    """The stem of the file is the service's name, so it must be one."""
    file = tmp_path / "my db.conf"
    file.write_text("[sync#1]\ntype = necismsnap\ndevs = A:B\n", encoding="utf-8")
    rule = "a service name is letters, digits and _ . @ + -: 'my db' (hint: rename the service file)"
    assert problems_of(file) == [f"{file}: {rule}"]
