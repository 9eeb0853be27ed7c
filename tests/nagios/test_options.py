"""The plugin's command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor import __version__
from necism_monitor.domain.errors import UsageError
from necism_monitor.nagios.options import Answered, Options, parse_options
from necism_monitor.nagios.states import State

WORDS = (
    "-v",
    "-vv",
    "-t",
    "-t5",
    "--timeout=1m",
    "-w",
    "-10:10",
    "1d",
    "-s",
    "a,b",
    "--critical-on",
    "fault",
    "-h",
    "-",
)


@pytest.mark.proves("N10")
def test_nothing_given_is_the_default() -> None:
    """Everything is checked, in less than Nagios' 60 seconds."""
    assert parse_options([]) == Options()
    assert 0 < Options().timeout < 60


def test_every_option_has_its_meaning() -> None:
    """Short and long forms, lists by repetition and by comma, levels of -v."""
    options = parse_options(
        [
            "-s",
            "a,b/sync#1",
            "--select",
            "c",
            "-w",
            "1d",
            "-c",
            "@10:20",
            "-t",
            "1m",
            "-vv",
            "-v",
            "-v",
            "--critical-on",
            "detached,fault",
            "--critical-on",
            "stale",
            "--timeout-state",
            "critical",
            "--config",
            "C",
            "--ism-path",
            "I",
            "--state-dir",
            "S",
            "--run-dir",
            "R",
        ]
    )
    assert options.select == ("a", "b/sync#1", "c")
    assert options.warning is not None
    assert (str(options.warning.range), options.timeout, options.verbose) == ("86400", 60, 3)
    assert options.critical_on == {"detached", "fault", "stale"}
    assert options.timeout_state is State.CRITICAL
    assert (options.config, options.ism_path, options.state_dir, options.run_dir) == ("C", "I", "S", "R")


@pytest.mark.parametrize("option", ["-w", "--warning", "-c", "--critical"])
def test_a_range_may_begin_with_a_minus_sign(option: str) -> None:
    """`-w -10:10` is a range and no option."""
    options = parse_options([option, "-10:10"])
    threshold = options.warning or options.critical
    assert threshold is not None
    assert str(threshold.range) == "-10:10"


@pytest.mark.parametrize(("text", "seconds"), [("2", 2), ("0.5", 0.5), ("30s", 30), ("1m30s", 90)])
def test_a_timeout_is_seconds_or_has_units(text: str, seconds: float) -> None:
    """Half a second is half a second, not none at all."""
    assert parse_options(["-t", text]).timeout == seconds


@pytest.mark.parametrize(
    "argv",
    [["-t", "5", "-v", "-v"], ["-t5", "-vv"], ["--timeout", "5", "--verbose", "-v"], ["--timeout=5", "-vv"], ["-vvt5"]],
    ids=" ".join,
)
def test_options_are_written_as_everywhere(argv: list[str]) -> None:
    """With and without a blank or an equal sign, letters one behind the other."""
    assert parse_options(argv) == Options(timeout=5, verbose=2)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=6))
def test_any_command_line_is_read_or_named_a_mistake(argv: list[str]) -> None:
    """Whatever is written: options, an answer, or a usage error with its hint."""
    try:
        options = parse_options(argv)
    except Answered:
        return
    except UsageError as error:
        said = (error.text, error.hint)
    else:
        said = (f"{options.timeout:g} s", "x" * (options.verbose + 1))
    assert all(0 < len(part) < 1000 for part in said)


@pytest.mark.parametrize(
    ("argv", "rule"),
    [
        (["--bogus"], "--bogus"),
        (["--verbose=1"], "expected none"),
        (["-vx"], "-vx"),
        (["-"], "'-'"),
        (["--"], "'--'"),
        ([""], "''"),
        (["-s"], "expected one argument"),
        (["-s", "-v"], "expected one argument"),
        (["word"], "word"),
        (["--crit", "1"], "--crit"),
        (["-w"], "expected one argument"),
        (["-w", ""], "empty range"),
        (["-c", "5:1"], "starts below its end"),
        (["-w", "1e5"], "[@][START:]END"),
        (["-t", "0"], "above 0"),
        (["-t", "-1"], "above 0"),
        (["-t", "nan"], "no duration"),
        (["-t", "2d"], "at most a day"),
        (["-s", "a,,b"], "empty name"),
        (["-s", ""], "empty name"),
        (["--critical-on", "detachd"], "did you mean 'detached'?"),
        (["--critical-on", "xyzzy"], "findings: too-old"),
        (["--timeout-state", "ok"], "invalid choice"),
    ],
)
def test_a_mistake_names_its_rule(argv: list[str], rule: str) -> None:
    """Wrong options, values and words are usage errors that say what is right; nothing is abbreviated."""
    with pytest.raises(UsageError) as caught:
        parse_options(argv)
    assert rule in caught.value.text


def test_help_fits_a_terminal_and_names_every_option() -> None:
    """Eighty columns, every option, the limits of those who call the plugin."""
    with pytest.raises(Answered) as caught:
        parse_options(["--help"])
    text = caught.value.text
    assert max(map(len, text.splitlines())) <= 80
    for option in (
        "-s",
        "-w",
        "-c",
        "-t",
        "-v",
        "-V",
        "-h",
        "--critical-on",
        "--timeout-state",
        "--config",
        "--ism-path",
        "--state-dir",
        "--run-dir",
        "--select",
        "--warning",
        "--critical",
        "--timeout",
        "--verbose",
        "--version",
    ):
        assert option in text
    assert "NRPE" in text
    assert len(text.split("\n\n")[0].splitlines()) <= 23


def test_the_version_is_the_package_s() -> None:
    """-V names plugin and version."""
    with pytest.raises(Answered) as caught:
        parse_options(["-V"])
    assert caught.value.text == f"check_necism {__version__}"
