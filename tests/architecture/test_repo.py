"""What stands in the repository: nothing left open, every exception explained, papers that agree."""

import ast
import configparser
import io
import os
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.house import ROOT, read_tree

PRODUCT: Final = (
    "necism_monitor",
    "packaging",
    "benchmarks",
    "tools",
    "check_necism.py",
    "setup.cfg",
    "Makefile",
    "README.md",
)
PYTHON: Final = ("necism_monitor", "tests", "benchmarks", "tools", "check_necism.py")
LEFT_OPEN: Final = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b|not implemented yet|\bplaceholder\b", re.IGNORECASE
)
README_COMMANDS: Final = {"make demo", "make test"}
ENOUGH_WORDS: Final = 2

NOQA: Final = re.compile(r"#\s*noqa(?P<codes>:\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*)?(?P<reason>.*)", re.IGNORECASE)
TYPE_IGNORE: Final = re.compile(
    r"#\s*type:\s*ignore(?P<codes>\[[a-z-]+(?:\s*,\s*[a-z-]+)*\])?(?P<reason>.*)", re.IGNORECASE
)
NOSEC: Final = re.compile(r"#\s*nosec(?P<codes>\s+B\d+(?:\s*,\s*B\d+)*(?=\s*(?:#|$)))?(?P<reason>.*)", re.IGNORECASE)
NO_COVER: Final = re.compile(r"#\s*pragma:\s*no (?:cover|branch)(?P<codes>)(?P<reason>.*)", re.IGNORECASE)


def read(name: str) -> str:
    """The text of one file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def walk(names: tuple[str, ...], root: Path = ROOT) -> Iterator[Path]:
    """Every file below these names, without what tools leave behind."""
    for name in names:
        if (root / name).is_file():
            yield root / name
        for folder, folders, files in os.walk(root / name):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            yield from (Path(folder) / file for file in sorted(files))


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """The comments of a Python file; a string that looks like one is none."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def find_bare(path: Path) -> list[str]:
    """Exceptions from ruff, mypy, bandit and coverage that lack their code or their reason."""
    return [
        f"{path.name}:{line} {text}"
        for line, text in comments(path)
        for pattern in (NOQA, TYPE_IGNORE, NO_COVER, NOSEC)
        if (match := pattern.search(text)) and (match["codes"] is None or not explains(_reason(text, pattern, match)))
    ]


def _reason(text: str, pattern: re.Pattern[str], match: re.Match[str]) -> str:
    """What follows an exception; bandit's may stand behind ruff's for the same line, and share its reason."""
    return text[: match.start()] + match["reason"] if pattern is NOSEC else match["reason"]


def explains(reason: str) -> bool:
    """A reason has words; another exception's code is none."""
    rest = TYPE_IGNORE.sub(
        "", NOQA.sub(lambda match: match["reason"], NO_COVER.sub(lambda match: match["reason"], reason))
    )
    return len(re.findall(r"[A-Za-z_]{2,}", rest)) >= ENOUGH_WORDS


