"""What a resource's runs leave behind for verdicts and guards: access, devices, homes, and whether one is open."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from necism_monitor.domain.events import (
    DETACHED,
    Began,
    Closed,
    Create,
    Done,
    Hook,
    NotDone,
    Observe,
    Recovering,
    Seen,
    Unclear,
)
from necism_monitor.domain.history import ClockMark, OpenRun, RunState
from necism_monitor.domain.names import LdName
from necism_monitor.domain.record import Left, PlanLine, RunFile
from necism_monitor.domain.run import Run


class Memory(NamedTuple):
    """The folded memory of one resource; times are seconds since the epoch."""

    newest: RunFile | None
    run: Run | None
    """The newest run, folded."""
    access: Mapping[LdName, str]
    devices: Mapping[LdName, str]
    wwns: Mapping[LdName, str]
    home: Mapping[LdName, LdName]
    last_run_at: float | None
    last_success_at: float | None
    mixed: bool
    """The last run that left other images than it found left them at different points in time."""
    mark: ClockMark | None
    """Of the newest create that printed its date."""

    @property
    def ended(self) -> bool:
        """The newest run was closed."""
        return self.run is not None and self.run.result is not None

    @property
    def left(self) -> bool:
        """The newest run's last process said that it leaves it open."""
        words = (
            [line.item for line in self.newest.lines if isinstance(line.item, Left | Recovering)] if self.newest else []
        )
        return bool(words) and isinstance(words[-1], Left)

    @property
    def owner(self) -> Mapping[str, Any]:
        """The process that last worked on the newest run."""
        return self._last_hand()[0]

    def _last_hand(self) -> tuple[Mapping[str, Any], float]:
        """Owner and deadline: of the last recovery, else of the run itself."""
        if self.newest is None:
            return {}, 0.0
        hands = [line.item for line in self.newest.lines if isinstance(line.item, Recovering) and line.item.owner]
        head = self.newest.header
        return (hands[-1].owner or {}, hands[-1].deadline) if hands else (head.owner, head.deadline)

    @property
    def changed(self) -> bool:
        """The newest run began a CHANGE, or a hook whose counterpart is owed."""
        return self.run is not None and self.run.binding

    def open_run(self, state: RunState) -> OpenRun | None:
        """The newest run as an open one."""
        if self.newest is None or self.run is None:
            return None
        head, run = self.newest.header, self.run
        doubtful = tuple(pair.lv for pair in run.plan.pairs if _doubtful(run, pair.lv))
        process, deadline = self._last_hand()
        owner = f"{head.user} on {process.get('host')} (process {process.get('pid')})"
        steps = [" ".join((type(step).__name__.lower(), *(part for part in step if part))) for step in run.in_flight]
        begun, step = self.newest.lines[0].at, ", ".join(steps)
        return OpenRun(head.id, state, begun, deadline, doubtful, owner, step, run.owes_post)


def _doubtful(run: Run, lv: LdName) -> bool:
    """Detached, not known, or being changed when the journal ends."""
    touched = {getattr(step, "lv", None) for step in run.in_flight}
    return run.lvs[lv] is None or run.lvs[lv] is DETACHED or lv in touched


def remember(newest_first: Iterable[RunFile]) -> Memory:
    """The memory of a resource's runs, newest first."""
    runs = list(newest_first)
    folded = [file.run() for file in runs]
    access: dict[LdName, str] = {}
    home: dict[LdName, LdName] = {}
    for file in reversed(runs):
        for line in file.lines:
            if isinstance(line.item, PlanLine):
                # The access of a plan is what the LV is to have; one that a link left wrong is no memory to keep.
                home[line.item.pair.lv] = line.item.pair.bv
                access[line.item.pair.lv] = line.item.pair.access
    return Memory(
        newest=runs[0] if runs else None,
        run=folded[0] if folded else None,
        access=access,
        devices=_known_on_host(runs, "special_file", "device"),
        wwns=_known_on_host(runs, "wwn", "wwn"),
        home=home,
        last_run_at=_ended(runs, folded, success=False),
        last_success_at=_ended(runs, folded, success=True),
        mixed=next(
            (run.result.images == "mixed" for run in folded if run.result and run.result.images != "old"), False
        ),
        mark=next((mark for file in runs if (mark := clock_mark(file))), None),
    )


def _known_on_host(newest_first: list[RunFile], planned: str, seen: str) -> dict[LdName, str]:
    """What hosts know of each LV's device: what it was when the newest run began, or what a run saw first.

    A device that changed during a run is one that hosts do not know yet: the one before is remembered.
    """
    known: dict[LdName, str] = {}
    for file in reversed(newest_first):
        before = {pair.lv: getattr(pair, planned) for pair in file.plan.pairs}
        known.update({lv: value for lv, value in before.items() if value})
        rows = [row for line in file.lines if isinstance(line.item, Seen) for row in line.item.rows]
        found = {row.lv: getattr(row, seen) for row in rows if isinstance(row.shown, LdName)}
        known.update({lv: value for lv, value in found.items() if value and not before.get(lv)})
    return known


def tells_all(file: RunFile, lvs: Collection[LdName]) -> bool:
    """Whether nothing older matters: a verified success in which every one of `lvs` was planned."""
    run = file.run()
    succeeded = run.changed and run.result is not None and run.result.exit == 0 and run.result.images == "new"
    return succeeded and {pair.lv for pair in file.plan.pairs} >= set(lvs)


def _ended(runs: list[RunFile], folded: list[Run], *, success: bool) -> float | None:
    """When the newest run ended that began a change, or that succeeded."""
    for file, run in zip(runs, folded, strict=True):
        # A relink, and a resume that went back to the old images, end well and refreshed nothing.
        ended = isinstance(run.result, Closed) and run.result.exit == 0 and run.result.images == "new"
        if run.changed and (ended or not success):
            return file.lines[-1].at
    return None


def clock_mark(file: RunFile) -> ClockMark | None:
    """The date that the run's last create printed."""
    for line in reversed(file.lines):
        if isinstance(line.item, Done) and isinstance(line.item.step, Create) and line.item.stamp is not None:
            return ClockMark(line.item.stamp, line.at)
    return None


def changes_of(file: RunFile) -> dict[LdName, float]:
    """When the last word about a CHANGE on each base volume was written."""
    found: dict[LdName, float] = {}
    for line in file.lines:
        match line.item:
            case Began(step) | Done(step) | NotDone(step) | Unclear(step) if not isinstance(step, Observe | Hook):
                found[step.bv] = line.at
            case _:
                continue
    return found


def last_change(file: RunFile) -> float | None:
    """When the last word about a CHANGE was written."""
    for line in reversed(file.lines):
        match line.item:
            case Began(step) | Done(step) | NotDone(step) | Unclear(step) if not isinstance(step, Observe | Hook):
                return line.at
            case _:
                continue
    return None
