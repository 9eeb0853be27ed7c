"""Where to listen: addresses as they are written in flags, and sockets for them."""

from __future__ import annotations

import errno
import socket
from typing import Final, NamedTuple

from necism_monitor.domain.errors import EnvironmentProblem, UsageError

EVERY_IPV4: Final = "0.0.0.0"  # noqa: S104 - compared, not bound  # nosec B104
EVERY_IPV6: Final = "::"


class Endpoint(NamedTuple):
    """Where to listen; no host means every address of this machine."""

    host: str
    port: int

    def __str__(self) -> str:
        """`host:port`, as it is written in a flag."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Endpoint:
    """Read `:port`, `host:port` or `[v6]:port`.  Raises UsageError."""
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not port.isascii() or not port.isdigit() or int(port[:6]) > 65535:  # noqa: PLR2004 - the last port
        raise UsageError(f"{text!r} is no listen address", "write :19942, 127.0.0.1:19942 or [::1]:19942")
    if ":" in bare and bare == host:
        raise UsageError(f"{text!r} is ambiguous", f"write [{host}]:{port}")
    return Endpoint(bare, int(port))


def listen(endpoint: Endpoint) -> socket.socket:
    """A listening socket; without host for both families, where this machine has both.

    Raises EnvironmentProblem where the address is taken, is not ours, or is not allowed.
    """
    try:
        if endpoint.host:
            found = socket.getaddrinfo(*endpoint, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, _, _, _, place = found[0]
            return socket.create_server((place[0], place[1]), family=family, backlog=128)
        return _listen_everywhere(endpoint.port)
    except OSError as error:
        raise EnvironmentProblem(f"cannot listen on {endpoint}: {error.strerror}", _advice(error)) from error


def _listen_everywhere(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
        except OSError as error:
            if error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                raise
    return socket.create_server(("", port), backlog=128)


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another process listens there (`ss -ltnp`); stop it or choose another --web.listen-address"
    return "choose another --web.listen-address"


def bound_port(listener: socket.socket) -> int:
    """The port, also where the system chose it."""
    port: int = listener.getsockname()[1]
    return port


def place_of(listener: socket.socket) -> str:
    """Where a socket listens, as people write it; a path for one of the file system."""
    name = listener.getsockname()
    if isinstance(name, tuple):
        return str(Endpoint("" if name[0] in {EVERY_IPV4, EVERY_IPV6} else name[0], name[1]))
    return str(name)
