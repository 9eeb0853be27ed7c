"""`necism`: finds the verb, runs it, and turns whatever happened into an exit code, here and nowhere else."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Final

from necism_monitor.adapters.clock import host_zone
from necism_monitor.cli import console, logs
from necism_monitor.cli.options import SHARED, HelpWanted, Parser, add_shared, add_verbs, log_option
from necism_monitor.domain.errors import (
    ConfigError,
    EnvironmentProblem,
    Incoherent,
    JournalDamaged,
    NecismError,
    UsageError,
)
from necism_monitor.domain.names import NameRuleError
from necism_monitor.domain.rules import RuleError
from necism_monitor.domain.selectors import suggest

VERBS: Final[Mapping[str, str]] = {
    "status": "status",
    "resync": "resync",
    "syncresync": "resync",
    "resume": "recovery",
    "relink": "recovery",
    "abandon": "recovery",
    "history": "history",
    "request": "request",
    "dispatch": "dispatch",
    "event": "event",
    "exporter": "exporter",
    "webhook": "webhook",
    "collect": "collect",
    "capture": "capture",
    "doctor": "doctor",
    "explain": "explain",
    "config": "configuration",
    "simulator": "simulator",
    "demo": "demo",
}
"""Verb -> its module beside this one, which has `register(subparsers)` for all its verbs."""
HIDDEN: Final[Mapping[str, str]] = {"complete": "complete"}
"""Verbs for programs of this package: neither listed nor suggested."""

EVENT: Final = "event"
USAGE, TROUBLE, BUG = 64, 3, 70
INTERRUPTED: Final = 128 + signal.SIGINT
ENDINGS: Final = (signal.SIGTERM, signal.SIGHUP)
SUMMARY: Final = "monitors and safely resyncs NEC iStorage snapshot volumes"
FRAMES: Final = 3
"""How much of a traceback is shown unless the log level is debug."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `necism ARGV`; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    console.prepare()
    if is_event(words):
        return _handle(words)
    with _terminable():
        try:
            code = _run(words)
            console.finish()
        except SystemExit as end:
            # From --version, which has printed, and from a signal.
            code = end.code if isinstance(end.code, int) else 0
        except KeyboardInterrupt:
            console.complain("necism: interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            code = 0
        except Exception as error:  # noqa: BLE001 - the one edge where every error becomes an exit code
            code = _report(error)
    try:
        console.finish()
    except EnvironmentProblem as problem:
        # What --version prints, for instance: nothing else has said yet that it is lost.
        code = code or _report(problem)
    return code


def is_event(words: Sequence[str]) -> bool:
    """Whether this is an event handler: whoever starts one has nobody to read what went wrong."""
    try:
        verb = find_verb(words)
    except UsageError:
        return False
    # Behind an option that nobody knows no verb can be told from its value.
    return verb == EVENT or (verb is None and EVENT in words)


def _handle(words: list[str]) -> int:
    """An event handler ends with 0, and with one line where it could not do what it is for."""
    try:
        _run(words)
        console.finish()
    except SystemExit:
        # From --help and --version.
        return 0
    except BaseException as error:  # noqa: BLE001 - a monitor takes anything but 0 for trouble of its own
        from necism_monitor.cli.event import lament  # noqa: PLC0415 - no other verb pays for it

        lament(error)
    return 0


def _run(words: list[str]) -> int:
    parser = make_parser(find_verb(words))
    try:
        args = parser.read(words)
    except HelpWanted as wanted:
        return _help(wanted.parser)
    logs.start(log_option(args, os.environ, "level"), log_option(args, os.environ, "format"), host_zone())
    code: int = args.run(args)
    return code


def _help(parser: Parser) -> int:
    from necism_monitor.cli.help import page  # noqa: PLC0415 - its texts are for those who ask

    console.say(page(parser))
    return 0


def find_verb(words: Sequence[str]) -> str | None:
    """The verb, past the shared options before it; None where there is none.  Raises UsageError for an unknown one."""
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            return _known(word)
        if word.partition("=")[0] not in SHARED | {"--version"}:
            # Help, or an option that does not stand here: the parser of everything has more to say about it.
            return None
        if word in SHARED:
            next(rest, None)
    return None


def make_parser(verb: str | None) -> Parser:
    """A parser that knows `verb`, or every verb: most modules are then not even imported."""
    parser = Parser(prog="necism")
    parser.summary = SUMMARY
    add_shared(parser)
    subparsers = add_verbs(parser)
    for name in dict.fromkeys(VERBS.values() if verb is None else [{**VERBS, **HIDDEN}[verb]]):
        module = f"necism_monitor.cli.{name}"
        if importlib.util.find_spec(module):
            importlib.import_module(module).register(subparsers)
        elif verb is not None:
            raise UsageError(f"{verb!r} is not part of this installation", "`necism --help` lists what is")
    return parser


def _known(word: str) -> str:
    if word in VERBS or word in HIDDEN:
        return word
    near = suggest(word, VERBS)
    raise UsageError(f"unknown command {word!r}", f"did you mean {near}?" if near else "`necism --help` lists them")


def exit_code(error: NecismError) -> int:
    """The code of an error that is nobody's bug: 64 for the caller's, 3 for the machine's."""
    if isinstance(error, UsageError | ConfigError):
        return USAGE
    if isinstance(error, EnvironmentProblem | JournalDamaged):
        return TROUBLE
    return BUG


def _report(error: Exception) -> int:
    """Say what happened and what to do about it."""
    if isinstance(error, NecismError) and not isinstance(error, Incoherent):
        console.complain(f"necism: {error.text}", *([f"hint: {error.hint}"] if error.hint else []))
        return exit_code(error)
    if isinstance(error, RuleError | NameRuleError):
        console.complain(f"necism: {error}", f"hint: {error.hint}")
        return USAGE
    debug = logs.is_debug()
    trace = traceback.format_tb(error.__traceback__, None if debug else -FRAMES)
    console.complain(
        f"necism: this is a bug of necism-monitor: {type(error).__name__}: {error}",
        "hint: report it with the lines below"
        + ("" if debug else "; `--log.level debug` shows all of them")
        + ", and with what `necism capture DIR` writes",
        "".join(trace),
    )
    return BUG


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Leave on SIGTERM and SIGHUP as on Ctrl-C, so that a READ command never outlives the question."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Whoever started us with a signal ignored, such as nohup, keeps it ignored.
    before = {one: signal.getsignal(one) for one in ENDINGS}
    before = {one: handler for one, handler in before.items() if handler not in {signal.SIG_IGN, None}}
    for number in before:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)
