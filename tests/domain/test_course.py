"""How far an open run has come, read off its journal line by line."""

import pytest

from necism_monitor.domain.course import Course, Stage, Turn, course_of
from necism_monitor.domain.events import (
    DETACHED,
    GATE,
    POST,
    PRE,
    Began,
    Create,
    Done,
    GaveUp,
    Hook,
    Kind,
    Link,
    NotDone,
    Observe,
    PlannedPair,
    Recovering,
    Row,
    Seen,
    SvFact,
    TurnBack,
    Unclear,
    Unlink,
)
from necism_monitor.domain.names import LdName
from necism_monitor.domain.record import Header, Item, Line, PlanLine, RunFile

AT = 1000.0
BV, LV, SV, OTHER = (LdName(name) for name in ("BV1", "LV1", "SV1", "SV2"))
BV2, LV2, SV2 = (LdName(name) for name in ("BV2", "LV2", "SVb"))
OLD, NEW = "2026/11/20 04:00:00", "2026/11/22 04:00:00"
ACTIVE = SvFact(Kind.ACTIVE, OLD)
UNLINK, CREATE, LINK = Unlink(BV, LV, SV), Create(BV, SV), Link(BV, LV, SV, None)


def planned(lv: LdName = LV, bv: LdName = BV, target: LdName = SV, previous: LdName | None = SV) -> PlanLine:
    return PlanLine(PlannedPair(lv, bv, target, previous, "rw", OLD), ACTIVE, ACTIVE)


def course(*items: Item, hooks: tuple[str, ...] = (), create_first: bool = False) -> Course:
    """The course of a run whose lines were written a second apart, the first item at AT + 1."""
    plans = sum(isinstance(item, PlanLine) for item in items)
    head = Header(
        "abcd1234", "svc", "sync#1", "manual", None, "root", None, force=False, order="set", parallel=1, pairs=plans,
        plan_hash="0", deadline=AT, owner={}, hooks=hooks, create_first=create_first,
    )  # fmt: skip
    lines = [Line(AT + number, item) for number, item in enumerate((head, *items))]
    return course_of(RunFile(head, tuple(lines)))


def turns(found: Course) -> dict[str, Turn]:
    return {stage.kind: stage.turn for stage in found.stages}


def marks(found: Course, number: int = 0) -> tuple[Turn, Turn, Turn]:
    pair = found.pairs[number]
    return pair.unlink.turn, pair.create.turn, pair.link.turn


DONE, WORK, DOUBT, FAILED, COME, OUT = (
    Turn.DONE, Turn.AT_WORK, Turn.IN_DOUBT, Turn.FAILED, Turn.TO_COME, Turn.LEFT_OUT,
)  # fmt: skip
ROW = Row(LV, SV, "rw", SvFact(Kind.ACTIVE, NEW), SvFact(Kind.ACTIVE, NEW))
WAY: tuple[tuple[Item, tuple[Turn, Turn, Turn], Turn], ...] = (
    (planned(), (COME, COME, COME), COME),
    (Began(UNLINK), (WORK, COME, COME), COME),
    (Done(UNLINK), (DONE, COME, COME), COME),
    (Began(CREATE), (DONE, WORK, COME), COME),
    (Done(CREATE, NEW), (DONE, DONE, COME), COME),
    (Began(LINK), (DONE, DONE, WORK), COME),
    (Done(LINK), (DONE, DONE, DONE), COME),
    (Began(Observe(BV)), (DONE, DONE, DONE), WORK),
    (Seen(BV, (ROW,)), (DONE, DONE, DONE), DONE),
)


@pytest.mark.parametrize("count", range(1, len(WAY) + 1))
def test_each_line_moves_one_step(count: int) -> None:
    """Of a plain run every prefix of its journal says what is done, at work and to come."""
    found = course(*(item for item, _, _ in WAY[:count]))
    _, wanted, verified = WAY[count - 1]
    assert marks(found) == wanted
    assert turns(found) == dict(zip(("unlink", "create", "link", "verify"), (*wanted, verified), strict=True))


def test_steps_carry_their_times() -> None:
    """At work: since when; done: when; a stage: from its first begin to its last end."""
    found = course(planned(), Began(UNLINK), Done(UNLINK), Began(CREATE))
    (pair,) = found.pairs
    assert (pair.unlink.at, pair.create.at, pair.link.at) == (AT + 3, AT + 4, None)
    assert found.stages[0] == Stage("unlink", DONE, 1, 1, AT + 2, AT + 3)
    assert found.stages[1] == Stage("create", WORK, 0, 1, AT + 4, None)


def test_stages_count_pairs() -> None:
    """Of two pairs one is through, so a stage says how many are done."""
    second = planned(LV2, BV2, SV2, SV2)
    found = course(planned(), second, Began(UNLINK), Done(UNLINK), Began(Unlink(BV2, LV2, SV2)))
    assert found.stages[0][:4] == ("unlink", WORK, 1, 2)
    assert marks(found, 1) == (WORK, COME, COME)


