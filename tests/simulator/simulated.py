"""A simulated array for the tests here: its commands as real processes, and in this process where that is enough."""

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from necism_monitor.simulator import command, worker
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.shapes import Call

GENEROUS = 60
"""Seconds after which a command of these tests is taken for hung; the machine may be busy."""


class Answer(NamedTuple):
    """What a command answered."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()


class Simulated:
    """One array's directory, and its commands."""

    def __init__(self, directory: Path, capture: pytest.CaptureFixture[bytes]) -> None:
        self.directory = directory
        self._capture = capture

    def ask(self, line: str) -> Answer:
        """Run a command line in this process (its worker inline), and return what it wrote."""
        self._capture.readouterr()
        code = command.main(str(self.directory), line.split())
        written = self._capture.readouterr()
        return Answer(code, written.out, written.err)

    def argv(self, line: str) -> list[str]:
        """The command line with the command's path in front."""
        name, *words = line.split()
        return [str(self.directory / "bin" / name), *words]

    def run(self, line: str) -> Answer:
        """Run a command line as a process of its own."""
        done = subprocess.run(self.argv(line), capture_output=True, check=False, timeout=GENEROUS)
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, line: str, pass_fds: tuple[int, ...] = (), *, new_session: bool = False) -> subprocess.Popen[bytes]:
        """Start a command line as a process, its streams in pipes."""
        return subprocess.Popen(
            self.argv(line),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=new_session,
        )

    def last_call(self) -> Call:
        """The last call in the log."""
        return read_calls(self.directory)[-1]


def run_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let changes run in this process: what the worker is for, tests/simulator/test_processes.py shows."""
    monkeypatch.setattr(worker, "delegate", lambda _directory, _call, work: work())
