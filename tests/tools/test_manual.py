"""The manual, rendered as readers see it, beside the help that the programs print."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.adapters import config_keys
from necism_monitor.adapters.config import examine
from necism_monitor.cli.guide import GUIDES
from necism_monitor.cli.main import VERBS, main
from tests.cli.conftest import PATIENCE, clean_environment
from tests.servers import require_server
from tools import configuration, manual, papers

pytestmark = pytest.mark.proves("K09")

PAGES: Final[Mapping[str, str]] = manual.pages(1_700_000_000)
OF_VERBS: Final = {verb: f"necism-{verb}.{GUIDES[verb].section}" for verb in VERBS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pages lie as files."""
    place = tmp_path_factory.mktemp("man")
    for name, text in PAGES.items():
        (place / name).write_text(text)
    return place


def rendered(path: Path) -> str:
    """A page as plain text, line ends and runs of blanks made one blank."""
    man = require_server("man")
    done = subprocess.run(
        [man, "--warnings", "-E", "ascii", "-l", path],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
        env=clean_environment(MANPAGER="cat", MANWIDTH="78", MAN_KEEP_FORMATTING="", LC_ALL="C.UTF-8"),
    )  # fmt: skip
    assert done.stderr == ""
    return " ".join(done.stdout.split())


def helped(capsys: pytest.CaptureFixture[str], verb: str) -> str:
    """What `necism VERB --help` prints."""
    assert main([*verb.split(), "--help"]) == 0
    return capsys.readouterr().out


def entries(text: str) -> list[tuple[str, str]]:
    """The options and arguments of a help with their texts, read by a person's rules: two blanks, then the text."""
    found: list[tuple[str, str]] = []
    inside = False
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            inside = line.startswith(("arguments:", "options"))
        elif inside and (match := re.match(r"  (-\S.*?|[A-Z]\S*|\{\S+)(?:  +(.*))?$", line)):
            found.append((match[1], match[2] or ""))
        elif inside and line.startswith("   ") and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
    return found