def test_an_lv_that_was_detached_needs_no_unlink() -> None:
    """Nothing is to come that the plan has not; without any unlink there is no such stage."""
    found = course(planned(previous=None), Began(CREATE))
    assert marks(found) == (OUT, WORK, COME)
    assert [stage.kind for stage in found.stages] == ["create", "link", "verify"]


def test_an_alternating_pair_creates_first() -> None:
    """The LV shows its old image until the new one is there; hooks stand between."""
    found = course(
        planned(previous=OTHER), Began(CREATE), Done(CREATE, NEW), hooks=(PRE, GATE, POST), create_first=True
    )
    assert [stage.kind for stage in found.stages] == ["create", PRE, GATE, "unlink", "link", "verify", POST]
    assert marks(found) == (COME, DONE, COME)
    unlink = Unlink(BV, LV, OTHER)
    found = course(planned(previous=OTHER), Began(CREATE), Done(CREATE, NEW), Began(unlink), Done(unlink))
    assert marks(found) == (DONE, DONE, COME)
    found = course(
        planned(previous=OTHER), Began(CREATE), Done(CREATE, NEW), Began(unlink), Done(unlink), Began(LINK), Done(LINK)
    )
    assert marks(found) == (DONE, DONE, DONE)


def test_hooks_are_stages() -> None:
    """What was begun, done, failed, and what is owed."""
    pre, post = Hook(PRE), Hook(POST)
    assert turns(course(planned(), Began(pre), hooks=(PRE, GATE, POST)))[PRE] is WORK
    found = course(planned(), Began(pre), Done(pre), Began(UNLINK), hooks=(PRE, GATE, POST))
    assert (turns(found)[PRE], turns(found)[GATE], turns(found)[POST]) == (DONE, COME, COME)
    assert found.stages[0] == Stage(PRE, DONE, 1, 1, AT + 2, AT + 3)
    found = course(planned(), Began(pre), NotDone(pre, "exit 1"), hooks=(PRE, GATE, POST))
    assert (turns(found)[PRE], turns(found)[GATE]) == (FAILED, OUT)
    found = course(planned(), Began(post), NotDone(post, "exit 1"), hooks=(POST,))
    assert turns(found)[POST] is FAILED


def test_a_step_in_doubt_is_called_so() -> None:
    """Nobody knows whether it had an effect until it is read."""
    assert marks(course(planned(), Began(UNLINK), Unclear(UNLINK, "exit 1"))) == (DOUBT, COME, COME)
    create = (planned(), Began(UNLINK), Done(UNLINK), Began(CREATE), Unclear(CREATE, "exit 1"))
    assert marks(course(*create)) == (DONE, DOUBT, COME)
    begun = (planned(), Began(UNLINK), Done(UNLINK), Began(CREATE), Done(CREATE, NEW), Began(LINK))
    assert marks(course(*begun, Unclear(LINK, "exit 1"))) == (DONE, DONE, DOUBT)


def test_a_run_that_turned_back_creates_no_more() -> None:
    """The create that failed is called so, the others are left out, and what is detached is still to be linked."""
    second = planned(LV2, BV2, SV2, SV2)
    unlinks = (Began(UNLINK), Done(UNLINK), Began(Unlink(BV2, LV2, SV2)), Done(Unlink(BV2, LV2, SV2)))
    found = course(planned(), second, *unlinks, Began(CREATE), NotDone(CREATE, "no space"))
    assert found.turned_back == "SV1: no space"
    assert marks(found) == (DONE, FAILED, COME)
    assert marks(found, 1) == (DONE, OUT, COME)
    assert turns(found)["create"] is FAILED
    found = course(planned(), second, *unlinks, TurnBack("asked to stop"), Began(LINK), Done(LINK))
    assert marks(found) == (DONE, OUT, DONE)
    assert turns(found)["link"] is COME


def test_turned_back_before_anything_nothing_is_to_come() -> None:
    """An LV that was never taken away needs no link."""
    found = course(planned(), TurnBack("asked to stop"))
    assert marks(found) == (OUT, OUT, OUT)


def test_a_link_that_was_given_up_failed() -> None:
    """After its bound nobody tries it any more."""
    begun = (planned(), Began(UNLINK), Done(UNLINK), Began(LINK), NotDone(LINK, "exit 1"), GaveUp(BV, LV, "too long"))
    assert marks(course(*begun))[2] is FAILED


def test_a_recovery_shows_links_only() -> None:
    """Whoever resumes never creates; what is not read yet is to come."""
    begun = (planned(), Began(UNLINK), Done(UNLINK), Began(CREATE), Recovering("resumed by root"))
    found = course(*begun)
    assert "create" not in turns(found)
    assert found.turned_back == "resumed by root"
    row = Row(LV, DETACHED, "", ACTIVE, ACTIVE)
    found = course(*begun, Began(Observe(BV)), Seen(BV, (row,)), Began(LINK))
    assert marks(found)[2] is WORK
    found = course(*begun, Began(Observe(BV)), Seen(BV, (row,)), Began(LINK), Done(LINK))
    assert turns(found)["link"] is DONE
