"""Reading the body of a request: so many bytes at most, and within a deadline."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.types import Receive, Scope


class BodyRefused(Exception):
    """A body that is not read to its end; `status` is what to answer."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """The body, of at most `limit` bytes.  Raises BodyRefused: too large, too slow, or cut off.

    The connection is closed after the answer to a body that was not taken to its end.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise BodyRefused(HTTPStatus.BAD_REQUEST)
                body += message.get("body", b"")
                if len(body) > limit:
                    raise BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise BodyRefused(HTTPStatus.REQUEST_TIMEOUT) from None
