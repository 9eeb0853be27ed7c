"""Who may ask: users with passwords, bearers of a token, holders of a client certificate, or everybody.

One layer for every HTTP face: `web/guard.py` asks an `Authority` before a request reaches any route, whatever its path.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import queue
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import bcrypt

from necism_monitor.domain.errors import ConfigError, Problem
from necism_monitor.web.files import read_small
from necism_monitor.web.tls import names_of

LOG: Final = logging.getLogger("necism")
PASSWORD_BYTES: Final = 72
"""bcrypt looks at no more, so a longer password would be compared by its beginning."""
REMEMBERED: Final = 256
"""Results that are kept: so many that were right, and so many that were wrong."""
PENDING: Final = 64
"""Passwords that may wait for bcrypt; it takes one at a time."""
TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
SHORTEST_TOKEN: Final = 16


class Caller(NamedTuple):
    """What a request shows of who sends it."""

    authorization: tuple[bytes, ...] = ()
    """The values of its Authorization headers."""
    certificate: Mapping[str, Any] | None = None
    """The client's certificate, verified by TLS."""


class Undecided(Exception):
    """Nobody can tell now whether a caller may ask; the text says why."""


class Overloaded(Undecided):
    """More passwords wait to be checked than is sensible."""

    def __init__(self) -> None:
        super().__init__("too many passwords are being checked")


class Authority(Protocol):
    """Decides who may ask."""

    @property
    def challenges(self) -> tuple[str, ...]:
        """What a refusal says in WWW-Authenticate."""
        ...

    async def admits(self, caller: Caller) -> bool:
        """Whether this caller may.  Raises Undecided where it cannot be told now."""
        ...


class Everybody:
    """Nobody is asked for anything."""

    challenges = ()

    async def admits(self, caller: Caller) -> bool:
        """Yes."""
        del caller
        return True


class Users:
    """Users with bcrypt hashes, as in exporter-toolkit."""

    challenges = ('Basic realm="necism", charset="UTF-8"',)

    def __init__(self, users: Iterable[tuple[str, str]], checker: Checker) -> None:
        self._hashes = {name.encode(): hashed.encode() for name, hashed in users}
        self._checker = checker
        # An unknown user costs what the dearest known one costs: the time of a refusal names nobody.
        cost = max((hashed[4:6] for hashed in self._hashes.values()), default=b"10")
        self._dummy = b"$2b$" + cost + b"$" + b"." * 53

    async def admits(self, caller: Caller) -> bool:
        """Whether name and password belong together."""
        given = read_basic(caller.authorization)
        if given is None or len(given[1]) > PASSWORD_BYTES:
            return False
        hashed = self._hashes.get(given[0])
        right = await self._checker.matches(given[0], given[1], self._dummy if hashed is None else hashed)
        return right and hashed is not None


class Bearer:
    """The bearer of the one token in a file, as Alertmanager's `authorization.credentials_file` sends it."""

    challenges = ('Bearer realm="necism"',)

    def __init__(self, path: Path) -> None:
        self._path, self._complaint = path, ""
        read_token(path)

    async def admits(self, caller: Caller) -> bool:
        """Whether the token is that of the file as it is now.  Raises Undecided where there is none to compare with."""
        scheme, _, token = b"".join(caller.authorization).partition(b" ")
        if len(caller.authorization) != 1 or scheme.lower() != b"bearer":
            return False
        try:
            known = read_token(self._path)
        except ConfigError as error:
            # Told once: whoever asks, and however often, must not fill the log.
            if error.text != self._complaint:
                LOG.error("nobody is let in with a token: %s\nhint: %s", error.text, error.hint)  # noqa: TRY400 - no bug of ours: no traceback
            self._complaint = error.text
            raise Undecided("the token cannot be checked") from error
        self._complaint = ""
        return hmac.compare_digest(hashlib.sha256(known).digest(), hashlib.sha256(token.strip()).digest())


