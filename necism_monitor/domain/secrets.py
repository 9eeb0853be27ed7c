"""Takes out of a quoted text what a person would take for a secret: our messages end up in logs, tickets and pages.

This is the last net.  What is known to be a secret is not quoted in the first place.
"""

from __future__ import annotations

from typing import Final

from necism_monitor.domain.patterns import pattern

HIDDEN: Final = "(not shown)"

_WORDS: Final = r"pass(?:w(?:or)?d|phrase)?|secret|token|api[-_]?key|private[-_]?key|authorization"
# Parts of names are bounded: a hook may print a megabyte without a space, and nobody waits for a square of that.
_PART: Final = r"[\w-]{0,40}"
_WORD: Final = rf"(?:{_WORDS})(?!{_PART}[_-]file\b)"
_NAME: Final = pattern(rf"(?i){_WORD}")
_NAMED: Final = pattern(
    rf"(?i)((?<![\w-]){_PART}{_WORD}{_PART}['\"]?[ \t]{{0,9}}[=:][ \t]{{0,9}}(?:bearer[ \t]+|basic[ \t]+)?"
    rf"|(?<![\w-])--{_PART}{_WORD}{_PART}[ \t]+)"
    r"(?!\(not shown\))(\"[^\"]*\"?|'[^']*'?|[^\s'\"]+)"
)
_HASHES: Final = pattern(r"\$(?:2[abxy]|1|5|6|y|argon2[id]+)\$[./A-Za-z0-9$,=+]{8,}")


def is_secret(key: str) -> bool:
    """Whether a key's name says that its value is a secret; the path of a file with one is none."""
    return _NAME.search(key) is not None


def hide(text: str) -> str:
    """`text` without the values of such names, and without hashes of passwords."""
    return _HASHES.sub(HIDDEN, _NAMED.sub(rf"\g<1>{HIDDEN}", text))
