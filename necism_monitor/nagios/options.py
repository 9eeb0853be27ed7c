"""The plugin's options.  Help, version and mistakes are answers like any other: exit status 3 on standard output.

Read by a scanner of our own: argparse takes as long to load as the rest of the plugin takes to judge, leaves with 2,
which is CRITICAL, and takes the range `-10:10` for an option.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from necism_monitor import __version__
from necism_monitor.domain.durations import UNITS
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.findings import CATALOGUE
from necism_monitor.domain.rules import RuleError
from necism_monitor.domain.selectors import suggest
from necism_monitor.nagios.ranges import Threshold, is_seconds, parse_seconds, parse_threshold
from necism_monitor.nagios.states import State

DEFAULT_TIMEOUT: Final = 50.0
"""Seconds; Nagios itself gives up after 60."""
LONGEST_TIMEOUT: Final = UNITS["d"]
MOST_VERBOSE: Final = 3
TIMEOUT_STATES: Final = ("warning", "critical", "unknown")

USAGE: Final = """check_necism [-s SEL] [-w RANGE] [-c RANGE] [-t SECONDS] [-v]
                    [--critical-on CODE,..] [--timeout-state STATE]
                    [--config PATH] [--ism-path DIR] [--state-dir DIR]
                    [--run-dir DIR]"""
DESCRIPTION: Final = """\
Checks the snapshot resources that necism-monitor is configured for: whether
every LV shows the right SV, and how old the images are.  A resource that is
not as it should be is WARNING, one that could not be read is UNKNOWN;
CRITICAL outranks WARNING outranks UNKNOWN outranks OK."""
EPILOG: Final = """\
RANGE is [@][START:]END, compared with the age of the oldest image of each
resource in seconds; w, d, h, m and s may follow a number:
  1d      alert when older than a day      10:     alert below 10 seconds
  30m:2h  alert outside 30 minutes to 2 h  ~:10    alert above 10
  @10:20  alert inside, ends included      0       0 is a limit
A resource without any dated image is UNKNOWN where a RANGE is given.

Timeout: Nagios kills a plugin after 60 seconds and calls it CRITICAL, so the
default is 50.  Behind NRPE, whose client gives up after 10 seconds, use -t 8
or raise both limits; with "source = file" the check runs no commands at all.

Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (also for this help).
Examples:
  check_necism -s iiststnec02 -w 26h -c 3d
  check_necism --critical-on detached,fault,unfinished -t 30"""
_HELP_COLUMN: Final = 26
_WIDTH: Final = 79


class Answered(Exception):
    """Help or version was asked for; `text` is the answer."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Options(NamedTuple):
    """What the plugin was asked; durations in seconds."""

    select: tuple[str, ...] = ()
    warning: Threshold | None = None
    critical: Threshold | None = None
    timeout: float = DEFAULT_TIMEOUT
    timeout_state: State = State.UNKNOWN
    verbose: int = 0
    critical_on: frozenset[str] = frozenset()
    config: str | None = None
    ism_path: str | None = None
    state_dir: str | None = None
    run_dir: str | None = None


class _Option(NamedTuple):
    """One option; `read` makes a value of its argument, `metavar` stands for that in the help."""

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    read: Callable[[str], Any] = str

    @property
    def field(self) -> str:
        """The field of Options that it sets."""
        return self.names[-1].lstrip("-").replace("-", "_")


def parse_options(argv: Sequence[str]) -> Options:
    """Read the command line.  Raises UsageError, and Answered where help or the version was asked for."""
    options = Options()
    for option, argument in _scan(argv):
        if option.field == "help":
            raise Answered(help_text())
        if option.field == "version":
            raise Answered(f"check_necism {__version__}")
        options = _set(options, option, argument)
    return options


def help_text() -> str:
    """What --help prints."""
    rows = "".join(_help_row(option) for option in OPTIONS)
    return f"usage: {USAGE}\n\n{DESCRIPTION}\n\noptions:\n{rows}\n{EPILOG}\n"


def _scan(argv: Sequence[str]) -> Iterator[tuple[_Option, str]]:
    """Each option with its argument: `-t 5`, `-t5`, `--timeout 5` or `--timeout=5`; `-vvt5` is three."""
    words = iter(argv)
    for word in words:
        if word.startswith("--"):
            yield _long(word, words)
        elif word.startswith("-") and word != "-":
            yield from _short(word, words)
        else:
            raise _mistake(f"unrecognized argument {word!r}")


