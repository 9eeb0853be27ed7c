"""A run as a value: its plan, what is known, what is in flight; only an event may change it.

`fold(events)` gives the run back after any crash: the journal is the state.  No clock, no I/O.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from necism_monitor.domain.events import (
    DETACHED,
    GATE,
    POST,
    PRE,
    Began,
    Change,
    Closed,
    Create,
    Done,
    Event,
    GaveUp,
    Hook,
    Kind,
    Link,
    LvFact,
    NotDone,
    Observe,
    Plan,
    PlannedPair,
    Recovering,
    Row,
    Seen,
    Step,
    SvFact,
    TurnBack,
    Unclear,
    Unlink,
)
from necism_monitor.domain.names import LdName

BUSY_ATTEMPTS: Final = 60
"""How often a CHANGE that the array answers with a busy id is sent: the vendor's own driver gives up after 60."""
HOOK_REFUSALS: Final = {PRE: "pre-resync-failed", GATE: "in-use"}


class Failure(NamedTuple):
    """Something that keeps the run from a plain success."""

    subject: str
    why: str


class HookState(enum.Enum):
    """How far a hook came."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class Run(NamedTuple):
    """Everything known of a run."""

    plan: Plan
    lvs: Mapping[LdName, LvFact]
    svs: Mapping[LdName, SvFact | None]
    created: frozenset[LdName] = frozenset()
    in_flight: frozenset[Step] = frozenset()
    adrift: frozenset[Step] = frozenset()
    """In flight, past their deadline: they may still land."""
    doubted: frozenset[LdName] = frozenset()
    """SVs whose create is in doubt until a reading shows a new date."""
    unverified: frozenset[LdName] = frozenset()
    """BVs changed since they were last read."""
    closed: frozenset[LdName] = frozenset()
    """BVs about which nothing more can be found out in this run."""
    abandoned: frozenset[LdName] = frozenset()
    """LVs whose link was retried to its bound."""
    insisted: frozenset[LdName] = frozenset()
    """LVs that came back with the wrong access and are linked once more with the access said aloud."""
    attempts: Mapping[Step, int] = {}
    said: Mapping[Step, str] = {}
    """What came back of the last try of a step that did not succeed."""
    failures: tuple[Failure, ...] = ()
    turn_back: str | None = None
    recovering: bool = False
    changed: bool = False
    """A CHANGE was begun."""
    hooks: Mapping[str, HookState] = {}
    """The hooks that were begun."""
    refused: str = ""
    """The code of the refusal where a hook ended the run before its first CHANGE."""
    result: Closed | None = None

    def pairs_on(self, bv: LdName) -> tuple[PlannedPair, ...]:
        """The planned pairs of one BV."""
        return tuple(pair for pair in self.plan.pairs if pair.bv == bv)

    @property
    def owes_post(self) -> bool:
        """`post_resync` is owed: what it undoes, `pre_resync` or else a first CHANGE, was begun."""
        if POST not in self.plan.hooks or self.hooks.get(POST) is HookState.DONE:
            return False
        return PRE in self.hooks or (PRE not in self.plan.hooks and self.changed)

    @property
    def binding(self) -> bool:
        """Whether something was begun that somebody has to bring to an end."""
        return self.changed or self.owes_post


def start(plan: Plan, svs: Mapping[LdName, SvFact | None]) -> Run:
    """The run at its beginning: the LVs as the plan found them, the SVs as that same reading said."""
    return Run(plan, {pair.lv: pair.previous or DETACHED for pair in plan.pairs}, dict(svs))


def fold(run: Run, events: Iterable[Event]) -> Run:
    """The run after `events`."""
    for event in events:
        run = apply(run, event)
    return run


def apply(run: Run, event: Event) -> Run:
    """The only change of a run's state."""
    match event:
        case Began() | Done() | NotDone() | Unclear():
            return _hooked(run, event.step, event) if isinstance(event.step, Hook) else _stepped(run, event)
        case Seen(bv, rows, more):
            return _seen(run, bv, rows, more=more)
        case GaveUp(bv, lv, why):
            return _gave_up(run, bv, lv, why)
        case TurnBack(why):
            return run._replace(turn_back=run.turn_back or why)
        case Recovering(why):
            return _recovering(run, why)
        case Closed():
            return run._replace(result=event)


def _stepped(run: Run, event: Began | Done | NotDone | Unclear) -> Run:
    """What becomes of a reading or a CHANGE."""
    match event:
        case Began(step):
            changed = run.changed or not isinstance(step, Observe)
            return _begun(run, step)._replace(changed=changed)
        case Done(step, stamp) if not isinstance(step, Hook):
            return _done(_landed(run, step), step, stamp)
        case NotDone(step, why, busy=busy) if not isinstance(step, Hook):
            return _not_done(_landed(run, step), step, why, busy=busy)
        case Unclear(Observe() as step, why):
            return _landed(_heard(run, step, why), step)
        case Unclear(step, why, landed) if not isinstance(step, Observe | Hook):
            return _unclear(run, step, why, landed=landed)
    raise TypeError(f"{event!r} is no event of a reading or a CHANGE")


