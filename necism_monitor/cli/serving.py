"""What `necism exporter` does once its libraries are known to be there: serve, reload, stop."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from necism_monitor import __version__
from necism_monitor.adapters.children import signal_group
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
from necism_monitor.web.exporter import HEALTH_PATH, Exporter
from necism_monitor.web.meter import Meter
from necism_monitor.web.server import Calls, bound_port, listen, parse_address, serve

NO_ADDRESS: Final = 1


def serve_exporter(args: argparse.Namespace) -> int:
    """Listen, serve, and leave with 0 when asked to; a reading that hangs does not keep us."""
    meter = Meter()

    def load() -> Sources:
        config = _load_config(args)
        warn_of(config)
        return make_sources(config, _both(meter.finished, log_command))

    sources = load()
    listener = _listener(args, sources.config)
    program = Reloader(load, Observatory(sources))
    exporter = Exporter(program.observatory, meter, program.describe, sources.clock.now, listener.telemetry_path)
    try:
        bound = listen(parse_address(listener.address))
    except EnvironmentProblem as error:
        console.complain(f"necism: {error.text}", f"hint: {error.hint}")
        return NO_ADDRESS
    with bound:
        place = f"{listener.address.rpartition(':')[0]}:{bound_port(bound)}{listener.telemetry_path}"
        calls = Calls(lambda: logger().info("listening on %s", place), program.observatory.stop, program.reload)
        if os.geteuid() == 0:
            logger().warning("the exporter runs as root; it needs no more than the right to run the READ commands")
        serve(exporter.application(), bound, calls)
    logger().info("stopped")
    _leave(program.observatory)
    return 0


class Reloader:
    """The configuration in force, and whether the one on disk could be read when it was last asked for."""

    def __init__(self, load: Callable[[], Sources], observatory: Observatory) -> None:
        self._load, self.observatory, self._reloaded = load, observatory, True

    def reload(self) -> None:
        """Go on with what is on disk now; where that is wrong, with what was there before."""
        try:
            sources = self._load()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new configuration, the old one serves on
            self._reloaded = False
            hint = f"\nhint: {error.hint}" if isinstance(error, NecismError) and error.hint else ""
            logger().error("the configuration was not reloaded, the one before stays: %s%s", error, hint)
            return
        self.observatory.reload(sources)
        self._reloaded = True
        logger().info("configuration reloaded; listen address and telemetry path change with a restart only")

    def describe(self) -> Program:
        """What the exporter says of itself."""
        return Program(__version__, platform.python_version(), self._reloaded)


def _load_config(args: argparse.Namespace) -> Config:
    """The configuration, unless it asks for a protection that is not there.  Raises UsageError and ConfigError."""
    config = load_config(paths_of(args), os.environ)
    asked = args.web_config if args.web_config is not None else config.exporter.web_config
    if asked is not None:
        raise UsageError(
            f"the web configuration {asked!r} asks for TLS or users, which this release does not have",
            "nothing is served without the protection asked for; remove it, or listen on 127.0.0.1 behind a proxy",
        )
    return config


def _listener(args: argparse.Namespace, config: Config) -> Listener:
    """Where to listen: option, then configuration.  Raises UsageError for a path that cannot be served."""
    address = config.exporter.address if args.listen_address is None else args.listen_address
    path = config.exporter.telemetry_path if args.telemetry_path is None else args.telemetry_path
    if not path.startswith("/") or path == HEALTH_PATH or set(path) & set(" ?#{}%") or not path.isascii():
        raise UsageError(f"{path!r} is no telemetry path", "write a plain path such as /metrics")
    return Listener(address, path)


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
