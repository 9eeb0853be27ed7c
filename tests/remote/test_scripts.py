"""The scripts for the far side, run by real shells with a home directory of their own."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from necism_monitor.domain.model import Array
from necism_monitor.domain.names import ArrayName
from necism_monitor.ism.far_side import change_output, hear, read_output
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.reach import Link, change_line, claim_line, command_line, quote, read_line, shown_line
from tests.remote.far import GENEROUS, until

ARRAY = Array(ArrayName("a1"), host="far")
LINK = Link()
NONCE, TOKEN, OTHER = "0" * 32, "1" * 32, "2" * 32
NASTY = ("a b", "it's", '"$HOME"', "`id`", "$(id)", "\\", "*", "", "é", "a;b|c&d", "!x", "-n", "~", "=l", "%self", "'!")


def there(home: Path, line: tuple[str, ...], shell: str = "sh") -> Output:
    """Do what sshd does: give the last word to the login shell."""
    done = subprocess.run(
        [shell, "-c", line[-1]],
        env={**os.environ, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=GENEROUS,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return Output(line, Ending.EXITED, done.returncode, out, err, 0.0, 1.0)


def python(text: str, *words: str) -> tuple[str, ...]:
    """A command that runs this."""
    return (sys.executable, "-IS", "-c", text, *words)


def claim(home: Path, token: str = TOKEN, instead_of: str = "") -> str | None:
    return hear(there(home, claim_line(ARRAY, LINK, NONCE, token, instead_of)), NONCE).word


def change(home: Path, argv: tuple[str, ...], token: str = TOKEN, shell: str = "sh") -> Output:
    raw = there(home, change_line(ARRAY, argv, LINK, NONCE, token), shell)
    return change_output(raw, NONCE, argv, "LOCK")


@contextmanager
def held(home: Path, mode: int) -> Iterator[None]:
    """Somebody has the lock of the far side."""
    path = home / ".necism" / "a1.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as file:
        fcntl.flock(file, mode)
        yield


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_every_word_arrives_as_it_was(tmp_path: Path, shell: str) -> None:
    """Whatever a word holds, the command over there gets it unchanged, in both kinds of line."""
    argv = python("import sys; print(sys.argv[1:])", *NASTY)
    assert claim(tmp_path) == "claimed"
    told = f"{list(NASTY)!r}\n"
    assert change(tmp_path, argv, shell=shell).stdout == told
    raw = there(tmp_path, read_line(ARRAY, argv, LINK, NONCE, 60), shell)
    assert read_output(raw, NONCE, argv, 60).stdout == told


@pytest.mark.parametrize("word", NASTY)
def test_a_quoted_word_is_one_word(word: str) -> None:
    """Python's own reader of shell words agrees."""
    import shlex  # noqa: PLC0415 - the oracle, used here only

    assert shlex.split(quote(word)) == [word]


@pytest.mark.parametrize("word", ["=ls", "%self", "x!!y", "a\\", "'!\\'", "{~$*?#&^}"])
def test_a_quoted_word_means_itself_in_shells_that_are_not_posix_too(word: str) -> None:
    """Observed: zsh 5.9 expands `=ls`, fish 3.6 `%self` and a quoted backslash, tcsh 6.24 `!` even within quotes."""
    line = quote(word)
    assert line.startswith("'")
    bare = re.sub(r"\\.", "", re.sub(r"'[^'\\!]*'", "", line))
    assert bare == ""


@pytest.mark.parametrize("status", [0, 1, 127, 255])
def test_the_command_s_own_status_comes_back(tmp_path: Path, status: int) -> None:
    """255 too, which ssh uses for itself; both streams are exactly the command's, with or without a last newline."""
    text = f"import sys; sys.stdout.write('out'); sys.stderr.write('err\\n'); sys.exit({status})"
    assert claim(tmp_path) == "claimed"
    for output in (
        change(tmp_path, python(text)),
        read_output(there(tmp_path, read_line(ARRAY, python(text), LINK, NONCE, 60)), NONCE, ("x",), 60),
    ):
        assert (output.ending, output.code) == (Ending.EXITED, status)
        assert (output.stdout, output.stderr, output.truncated) == ("out", "err\n", False)


