"""What may be believed of a command that was sent over ssh: its own marks, and of ssh's words only a few."""

from __future__ import annotations

import pytest

from necism_monitor.domain.events import NotDone, Unclear, Unlink
from necism_monitor.domain.names import LdName
from necism_monitor.ism.far_side import change_output, hear, read_output
from necism_monitor.ism.outcome import outcome
from necism_monitor.ism.output import Ending, Output

N = "abc"
BEGUN = f"\nnecism:{N}:begun\n"
ARGV = ("iSMsc_unlink", "-lv", "A", "-lvflg", "ld")
STEP = Unlink(LdName("BV"), LdName("A"), LdName("SV"))
BUSY = "iSMsc_unlink:Error: iSM31005: busy\n"
SUCCESS = "iSMsc_unlink:Info: iSM20030: iSMsc_unlink has normally terminated.\n"


def ended(status: int | str) -> str:
    return f"\nnecism:{N}:ended:{status}\n"


def ssh(
    stdout: str = "", stderr: str = "", code: int | None = 0, ending: Ending = Ending.EXITED, *, cut: bool = False
) -> Output:
    return Output(("ssh",), ending, code, stdout, stderr, 100.0, 101.0, 4711, cut)


def changed(output: Output) -> Output:
    return change_output(output, N, ARGV, "far:lock")


def test_what_a_login_shell_or_ssh_says_is_not_the_command_s() -> None:
    """A greeting before the beginning, a word of ssh after the end: the command's text stands between."""
    output = changed(
        ssh(f"welcome{BEGUN}{SUCCESS}{ended(0)}", f"stty: no tty\n{BEGUN}{ended(0)}Connection closed.\r\n")
    )
    assert (output.ending, output.code, output.stdout, output.stderr) == (Ending.EXITED, 0, SUCCESS, "")


@pytest.mark.parametrize("code", [0, 1, 255, None])
def test_without_the_mark_of_its_end_nothing_is_known(code: int | None) -> None:
    """Whatever ssh ended with, and whatever the command had printed: busy is not believed, nor is success."""
    ending = Ending.SIGNALLED if code is None else Ending.EXITED
    for text in (SUCCESS, BUSY):
        output = changed(ssh(f"{BEGUN}{text}", f"{BEGUN}Timeout, server far not responding.\r\n", code, ending))
        assert output.ending is Ending.CUT
        assert isinstance(outcome(STEP, output), Unclear)
        assert "not responding" in output.stderr


def test_an_end_whose_output_is_not_whole_proves_no_success() -> None:
    """The status arrived, the end of standard output did not: unclear, though it exited 0."""
    output = changed(ssh(f"{BEGUN}{SUCCESS}", f"{BEGUN}{ended(0)}"))
    assert (output.ending, output.code, output.truncated) == (Ending.EXITED, 0, True)
    assert isinstance(outcome(STEP, output), Unclear)


@pytest.mark.parametrize("said", [
    "ssh: connect to host far port 22: Connection refused", "ssh: connect to host ::1 port 22: No route to host",
    "ssh: Could not resolve hostname far: Name or service not known", "Host key verification failed.",
    "root@far: Permission denied (publickey,password).",
])  # fmt: skip
def test_a_connection_that_never_was_is_a_certain_no(said: str) -> None:
    """The client's last words before it could ask for anything; the command was not started."""
    output = changed(ssh("", f"some warning\r\n{said}\r\n", 255))
    assert output.ending is Ending.NOT_STARTED
    event = outcome(STEP, output)
    assert isinstance(event, NotDone)
    assert said in event.why


@pytest.mark.parametrize(("stdout", "stderr", "code"), [
    (BEGUN, "Host key verification failed.\n", 255),
    ("x", "Host key verification failed.\n", 255),
    ("", f"{BEGUN}Host key verification failed.\n", 255),
    ("", "Host key verification failed.\n", 1),
    ("", "Host key verification failed.\nConnection closed by far port 22\n", 255),
    ("", "Connection reset by peer\n", 255),
    ("", "Connection to far closed by remote host.\n", 255),
    ("", "client_loop: send disconnect: Broken pipe\n", 255),
    ("", "", 255),
])  # fmt: skip
def test_any_other_end_of_ssh_is_no_proof(stdout: str, stderr: str, code: int) -> None:
    """Also where the words are right but something else was heard."""
    assert changed(ssh(stdout, stderr, code)).ending is Ending.CUT


def test_a_mark_with_another_number_is_text() -> None:
    """What the command prints itself cannot end it."""
    text = "\nnecism:xyz:ended:0\n"
    output = changed(ssh(f"{BEGUN}{text}", f"{BEGUN}{text}", 255))
    assert output.ending is Ending.CUT


@pytest.mark.parametrize(("word", "why"), [
    ("busy", "earlier run"), ("fenced", "another run"), ("flock", "`flock` is not installed"), ("room", "no file"),
])  # fmt: skip
def test_a_script_that_did_not_start_the_command_says_why(word: str, why: str) -> None:
    """A certain no, in words for people."""
    text = f"\nnecism:{N}:not:{word}\n"
    output = changed(ssh(text, text))
    assert output.ending is Ending.NOT_STARTED
    assert why in output.stderr


@pytest.mark.parametrize("cut", ["", "ended:", "ended:1", "ended:x\n", "claimed", "not:bu"])
def test_a_mark_that_is_cut_is_no_mark(cut: str) -> None:
    """The status may have had another digit."""
    heard = hear(ssh(BEGUN, f"{BEGUN}\nnecism:{N}:{cut}"), N)
    assert (heard.status, heard.word, heard.begun) == (None, None, True)


def test_a_reading_keeps_how_it_ended() -> None:
    """Killed over there: too slow; killed here: too slow; ssh's 255: no connection; its own: its own."""
    both = f"{BEGUN}{ended(124)}"
    assert read_output(ssh(both, both), N, ARGV, 60).ending is Ending.TIMED_OUT
    early = f"{BEGUN}{ended(137)}"
    assert read_output(ssh(early, early), N, ARGV, 60).code == 137
    assert read_output(ssh(early, early), N, ARGV, 0.5).ending is Ending.TIMED_OUT
    assert read_output(ssh(code=None, ending=Ending.TIMED_OUT), N, ARGV, 60).ending is Ending.TIMED_OUT
    assert read_output(ssh(code=255), N, ARGV, 60).ending is Ending.CUT
    assert read_output(ssh(code=None, ending=Ending.MISSING, stderr="no ssh"), N, ARGV, 60).never_ran
