"""From the command line to the exit status; nothing that happens on the way ends in anything but 0 to 3."""

import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple

from necism_monitor.app.look import Sources, look
from necism_monitor.domain.errors import ConfigError, NecismError, UsageError
from necism_monitor.domain.selectors import select
from necism_monitor.nagios.alarm import arm, disarm, hush
from necism_monitor.nagios.check import AgeContext, Snapshots, TimeLimitContext, make_check
from necism_monitor.nagios.claims import Policy
from necism_monitor.nagios.deadline import Deadline, PunctualReader
from necism_monitor.nagios.options import MOST_VERBOSE, USAGE, Answered, Options, parse_options
from necism_monitor.nagios.output import PERFDATA_BUDGET, compose, fitting, status_line, write
from necism_monitor.nagios.states import State
from necism_monitor.nagios.summary import Report

Connect = Callable[[Options], Sources]
"""From the options to everything that is outside; may raise NecismError."""


class Answer(NamedTuple):
    """Exit status and output."""

    state: State
    text: str


def run_plugin(argv: Sequence[str], connect: Connect) -> int:
    """Print the answer to `argv` and return the exit status."""
    try:
        options = parse_options(argv)
    except Answered as answered:
        return _give(Answer(State.UNKNOWN, answered.text.rstrip() + "\n"))
    except UsageError as error:
        return _give(unknown(error, f"usage: {USAGE}".splitlines()))
    deadline = Deadline(options.timeout)
    arm(deadline, options.timeout_state)
    answer = _guarded(options, connect, deadline)
    hush()
    status = _give(answer)
    disarm()
    return status


def _guarded(options: Options, connect: Connect, deadline: Deadline) -> Answer:
    try:
        return examine(options, connect, deadline)
    except ConfigError as error:
        return _bad_configuration(error, options.verbose)
    except NecismError as error:
        return unknown(error)
    except BaseException as error:  # noqa: BLE001 - an interpreter that dies leaves with 1, which is WARNING
        return _bug(error, deadline, options.verbose)


def examine(options: Options, connect: Connect, deadline: Deadline) -> Answer:
    """Look, judge and put it into words.  Raises NecismError where there is nothing to look at."""
    deadline.stage = "reading the configuration"
    sources = connect(options)
    resources = select(sources.config, options.select, allow_all=True)
    if not resources:
        raise UsageError("there is nothing to check", "no service is configured, or all carry the tag nostatus")
    deadline.stage = "reading state files"
    readers = {name: PunctualReader(reader, deadline) for name, reader in sources.readers.items()}
    snapshots = Snapshots(lambda: look(sources._replace(readers=readers), resources), deadline)
    policy = Policy(options.warning, options.critical, options.critical_on)
    contexts = (AgeContext(policy), TimeLimitContext(options.timeout_state, deadline))
    check = make_check(snapshots, contexts, Report(options.verbose, snapshots, deadline))
    check()
    warnings = sources.config.warnings if options.verbose >= MOST_VERBOSE else ()
    more = [*check.summary.verbose(check.results), *warnings]
    return _answer(check.exit_state(), check.summary_str, check.perfdata, more, options.verbose)


def _answer(state: State, summary: str, perfdata: Sequence[str], more: Sequence[str], verbose: int) -> Answer:
    """The default output stays below what every Nagios, NRPE and database keeps; -v gives everything."""
    count = len(perfdata) if verbose else fitting(perfdata, PERFDATA_BUDGET)
    if count < len(perfdata):
        summary += f"; perfdata of the first {count}, -v or -s for the others"
    return Answer(state, compose(status_line(state, summary), perfdata[:count], more))


def unknown(error: NecismError, more: Sequence[str] = ()) -> Answer:
    """A fact and a hint."""
    hint = f" (hint: {error.hint})" if error.hint else ""
    return Answer(State.UNKNOWN, compose(status_line(State.UNKNOWN, f"{error.text}{hint}"), (), more))


def _bad_configuration(error: ConfigError, verbose: int) -> Answer:
    """The first problem on the status line, all of them with -v."""
    problems = [str(problem) for problem in error.problems] or [error.text]
    more = f"; {len(problems) - 1} more, -v lists them" if len(problems) > 1 else ""
    line = status_line(State.UNKNOWN, f"configuration: {problems[0]}{more}")
    return Answer(State.UNKNOWN, compose(line, (), problems if verbose else ()))


def _bug(error: BaseException, deadline: Deadline, verbose: int) -> Answer:
    text = f"{type(error).__name__} while {deadline.stage}: {error} (please report it; -vvv shows where)"
    trace = "".join(traceback.format_exception(error)).splitlines() if verbose >= MOST_VERBOSE else ()
    return Answer(State.UNKNOWN, compose(status_line(State.UNKNOWN, text), (), trace))


def _give(answer: Answer) -> int:
    """An answer that nobody gets is none."""
    return int(answer.state if write(answer.text) else State.UNKNOWN)
