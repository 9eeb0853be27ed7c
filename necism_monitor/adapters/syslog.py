"""One line to the host's syslog, for those whose output nobody keeps; never waits, never fails."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Final

SOCKET: Final = "/dev/log"
LIMIT: Final = 900
"""Characters; RFC 3164 allows 1024 bytes with its head."""
_DAEMON: Final = 3 << 3
_WARNING: Final = 4


def warn(text: str, path: str = SOCKET) -> None:
    """Say `text`, one printable line, as a warning of `necism`."""
    line = f"<{_DAEMON | _WARNING}>necism[{os.getpid()}]: {text[:LIMIT]}"
    with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
        out.connect(path)
        out.send(line.encode("utf-8", "backslashreplace"))
