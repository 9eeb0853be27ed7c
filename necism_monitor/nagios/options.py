"""The plugin's options.  Help, version and mistakes are answers like any other: exit status 3 on standard output."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

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


def parse_options(argv: Sequence[str]) -> Options:
    """Read the command line.  Raises UsageError, and Answered where help or the version was asked for."""
    given = vars(_parser().parse_args(_glue(argv)))
    given["select"] = tuple(name for names in given["select"] for name in names)
    given["critical_on"] = frozenset(code for codes in given["critical_on"] for code in codes)
    given["timeout_state"] = State[given["timeout_state"].upper()]
    given["verbose"] = min(given["verbose"], MOST_VERBOSE)
    return Options(**given)


class _Parser(argparse.ArgumentParser):
    """argparse leaves with 2, which Nagios takes for CRITICAL."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving."""
        raise UsageError(message, "check_necism --help lists the options")


class _Answer(argparse.Action):
    """Help and version."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Raise the answer."""
        raise Answered(f"check_necism {__version__}" if self.dest == "version" else parser.format_help())


def _parser() -> _Parser:
    parser = _Parser(
        prog="check_necism",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG,
        add_help=False,
        allow_abbrev=False,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=79),
    )
    _add_questions(parser)
    _add_places(parser)
    return parser


def _add_questions(parser: argparse.ArgumentParser) -> None:
    add: Any = parser.add_argument
    add(
        "-s",
        "--select",
        type=_names,
        action="append",
        default=[],
        metavar="SEL",
        help="SERVICE or SERVICE/sync#1; repeat it or separate by commas (default: all)",
    )
    add("-w", "--warning", type=_threshold, metavar="RANGE", help="age of each resource that is WARNING")
    add("-c", "--critical", type=_threshold, metavar="RANGE", help="age of each resource that is CRITICAL")
    add(
        "-t",
        "--timeout",
        type=_timeout,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help="answer within this time (default: 50)",
    )
    add(
        "--timeout-state",
        choices=("warning", "critical", "unknown"),
        default="unknown",
        metavar="STATE",
        help="what a timeout is: warning, critical or unknown (default: unknown)",
    )
    add(
        "--critical-on",
        type=_codes,
        action="append",
        default=[],
        metavar="CODE,..",
        help="findings that are CRITICAL; necism explain lists them",
    )
    add("-v", "--verbose", action="count", default=0, help="more lines; -v findings, -vv pairs, -vvv commands")


def _add_places(parser: argparse.ArgumentParser) -> None:
    add: Any = parser.add_argument
    add("--config", metavar="PATH", help="configuration (default: /etc/necism)")
    add("--ism-path", metavar="DIR", help="directory of the iSM commands")
    add("--state-dir", metavar="DIR", help="journals (default: /var/lib/necism)")
    add("--run-dir", metavar="DIR", help="observation file (default: /run/necism)")
    add("-V", "--version", action=_Answer, nargs=0, default=argparse.SUPPRESS, help="print the version")
    add("-h", "--help", action=_Answer, nargs=0, default=argparse.SUPPRESS, help="print this help")


def _glue(argv: Sequence[str]) -> list[str]:
    """A range may start with a minus sign, which argparse would take for an option."""
    glued: list[str] = []
    for arg in argv:
        if glued and glued[-1] in {"-w", "-c", "--warning", "--critical"} and arg[:1] == "-" and arg[1:2].isdigit():
            glued[-1] += ("=" if glued[-1].startswith("--") else "") + arg
        else:
            glued.append(arg)
    return glued


def _threshold(text: str) -> Threshold:
    try:
        return parse_threshold(text)
    except RuleError as error:
        raise argparse.ArgumentTypeError(f"{error} ({error.hint})") from None


def _timeout(text: str) -> float:
    if not is_seconds(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write seconds, or 30s, 1m")
    seconds = parse_seconds(text)
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise argparse.ArgumentTypeError(f"{text!r}: a timeout is above 0 and at most a day")
    return seconds


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} holds an empty name: write SERVICE or SERVICE/sync#1")
    return names


def _codes(text: str) -> list[str]:
    codes = [code.strip() for code in text.split(",")]
    for code in codes:
        if code not in CATALOGUE:
            near = suggest(code, CATALOGUE)
            hint = f"did you mean {near!r}?" if near else f"findings: {', '.join(CATALOGUE)}"
            raise argparse.ArgumentTypeError(f"no finding is named {code!r}: {hint}")
    return codes
