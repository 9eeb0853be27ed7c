"""Commands as real processes: every way they end, and what is left of them."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from necism_monitor.adapters import children
from necism_monitor.adapters.children import Patience
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.streams import Cap
from necism_monitor.ism.output import Ending, Output

Script = Callable[..., tuple[str, ...]]
Until = Callable[[Callable[[], bool]], None]
HASTY = Patience(term=0.3, kill=0.3, drain=0.2)
ROOM = Path(__file__).resolve().parents[2]


@pytest.fixture
def runner() -> ProcessRunner:
    return ProcessRunner(patience=HASTY)


def exists(pid: int) -> bool:
    """Whether the process runs; a zombie that waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pid_in(path: Path, until: Until) -> int:
    until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


# --- how a command ends ---------------------------------------------------------------------------------------------


def test_an_exit_status_and_both_streams_come_back(runner: ProcessRunner, script: Script) -> None:
    """A command that exits gives its status, its two streams apart, its pid and its times."""
    before = time.time()
    output = runner.read(script("echo out; echo err >&2; exit 3"), 20)
    assert (output.ending, output.code) == (Ending.EXITED, 3)
    assert (output.stdout, output.stderr, output.truncated) == ("out\n", "err\n", False)
    assert output.pid is not None
    assert before <= output.started_at <= output.ended_at <= time.time() + 1


def test_death_by_signal_is_no_exit_status(runner: ProcessRunner, script: Script) -> None:
    """A command that kills itself is SIGNALLED with the signal's number, for READ and CHANGE."""
    command = script("echo last words; kill -SEGV $$")
    for output in (runner.read(command, 20), runner.change(command, 20)):
        assert (output.ending, output.code, output.stdout) == (Ending.SIGNALLED, signal.SIGSEGV, "last words\n")


@pytest.mark.parametrize("name", ["no-such-iSMsc_query", "/nonexistent/iSMsc_query", "/etc/passwd/iSMsc_query"])
def test_a_command_that_is_not_there_is_missing(runner: ProcessRunner, name: str) -> None:
    """Neither a bare name nor a path that does not exist is taken for a failed command."""
    for output in (runner.read((name, "-sv", "A"), 20), runner.change((name,), 20)):
        assert (output.ending, output.code, output.pid, output.stdout) == (Ending.MISSING, None, None, "")
        assert name in output.stderr
        assert "ism_path" in output.stderr


def test_a_file_without_execute_permission_is_not_executable(runner: ProcessRunner, tmp_path: Path) -> None:
    """A plain file, a directory, and such a file found by PATH are NOT_EXECUTABLE."""
    plain = tmp_path / "iSMsc_query"
    plain.write_text("#!/bin/sh\n")
    found = runner.read(("iSMsc_query",), 20, env={"PATH": f"/nonexistent:{tmp_path}"})
    for output in (runner.read((str(plain),), 20), runner.read((str(tmp_path),), 20), found):
        assert (output.ending, output.code, output.pid) == (Ending.NOT_EXECUTABLE, None, None)
    assert "is a directory" in runner.read((str(tmp_path),), 20).stderr
    assert str(plain) in found.stderr


def test_a_script_whose_interpreter_is_missing_is_not_missing(runner: ProcessRunner, script: Script) -> None:
    """The kernel says "no such file" of a script that is there; we say what is really wrong."""
    path = script("exit 0", "/nonexistent/perl")
    for command, env in ((path, {}), ((Path(path[0]).name,), {"PATH": str(Path(path[0]).parent)})):
        output = runner.read(command, 20, env=env)
        assert (output.ending, output.code) == (Ending.NOT_STARTED, errno.ENOENT)
        assert f"{path[0]} is there, but the interpreter" in output.stderr


def test_other_errors_of_the_start_carry_their_errno(runner: ProcessRunner, tmp_path: Path) -> None:
    """A file that is no program, and arguments that are too long, are NOT_STARTED with the kernel's number."""
    odd = tmp_path / "odd"
    odd.write_text("exit 0\n")
    odd.chmod(0o755)
    output = runner.read((str(odd),), 20)
    assert (output.ending, output.code) == (Ending.NOT_STARTED, errno.ENOEXEC)
    assert "#!" in output.stderr
    output = runner.change(("/bin/true", "x" * 4_000_000), 20)
    assert (output.ending, output.code) == (Ending.NOT_STARTED, errno.E2BIG)


