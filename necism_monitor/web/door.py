"""The door: takes connections in, so many at once, and makes room where those inside only sit there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Final

from necism_monitor.web.protection import Protection
from necism_monitor.web.protocol import Limits, PatientProtocol

LOG: Final = logging.getLogger("necism")
PAUSE: Final = 0.2
"""Seconds until the next try, where the system has no room for one more connection."""

QUIET: Final = 60.0
"""Seconds between two lines of the log about that."""
AT_ONCE: Final = 32
"""Connections that are taken in before others get their turn."""

Make = Callable[[Callable[[PatientProtocol], None]], PatientProtocol]


class Door:
    """Accepts on several listeners; every connection counts from its first moment, before any handshake."""

    def __init__(self, limits: Limits, make: Make, protection: Callable[[], Protection]) -> None:
        self._limits, self._make, self._protection = limits, make, protection
        self._inside: dict[PatientProtocol, socket.socket] = {}
        self._listeners: list[socket.socket] = []
        self._silent_until = 0.0
        self._opening: set[asyncio.Task[None]] = set()

    def open(self, listeners: list[socket.socket]) -> None:
        """Begin to accept."""
        self._listeners = listeners
        for listener in listeners:
            listener.settimeout(0)
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def close(self) -> None:
        """Accept no more, and let go of those who have not come in yet."""
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
        self._listeners = []
        for protocol, connection in self._inside.items():
            if not protocol.opened:
                _cut(protocol, connection)

    @property
    def count(self) -> int:
        """How many are inside."""
        return len(self._inside)

    def clear(self) -> None:
        """Send everybody away who is still there."""
        for protocol, connection in self._inside.items():
            _cut(protocol, connection)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(listener, error)
                return
            self._admit(connection)

    def _pause(self, listener: socket.socket, error: OSError) -> None:
        """Accept again in a moment: no descriptor or no memory is left, and one client less may help."""
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            self._silent_until = now + QUIET
            LOG.error("cannot accept connections: %s", error.strerror)
        self._make_room()
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        loop.call_later(PAUSE, self._resume, listener)

    def _resume(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _admit(self, connection: socket.socket) -> None:
        if len(self._inside) >= self._limits.connections and not self._make_room():
            connection.close()
            return
        _send_at_once(connection)
        protocol = self._make(self._left)
        self._inside[protocol] = connection
        task = asyncio.get_running_loop().create_task(self._open(connection, protocol))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket, protocol: PatientProtocol) -> None:
        protection = self._protection()
        protocol.protect(protection)
        secure = protection.context is not None
        try:
            if secure:
                await self._first_byte(connection)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=protection.context,
                ssl_handshake_timeout=self._limits.handshake if secure else None,
                ssl_shutdown_timeout=self._limits.write if secure else None,
            )
        except OSError as error:
            # No handshake, or not in time, or its place was needed.
            LOG.debug("a connection was not opened: %r", error)
        if not protocol.opened:
            # Also without an error: asyncio calls a connection opened that was lost in its handshake.
            self._left(protocol)

    async def _first_byte(self, connection: socket.socket) -> None:
        """Wait until a client speaks: TLS, and its buffers of some hundred kilobytes, is not made for silent ones."""
        loop, spoken = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(connection, spoken.set)
        try:
            async with asyncio.timeout(self._limits.handshake):
                await spoken.wait()
        finally:
            loop.remove_reader(connection)
            if not spoken.is_set():
                connection.close()

    def _left(self, protocol: PatientProtocol) -> None:
        self._inside.pop(protocol, None)

    def _make_room(self) -> bool:
        """Drop whoever has asked for nothing for the longest time; False where all are being answered."""
        waiting = [one for one in self._inside if one.waiting]
        if not waiting:
            return False
        longest = min(waiting, key=lambda one: one.since)
        _cut(longest, self._inside.pop(longest))
        return True


def _send_at_once(connection: socket.socket) -> None:
    """Send every piece of an answer as it comes.

    Head and body are two, and a client that keeps its connection would get the second one only after its own delayed
    acknowledgement, 40 ms.  asyncio does so only for sockets that were made with TCP by name, which those of
    `create_server` and of systemd are not.
    """
    if connection.family in {socket.AF_INET, socket.AF_INET6}:
        with contextlib.suppress(OSError):  # whoever came is gone again
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _cut(protocol: PatientProtocol, connection: socket.socket) -> None:
    """End a connection at once; one in its handshake is hung up under it, which ends the handshake."""
    if protocol.opened:
        protocol.transport.abort()
    else:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
