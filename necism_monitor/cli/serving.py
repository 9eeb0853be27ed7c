"""What `necism exporter` does once its libraries are known to be there: serve, reload, stop."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from necism_monitor.adapters.children import signal_group
from necism_monitor.adapters.gate import GATE
from necism_monitor.adapters.systemd import Notifier
from necism_monitor.app.look import Sources
from necism_monitor.app.observe import Observatory
from necism_monitor.cli.http_face import (
    Load,
    Reloader,
    announce,
    bind,
    cannot_listen,
    make_calls,
    protections,
    telemetry_path,
    web_config_path,
)
from necism_monitor.cli.logs import log_command, logger, warn_of
from necism_monitor.cli.options import paths_of
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.model import Config
from necism_monitor.ism.output import Output
from necism_monitor.web.exporter import Exporter
from necism_monitor.web.guard import MaxRequests
from necism_monitor.web.meter import Meter
from necism_monitor.web.protection import Keeper
from necism_monitor.web.routes import HEALTH_PATH, READY_PATH
from necism_monitor.web.server import serve


def serve_exporter(args: argparse.Namespace) -> int:
    """Listen, serve, and leave with 0 when asked to; a reading that hangs does not keep us."""
    meter = Meter()

    def load() -> Sources:
        config = load_config(paths_of(args), os.environ)
        warn_of(config)
        return make_sources(config, _both(meter.finished, log_command))

    sources = load()
    path = telemetry_path(args, sources.config.exporter)
    keeper, systemd, observatory = Keeper(_web_config(args, sources.config)), Notifier(os.environ), Observatory(sources)
    program = Reloader(_reloading(load, observatory), keeper, lambda config: _web_config(args, config))
    exporter = Exporter(observatory, meter, program.describe, sources.clock.now, path)
    app = MaxRequests(exporter.application(), args.max_requests, frozenset({HEALTH_PATH, READY_PATH}))
    with contextlib.ExitStack() as stack:
        try:
            bound = bind(args, sources.config.exporter.address, stack)
        except EnvironmentProblem as error:
            return cannot_listen(error)
        if os.geteuid() == 0:
            logger().warning("the exporter runs as root; it needs no more than the right to run the READ commands")
        ready = announce(bound, path, protections(keeper.config), systemd)
        serve(app, bound, make_calls(program.reload, observatory.stop, systemd, ready), keeper.current)
    logger().info("stopped")
    _leave(observatory)
    return 0


def _web_config(args: argparse.Namespace, config: Config) -> Path | None:
    return web_config_path(args, config.exporter)


def _reloading(load: Callable[[], Sources], observatory: Observatory) -> Load:
    def again() -> tuple[Config, Callable[[], None]]:
        sources = load()
        return sources.config, lambda: observatory.reload(sources)

    return again


def _both(*observers: Callable[[Output], None]) -> Callable[[Output], None]:
    def tell(output: Output) -> None:
        for observer in observers:
            observer(output)

    return tell


def _leave(observatory: Observatory) -> None:
    """End at once where a reading still hangs: its threads may wait for minutes, and nobody waits for them."""
    if not observatory.busy:
        return
    # A reading whose command is killed would ask the next one.
    GATE.close()
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