def find_open(path: Path) -> list[str]:
    """Lines of a text file that say something is not finished."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:  # a picture
        return []
    return [f"{path.name}:{number} {line.strip()}" for number, line in enumerate(lines, 1) if LEFT_OPEN.search(line)]


def test_nothing_is_left_open_in_the_product() -> None:
    """What ships says of no line that somebody should come back to it."""
    assert [line for path in walk(PRODUCT) for line in find_open(path)] == []


@pytest.mark.parametrize("text", ["# TODO: later", "raise NotImplementedError", "a placeholder", "# fixme"])
def test_an_open_end_is_caught(tmp_path: Path, text: str) -> None:
    """Each word for unfinished is found."""
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    assert len(find_open(tmp_path / "a.py")) == 1


def test_every_exception_carries_code_and_reason() -> None:
    """Each `noqa`, `type: ignore` and `no cover` names the rule it breaks and says why."""
    sources = [path for path in walk(PYTHON) if path.suffix == ".py"]
    assert [line for path in sources for line in find_bare(path)] == []


@pytest.mark.parametrize(
    ("comment", "bare"),
    [
        ("noqa", 1),
        ("noqa: S603", 1),
        ("noqa - some reason that names no code", 1),
        ("noqa: S603 - the argv is our own", 0),
        ("noqa: BLE001, S110 - nobody reads a log on this path", 0),
        ("type: ignore", 1),
        ("type: ignore[misc]", 1),
        ("type: ignore[misc]  # the library carries no types", 0),
        ("type: ignore[misc]  # noqa: PGH003", 2),
        ("pragma: no cover", 1),
        ("pragma: no cover - only another kernel answers so", 0),
        ("nosec", 1),
        ("nosec B603", 1),
        ("nosec - argument lists only", 1),
        ("nosec B603  # argument lists only", 0),
        ("noqa: S310 - our own address  # nosec B310", 0),
        ("a sentence about coverage", 0),
    ],
)
def test_a_bare_exception_is_caught(tmp_path: Path, comment: str, bare: int) -> None:
    """Code and reason are asked for on the same line; a string that holds the words is left alone."""
    (tmp_path / "a.py").write_text(f"x = 1  # {comment}\ny = '# {comment}'\n", encoding="utf-8")
    assert len(find_bare(tmp_path / "a.py")) == bare


def test_every_ignored_rule_of_ruff_carries_its_reason() -> None:
    """All rules are on; each line that switches one off says why."""
    section = re.search(
        r"^\[tool\.ruff\.lint\]\n(.*?)^\[tool\.ruff\.lint\.flake8", read("pyproject.toml"), re.DOTALL | re.MULTILINE
    )
    assert section is not None
    entries = [line.strip() for line in section[1].splitlines() if re.match(r'\s+"', line)]
    assert [line for line in entries if not re.fullmatch(r'"[A-Z]+[0-9]+",\s+# .*[a-z].*', line)] == []
    lint = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    assert len(entries) == len(lint["ignore"]) + sum(map(len, lint["per-file-ignores"].values()))


def test_metadata_stands_in_one_place() -> None:
    """setup.cfg says what the package is; pyproject.toml names the build system and settings of tools only."""
    assert set(tomllib.loads(read("pyproject.toml"))) == {"build-system", "tool"}
    assert not (ROOT / "setup.py").exists()
    metadata = configparser.ConfigParser()
    metadata.read_string(read("setup.cfg"))
    assert metadata["metadata"]["name"] == "necism-monitor"
    assert metadata["options"]["python_requires"] == ">=3.11"


def test_the_readme_names_two_commands() -> None:
    """A newcomer has to know `make demo` and `make test`, and no third."""
    assert set(re.findall(r"(?:^[ $]*|`)(make [a-z-]+)", read("README.md"), re.MULTILINE)) == README_COMMANDS


def test_the_integration_runs_the_command_of_the_readme() -> None:
    """What is promised to a reader is what .ci/run proves, and no server may be missing there."""
    script = read(".ci/run")
    commands = re.findall(r"^(make [a-z-]+)$", script, re.MULTILINE)
    assert "make test" in commands
    assert set(commands) == {"make test", "make test-packages", "make lint"}
    assert re.search(r"^export HASHES=1$", script, re.MULTILINE)
    assert re.search(r"^export NECISM_REQUIRE_SERVERS=1$", script, re.MULTILINE)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_changelog_tells_of_this_version() -> None:
    """Whoever installs this version finds what is in it."""
    version = next(
        node.value.value
        for node in ast_assignments("necism_monitor/__init__.py")
        if isinstance(node.value, ast.Constant)
    )
    headings = re.findall(r"^## \[([^\]]+)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert {"Unreleased", version} & set(headings)


def ast_assignments(name: str) -> list[ast.Assign]:
    """The assignments at the top of a file."""
    return [node for node in read_tree(ROOT / name).body if isinstance(node, ast.Assign)]


def test_the_kinds_of_change_keep_their_order() -> None:
    """Under each version, what an operator must know first stands first."""
    order = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]
    for part in re.split(r"^## ", read("CHANGELOG.md"), flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (\w+)", part, re.MULTILINE)
        assert kinds == [kind for kind in order if kind in kinds]
