"""Our server in a thread of this process, with limits of fractions of a second, and clients that misbehave."""

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from necism_monitor.web.body import BodyRefused, read_body
from necism_monitor.web.listen import Endpoint, bound_port, listen
from necism_monitor.web.protection import Protection
from necism_monitor.web.protocol import Limits
from necism_monitor.web.server import Calls, Server

GENEROUS = 60
SHORT = Limits(handshake=0.4, head=0.4, body=0.4, idle=0.8, write=0.4, stop=0.5)
BIG = PlainTextResponse(b"x" * 20_000_000)


async def _post(request: Request) -> Response:
    try:
        body = await read_body(request.scope, request.receive, 1000, 0.3)
    except BodyRefused as refused:
        return PlainTextResponse(refused.status.phrase, refused.status)
    return PlainTextResponse(f"{len(body)} bytes")


HELLO = Starlette(
    routes=[
        Route("/", lambda _: PlainTextResponse("hello")),
        Route("/big", lambda _: BIG),
        Route("/page", lambda _: PlainTextResponse(b"y" * 60_000)),
        Route("/post", _post, methods=["POST"]),
    ]
)


class Fast:
    """The server; `client` wraps the connections of clients that speak TLS."""

    def __init__(
        self,
        app: ASGIApp = HELLO,
        limits: Limits = SHORT,
        protection: Callable[[], Protection] = Protection,
        client: ssl.SSLContext | None = None,
    ) -> None:
        self._app, self._limits, self._protection, self._client = app, limits, protection, client
        self._listener = listen(Endpoint("127.0.0.1", 0))
        self.address = ("127.0.0.1", bound_port(self._listener))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._ready = threading.Event()
        self.beats = 0

    async def _run(self) -> None:
        self._server, self._loop = Server(self._app, self._protection, self._limits), asyncio.get_running_loop()

        def beat() -> None:
            self.beats += 1

        with self._listener:
            await self._server.serve([self._listener], Calls(self._ready.set, beat, beat, beat, 0.05))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(GENEROUS)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> float:
        """Stop it; how long that took."""
        began = time.monotonic()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(GENEROUS)
        assert not self._thread.is_alive()
        return time.monotonic() - began

    def connections(self) -> int:
        """How many are open, those in a handshake included."""
        return self._server.door.count

    def sockets(self) -> list[socket.socket]:
        """The server's ends of the open connections."""
        return list(self._server.door._inside.values())

    def wait_for(self, count: int) -> None:
        """Wait until so many connections are open."""
        deadline = time.monotonic() + GENEROUS
        while self.connections() != count:
            assert time.monotonic() < deadline, f"{self.connections()} connections are open"
            time.sleep(0.02)

    def bare(self) -> socket.socket:
        """A connection on which nothing was said, not even by TLS."""
        return socket.create_connection(self.address, timeout=GENEROUS)

    def connect(self) -> socket.socket:
        """A connection ready for HTTP."""
        connection = self.bare()
        return connection if self._client is None else self._client.wrap_socket(connection, server_hostname="localhost")

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """An ordinary request: status, headers, body."""
        if self._client is None:
            connection = http.client.HTTPConnection(*self.address, timeout=GENEROUS)
        else:
            connection = http.client.HTTPSConnection(*self.address, timeout=GENEROUS, context=self._client)
        with contextlib.closing(connection):
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()


def drain(client: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    client.settimeout(GENEROUS)
    received = bytearray()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := client.recv(1 << 16):
            received += data
    return bytes(received)
