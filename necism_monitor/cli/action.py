"""Wiring of the action: the desk at which a resync works, who asks for it, and what stops it."""

from __future__ import annotations

import getpass
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from necism_monitor.adapters import (
    journal_activity,
    journal_damage,
    journal_prune,
    journal_refusals,
    journal_tally,
    journal_writer,
)
from necism_monitor.adapters.blockdev import BlockDevices, DevicesElsewhere
from necism_monitor.adapters.exclusive import ArrayExclusive
from necism_monitor.adapters.hook_commands import HookCommands
from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.owner import this_process
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.reach import ArrayReader
from necism_monitor.app.desk import Desk, Request
from necism_monitor.cli.console import is_screen
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import observation_file
from necism_monitor.domain.events import DETACHED, Create, Hook, Observe, Step
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.run import Run
from necism_monitor.render.logline import logger_name

if TYPE_CHECKING:
    from necism_monitor.app.look import Sources
    from necism_monitor.domain.model import Resource

LOADED = (journal_activity, journal_damage, journal_prune, journal_refusals, journal_tally, journal_writer)
"""What a check loads only when asked for it: a run has it before it begins, whatever becomes of the files meanwhile."""
LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARNING": logging.WARNING, "ERROR": logging.ERROR}


TURN_BACK = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
)
"""Signals whose default is the end of the process."""


class LogNarrator:
    """Tells a run to the log, and its progress to a terminal.  Never raises: no console stops a run."""

    def __init__(self, resource: Resource, progress: Progress) -> None:
        self._log, self._progress = logging.getLogger(logger_name(resource.id)), progress

    def say(self, level: str, text: str) -> None:
        """One log entry."""
        self._log.log(LEVELS[level], text)

    def progress(self, run: Run, done: int, total: int) -> None:
        """How far the run is, and how many LVs are away."""
        away = sum(shown is DETACHED for shown in run.lvs.values())
        steps = ", ".join(f"{type(step).__name__.lower()} {_subject(step)}" for step in run.in_flight)
        self._progress.show(done, total, away, steps)


def _subject(step: Step) -> str:
    """The volume or the hook that a step is about."""
    if isinstance(step, Hook):
        return step.name
    if isinstance(step, Observe):
        return step.bv
    return step.sv if isinstance(step, Create) else step.lv


class Stop:
    """The request to turn back: a signal that would end the process sets it, a run heeds it between two steps."""

    def __init__(self) -> None:
        self.why: str | None = None

    def __call__(self) -> str | None:
        """Why the run is to turn back; None = go on."""
        return self.why

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Heed what asks to end; a closed terminal or pipe, or a stop key, must not leave LVs detached."""
        old = {number: signal.signal(number, self._note) for number in TURN_BACK}
        # Not SIG_IGN: a hook would inherit it, and so would the service that it starts.
        for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP):
            old[number] = signal.signal(number, _heed_not)
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _note(self, number: int, _frame: object) -> None:
        self.why = signal.Signals(number).name


def _heed_not(_number: int, _frame: object) -> None:
    """A signal that must not end or stop a run."""


def make_desk(
    sources: Sources, resource: Resource, stop: Callable[[], str | None], label: str, progress: Progress
) -> Desk:
    """The desk for one resource."""
    config, array = sources.config, sources.config.array(resource.array)
    # Not run_dir: systemd may remove that of another unit, and a lock that was removed is two locks.
    state_dir, switch = Path(config.settings.state_dir), Path(config.settings.kill_switch)
    runner = ProcessRunner()
    return Desk(
        config=config,
        array=array,
        reader=ArrayReader(runner, array, run_dir=Path(config.settings.run_dir)),
        exclusive=ArrayExclusive(runner, array, state_dir / "locks", label),
        volumes=sources.maps[array.name],
        book=Journal(state_dir),
        store=observation_file(config),
        clock=sources.clock,
        host_zone=sources.host_zone,
        node=os.uname().nodename,
        narrator=LogNarrator(resource, progress),
        stop=stop,
        hooks=HookCommands(runner, state_dir / "locks", array.name),
        devices=BlockDevices(runner) if array.host is None else DevicesElsewhere(array.host),
        killed=lambda: kill_switch(switch),
    )


def kill_switch(path: Path) -> str | Unread | None:
    """The path of the kill switch, where it is there; `Unread` where this process may not look."""
    try:
        # A link that leads nowhere was put there by somebody, too.
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        text = f"whether the kill switch {path} is there could not be asked: {error.strerror}"
        return Unread("query-failed", text, "look at the rights of its directory")
    return str(path)


def make_request(**wishes: object) -> Request:
    """A request of the person at this process."""
    owner = this_process()._asdict()
    return Request(user=user_name(), owner=owner, run_id=secrets.token_hex(4))._replace(**wishes)  # type: ignore[arg-type]  # the caller's keywords are fields of Request


def user_name() -> str:
    """Who acts: behind sudo the person, not root."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def on_terminal() -> bool:
    """Whether progress has somebody to be shown to."""
    return is_screen(sys.stderr)
