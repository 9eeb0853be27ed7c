"""What came back over ssh: the command's own words and end, cut out between the marks of the scripts in `ism.reach`.

The exit status of ssh is not the command's: 255 may be either's, and a broken connection ends ssh while the command
works on.  So only a mark proves that a command began, ended, or was never started.
"""

from typing import Final, NamedTuple

from necism_monitor.domain.patterns import pattern
from necism_monitor.ism.output import Ending, Output

_KILLED: Final = 137
"""128 + SIGKILL, as a shell or `timeout` reports it."""
_TOO_LONG: Final = 124
"""What `timeout` ends with when it had to send TERM."""
_SSH_FAILED: Final = 255

_NEVER_CONNECTED: Final = pattern(
    r"ssh: connect to host \S+ port \S+: .+"
    r"|ssh: Could not resolve hostname .+"
    r"|Host key verification failed\."
    r"|\S+: Permission denied \([^()]*\)\."
)
"""The last words of an OpenSSH client that had not yet asked for anything (its source and observation, 9.2)."""

_NOT: Final = {
    "busy": "the array's lock there ({lock}) is held: a command that an earlier run started still works on the array",
    "fenced": "another run has claimed the array there since ours began ({lock})",
    "foreign": "another run has claimed the array there since ours began ({lock})",
    "gone": "the array's lock there ({lock}) was removed or replaced",
    "file": "the array's lock there ({lock}) cannot be made or opened",
    "write": "the array's lock there ({lock}) cannot be written",
    "wait": "`setsid` there has no option -w, without which no change is sent: install a newer util-linux there",
    "room": "no file can be made there for the command's output (/dev/shm, ~/.necism, /tmp)",
}


class Heard(NamedTuple):
    """One ssh command, taken apart."""

    begun: bool
    status: int | None
    """The command's own exit status, a shell's 128 + N for a signal; None = its end was not heard."""
    word: str | None
    """`claimed`, or after `not:` why the script did not start the command."""
    whole: bool
    """The end was heard on both streams, so nothing of either is missing."""
    stdout: str
    stderr: str
    around: str
    """What is not the command's: ssh's own words on standard error, else what came instead of any mark."""


def hear(output: Output, nonce: str) -> Heard:
    """Cut the streams of an ssh command at the marks with `nonce`."""
    out, err = _cut(output.stdout, nonce), _cut(output.stderr, nonce)
    ended = next((word for word in err if word.startswith("ended:")), None)
    status = ended.removeprefix("ended:") if ended else ""
    # The word that decides is taken from either stream: it is the first thing said, and nothing else follows it.
    word = next((word for word in (*err, *out) if word == "claimed" or word.startswith("not:")), None)
    begun = "begun" in out or "begun" in err
    around = "".join(rest for name, rest in err.items() if name != "begun").replace("\r", "")
    # Without any mark nothing is the command's: an account without a login says so on standard output.
    around = around if around.strip() or out.keys() | err.keys() != {""} else out[""]
    return Heard(
        begun=begun,
        status=int(status) if status.isdecimal() else None,
        word=word,
        whole=ended is not None and ended in out,
        stdout=out.get("begun", ""),
        stderr=err.get("begun", ""),
        around=around,
    )


def _cut(text: str, nonce: str) -> dict[str, str]:
    """Mark -> the text behind it; what comes before the first stands under the empty one.

    A mark without its line's end may be cut: it says nothing.
    """
    before, *parts = text.split(f"\nnecism:{nonce}:")
    found = {"": before}
    for part in parts:
        word, whole, rest = part.partition("\n")
        found.setdefault(word if whole else "cut", rest)
    return found


def read_output(output: Output, nonce: str, argv: tuple[str, ...], seconds: float) -> Output:
    """The `Output` of a READ as if it had run here; `argv` is the line to be shown, `seconds` its time over there."""
    if output.never_ran:
        return _no_client(output, argv)
    heard = hear(output, nonce)
    if output.ending in {Ending.TIMED_OUT, Ending.LOST}:
        return output._replace(argv=argv, stdout=heard.stdout, stderr=heard.stderr or heard.around)
    if heard.status is None:
        return _cut_off(output, heard, argv)
    lasted = output.ended_at - output.started_at
    if heard.status == _TOO_LONG or (heard.status == _KILLED and lasted >= seconds):
        return _over(output, heard, argv)._replace(ending=Ending.TIMED_OUT, code=None)
    return _over(output, heard, argv)


def change_output(output: Output, nonce: str, argv: tuple[str, ...], lock: str) -> Output:
    """The `Output` of a CHANGE whose ssh client has ended.

    NOT_STARTED only where that is certain; CUT where nobody knows, not even whether it still works.
    """
    if output.never_ran:
        return _no_client(output, argv)
    heard = hear(output, nonce)
    if heard.status is not None:
        return _over(output, heard, argv)
    why = why_not(heard, lock)
    if why is None and never_connected(output, heard):
        why = said_by_ssh(heard)
    if why is not None and not heard.begun:
        text = f"{why}\n"
        return output._replace(argv=argv, ending=Ending.NOT_STARTED, code=None, stdout="", stderr=text)
    return _cut_off(output, heard, argv)


def cut_output(output: Output, nonce: str, argv: tuple[str, ...]) -> Output:
    """What can be said of a command whose end was not heard from its client, be that gone or still there."""
    return _cut_off(output, hear(output, nonce), argv)


def why_not(heard: Heard, lock: str) -> str | None:
    """Why the script over there did not do what it was sent for; None where it does not say so."""
    if heard.word is None or not heard.word.startswith("not:"):
        return None
    word = heard.word.removeprefix("not:").partition(":")[0]
    return _NOT.get(word, f"`{word}` is not installed there").format(lock=lock)


def never_connected(output: Output, heard: Heard) -> bool:
    """Whether ssh ended before it could ask for anything: by its last words, and only where nothing speaks against."""
    ended = output.ending is Ending.EXITED and output.code == _SSH_FAILED and not output.truncated
    spoke = heard.begun or heard.word is not None or output.stdout
    return ended and not spoke and _NEVER_CONNECTED.fullmatch(said_by_ssh(heard)) is not None


def said_by_ssh(heard: Heard) -> str:
    """The last line that is not the command's; without one its last line, which may be ssh's as well."""
    lines = [line.strip() for line in (heard.around if heard.around.strip() else heard.stderr).splitlines()]
    return next((line for line in reversed(lines) if line), "ssh said nothing")


def _over(output: Output, heard: Heard, argv: tuple[str, ...]) -> Output:
    """The command's own end; without the mark on both streams a part of its words may be missing."""
    return output._replace(
        argv=argv,
        ending=Ending.EXITED,
        code=heard.status,
        stdout=heard.stdout,
        stderr=heard.stderr,
        truncated=output.truncated or not heard.whole,
    )


def _cut_off(output: Output, heard: Heard, argv: tuple[str, ...]) -> Output:
    code = _SSH_FAILED if output.code is None else output.code
    text = f"{said_by_ssh(heard)}\n"
    return output._replace(argv=argv, ending=Ending.CUT, code=code, stdout=heard.stdout, stderr=text)


def _no_client(output: Output, argv: tuple[str, ...]) -> Output:
    """Ssh itself is not there, or could not be started."""
    text = f"the ssh client could not be started here: {output.stderr.strip()}\n"
    return output._replace(argv=argv, ending=Ending.NOT_STARTED, code=None, stderr=text)
