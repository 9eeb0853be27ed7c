"""Every way a READ command can end has its own sentence and its own hint."""

import pytest

from necism_monitor.domain.reading import Unread
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.output import Ending, Output
from tests.ism.screens import ended

FAILURES = {
    "missing": (ended(code=None, ending=Ending.MISSING), "query-failed", "iSMccs"),
    "not executable": (ended(code=None, ending=Ending.NOT_EXECUTABLE), "query-failed", "chmod"),
    "not started": (ended(code=11, ending=Ending.NOT_STARTED), "query-failed", "process limits"),
    "ssh client": (ended(code=None, ending=Ending.NOT_STARTED, stderr="no ssh\n"), "query-failed", "not sent"),
    "connection": (ended(code=255, ending=Ending.CUT, stderr="Connection refused\n"), "query-failed", "ssh -o"),
    "signalled": (ended(code=9, ending=Ending.SIGNALLED), "query-failed", "system log"),
    "failed": (ended(code=2), "query-failed", "by hand"),
    "busy": (ended(code=2, stderr="iSMsc_query:Error: iSM31005: x"), "query-failed", "busy"),
    "no rights behind the prefix": (ended(code=126), "query-failed", "rights"),
    "missing behind the prefix": (ended(code=127), "query-failed", "ism_path"),
    "ssh": (ended(code=255), "query-failed", "known_hosts"),
    "timed out": (ended(code=None, ending=Ending.TIMED_OUT), "timed-out", "read_timeout"),
    "lost": (ended(code=None, ending=Ending.LOST), "timed-out", "multipath"),
    "abandoned": (ended(code=None, ending=Ending.ABANDONED), "timed-out", "wait for its end"),
    "truncated": (ended("x" * 99, truncated=True), "unreadable", "no screen is that long"),
    "silent": (ended(" \n"), "unreadable", "prints a screen"),
}


def unread(output: Output) -> Unread:
    """Why there is no text."""
    found = text_of(output)
    assert isinstance(found, Unread), found
    return found


def test_a_successful_command_gives_its_text_unchanged() -> None:
    """Exit 0, kept whole: the text as it came, whatever stands on standard error."""
    assert text_of(ended("\nscreen\n", stderr="warning: locale")) == "\nscreen\n"


@pytest.mark.parametrize(("output", "code", "hint"), FAILURES.values(), ids=FAILURES.keys())
def test_every_failure_names_the_command_and_what_to_do(output: Output, code: str, hint: str) -> None:
    """The finding's code, the command as it was sent, and a hint for the one who can put it right."""
    found = unread(output)
    assert found.code == code
    assert found.text.startswith("iSMsc_query -sv SV1")
    assert hint in found.hint


def test_no_two_failures_share_sentence_or_hint() -> None:
    """Different causes are told apart by their words; every ending but a normal one is among them."""
    found = [unread(output) for output, _, _ in FAILURES.values()]
    assert len({one.text for one in found}) == len({one.hint for one in found}) == len(FAILURES)
    assert {output.ending for output, _, _ in FAILURES.values()} == set(Ending)


ENV, SUDO = ("env", "iSMsc_query", "-sv", "SV1"), ("/usr/bin/sudo", "-n", "iSMsc_query")
NOT_RUN = {
    "missing": (FAILURES["missing"][0], True),
    "not executable": (FAILURES["not executable"][0], True),
    "missing behind a prefix": (ended(code=127)._replace(argv=ENV), True),
    "not executable behind a prefix": (ended(code=126)._replace(argv=ENV), True),
    "sudo without a rule": (ended(code=1, stderr="sudo: a password is required\n")._replace(argv=SUDO), True),
    "sudo without the program": (
        ended(code=1, stderr="sudo: iSMsc_query: command not found\n")._replace(argv=SUDO),
        True,
    ),
    "126 of the command itself": (ended(code=126), False),
    "127 of the command itself": (ended(code=127)._replace(argv=("/opt/iSM/bin/iSMsc_query",)), False),
    "a failure behind sudo": (
        ended(code=1, stderr="iSMsc_query:Error: iSM19907: no list\n")._replace(argv=SUDO),
        False,
    ),
    "sudo warns and the command fails": (
        ended(code=1, stderr="sudo: unable to resolve host\niSMsc_query:Error: x\n")._replace(argv=SUDO),
        False,
    ),
    "a sudo word without sudo": (ended(code=1, stderr="sudo: a password is required\n"), False),
    "another failure": (ended(code=2), False),
    "not started": (FAILURES["not started"][0], False),
    "timed out": (FAILURES["timed out"][0], False),
}


@pytest.mark.parametrize(("output", "not_run"), NOT_RUN.values(), ids=NOT_RUN.keys())
def test_only_the_system_says_that_a_command_did_not_run(output: Output, not_run: bool) -> None:
    """The kernel, POSIX's 126 and 127 of what stands in front, sudo's own words; what the command says is not known."""
    assert unread(output).not_run is not_run


def test_a_nonzero_exit_is_a_failure_even_with_a_whole_screen() -> None:
    """Only exit 0 is success: no other exit code is documented."""
    assert unread(ended("BV Information\n", code=1)).code == "query-failed"


def test_the_text_quotes_exit_code_first_line_and_numbers() -> None:
    """Standard error speaks first, else standard output; numbers of both streams are named."""
    found = unread(ended("\nout iSM20020\n", "\n  iSMsc_query:Error: iSM19999: bad\nmore\n", code=3))
    assert found.text == ("iSMsc_query -sv SV1: exit code 3: 'iSMsc_query:Error: iSM19999: bad' (iSM20020, iSM19999)")
    assert unread(ended("out\n", code=3)).text == "iSMsc_query -sv SV1: exit code 3: 'out'"


def test_a_silent_success_quotes_standard_error() -> None:
    """A command that prints nothing and exits 0 may have said why on the other stream."""
    assert "no array" in unread(ended("", "no array\n")).text


def test_texts_are_short_and_printable() -> None:
    """Whatever the streams and the command line hold, a terminal is safe."""
    found = unread(ended(stderr="\x1b]0;x\x07" * 100_000, code=1))
    assert found.text.isprintable()
    assert len(found.text) < 400
    argv = ("ssh", "host", "x" * 10_000, "\x1b[2J")
    assert unread(ended(code=1)._replace(argv=argv)).text.isprintable()
    assert len(unread(ended(code=1)._replace(argv=argv)).text) < 400


def test_the_waiting_time_is_told() -> None:
    """A deadline's text says how long the command had; a clock stepped back is no negative wait."""
    late = ended(code=None, ending=Ending.TIMED_OUT)
    assert "within 240 s" in unread(late._replace(started_at=0.0, ended_at=240.2)).text
    assert "within 0 s" in unread(late._replace(started_at=50.0, ended_at=20.0)).text
