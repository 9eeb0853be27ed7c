"""What ends an unfinished run or gives hosts their LVs back: `resume`, `relink` and `abandon`.  None of them creates.

`resume` continues the journal of the run, `relink` believes nothing but the array, `abandon` touches only journals.
"""

from __future__ import annotations

from typing import NamedTuple

from necism_monitor.app.collect import collect
from necism_monitor.app.desk import Desk, Report, Request, acquire, deadline_of, refuse, tidy
from necism_monitor.app.hooks import HostHooks, patience
from necism_monitor.app.opening import header_of, open_journal, tools_of
from necism_monitor.app.ports import HeldLock, RunJournal
from necism_monitor.app.resync_engine import Engine
from necism_monitor.app.share import share, withdraw
from necism_monitor.domain.beginning import Start, may_begin
from necism_monitor.domain.errors import JournalDamaged
from necism_monitor.domain.events import Closed, Link, Plan, Recovering
from necism_monitor.domain.guards import TABLE, survey
from necism_monitor.domain.history import NO_HISTORY, RunState
from necism_monitor.domain.judge import basis_of
from necism_monitor.domain.model import Resource
from necism_monitor.domain.plan import plan_hash
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.record import Line
from necism_monitor.domain.refusals import Refusal, refusal
from necism_monitor.domain.rescue import Rescue, find_rescue
from necism_monitor.domain.run import Run, start
from necism_monitor.domain.sequence import images
from necism_monitor.domain.sighting import unseen_arrays
from necism_monitor.ism.outcome import command_of

NOTHING_OPEN = (
    "nothing to do: no run is open (`necism status` shows whether an LV is detached, "
    "`necism relink` links one without a journal)"
)
NOTHING_DETACHED = "nothing to do: every LV is linked"
NOTHING_TO_ABANDON = "nothing to do: no run is open, and the journal can be read"


class _Work(NamedTuple):
    """Whose LVs are linked, at whose wish, under which lock."""

    desk: Desk
    resource: Resource
    request: Request
    held: HeldLock


def resume(desk: Desk, resource: Resource, request: Request) -> Report:
    """End an unfinished run by restoring service: reads everything, links what is detached, never creates."""
    history = desk.book.history(resource)
    if isinstance(history, Unread):
        return refuse(desk, resource, request, refusal("journal-unreadable", history.text, history.hint))
    # Where the run's process is gone, the lock is held by a command that it started, or by another run: both end.
    orphaned = history.open_run is not None and history.open_run.state is RunState.UNFINISHED
    held = acquire(desk, desk.config.settings.relink_timeout if orphaned else request.wait)
    if isinstance(held, str):
        return refuse(desk, resource, request, refusal("locked", held))
    try:
        found = desk.book.reopen(resource)
        if found is None:
            return Report(resource, 0, NOTHING_OPEN)
        file, journal = found
        try:
            work = _Work(desk, resource, request, held)
            hooks = HostHooks(desk, resource, file.header.id, file.header.trigger)
            return _restore(work, journal, file.run(), None, hooks)._replace(run_id=file.header.id)
        finally:
            journal.close()
            tidy(desk, resource)
    finally:
        held.release()


def _restore(work: _Work, journal: RunJournal, run: Run, before: Observation | None, hooks: HostHooks) -> Report:
    """Drive `run` as one that only links, whatever it was begun for."""
    desk, request = work.desk, work.request
    engine, now = Engine(tools_of(desk, journal, work.held, hooks), run, len(run.plan.pairs)), desk.clock.now()
    readings, waits = 2 * len(run.plan.bvs), patience(work.resource)
    deadline = deadline_of(desk.config.settings, desk.array, len(run.plan.pairs), readings, now, waits)
    engine.note(Recovering(f"{'resumed' if before is None else 'relinked'} by {request.user}", request.owner, deadline))
    taken = withdraw(desk, work.resource)
    result, is_open = engine.drive()
    share(desk, work.resource, engine, before, taken)
    left = "; the run stays open" if is_open else ""
    desk.narrator.say("INFO" if result.exit == 0 else "ERROR", f"{result.text}{left}")
    return Report(work.resource, result.exit, result.text + left)


def relink(desk: Desk, resource: Resource, request: Request) -> Report:
    """Link each detached LV whose SV is active, by one fresh reading, and nothing else.

    An SV that is changing is waited for, and so is a command of a process that is gone.

    A damaged journal does not keep it from that: whoever holds the array's lock knows that no run and no command is at
    work, and only what is proven detached is touched.  Raises EnvironmentProblem, before any change, where the lock or
    a journal of its own cannot be had.
    """
    refused = _may_relink(desk, resource)
    if refused:
        return refuse(desk, resource, request, refused)
    # What a dead process started ends by itself, and hosts wait for their LVs.
    held = acquire(desk, desk.config.settings.relink_timeout if desk.exclusive.orphaned() else request.wait)
    if isinstance(held, str):
        return refuse(desk, resource, request, refusal("locked", held))
    try:
        refused = _may_relink(desk, resource) or _open_beside_damage(desk, resource)
        rescue = refused or _survey(desk, resource)
        if isinstance(rescue, Refusal):
            return refuse(desk, resource, request, rescue)
        return _relinked(_Work(desk, resource, request, held), *rescue)
    finally:
        held.release()


def _may_relink(desk: Desk, resource: Resource) -> Refusal | None:
    """The guards before the reading, but for a damaged journal."""
    refused = may_begin(Start(resource, desk.book.history(resource), desk.node))
    return None if refused is not None and refused.code == "journal-unreadable" else refused


