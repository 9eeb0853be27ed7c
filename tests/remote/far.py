"""A real sshd on 127.0.0.1, the array's commands behind it, and everything that can happen to a connection."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.resync.rig import Rig

GENEROUS = 120
ALIAS = "far"


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stat_of(pid: int) -> list[str]:
    """State, parent, group and session of a process; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return []


def processes() -> dict[int, str]:
    """Every living process and its command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and stat_of(int(entry.name))[:1] not in ([], ["Z"]):
            try:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
    return found


def descendants(pid: int) -> list[int]:
    """The children of a process and theirs."""
    parents = {one: stat_of(one)[1:2] for one in processes()}
    children = [one for one, parent in parents.items() if parent == [str(pid)]]
    return [*children, *(deeper for child in children for deeper in descendants(child))]


class Far:
    """The far side: an sshd with a home directory of its own, and the ssh_config that leads there."""

    def __init__(self, sshd: Path, place: Path) -> None:
        place.mkdir()
        self._sshd, self.place, self.home, self.port = sshd, place, place / "home", free_port()
        self.home.mkdir()
        for name in ("hostkey", "otherkey", "id"):
            self._keygen(name)
        (place / "authorized").write_text((place / "id.pub").read_text())
        self.known = place / "known"
        self.trust("hostkey")
        self._daemon: subprocess.Popen[bytes] | None = None
        self.start()

    def _keygen(self, name: str) -> None:
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.place / name)]
        subprocess.run(argv, check=True, timeout=GENEROUS, stdin=subprocess.DEVNULL)

    def trust(self, name: str) -> None:
        """What known_hosts says about it."""
        key = " ".join((self.place / f"{name}.pub").read_text().split()[:2])
        self.known.write_text(f"[127.0.0.1]:{self.port} {key}\n")

    def client_config(self) -> str:
        """What an administrator writes into ssh_config."""
        lines = (
            *("HostName 127.0.0.1", f"Port {self.port}", f"User {pwd.getpwuid(os.geteuid()).pw_name}"),
            *(f'IdentityFile "{self.place}/id"', "IdentitiesOnly yes"),
            *(f'UserKnownHostsFile "{self.known}"', "GlobalKnownHostsFile /dev/null"),
            # A user's own wishes that would take a command its input, its answer or its end.
            *("StdinNull yes", "RemoteCommand false", "RequestTTY force", "LogLevel DEBUG", "ControlMaster yes"),
        )
        return "\n".join([f"Host {ALIAS}", *lines, ""])

    def start(self, *more: str) -> None:
        """Listen; `more` lines of its configuration."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        lines = (
            *(f"Port {self.port}", "ListenAddress 127.0.0.1", f'HostKey "{self.place}/hostkey"'),
            *(f'AuthorizedKeysFile "{self.place}/authorized"', "PidFile none", "StrictModes no", "UsePAM no"),
            *("PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes"),
            *(f'SetEnv HOME="{self.home}"', *more),
        )
        config = self.place / "sshd_config"
        config.write_text("\n".join([*lines, ""]))
        with (self.place / "log").open("ab") as log:
            argv = [str(self._sshd), "-D", "-e", "-f", str(config)]
            self._daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def sessions(self) -> list[int]:
        """The processes of sshd that serve a connection; not the commands they started."""
        if self._daemon is None:
            return []
        found = processes()
        return [pid for pid in descendants(self._daemon.pid) if found.get(pid, "").startswith("sshd:")]

    def cut(self) -> None:
        """Every connection breaks; what runs behind it goes on."""
        for pid in self.sessions():
            self._signal(pid, signal.SIGKILL)

    def freeze(self) -> list[int]:
        """Every connection stays open and says nothing more."""
        frozen = self.sessions()
        for pid in frozen:
            self._signal(pid, signal.SIGSTOP)
        return frozen

    def _signal(self, pid: int, number: signal.Signals) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    def stop(self) -> None:
        """The host is down: nobody listens, every connection is gone."""
        if self._daemon is None:
            return
        self._daemon.send_signal(signal.SIGSTOP)
        self.cut()
        self._daemon.kill()
        self._daemon.wait(GENEROUS)
        self._daemon = None

    def lock(self, array: str = "default") -> Path:
        """The array's lock over there."""
        return self.home / ".necism" / f"{array}.lock"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def behind_ssh(rig: Rig, far: Far, **keys: str) -> Rig:
    """Put the rig's array behind ssh, as an administrator would."""
    for key, value in {"host": ALIAS, **keys}.items():
        rig.necism(key, value, "array default")
    (rig.config_dir / "ssh_config").write_text(far.client_config())
    return rig