class Certificates:
    """Holders of a certificate that TLS verified; with names, only of one that carries one of them."""

    challenges = ()

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)

    async def admits(self, caller: Caller) -> bool:
        """Whether there is such a certificate."""
        return bool(caller.certificate) and (not self._names or bool(self._names & names_of(caller.certificate)))


class AnyOf:
    """Whoever one of several authorities admits; of none at all, nobody."""

    def __init__(self, *authorities: Authority) -> None:
        self._authorities = authorities

    @property
    def challenges(self) -> tuple[str, ...]:
        """Those of all of them."""
        return tuple(text for one in self._authorities for text in one.challenges)

    async def admits(self, caller: Caller) -> bool:
        """Whether one of them says yes."""
        for one in self._authorities:
            if await one.admits(caller):
                return True
        return False


class Checker:
    """Compares passwords with bcrypt hashes: one at a time, in a thread of its own, each pair once.

    A result is remembered under a keyed digest of user, password and hash.  Nobody who reads the memory of the process
    finds a password in it that could be tried elsewhere, and a new hash makes the old result unfindable.
    """

    def __init__(self, check: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._check, self._secret = check, secrets.token_bytes(32)
        self._known: dict[bool, OrderedDict[bytes, None]] = {True: OrderedDict(), False: OrderedDict()}
        self._pending: dict[bytes, asyncio.Future[bool]] = {}
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def matches(self, user: bytes, password: bytes, hashed: bytes) -> bool:
        """Whether the password is that of the hash.  Raises Overloaded where too many are waiting."""
        key = self._digest(user, password, hashed)
        for right, results in self._known.items():
            if key in results:
                results.move_to_end(key)
                return right
        if key not in self._pending:
            if len(self._pending) >= PENDING:
                raise Overloaded
            self._pending[key] = self._begin(key, password, hashed)
        # Shielded: whoever asked first may go away while others wait for the same answer.
        return await asyncio.shield(self._pending[key])

    def _digest(self, *fields: bytes) -> bytes:
        """Each field with its length, so that no two different triples run together into one text."""
        text = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
        return hmac.digest(self._secret, text, "sha256")

    def _begin(self, key: bytes, password: bytes, hashed: bytes) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def work() -> None:
            try:
                right = self._check(password, hashed)
            except ValueError:  # of a password that bcrypt does not take
                right = False
            # The loop is closed where the program ended meanwhile.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._finish, key, answer, right)

        self._work.put(work)
        if self._thread is None:
            # A daemon: nobody waits for a hash of cost 20 when the program is to end.
            self._thread = threading.Thread(target=self._run, name="bcrypt", daemon=True)
            self._thread.start()
        return answer

    def _run(self) -> None:
        while True:
            self._work.get()()

    def _finish(self, key: bytes, answer: asyncio.Future[bool], right: bool) -> None:  # noqa: FBT001 - the loop calls by position
        self._pending.pop(key, None)
        results = self._known[right]
        results[key] = None
        if len(results) > REMEMBERED:
            results.popitem(last=False)
        if not answer.done():
            answer.set_result(right)


def read_basic(values: tuple[bytes, ...]) -> tuple[bytes, bytes] | None:
    """User and password of the one Authorization header (RFC 7617); None of any other."""
    scheme, _, rest = b"".join(values).partition(b" ")
    if len(values) != 1 or scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None


def read_token(path: Path) -> bytes:
    """The token of a credentials file: its one line.  Raises ConfigError; the token itself is never quoted."""
    try:
        token = read_small(path).strip()
    except OSError as error:
        problem = Problem(str(path), None, "", f"the credentials file cannot be read: {error.strerror}")
        raise ConfigError((problem,)) from error
    if len(token) < SHORTEST_TOKEN or not TOKEN.fullmatch(token):
        rule = f"a credentials file holds one token of at least {SHORTEST_TOKEN} letters, digits or -._~+/"
        raise ConfigError((Problem(str(path), None, "", rule, "make one with `openssl rand -hex 32`"),))
    return token
