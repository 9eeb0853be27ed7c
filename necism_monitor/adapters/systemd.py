"""What systemd is told, and what it hands over: readiness, reloads, signs of life, listening sockets.

Without systemd, all of it is nothing: the variables that it sets are not there.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Final

from necism_monitor.domain.errors import EnvironmentProblem

FIRST_SOCKET: Final = 3
LARGEST: Final = 4096
"""Bytes of a message."""


class Notifier:
    """Sends the states of sd_notify(3) to the socket that systemd listens on; what cannot be sent is left unsaid."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.interval = _interval(environ)
        """Seconds between two signs of life; None where nobody waits for one."""

    def ready(self) -> None:
        """The service is up; also after a reload."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The service goes down."""
        self._send("STOPPING=1")

    def beat(self) -> None:
        """The loop still turns."""
        if self.interval is not None:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for people, shown by `systemctl status`."""
        self._send("STATUS=" + " ".join(text.split()))

    def _send(self, *lines: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        # An abstract name begins with a NUL, which no variable can hold.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(lines).encode("utf-8", "replace")[:LARGEST]
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            # A full queue of the receiver must not stop the loop whose life is told of.
            out.sendto(message, socket.MSG_DONTWAIT, address)


def inherited_sockets(environ: MutableMapping[str, str], pid: Callable[[], int] = os.getpid) -> list[socket.socket]:
    """The listening stream sockets that systemd opened for us.  Raises EnvironmentProblem where there are none."""
    count, owner = environ.pop("LISTEN_FDS", ""), environ.pop("LISTEN_PID", "")
    environ.pop("LISTEN_FDNAMES", None)
    hint = "start it by a .socket unit, or leave --web.systemd-socket out"
    if owner != str(pid()) or not count.isdigit() or int(count) == 0:
        raise EnvironmentProblem("systemd has handed over no socket", hint)
    return [_adopt(number, hint) for number in range(FIRST_SOCKET, FIRST_SOCKET + int(count))]


def _adopt(number: int, hint: str) -> socket.socket:
    try:
        found = socket.socket(fileno=number)
        listening = bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError as error:
        raise EnvironmentProblem(f"descriptor {number} is no socket: {error.strerror}", hint) from error
    if found.type is not socket.SOCK_STREAM or not listening:
        raise EnvironmentProblem(
            f"descriptor {number} is no listening stream socket", "use ListenStream= and Accept=no"
        )
    # Commands that we start must not inherit it.
    found.set_inheritable(False)
    return found


def _interval(environ: MutableMapping[str, str]) -> float | None:
    """A third of what systemd waits for, where it waits for this process."""
    microseconds, owner = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0 or owner not in {"", str(os.getpid())}:
        return None
    return int(microseconds) / 3e6
