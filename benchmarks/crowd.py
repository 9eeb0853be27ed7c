"""Two hundred clients of a TLS port who want nothing: half of them say nothing at all, half are open and idle.

Whom the server sends away comes back at once, until standard input ends.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import sys
from contextlib import suppress
from typing import Final

CLIENTS: Final = 200


def main() -> None:
    """Stand around; say so on standard output once everybody is there."""
    port = int(sys.argv[1])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    crowd = selectors.DefaultSelector()
    crowd.register(sys.stdin, selectors.EVENT_READ)
    for number in range(CLIENTS):
        _join(crowd, port, context if number % 2 else None)
    print("there", flush=True)
    while True:
        for key, _ in crowd.select():
            if not isinstance(key.fileobj, socket.socket):
                return
            if _is_over(key.fileobj):
                crowd.unregister(key.fileobj)
                key.fileobj.close()
                _join(crowd, port, key.data)


def _join(crowd: selectors.BaseSelector, port: int, context: ssl.SSLContext | None) -> None:
    """Connect, with a handshake where there is a context; a port that is closed is no place to stand."""
    with suppress(OSError):
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        joined = context.wrap_socket(connection) if context else connection
        joined.settimeout(0)
        crowd.register(joined, selectors.EVENT_READ, context)


def _is_over(connection: socket.socket) -> bool:
    """Whether the server has sent it away; the tickets of TLS are no goodbye."""
    try:
        return not connection.recv(4096)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


if __name__ == "__main__":
    main()
