"""`necism event` as monitors start it: whatever its arguments and surroundings are, it ends with 0 and says a line."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

from necism_monitor.adapters import syslog
from necism_monitor.cli import event as event_verb
from necism_monitor.cli.main import is_event, main
from necism_monitor.domain.request import read_request
from tests.cli.conftest import clean_environment
from tests.property.profiles import Profile, both
from tests.requests.conftest import SEL
from tests.resync.rig import Rig

GENEROUS = 120
HARD = "event nagios --state CRITICAL --state-type HARD --attempt 3 --problem-id 4711 --downtime 0".split()


def handle(*words: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """`necism WORDS` as a process."""
    argv = [sys.executable, "-m", "necism_monitor", *words]
    return subprocess.run(
        argv, capture_output=True, check=False, timeout=GENEROUS, cwd=cwd, env=clean_environment(**environ)
    )


def bare_run(argv: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """A process with that environment and nothing else."""
    return subprocess.run(argv, env=env, check=False, capture_output=True, timeout=GENEROUS)


def lines(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """What it said; nothing on standard output, and 0."""
    assert (done.returncode, done.stdout) == (0, b"")
    return done.stderr.decode().splitlines()


@pytest.mark.proves("N15")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["event"], "the following arguments are required"),
        (["event", "nagios"], "the following arguments are required: SEL"),
        (["event", "zabbix", "svc"], "invalid choice"),
        (["event", "nagios", "svc"], "nothing to do: the state type is '', not HARD"),
        (["event", "nagios", "svc", "extra"], "unrecognized argument: extra"),
        (["event", "nagios", "--bogus", "svc"], "unrecognized argument: --bogus"),
        (["event", "nagios", "--state"], "expected one argument"),
        ([*HARD[:3], "-1", "svc"], "nothing to do: "),
        (["--bogus", "event", "nagios", "svc"], "unrecognized argument: --bogus"),
        (["--log.level", "loud", *HARD, "svc"], "'loud'"),
        ([*HARD, ""], "'' is no selector"),
        ([*HARD, "$ARG1$"], "is no selector"),
        (["--config", "/nonexistent", *HARD, "svc"], "/nonexistent: cannot be read"),
        (["--config", "", *HARD, "svc"], "an empty path"),
        (["--run-dir", "/proc/nowhere", *HARD, "svc"], "no request can be left in /proc/nowhere/requests"),
        (["--run-dir", "/dev/null", *HARD, "svc"], "no request can be left in /dev/null/requests"),
    ],
)
def test_wrong_arguments_are_one_line_and_success(words: list[str], said: str) -> None:
    """Nagios takes anything else for trouble of its own, and shows a traceback to nobody."""
    (line,) = lines(handle(*words))
    assert said in line
    assert "Traceback" not in line


@pytest.mark.proves("N15")
def test_hostile_surroundings_are_one_line_and_success(stale: Rig, tmp_path: Path) -> None:
    """No environment, no locale, a working directory that is gone, closed streams, a broken or closed configuration."""
    config = ["--config", str(stale.config_dir)]
    argv = [sys.executable, "-m", "necism_monitor", *config, *HARD, SEL]
    bare = {"PYTHONPATH": str(Path.cwd())}
    done = bare_run(argv, {**bare, "LC_ALL": "C"})
    assert len(lines(done)) == 1
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && exec {' '.join(map(repr, argv))}"
    done = bare_run(["sh", "-c", script], bare)
    assert len(lines(done)) == 1
    done = bare_run(["sh", "-c", f"exec {' '.join(map(repr, argv))} 0<&- 1>&- 2>&-"], bare)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(list((stale.directory / "run/requests").iterdir())) == 1
    (stale.config_dir / "necism.conf").write_text("[necism\nrun_dir")
    (line,) = lines(handle(*config, *HARD, SEL))
    assert "necism.conf" in line
    shutil.rmtree(stale.config_dir)
    (line,) = lines(handle(*config, *HARD, SEL))
    assert "cannot be read: No such file" in line


@pytest.mark.proves("N15")
def test_a_bug_of_ours_is_one_line_and_success(
    stale: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even then, and even where it is an interrupt; syslog is told."""
    told: list[str] = []

    def fail(*_: object) -> None:
        raise ZeroDivisionError("oops\nsecond line")

    monkeypatch.setattr(event_verb, "decide", fail)
    monkeypatch.setattr(event_verb, "warn", told.append)
    assert main(["--config", str(stale.config_dir), *HARD, SEL]) == 0
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", [f"necism: {told[0]}"])
    assert told == ["event: no resync was requested: ZeroDivisionError: oops\\nsecond line"]


