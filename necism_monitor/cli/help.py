"""What `--help` prints: usage, description, arguments, exit codes, examples; the list of commands by purpose."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from necism_monitor.cli.explain import codes_of
from necism_monitor.cli.guide import GROUPS, GUIDES, Example, Guide
from necism_monitor.cli.options import Parser

WIDTH: Final = 79
NARROW: Final = 30
"""Nothing is wrapped to less."""
COLUMN: Final = 24
"""Where the explanation of an option begins at the latest."""
MORE: Final = """\
`necism VERB --help` tells more about one of them, `necism explain CODE` about
a finding, a refusal, an exit code or a key of the configuration."""
NOTHING: Final = Guide("", "", ())


def page(parser: Parser) -> str:
    """The help of `necism`, of a verb, or of an action of a verb."""
    name = path_of(parser)
    parts = [
        _usage(parser),
        sentence(parser.summary),
        *map(fill, about(parser)),
        *_commands(parser),
        *_arguments(parser),
        _section("exit codes", _codes(codes(name))),
        _section("examples", _examples(guide_of(parser).examples)),
        *([MORE] if not name else []),
    ]
    return "\n\n".join(part for part in parts if part)


def path_of(parser: Parser) -> str:
    """The words behind `necism`: empty, `status`, or `config show`."""
    return parser.prog.partition(" ")[2]


def sentence(summary: str) -> str:
    """The line of a list as a sentence."""
    return fill(f"{summary[:1].upper()}{summary[1:]}.")


def guide_of(parser: Parser) -> Guide:
    """What the guide tells of it; nothing of a verb that it does not know."""
    return GUIDES.get(path_of(parser), NOTHING)


def about(parser: Parser) -> list[str]:
    """The paragraphs of the description below its first sentence: the guide's, then the verb's own."""
    own = " ".join((parser.description or "").split())
    return [*guide_of(parser).paragraphs, *([own] if own else [])]


def codes(name: str) -> Mapping[int, str]:
    """The exit codes of a verb or of its action; of `necism` itself those of every command."""
    return codes_of(name.partition(" ")[0])


def grouped(verbs: Mapping[str, Parser]) -> Iterator[tuple[str, list[tuple[str, Parser]]]]:
    """The listed verbs by what they are for; those that no guide places come last."""
    listed = [(name, verb) for name, verb in verbs.items() if verb.summary]
    for title in (*GROUPS, ""):
        members = [(name, verb) for name, verb in listed if guide_of(verb).group == title]
        if members:
            yield title, members


def fill(text: str, indent: str = "", hanging: str | None = None) -> str:
    """One paragraph, as wide as a page is; an option is not broken at its dashes."""
    return textwrap.fill(
        text, width(), initial_indent=indent, subsequent_indent=indent if hanging is None else hanging,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def width() -> int:
    """79 columns, or those of a narrower terminal that says so."""
    columns = os.environ.get("COLUMNS", "")
    return min(WIDTH, max(NARROW, int(columns))) if columns.isdecimal() else WIDTH


def _formatter(parser: Parser) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(parser.prog, max_help_position=COLUMN, width=width())


def _usage(parser: Parser) -> str:
    formatter = _formatter(parser)
    own = [action for _, members in parser.arguments() for action in members if action not in parser.shared]
    if parser.verbs():
        own += parser.places()
    formatter.add_usage(None, own, [])
    return formatter.format_help().rstrip()


def _commands(parser: Parser) -> Iterator[str]:
    """The list of verbs, by purpose; the actions of a verb are one list."""
    verbs = parser.verbs()
    column = max(map(len, verbs), default=0) + 4
    for title, members in grouped(verbs):
        rows = (fill(verb.summary, f"  {name}".ljust(column), " " * column) for name, verb in members if verb.summary)
        yield _section(title or "commands", rows)


def _arguments(parser: Parser) -> Iterator[str]:
    for title, members in parser.arguments():
        formatter = _formatter(parser)
        formatter.start_section(title)
        formatter.add_arguments(members)
        formatter.end_section()
        yield formatter.format_help().rstrip()


def _codes(known: Mapping[int, str]) -> Iterator[str]:
    return (fill(text, f"  {number:>3}  ", " " * 7) for number, text in sorted(known.items()))


def _examples(examples: Sequence[Example]) -> Iterator[str]:
    for one in examples:
        yield f"  {one.line}"
        yield fill(one.does, " " * 6)


def _section(title: str, lines: Iterable[str]) -> str:
    found = list(lines)
    return "\n".join([f"{title}:", *found]) if found else ""
