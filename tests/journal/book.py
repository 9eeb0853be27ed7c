"""A run written down event by event, and its journal on disk."""

from pathlib import Path

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.owner import this_process
from necism_monitor.domain.events import (
    Began,
    Closed,
    Create,
    Done,
    Kind,
    Link,
    Observe,
    PlannedPair,
    Row,
    Seen,
    SvFact,
    Unlink,
)
from necism_monitor.domain.model import Pair, Resource
from necism_monitor.domain.names import LdName, ResourceName, ServiceName
from necism_monitor.domain.record import Header, Item, Line, PlanLine

LV, SV, BV = LdName("LV1"), LdName("SV1"), LdName("BV1")
OLD, NEW = "2026/11/20 04:00:00", "2026/11/22 04:00:00"
RESOURCE = Resource(ServiceName("svc"), ResourceName("sync#1"), (Pair(LV, (SV,)),))
AT = 1_700_000_000.0


def header(**changes: object) -> Header:
    owner = this_process()._asdict()
    whole = Header(
        "abcd1234",
        "svc",
        "sync#1",
        "manual",
        None,
        "root",
        None,
        force=False,
        order="set",
        parallel=1,
        pairs=1,
        plan_hash="0" * 16,
        deadline=AT + 3600,
        owner=owner,
    )
    return whole._replace(**changes)  # type: ignore[arg-type]  # fields by name


PLAN = PlanLine(PlannedPair(LV, BV, SV, SV, "rw", OLD, "/dev/sdx"), SvFact(Kind.ACTIVE, OLD), SvFact(Kind.ACTIVE, OLD))
UNLINK, CREATE, LINK = Unlink(BV, LV, SV), Create(BV, SV), Link(BV, LV, SV, None)
ROW = Row(LV, SV, "rw", SvFact(Kind.ACTIVE, NEW, "snap/active"), SvFact(Kind.ACTIVE, NEW, "snap/active"), "/dev/sdx")
WHOLE_RUN: tuple[Item, ...] = (
    header(), PLAN, Began(UNLINK), Done(UNLINK), Began(CREATE), Done(CREATE, NEW), Began(LINK), Done(LINK),
    Began(Observe(BV)), Seen(BV, (ROW,)), Closed(0, "new", "done and verified"),
)  # fmt: skip


def write(state: Path, *items: Item) -> Path:
    """A run's journal with these lines, a second apart."""
    journal = Journal(state).begin(header(), AT)
    for number, item in enumerate(items):
        journal.append(Line(AT + number, item))
    journal.close()
    return journal.path
