"""The web configuration file of exporter-toolkit: TLS, headers, users and a rate limit.

What the toolkit knows and this program cannot do is refused by name: a protection that somebody asked for is never
left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from yaml.nodes import Node

from necism_monitor.domain.errors import ConfigError
from necism_monitor.web.files import read_small
from necism_monitor.web.webconfig_tls import TLS, TlsSettings, read_tls
from necism_monitor.web.yaml_tables import INT, Tables, dotted

TABLES: Final = (TLS, "http_server_config", "basic_auth_users", "rate_limit")
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
"""The headers that may be set, with their values where only some are allowed."""
BCRYPT: Final = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
UNITS: Final = {"ns": 1e-9, "us": 1e-6, "\N{MICRO SIGN}s": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|\N{MICRO SIGN}s|ms|s|m|h)", re.ASCII)


class RateLimit(NamedTuple):
    """A bucket of `burst` requests that gets one more every `interval` seconds."""

    interval: float
    burst: int


class WebConfig(NamedTuple):
    """What a web configuration asks for."""

    tls: TlsSettings | None = None
    users: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    rate_limit: RateLimit | None = None
    http2: bool = False
    """Asked for by name; HTTP/1.1 is spoken all the same."""


def read_web_config(path: Path) -> WebConfig:
    """The web configuration at `path`.  Raises ConfigError with all problems at once."""
    tables = Tables(str(path))
    try:
        data = read_small(path)
    except OSError as error:
        tables.problem(None, "", f"cannot be read: {error.strerror}", "nothing is served without what it asks for")
        raise ConfigError(tuple(tables.problems)) from error
    return parse_web_config(path, data)


def parse_web_config(path: Path, data: bytes) -> WebConfig:
    """Read `data`, the content of `path`; an empty one asks for nothing.  Raises ConfigError as above."""
    tables = Tables(str(path))
    root = tables.table(tables.document(data), "", TABLES)
    http = tables.table(root.get("http_server_config"), "http_server_config", ("http2", "headers"))
    found = WebConfig(
        tls=read_tls(tables, root.get(TLS), path.parent),
        users=_users(tables, root.get("basic_auth_users")),
        headers=_headers(tables, http.get("headers")),
        rate_limit=_rate_limit(tables, root.get("rate_limit")),
        http2=tables.flag(http.get("http2"), "http2", default=False),
    )
    if tables.problems:
        raise ConfigError(tuple(sorted(tables.problems, key=lambda one: one.line or 0)))
    return found


def _users(tables: Tables, node: Node | None) -> tuple[tuple[str, str], ...]:
    name, found = "basic_auth_users", []
    for user, value in tables.table(node, name, None).items():
        line, hashed = tables.line(name, user), tables.text(value, dotted(name, user))
        if not user or ":" in user or not user.isprintable():
            rule = "a user's name is not empty, and has no colon and no control character"
            # What follows a colon is the password, or its hash, of a line as htpasswd writes it.
            tables.problem(line, dotted(name, user.partition(":")[0]), rule)
        elif hashed is None or not BCRYPT.fullmatch(hashed.value):
            # The value is a secret, or a password that somebody forgot to hash: it is not quoted.
            hint = "make one with `htpasswd -nBC 10 USER`; a hash begins with $2y$, $2b$ or $2a$"
            tables.problem(line, dotted(name, user), "the password is no bcrypt hash", hint)
        else:
            found.append((user, hashed.value))
    return tuple(found)


def _headers(tables: Tables, node: Node | None) -> tuple[tuple[str, str], ...]:
    name, found = "http_server_config.headers", []
    for header, value in tables.table(node, name, HEADERS).items():
        text, allowed = tables.text(value, dotted(name, header)), HEADERS[header]
        shown, line = "" if text is None else text.value, tables.line(name, header)
        if allowed and shown not in allowed:
            tables.problem(line, shown or header, f"{header} must be {' or '.join(allowed)}")
        elif not shown.isascii() or not shown.isprintable():
            tables.problem(line, header, "the value of a header is one line of ASCII characters")
        elif shown:
            found.append((header, shown.strip()))
    return tuple(found)


def _rate_limit(tables: Tables, node: Node | None) -> RateLimit | None:
    found = tables.table(node, "rate_limit", ("interval", "burst"))
    interval, burst = _interval(tables, found.get("interval")), _burst(tables, found.get("burst"))
    if not interval:
        return None
    if not burst:
        # Without one the toolkit lets nothing through, which nobody means.
        tables.problem(
            tables.line("rate_limit", "interval"), "rate_limit", "burst must be at least 1", "add `burst: 20`"
        )
        return None
    return RateLimit(interval, burst)


def _interval(tables: Tables, node: Node | None) -> float:
    text = tables.text(node, "rate_limit.interval")
    if text is None or text.value == "0":
        return 0.0
    parts = DURATION.findall(text.value)
    if not parts or "".join(parts) != text.value:
        tables.problem(text.line, text.value, "interval must be a duration", "write 0, 500ms, 1s or 1m30s")
        return 0.0
    numbers = [re.fullmatch(r"([0-9.]+)(\D+)", part, re.ASCII) for part in parts]
    return sum(float(one[1]) * UNITS[one[2]] for one in numbers if one)


def _burst(tables: Tables, node: Node | None) -> int:
    text = tables.text(node, "rate_limit.burst")
    if text is None:
        return 0
    if text.tag != INT or not re.fullmatch(r"[0-9]{1,9}", text.value, re.ASCII):
        tables.problem(text.line, text.value, "burst must be a whole number")
        return 0
    return int(text.value)