def test_there_is_a_page_for_every_command() -> None:
    """Of `necism`, each verb, the plugin, and both kinds of file; daemons and timers stand in section 8."""
    assert set(PAGES) == {
        "necism.1", *OF_VERBS.values(), "check_necism.1", "necism.conf.5", "necism-service.5",
    }  # fmt: skip
    assert {"necism-collect.8", "necism-exporter.8", "necism-resync.1"} <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_clean(name: str, folder: Path) -> None:
    """mandoc, groff and man-db's own parser of names have nothing to object to; it is ASCII."""
    assert PAGES[name].isascii()
    page = folder / name
    lint = subprocess.run(
        [require_server("mandoc"), "-T", "lint", "-W", "all", page],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # A line of the source that is long is nothing a reader sees, and a NAME must be one line.
    assert [line for line in lint.stdout.splitlines() if "longer than 80 bytes" not in line] == []
    groff = subprocess.run(
        [require_server("groff"), "-ww", "-man", "-Tutf8", "-z", page],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (groff.returncode, groff.stderr) == (0, "")
    require_server("man")
    named = subprocess.run(["lexgrog", page], capture_output=True, text=True, check=False, timeout=60)
    assert f': "{name.rpartition(".")[0]} - ' in named.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_says_what_the_help_says(verb: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every option and argument with its text, every exit code, every example, the description: of actions, too."""
    page = rendered(folder / OF_VERBS[verb])
    actions = [name for name in GUIDES if name.startswith(f"{verb} ")]
    for name in (verb, *actions):
        text = helped(capsys, name)
        listed = entries(text)
        assert {"-h, --help", "--config PATH", "--version"} <= {head for head, _ in listed}
        for head, means in listed:
            head_as_form = head.replace("{", "").replace("}", "").replace(",", "|") if "{" in head else head
            wanted = f"{head_as_form} {means.replace('`', '')}"
            assert wanted in page, wanted
        for one in (*GUIDES[name].paragraphs, *(() if actions and name == verb else GUIDES[name].examples)):
            for told in (one,) if isinstance(one, str) else one:
                assert told.replace("`", "") in page
        for number, means in re.findall(
            r"^ {2,4}(\d+)  (.*(?:\n {7}.*)*)", text.partition("exit codes:")[2], re.MULTILINE
        ):
            told = " ".join(means.split()).replace("`", "")
            assert f"{number} {told[:1].upper()}{told[1:]}." in page


def test_the_page_of_the_plugin_says_what_its_help_says(folder: Path) -> None:
    """Its options, its exit status, its examples, and how a range is written."""
    page = rendered(folder / "check_necism.1")
    done = subprocess.run(
        [sys.executable, "-m", "check_necism", "--help"],
        capture_output=True, text=True, check=False, env=clean_environment(), timeout=PATIENCE,
    )  # fmt: skip
    listed = entries(done.stdout)
    assert {head.split()[0].rstrip(",") for head, _ in listed} >= {
        "-s",
        "-w",
        "-c",
        "-t",
        "-v",
        "--critical-on",
        "--config",
    }
    for head, means in listed:
        for name in re.findall(r"--?[a-zA-Z][\w-]*", head):
            assert f"{name} " in page or f"{name}," in page
        assert means in page
    for line in done.stdout.splitlines():
        if re.match(r"  [^-\s]", line):
            assert " ".join(line.split()) in page
    for number, word in enumerate(("OK", "WARNING", "CRITICAL", "UNKNOWN")):
        assert f" {number} {word}" in page.partition("EXIT STATUS")[2]


def test_the_list_of_commands_leads_to_pages_that_are_there() -> None:
    """No page sends its reader to one that nobody wrote."""
    named = {
        (name, found)
        for name, text in PAGES.items()
        for found in re.findall(r"((?:check_)?necism[\w.-]*)\\fR\((\d)\)", text.replace("\\-", "-"))
    }
    assert {f"{page}.{section}" for _, (page, section) in named} <= set(PAGES)
    top = {f"{page}.{section}" for name, (page, section) in named if name == "necism.1"}
    assert top == set(PAGES) - {"necism.1"}


@pytest.mark.parametrize(
    ("name", "parts"), [("necism.conf.5", config_keys.GENERAL), ("necism-service.5", (config_keys.SERVICE,))]
)
def test_a_page_of_a_file_tells_every_key(name: str, parts: tuple[config_keys.Part, ...], folder: Path) -> None:
    """With form, meaning and default, under its section."""
    page = rendered(folder / name)
    for part in parts:
        assert f"SECTION {part.title}" in page
        text = page.partition(f"SECTION {part.title}")[2]
        for key in part.keys:
            told = f"{key.name} = {key.form} {key.means}".replace("`", "")
            assert f"{told}{'' if key.default is None else f' Default: {key.default}'}" in text


def test_the_samples_of_the_pages_load(tmp_path: Path) -> None:
    """What a reader copies from necism.conf(5) and necism-service(5) is a configuration without a doubt."""
    (tmp_path / "services").mkdir()
    (tmp_path / "necism.conf").write_text(configuration.NECISM_CONF)
    (tmp_path / "services" / "erp.conf").write_text(configuration.SERVICE_CONF)
    config = examine(tmp_path).config
    assert [one.id for one in config.resources] == ["erp/sync#1", "erp/sync#2"]
    assert (config.warnings, config.remarks, config.ignored) == ((), (), ())


def test_hooks_find_what_the_page_says(folder: Path) -> None:
    """The variables of a hook are those that the run gives it."""
    source = "\n".join(path.read_text() for path in (Path(manual.__file__).parents[1] / "necism_monitor").rglob("*.py"))
    given = set(re.findall(r'"(NECISM_(?:SERVICE|RESOURCE|RUN_ID|TRIGGER|LVS|SVS))"', source))
    assert {name for name, _ in configuration.HOOKS} == given
    assert "ENVIRONMENT OF HOOKS" in rendered(folder / "necism-service.5")


def test_one_source_makes_one_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SOURCE_DATE_EPOCH dates the pages, so that a package can be built again byte by byte."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert papers.main(["man", str(tmp_path)]) == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == PAGES
    assert all(" 2023-11-14 " in text.partition("\n")[0] for text in PAGES.values())
    assert f"{len(PAGES)} files" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["man"], ["pages", "x"]])
def test_wrong_usage_of_the_maker_is_said(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever builds a package is told how it is called."""
    assert papers.main(argv) == 64
    assert "man|completion|reference DIR" in capsys.readouterr().err