def test_the_command_speaks_english_and_finds_an_empty_input(tmp_path: Path) -> None:
    """LC_ALL=C over there; a CHANGE has the lock as its input, at its end, and by its number."""
    text = (
        "import os, sys; print(os.environ['LC_ALL'], os.environ['LANG'], repr(sys.stdin.read()), "
        "os.path.samestat(os.fstat(0), os.fstat(9)), os.getsid(0) == os.getppid())"
    )
    assert claim(tmp_path) == "claimed"
    assert change(tmp_path, python(text)).stdout == "C C '' True True\n"


def test_a_change_starts_only_with_the_token_of_the_claim(tmp_path: Path) -> None:
    """Sent with an older token, before or after the claim, it certainly did not start."""
    argv = python(f"open({str(tmp_path / 'done')!r}, 'w')")
    assert change(tmp_path, argv).ending is Ending.NOT_STARTED
    assert claim(tmp_path, OTHER) == "claimed"
    output = change(tmp_path, argv)
    assert (output.ending, output.never_ran) == (Ending.NOT_STARTED, True)
    assert "another run has claimed the array" in output.stderr
    assert not (tmp_path / "done").exists()
    assert change(tmp_path, argv, OTHER).succeeded
    assert (tmp_path / "done").exists()


def test_a_claim_in_place_of_another_s_changes_nothing(tmp_path: Path) -> None:
    """Only our own token is replaced; where it is another's, its token is told."""
    assert claim(tmp_path, TOKEN) == "claimed"
    assert claim(tmp_path, "3" * 32, instead_of=OTHER) == f"not:foreign:{TOKEN}"
    assert claim(tmp_path, OTHER, instead_of=TOKEN) == "claimed"
    assert (tmp_path / ".necism" / "a1.lock").read_text() == f"{OTHER}\n"


def test_a_claim_waits_for_no_command(tmp_path: Path) -> None:
    """A command that works, with its share of the lock, makes the array busy; two commands may work at once."""
    assert claim(tmp_path) == "claimed"
    with held(tmp_path, fcntl.LOCK_SH):
        assert claim(tmp_path, OTHER) == "not:busy"
        assert change(tmp_path, ("true",)).succeeded
    assert claim(tmp_path, OTHER) == "claimed"


def test_a_change_waits_for_whoever_looks_and_no_longer(tmp_path: Path) -> None:
    """A lock that stays held alone is a certain "not started"."""
    assert claim(tmp_path) == "claimed"
    with held(tmp_path, fcntl.LOCK_EX):
        output = change(tmp_path, ("true",))
    assert output.ending is Ending.NOT_STARTED
    assert "LOCK" in output.stderr


def test_a_change_whose_connection_is_gone_works_to_its_end(tmp_path: Path) -> None:
    """It prints more than any pipe takes, to nobody, and has its effect; the lock is held until then."""
    assert claim(tmp_path) == "claimed"
    go, done = tmp_path / "go", tmp_path / "done"
    text = (
        "import os, sys, time\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.02)\n"
        "print('x' * 300000, flush=True)\nprint('y' * 300000, file=sys.stderr, flush=True)\n"
        f"open({str(done)!r}, 'w')"
    )
    line = change_line(ARRAY, python(text), LINK, NONCE, TOKEN)
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(
        ["sh", "-c", line[-1]], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for stream in (process.stdout, process.stderr):
            while b"begun" not in stream.readline():
                assert process.poll() is None
            stream.close()
        assert claim(tmp_path, OTHER) == "not:busy"
        go.touch()
        until(done.exists)
    until(lambda: claim(tmp_path, OTHER) == "claimed")
    assert sorted(path.name for path in (tmp_path / ".necism").iterdir()) == ["a1.lock"]


def test_a_change_that_nobody_hears_from_the_beginning_never_starts(tmp_path: Path) -> None:
    """The mark of its beginning cannot be written: the command is not run."""
    assert claim(tmp_path) == "claimed"
    line = change_line(ARRAY, python(f"open({str(tmp_path / 'done')!r}, 'w')"), LINK, NONCE, TOKEN)
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "HOME": str(tmp_path)}
    start = "import os, signal, sys; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.execvp('sh', sys.argv[1:])"
    argv = [sys.executable, "-c", start, "sh", "-c", line[-1]]
    subprocess.run(argv, env=environment, stdout=writer, stderr=writer, check=False, timeout=GENEROUS)
    os.close(writer)
    assert claim(tmp_path, OTHER) == "claimed"
    assert not (tmp_path / "done").exists()


