"""The reader of INI text agrees with the standard library's parser, knows the lines, and survives any bytes."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.adapters.config import load
from necism_monitor.adapters.config_lines import parse_ini
from necism_monitor.domain.errors import ConfigError

LINE = st.one_of(
    st.sampled_from(["[a]", "[b] ; note", "  [a]", "", "; note", "# note", "  deeper", "\tx", "=", "rem old"]),
    st.builds("{}{}{}".format, st.sampled_from(["", "  "]), st.sampled_from("ABc"), st.sampled_from(["", "=", " = "])),
    st.builds("{} = {}".format, st.sampled_from("ABc"), st.text("xy %;=:#[]{}\"'", max_size=8)),
)


def by_the_standard_library(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, delimiters=("=",), inline_comment_prefixes=(";",), default_section="\n"
    )
    parser.read_string(text)
    return {name: {key: value or "" for key, value in parser.items(name)} for name in parser.sections()}


def by_us(text: str) -> dict[str, dict[str, str]]:
    ini = parse_ini("x.conf", text.encode())
    return {one.name: {key: entry.value for key, entry in one.entries.items()} for one in ini.sections}


@given(st.lists(LINE, max_size=12).map("\n".join))
def test_values_are_those_of_the_standard_parser(text: str) -> None:
    """Wherever the standard parser reads a file, and no `rem` line is in it, we read the same values."""
    try:
        theirs = by_the_standard_library(text)
    except (configparser.Error, AttributeError):
        # It refuses keys without a name and text before the first header; in 3.11 it fails on continued valueless keys.
        theirs = None
    if theirs is not None and "rem" not in text:
        assert by_us(text) == theirs


@pytest.mark.parametrize("name", ["preprod01.conf", "iistst.env", "iiststnec02.env", "indented.env", "everything.conf"])
def test_each_line_number_is_that_of_its_key(files: Path, name: str) -> None:
    """The line we name begins with the key, and the line of a section with its header."""
    data = (files / "good" / name).read_bytes()
    lines = data.decode().splitlines()
    ini = parse_ini(name, data)
    for section in ini.sections:
        assert section.line is not None
        assert lines[section.line - 1].strip().startswith(f"[{section.name}]")
        for key, entry in section.entries.items():
            assert entry.line is not None
            assert lines[entry.line - 1].strip().lower().startswith(key)


@given(st.binary(max_size=200) | st.lists(LINE, max_size=12).map(lambda lines: "\n".join(lines).encode()))
def test_no_content_breaks_the_reader(data: bytes) -> None:
    """Any bytes give sections or problems, never another error."""
    ini = parse_ini("x.conf", data)
    assert isinstance(ini.sections, tuple)


@given(
    st.lists(
        st.builds(
            "{} = {}".format,
            st.sampled_from("devs access order window words cooldown sync_max_delay pre_resync automatic tags".split()),
            st.text(max_size=12),
        )
    )
)
def test_no_value_breaks_the_loader(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    """Any values give a configuration or a ConfigError."""
    file = tmp_path_factory.mktemp("any") / "db1.conf"
    file.write_text("[sync#1]\ntype = necismsnap\n" + "\n".join(lines), encoding="utf-8", errors="replace")
    try:
        load(file)
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - both ends are allowed


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf[sync#1]\ntype = necismsnap\ndevs = A:B\n",
        b"[sync#1]\r\ntype = necismsnap\r\ndevs = A:B\r\n",
        b"[sync#1]\rtype = necismsnap\rdevs = A:B",
        b"[ sync#1 ]\n\n  type=necismsnap   \n  DEVS =A:B;not a comment, no blank before\n".replace(b";not", b" ;not"),
        b"; \xe9t\xe9\n[sync#1]\ntype = necismsnap\ndevs = A:B\n",
    ],
    ids=["byte order mark", "dos lines", "old mac lines", "blanks and capitals", "latin-1 comment"],
)
def test_files_of_other_systems_load(tmp_path: Path, data: bytes) -> None:
    """Marks, line ends and encodings of other editors do no harm."""
    file = tmp_path / "db1.conf"
    file.write_bytes(data)
    assert [pair.lv for pair in load(file).resources[0].pairs] == ["B"]


def test_a_continued_key_without_a_value_is_read_as_the_continuation() -> None:
    """The standard parser of 3.11 fails on it with an AttributeError."""
    assert by_us("[a]\nkey\n  one\n  two\n") == {"a": {"key": "\none\ntwo"}}


def test_loading_imports_nothing_slow(files: Path) -> None:
    """The check starts often: what only errors and rare keys need is not imported for a plain configuration."""
    code = (
        "before = set(sys.modules); from pathlib import Path; from necism_monitor.adapters.config import load;"
        "load(Path(sys.argv[1]));"
        "slow = {'dataclasses', 'difflib', 'zoneinfo', 'shlex', 'subprocess', 'inspect', 'logging', 'json'};"
        "print(*sorted(slow & set(sys.modules) - before))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); {code}",
            str(files / "good" / "iiststnec02.env"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "\n"


def test_a_header_without_a_name_is_a_fault_of_form_and_no_crash() -> None:
    """Below it even a key without a value may be continued."""
    found = parse_ini("db1.conf", b"[\n0\n 0")
    assert [(one.line, one.rule) for one in found.problems] == [(1, "a section header without ']'")]
