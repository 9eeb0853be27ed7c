"""The command line's own grammar: a parser whose errors are facts with hints, and the options every verb shares."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn, Protocol, cast

from necism_monitor import __version__
from necism_monitor.cli.console import say
from necism_monitor.cli.paths import Paths
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.selectors import suggest

LEVELS: Final = ("debug", "info", "warn", "error")
FORMATS: Final = ("text", "json")
SHARED: Final = frozenset({"--config", "--ism-path", "--state-dir", "--run-dir", "--log.level", "--log.format"})
"""The options that stand before or after the verb and take a value."""

_Verbs = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it

Run = Callable[[argparse.Namespace], int]


class Subparsers(Protocol):
    """What a verb registers itself with."""

    def add_parser(self, name: str, **options: Any) -> Parser:  # noqa: ANN401 - argparse's own options, of many types
        """A parser of our class."""
        ...


class HelpWanted(Exception):
    """Somebody asked for the help of `parser`."""

    def __init__(self, parser: Parser) -> None:
        super().__init__(parser.prog)
        self.parser = parser


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError with a hint instead of printing its usage and leaving with 2."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own options, of many types
        super().__init__(**options, allow_abbrev=False)
        self.color = False
        """Python 3.14 colours a help by itself, by rules of its own."""
        self.summary = ""
        """The line in the list of commands; empty for one that is not listed."""
        self.shared: list[argparse.Action] = []

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, f"`{self.prog} --help` shows how it is written")

    def print_help(self, file: object = None) -> NoReturn:
        """Raise HelpWanted: what a help says beside its arguments is no business of the grammar."""
        del file
        raise HelpWanted(self)

    def places(self) -> list[argparse.Action]:
        """Where a verb is to stand: one place or none."""
        return [one for one in self._actions if isinstance(one, _Verbs)]

    def verbs(self) -> Mapping[str, Parser]:
        """The verbs that are registered here, by name."""
        return {name: verb for one in self.places() for name, verb in cast("Mapping[str, Parser]", one.choices).items()}

    def arguments(self) -> Iterator[tuple[str, list[argparse.Action]]]:
        """What may be written, but for verbs: the titles of its groups with their members."""
        for group in self._action_groups:
            members = [one for one in group._group_actions if not isinstance(one, _Verbs)]  # noqa: SLF001 - no other way
            if members:
                title = group.title or ""
                yield "arguments" if title.startswith("positional") else title, members

    def _print_message(self, message: str, file: object = None) -> None:
        """The version goes the way of every result: argparse would not tell that it could not be written."""
        del file
        say(message.rstrip("\n"))

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Refuse a word that is not among the choices.  Raises UsageError where another one is near."""
        choices = [] if action.choices is None else [str(one) for one in action.choices]
        near = None if value in choices else suggest(str(value), choices)
        if near is not None:
            what = "/".join(action.option_strings) or action.metavar or action.dest
            raise UsageError(
                f"{what} {str(value)!r}: only {', '.join(choices)} can stand here", f"did you mean {near}?"
            )
        super()._check_value(action, value)

    def read(self, argv: list[str]) -> argparse.Namespace:
        """The arguments.  Raises UsageError, with what may have been meant for an option that nobody knows."""
        known = set(self.known_options())
        # Before argparse, which would first miss an argument, and say nothing of the option that was mistyped.
        for word in itertools.takewhile(lambda one: one != "--", argv):
            if word.startswith("--") and " " not in word and word.partition("=")[0] not in known:
                raise self._unknown(word, known)
        args, unknown = self.parse_known_args(argv)
        if unknown:
            raise self._unknown(next((one for one in unknown if one.startswith("-")), unknown[0]), known)
        return args

    def _unknown(self, word: str, known: set[str]) -> UsageError:
        option = word.partition("=")[0]
        hint = "`necism VERB --help` lists the options of a verb"
        if option in known:
            hint = f"{option} is an option of a verb: write it behind the verb"
        elif near := suggest(option, known):
            hint = f"did you mean {near}?"
        return UsageError(f"unrecognized argument: {word}", hint)

    def known_options(self) -> Iterator[str]:
        """The options of this parser and of its verbs, as far as they are registered."""
        for action in self._actions:
            yield from action.option_strings
        for verb in self.verbs().values():
            yield from verb.known_options()


def add_verbs(parser: Parser, title: str = "commands", name: str = "verb") -> Subparsers:
    """The place where verbs register themselves."""
    return cast("Subparsers", parser.add_subparsers(title=title, metavar=name.upper(), dest=name, required=True))


def add_verb(subparsers: Subparsers, name: str, run: Run, summary: str, details: str = "") -> Parser:
    """A verb with the shared options; `summary` is its line in the list, `details` a paragraph of its own help.

    More paragraphs and its examples stand in `cli/guide.py`, its exit codes in `cli/explain.py`.
    """
    parser = subparsers.add_parser(name, description=details or None)
    parser.summary = summary
    add_shared(parser)
    parser.set_defaults(run=run)
    return parser


def add_selectors(parser: argparse.ArgumentParser) -> None:
    """`[SEL ...]` of the reading verbs, as `args.selectors`."""
    parser.add_argument("selectors", nargs="*", metavar="SEL", help="SERVICE or SERVICE/sync#1; none means all")


def add_shared(parser: Parser) -> None:
    """The options that stand before or after the verb.

    Without a default, so that an option before the verb is not undone by its absence after it.
    """
    group = parser.add_argument_group("options of every command, before or after it")
    for option, text in (
        ("config", "service file or directory; default $NECISM_CONFIG, else /etc/necism"),
        ("ism-path", "directory of the iSM commands; default $NECISM_ISM_PATH, else `ism_path`, else PATH"),
        ("state-dir", "journals, locks and volume maps; default $NECISM_STATE_DIR, else `state_dir`"),
        ("run-dir", "the observation file; default $NECISM_RUN_DIR, else `run_dir`"),
    ):
        add = group.add_argument(f"--{option}", metavar="PATH", default=argparse.SUPPRESS, type=_path, help=text)
        parser.shared.append(add)
    for option, choices in (("level", LEVELS), ("format", FORMATS)):
        text = f"log to standard error: {', '.join(choices)}; default $NECISM_LOG_{option.upper()}, else %s"
        add = group.add_argument(
            f"--log.{option}",
            dest=f"log_{option}",
            choices=choices,
            metavar=option.upper(),
            default=argparse.SUPPRESS,
            help=text % ("info" if option == "level" else "text"),
        )
        parser.shared.append(add)
    version = f"necism-monitor {__version__}"
    add = group.add_argument("--version", action="version", version=version, help="print the version and exit")
    parser.shared.append(add)


def paths_of(args: argparse.Namespace) -> Paths:
    """The four paths that options set."""
    return Paths(*(getattr(args, name, None) for name in Paths._fields))


def log_option(args: argparse.Namespace, environ: Mapping[str, str], option: str) -> str:
    """The `level` or `format` of the log.  Raises UsageError for a variable that holds neither."""
    chosen = getattr(args, f"log_{option}", None)
    name, choices = f"NECISM_LOG_{option.upper()}", LEVELS if option == "level" else FORMATS
    if chosen is None and environ.get(name):
        chosen = environ[name].lower()
        if chosen not in choices:
            raise UsageError(f"{name} is {environ[name]!r}", f"choose one of {', '.join(choices)}")
    return chosen or ("info" if option == "level" else "text")


def _path(text: str) -> str:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("an empty path" if not text else "a path cannot hold a NUL")
    return text
