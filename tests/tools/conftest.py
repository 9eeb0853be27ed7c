"""Programs by the names that people type, and shells that complete them as if somebody pressed TAB."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.simulator.create import create
from tests.servers import require_server
from tools import completion

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE: Final = 120
"""Seconds; only a hang takes so long."""
READY, DONE = b"r-e-a-d-y", b"d-o-n-e"

EVERY: Final = (
    "autoload -Uz compinit; compinit -u -D; bindkey -e; zle -C every complete-word _generic; bindkey '^Xb' every;"
    " zstyle ':completion:every::::' completer _all_matches _complete; zstyle ':completion:every:*' insert true"
)
"""Makes zsh insert all matches at once, on a key of its own."""

Completed = Callable[..., list[str]]


class Desk:
    """A place with the programs, their completion files, and a configuration."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.config = create(place / "array", "stale", "none").config
        for name, module in (("necism", "necism_monitor"), ("check_necism", "check_necism")):
            program = place / "bin" / name
            program.parent.mkdir(exist_ok=True)
            command = shlex.join([sys.executable, "-m", module])
            program.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$@"\n')
            program.chmod(0o755)
        for name, text in completion.files().items():
            path = place / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def environment(self, **more: str) -> dict[str, str]:
        """Ours, with the programs in PATH and without what would configure them."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NECISM_")}
        path = f"{self.place / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "TERM": "dumb", "HOME": str(self.place), "LC_ALL": "C.UTF-8", **more}


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One for all tests: completion changes nothing in it."""
    return Desk(tmp_path_factory.mktemp("desk"))


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, argv: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], argv, dict(environment))  # noqa: S606 - a shell is what is tested, on a terminal
        self.seen = b""

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    def wait(self, mark: bytes) -> bytes:
        """What appears until `mark` stands at the beginning of a line."""
        start, end = len(self.seen), time.monotonic() + PATIENCE
        while not re.search(rb"(?:\n|\r)" + mark, self.seen[start:]):
            assert time.monotonic() < end, self.seen
            if select.select([self._terminal], [], [], 1)[0]:
                self.seen += os.read(self._terminal, 65536)
        return self.seen[start:]

    def close(self) -> None:
        """Hang up, and see the shell go."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


def completed(desk: Desk, shell: str, line: str, **environ: str) -> list[str]:
    """The words that `shell` puts in place of the last one of `line` when all of its completions are asked for."""
    argv, setup, all_of_them = {
        "bash": (
            ["bash", "--norc", "--noprofile", "-i"],
            f"bind 'set bell-style none'; . {desk.place}/bash/necism; . {desk.place}/bash/check_necism",
            b"\x1b*",
        ),
        "zsh": (
            ["zsh", "-f", "-i"],
            f"fpath=({desk.place}/zsh $fpath); {EVERY}",
            b"\x18b",
        ),
    }[shell]
    terminal = Terminal(argv, desk.environment(**environ), desk.place)
    try:
        terminal.type(f"stty cols 2000; PS1='> '; {setup}; echo; printf '%s\\n' {READY.decode()}\n".encode())
        terminal.wait(READY)
        terminal.type(line.encode() + all_of_them)
        terminal.type(b"\x01printf '<%s>' \x05; printf '\\n%s\\n' " + DONE + b"\n")
        shown = terminal.wait(DONE).decode().rpartition("\n<")[2]
    finally:
        terminal.close()
    before = len(shlex.split(line.rpartition(" ")[0]))
    return re.findall(r"<([^>]*)>", "<" + shown)[before:]


def completed_by_fish(desk: Desk, line: str, **environ: str) -> list[str]:
    """The completions that fish would list, without their descriptions."""
    sources = [f"source {desk.place}/fish/{name}.fish" for name in ("necism", "check_necism")]
    script = "; ".join([*sources, f"complete -C {shlex.quote(line)}"])
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        capture_output=True, text=True, check=True, timeout=PATIENCE, env=desk.environment(**environ), cwd=desk.place,
    )  # fmt: skip
    assert done.stderr == ""
    return [one.partition("\t")[0] for one in done.stdout.splitlines()]


@pytest.fixture(params=["bash", "zsh", "fish"])
def complete(request: pytest.FixtureRequest, desk: Desk) -> Completed:
    """`complete(line)`: what each shell offers for the last word of a line."""
    shell = str(request.param)
    require_server(shell)

    def ask(line: str, **environ: str) -> list[str]:
        if shell == "fish":
            return completed_by_fish(desk, line, **environ)
        return completed(desk, shell, line, **environ)

    return ask
