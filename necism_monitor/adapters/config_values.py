"""Readers: each makes a value of the text behind a key, or raises RuleError with the rule that the text breaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, TypeVar

from necism_monitor.adapters.config_fields import guess
from necism_monitor.domain.durations import parse_duration
from necism_monitor.domain.model import CALLERS
from necism_monitor.domain.patterns import pattern
from necism_monitor.domain.rules import RuleError
from necism_monitor.domain.selectors import suggest
from necism_monitor.domain.states import (
    WORD_CLASSES,
    AccessWord,
    BvState,
    BvWord,
    GuardWord,
    LinkState,
    LinkWord,
    SnapshotState,
    SnapWord,
    Words,
)

Member = TypeVar("Member", bound=Enum)

YES: Final = frozenset({"true", "yes", "on", "1", "y"})
NO: Final = frozenset({"false", "no", "off", "0", "n"})

COMMAND_MAX: Final = 2000
"""Bytes of a command: the journal tells each of them in a line that stays below 4 KB."""
_PORT_MAX = 65_535
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./@%+=:,")
"""What a word may hold that means the same with and without quotes."""
_NODE = pattern(r"[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?")
_HOST = pattern(r"(?:[0-9A-Za-z_.][0-9A-Za-z_.-]*@)?[0-9A-Za-z_:][0-9A-Za-z_.:%-]*")
_ADDRESS = pattern(r"(?P<host>\[[0-9A-Fa-f:.%a-z]+\]|[0-9A-Za-z._-]*):(?P<port>[0-9]{1,5})")
_LABEL = pattern(r"[A-Za-z_][0-9A-Za-z_]*")
_KNOWN_WORDS = frozenset(word.value for kind in (SnapWord, LinkWord, BvWord, GuardWord, AccessWord) for word in kind)


def duration(bare: int | None = None, least: int = 0) -> Callable[[str], int]:
    """A reader of durations of at least `least` seconds; bare integers count units of `bare` seconds."""

    def read(text: str) -> int:
        seconds = parse_duration(text, bare)
        if seconds < least:
            raise RuleError(text, "the duration must be longer than 0", "write a duration such as 30m")
        return seconds

    return read


def count(text: str) -> int:
    """An integer from 1 to 9999."""
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) == 0:
        raise RuleError(text, "this is no whole number from 1 to 9999", "write 1 or more, in digits")
    return int(text)


def budget(text: str) -> int:
    """A number of automatic runs, at least 1."""
    if re.fullmatch("0+", text):
        raise RuleError(text, "the number must be at least 1", "to stop automatic runs write `automatic = none`")
    return count(text)


def boolean(text: str) -> bool:
    """`true` or `false`, and the other spellings of OpenSVC."""
    word = text.casefold()
    if word not in YES | NO:
        raise RuleError(text, "this is neither true nor false", "write true or false")
    return word in YES


def shown_boolean(value: bool) -> str:  # noqa: FBT001 - shows one
    """`true` or `false`."""
    return "true" if value else "false"


def choice(kind: type[Member]) -> Callable[[str], Member]:
    """A reader of the values of an enum."""

    def read(text: str) -> Member:
        return {str(one.value): one for one in kind}[one_of([str(one.value) for one in kind])(text)]

    return read


def one_of(allowed: Iterable[str], hint: str = "write one of them") -> Callable[[str], str]:
    """A reader of exactly these words; `hint` where nothing near was written."""
    words = tuple(allowed)

    def read(text: str) -> str:
        if text not in words:
            near = suggest(text, words)
            advice = f"did you mean {near!r}?" if near else hint
            raise RuleError(text, f"only {', '.join(words)} can stand here", advice)
        return text

    return read


def words_of(text: str) -> list[str]:
    """The words between blanks and commas."""
    return [word for word in re.split(r"[\s,]+", text) if word]


def tags(text: str) -> tuple[str, ...]:
    """Tags, between blanks and commas."""
    return tuple(words_of(text))


def callers(text: str) -> frozenset[str]:
    """Which callers may start a resource: some of CALLERS, or `none`."""
    chosen = [one_of((*CALLERS, "none"))(word) for word in words_of(text)]
    if "none" in chosen and len(set(chosen)) > 1:
        raise RuleError(text, "'none' stands alone", "write either none or the callers")
    return frozenset(chosen) - {"none"}


def nodes(text: str) -> frozenset[str]:
    """Node names."""
    for word in words_of(text):
        if not _NODE.fullmatch(word):
            raise RuleError(word, "this is no node name", "write the names `uname -n` prints")
    return frozenset(words_of(text))


def argv(text: str) -> tuple[str, ...]:
    """A command as words, quoted as in a shell; no shell ever runs it."""
    try:
        found = (text,) if _PLAIN.issuperset(text) and text else _split(text)
    except ValueError as error:
        hint = "close the quotation; ' ;' begins a comment, also inside quotes"
        raise RuleError(text, f"the command cannot be split into words: {error}", hint) from None
    if not found or not found[0]:
        raise RuleError(text, "the command is empty", "write the program's path and its arguments")
    if len(text.encode()) > COMMAND_MAX:
        hint = "put it into a script"
        raise RuleError(f"{text[:40]}...", f"a command has at most {COMMAND_MAX} bytes", hint)
    return found


def _split(text: str) -> tuple[str, ...]:
    import shlex  # noqa: PLC0415 - most configurations name no command with arguments, and the check starts often

    return tuple(shlex.split(text))


def shown_command(found: tuple[str, ...] | None) -> str:
    """A command as it would be typed."""
    import shlex  # noqa: PLC0415 - as above

    return "none" if not found else shlex.join(found)


def word(text: str) -> str:
    """One word without blanks."""
    found = argv(text)
    if len(found) > 1:
        raise RuleError(text, "one word is allowed here", "quote it if it holds blanks")
    return found[0]


def host(text: str) -> str:
    """A destination of ssh: `array1`, `admin@array1`, a name from ssh_config, or an IPv6 address without brackets."""
    found = word(text)
    if not _HOST.fullmatch(found):
        hint = "write HOST or USER@HOST, an IPv6 address without brackets; ports and keys go to ssh_config"
        raise RuleError(text, "this is no ssh destination", hint)
    return found


def address(text: str) -> str:
    """`HOST:PORT`, `[IPv6]:PORT` or `:PORT`."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > _PORT_MAX:
        raise RuleError(text, "this is no listen address", "write HOST:PORT, [IPv6]:PORT or :PORT, such as :19942")
    return text


