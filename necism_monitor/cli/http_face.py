"""What the exporter and the webhook share: where they listen, how they reload, and what they tell of themselves."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from necism_monitor import __version__
from necism_monitor.adapters.systemd import Notifier, inherited_sockets
from necism_monitor.cli import console
from necism_monitor.cli.logs import logger
from necism_monitor.domain.errors import EnvironmentProblem, NecismError, UsageError
from necism_monitor.domain.model import Config, Listener
from necism_monitor.render.families import Program
from necism_monitor.web.listen import listen, parse_address, place_of
from necism_monitor.web.protection import Keeper
from necism_monitor.web.routes import HEALTH_PATH, READY_PATH
from necism_monitor.web.server import Calls
from necism_monitor.web.webconfig import WebConfig

NO_ADDRESS: Final = 1
"""Exit status."""
RESTART: Final = "listen address, telemetry path and the path of the web configuration change with a restart only"
Load = Callable[[], tuple[Config, Callable[[], None]]]
"""Reads the configuration; what it returns beside it puts into force what was read.  Both may raise NecismError."""


class Reloader:
    """The configuration in force, and whether the one on disk could be read when it was last asked for."""

    def __init__(self, load: Load, keeper: Keeper, web_config: Callable[[Config], Path | None]) -> None:
        self._load, self._keeper, self._web_config = load, keeper, web_config
        self._reloaded, self._guard = True, threading.Lock()

    def reload(self) -> None:
        """Go on with what is on disk now; where that is wrong, with what was there before."""
        with self._guard:
            try:
                self._reload()
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the new one, the old one serves on
                self._reloaded = False
                hint = f"\nhint: {error.hint}" if isinstance(error, NecismError) and error.hint else ""
                logger().error("the configuration was not reloaded, the one before stays: %s%s", error, hint)
                return
            self._reloaded = True
            logger().info("configuration reloaded; %s", RESTART)

    def _reload(self) -> None:
        config, enforce = self._load()
        path = self._web_config(config)
        if path != self._keeper.path:
            # Nothing is served without the protection that is asked for, and this one is not there yet.
            raise UsageError(f"the web configuration is now {path or 'none'}", RESTART)
        self._keeper.reload()
        enforce()

    def describe(self) -> Program:
        """What the program says of itself."""
        return Program(__version__, platform.python_version(), self._reloaded and self._keeper.sound)


def web_config_path(args: argparse.Namespace, listener: Listener) -> Path | None:
    """The web configuration: option, then configuration.  Raises UsageError for an empty option."""
    if args.web_config == "":
        hint = "leave the option out for plain HTTP; an empty variable must not take protection away"
        raise UsageError("--web.config.file names no file", hint)
    if args.web_config is not None:
        return Path(args.web_config).absolute()
    return None if listener.web_config is None else Path(listener.web_config)


def telemetry_path(args: argparse.Namespace, listener: Listener, taken: frozenset[str] = frozenset()) -> str:
    """The path of the metrics: option, then configuration.  Raises UsageError for one that cannot be served."""
    path: str = listener.telemetry_path if args.telemetry_path is None else args.telemetry_path
    known = taken | {HEALTH_PATH, READY_PATH}
    if not path.startswith("/") or path in known or set(path) & set(" ?#{}%") or not path.isascii():
        raise UsageError(f"{path!r} is no telemetry path", "write a plain path such as /metrics")
    return path


def bind(args: argparse.Namespace, address: str, stack: contextlib.ExitStack) -> list[socket.socket]:
    """The sockets to serve on, closed at the end.  Raises UsageError and EnvironmentProblem."""
    if args.systemd_socket:
        return [stack.enter_context(one) for one in inherited_sockets(os.environ)]
    endpoints = [parse_address(one) for one in args.listen_address or [address]]
    return [stack.enter_context(listen(one)) for one in endpoints]


def cannot_listen(problem: EnvironmentProblem) -> int:
    """Say so; the exit status."""
    console.complain(f"necism: {problem.text}", f"hint: {problem.hint}")
    return NO_ADDRESS


def protections(config: WebConfig) -> list[str]:
    """What the web configuration asks for, for people."""
    users = f"users: {len(config.users)}" if config.users else "no users"
    return ["TLS" if config.tls else "no TLS", users]


def announce(bound: list[socket.socket], path: str, protected: list[str], systemd: Notifier) -> Callable[[], None]:
    """What is told once connections are accepted."""
    places = [f"{place_of(one)}{path}" for one in bound]

    def ready() -> None:
        for place in places:
            logger().info("listening on %s (%s)", place, ", ".join(protected))
        systemd.ready()
        systemd.status(f"serving on {' '.join(places)}")

    return ready


def make_calls(
    reload: Callable[[], None], stop: Callable[[], None], systemd: Notifier, ready: Callable[[], None]
) -> Calls:
    """What the server calls, systemd told of each."""

    def leave() -> None:
        systemd.stopping()
        stop()

    def again() -> None:
        systemd.reloading()
        reload()
        systemd.ready()

    return Calls(ready, leave, again, systemd.beat, systemd.interval or 60.0)
