"""Serving HTTP/1.1 to strangers: uvicorn with the deadlines that it does not have, on sockets of our own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from asyncio import Transport
from collections.abc import Callable, Generator
from typing import Any, Final, NamedTuple

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from necism_monitor.domain.errors import EnvironmentProblem, UsageError

HEAD_SECONDS: Final = 10.0
"""For the head of a request, from the connection or from its first byte."""
IDLE_SECONDS: Final = 30
"""Between two requests on one connection."""
WRITE_SECONDS: Final = 30.0
"""For taking an answer, once it is written."""
CONNECTIONS: Final = 256
"""At once; one more is answered with 503."""
HEAD_BYTES: Final = 16 * 1024
STOP_SECONDS: Final = 1
"""For answers that are being written when the server stops."""


class Endpoint(NamedTuple):
    """Where to listen; no host means every address of this machine."""

    host: str
    port: int

    def __str__(self) -> str:
        """`host:port`, as it is written in a flag."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, with deadlines for heads and for answers nobody takes, and no ear for request bodies."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in the class above
        """Somebody connected, and owes us a head."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        super().connection_made(transport)
        self._set("head", HEAD_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, or of a body nobody reads."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._clear("head")
        elif "head" not in self._timers:
            self._set("head", HEAD_SECONDS, self.transport.abort)

    def on_response_complete(self) -> None:
        """The answer is written; it must be taken, and what is left of a body is not waited for."""
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.close()
        self._set("write", WRITE_SECONDS, self._give_up_writing)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._clear("head")
        self._clear("write")
        super().connection_lost(exc)

    def _set(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self._clear(name)
        self._timers[name] = self.loop.call_later(seconds, call)

    def _clear(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _give_up_writing(self) -> None:
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: it would end itself by the signal it was asked to stop with."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to `serve`."""
        yield


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


class Calls(NamedTuple):
    """What the server tells of: all are called in its thread but `reload`, which has one of its own."""

    ready: Callable[[], None]
    """Signals are taken from here on."""
    stop: Callable[[], None]
    reload: Callable[[], None]


def serve(app: ASGIApp, listener: socket.socket, calls: Calls) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads.  Returns when it is over."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    asyncio.run(_serve(_Server(_settings(app)), listener, calls))


def _settings(app: ASGIApp) -> uvicorn.Config:
    # Typed on purpose as a plain mapping: uvicorn's own annotations of `http` and `ws` differ between its releases.
    options: dict[str, Any] = {
        "http": PatientProtocol,
        "ws": "none",
        "loop": "asyncio",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "limit_concurrency": CONNECTIONS,
        "timeout_keep_alive": IDLE_SECONDS,
        "timeout_graceful_shutdown": STOP_SECONDS,
        "h11_max_incomplete_event_size": HEAD_BYTES,
    }
    return uvicorn.Config(app, **options)


async def _serve(server: uvicorn.Server, listener: socket.socket, calls: Calls) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True
        calls.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, calls.reload))
    calls.ready()
    await server.serve(sockets=[listener])