def test_a_path_directory_we_may_not_search_does_not_turn_missing_into_forbidden(tmp_path: Path) -> None:
    """The kernel says "permission denied" of a name that is nowhere, if one directory of PATH is closed to us."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    was = os.geteuid()
    try:
        if was == 0:
            os.seteuid(65534)
        output = ProcessRunner().read(("no-such-iSMview",), 20, env={"PATH": f"{closed}:/usr/bin"})
    finally:
        os.seteuid(was)
        closed.chmod(0o700)
    assert output.ending is Ending.MISSING
    assert f"{closed} may not be searched" in output.stderr


def test_a_nul_in_an_argument_is_our_bug_and_leaves_nothing(runner: ProcessRunner) -> None:
    """An argument that no program can be given raises ValueError instead of running something else."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for run in (runner.read, runner.change):
        with pytest.raises(ValueError, match="null"):
            run(("/bin/echo", "a\0b"), 20)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_out_of_descriptors_is_not_started_and_leaks_none(
    runner: ProcessRunner, script: Script, descriptors: Callable[[], int]
) -> None:
    """Wherever the descriptors run out on the way to a start, nothing ran and nothing stays open."""
    command, before = script("echo ran"), descriptors()
    highest = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    spare = [os.dup(0) for _ in range(highest)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endings = set()
    try:
        for extra in range(12):
            for run in (runner.read, runner.change):
                resource.setrlimit(resource.RLIMIT_NOFILE, (max(spare) + 1 + extra, hard))
                output = run(command, 20)
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                assert output.succeeded or (output.ending, output.code) == (Ending.NOT_STARTED, errno.EMFILE)
                assert descriptors() == before + len(spare)
                endings.add(output.ending)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in spare:
            os.close(one)
    assert endings == {Ending.EXITED, Ending.NOT_STARTED}


# --- what a command is given ----------------------------------------------------------------------------------------


def test_the_environment_is_the_c_locale_plus_what_the_caller_adds(
    runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screens are parsed in English: no locale variable of ours reaches the command, PATH and extras do."""
    for name, value in {"LC_TIME": "ja_JP.UTF-8", "LANG": "ja_JP.UTF-8", "LANGUAGE": "ja", "LC_ALL": "fr_FR"}.items():
        monkeypatch.setenv(name, value)
    for run in (runner.read, runner.change):
        lines = run(("/usr/bin/env",), 20, env={"NECISM_SERVICE": "svc1"}).stdout.splitlines()
        assert {line for line in lines if line.startswith(("LC_", "LANG"))} == {"LC_ALL=C", "LANG=C"}
        assert f"PATH={os.environ['PATH']}" in lines
        assert "NECISM_SERVICE=svc1" in lines


def test_a_command_has_its_own_session_no_input_and_none_of_our_descriptors(
    runner: ProcessRunner, script: Script, tmp_path: Path
) -> None:
    """Nothing can ask at a terminal, terminal signals do not arrive, and READ commands never inherit a lock."""
    ours = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(ours, True)  # noqa: FBT003 - the function takes no keywords
    command = script("cut -d' ' -f6 /proc/$$/stat; echo $$; cat; ls -l /proc/$$/fd | grep -c /lock; exit 0")
    read, change = runner.read(command, 20), runner.change(command, 20)
    passed = runner.change(command, 20, (ours,))
    os.close(ours)
    for output, inherited in ((read, "0"), (change, "0"), (passed, "1")):
        assert output.stdout.split() == [str(output.pid), str(output.pid), inherited]


def test_a_change_can_be_given_its_standard_input(runner: ProcessRunner, tmp_path: Path) -> None:
    """A descriptor that must pass a program which closes all others can travel as standard input."""
    (tmp_path / "in").write_text("from the descriptor")
    with (tmp_path / "in").open() as file:
        assert runner.change(("/bin/cat",), 20, stdin=file.fileno()).stdout == "from the descriptor"


# --- what it prints -------------------------------------------------------------------------------------------------


def test_no_byte_becomes_a_surrogate(runner: ProcessRunner, script: Script) -> None:
    """Foreign encodings stay visible as escapes, NUL and control characters stay as they are."""
    command = script(r"printf 'caf\351 \000\033[1m \303\251'; printf '\355\240\200' >&2")
    for output in (runner.read(command, 20), runner.change(command, 20)):
        assert output.stdout == "caf\\xe9 \0\x1b[1m é"
        assert output.stderr == "\\xed\\xa0\\x80"
        output.stdout.encode()


def test_output_is_read_to_its_end_when_both_streams_are_large(runner: ProcessRunner, script: Script) -> None:
    """More than a pipe holds on both streams at once neither hangs nor loses a byte below the cap."""
    command = script("yes out | head -c 400000 & yes err | head -c 400000 >&2; wait")
    output = runner.read(command, 20)
    assert (len(output.stdout), len(output.stderr), output.truncated) == (400_000, 400_000, False)


def test_a_long_stream_keeps_head_and_tail_and_says_what_is_missing(script: Script) -> None:
    """The beginning and the end of a stream beyond its cap survive, on lines of their own around a mark."""
    small = ProcessRunner(cap=Cap(head=10, tail=5))
    command = script("printf 'aaaaaaaaaa%01000dzzzzz' 0; printf 123456789012345 >&2")
    for output in (small.read(command, 20), small.change(command, 20)):
        assert output.stdout == "aaaaaaaaaa\n[1000 bytes left out]\nzzzzz"
        assert output.stderr == "123456789012345"
        assert output.truncated


def test_endless_output_neither_hangs_nor_grows(runner: ProcessRunner, script: Script) -> None:
    """A command that never stops printing on both streams ends at its deadline, within a few megabytes."""
    command = script("yes error >&2 & exec yes output")
    tracemalloc.start()
    try:
        output = runner.read(command, 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (output.ending, output.truncated) == (Ending.TIMED_OUT, True)
    assert output.stdout.startswith("output\noutput\n")
    assert peak < 12_000_000


def test_a_command_that_closes_its_streams_is_still_waited_for(runner: ProcessRunner, script: Script) -> None:
    """The end of both streams is not the end of the command."""
    output = runner.read(script("exec >&- 2>&-; sleep 0.3; exit 4"), 20)
    assert (output.ending, output.code) == (Ending.EXITED, 4)


# --- READ at its deadline -------------------------------------------------------------------------------------------


def test_a_read_is_killed_at_its_deadline_and_keeps_what_it_printed(runner: ProcessRunner, script: Script) -> None:
    """TIMED_OUT means that the process is gone, not that we stopped looking."""
    output = runner.read(script("echo partial; exec sleep 60"), 0.3)
    assert (output.ending, output.code, output.stdout) == (Ending.TIMED_OUT, None, "partial\n")
    assert output.pid is not None
    assert not Path(f"/proc/{output.pid}").exists()


def test_a_read_that_ignores_term_is_killed_with_its_children(
    runner: ProcessRunner, script: Script, tmp_path: Path, until: Until
) -> None:
    """KILL follows TERM, and reaches the whole process group."""
    command = script(f"trap '' TERM; (sleep 60; true) & echo $! > {tmp_path}/child; while :; do sleep 60; done")
    output = runner.read(command, 0.5)
    assert output.ending is Ending.TIMED_OUT
    child = pid_in(tmp_path / "child", until)
    until(lambda: not exists(child))


def test_a_child_left_behind_does_not_hold_up_the_answer(
    runner: ProcessRunner, script: Script, tmp_path: Path, until: Until
) -> None:
    """A grandchild that keeps the pipe open costs the drain bound, is killed, and takes no output along."""
    command = script(f"echo answer; sleep 60 & echo $! > {tmp_path}/child; exit 0")
    start = time.monotonic()
    output = runner.read(command, 30)
    assert time.monotonic() - start < 15
    assert (output.ending, output.code, output.stdout) == (Ending.EXITED, 0, "answer\n")
    child = pid_in(tmp_path / "child", until)
    until(lambda: not exists(child))


def test_a_daemon_in_its_own_session_neither_delays_nor_dies(
    runner: ProcessRunner, script: Script, tmp_path: Path, until: Until
) -> None:
    """A process that left the group (a daemon the command started) is not waited for; it is none of ours to kill."""
    command = script(f"echo answer; setsid sh -c 'echo $$ > {tmp_path}/child; exec sleep 60' & exit 0")
    start = time.monotonic()
    output = runner.read(command, 30)
    assert time.monotonic() - start < 15
    assert (output.ending, output.stdout) == (Ending.EXITED, "answer\n")
    child = pid_in(tmp_path / "child", until)
    assert exists(child)
    os.kill(child, signal.SIGKILL)


def test_a_read_that_does_not_die_is_lost_and_reaped_later(
    runner: ProcessRunner, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that KILL does not end (simulated: its end is hidden) gives LOST in bounded time, and no zombie."""
    with monkeypatch.context() as hidden:
        hidden.setattr(children, "ended", lambda _pid: False)
        start = time.monotonic()
        output = runner.read(script("echo partial; exec sleep 60"), 0.3)
        assert time.monotonic() - start < 15
    assert (output.ending, output.code, output.stdout) == (Ending.LOST, None, "partial\n")
    assert output.pid is not None
    assert Path(f"/proc/{output.pid}").exists()
    runner.read(("/bin/true",), 20)
    assert not Path(f"/proc/{output.pid}").exists()


def test_a_read_that_we_may_not_signal_is_lost(
    runner: ProcessRunner, script: Script, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """A command that runs as another user (sudo) cannot be killed by us: LOST, not TIMED_OUT, and no error."""

    def forbidden(_group: int, _number: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as denied:
        denied.setattr(os, "killpg", forbidden)
        output = runner.read(script("exec sleep 60"), 0.1)
    assert output.ending is Ending.LOST
    assert output.pid is not None
    os.kill(output.pid, signal.SIGKILL)
    until(lambda: not exists(output.pid or 0))
    runner.read(("/bin/true",), 20)
    assert not Path(f"/proc/{output.pid}").exists()


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """A file system at tmp_path/frozen whose writers sleep uninterruptibly, until the returned function thaws it."""
    if os.geteuid() != 0:
        pytest.skip("a file system can be frozen by root only; the simulated test above stands in")
    place, image = tmp_path / "frozen", tmp_path / "image"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    with contextlib.ExitStack() as cleanup:
        for command in (("mkfs.ext4", "-q", "-F", image), ("mount", "-o", "loop", image, place)):
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=30)
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"no loop-mounted ext4 here ({error}); the simulated test above stands in")
        cleanup.callback(subprocess.run, ("umount", place), check=True, timeout=30)
        subprocess.run(("fsfreeze", "-f", place), check=True, timeout=30)
        thaw = cleanup.enter_context(contextlib.ExitStack())
        thaw.callback(subprocess.run, ("fsfreeze", "-u", place), check=True, timeout=30)
        yield thaw.close


def test_a_read_in_uninterruptible_sleep_is_lost_and_reaped_when_it_wakes(
    runner: ProcessRunner, frozen: Callable[[], None], tmp_path: Path, until: Until
) -> None:
    """A process that the kernel does not let die costs its deadline and two patiences, then is LOST."""
    start = time.monotonic()
    output = runner.read(("/usr/bin/touch", str(tmp_path / "frozen/x")), 0.5)
    assert time.monotonic() - start < 15
    assert output.ending is Ending.LOST
    assert output.pid is not None
    assert exists(output.pid)
    frozen()
    until(lambda: not exists(output.pid or 0))
    runner.read(("/bin/true",), 20)
    assert not Path(f"/proc/{output.pid}").exists()


def test_a_change_in_uninterruptible_sleep_is_abandoned_and_succeeds_when_it_wakes(
    runner: ProcessRunner, frozen: Callable[[], None], tmp_path: Path, until: Until
) -> None:
    """The array's stall may outlast our patience: the command then still ends by its own word."""
    output = runner.change(("/usr/bin/touch", str(tmp_path / "frozen/x")), 0.5)
    assert output.ending is Ending.ABANDONED
    assert output.pid is not None
    assert runner.settled(output.pid) is None
    frozen()
    until(lambda: not exists(output.pid or 0))
    final = runner.settled(output.pid)
    assert final is not None
    assert final.succeeded
    assert (tmp_path / "frozen/x").exists()


# --- CHANGE is never signalled --------------------------------------------------------------------------------------


def test_an_abandoned_change_is_not_signalled_and_its_word_is_read_later(
    runner: ProcessRunner, script: Script, tmp_path: Path, until: Until
) -> None:
    """At its deadline a CHANGE goes on untouched; `settled` later returns the whole output and the exit status."""
    traps = 'for s in HUP INT QUIT PIPE TERM USR1 CONT; do trap "echo got $s" $s; done'
    command = script(f"{traps}; echo begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo ended; exit 6")
    output = runner.change(command, 0.5)
    assert (output.ending, output.code, output.stdout) == (Ending.ABANDONED, None, "begun\n")
    assert output.pid is not None
    assert runner.abandoned() == (output.pid,)
    assert runner.settled(output.pid) is None
    (tmp_path / "go").touch()
    until(lambda: not exists(output.pid or 0))
    final = runner.settled(output.pid)
    assert final is not None
    assert (final.ending, final.code, final.stdout) == (Ending.EXITED, 6, "begun\nended\n")
    assert (final.argv, final.pid, final.started_at) == (output.argv, output.pid, output.started_at)
    assert final.ended_at > output.ended_at
    assert not Path(f"/proc/{output.pid}").exists()
    with pytest.raises(LookupError):
        runner.settled(output.pid)


def test_a_change_outlives_us_and_our_ends_of_its_streams(script: Script, tmp_path: Path, until: Until) -> None:
    """After kill -9 of the supervisor the command prints on, gets no SIGPIPE, and finishes its work."""
    command = script(
        f"echo begun; echo $$ > {tmp_path}/pid; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; "
        f"echo still printing && echo also here >&2 && touch {tmp_path}/done"
    )
    program = (
        "import sys; from necism_monitor.adapters.process import ProcessRunner; "
        "ProcessRunner().change((sys.argv[1],), 60)"
    )
    supervisor = subprocess.Popen((sys.executable, "-c", program, *command), cwd=ROOM)
    until((tmp_path / "pid").exists)
    supervisor.kill()
    supervisor.wait(20)
    (tmp_path / "go").touch()
    until((tmp_path / "done").exists)


def test_an_interrupt_leaves_a_change_running_and_known(
    runner: ProcessRunner, script: Script, tmp_path: Path, until: Until, interrupt: None
) -> None:
    """KeyboardInterrupt while we wait for a CHANGE propagates; the command goes on and can be asked for."""
    command = script(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo ended")
    with pytest.raises(KeyboardInterrupt):
        runner.change(command, 60)
    (pid,) = runner.abandoned()
    assert exists(pid)
    (tmp_path / "go").touch()
    until(lambda: not exists(pid))
    final = runner.settled(pid)
    assert final is not None
    assert (final.succeeded, final.stdout) == (True, "ended\n")


def test_an_interrupt_kills_and_reaps_a_read(
    runner: ProcessRunner, script: Script, tmp_path: Path, until: Until, interrupt: None
) -> None:
    """KeyboardInterrupt while we wait for a READ propagates after the command is gone."""
    command = script(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    with pytest.raises(KeyboardInterrupt):
        runner.read(command, 60)
    assert not Path(f"/proc/{pid_in(tmp_path / 'pid', until)}").exists()


@pytest.fixture
def interrupt() -> Iterator[None]:
    """Ctrl-C in a second."""

    def raise_it(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    was = signal.signal(signal.SIGALRM, raise_it)
    signal.setitimer(signal.ITIMER_REAL, 1)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, was)


def test_a_child_left_by_a_change_is_not_killed(
    runner: ProcessRunner, script: Script, tmp_path: Path, until: Until
) -> None:
    """What a hook or a CHANGE starts and leaves behind (a consumer) lives on, and holds nothing up."""
    start = time.monotonic()
    output = runner.change(script(f"sleep 60 & echo $! > {tmp_path}/child; echo started"), 30)
    assert time.monotonic() - start < 15
    assert (output.succeeded, output.stdout) == (True, "started\n")
    child = pid_in(tmp_path / "child", until)
    assert exists(child)
    os.kill(child, signal.SIGKILL)


def test_a_change_needs_no_disk_for_its_output(script: Script, tmp_path: Path) -> None:
    """The streams lie in `scratch` without a name; where it does not take a write, the command runs all the same."""
    (tmp_path / "scratch").mkdir()
    command = script(f"ls -l /proc/$$/fd; ls {tmp_path}/scratch | wc -l")
    on_disk = ProcessRunner(scratch=tmp_path / "scratch").change(command, 20)
    assert str(tmp_path / "scratch") in on_disk.stdout
    assert on_disk.stdout.endswith("\n0\n")
    for bad in (tmp_path / "nowhere", Path("/proc"), None):
        in_memory = ProcessRunner(scratch=bad).change(command, 20)
        assert in_memory.ending is Ending.EXITED
        assert "memfd:" in in_memory.stdout


def test_a_full_disk_is_noticed_before_the_command_writes(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, descriptors: Callable[[], int]
) -> None:
    """A scratch directory that makes files but takes no block (simulated) loses no output and no descriptor."""

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = descriptors()
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        output = ProcessRunner(scratch=tmp_path).change(script("echo whole"), 20)
    assert (output.succeeded, output.stdout) == (True, "whole\n")
    assert descriptors() == before


def test_a_script_that_reopens_stderr_leaves_text(runner: ProcessRunner, script: Script) -> None:
    """Appending to /dev/stderr loses no line; truncating it (as on any file) leaves no hole and no overwritten line."""
    for redirect, kept in ((">>", "one\ntwo\nthree\n"), (">", "two\nthree\n")):
        output = runner.change(script(f"echo one >&2; echo two {redirect} /dev/stderr; echo three >&2"), 20)
        assert output.stderr == kept


def test_output_that_cannot_be_read_back_keeps_the_exit_status(
    runner: ProcessRunner, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An I/O error on the stream's file is said, marked as not whole, and does not lose how the command ended."""

    def broken(_descriptor: int, _size: int, _offset: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    output = runner.change(script("echo lost; exit 5"), 20)
    assert (output.ending, output.code, output.truncated) == (Ending.EXITED, 5, True)
    assert "Input/output error" in output.stdout


# --- exit statuses are not invented ---------------------------------------------------------------------------------

IGNORED = """
import signal, sys
from necism_monitor.adapters.process import ProcessRunner
if sys.argv[1] == "before":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
runner = ProcessRunner()
if sys.argv[1] == "after":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for run in (runner.read, runner.change):
    output = run(("/bin/sh", "-c", "exit 3"), 20)
    print(output.ending.value, output.code)
"""


@pytest.mark.parametrize(("when", "said"), [("before", "exited 3\n"), ("after", "exited None\n")])
def test_an_ignored_sigchld_never_makes_a_failure_a_success(when: str, said: str) -> None:
    """Python's subprocess reads a status that the kernel threw away as 0; here it is kept, or said to be unknown."""
    program = (sys.executable, "-c", IGNORED, when)
    done = subprocess.run(program, check=False, cwd=ROOM, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (said * 2, "")


# --- around it ------------------------------------------------------------------------------------------------------


def test_threads_may_share_a_runner(runner: ProcessRunner, script: Script) -> None:
    """Commands of several threads at once keep their own output, status and pid."""
    command = script('echo "$1"; echo "$1" >&2; exit "$1"')

    def run(number: int) -> Output:
        kind = runner.read if number % 2 else runner.change
        return kind((*command, str(number)), 60)

    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(run, range(40)))
    assert [(one.code, one.stdout, one.stderr) for one in outputs] == [(n, f"{n}\n", f"{n}\n") for n in range(40)]
    assert len({one.pid for one in outputs}) == 40


def test_the_observer_sees_every_command_once(script: Script, tmp_path: Path, until: Until) -> None:
    """Whatever started or did not start is counted, an abandoned CHANGE at its deadline and not again."""
    seen: list[Output] = []
    runner = ProcessRunner(on_finish=seen.append, patience=HASTY)
    runner.read(("/bin/true",), 20)
    runner.read(("/nonexistent",), 20)
    left = runner.change(script(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"), 0.1)
    (tmp_path / "go").touch()
    until(lambda: not exists(left.pid or 0))
    assert left.pid is not None
    assert runner.settled(left.pid) is not None
    assert [one.ending for one in seen] == [Ending.EXITED, Ending.MISSING, Ending.ABANDONED]


def test_a_stepped_wall_clock_does_not_make_time_run_backwards(script: Script) -> None:
    """The start is the wall clock's, the duration the monotonic clock's."""
    times = iter((1_000_000.0, 5.0, 5.0))
    output = ProcessRunner(wall=lambda: next(times)).read(script("sleep 0.2"), 20)
    assert output.started_at == 1_000_000.0
    assert 0.2 <= output.ended_at - output.started_at < 20


def our_children() -> set[str]:
    """The pids of all children of this process, zombies included."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def test_nothing_is_left_open_or_unreaped(
    runner: ProcessRunner, script: Script, descriptors: Callable[[], int]
) -> None:
    """After commands of every ending there is no descriptor and no child of ours more than before."""
    slow, quick = script("exec sleep 60"), script("echo x")
    before, family = descriptors(), our_children()
    for _ in range(3):
        runner.read(quick, 20)
        runner.change(quick, 20)
        runner.read(slow, 0.05)
        runner.read(("/nonexistent",), 20)
        runner.change(("/nonexistent",), 20)
    assert descriptors() == before
    assert our_children() <= family
