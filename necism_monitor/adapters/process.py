"""The one place that starts processes.

READ commands have pipes and are killed with their process group at their deadline.  CHANGE commands write to files,
live in a session of their own and are never signalled: at their deadline they are abandoned and asked for later.
Hooks write to files too, because they may start what lives on, and are killed with their process group like a READ.
Every call ends in bounded time and in an `Output`; "killed but still there" is its own ending.  Only the time that the
kernel takes to load a program is not bounded: programs belong on a local disk.
"""

import os
import signal
import subprocess  # nosec B404  # the one module that starts processes
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

from necism_monitor.adapters import children
from necism_monitor.adapters.children import PATIENCE, Patience, Status
from necism_monitor.adapters.gate import GATE
from necism_monitor.adapters.program import environment, why_not_started
from necism_monitor.adapters.streams import CAP, Cap, Files, Pipes, Texts
from necism_monitor.ism.output import Ending, Output

Argv = tuple[str, ...]
NO_TEXTS: Final = Texts("", "", truncated=False)
WATCH: Final = 0.2
"""Seconds between two looks at how much a hook has written."""


class _Call(NamedTuple):
    """One command and when it began: the wall clock says when, the monotonic one how long."""

    argv: Argv
    wall: float
    start: float

    def output(self, status: Status, texts: Texts, pid: int | None) -> Output:
        ended = self.wall + (time.monotonic() - self.start)
        ending, code = status
        return Output(self.argv, ending, code, texts.stdout, texts.stderr, self.wall, ended, pid, texts.truncated)


class _Change(NamedTuple):
    """A CHANGE that was started and is not reaped."""

    call: _Call
    pid: int
    files: Files

    def finished(self, status: Status) -> Output:
        output = self.call.output(status, self.files.texts(), self.pid)
        self.files.close()
        return output