def _hooked(run: Run, hook: Hook, event: Began | Done | NotDone | Unclear) -> Run:
    """What becomes of a hook: one whose end is not clear counts as failed."""
    match event:
        case Began():
            return _begun(run, hook)._replace(hooks={**run.hooks, hook.name: HookState.BEGUN})
        case Done():
            return _landed(run, hook)._replace(hooks={**run.hooks, hook.name: HookState.DONE})
        case NotDone(why=why) | Unclear(why=why):
            return _hook_failed(_landed(run, hook), hook, why)


def _begun(run: Run, step: Step) -> Run:
    attempts = {**run.attempts, step: run.attempts.get(step, 0) + 1}
    return run._replace(in_flight=run.in_flight | {step}, attempts=attempts)


def _landed(run: Run, step: Step) -> Run:
    return run._replace(in_flight=run.in_flight - {step}, adrift=run.adrift - {step})


def _failed(run: Run, subject: str, why: str) -> Run:
    """Note a failure and turn back: the first one is the reason."""
    failure = Failure(subject, why)
    failures = run.failures if failure in run.failures else (*run.failures, failure)
    return run._replace(failures=failures, turn_back=run.turn_back or f"{subject}: {why}")


def _hook_failed(run: Run, hook: Hook, why: str) -> Run:
    """Before the first CHANGE it refuses the run, after it, it turns it back; at the end there is nothing to turn."""
    run = run._replace(hooks={**run.hooks, hook.name: HookState.FAILED})
    if hook.name == POST:
        return run._replace(failures=(*run.failures, Failure(hook.name, why)))
    run = _failed(run, hook.name, why)
    refused = "" if run.changed or run.recovering else HOOK_REFUSALS.get(hook.name, "")
    return run._replace(refused=run.refused or refused)


def _heard(run: Run, step: Step, why: str) -> Run:
    """Keep the words of a step that did not succeed: what comes of it later is explained by them."""
    return run._replace(said={**run.said, step: why})


def _because(run: Run, step: Step) -> str:
    """The words of a step, to be put behind what came of it."""
    return f" ({run.said[step]})" if step in run.said else ""


def _done(run: Run, step: Change, stamp: str | None) -> Run:
    said = {one: why for one, why in run.said.items() if one != step}
    run = run._replace(unverified=run.unverified | {step.bv}, said=said)
    match step:
        case Unlink():
            return run._replace(lvs={**run.lvs, step.lv: DETACHED})
        case Link():
            return run._replace(lvs={**run.lvs, step.lv: step.sv})
        case Create():
            fact = SvFact(Kind.ACTIVE, stamp)
            return run._replace(
                svs={**run.svs, step.sv: fact}, created=run.created | {step.sv}, doubted=run.doubted - {step.sv}
            )


def _not_done(run: Run, step: Change, why: str, *, busy: bool) -> Run:
    """A link is the rescue and is tried again; anything else fails, unless the array was only busy."""
    run = _heard(run, step, why)
    if isinstance(step, Link) or (busy and run.attempts.get(step, 0) < BUSY_ATTEMPTS):
        return run
    return _failed(run, _subject(step), why)


def _unclear(run: Run, step: Change, why: str, *, landed: bool) -> Run:
    """What the step touched is unknown until it is read; a command that may still land turns the run back at once."""
    run = _forget(_heard(run, step, why), step)._replace(unverified=run.unverified | {step.bv})
    if landed:
        return _landed(run, step)
    return _failed(run._replace(adrift=run.adrift | {step}), _subject(step), why)


def _forget(run: Run, step: Change) -> Run:
    if isinstance(step, Create):
        return run._replace(svs={**run.svs, step.sv: None}, doubted=run.doubted | {step.sv})
    return run._replace(lvs={**run.lvs, step.lv: None})


def _subject(step: Change) -> str:
    return step.sv if isinstance(step, Create) else step.lv


def _seen(run: Run, bv: LdName, rows: tuple[Row, ...], *, more: bool) -> Run:
    """Take the rows over; with the last of them, decide what the reading proves about steps in doubt."""
    before = run
    for row in rows:
        pair = next(pair for pair in run.plan.pairs if pair.lv == row.lv)
        svs = {**run.svs, pair.target: row.target}
        if pair.previous is not None:
            svs[pair.previous] = row.previous if pair.previous != pair.target else row.target
        run = _contradicted(run._replace(lvs={**run.lvs, row.lv: row.shown}, svs=svs), pair, before)
        run = _after_doubt(_access_seen(_device_seen(run, pair, row), pair, row), pair, before)
    if more:
        return run
    said = {step: why for step, why in run.said.items() if step != Observe(bv)}
    return _landed(run, Observe(bv))._replace(unverified=run.unverified - {bv}, said=said)