def test_help_is_for_persons(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for it gets it."""
    assert main(["event", "--help"]) == 0
    assert "--problem-id" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["event", "nagios"], True),
        (["--config", "x", "event"], True),
        (["--bogus", "event"], True),
        (["explain", "event"], False),
        (["explian", "event"], False),
        (["--config", "event", "status"], False),
        (["--config", "x", "stauts", "event"], False),
        ([], False),
    ],
)
def test_only_an_event_handler_is_taken_for_one(words: list[str], expected: bool) -> None:
    """Other verbs keep their exit codes."""
    assert is_event(words) is expected


def test_where_a_request_could_not_be_left_syslog_hears_it(stale: Rig, tmp_path: Path) -> None:
    """Nagios throws a handler's output away; a socket that is missing or full costs nothing."""
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(path))
        syslog.warn("event: no resync was requested: é", str(path))
        assert bound.recv(2000).decode() == f"<28>necism[{os.getpid()}]: event: no resync was requested: é"
        for _ in range(5000):
            syslog.warn("x" * 5000, str(path))
    syslog.warn("nobody hears this", str(path))
    syslog.warn("nor this", str(tmp_path / "nowhere"))


def test_a_handler_loads_little(stale: Rig) -> None:
    """None of what reads arrays, serves pages or checks: a storm of events is a storm of these."""
    code = "import sys; from necism_monitor.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    argv = [sys.executable, "-c", code, "--config", str(stale.config_dir), *HARD, SEL]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=GENEROUS)
    loaded = set(done.stdout.split())
    heavy = {"nagiosplugin", "prometheus_client", "starlette", "rich", "subprocess", "asyncio", "ssl"}
    rooms = {"app", "host", "simulator", "web"}
    assert loaded & heavy == set()
    assert [name for name in loaded if name.startswith("necism_monitor.") and name.split(".")[1] in rooms] == []
    assert "necism_monitor.adapters.journal" not in loaded


WORD = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        [
            "--state",
            "--state-type",
            "--attempt",
            "--problem-id",
            "--downtime",
            "--ack",
            "--",
            "-1",
            "--config",
            "nagios",
        ]
    ),
    st.sampled_from(["CRITICAL", "HARD", "0", "3", "4711", SEL, "$(reboot)", "`id`", "; rm -rf /", "a\nb", "\udce4"]),
)


@pytest.mark.proves("N15", "S07")
@both
def test_any_arguments_end_with_success_and_at_most_one_line(profile: Profile, stale: Rig) -> None:
    """Nothing on standard output; what lies in the spool afterwards is a request of the one name it could be."""
    head = ["--run-dir", str(stale.directory / "run"), "event"]

    @profile.tries(150, st.lists(WORD, max_size=16))
    def check(words: list[str]) -> None:
        if {"-h", "--help", "--version"} & set(words):
            return
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            assert main([*head, *words]) == 0
        assert out.getvalue() == ""
        assert len(err.getvalue().splitlines()) <= 1

    check_hard(profile, stale, head)
    spool = stale.directory / "run/requests"
    for path in spool.iterdir():
        assert read_request(path.name, path.read_bytes()).trigger in {"nagios", "icinga"}
    assert stale.calls() == []


def check_hard(profile: Profile, stale: Rig, head: list[str]) -> None:
    """Hard problems with any id and selector: some of them become requests."""

    @profile.tries(100, WORD, WORD)
    def check(identity: str, selector: str) -> None:
        words = ["--state", "2", "--state-type", "1", "--attempt", "1", "--downtime", "0", f"--problem-id={identity}"]
        with contextlib.redirect_stderr(io.StringIO()) as err:
            assert main([*head, "nagios", *words, "--", selector]) == 0
        assert len(err.getvalue().splitlines()) <= 1


@pytest.mark.proves("S07")
def test_nothing_that_a_monitor_says_reaches_a_command(stale: Rig) -> None:
    """Whatever keys were asked with: what the array was sent is what a person's run sends, plus readings."""
    poison = ["47;reboot", "$(id)", "4711", "x" * 90, "1.5e9", "--force"]
    for word in poison:
        main(["--config", str(stale.config_dir), *HARD[:-4], f"--problem-id={word}", "--downtime", "0", SEL])
    assert main(["--config", str(stale.config_dir), "dispatch"]) == 0
    sent = {word for call in stale.calls() for word in call["argv"]}
    assert sent.isdisjoint({*poison, "nagios", "CRITICAL", SEL})
    assert stale.sent("create") == 2


@pytest.mark.long
@pytest.mark.proves("N15", "S03")
def test_a_storm_of_handlers_is_one_request(stale: Rig) -> None:
    """300 processes, eight at a time; and 3000 calls in one process."""
    argv = [sys.executable, "-m", "necism_monitor", "--config", str(stale.config_dir), *HARD, SEL]
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(300):
        running.append(subprocess.Popen(argv, stderr=subprocess.DEVNULL))
        if len(running) == 8:
            assert [process.wait(timeout=GENEROUS) for process in running] == [0] * 8
            running = []
    assert all(process.wait(timeout=GENEROUS) == 0 for process in running)
    with contextlib.redirect_stderr(io.StringIO()):
        assert {main(argv[3:]) for _ in range(3000)} == {0}
    assert len(list((stale.directory / "run/requests").iterdir())) == 1
