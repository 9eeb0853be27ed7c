"""What a run's journal tells people: steps with their times, seconds detached per LV, the images that came out."""

from typing import Final, NamedTuple

from necism_monitor.domain.events import (
    DETACHED,
    Began,
    Closed,
    Done,
    Hook,
    Kind,
    Link,
    NotDone,
    Observe,
    Recovering,
    Seen,
    Step,
    Unclear,
    Unlink,
)
from necism_monitor.domain.names import LdName
from necism_monitor.domain.record import Item, Left, Line, PlanLine, RunFile
from necism_monitor.domain.run import Run


class StepTale(NamedTuple):
    """One command of a run; times are seconds since the epoch."""

    argv: tuple[str, ...]
    started_at: float
    ended_at: float | None
    outcome: str
    """done, not-done, unclear, read or pending."""
    kind: str = ""
    """unlink, create, link, observe, or the name of a hook."""


class Phase(NamedTuple):
    """All commands of one kind in a run, from the first one's begin to the last one's end; times as above."""

    kind: str
    commands: int
    started_at: float
    ended_at: float | None
    """None while one of them has no end."""


PHASES: Final = ("unlink", "create", "link")
"""In the order in which one pair goes through them; those of several pairs may overlap."""


class RunTale(NamedTuple):
    """One run."""

    id: str
    service: str
    resource: str
    trigger: str
    key: str | None
    user: str
    reason: str | None
    started_at: float
    ended_at: float | None
    exit: int | None
    images: str | None
    text: str
    plan_hash: str
    steps: tuple[StepTale, ...]
    detached_seconds: dict[LdName, float]
    snapshot_stamps: dict[LdName, str]
    """SV -> the date of its new image, as the array printed it."""
    open: bool
    recoveries: tuple[tuple[float, str], ...] = ()
    """When another process took the run up, and its word about who and why."""
    torn: bool = False
    """The journal's last line was cut and has been dropped."""
    binding: bool = True
    """It began something that somebody has to bring to an end."""


def tell(file: RunFile, now: float) -> RunTale:
    """The tale of a run; an LV that is still detached is counted up to `now` while the run is open."""
    head, run = file.header, file.run()
    # A recovery after a process left the run open begins it anew: it has no end then.
    end = next((line for line in reversed(file.lines) if isinstance(line.item, Closed | Left | Recovering)), None)
    result = end.item if end and isinstance(end.item, Closed | Left) else None
    until = now if run.result is None else file.lines[-1].at
    return RunTale(
        id=head.id,
        service=head.service,
        resource=head.resource,
        trigger=head.trigger,
        key=head.key,
        user=head.user,
        reason=head.reason,
        started_at=file.lines[0].at,
        ended_at=end.at if end and result else None,
        exit=result.exit if result else None,
        images=result.images if result else None,
        text=result.text if result else "no end was journalled",
        plan_hash=head.plan_hash,
        steps=_steps(file.lines),
        detached_seconds=_detached(file, until),
        snapshot_stamps=_stamps(run),
        open=run.result is None,
        recoveries=tuple((line.at, line.item.why) for line in file.lines if isinstance(line.item, Recovering)),
        torn=file.torn,
        binding=run.binding,
    )


def phases(tale: RunTale) -> tuple[Phase, ...]:
    """When a run unlinked, created and linked; busy answers and retries count as commands."""
    found = []
    for kind in PHASES:
        steps = [step for step in tale.steps if step.kind == kind]
        if steps:
            ends = [step.ended_at for step in steps if step.ended_at is not None]
            ended = max(ends) if len(ends) == len(steps) else None
            found.append(Phase(kind, len(steps), min(step.started_at for step in steps), ended))
    return tuple(found)


def _steps(lines: tuple[Line, ...]) -> tuple[StepTale, ...]:
    """Each begun step with its end: the next word about the same step."""
    tales: list[StepTale] = []
    pending: dict[Step, int] = {}
    for line in lines:
        item = line.item
        if isinstance(item, Began):
            pending[item.step] = len(tales)
            kind = item.step.name if isinstance(item.step, Hook) else type(item.step).__name__.lower()
            tales.append(StepTale(line.argv, line.at, None, "pending", kind))
            continue
        ended, word = _end(item)
        if ended in pending:
            index = pending.pop(ended)
            tales[index] = tales[index]._replace(ended_at=line.at, outcome=word)
    return tuple(tales)


def _end(item: Item) -> tuple[Step | None, str]:
    """The step that a line ends, and how."""
    match item:
        case Done(step):
            return step, "done"
        case NotDone(step):
            return step, "not-done"
        case Unclear(step):
            return step, "unclear"
        case Seen(bv):
            return Observe(bv), "read"
        case _:
            return None, ""


def _detached(file: RunFile, until: float) -> dict[LdName, float]:
    """Seconds without an SV, per LV that was detached at any time of the run, counted up to `until`.

    Counted from line to line: a clock that is put back between two of them costs that distance, never makes it less.
    """
    elapsed, before = 0.0, file.lines[0].at
    since = {
        line.item.pair.lv: elapsed
        for line in file.lines
        if isinstance(line.item, PlanLine) and line.item.pair.previous is None
    }
    total = dict.fromkeys(since, 0.0)
    for line in file.lines:
        elapsed, before = elapsed + max(0.0, line.at - before), line.at
        for lv, linked in _moves(line):
            if linked and lv in since:
                total[lv] = total.get(lv, 0.0) + elapsed - since.pop(lv)
            elif not linked:
                since.setdefault(lv, elapsed)
                total.setdefault(lv, 0.0)
    elapsed += max(0.0, until - before)
    return {lv: round(total[lv] + (elapsed - since[lv] if lv in since else 0.0), 3) for lv in total}


def _moves(line: Line) -> list[tuple[LdName, bool]]:
    """What a line says about LVs becoming linked (True) or detached (False)."""
    match line.item:
        case Done(Unlink(lv=lv)):
            return [(lv, False)]
        case Done(Link(lv=lv)):
            return [(lv, True)]
        case Seen(rows=rows):
            return [(row.lv, row.shown is not DETACHED) for row in rows if row.shown is not None]
        case _:
            return []


def _stamps(run: Run) -> dict[LdName, str]:
    facts = {sv: run.svs[sv] for sv in sorted(run.created)}
    return {sv: fact.stamp for sv, fact in facts.items() if fact and fact.kind is Kind.ACTIVE and fact.stamp}
