"""INI text as sections, keys, values and the lines they stand on.

The rules are those of `configparser`, which keeps no line numbers, and which a check that starts every minute would
wait for; tests compare the two.  Real files also hold what the parser of Python 2 accepted (duplicate sections and
keys, valueless keys, `rem` lines): accepted here too, with a warning where the meaning may surprise.
"""

import io
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import NamedTuple

from necism_monitor.domain.errors import Problem
from necism_monitor.domain.patterns import pattern
from necism_monitor.domain.secrets import hide

_HIDDEN = pattern(r"\n\[(?:sync#[^]]*|DEFAULT|necism|array [^]]*|exporter|webhook)\]")


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
    tape.read(text)
    return IniFile(path, _merge(tape), tuple(tape.problems), tuple(tape.warnings))


class _Record:
    """One header, what stands below it, and on which lines."""

    def __init__(self, header: str, line: int) -> None:
        # [DEFAULT] is an ordinary section here: who may inherit from it is decided later.
        self.name, self.line = header.partition("]")[0].strip(), line
        self.values: dict[str, list[str]] = {}
        """The lines of each value."""
        self.lines: dict[str, int] = {}


class _Tape:
    """The sections read so far, by their headers as written, and what was noted on the way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sections: dict[str, _Record] = {}
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def read(self, text: str) -> None:
        """Read a whole file: a line that is indented deeper than its key goes on with the value, empty ones too."""
        record, key, indent = None, "", 0
        for number, line in enumerate(io.StringIO(text, newline=None), start=1):
            content, commented = self._content(number, line)
            if not content:
                if key and record and not commented:
                    record.values[key].append("")
                continue
            depth = len(line) - len(line.lstrip())
            if key and record and depth > indent:
                record.values[key].append(content)
                continue
            indent = depth
            if content.startswith("["):
                record, key = self._begin(content[1:], number), ""
            elif record is None:
                self._complain(number, line.strip())
            else:
                key = self._enter(record, content, number)

    def _content(self, number: int, line: str) -> tuple[str, bool]:
        """What a line says without its comment, and whether it has one."""
        word = line.strip()
        if line[:1] in {"r", "R"} and word.split()[0].lower() == "rem":
            self.warn(number, "a 'rem' line is read as a comment")
            return "", True
        if word.startswith(("#", ";")):
            return "", True
        at = line.find(";")
        while at > 0 and not line[at - 1].isspace():
            at = line.find(";", at + 1)
        return (word, False) if at < 0 else (line[:at].strip(), True)

    def _begin(self, header: str, line: int) -> _Record:
        """The section of a header.  All that follows `[` tells headers apart: what is wrong with them is said later."""
        record = self.sections.setdefault(header, _Record(header, line))
        if record.line != line:
            self.warn(line, f"[{record.name}] was begun at line {record.line}: both are read as one")
        return record

    def _enter(self, record: _Record, content: str, line: int) -> str:
        """Begin the value of a key, and return the key; one without a value is empty."""
        key, _, value = (part.strip() for part in content.partition("="))
        key = key.lower()
        if not key:
            self.problems.append(Problem(self.path, line, "", "no key before '='", ""))
            return ""
        if key in record.lines:
            self.warn(line, f"[{record.name}] {key} was set at line {record.lines[key]}: the last one counts")
        record.values[key], record.lines[key] = [value], line
        return key

    def _complain(self, line: int, word: str) -> None:
        """Once is enough: text without a section is usually a whole file of another kind."""
        if not self.problems:
            rule, hint = "text before the first [section]", "begin with [sync#1], or comment the line out"
            self.problems.append(Problem(self.path, line, hide(word), rule, hint))

    def warn(self, line: int | None, text: str) -> None:
        """Note `file:line: text`."""
        self.warnings.append(f"{self.path}:{line}: {text}")


def _decode(path: str, data: bytes) -> tuple[str, list[str]]:
    """UTF-8 with or without a mark; else Latin-1, which fits the comments of old files and refuses nothing."""
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode(), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return data.decode("latin-1"), [f"{path}:{line}: not UTF-8: the file is read as Latin-1"]


def _merge(tape: _Tape) -> tuple[Section, ...]:
    merged: dict[str, Section] = {}
    for header, record in tape.sections.items():
        if not _sound(tape, header, record):
            continue
        entries = {key: Entry("\n".join(record.values[key]).rstrip(), line) for key, line in record.lines.items()}
        _check_hidden(tape, record.name, entries)
        first = merged.get(record.name)
        if first is not None:
            tape.warn(record.line, f"[{record.name}] was begun at line {first.line}: both are read as one")
            merged[record.name] = first._replace(entries={**first.entries, **entries})
        else:
            merged[record.name] = Section(record.name, record.line, entries)
    return tuple(merged.values())


def _check_hidden(tape: _Tape, name: str, entries: Mapping[str, Entry]) -> None:
    """An indented header is no header but a part of the value above it: what it begins would be lost silently."""
    for key, entry in entries.items():
        hidden = _HIDDEN.search(entry.value) if "\n" in entry.value else None
        if hidden:
            rule = f"[{name}] {key}: the value goes on over an indented line that looks like a header"
            hint = "begin headers at the left margin"
            tape.problems.append(Problem(tape.path, entry.line, hidden[0].strip(), rule, hint))


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
