"""Stands before the routes of an HTTP face: what is too much, who may not ask, and what every answer carries.

Nothing here looks at the path: every route is behind it, those that do not exist included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from necism_monitor.web.auth import Caller, Undecided
from necism_monitor.web.protection import Protection

HEAD_BYTES: Final = 16 * 1024
HEADER_LINES: Final = 100
PIECE: Final = 64 * 1024
"""Bytes of an answer that are handed to a connection at once: one that takes none holds a few pieces of memory."""
CERTIFICATE: Final = "certificate"
CONTEXT: Final = "tls"
"""Keys of a connection's state, as the protocol leaves it in the scope."""


class Guard:
    """An application around another one; `protection` says what holds at this moment."""

    def __init__(self, app: ASGIApp, protection: Callable[[], Protection]) -> None:
        self._app, self._protection = app, protection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        protection = self._protection()
        answer = _Answer(send, protection, stale=scope.get("state", {}).get(CONTEXT) is not protection.context)
        refusal = await _refusal(scope, protection)
        await (self._app if refusal is None else refusal)(scope, receive, answer.send)


class MaxRequests:
    """An application that works on so many requests at once, 0 = any number; paths in `free` do not count."""

    def __init__(self, app: ASGIApp, limit: int, free: frozenset[str]) -> None:
        self._app, self._limit, self._free, self._working = app, limit, free, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work on a request, or say that there are too many; an answer that is only being taken does not count."""
        if scope["path"] in self._free:
            await self._app(scope, receive, send)
            return
        if self._limit and self._working >= self._limit:
            text = f"{self._limit} requests are being worked on already (--web.max-requests); try again later\n"
            await PlainTextResponse(text, 503, {"retry-after": "1"})(scope, receive, send)
            return
        working = True
        self._working += 1

        async def tell(message: Message) -> None:
            nonlocal working
            if working:
                working = False
                self._working -= 1
            await send(message)

        try:
            await self._app(scope, receive, tell)
        finally:
            self._working -= working


class _Answer:
    """Sends an answer in pieces, with the headers of the web configuration."""

    def __init__(self, send: Send, protection: Protection, *, stale: bool) -> None:
        self._send, self._protection, self._stale = send, protection, stale

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            own = dict(self._protection.headers)
            kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in own]
            # The connection was made under settings of TLS that no longer hold: the next request comes on another.
            end = [(b"connection", b"close")] if self._stale else []
            await self._send({**message, "headers": [*kept, *own.items(), *end]})
        elif message["type"] == "http.response.body":
            await self._send_body(message)
        else:
            await self._send(message)

    async def _send_body(self, message: Message) -> None:
        body = memoryview(message.get("body", b""))
        while len(body) > PIECE:
            await self._send({"type": message["type"], "body": bytes(body[:PIECE]), "more_body": True})
            body = body[PIECE:]
        await self._send({**message, "body": bytes(body)})


async def _refusal(scope: Scope, protection: Protection) -> Response | None:
    """The answer to a request that does not get to a route."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > HEADER_LINES or sum(len(name) + len(value) + 4 for name, value in headers) > HEAD_BYTES:
        return PlainTextResponse("the head of the request is too large\n", 431, {"connection": "close"})
    if protection.bucket is not None and not protection.bucket.take():
        return PlainTextResponse("too many requests\n", 429)
    authorization = tuple(value for name, value in headers if name == b"authorization")
    try:
        admitted = await protection.authority.admits(Caller(authorization, scope.get("state", {}).get(CERTIFICATE)))
    except Undecided as why:
        return PlainTextResponse(f"{why}; try again later\n", 503, {"retry-after": "1"})
    if admitted:
        return None
    answer = PlainTextResponse("unauthorized\n", 401)
    for challenge in protection.authority.challenges:
        answer.headers.append("www-authenticate", challenge)
    return answer