def url_path(text: str) -> str:
    """The path of a URL, such as `/metrics`; `/` is the start page."""
    if not re.fullmatch(r"/[!-~]*", text) or set(text) & set("?#") or text == "/":
        raise RuleError(text, "this is no path below '/'", "write a path such as /metrics")
    return text


def label(text: str) -> str:
    """The name of an alert's label."""
    if not _LABEL.fullmatch(text):
        raise RuleError(text, "this is no label name", "letters, digits and _; no digit in front")
    return text


def mapping(text: str) -> tuple[tuple[str, str], ...]:
    """`value=SELECTOR` parts between commas; whether a selector matches is checked where the services are known."""
    found: dict[str, str] = {}
    for part in (one.strip() for one in text.split(",")):
        value, equals, selector = (piece.strip() for piece in part.rpartition("="))
        if not (value and equals and selector):
            raise RuleError(part, "this is not value=SELECTOR", "write parts such as db-snap=db1/sync#1 between commas")
        if value in found:
            raise RuleError(value, "the value is mapped twice", "keep one of the two")
        found[value] = selector
    return tuple(found.items())


def extra_words(text: str) -> Words:
    """`word:class` parts between commas: classes of words nobody has recorded yet."""
    found: dict[str, SnapshotState | LinkState | BvState] = {}
    for part in (one.strip() for one in text.split(",")):
        name, colon, kind = (piece.strip() for piece in part.rpartition(":"))
        if not (name and colon):
            raise RuleError(part, "this is not word:class", "write parts such as snap/moving:changing between commas")
        if name in _KNOWN_WORDS:
            raise RuleError(name, "the class of this word is known and cannot be changed", "take it out")
        if name in found:
            raise RuleError(name, "the word is declared twice", "keep one of the two")
        found[name] = _word_class(kind)
    return Words(
        snap=tuple((name, kind) for name, kind in found.items() if isinstance(kind, SnapshotState)),
        link=tuple((name, kind) for name, kind in found.items() if isinstance(kind, LinkState)),
        bv=tuple((name, kind) for name, kind in found.items() if isinstance(kind, BvState)),
    )


def _word_class(name: str) -> SnapshotState | LinkState | BvState:
    if name in {"active", "linked"}:
        raise RuleError(name, "no word is declared healthy", f"allowed are {', '.join(sorted(WORD_CLASSES))}")
    if name not in WORD_CLASSES:
        raise RuleError(name, "this is no class of words", guess(name, WORD_CLASSES))
    return WORD_CLASSES[name]
