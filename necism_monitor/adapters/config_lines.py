"""INI text as sections, keys, values and the lines they stand on.

`configparser` keeps no line numbers.  Its documented `dict_type` does: the parser stores each key while it handles
the key's line, and the dictionary it stores into notes the line.  Real files also hold what the parser of Python 2
accepted (duplicate sections and keys, valueless keys, `rem` lines): accepted here too, with a warning where the
meaning may surprise.
"""

from __future__ import annotations

import configparser
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from necism_monitor.domain.errors import Problem

_HIDDEN = re.compile(r"\n\[(?:sync#[^]]*|DEFAULT|necism|array [^]]*|exporter|webhook)\]")


class Entry(NamedTuple):
    """A key's value, lines of a continued one joined by newlines, and the line of the key."""

    value: str
    line: int | None


class Section(NamedTuple):
    """One section, all places that carry its name merged; keys in lower case."""

    name: str
    line: int | None
    entries: Mapping[str, Entry]


class IniFile(NamedTuple):
    """One file as it was read; what is wrong with its form, and what deserves a look."""

    path: str
    sections: tuple[Section, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    def section(self, name: str) -> Section | None:
        """The section of that name."""
        return next((one for one in self.sections if one.name == name), None)


def parse_ini(path: str, data: bytes) -> IniFile:
    """Read `data`, the content of `path`.  Faults of form are listed in the result, none is raised."""
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return IniFile(path, (), (Problem(path, line, "", "a NUL character", "save the file as UTF-8 text"),))
    text, doubt = _decode(path, data)
    tape = _Tape(path)
    tape.warnings.extend(doubt)
    parser = _Parser(
        dict_type=cast("type[dict[str, str]]", lambda: _Record(tape)),  # the parser calls it, and asks no more of it
        strict=False,
        allow_no_value=True,
        delimiters=("=",),
        inline_comment_prefixes=(";",),
        # No header can spell this: [DEFAULT] is an ordinary section here, who may inherit from it is decided later.
        default_section="\n",
    )
    try:
        parser.read_file(tape.feed(text), path)
    except configparser.ParsingError as error:
        tape.problems.extend(Problem(path, line, "", "no key before '='", "") for line, _ in error.errors)
    return IniFile(path, _merge(tape), tuple(tape.problems), tuple(tape.warnings))


class _Parser(configparser.RawConfigParser):
    """A parser whose headers keep all that follows `[`: the stock one ignores text after `]`, silently."""

    SECTCRE = re.compile(r"\[(?P<header>.*)")


class _Tape:
    """The line the parser is at, and what was noted on the way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.line: int | None = None
        self.sections: dict[str, _Record] = {}
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def feed(self, text: str) -> Iterator[str]:
        """Hand out the lines, without those that no section would own and without `rem` lines."""
        started = complained = False
        for number, line in enumerate(io.StringIO(text, newline=None), start=1):
            self.line = number
            word = line.strip()
            started = started or word.startswith("[")
            if line[:1] in {"r", "R"} and word.split()[0].lower() == "rem":
                self.warn(number, "a 'rem' line is read as a comment")
                yield "#\n"
            elif not started and word and word[0] not in "#;":
                if not complained:
                    rule, hint = "text before the first [section]", "begin with [sync#1], or comment the line out"
                    self.problems.append(Problem(self.path, number, word, rule, hint))
                complained = True
                yield "#\n"
            else:
                yield line
        self.line = None

    def warn(self, line: int | None, text: str) -> None:
        """Note `file:line: text`."""
        self.warnings.append(f"{self.path}:{line}: {text}")


class _Record(dict[str, Any]):
    """A dictionary of the parser: of its sections, or of one section's keys; it notes lines and repetitions."""

    def __init__(self, tape: _Tape) -> None:
        super().__init__()
        self.tape, self.line, self.name = tape, tape.line, ""
        self.is_section = False
        """Its name may be empty: `[` alone is a header, too."""
        self.lines: dict[str, int] = {}

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401 - the parser stores sections, lists and texts
        line = self.tape.line
        if isinstance(value, _Record):
            value.name, value.is_section = key.partition("]")[0].strip(), True
            self.tape.sections[key] = value
        elif line is not None and self.is_section:
            self._note(key, line)
            # A key without a value reads as empty; the parser itself fails where such a key is continued.
            value = [""] if value is None else value
        super().__setitem__(key, value)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - as above
        value = super().__getitem__(key)
        if isinstance(value, _Record) and self.tape.line is not None:
            self.tape.warn(self.tape.line, f"[{value.name}] was begun at line {value.line}: both are read as one")
        return value

    def _note(self, key: str, line: int) -> None:
        if key in self.lines:
            self.tape.warn(line, f"[{self.name}] {key} was set at line {self.lines[key]}: the last one counts")
        self.lines[key] = line


def _decode(path: str, data: bytes) -> tuple[str, list[str]]:
    """UTF-8 with or without a mark; else Latin-1, which fits the comments of old files and refuses nothing."""
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return data.decode("latin-1"), [f"{path}:{line}: not UTF-8: the file is read as Latin-1"]


def _merge(tape: _Tape) -> tuple[Section, ...]:
    merged: dict[str, Section] = {}
    for header, record in tape.sections.items():
        if not _sound(tape, header, record):
            continue
        _check_hidden(tape, record)
        entries = {key: Entry(str(value), record.lines.get(key)) for key, value in record.items() if key}
        first = merged.get(record.name)
        if first is not None:
            tape.warn(record.line, f"[{record.name}] was begun at line {first.line}: both are read as one")
            merged[record.name] = first._replace(entries={**first.entries, **entries})
        else:
            merged[record.name] = Section(record.name, record.line, entries)
    return tuple(merged.values())


def _check_hidden(tape: _Tape, record: _Record) -> None:
    """An indented header is no header but a part of the value above it: what it begins would be lost silently."""
    for key, value in record.items():
        hidden = _HIDDEN.search(str(value))
        if hidden:
            rule = f"[{record.name}] {key}: the value goes on over an indented line that looks like a header"
            hint = "begin headers at the left margin"
            tape.problems.append(Problem(tape.path, record.lines.get(key), hidden[0].strip(), rule, hint))


def _sound(tape: _Tape, header: str, record: _Record) -> bool:
    """Whether a header ends in `]`, but for a comment."""
    name, bracket, rest = header.partition("]")
    rest = rest.strip()
    if not bracket or not name.strip():
        rule = "a section header without ']'" if not bracket else "a section header without a name"
        tape.problems.append(Problem(tape.path, record.line, f"[{header}", rule, "write [sync#1]"))
        return False
    if rest.startswith("#"):
        tape.warn(record.line, f"the text behind [{name}] is read as a comment; comments begin with ';' there")
    elif rest:
        hint = "put it on a line of its own; comments behind a header begin with ';'"
        tape.problems.append(Problem(tape.path, record.line, rest, f"text behind [{name}]", hint))
    return True
