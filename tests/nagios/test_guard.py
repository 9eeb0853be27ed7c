"""Whatever goes wrong on the way is an answer of the plugin."""

from __future__ import annotations

import signal

import pytest

from necism_monitor.app.look import Sources
from necism_monitor.domain.errors import ConfigError, EnvironmentProblem, Problem
from necism_monitor.nagios.options import Options
from necism_monitor.nagios.plugin import run_plugin
from tests.nagios.builders import parse_output


def failing(error: BaseException, capfd: pytest.CaptureFixture[str], *argv: str) -> tuple[str, tuple[str, ...]]:
    """Status line and further lines where the sources cannot be made."""

    def connect(options: Options) -> Sources:
        raise error

    code = run_plugin(argv, connect)
    said = parse_output(capfd.readouterr().out, code)
    assert said.code == 3
    return said.status, said.more


@pytest.mark.proves("N01", "N06")
@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a|b=1\n$HOSTNAME$ `id` 'x' \"y\" <b> \udc81 é \\n"),
        KeyboardInterrupt(),
        SystemExit(0),
        SystemExit(1),
        MemoryError(),
        RecursionError("deep"),
        UnicodeEncodeError("ascii", "é", 0, 1, "no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bug_is_unknown_and_names_the_stage(error: BaseException, capfd: pytest.CaptureFixture[str]) -> None:
    """Any exception, also one that would end the interpreter: one clean line; the place only with -vvv."""
    status, more = failing(error, capfd)
    assert f"{type(error).__name__} while reading the configuration" in status
    assert more == ()
    assert any("connect" in line for line in failing(error, capfd, "-vvv")[1])


@pytest.mark.usefixtures("signals")
def test_an_error_is_fact_and_hint(capfd: pytest.CaptureFixture[str]) -> None:
    """What the machine or the caller did wrong is told with what to do about it."""
    status, more = failing(EnvironmentProblem("/run/necism is no directory", "remove the file"), capfd)
    assert status == "NECISM UNKNOWN - /run/necism is no directory (hint: remove the file)"
    assert more == ()


@pytest.mark.usefixtures("signals")
def test_configuration_problems_are_counted_and_listed(capfd: pytest.CaptureFixture[str]) -> None:
    """The first on the status line, all of them with -v."""
    problems = tuple(Problem("/etc/necism/a.conf", line, "x|y", "is no name", "rename it") for line in (3, 4, 5))
    status, more = failing(ConfigError(problems), capfd)
    assert "/etc/necism/a.conf:3: is no name: x/y (hint: rename it); 2 more" in status
    assert more == ()
    assert len(failing(ConfigError(problems), capfd, "-v")[1]) == 3


@pytest.mark.usefixtures("signals")
def test_after_the_answer_no_timer_is_left(capfd: pytest.CaptureFixture[str]) -> None:
    """The alarm is switched off when the answer is out."""
    failing(RuntimeError("x"), capfd)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
