"""The journal's lines as values: what is written of a run, and what is read back.  Pure; files are the adapter's.

A run is written as its header, one line per planned pair, and its events.  The engine's fold of these lines is the
run: nothing else is remembered.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from necism_monitor.domain.events import (
    DETACHED,
    Began,
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
from necism_monitor.domain.model import Order
from necism_monitor.domain.names import LdName
from necism_monitor.domain.run import Run, apply, start

Json = Mapping[str, Any]
OLD_ROW: Final = 6
STEPS: Final[Mapping[str, Any]] = {
    "observe": Observe,
    "unlink": Unlink,
    "create": Create,
    "link": Link,
    "hook": Hook,
}
EVENTS: Final[Mapping[str, Any]] = {
    "began": Began,
    "done": Done,
    "not-done": NotDone,
    "unclear": Unclear,
    "seen": Seen,
    "gave-up": GaveUp,
    "turn-back": TurnBack,
    "recovering": Recovering,
    "closed": Closed,
}
_NAME_OF = {kind: name for name, kind in {**STEPS, **EVENTS}.items()}


class Header(NamedTuple):
    """Who started a run, why, and how far it may go; times are seconds since the epoch."""

    id: str
    service: str
    resource: str
    trigger: str
    key: str | None
    user: str
    reason: str | None
    force: bool
    order: str
    parallel: int
    pairs: int
    plan_hash: str
    deadline: float
    owner: Json
    """Host, boot id, pid and start time of the process."""
    hooks: Sequence[str] = ()
    create_first: bool = False


class Left(NamedTuple):
    """The process ended and left the run open: `exit` is what it told its caller."""

    exit: int
    images: str
    text: str


class PlanLine(NamedTuple):
    """One planned pair and what the reading before the run proved of its SVs."""

    pair: PlannedPair
    target: SvFact | None
    previous: SvFact | None


Item = Header | PlanLine | Event | Left


class Line(NamedTuple):
    """One line of a journal: when, what, and for a step its exact command."""

    at: float
    item: Item
    argv: tuple[str, ...] = ()


class RunFile(NamedTuple):
    """A run as its journal tells it."""

    header: Header
    lines: tuple[Line, ...]
    torn: bool = False
    """The last line was cut and has been dropped."""

    @property
    def plan(self) -> Plan:
        """The plan, from its lines."""
        pairs = tuple(line.item.pair for line in self.lines if isinstance(line.item, PlanLine))
        head = self.header
        return Plan(pairs, Order(head.order), head.parallel, tuple(head.hooks), head.create_first)

    def run(self) -> Run:
        """The run after everything that was written."""
        svs: dict[LdName, SvFact | None] = {}
        for line in self.lines:
            if isinstance(line.item, PlanLine):
                svs[line.item.pair.target] = line.item.target
                if line.item.pair.previous:
                    svs[line.item.pair.previous] = line.item.previous
        run = start(self.plan, svs)
        for line in self.lines:
            if not isinstance(line.item, Header | PlanLine | Left):
                run = apply(run, line.item)
        return run


class FormatError(ValueError):
    """A line that is no line of a journal."""


def encode(line: Line) -> dict[str, Any]:
    """The JSON object of a line."""
    item = line.item
    body: dict[str, Any]
    match item:
        case Header():
            body = {"event": "opened", **item._asdict()}
        case Left():
            body = {"event": "left", **item._asdict()}
        case PlanLine(pair, target, previous):
            body = {"event": "planned", **pair._asdict(), "facts": [_sv_json(target), _sv_json(previous)]}
        case Seen(bv, rows, more):
            body = {"event": "seen", "bv": bv, "rows": [_row_json(row) for row in rows], "more": more}
        case Began(step) | Done(step) | NotDone(step) | Unclear(step):
            rest = {key: value for key, value in item._asdict().items() if key != "step"}
            body = {"event": _NAME_OF[type(item)], "step": _NAME_OF[type(step)], **step._asdict(), **rest}
        case _:
            body = {"event": _NAME_OF[type(item)], **item._asdict()}
    return {"at": round(line.at, 6), **body, **({"argv": list(line.argv)} if line.argv else {})}


def decode(record: Json) -> Line:
    """The line of a JSON object.  Raises FormatError where it is none."""
    try:
        fields = dict(record)
        at, argv = float(fields.pop("at")), tuple(str(word) for word in fields.pop("argv", ()))
        return Line(at, _item(fields.pop("event"), fields), argv)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{type(error).__name__}: {error}") from error


def _item(name: str, fields: dict[str, Any]) -> Item:
    match name:
        case "opened":
            return Header(**{**fields, "hooks": tuple(fields.get("hooks", ()))})
        case "left":
            return Left(**fields)
        case "planned":
            target, previous = (_sv_fact(fact) for fact in fields.pop("facts"))
            return PlanLine(PlannedPair(**_named(fields)), target, previous)
        case "seen":
            return Seen(LdName(fields["bv"]), tuple(_row(row) for row in fields["rows"]), fields["more"])
        case "gave-up":
            lv = fields["lv"]
            return GaveUp(LdName(fields["bv"]), None if lv is None else LdName(lv), fields["why"])
        case "began" | "done" | "not-done" | "unclear":
            return _event(name, {"step": _step(fields), **fields})
        case _:
            return _event(name, fields)


def _event(name: str, fields: dict[str, Any]) -> Event:
    event: Event = EVENTS[name](**fields)
    return event


def _step(fields: dict[str, Any]) -> Step:
    """Take the step's own fields out of an event's."""
    kind = STEPS[fields.pop("step")]
    step: Step = kind(**_named({key: fields.pop(key) for key in kind._fields}))
    return step


_NAMES = frozenset({"bv", "lv", "sv", "target", "previous"})


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    """Names are validated again on the way in: only a validated name can become part of a command."""
    return {key: LdName(value) if key in _NAMES and value is not None else value for key, value in fields.items()}


def _sv_json(fact: SvFact | None) -> list[str | None] | None:
    return None if fact is None else [fact.kind.value, fact.stamp, fact.word]


def _sv_fact(value: list[str] | None) -> SvFact | None:
    return None if value is None else SvFact(Kind(value[0]), value[1], value[2])


def _row_json(row: Row) -> list[Any]:
    shown = row.shown.value if row.shown is DETACHED else row.shown
    return [row.lv, shown, row.access, _sv_json(row.target), _sv_json(row.previous), row.device, row.wwn]


def _row(value: list[Any]) -> Row:
    """A row of an earlier release has no WWN."""
    lv, shown, access, target, previous, device, wwn = value if len(value) > OLD_ROW else [*value, None]
    fact: LvFact = None if shown is None else DETACHED if shown == DETACHED.value else LdName(shown)
    return Row(LdName(lv), fact, access, _sv_fact(target), _sv_fact(previous), device, wwn)
