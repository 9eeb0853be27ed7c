"""Turns every way a READ command can end into its text or into the reason why nobody knows.

Each ending has its own sentence and its own hint: a missing program, a program that may not be run, a deadline and a
failure are put right by different people in different places.
"""

from __future__ import annotations

from typing import assert_never

from necism_monitor.domain.patterns import pattern
from necism_monitor.domain.reading import Unread
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.screen import quoted, unreadable

_ARGV_MAX = 200
_BY_HAND = "run it by hand with LC_ALL=C; `necism capture DIR` keeps what every READ command says"
_CUT_HINT = (
    "try `ssh -o BatchMode=yes HOST true` as the user that runs necism, with -F and the ssh_config beside the "
    "configuration where there is one: key and known_hosts entry must do without a question"
)
_HINT_OF_CODE = {
    126: "the program was found but could not be executed: check its rights and `command_prefix`",
    127: "the program was not found behind `command_prefix` or `host`: install iSMccs.rpm there or set `ism_path`",
    255: "ssh itself ends with 255: check `host`, its key and its known_hosts entry, then " + _BY_HAND,
}

_SUDO_REFUSES = pattern(r"sudo: (?:a password is required|[^\n]*: command not found)")


def text_of(output: Output) -> str | Unread:
    """Standard output of a command that exited 0 and was kept whole; else why there is none.

    A nonzero exit is `query-failed`, whatever its text says: no other exit code is documented.
    """
    if not output.succeeded:
        return _failure(output)
    if output.truncated:
        return unreadable(
            f"{_shown(output)}: the output is longer than what is kept of it",
            "no screen is that long: run it by hand and see what it prints",
        )
    if not output.stdout.strip():
        return unreadable(
            f"{_shown(output)}: exit code 0 and no output{_said(output)}",
            "a working command prints a screen: " + _BY_HAND,
        )
    return output.stdout


def _failure(output: Output) -> Unread:
    shown = _shown(output)
    match output.ending:
        case Ending.MISSING:
            hint = "install iSMccs.rpm, or set `ism_path` to its directory"
            return _failed(f"{shown}: program not found", hint, not_run=True)
        case Ending.NOT_EXECUTABLE:
            hint = "chmod +x it, or run as a user who may"
            return _failed(f"{shown}: the program may not be executed", hint, not_run=True)
        case Ending.NOT_STARTED if output.code is None:
            hint = "put right what the text names; the command was not sent to the array"
            return _failed(f"{shown}: not started{_said(output)}", hint, not_run=True)
        case Ending.NOT_STARTED:
            return _failed(
                f"{shown}: could not be started (errno {output.code})",
                "this machine refused to start a process: look at its memory and process limits",
            )
        case Ending.SIGNALLED:
            return _failed(
                f"{shown}: killed by signal {output.code}{_said(output)}",
                "somebody or the kernel killed it: look into the system log (out of memory, core dump)",
            )
        case Ending.EXITED:
            text = f"{shown}: exit code {output.code}{_said(output)}"
            return _failed(text, _hint(output), not_run=_stopped_before(output))
        case Ending.CUT:
            return _failed(f"{shown}: no answer over ssh{_said(output)}", _CUT_HINT)
        case Ending.TIMED_OUT | Ending.LOST | Ending.ABANDONED:
            return _late(output, output.ending)
        case _:
            assert_never(output.ending)


def _late(output: Output, ending: Ending) -> Unread:
    if ending is Ending.TIMED_OUT and output.pid is None:
        return Unread(
            "timed-out", f"{_shown(output)}: not asked, no time was left", "give more time, or look at the array"
        )
    waited = f"{_shown(output)}: no answer within {max(0.0, output.ended_at - output.started_at):.0f} s"
    if ending is Ending.TIMED_OUT:
        hint = "commands were seen to stall for three minutes: raise `read_timeout`, or look at the paths to the array"
        return Unread("timed-out", f"{waited}, and it was stopped", hint)
    if ending is Ending.LOST:
        hint = "it hangs in the kernel: look at the paths to the array (multipath -ll, dmesg); only they can free it"
        return Unread("timed-out", f"{waited}, and it cannot be stopped (process {output.pid})", hint)
    hint = "it was left alone because it may still take effect: wait for its end, then read again"
    return Unread("timed-out", f"{waited}, and it still runs (process {output.pid})", hint)


def _failed(text: str, hint: str, *, not_run: bool = False) -> Unread:
    return Unread("query-failed", text, hint, not_run)


def _stopped_before(output: Output) -> bool:
    """What stands before the command says that it did not run it; no exit code of the commands themselves is known.

    126 and 127 are POSIX's own words of a shell, `env` and the like; sudo ends with 1 and says so on standard error.
    """
    front = output.argv[0].rpartition("/")[2]
    if front == "sudo" and output.code == 1 and not output.stdout:
        return _SUDO_REFUSES.fullmatch(output.stderr.strip()) is not None
    return output.code in {126, 127} and not front.startswith("iSM")


def _hint(output: Output) -> str:
    from necism_monitor.ism.messages import BUSY_IDS, ids_of  # noqa: PLC0415 - only a failure has numbers to look up

    if not BUSY_IDS.isdisjoint(ids_of(output)):
        return "the array says it is busy: the next reading will show whether it still is"
    return _HINT_OF_CODE.get(output.code or 0, _BY_HAND)


def _shown(output: Output) -> str:
    line = " ".join(output.argv)
    return line if line.isprintable() and len(line) <= _ARGV_MAX else quoted(line)


def _said(output: Output) -> str:
    """The first line of standard error, else of standard output, and the message numbers of both."""
    from necism_monitor.ism.messages import ids_of  # noqa: PLC0415 - as in _hint

    spoken = next((stream for stream in (output.stderr, output.stdout) if stream.strip()), "")
    ids = ids_of(output)
    first = f": {quoted(spoken.strip().splitlines()[0])}" if spoken else ""
    return first + (f" ({', '.join(ids[:5])})" if ids else "")
