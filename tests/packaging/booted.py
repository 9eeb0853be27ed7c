"""A clean root in which its own systemd runs as the first process: what units do, and not what they say."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from tests.packaging.clean_root import PATH, CleanRoot

PATIENCE: Final = 300.0
BOOT: Final = Path(__file__).with_name("boot.sh")
SYSTEMD: Final = "/lib/systemd/systemd"
Answer = TypeVar("Answer")


class Booted(NamedTuple):
    """A running system; `pid` is that of its systemd, seen from here."""

    root: CleanRoot
    pid: int

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        inside = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd"]
        clean = ["env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="]
        return subprocess.run(
            [*inside, *clean, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )

    def must(self, *words: str) -> str:
        """The output of a command in it that has to succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}{self.log()}"
        return done.stdout

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.must("systemctl", "show", f"--property={name}", "--value", unit).strip()

    def log(self) -> str:
        """What our units said."""
        return self.run("journalctl", "--no-pager", "--unit=necism-*").stdout


@contextmanager
def boot(root: CleanRoot) -> Iterator[Booted]:
    """Start the root's systemd, wait until it has started what it starts, and end it with the block."""
    alone = ["unshare", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--fork", "--kill-child"]
    said = root.path.with_suffix(".log")
    with said.open("w") as log:
        process = subprocess.Popen([*alone, "sh", BOOT, root.path], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        pid = wait_for(lambda: _first_process(process.pid), f"no systemd, see {said}") or 0
        system = Booted(root, pid)
        wait_for(
            lambda: system.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}, "starting"
        )
        yield system
    finally:
        process.kill()
        process.wait()


def wait_for(ask: Callable[[], Answer], what: str) -> Answer:
    """The first answer that counts as yes."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return answer


def _first_process(parent: int) -> int | None:
    """The child of `unshare`, once it is systemd."""
    try:
        (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        words = Path(f"/proc/{child}/cmdline").read_text()
    except (OSError, ValueError):
        return None
    return int(child) if words.startswith(SYSTEMD) and os.path.ismount(f"/proc/{child}/root/proc") else None
