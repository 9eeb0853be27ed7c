"""`necism dispatch`: the one side of the spool that holds rights; carries out what others asked for."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import time
from pathlib import Path
from typing import Final

from necism_monitor.adapters.clock import SystemClock
from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.spool_inbox import Inbox
from necism_monitor.adapters.tray import Tray
from necism_monitor.app.desk import Report
from necism_monitor.app.dispatch import Dispatcher, Office, Try, take
from necism_monitor.app.resync import resync
from necism_monitor.cli.action import LEVELS, Stop, make_desk, make_request
from necism_monitor.cli.logs import logger, warn_of
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.errors import EnvironmentProblem, NecismError
from necism_monitor.domain.model import Config, Resource
from necism_monitor.domain.request import Errand

DONE, TROUBLE, BUG = 0, 3, 70
POLL: Final = 1.0
"""Seconds between two looks into the spool."""
TICK: Final = 0.1
"""Seconds between two looks at what is being tried."""


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    verb = add_verb(subparsers, "dispatch", run, "carry out the requests in the spool")
    verb.add_argument("--loop", action="store_true", help="stay and look every second; SIGTERM ends, SIGHUP retries")


def run(args: argparse.Namespace) -> int:
    """Carry out what there is, or stay and do so."""
    config, stop = load_config(paths_of(args), os.environ), Stop()
    warn_of(config)
    desk = Counter(args, config, stop)
    with stop.listening():
        return desk.stay() if args.loop else desk.serve()


class Counter:
    """Where requests are handed over: one spool, one tray, one process that works at them."""

    def __init__(self, args: argparse.Namespace, config: Config, stop: Stop) -> None:
        self._args, self._stop = args, stop
        self._places = _places(config)
        state_dir, run_dir = map(Path, self._places)
        self._box, self._tray = Inbox(run_dir), Tray(state_dir)
        self._office = Office(self._box, self._tray, Journal(state_dir), SystemClock(), _say, stop)
        self._dispatcher = Dispatcher(self._office)
        self._complaint = ""
        self._asked_again = False

    def serve(self) -> int:
        """Until nothing is left that can be decided now."""
        self._box.prepare()
        while True:
            with self._tray.alone() as ours:
                if not ours:
                    _say("INFO", "another dispatch is at work, and takes what is in the spool")
                    return DONE
                self._work_off()
            # Whoever came meanwhile went away because we were at work: what it came for is ours.
            if self._stop() or not self._box.waiting():
                return self._code()

    def stay(self) -> int:
        """Until somebody ends it."""
        signal.signal(signal.SIGHUP, self._ask_again)
        while not self._stop():
            with self._tray.alone() as ours:
                if ours:
                    _say("INFO", f"waiting for requests in {self._box.path}")
                    self._watch()
            if not self._stop():
                time.sleep(POLL)
        _say("INFO", f"stopped by {self._stop()}")
        return BUG if self._dispatcher.bugs else DONE

    def _work_off(self) -> None:
        try:
            while not self._stop() and (self._round() or self._dispatcher.busy):
                self._dispatcher.wait(TICK)
        finally:
            self._drain()

    def _watch(self) -> None:
        try:
            while not self._stop():
                self._carefully()
                time.sleep(POLL)
        finally:
            self._drain()

    def _carefully(self) -> None:
        """A round that says once what is wrong, and goes on: the requests stay until it is mended."""
        if self._asked_again:
            self._asked_again = False
            _say("INFO", "asked to try again what waits; the configuration is read before each try anyway")
            self._dispatcher.again()
        try:
            self._box.prepare()
            self._round()
        except NecismError as problem:
            if problem.text != self._complaint:
                _say("ERROR", f"requests stay: {problem.text}\nhint: {problem.hint}")
            self._complaint = problem.text
        else:
            self._complaint = ""

    def _round(self) -> bool:
        """Take and start what there is; whether there was anything.  Raises NecismError."""
        if not self._box.waiting() and not self._dispatcher.due():
            return False
        config = load_config(paths_of(self._args), os.environ)
        if _places(config) != self._places:
            raise EnvironmentProblem("state_dir or run_dir has changed since this process began", "restart it")
        take(self._office, config)
        self._dispatcher.start(config, self._attempt(config))
        return True

    def _drain(self) -> None:
        """Whatever happens here, a run that is at work comes to its end while its signals are heard."""
        while self._dispatcher.busy:
            self._dispatcher.wait(TICK)

    def _attempt(self, config: Config) -> Try:
        sources, stop = make_sources(config), self._stop

        def attempt(resource: Resource, errand: Errand) -> Report:
            request = make_request(trigger=errand.trigger, key=errand.key, user=errand.user, told=errand.told)
            with Progress(visible=False) as progress:
                return resync(make_desk(sources, resource, stop, request.run_id, progress), resource, request)

        return attempt

    def _code(self) -> int:
        if self._dispatcher.bugs:
            return BUG
        return TROUBLE if self._dispatcher.troubles else DONE

    def _ask_again(self, _number: int, _frame: object) -> None:
        self._asked_again = True


def _places(config: Config) -> tuple[str, str]:
    return config.settings.state_dir, config.settings.run_dir


def _say(level: str, text: str) -> None:
    logger().log(LEVELS.get(level, logging.INFO), "%s", text)
