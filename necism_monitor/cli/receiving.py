"""What `necism webhook` does once its libraries are known to be there: serve, reload, stop."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from necism_monitor.adapters.spool import Spool
from necism_monitor.adapters.systemd import Notifier
from necism_monitor.cli.http_face import (
    Reloader,
    announce,
    bind,
    cannot_listen,
    make_calls,
    protections,
    telemetry_path,
    web_config_path,
)
from necism_monitor.cli.logs import logger, warn_of
from necism_monitor.cli.options import paths_of
from necism_monitor.cli.wiring import load_config
from necism_monitor.domain.errors import EnvironmentProblem, UsageError
from necism_monitor.domain.model import Config
from necism_monitor.domain.request import Put, Request
from necism_monitor.web.auth import AnyOf, Bearer
from necism_monitor.web.entrance import entrance, missing
from necism_monitor.web.listen import place_of
from necism_monitor.web.protection import Keeper, Protection
from necism_monitor.web.server import serve
from necism_monitor.web.webhook import DELIVERY_PATH, Chart, Tally, Watched, Webhook


class _Force(NamedTuple):
    """What is in force of the configuration."""

    chart: Chart
    bearer: Bearer | None
    spool: Spool


class Receiver:
    """Who may deliver to a webhook, and what an alert stands for; the configuration may change while it serves."""

    def __init__(self, config: Config, keeper: Keeper, tally: Tally) -> None:
        self._keeper, self._tally = keeper, tally
        self._force = _force_of(config)
        self.open_to_others = False
        """Somebody else than this machine reaches it: nobody delivers without credentials, or in plain text."""

    @property
    def spool_path(self) -> Path:
        """Where requests are left."""
        return self._force.spool.path

    def put(self, request: Request) -> Put:
        """Leave a request.  Raises EnvironmentProblem."""
        return self._force.spool.put(request)

    def chart(self) -> Chart:
        """Which alerts stand for what."""
        return self._force.chart

    def protection(self) -> Protection:
        """What is asked of those who connect."""
        (config, protection), bearer = self._keeper.in_force(), self._force.bearer
        closed = self.open_to_others and missing(config, bearer)
        # What was taken away with a reload lets nobody in, until it is there again.
        authority = AnyOf() if closed else entrance(config, protection, bearer)
        return protection._replace(authority=Watched(authority, self._tally))

    def demand(self, bound: list[socket.socket]) -> None:
        """See to it that what others reach is protected.  Raises UsageError."""
        reached = [place_of(one) for one in bound if not is_of_this_machine(one)]
        self.open_to_others = bool(reached)
        if reached:
            self._require(self._force.bearer, ", ".join(reached))

    def renew(self, config: Config) -> Callable[[], None]:
        """Read everything of another configuration; what is returned puts it into force.

        Both raise UsageError, this ConfigError too, and then the one before stays.
        """
        force = _force_of(config)

        def enforce() -> None:
            if self.open_to_others:
                self._require(force.bearer, "an address that others reach")
            self._force = force

        return enforce

    def describe(self) -> list[str]:
        """What protects it, for people."""
        token = "a token" if self._force.bearer else "no token"
        return [*protections(self._keeper.config), token]

    def _require(self, bearer: Bearer | None, where: str) -> None:
        lacking = missing(self._keeper.config, bearer)
        if lacking is not None:
            hint = "listen on 127.0.0.1, or add it to the web configuration (--web.config.file) or to [webhook]"
            raise UsageError(f"the webhook would listen on {where} without {lacking}", hint)


def serve_webhook(args: argparse.Namespace) -> int:
    """Listen, serve, and leave with 0 when asked to."""
    config = _load(args)
    path = telemetry_path(args, config.webhook.listener, frozenset({DELIVERY_PATH}))
    tally, systemd = Tally(), Notifier(os.environ)
    keeper = Keeper(web_config_path(args, config.webhook.listener))
    receiver = Receiver(config, keeper, tally)
    program = Reloader(
        lambda: _again(args, receiver), keeper, lambda found: web_config_path(args, found.webhook.listener)
    )
    webhook = Webhook(receiver.chart, receiver.put, tally, program.describe, path)
    with contextlib.ExitStack() as stack:
        try:
            bound = bind(args, config.webhook.listener.address, stack)
        except EnvironmentProblem as error:
            return cannot_listen(error)
        receiver.demand(bound)
        _warn(config, receiver)
        ready = announce(bound, DELIVERY_PATH, receiver.describe(), systemd)
        serve(webhook.application(), bound, make_calls(program.reload, _nothing, systemd, ready), receiver.protection)
    logger().info("stopped")
    return 0


def is_of_this_machine(listener: socket.socket) -> bool:
    """Whether only processes of this machine reach a listening socket."""
    if listener.family not in {socket.AF_INET, socket.AF_INET6}:
        return True
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def _load(args: argparse.Namespace) -> Config:
    config = load_config(paths_of(args), os.environ)
    warn_of(config)
    return config


def _again(args: argparse.Namespace, receiver: Receiver) -> tuple[Config, Callable[[], None]]:
    config = _load(args)
    return config, receiver.renew(config)


def _force_of(config: Config) -> _Force:
    """Raises ConfigError where the credentials file holds no token."""
    webhook = config.webhook
    bearer = None if webhook.credentials_file is None else Bearer(Path(webhook.credentials_file))
    return _Force(Chart(webhook.label, webhook.map), bearer, Spool(Path(config.settings.run_dir)))


def _warn(config: Config, receiver: Receiver) -> None:
    """What a webhook that does nothing would leave people to find out."""
    if not config.webhook.map:
        logger().warning("[webhook] has no `map`: every alert is counted, and none asks for anything")
    if os.geteuid() == 0:
        logger().warning("the webhook runs as root; it needs no more than the right to write %s", receiver.spool_path)


def _nothing() -> None:
    """There is nobody to tell that the end has come."""
