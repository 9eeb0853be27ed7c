"""The command line's own grammar: a parser whose errors are facts with hints, and the options every verb shares."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn, Protocol, cast

from necism_monitor import __version__
from necism_monitor.cli.console import say
from necism_monitor.cli.wiring import Paths
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.selectors import suggest

LEVELS: Final = ("debug", "info", "warn", "error")
FORMATS: Final = ("text", "json")

Run = Callable[[argparse.Namespace], int]


class Subparsers(Protocol):
    """What a verb registers itself with."""

    def add_parser(self, name: str, **options: Any) -> Parser:  # noqa: ANN401 - argparse's own options, of many types
        """A parser of our class."""
        ...


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError with a hint instead of printing its usage and leaving with 2."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own options, of many types
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, f"`{self.prog} --help` shows how it is written")

    def _print_message(self, message: str, file: object = None) -> None:
        """Help and version go the way of every result: argparse would not tell that they could not be written."""
        del file
        say(message.rstrip("\n"))

    def read(self, argv: list[str]) -> argparse.Namespace:
        """The arguments.  Raises UsageError, with what may have been meant for an option that nobody knows."""
        args, unknown = self.parse_known_args(argv)
        if unknown:
            verb = next((one for one in unknown if one.startswith("-")), unknown[0])
            near = suggest(verb.partition("=")[0], set(self.known_options()))
            hint = f"did you mean {near}?" if near else "`necism VERB --help` lists the options of a verb"
            raise UsageError(f"unrecognized argument: {verb}", hint)
        return args

    def known_options(self) -> Iterator[str]:
        """The options of this parser and of its verbs, as far as they are registered."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no public name for it
                for verb in action.choices.values():
                    yield from cast("Parser", verb).known_options()


def add_verbs(parser: Parser, title: str = "commands", name: str = "verb") -> Subparsers:
    """The place where verbs register themselves."""
    return cast("Subparsers", parser.add_subparsers(title=title, metavar=name.upper(), dest=name, required=True))


def add_verb(subparsers: Subparsers, name: str, run: Run, summary: str, details: str = "") -> Parser:
    """A verb with the shared options; `summary` is its line in the list, `details` what its own help adds."""
    parser = subparsers.add_parser(
        name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.", epilog=details or None
    )
    add_shared(parser)
    parser.set_defaults(run=run)
    return parser


def add_selectors(parser: argparse.ArgumentParser) -> None:
    """`[SEL ...]` of the reading verbs, as `args.selectors`."""
    parser.add_argument("selectors", nargs="*", metavar="SEL", help="SERVICE or SERVICE/sync#1; none means all")


def add_shared(parser: argparse.ArgumentParser) -> None:
    """The options that stand before or after the verb.

    Without a default, so that an option before the verb is not undone by its absence after it.
    """
    group = parser.add_argument_group("options of every command")
    for option, text in (
        ("config", "service file or directory; default $NECISM_CONFIG, else /etc/necism"),
        ("ism-path", "directory of the iSM commands; default $NECISM_ISM_PATH, else `ism_path`, else PATH"),
        ("state-dir", "journals, locks and volume maps; default $NECISM_STATE_DIR, else `state_dir`"),
        ("run-dir", "the observation file; default $NECISM_RUN_DIR, else `run_dir`"),
    ):
        group.add_argument(f"--{option}", metavar="PATH", default=argparse.SUPPRESS, type=_path, help=text)
    for option, choices in (("level", LEVELS), ("format", FORMATS)):
        text = f"log to standard error: {', '.join(choices)}; default $NECISM_LOG_{option.upper()}, else %s"
        group.add_argument(
            f"--log.{option}",
            dest=f"log_{option}",
            choices=choices,
            metavar=option.upper(),
            default=argparse.SUPPRESS,
            help=text % ("info" if option == "level" else "text"),
        )
    group.add_argument("--version", action="version", version=f"necism-monitor {__version__}")


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
