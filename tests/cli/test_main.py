"""The frame: verbs, shared options, exit codes, and outputs that go away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from necism_monitor import __version__
from necism_monitor.cli import main as frame
from necism_monitor.cli.main import VERBS, exit_code, find_verb, main
from necism_monitor.domain.errors import (
    ConfigError,
    EnvironmentProblem,
    Incoherent,
    JournalDamaged,
    NecismError,
    Problem,
    UsageError,
)
from necism_monitor.domain.names import NameRuleError
from necism_monitor.domain.rules import RuleError
from necism_monitor.simulator.faults import add_fault
from tests.cli.conftest import PATIENCE, Necism, Simulated, clean_environment


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["stauts"], "unknown command 'stauts'", "did you mean status?"),
        (["zzz"], "unknown command 'zzz'", "necism --help"),
        ([], "VERB", "necism --help"),
        (["status", "--jsn"], "--jsn", "did you mean --json?"),
        (["status", "--js"], "--js", "--json"),
        (["--confg=x", "status"], "--confg=x", "did you mean --config?"),
        (["status", "--log.level", "loud"], "'loud'", "necism status --help"),
        (["status", "--config"], "--config", "necism status --help"),
        (["status", "--config", ""], "empty path", "necism status --help"),
        (["config", "chekc"], "only check, show", "did you mean check?"),
        (["config", "zzz"], "zzz", "necism config --help"),
        (["resync", "erp", "--trigger", "nagois"], "only manual, timer", "did you mean nagios?"),
        (["resync", "--dryrun"], "--dryrun", "did you mean --dry-run?"),
        (["--confg", "x", "status"], "--confg", "did you mean --config?"),
        (["--dry-run", "resync", "erp"], "--dry-run", "write it behind the verb"),
        (["-x", "status"], "-x", "--help"),
        (["collect", "extra"], "extra", "--help"),
        (["explain", "tooold"], "tooold", "did you mean too-old?"),
        (["explain", "99"], "99", "necism explain"),
    ],
)
def test_wrong_usage_is_one_fact_and_one_hint(necism: Necism, words: list[str], said: str, hint: str) -> None:
    """Every wrong command line ends with 64, nothing on standard output, and two lines that name what was wrong."""
    done = necism(*words)
    assert (done.returncode, done.stdout) == (64, "")
    fact, advice = done.stderr.splitlines()
    assert fact.startswith("necism: ")
    assert said in fact
    assert advice.startswith("hint: ")
    assert hint in advice


def test_a_missing_configuration_is_named(necism: Necism, tmp_path: Path) -> None:
    """The path that does not exist is said, with 64, for every verb that needs it."""
    missing = tmp_path / "nowhere"
    for verb in ("status", "collect", "config check", "capture x"):
        done = necism(*verb.split(), "--config", missing)
        assert (done.returncode, done.stdout) == (64, "")
        assert str(missing) in done.stderr


def test_an_unreadable_configuration_is_named(necism: Necism, tmp_path: Path) -> None:
    """A service file that is a directory is a problem of the configuration, not a bug."""
    (tmp_path / "services" / "a.conf").mkdir(parents=True)
    done = necism("status", "--config", tmp_path)
    assert done.returncode == 64
    assert "a.conf" in done.stderr
    assert "bug" not in done.stderr


def test_all_problems_of_a_configuration_are_told_at_once(necism: Necism, tmp_path: Path) -> None:
    """Two faults in one file are two lines with file and line."""
    service = tmp_path / "a.conf"
    service.write_text("[sync#1]\ntype = necismsnap\ndevs = A:B\nsync_max_dely = 3\nparallel = many\n")
    done = necism("status", "--config", service)
    assert done.returncode == 64
    assert f"{service}:4" in done.stderr
    assert f"{service}:5" in done.stderr


def test_shared_options_stand_before_or_after_the_verb(necism: Necism, simulated: Simulated) -> None:
    """Both places mean the same; of two, the one after the verb counts."""
    config = simulated("seed") / "config"
    before, after = necism("--config", config, "config", "show"), necism("config", "show", "--config", config)
    middle, both = (
        necism("config", "--config", config, "show"),
        necism("--config=/x", "config", "show", "--config", config),
    )
    assert before.returncode == 0
    assert {one.stdout for one in (before, after, middle, both)} == {before.stdout}


def test_an_option_outranks_the_environment_and_that_the_file(necism: Necism, simulated: Simulated) -> None:
    """--run-dir > NECISM_RUN_DIR > necism.conf, and NECISM_CONFIG names the configuration."""
    config = str(simulated("seed") / "config")

    def run_dir(*words: str, **environ: str) -> str:
        shown = necism("config", "show", *words, NECISM_CONFIG=config, **environ).stdout.splitlines()
        return next(line.split()[2] for line in shown if line.split()[1:2] == ["run_dir"])

    assert run_dir().endswith("/seed/run")
    assert run_dir(NECISM_RUN_DIR="/from/environment") == "/from/environment"
    assert run_dir("--run-dir", "/from/option", NECISM_RUN_DIR="/from/environment") == "/from/option"


def test_a_variable_of_the_log_is_checked(necism: Necism) -> None:
    """NECISM_LOG_LEVEL holds a level or is wrong usage."""
    done = necism("explain", NECISM_LOG_LEVEL="loud")
    assert done.returncode == 64
    assert "NECISM_LOG_LEVEL" in done.stderr


def test_version_and_help_go_to_standard_output(necism: Necism) -> None:
    """Both end with 0; the help lists every verb that is here."""
    version, shown = necism("--version"), necism("--help")
    assert (version.returncode, version.stdout) == (0, f"necism-monitor {__version__}\n")
    assert shown.returncode == 0
    listed = {line.split()[0] for line in shown.stdout.splitlines() if line.startswith("  ") and line.split()}
    assert {"status", "collect", "capture", "explain", "config", "simulator"} <= listed
    assert necism("--help", "status").stdout == shown.stdout


@pytest.mark.parametrize("verb", ["status", "collect", "capture", "explain", "config", "simulator"])
def test_every_verb_explains_itself(necism: Necism, verb: str) -> None:
    """`necism VERB --help` shows its usage and the shared options."""
    done = necism(verb, "--help")
    assert done.returncode == 0
    assert f"usage: necism {verb}" in done.stdout
    assert "--state-dir" in done.stdout


def test_the_verb_is_found_past_options() -> None:
    """Options before the verb take a value, unless it is written behind a `=`."""
    assert find_verb(["--config", "status", "collect"]) == "collect"
    assert find_verb(["--config=status", "collect"]) == "collect"
    assert find_verb(["--version", "collect"]) == "collect"
    assert find_verb(["-h", "collect"]) is None
    assert find_verb(["--json", "status"]) is None
    assert find_verb([]) is None


def test_status_loads_neither_web_nor_terminal_libraries(simulated: Simulated) -> None:
    """What the exporter, the page and a terminal need costs a status in a pipe nothing."""
    config = simulated("eight") / "config"
    script = (
        "import sys; from necism_monitor.cli.main import main; "
        f"main(['status', '--json', '--config', {str(config)!r}]); "
        "print(*(name for name in ('rich', 'starlette', 'prometheus_client', 'uvicorn', 'nagiosplugin')"
        " if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        timeout=PATIENCE,
    )
    assert done.stderr.strip() == ""


def test_every_error_has_one_code() -> None:
    """64 for the caller, 3 for the machine, 70 for us."""
    problem = Problem("f", 1, "v", "r")
    expected: list[tuple[NecismError, int]] = [
        (UsageError("x"), 64), (ConfigError((problem,)), 64), (EnvironmentProblem("x"), 3), (JournalDamaged("x"), 3),
        (Incoherent("x"), 70), (NecismError("x"), 70),
    ]  # fmt: skip
    assert [exit_code(error) for error, _ in expected] == [code for _, code in expected]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyError("lost"), 70, "necism: this is a bug of necism-monitor: KeyError: 'lost'"),
        (Incoherent("two truths"), 70, "necism: this is a bug of necism-monitor: Incoherent: two truths"),
        (EnvironmentProblem("disk full", "make room"), 3, "necism: disk full\nhint: make room\n"),
        (KeyboardInterrupt(), 130, "necism: interrupted\n"),
        (BrokenPipeError(), 0, ""),
        (SystemExit(143), 143, ""),
    ],
)
def test_whatever_is_raised_ends_in_a_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No exception leaves main; a bug is called ours and shows where it happened."""

    def fail(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(frame, "_run", fail)
    assert main(["status"]) == code
    shown = capsys.readouterr().err
    assert shown.startswith(said)
    assert ("in fail" in shown) == (code == 70)


@pytest.mark.parametrize(
    "words", [["explain"], ["status", "--config", "CONFIG"], ["status", "--json", "--config", "CONFIG"]]
)
def test_a_reader_that_goes_away_is_no_error(words: list[str], simulated: Simulated) -> None:
    """`necism ... | true` ends with the verb's own code and without a word."""
    config = str(simulated("eight") / "config")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "necism_monitor", *(config if word == "CONFIG" else word for word in words)]
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, check=False, env=clean_environment(), timeout=PATIENCE
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_results_that_cannot_be_written_are_said_to_be_lost() -> None:
    """A full disk behind standard output ends with 3."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "necism_monitor", "explain"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=clean_environment(), timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.startswith("necism: standard output cannot be written: No space left on device\nhint: ")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_result(closed: str, simulated: Simulated) -> None:
    """Whatever a cron job closes, the code is that of the verb."""
    config = simulated("eight") / "config"
    line = f'"$0" -m necism_monitor status --config "$1" {closed}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable, str(config)],
        capture_output=True, check=False, env=clean_environment(), timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == b""


def test_a_broken_standard_error_stops_nothing(simulated: Simulated) -> None:
    """The log goes nowhere, the result is whole."""
    config = simulated("seed") / "config"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "necism_monitor", "--log.level=debug", "status", "--json", "--config", str(config)],
            stdout=subprocess.PIPE, stderr=full, text=True, check=False, env=clean_environment(), timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "up"


def test_an_ascii_terminal_shows_escapes(necism: Necism, simulated: Simulated) -> None:
    """A word of the array that the output's encoding lacks does not end in an error."""
    place = simulated("seed")
    add_fault(place, {"kind": "stderr", "command": "*", "occurrence": "all", "stderr": "Fehler: schö\n", "exit": 1})
    done = necism("status", "--config", place / "config", PYTHONIOENCODING="ascii")
    assert done.returncode == 3
    assert "query-failed" in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_question_with_the_verb(number: signal.Signals, code: int, simulated: Simulated) -> None:
    """Neither Ctrl-C, SIGTERM nor a terminal that goes away leaves a READ command behind."""
    place = simulated("seed")
    add_fault(place, {"kind": "hang_before", "command": "*", "occurrence": "all"})
    child = subprocess.Popen(
        [sys.executable, "-m", "necism_monitor", "status", "--config", str(place / "config")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(),
    )  # fmt: skip
    pid = _first_call(place)
    child.send_signal(number)
    out, _ = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out) == (code, "")
    assert not Path(f"/proc/{pid}").exists()


