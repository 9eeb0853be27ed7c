"""The command line as values: every command with its options, arguments and actions, read off the real parsers.

Manual, reference and completion are written from these values, so that a verb that is added appears in all of them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final, NamedTuple

from necism_monitor.adapters import config_keys
from necism_monitor.cli.explain import EXITS, PLAIN, codes_of
from necism_monitor.cli.guide import Example
from necism_monitor.cli.help import about, grouped, guide_of, path_of
from necism_monitor.cli.main import make_parser
from necism_monitor.cli.options import Parser
from necism_monitor.domain import findings, refusals
from necism_monitor.nagios.options import Answered, parse_options
from necism_monitor.simulator.scenario import scenarios


class Offer(Enum):
    """What a shell can offer in a place."""

    NOTHING = "nothing"
    WORDS = "words"
    LIST = "list"
    """Words, several between commas."""
    FILES = "files"
    FOLDERS = "folders"
    SELECTORS = "selectors"
    SHOWN = "shown"
    """Selectors that reading verbs know."""


class Argument(NamedTuple):
    """An option or an argument."""

    names: tuple[str, ...]
    """Spellings of an option; of an argument none."""
    form: str
    """What stands for its value; empty where there is none."""
    means: str
    offer: Offer = Offer.NOTHING
    words: tuple[str, ...] = ()
    needed: bool = False
    several: bool = False


class Command(NamedTuple):
    """`necism`, a verb, an action of a verb, or the plugin."""

    path: str
    """As it is typed: `necism config show`."""
    summary: str
    paragraphs: tuple[str, ...]
    arguments: tuple[Argument, ...]
    options: tuple[Argument, ...]
    shared: tuple[Argument, ...]
    codes: Mapping[int, str]
    examples: tuple[Example, ...]
    section: int
    actions: tuple[tuple[str, tuple[Command, ...]], ...] = ()
    """Verbs or actions, by their purpose."""

    @property
    def name(self) -> str:
        """Of its page: `necism-status`."""
        return self.path.replace(" ", "-")

    @property
    def word(self) -> str:
        """The last word of its path."""
        return self.path.split()[-1]

    def verbs(self) -> tuple[Command, ...]:
        """Its verbs or actions, whatever they are for."""
        return tuple(verb for _, verbs in self.actions for verb in verbs)


WITHIN: Final[Mapping[str, tuple[Offer, ...]]] = {
    "SEL": (Offer.SELECTORS,),
    "PATH": (Offer.FILES,),
    "FILE": (Offer.FILES,),
    "DIR": (Offer.FOLDERS,),
}
"""What a capital word in a form stands for."""
PATHS_OF_URLS: Final = frozenset({"--web.telemetry-path"})
READERS: Final = frozenset({"necism status", "check_necism"})
"""They know no resource that is tagged nostatus."""
STATES: Final = ("warning", "critical", "unknown")


def program() -> Command:
    """`necism` with all its verbs."""
    return _command(make_parser(None))


def _command(parser: Parser) -> Command:
    name, guide = path_of(parser), guide_of(parser)
    own = [action for _, members in parser.arguments() for action in members if action not in parser.shared]
    told = [_argument(parser.prog, action) for action in own]
    return Command(
        path=parser.prog,
        summary=parser.summary,
        paragraphs=tuple(about(parser)),
        arguments=tuple(one for one in told if not one.names),
        options=tuple(one for one in told if one.names),
        shared=tuple(_argument(parser.prog, action) for action in parser.shared),
        codes=dict(sorted(codes_of(name.partition(" ")[0]).items())),
        examples=guide.examples,
        section=guide.section,
        actions=tuple((title, tuple(_command(verb) for _, verb in verbs)) for title, verbs in grouped(parser.verbs())),
    )


def _argument(command: str, action: argparse.Action) -> Argument:
    choices = tuple(map(str, action.choices or ()))
    # An argument's own metavar is its name; an option without one shows its destination in capitals.
    form = str(action.metavar or "|".join(choices) or action.dest.upper()) if action.nargs != 0 else ""
    names = tuple(action.option_strings)
    offer, words = _offer(command, names, form, choices)
    return Argument(
        names=names,
        form=form,
        means=(action.help or "").replace("%%", "%"),
        offer=offer,
        words=words,
        needed=action.required and action.nargs not in {"*", "?"},
        several=action.nargs in {"*", "+"},
    )


def _offer(command: str, names: tuple[str, ...], form: str, choices: tuple[str, ...]) -> tuple[Offer, tuple[str, ...]]:
    """What to offer for a value, by how it is written in the usage."""
    if choices:
        return Offer.WORDS, choices
    if form == "CODE":
        return Offer.WORDS, explainable()
    if form == "CODE,..":
        return Offer.LIST, tuple(findings.CATALOGUE)
    if form == "STATE":
        return Offer.WORDS, STATES
    words = tuple(word for word in form.split("|") if word.islower())
    if names == ("--scenario",):
        words = tuple(scenarios())
    kinds = [kind for word in form.split("|") for kind in WITHIN.get(word, ())]
    kind = next(iter(kinds), Offer.WORDS if words else Offer.NOTHING)
    if PATHS_OF_URLS & set(names):
        kind = Offer.NOTHING
    if kind is Offer.SELECTORS and command in READERS:
        kind = Offer.SHOWN
    return kind, words


def explainable() -> tuple[str, ...]:
    """All that `necism explain` knows but for bare numbers."""
    known = (*findings.CATALOGUE, *refusals.CATALOGUE, *EXITS, *PLAIN, *config_keys.names())
    return tuple(dict.fromkeys(known))


def plugin() -> Command:
    """`check_necism`, read off its help: it has no verbs, and its parser is its own business."""
    usage, about, *blocks = plugin_help().split("\n\n")
    del usage
    options = next(block for block in blocks if block.startswith("options:"))
    notes = blocks[blocks.index(options) + 1 :]
    examples = re.findall(r"^  (check_necism .*)$", "\n".join(notes), re.MULTILINE)
    return Command(
        path="check_necism",
        summary="checks snapshot resources of NEC iStorage for Nagios and Icinga",
        paragraphs=(" ".join(about.split()),),
        arguments=(),
        options=tuple(_options(options)),
        shared=(),
        codes=dict(sorted(codes_of("check_necism").items())),
        examples=tuple(Example(line, "") for line in examples),
        section=1,
    )


def plugin_help() -> str:
    """What `check_necism --help` prints."""
    try:
        parse_options(["--help"])
    except Answered as answer:
        return answer.text
    raise AssertionError("the plugin's help is an answer")


def plugin_notes() -> list[str]:
    """The blocks of the plugin's help below its options, without exit status and examples, which have their places."""
    blocks = plugin_help().split("\n\n")
    below = blocks[next(number for number, block in enumerate(blocks) if block.startswith("options:")) + 1 :]
    return [block.rstrip("\n") for block in below if not block.startswith("Exit status:")]


def _options(block: str) -> Iterator[Argument]:
    """Each option of argparse's list: its spellings, its form, and its text, which may begin on the next line."""
    entries = re.split(r"\n(?=  -)", block.partition("\n")[2])
    for entry in entries:
        head, _, text = re.sub(r"^  ", "", entry.lstrip("\n")).partition("  ")
        if "\n" in head:
            head, _, rest = head.partition("\n")
            text = f"{rest} {text}"
        names = tuple(re.findall(r"(?<!\S)--?[A-Za-z][\w.-]*", head))
        form = re.sub(r".*--?[A-Za-z][\w.-]*\s*", "", head)
        offer, words = _offer("check_necism", names, "SEL" if names == ("-s", "--select") else form, ())
        yield Argument(names, form, " ".join(text.split()), offer, words)


def everywhere(top: Command) -> Iterator[Command]:
    """A command, its verbs and their actions."""
    yield top
    for verb in top.verbs():
        yield from everywhere(verb)