def _long(word: str, words: Iterator[str]) -> tuple[_Option, str]:
    name, equals, argument = word.partition("=")
    option = _known(name, word)
    if option.metavar:
        return option, argument if equals else _next(words, name)
    if equals:
        raise _mistake(f"argument {name}: expected none")
    return option, ""


def _short(word: str, words: Iterator[str]) -> Iterator[tuple[_Option, str]]:
    letters = word[1:]
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        option = _known(name, word)
        if option.metavar:
            yield option, letters or _next(words, name)
            return
        yield option, ""


def _known(name: str, word: str) -> _Option:
    """The option of a name, whole: nothing is abbreviated."""
    for option in OPTIONS:
        if name in option.names:
            return option
    raise _mistake(f"unrecognized argument {word!r}")


def _next(words: Iterator[str], name: str) -> str:
    """The argument of an option in the next word: whatever it begins with, but for the name of an option."""
    argument = next(words, None)
    if argument is None or any(argument in option.names for option in OPTIONS):
        raise _mistake(f"argument {name}: expected one argument")
    return argument


def _set(options: Options, option: _Option, argument: str) -> Options:
    """`options` with one more; what may be given several times adds up."""
    if option.field == "verbose":
        return options._replace(verbose=min(options.verbose + 1, MOST_VERBOSE))
    try:
        value = option.read(argument)
    except RuleError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise _mistake(f"argument {'/'.join(option.names)}: {error}{hint}") from None
    if option.field == "select":
        value = options.select + value
    elif option.field == "critical_on":
        value |= options.critical_on
    return options._replace(**{option.field: value})


def _mistake(text: str) -> UsageError:
    return UsageError(text, "check_necism --help lists the options")


def _help_row(option: _Option) -> str:
    left = "  " + ", ".join(f"{name} {option.metavar}".rstrip() for name in option.names)
    lines, room = [""], _WIDTH - _HELP_COLUMN
    for word in option.help.split():
        if len(lines[-1]) + len(word) >= room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    first = f"{left}\n{'':{_HELP_COLUMN}}" if len(left) > _HELP_COLUMN - 2 else f"{left:{_HELP_COLUMN}}"
    return first + f"\n{'':{_HELP_COLUMN}}".join(lines) + "\n"


def _timeout(text: str) -> float:
    if not is_seconds(text):
        raise RuleError(text, "this is no duration", "write seconds, or 30s, 1m")
    seconds = parse_seconds(text)
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise RuleError(text, "a timeout is above 0 and at most a day", "")
    return seconds


def _timeout_state(text: str) -> State:
    if text not in TIMEOUT_STATES:
        raise RuleError(text, "invalid choice", f"choose from {', '.join(TIMEOUT_STATES)}")
    return State[text.upper()]


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise RuleError(text, "an empty name", "write SERVICE or SERVICE/sync#1")
    return names


def _codes(text: str) -> frozenset[str]:
    codes = frozenset(code.strip() for code in text.split(","))
    for code in sorted(codes - CATALOGUE.keys()):
        near = suggest(code, CATALOGUE)
        raise RuleError(
            code, "no finding has this name", f"did you mean {near!r}?" if near else f"findings: {', '.join(CATALOGUE)}"
        )
    return codes


OPTIONS: Final = (
    _Option(
        ("-s", "--select"),
        "SERVICE or SERVICE/sync#1; repeat it or separate by commas (default: all)",
        "SEL",
        _names,
    ),
    _Option(("-w", "--warning"), "age of each resource that is WARNING", "RANGE", parse_threshold),
    _Option(("-c", "--critical"), "age of each resource that is CRITICAL", "RANGE", parse_threshold),
    _Option(("-t", "--timeout"), "answer within this time (default: 50)", "SECONDS", _timeout),
    _Option(
        ("--timeout-state",),
        "what a timeout is: warning, critical or unknown (default: unknown)",
        "STATE",
        _timeout_state,
    ),
    _Option(("--critical-on",), "findings that are CRITICAL; necism explain lists them", "CODE,..", _codes),
    _Option(("-v", "--verbose"), "more lines; -v findings, -vv pairs, -vvv commands"),
    _Option(("--config",), "configuration (default: /etc/necism)", "PATH"),
    _Option(("--ism-path",), "directory of the iSM commands", "DIR"),
    _Option(("--state-dir",), "journals (default: /var/lib/necism)", "DIR"),
    _Option(("--run-dir",), "observation file (default: /run/necism)", "DIR"),
    _Option(("-V", "--version"), "print the version"),
    _Option(("-h", "--help"), "print this help"),
)
