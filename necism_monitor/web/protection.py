"""What is asked of those who connect: the web configuration in force, re-read when its files change.

A change on disk is taken by itself unless it is broken or asks for less protection: a file that is just being written
must not open what was closed.  What is less is taken where somebody says so, with SIGHUP.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.domain.errors import ConfigError, NecismError, UsageError
from necism_monitor.web.auth import Authority, Checker, Everybody, Users
from necism_monitor.web.tls import canonical, make_context
from necism_monitor.web.webconfig import RateLimit, WebConfig, read_web_config

LOG: Final = logging.getLogger("necism")
RESTART: Final = "TLS is switched on or off with a restart only"

Stamps = dict[Path, tuple[int, ...] | None]


class Bucket:
    """A token bucket, full at first."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit, self._clock = limit, clock
        self._tokens, self._at = float(limit.burst), clock()

    def take(self) -> bool:
        """Whether one more request may come now."""
        now = self._clock()
        self._tokens = min(float(self.limit.burst), self._tokens + (now - self._at) / self.limit.interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Protection(NamedTuple):
    """What holds for connections and requests from now on; the default is none at all."""

    context: ssl.SSLContext | None = None
    sans: frozenset[str] = frozenset()
    """Of which a client's certificate must carry one; empty = any."""
    authority: Authority = Everybody()
    bucket: Bucket | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Keeper:
    """Keeps the protection that the file at `path` asks for; without a path, none.  Raises ConfigError."""

    def __init__(self, path: Path | None) -> None:
        self.path, self._checker, self._guard = path, Checker(), threading.Lock()
        self._paths: tuple[Path, ...] = ()
        self._stamps: Stamps = {}
        self._sound = True
        self._force = WebConfig(), Protection()
        if path is not None:
            self._take(*self._read(path))
        if self.config.http2 and self.config.tls is not None:
            LOG.info("the web configuration allows HTTP/2; this program speaks HTTP/1.1, which every client does too")

    @property
    def sound(self) -> bool:
        """Whether what is on disk is what is in force."""
        self.current()
        return self._sound

    @property
    def config(self) -> WebConfig:
        """The configuration in force."""
        return self._force[0]

    def current(self) -> Protection:
        """What holds now; files that changed are read first.  Never raises, and never holds anybody up for long."""
        return self.in_force()[1]

    def in_force(self) -> tuple[WebConfig, Protection]:
        """As `current`, with the configuration it was made of: asked for one by one, they may be of two reloads."""
        if self.path is not None and self._guard.acquire(blocking=False):
            try:
                if stamps(self._paths) != self._stamps:
                    self._refresh(self.path)
            finally:
                self._guard.release()
        return self._force

    def reload(self) -> None:
        """Take what is on disk, less protection included.  Raises ConfigError and UsageError; then all stays."""
        if self.path is None:
            return
        with self._guard:
            try:
                self._renew(self.path)
            except NecismError:
                self._sound = False
                raise

    def _renew(self, path: Path) -> None:
        config, context = self._read(path)
        if (config.tls is None) != (self.config.tls is None):
            raise UsageError(f"{path}: {RESTART}", "restart the service")
        self._take(config, context)

    def _refresh(self, path: Path) -> None:
        try:
            config, context = self._read(path)
        except ConfigError as error:
            self._complain(error.text, error.hint)
            return
        less = weakening(self.config, config)
        if less is not None:
            self._complain(f"{path}: {less}", "restart the service" if less == RESTART else "SIGHUP takes it")
            return
        self._take(config, context)
        LOG.info("%s, or a file that it names, was read again", path)

    def _read(self, path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
        """Read everything; what is watched for its next change is stamped before it is read."""
        own = stamps((path,))
        self._stamps = stamps(self._paths) | own
        config = read_web_config(path)
        self._paths = (path, *(() if config.tls is None else config.tls.files))
        self._stamps = stamps(self._paths) | own
        return config, None if config.tls is None else make_context(str(path), config.tls)

    def _take(self, config: WebConfig, context: ssl.SSLContext | None) -> None:
        bucket = self._force[1].bucket
        if config.rate_limit != (None if bucket is None else bucket.limit):
            bucket = None if config.rate_limit is None else Bucket(config.rate_limit)
        protection = Protection(
            context=context,
            sans=frozenset(canonical(one) for one in (config.tls.allowed_sans if config.tls else ())),
            authority=Users(config.users, self._checker) if config.users else Everybody(),
            bucket=bucket,
            headers=tuple((name.lower().encode(), value.encode()) for name, value in config.headers),
        )
        # At once, because requests come while a reload is at work.
        self._force, self._sound = (config, protection), True

    def _complain(self, text: str, hint: str) -> None:
        self._sound = False
        LOG.error("the web configuration on disk is not taken, the one before stays: %s\nhint: %s", text, hint)


def weakening(old: WebConfig, new: WebConfig) -> str | None:
    """What the new configuration no longer asks for, though the old one did; None where there is nothing."""
    if (old.tls is None) != (new.tls is None):
        return RESTART
    if old.tls is not None and new.tls is not None:
        if new.tls.client_auth < old.tls.client_auth:
            return "less is asked of clients' certificates than before"
        if old.tls.allowed_sans and not new.tls.allowed_sans:
            return "client_allowed_sans is gone"
        if new.tls.minimum < old.tls.minimum:
            return "older TLS is allowed than before"
    if old.users and not new.users:
        return "there are no users any more, so everybody could ask"
    if old.rate_limit and not new.rate_limit:
        return "there is no rate limit any more"
    return None


def stamps(paths: tuple[Path, ...]) -> Stamps:
    """What tells a file from its next version; None of one that cannot be seen."""
    found: Stamps = {}
    for path in paths:
        try:
            seen = path.stat()
        except (OSError, ValueError):
            found[path] = None
        else:
            found[path] = (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev, seen.st_size)
    return found
