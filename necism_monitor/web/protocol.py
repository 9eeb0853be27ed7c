"""uvicorn's protocol with the deadlines that it does not have: for heads, bodies, and answers that nobody takes."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Transport
from collections.abc import Callable
from typing import Final, NamedTuple

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from necism_monitor.web.guard import CERTIFICATE, CONTEXT
from necism_monitor.web.protection import Protection
from necism_monitor.web.tls import names_of


class Limits(NamedTuple):
    """Seconds and numbers that keep one client from being in the way of others."""

    handshake: float = 10.0
    """For the handshake of TLS, from the connection on."""
    head: float = 10.0
    """For the head of a request, from the connection or from its first byte."""
    body: float = 10.0
    """For the body of a request, from its head on; most faces read none at all."""
    idle: float = 30.0
    """Between two requests on one connection."""
    write: float = 30.0
    """For taking an answer, from where it does not fit into the buffers, or from its end."""
    connections: int = 256
    """At once; for one more, the one that waited longest without a request is dropped."""
    stop: float = 1.0
    """For answers that are being written when the server stops."""


LIMITS: Final = Limits()
GOODBYE: Final = 2.0
"""Seconds for the end of a connection, which a silent client would never answer."""


class PatientProtocol(H11Protocol):
    """One connection."""

    def __init__(
        self, config: uvicorn.Config, state: ServerState, limits: Limits, on_end: Callable[[PatientProtocol], None]
    ) -> None:
        super().__init__(config, state, {})
        self.limits, self._on_end = limits, on_end
        self.timeout_keep_alive = limits.idle  # type: ignore[assignment]  # uvicorn says int and hands it to call_later
        self.since = self.loop.time()
        """Since when nothing was asked for on this connection."""
        self.opened = False
        """Its handshake is over; before, there is no transport."""
        self._asked = self._leaving = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._sans: frozenset[str] = frozenset()

    def protect(self, protection: Protection) -> None:
        """Hold to what holds when the connection is opened."""
        self._sans = protection.sans
        self.app_state = {CONTEXT: protection.context, CERTIFICATE: None}

    @property
    def waiting(self) -> bool:
        """Nothing is being worked on for it, and nothing is on its way to it."""
        asked = self._asked and not self.cycle.response_complete
        return not (asked or (self.opened and self.transport.get_write_buffer_size()))

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in the class above
        """Somebody connected, and owes us a head; by TLS also a name, where the list of names is not empty."""
        super().connection_made(transport)
        self.opened = True
        certificate = transport.get_extra_info("peercert")
        if self._sans and not self._sans & names_of(certificate):
            transport.abort()
            return
        self.app_state[CERTIFICATE] = certificate or None
        self._set("head", self.limits.head)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, or of a body."""
        if self._leaving:
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and "head" not in self._timers:
            self._set("head", self.limits.head)
        self._note()

    def handle_events(self) -> None:
        """Read what has come; of a new head on, what was owed before it is settled."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._asked = True
            if not self.transport.get_write_buffer_size():
                self._clear("write")

    def pause_writing(self) -> None:
        """An answer does not fit into the buffers: from here on it must be taken."""
        super().pause_writing()
        if "write" not in self._timers:
            self._set("write", self.limits.write, self._give_up_writing)

    def on_response_complete(self) -> None:
        """The answer is written; what is left of a body is not waited for."""
        self.since = self.loop.time()
        if self.conn.their_state is h11.SEND_BODY:
            self._hang_up()
        if "write" not in self._timers:
            self._set("write", self.limits.write, self._give_up_writing)
        super().on_response_complete()
        self._note()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so, and its connection ends, whether or not that is heard."""
        self._set("write", GOODBYE)
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Idle for too long: the end, whether or not that is heard."""
        self._set("write", GOODBYE)
        super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """The server stops."""
        with contextlib.suppress(h11.LocalProtocolError):
            super().shutdown()
            return
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        for name in tuple(self._timers):
            self._clear(name)
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self._on_end(self)

    def _hang_up(self) -> None:
        """End a connection on which a body still comes: closed at once, it would be reset before the answer is read."""
        if self.transport.is_closing() or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._leaving = True
        self._set("leave", GOODBYE)
        try:
            self.transport.write_eof()
        except OSError:  # whoever sent it is gone already
            self.transport.abort()

    def _note(self) -> None:
        """Set and clear the deadlines by what the client has sent so far."""
        state = self.conn.their_state
        if state is not h11.IDLE:
            self._clear("head")
        if state is not h11.SEND_BODY:
            self._clear("body")
        elif "body" not in self._timers:
            self._set("body", self.limits.body)

    def _set(self, name: str, seconds: float, call: Callable[[], None] | None = None) -> None:
        self._clear(name)
        self._timers[name] = self.loop.call_later(seconds, call or self.transport.abort)

    def _clear(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _give_up_writing(self) -> None:
        self._timers.pop("write", None)
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()