def test_a_read_is_killed_over_there(tmp_path: Path) -> None:
    """Its time is over there, so it ends whatever becomes of us; the answer is that it was too slow."""
    argv = python("import time; time.sleep(600)")
    began = time.monotonic()
    output = read_output(there(tmp_path, read_line(ARRAY, argv, LINK, NONCE, 0.2)), NONCE, argv, 0.2)
    assert (output.ending, output.code) == (Ending.TIMED_OUT, None)
    assert time.monotonic() - began < GENEROUS / 2


def test_a_home_that_cannot_be_written_is_a_certain_no(tmp_path: Path) -> None:
    """Neither a claim nor a change, and the reason names the file."""
    (tmp_path / ".necism").write_text("in the way\n")
    assert claim(tmp_path) == "not:file"
    output = change(tmp_path, ("true",))
    assert output.never_ran
    assert "cannot be made" in output.stderr


def test_a_program_that_is_missing_over_there_is_named(tmp_path: Path) -> None:
    """Without flock nothing can be locked, so nothing is changed."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for name in ("sh", "mktemp", "setsid", "mkdir"):
        (bin_dir / name).symlink_to(Path("/bin", name) if Path("/bin", name).exists() else Path("/usr/bin", name))
    line = claim_line(ARRAY, LINK, NONCE, TOKEN)
    done = subprocess.run(
        ["/bin/sh", "-c", line[-1]],
        env={"HOME": str(tmp_path), "PATH": str(bin_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=GENEROUS,
    )
    output = Output(line, Ending.EXITED, done.returncode, done.stdout, done.stderr, 0.0, 1.0)
    assert hear(output, NONCE).word == "not:flock"


def test_only_a_read_shares_a_connection_and_has_a_limit() -> None:
    """A CHANGE has a connection of its own and no `timeout`; neither asks, trusts a new key, or forwards anything."""
    array = ARRAY._replace(command_prefix=("sudo", "-n"), ism_path="/opt/iSM/bin")
    link = Link("/etc/necism/ssh_config", "/run/necism/ssh-0")
    read, changing = (
        read_line(array, ("iSMview", "-d"), link, NONCE, 240),
        change_line(array, ("iSMsc_unlink", "-lv", "A", "-lvflg", "ld"), link, NONCE, TOKEN),
    )
    for line in (read, changing):
        assert line[:4] == ("ssh", "-T", "-F", "/etc/necism/ssh_config")
        assert line[-3:-1] == ("--", "far")
        assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "ForwardAgent=no", "PermitLocalCommand=no"} < set(line)
    assert "ControlPath=/run/necism/ssh-0/%C" in read
    assert "timeout -k 5" in read[-1]
    assert {"ControlMaster=no", "ControlPath=none"} < set(changing)
    assert "timeout" not in changing[-1]
    assert changing[-1].startswith("exec setsid -w sh -c ")
    assert changing[-1].endswith("env LC_ALL=C LANG=C sudo -n /opt/iSM/bin/iSMsc_unlink -lv A -lvflg ld")


def test_the_line_that_is_shown_can_be_typed() -> None:
    """Local as it runs; over ssh without the script around it."""
    array = ARRAY._replace(command_prefix=("sudo", "-n"), ism_path="/opt/iSM/bin")
    line = ("sudo", "-n", "/opt/iSM/bin/iSMview", "-d")
    assert command_line(array, ("iSMview", "-d")) == line
    assert shown_line(array, ("iSMview", "-d")) == ("ssh", "far", *line)
    assert shown_line(array._replace(host=None), ("iSMview", "-d")) == line
    with pytest.raises(ValueError, match="local"):
        read_line(array._replace(host=None), ("iSMview", "-d"), LINK, NONCE, 1)
