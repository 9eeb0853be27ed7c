"""The desk at which an action works: its tools, who asked, how it ended, and what every action does the same way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple

from necism_monitor.app.ports import (
    Clock,
    Commands,
    Exclusive,
    HeldLock,
    HostDevices,
    JournalBook,
    Narrator,
    Reader,
    SharedStore,
    VolumeMap,
)
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.model import Array, Config, Resource, Settings
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import Json
from necism_monitor.domain.refusals import Refusal

LOCK_PAUSE = 0.5
"""Seconds between two tries to get the lock."""


class Request(NamedTuple):
    """Who wants a resync, why, and under which conditions."""

    user: str
    owner: Json
    run_id: str
    trigger: str = "manual"
    key: str | None = None
    reason: str | None = None
    force: bool = False
    dry_run: bool = False
    plan: str | None = None
    """Refuse unless the plan has this hash."""
    wait: float = 0.0
    """Seconds to wait for the lock."""
    told: str | None = None
    """The refusal that this request was given before: it is not noted twice."""


class Desk(NamedTuple):
    """What the action works with, for the array of one resource."""

    config: Config
    array: Array
    reader: Reader
    exclusive: Exclusive
    volumes: VolumeMap
    book: JournalBook
    store: SharedStore
    clock: Clock
    host_zone: tzinfo
    node: str
    narrator: Narrator
    stop: Callable[[], str | None]
    hooks: Commands
    devices: HostDevices
    killed: Callable[[], str | Unread | None] = lambda: None
    """The path of the kill switch, where it exists; `Unread` where nobody can tell."""


class Report(NamedTuple):
    """How it ended."""

    resource: Resource
    exit: int
    text: str
    refusal: Refusal | None = None
    run_id: str | None = None
    argvs: tuple[tuple[str, ...], ...] = ()
    """The CHANGE commands of the plan."""
    hash: str | None = None
    notes: tuple[str, ...] = ()
    """What whoever asks should know before it runs."""


def acquire(desk: Desk, seconds: float) -> HeldLock | str:
    """The lock, tried for up to `seconds`; whoever waits can be told to stop."""
    deadline = desk.clock.now() + seconds
    while isinstance(held := desk.exclusive.acquire(0.0), str):
        if desk.clock.now() >= deadline or desk.stop():
            break
        desk.clock.sleep(LOCK_PAUSE)
    return held


def deadline_of(
    settings: Settings, array: Array, changes: int, readings: int, begun: float, hooks: float = 0.0
) -> float:
    """The time by which a run should have ended whatever happens; `begun` is in seconds since the epoch, as it is.

    `hooks` are the seconds that its hooks may take together.
    """
    bound = settings.settle_timeout + settings.relink_timeout + hooks
    return begun + bound + array.change_timeout * changes + array.read_timeout * readings


def tidy(desk: Desk, resource: Resource) -> None:
    """Remove runs that are too old to be kept; only under the lock of their array, and never able to fail a run."""
    for text in desk.book.prune(resource, desk.clock.now(), desk.config.settings.keep_history):
        desk.narrator.say("WARNING", text)


def refuse(desk: Desk, resource: Resource, request: Request, refused: Refusal) -> Report:
    """Note the refusal; a dry run leaves no trace."""
    again = refused.code == request.told
    level = "DEBUG" if again else "INFO" if refused.exit in {4, 7} else "ERROR"
    desk.narrator.say(level, f"refused: {refused.code}: {refused.text} (hint: {refused.hint})")
    if not request.dry_run and not again:
        record = {
            "at": desk.clock.now(),
            "service": resource.service,
            "resource": resource.name,
            "trigger": request.trigger,
            "key": request.key,
            "user": request.user,
            **refused._asdict(),
        }
        try:
            desk.book.refuse(record)
        except EnvironmentProblem as problem:
            desk.narrator.say("WARNING", problem.text)
    return Report(resource, refused.exit, refused.text, refused)