class ProcessRunner:
    """Runs commands; may be used by several threads at once.

    `scratch` is the directory for the streams of CHANGE commands (None: memory).  `on_finish` is given every `Output`
    once, an abandoned CHANGE at its deadline; it must not raise.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        scratch: Path | None = None,
        on_finish: Callable[[Output], None] | None = None,
        cap: Cap = CAP,
        patience: Patience = PATIENCE,
    ) -> None:
        self._wall, self._scratch, self._on_finish = wall, scratch, on_finish
        self._cap, self._patience = cap, patience
        self._guard = threading.Lock()
        self._lost: set[int] = set()
        self._changes: dict[int, _Change] = {}
        children.keep_exit_statuses()

    def read(self, argv: Argv, timeout: float, *, env: Mapping[str, str] | None = None) -> Output:
        """Run a READ command; after `timeout` seconds it is killed.  `env` is added to its environment."""
        self._bury()
        return self._finish(self._read(_Call(argv, self._wall(), time.monotonic()), timeout, environment(env)))

    def change(
        self,
        argv: Argv,
        timeout: float,
        pass_fds: Sequence[int] = (),
        *,
        stdin: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Output:
        """Run a CHANGE command; after `timeout` seconds it is abandoned, whatever happens it is never signalled.

        It inherits `pass_fds`, so that a lock outlives us with it.  `stdin` is a descriptor for its standard input
        instead of /dev/null: sudo closes every descriptor above 2, so a lock that is to pass sudo travels there.
        """
        self._bury()
        call = _Call(argv, self._wall(), time.monotonic())
        return self._finish(self._change(call, timeout, environment(env), pass_fds, stdin))

    def hook(self, argv: Argv, timeout: float, *, env: Mapping[str, str] | None = None) -> Output:
        """Run what the configuration names for a host; after `timeout` seconds it and its process group are killed.

        It writes to files: a service that it starts may keep them open, and lives on when it ends in time.
        """
        self._bury()
        call = _Call(argv, self._wall(), time.monotonic())
        return self._finish(self._hook(call, timeout, environment(env)))

    def settled(self, pid: int) -> Output | None:
        """The final output of an abandoned CHANGE, None while it runs.

        Raises LookupError for a pid that is not, or no longer, among `abandoned()`.
        """
        with self._guard:
            if pid not in self._changes:
                raise LookupError(f"process {pid} is no abandoned command of this runner, or was reported before")
            status = children.reap(pid)
            if status is None:
                return None
            change = self._changes.pop(pid)
        return change.finished(status)

    def abandoned(self) -> tuple[int, ...]:
        """The pids that `settled` can be asked about, in the order of their start."""
        with self._guard:
            return tuple(self._changes)

    def _finish(self, output: Output) -> Output:
        if self._on_finish is not None:
            self._on_finish(output)
        return output

    def _read(self, call: _Call, timeout: float, env: dict[str, str]) -> Output:
        try:
            pid, stdout, stderr = _start_piped(call.argv, env)
        except OSError as error:
            return _not_started(call, env, error)
        pipes = Pipes(stdout, stderr, self._cap)
        try:
            status = self._follow(pid, pipes, call.start + timeout)
        except BaseException:
            # KeyboardInterrupt and SystemExit included: a READ never outlives the question.
            self._put_down(pid)
            raise
        finally:
            pipes.close()
        return call.output(status, pipes.texts(), pid)

    def _follow(self, pid: int, pipes: Pipes, deadline: float) -> Status:
        """Drain the streams until the command ends or is ended."""
        if children.await_end(pid, deadline, pipes.pump):
            self._drain(pipes)
            if pipes.open:
                children.signal_group(pid, signal.SIGKILL)
                pipes.sweep()
            return children.reap(pid) or (Ending.LOST, None)
        for number, patience in ((signal.SIGTERM, self._patience.term), (signal.SIGKILL, self._patience.kill)):
            children.signal_group(pid, number)
            if children.await_end(pid, time.monotonic() + patience, pipes.pump):
                # What it started may have ignored TERM; the group's number is ours until the command is reaped.
                children.signal_group(pid, signal.SIGKILL)
                pipes.sweep()
                children.reap(pid)
                return Ending.TIMED_OUT, None
        with self._guard:
            self._lost.add(pid)
        return Ending.LOST, None

    def _drain(self, pipes: Pipes) -> None:
        deadline = time.monotonic() + self._patience.drain
        while pipes.open and (left := deadline - time.monotonic()) > 0:
            pipes.pump(left)

    def _put_down(self, pid: int) -> None:
        """Kill a READ and reap it, now if it dies, else at a later call."""
        with self._guard:
            self._lost.add(pid)
        children.signal_group(pid, signal.SIGKILL)
        children.await_end(pid, time.monotonic() + self._patience.kill)
        self._bury()

    def _bury(self) -> None:
        """Reap the lost that have died since, so that none stays a zombie."""
        with self._guard:
            self._lost = {pid for pid in self._lost if children.reap(pid) is None}

    def _change(
        self, call: _Call, timeout: float, env: dict[str, str], pass_fds: Sequence[int], stdin: int | None
    ) -> Output:
        try:
            files = Files(self._scratch, self._cap)
        except OSError as error:
            return _not_started(call, env, error)
        try:
            pid = _start_filed(call.argv, env, files, pass_fds, stdin)
        except OSError as error:
            files.close()
            return _not_started(call, env, error)
        except BaseException:
            # An interrupt, or an argument that no program can be given.
            files.close()
            raise
        change, status = _Change(call, pid, files), None
        try:
            children.await_end(pid, call.start + timeout)
            status = children.reap(pid)
        finally:
            # Whatever ended the waiting (KeyboardInterrupt too), a command that may still run can be asked for later.
            if status is None:
                with self._guard:
                    self._changes[pid] = change
        if status is None:
            return call.output((Ending.ABANDONED, None), files.texts(), pid)
        return change.finished(status)

    def _hook(self, call: _Call, timeout: float, env: dict[str, str]) -> Output:
        files = None
        try:
            files = Files(self._scratch, self._cap)
            pid = _start_filed(call.argv, env, files, (), None)
        except OSError as error:
            if files is not None:
                files.close()
            return _not_started(call, env, error)
        try:
            return call.output(self._await_hook(pid, call.start + timeout, files), files.texts(), pid)
        finally:
            files.close()

    def _await_hook(self, pid: int, deadline: float, files: Files) -> Status:
        """Wait for a hook; one that is killed at its deadline is proven gone with its group, or lost.

        Where the process that we started was killed, by its own child or for want of memory, what it started may be at
        work still: that ends, too.
        """
        while not (over := children.await_end(pid, min(deadline, time.monotonic() + WATCH))):
            if time.monotonic() >= deadline:
                break
            files.bound()
        if over and not children.was_killed(pid):
            return children.reap(pid) or (Ending.LOST, None)
        for number, patience in ((signal.SIGTERM, self._patience.term), (signal.SIGKILL, self._patience.kill)):
            children.signal_group(pid, number)
            if children.await_group(pid, time.monotonic() + patience):
                status = children.reap(pid) or (Ending.LOST, None)
                return status if over else (Ending.TIMED_OUT, None)
        with self._guard:
            self._lost.add(pid)
        return Ending.LOST, None


def _start_piped(argv: Argv, env: dict[str, str]) -> tuple[int, IO[bytes], IO[bytes]]:
    child = _start(argv, env, subprocess.PIPE, subprocess.PIPE)
    if child.stdout is None or child.stderr is None:
        raise AssertionError("subprocess gave no pipes")
    return child.pid, child.stdout, child.stderr


def _start_filed(argv: Argv, env: dict[str, str], files: Files, pass_fds: Sequence[int], stdin: int | None) -> int:
    return _start(argv, env, files.stdout, files.stderr, pass_fds=pass_fds, stdin=stdin).pid


def _start(
    argv: Argv,
    env: dict[str, str],
    stdout: int,
    stderr: int,
    *,
    pass_fds: Sequence[int] = (),
    stdin: int | None = None,
) -> subprocess.Popen[bytes]:
    with GATE.passing():
        child = subprocess.Popen(  # nosec B603  # argument lists, never a shell
            argv,
            bufsize=0,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=stdout,
            stderr=stderr,
            env=env,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    # Popen only starts: waiting is ours, because it reads an exit status that somebody else took as 0.  With a
    # return code set it neither polls nor warns when it is dropped.
    child.returncode = 0
    return child


def _not_started(call: _Call, env: dict[str, str], error: OSError) -> Output:
    ending, code, text = why_not_started(call.argv[0], os.get_exec_path(env), error)
    return call.output((ending, code), NO_TEXTS._replace(stderr=text), None)