def _first_call(place: Path) -> int:
    """The process of the first command that the array was sent."""
    deadline = time.monotonic() + PATIENCE
    log = place / "calls.jsonl"
    while not (log.exists() and log.read_text().endswith("\n")):
        assert time.monotonic() < deadline, "no command was started"
        time.sleep(0.02)
    return int(json.loads(log.read_text().splitlines()[0])["pid"])


def test_verbs_register_what_the_table_says() -> None:
    """Each verb of the table is made by the module that the table names."""
    for verb in VERBS:
        assert verb in frame.make_parser(verb).verbs()


def test_a_verb_that_was_not_installed_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A distributor may leave a module out: its verb is then not offered, and no bug."""
    monkeypatch.setattr(frame, "VERBS", {"status": "status", "left-out": "left_out"})
    assert "left-out" not in frame.make_parser(None).format_help()
    with pytest.raises(UsageError, match="'left-out' is not part of this installation"):
        frame.make_parser("left-out")


def test_an_ignored_signal_stays_ignored(simulated: Simulated) -> None:
    """`nohup necism ...` does not end with its terminal, and main leaves the handlers as they were."""
    config = simulated("seed") / "config"
    script = (
        "import signal, sys; from necism_monitor.cli.main import main; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        f"before = signal.getsignal(signal.SIGTERM); main(['status', '--config', {str(config)!r}]); "
        "sys.exit(signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN or signal.getsignal(signal.SIGTERM) != before)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, env=clean_environment(), timeout=PATIENCE)
    assert done.returncode == 0


@pytest.mark.parametrize("words", [["--help"], ["resync", "--help"], ["--version"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_help_that_cannot_be_written_is_said_to_be_lost(words: list[str], unbuffered: str) -> None:
    """Whoever saved it to a full disk learns that there is nothing."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "necism_monitor", *words],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE,
            env=clean_environment(PYTHONUNBUFFERED=unbuffered),
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.startswith("necism: standard output cannot be written")