def _contradicted(run: Run, pair: PlannedPair, before: Run) -> Run:
    """A link that ended as done without effect is a failed link; an LV back on what it was taken off is a failure."""
    shown, claimed = run.lvs[pair.lv], before.lvs[pair.lv]
    links = [step for step in run.attempts if isinstance(step, Link) and step.lv == pair.lv]
    if shown is DETACHED:
        for step in links:
            run = _heard(run, step, "it ended as done, but the LV is detached") if step.sv == claimed else run
        return run
    if run.recovering or shown is None or shown == claimed or any(step.sv == shown for step in links):
        return run
    unlink = Unlink(pair.bv, pair.lv, shown)
    return _failed(run, pair.lv, f"the unlink had no effect{_because(run, unlink)}") if unlink in run.attempts else run


def _after_doubt(run: Run, pair: PlannedPair, before: Run) -> Run:
    """What a reading proves about a create whose own word was missing, or was not the truth."""
    fact, shown = run.svs[pair.target], run.lvs[pair.lv]
    if shown is not None and shown is not DETACHED and shown not in {pair.target, pair.previous}:
        run = _failed(run, pair.lv, f"it shows {shown}, which is none of its SVs")
    if fact is None or fact.kind is Kind.MOVING or pair.target not in run.doubted | run.created:
        return run
    # The date that the create itself printed is believed even where it is the old one: both may fall into one second.
    said = before.svs.get(pair.target) if pair.target in before.created else None
    fresh = fact.stamp != pair.stamp or (said is not None and said.stamp == fact.stamp)
    if fact.kind is Kind.ACTIVE and fact.stamp is not None and fresh:
        return run._replace(created=run.created | {pair.target}, doubted=run.doubted - {pair.target})
    run = run._replace(created=run.created - {pair.target}, doubted=run.doubted - {pair.target})
    found = f"dated {fact.stamp}" if fact.kind is Kind.ACTIVE else f"in state {fact.word!r}"
    words = _because(run, Create(pair.bv, pair.target))
    return _failed(run, pair.target, f"the create left no new image: the SV is {found}{words}")


def _access_seen(run: Run, pair: PlannedPair, row: Row) -> Run:
    """A wrong access after our link: link once more with the access said aloud, and fail where that does not help."""
    ours = pair.target in run.created and row.shown == pair.target
    if not ours or row.access == pair.access:
        return run
    if pair.lv in run.insisted or pair.access != "rw":
        return _failed(run, pair.lv, f"its access is {row.access!r}, not {pair.access!r}")
    return run._replace(insisted=run.insisted | {pair.lv})


def _device_seen(run: Run, pair: PlannedPair, row: Row) -> Run:
    """Hosts go on with the device they knew: another one behind the LV is a failure, though nothing to turn back for.

    That the device of an LV stays the same whichever SV is linked is inferred, so it is checked.
    """
    known = ((pair.special_file, row.device), (pair.wwn, row.wwn))
    changed = [f"{before} before, {now} now" for before, now in known if before and now and before != now]
    if not changed or not isinstance(row.shown, str):
        return run
    failure = Failure(pair.lv, f"its device changed: {' and '.join(changed)}")
    return run if failure in run.failures else run._replace(failures=(*run.failures, failure))


def _gave_up(run: Run, bv: LdName, lv: LdName | None, why: str) -> Run:
    if lv is not None:
        words = next((_because(run, step) for step in run.said if isinstance(step, Link) and step.lv == lv), "")
        return _failed(run._replace(abandoned=run.abandoned | {lv}), lv, f"{why}{words}")
    pairs = run.pairs_on(bv)
    known = all(run.lvs[pair.lv] is not None and run.svs[pair.target] is not None for pair in pairs)
    if not known or bv in run.unverified or any(step.bv == bv for step in run.in_flight):
        return _failed(run._replace(closed=run.closed | {bv}), bv, why)
    still = {sv: fact for sv in {pair.target for pair in pairs} if (fact := run.svs[sv]) and fact.kind is Kind.MOVING}
    useless = {sv: SvFact(Kind.USELESS, None, fact.word) for sv, fact in still.items()}
    return _failed(run._replace(svs={**run.svs, **useless}, doubted=run.doubted - set(useless)), bv, why)


def _recovering(run: Run, why: str) -> Run:
    """Whatever was in flight has landed (the array's lock was won); everything is read again, nothing is created.

    A `post_resync` that did not end well is owed again.
    """
    doubted = {step.sv for step in run.in_flight if isinstance(step, Create)}
    return run._replace(
        lvs=dict.fromkeys(run.lvs),
        svs=dict.fromkeys(run.svs),
        in_flight=frozenset(),
        adrift=frozenset(),
        doubted=run.doubted | doubted,
        closed=frozenset(),
        abandoned=frozenset(),
        attempts={},
        said={},
        failures=(),
        unverified=frozenset(run.plan.bvs),
        turn_back=run.turn_back or why,
        hooks={name: state for name, state in run.hooks.items() if name != POST or state is HookState.DONE},
        refused="",
        recovering=True,
    )
