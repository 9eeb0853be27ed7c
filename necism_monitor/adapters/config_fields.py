"""Typed access to the keys of one section; every fault is noted with its place, and reading goes on."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from necism_monitor.adapters.config_lines import Entry, Section
from necism_monitor.domain.durations import format_duration
from necism_monitor.domain.errors import Problem
from necism_monitor.domain.names import NameRuleError
from necism_monitor.domain.patterns import pattern
from necism_monitor.domain.rules import RuleError
from necism_monitor.domain.secrets import hide, is_secret
from necism_monitor.domain.selectors import suggest

Value = TypeVar("Value")

WORTH_QUOTING: Final = 80
DEFAULT: Final = "default"
"""The origin of a value that nobody set."""

_REFERENCE = pattern(r"\{[A-Za-z_][^{}\s]*\}")
_CONTINUED = pattern(r"\n([a-z_]+)\s*=")


def guess(wrong: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them."""
    names = sorted(known)
    near = suggest(wrong, names)
    return f"did you mean {near!r}?" if near else f"known are: {', '.join(names)}"


class Setting(NamedTuple):
    """One effective value: of which key of which section, how it is shown, and where it comes from."""

    section: str
    key: str
    value: Any
    show: Callable[[Any], str]
    origin: str


class Notes:
    """What one load has found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.remarks: list[str] = []
        self.ignored: list[str] = []
        self.settings: list[Setting] = []

    def warn(self, path: str, line: int | None, text: str) -> None:
        """Note `file:line: text`, something accepted that deserves a look."""
        self.warnings.append(f"{place(path, line)}: {text}")

    def remark(self, path: str, line: int | None, text: str) -> None:
        """Note `file:line: text`, something legal and unusual."""
        self.remarks.append(f"{place(path, line)}: {text}")

    def ignore(self, path: str, line: int | None, key: str) -> None:
        """Note `file:line: key`, accepted without effect."""
        self.ignored.append(f"{place(path, line)}: {key}")


def shorten(text: str) -> str:
    """The beginning of a text that is too long to quote."""
    return text if len(text) <= WORTH_QUOTING else f"{text[:WORTH_QUOTING]}..."


def place(path: str, line: int | None) -> str:
    """`file:line`, or the file alone."""
    return path if line is None else f"{path}:{line}"


class Fields:
    """The keys of one section, with those a `[DEFAULT]` section may supply."""

    def __init__(
        self,
        notes: Notes,
        path: str,
        section: Section,
        *,
        scope: str = "",
        defaults: Section | None = None,
        own: frozenset[str] = frozenset(),
        references: bool = True,
    ) -> None:
        """`own`: keys that `defaults` never supplies; `references` False refuses `{name}` in values."""
        self.notes, self.path, self.section = notes, path, section
        self.scope = scope or f"[{section.name}]"
        self._defaults, self._own, self._references = defaults, own, references
        self.known: set[str] = set()

    def entry(self, key: str) -> Entry | None:
        """The entry of a key this section knows, its own or supplied."""
        self.known.add(key)
        found = self.section.entries.get(key)
        if found is None and self._defaults is not None and key not in self._own:
            supplied = self._defaults.entries.get(key)
            # Files of OpenSVC hold keys without a value, which are as good as not set.
            found = supplied if supplied and supplied.value.strip() else None
        return found

    def take(self, key: str, read: Callable[[str], Value], default: Value, show: Callable[[Value], str] = str) -> Value:
        """The value of `key` as `read` makes it; `default` where it is not set, and where it breaks a rule."""
        entry = self.entry(key)
        value = default if entry is None else self._read(key, entry, read, default)
        origin = DEFAULT if entry is None else place(self.path, entry.line)
        self.notes.settings.append(Setting(self.scope, key, value, show, origin))
        return value

    def duration(self, key: str, default: float, read: Callable[[str], int]) -> float:
        """A duration in seconds."""
        return self.take(key, read, default, format_duration)

    def problem(self, key: str, entry: Entry, error: RuleError | NameRuleError) -> None:
        """Note that the value of `key` breaks a rule."""
        section = self.section if key in self.section.entries else self._defaults or self.section
        rule = f"[{section.name}] {shorten(key)}: {error.rule}"
        self.notes.problems.append(Problem(self.path, entry.line, shorten(error.value), rule, error.hint))

    def refuse_unknown(self) -> None:
        """Note every key that was not asked for as a mistake."""
        for key, entry in self.section.entries.items():
            if key not in self.known:
                value = "" if is_secret(key) else hide(entry.value)
                self.problem(key, entry, RuleError(value, "unknown key", guess(key, self.known)))

    def readable(self, key: str, entry: Entry) -> bool:
        """Whether a value may be read at all: it swallowed no line, and refers to nothing."""
        if self.swallows(key, entry):
            return False
        reference = None if self._references else _REFERENCE.search(entry.value)
        if reference:
            hint = "write the value itself; a command that needs braces goes into a script"
            self.problem(key, entry, RuleError(reference[0], "references are not resolved here", hint))
            return False
        return True

    def swallows(self, key: str, entry: Entry) -> bool:
        """Whether an indented line that was meant as a key became a part of this value."""
        lost = next((one for one in _CONTINUED.findall(entry.value) if one in self.known), None)
        if lost is not None:
            rule = "the value goes on over an indented line that looks like a key"
            self.problem(key, entry, RuleError(f"{lost} =", rule, "indent all keys of a section alike"))
        return lost is not None

    def _read(self, key: str, entry: Entry, read: Callable[[str], Value], default: Value) -> Value:
        if not self.readable(key, entry):
            return default
        if not entry.value.strip():
            self.problem(key, entry, RuleError("", "there is no value", "write one after '=', or take the line out"))
            return default
        try:
            return read(entry.value)
        except (RuleError, NameRuleError) as error:
            self.problem(key, entry, error)
            return default
