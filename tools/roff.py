"""Pieces of a manual page in the man macros, which groff and mandoc read alike."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Iterable, Iterator
from typing import Final

WIDTH: Final = 76
"""Of the lines in the file, which the typesetter fills anew."""
LITERAL: Final = {"-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
"""Characters that a typesetter would make something else of, where they are to be typed."""


def title(name: str, section: int, version: str, moment: float) -> Iterator[str]:
    """The head of a page; `moment` is the time of the release, so that one source makes one page."""
    day = time.strftime("%Y-%m-%d", time.gmtime(moment))
    yield f'.TH {literal(name.upper())} {section} {day} "necism\\-monitor {literal(version)}" "necism\\-monitor"'
    # Left-aligned and unbroken: options and keys are looked for as they are written.
    yield from (".nh", ".ad l")


def literal(text: str) -> str:
    """`text` as it is to be typed."""
    return "".join(LITERAL.get(char, char) for char in text.replace("\\", r"\e"))


def bold(text: str) -> str:
    """`text` in bold, as it is to be typed."""
    return rf"\fB{literal(text)}\fR"


def italic(text: str) -> str:
    """`text` in italics: what is to be replaced."""
    return rf"\fI{literal(text)}\fR"


def prose(text: str) -> str:
    """A paragraph; what stands between backticks is in bold, what looks like an option is not broken."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    shown = "".join(bold(part) if number % 2 else _plain(part) for number, part in enumerate(parts))
    return "\n".join(map(_guarded, textwrap.wrap(shown, WIDTH, break_on_hyphens=False, break_long_words=False)))


def section(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """A section, unless nothing is in it."""
    found = list(lines)
    if found:
        yield f".SH {heading.upper()}"
        yield from found


def part(heading: str) -> str:
    """The heading of a part of a section."""
    return f".SS {_guarded(heading)}"


def paragraphs(texts: Iterable[str]) -> Iterator[str]:
    """Paragraphs with distance between them."""
    for number, text in enumerate(texts):
        if number:
            yield ".PP"
        yield prose(text)


def entry(head: str, *texts: str) -> Iterator[str]:
    """Something to be explained, and its explanation beside it; `head` is roff already."""
    yield ".TP"
    yield _guarded(head)
    for number, text in enumerate(texts):
        if number:
            yield ".br"
        yield prose(text)


def sample(text: str) -> Iterator[str]:
    """Lines that stay as they are, indented."""
    yield ".RS 4"
    yield ".nf"
    yield from (_guarded(literal(line)) for line in text.splitlines())
    yield ".fi"
    yield ".RE"


def _plain(text: str) -> str:
    dashes = re.sub(r"(?<![\w-])-(?=[-\w])|(?<=-)-(?=\w)", r"\\-", text.replace("\\", r"\e"))
    return dashes.replace("'", r"\(aq").replace("~", r"\(ti").replace("^", r"\(ha")


def _guarded(line: str) -> str:
    """No line of text is taken for a request."""
    return rf"\&{line}" if line[:1] in {".", "'"} else line
