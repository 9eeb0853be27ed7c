"""Serving HTTP/1.1 to strangers, on sockets of our own, until a signal says that it is over."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any, NamedTuple

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from necism_monitor.web.door import Door
from necism_monitor.web.guard import HEAD_BYTES, Guard
from necism_monitor.web.protection import Protection
from necism_monitor.web.protocol import LIMITS, Limits, PatientProtocol


class Calls(NamedTuple):
    """What the server tells of: all are called in its thread but `reload`, which has one of its own."""

    ready: Callable[[], None]
    """Connections are accepted and signals are taken from here on."""
    stop: Callable[[], None]
    reload: Callable[[], None]
    beat: Callable[[], None] = lambda: None
    """The loop turns; called every `beat_seconds`."""
    beat_seconds: float = 1.0


class Server:
    """Connections, and the end of them.  `app` answers what the guard lets through."""

    def __init__(self, app: ASGIApp, protection: Callable[[], Protection], limits: Limits = LIMITS) -> None:
        self._limits, self._state = limits, ServerState()
        self._config = uvicorn.Config(Guard(app, protection), **_settings())
        self._config.load()
        # Strangers who speak no HTTP would fill the log with one line each.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self.door = Door(limits, self._protocol, protection)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End `serve` soon."""
        self._stopping.set()

    async def serve(self, listeners: Sequence[socket.socket], calls: Calls) -> None:
        """Serve until stopped, then give those who are being answered a moment."""
        self._tell_date()
        self.door.open(list(listeners))
        calls.ready()
        beat = asyncio.create_task(_every(calls.beat_seconds, calls.beat))
        date = asyncio.create_task(_every(1.0, self._tell_date))
        await self._stopping.wait()
        for task in (beat, date):
            task.cancel()
        await self._end()

    async def _end(self) -> None:
        self.door.close()
        for connection in tuple(self._state.connections):
            connection.shutdown()
        deadline = asyncio.get_running_loop().time() + self._limits.stop
        while self.door.count and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - over in a moment
            await asyncio.sleep(0.01)
        self.door.clear()
        for task in tuple(self._state.tasks):
            task.cancel()

    def _protocol(self, on_end: Callable[[PatientProtocol], None]) -> PatientProtocol:
        return PatientProtocol(self._config, self._state, self._limits, on_end)

    def _tell_date(self) -> None:
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]


def serve(
    app: ASGIApp, listeners: Sequence[socket.socket], calls: Calls, protection: Callable[[], Protection] = Protection
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads.  Returns when it is over."""
    asyncio.run(_serve(app, listeners, calls, protection))


def _settings() -> dict[str, Any]:
    # Typed on purpose as a plain mapping: uvicorn's own annotations differ between its releases.
    return {
        "http": PatientProtocol,
        "ws": "none",
        "loop": "asyncio",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "h11_max_incomplete_event_size": HEAD_BYTES,
    }


async def _serve(
    app: ASGIApp, listeners: Sequence[socket.socket], calls: Calls, protection: Callable[[], Protection]
) -> None:
    loop, server = asyncio.get_running_loop(), Server(app, protection)

    def stop() -> None:
        server.stop()
        calls.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, calls.reload))
    await server.serve(listeners, calls)


async def _every(seconds: float, call: Callable[[], None]) -> None:
    while True:
        call()
        await asyncio.sleep(seconds)
