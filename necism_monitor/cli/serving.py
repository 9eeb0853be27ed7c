"""What `necism exporter` does once its libraries are known to be there: serve, reload, stop."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from necism_monitor import __version__
from necism_monitor.adapters.children import signal_group
from necism_monitor.adapters.systemd import Notifier, inherited_sockets
from necism_monitor.app.look import Sources
from necism_monitor.app.observe import Observatory
from necism_monitor.cli import console
from necism_monitor.cli.logs import log_command, logger, warn_of
from necism_monitor.cli.options import paths_of
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.errors import EnvironmentProblem, NecismError, UsageError
from necism_monitor.domain.model import Config, Listener
from necism_monitor.ism.output import Output
from necism_monitor.render.families import Program
from necism_monitor.web.exporter import HEALTH_PATH, READY_PATH, Exporter
from necism_monitor.web.guard import MaxRequests
from necism_monitor.web.listen import listen, parse_address, place_of
from necism_monitor.web.meter import Meter
from necism_monitor.web.protection import Keeper
from necism_monitor.web.server import Calls, serve

NO_ADDRESS: Final = 1
RESTART: Final = "listen address, telemetry path and the path of the web configuration change with a restart only"


def serve_exporter(args: argparse.Namespace) -> int:
    """Listen, serve, and leave with 0 when asked to; a reading that hangs does not keep us."""
    meter = Meter()

    def load() -> Sources:
        config = load_config(paths_of(args), os.environ)
        warn_of(config)
        return make_sources(config, _both(meter.finished, log_command))

    sources = load()
    listener = _listener(args, sources.config)
    keeper, systemd = Keeper(web_config_path(args, sources.config)), Notifier(os.environ)
    program = Reloader(load, Observatory(sources), keeper, lambda config: web_config_path(args, config))
    exporter = Exporter(program.observatory, meter, program.describe, sources.clock.now, listener.telemetry_path)
    app = MaxRequests(exporter.application(), args.max_requests, frozenset({HEALTH_PATH, READY_PATH}))
    with contextlib.ExitStack() as stack:
        try:
            bound = _bind(args, listener.address, stack)
        except EnvironmentProblem as error:
            console.complain(f"necism: {error.text}", f"hint: {error.hint}")
            return NO_ADDRESS
        if os.geteuid() == 0:
            logger().warning("the exporter runs as root; it needs no more than the right to run the READ commands")
        ready = _announce([f"{place_of(one)}{listener.telemetry_path}" for one in bound], keeper, systemd)
        serve(app, bound, _calls(program, systemd, ready), keeper.current)
    logger().info("stopped")
    _leave(program.observatory)
    return 0


class Reloader:
    """The configuration in force, and whether the one on disk could be read when it was last asked for."""

    def __init__(
        self,
        load: Callable[[], Sources],
        observatory: Observatory,
        keeper: Keeper,
        web_config: Callable[[Config], Path | None],
    ) -> None:
        self._load, self.observatory, self._keeper, self._web_config = load, observatory, keeper, web_config
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
        sources = self._load()
        path = self._web_config(sources.config)
        if path != self._keeper.path:
            # Nothing is served without the protection that is asked for, and this one is not there yet.
            raise UsageError(f"the web configuration is now {path or 'none'}", RESTART)
        self._keeper.reload()
        self.observatory.reload(sources)

    def describe(self) -> Program:
        """What the exporter says of itself."""
        return Program(__version__, platform.python_version(), self._reloaded and self._keeper.sound)


def web_config_path(args: argparse.Namespace, config: Config) -> Path | None:
    """The web configuration: option, then configuration.  Raises UsageError for an empty option."""
    if args.web_config == "":
        hint = "leave the option out for plain HTTP; an empty variable must not take protection away"
        raise UsageError("--web.config.file names no file", hint)
    if args.web_config is not None:
        return Path(args.web_config).absolute()
    return None if config.exporter.web_config is None else Path(config.exporter.web_config)


def _announce(places: list[str], keeper: Keeper, systemd: Notifier) -> Callable[[], None]:
    config = keeper.config
    kinds = ["TLS" if config.tls else "no TLS", f"users: {len(config.users)}" if config.users else "no users"]

    def ready() -> None:
        for place in places:
            logger().info("listening on %s (%s)", place, ", ".join(kinds))
        systemd.ready()
        systemd.status(f"serving on {' '.join(places)}")

    return ready


def _calls(program: Reloader, systemd: Notifier, ready: Callable[[], None]) -> Calls:
    def stop() -> None:
        systemd.stopping()
        program.observatory.stop()

    def reload() -> None:
        systemd.reloading()
        program.reload()
        systemd.ready()

    return Calls(ready, stop, reload, systemd.beat, systemd.interval or 60.0)


def _bind(args: argparse.Namespace, address: str, stack: contextlib.ExitStack) -> list[socket.socket]:
    """The sockets to serve on, closed at the end.  Raises UsageError and EnvironmentProblem."""
    if args.systemd_socket:
        return [stack.enter_context(one) for one in inherited_sockets(os.environ)]
    endpoints = [parse_address(one) for one in args.listen_address or [address]]
    return [stack.enter_context(listen(one)) for one in endpoints]


def _listener(args: argparse.Namespace, config: Config) -> Listener:
    """Where to listen: option, then configuration.  Raises UsageError for a path that cannot be served."""
    path = config.exporter.telemetry_path if args.telemetry_path is None else args.telemetry_path
    taken = path in {HEALTH_PATH, READY_PATH}
    if not path.startswith("/") or taken or set(path) & set(" ?#{}%") or not path.isascii():
        raise UsageError(f"{path!r} is no telemetry path", "write a plain path such as /metrics")
    return Listener(config.exporter.address, path)


def _both(*observers: Callable[[Output], None]) -> Callable[[Output], None]:
    def tell(output: Output) -> None:
        for observer in observers:
            observer(output)

    return tell


def _leave(observatory: Observatory) -> None:
    """End at once where a reading still hangs: its threads may wait for minutes, and nobody waits for them."""
    if not observatory.busy:
        return
    for pid in _children():
        # All of them are READ commands, each with a process group of its own: nobody reads their answer any more.
        signal_group(pid, signal.SIGKILL)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _children() -> list[int]:
    """The processes that threads of this one started and that still run."""
    found: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        # A thread may end while we look, and a kernel may be built without this file.
        with contextlib.suppress(OSError):
            found += map(int, (thread / "children").read_text().split())
    return found