def test_a_plan_that_cannot_be_written_is_an_error(simulated: Simulated) -> None:
    """A dry run has no other result than what it prints."""
    config = str(simulated("stale") / "config")
    service = next(Path(config, "services").iterdir()).stem
    words = ["resync", service, "--dry-run", "--config", config]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "necism_monitor", *words],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=clean_environment(), timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 3
    assert "standard output cannot be written" in done.stderr


@pytest.mark.parametrize("words", [["--config", "x"], ["--state-dir", "x"]])
def test_a_working_directory_that_is_gone_is_no_bug(words: list[str], simulated: Simulated, tmp_path: Path) -> None:
    """A relative path in it: 64 with a hint; absolute paths work as everywhere."""
    config = simulated("seed") / "config"
    gone = tmp_path / "gone"
    gone.mkdir()
    line = 'cd "$1" && rmdir "$1" && shift && exec "$@"'

    def run(*more: object) -> subprocess.CompletedProcess[str]:
        command = ["sh", "-c", line, "sh", gone, sys.executable, "-m", "necism_monitor", "config", "check", *more]
        gone.mkdir(exist_ok=True)
        return subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=False, timeout=PATIENCE,
            env=clean_environment(NECISM_CONFIG=str(config)),
        )  # fmt: skip

    done = run(*words)
    assert done.returncode == 64, done.stderr
    assert "working directory does not exist" in done.stderr
    assert run("--state-dir", tmp_path).returncode == 0


@pytest.mark.parametrize("error", [RuleError("5", "a duration needs a unit", "write 5s"), NameRuleError("", "r", "h")])
def test_a_broken_rule_is_wrong_usage(
    error: RuleError | NameRuleError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever text was read, its fault is the writer's."""

    def fail(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(frame, "_run", fail)
    assert main(["status"]) == 64
    assert capsys.readouterr().err == f"necism: {error}\nhint: {error.hint}\n"