def _open_beside_damage(desk: Desk, resource: Resource) -> Refusal | None:
    """An open run is refused also where an older journal is damaged; only for the holder of the lock."""
    if not isinstance(desk.book.history(resource), Unread):
        return None
    try:
        found = desk.book.reopen(resource)
    except JournalDamaged as damage:
        desk.narrator.say("WARNING", f"{damage.text}: going on by what the array says alone")
        return None
    if found is None:
        return None
    file, journal = found
    journal.close()
    text = f"run {file.header.id} by {file.header.user} has no end"
    return refusal("unfinished", text) if file.run().binding else None


def _survey(desk: Desk, resource: Resource) -> tuple[Rescue, Observation] | Refusal:
    """One reading, and what it allows to be linked."""
    observation = collect(desk.reader, desk.array, (resource,), desk.volumes, desk.clock)
    remembered = desk.book.history(resource)
    history = NO_HISTORY if isinstance(remembered, Unread) else remembered
    basis = basis_of(desk.config, resource, observation, history, desk.host_zone, desk.clock.now())
    situation = survey(basis, desk.array.unique_names, False)  # noqa: FBT003 - nothing is forced
    # A name that two arrays have would be linked on either of them.
    evidence = dict(TABLE)["ambiguous-array"](situation)
    if evidence:
        return refusal("ambiguous-array", "; ".join(evidence))
    unseen = None if desk.array.unique_names else unseen_arrays(observation)
    if unseen:
        return refusal("state-unreadable", unseen.text)
    return find_rescue(basis), observation


def _relinked(work: _Work, rescue: Rescue, seen: Observation) -> Report:
    """Link what can be linked, in a run of its own; an LV that was left alone makes it a 6."""
    desk, resource = work.desk, work.resource
    for text in (*rescue.warnings, *rescue.left):
        desk.narrator.say("WARNING", text)
    left = "; ".join(rescue.left)
    why = desk.stop()
    if not rescue.plan.pairs:
        return Report(resource, 6 if left else 0, left or NOTHING_DETACHED)
    if why:
        return Report(resource, 6, f"stopped by {why} before anything was changed")
    journal = _begin_relink(desk, resource, work.request, rescue)
    try:
        hooks = HostHooks(desk, resource, work.request.run_id, work.request.trigger)
        report = _restore(work, journal, start(rescue.plan, rescue.facts), seen, hooks)
    finally:
        journal.close()
    report = report._replace(run_id=work.request.run_id)
    if not left:
        return report
    tried = ", ".join(pair.lv for pair in rescue.plan.pairs)
    told = f"{tried} linked" if report.exit == 0 else report.text
    return report._replace(exit=6, text=f"{left}; {told}")


def _begin_relink(desk: Desk, resource: Resource, request: Request, rescue: Rescue) -> RunJournal:
    """Header and plan on disk before the first link."""
    plain = {"rw": None, "ro": "ro"}
    links = (Link(pair.bv, pair.lv, pair.target, plain[pair.access]) for pair in rescue.plan.pairs)
    digest = plan_hash(command_of(link).argv for link in links)
    header = header_of(desk, resource, request, rescue.plan, digest, len(rescue.plan.pairs))
    return open_journal(desk, header, rescue.plan, rescue.facts)


def abandon(desk: Desk, resource: Resource, request: Request) -> Report:
    """Close an open run, and set damaged journals aside, by decision of a person; changes nothing on the array.

    Refuses as `locked` while the run's process lives, or a command that it started: the lock is theirs then.
    """
    held = acquire(desk, request.wait)
    if isinstance(held, str):
        return refuse(desk, resource, request, refusal("locked", held))
    try:
        history = desk.book.history(resource)
        run = None if isinstance(history, Unread) else history.open_run
        if run and run.state is RunState.RUNNING:
            text = f"run {run.id} by {run.owner} is not known to be dead"
            hint = "wait for it to end; if that process is gone for certain, `necism resume` ends the run"
            return refuse(desk, resource, request, refusal("locked", text, hint))
        aside = _set_aside(desk, resource)
        # The open run first: the note about damaged files is the newest journal from then on.
        done = [*_close(desk, resource, request), *aside]
        if aside:
            _note(desk, resource, request, aside)
        return Report(resource, 0, "; ".join(done) or NOTHING_TO_ABANDON)
    finally:
        held.release()


def _set_aside(desk: Desk, resource: Resource) -> list[str]:
    """Rename what cannot be read; a sentence about each file."""
    said = [f"the damaged journal {old} is now {new}" for old, new in desk.book.set_aside(resource)]
    for text in said:
        desk.narrator.say("WARNING", text)
    return said


def _note(desk: Desk, resource: Resource, request: Request, said: list[str]) -> None:
    """Journal who set files aside, why, and where they are, as a run that changed nothing."""
    nothing = Plan((), resource.order, resource.parallel)
    journal = open_journal(desk, header_of(desk, resource, request, nothing, plan_hash(()), 0), nothing, {})
    try:
        journal.append(Line(desk.clock.now(), Closed(0, "old", "; ".join(said))))
    finally:
        journal.close()


def _close(desk: Desk, resource: Resource, request: Request) -> list[str]:
    """Write the end of the newest run that has none; nothing about its LVs was proven, so it is a 6."""
    found = desk.book.reopen(resource)
    if found is None:
        return []
    file, journal = found
    try:
        run, text = file.run(), f"abandoned by {request.user}: {request.reason}"
        journal.append(Line(desk.clock.now(), Closed(6, images(run), text)))
    finally:
        journal.close()
    desk.narrator.say("WARNING", f"run {file.header.id} {text}")
    done = [f"run {file.header.id} is closed; `necism status` shows what it left"]
    # Whom pre_resync stopped nobody starts any more, and no face shows it.
    return [*done, "post_resync was owed and was not run: what it starts is left to you"] if run.owes_post else done
