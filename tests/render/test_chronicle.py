"""Runs for people and programs, from a journal written down here event by event."""

import json
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from necism_monitor.domain.events import (
    Began,
    Closed,
    Create,
    Done,
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
    Unclear,
    Unlink,
)
from necism_monitor.domain.names import LdName, ResourceId
from necism_monitor.domain.record import Header, Item, Left, Line, PlanLine, RunFile
from necism_monitor.domain.tale import tell
from necism_monitor.render.chronicle import chronicle, moment, narrate, refusal_story, rehearsed, story

SCHEMA = Draft202012Validator(json.loads(Path("docs/schema/history.json").read_text()))
PARIS = timezone(timedelta(hours=1))
AT = 1_763_787_600.0  # 2025-11-22 05:00:00 UTC, 06:00 in Paris
LV, SV, BV = LdName("LV1"), LdName("SV1"), LdName("BV1")
OLD, NEW = "2025/11/20 04:00:00", "2025/11/22 06:00:40"
HEAD = Header(
    "abcd1234",
    "erp",
    "sync#1",
    "manual",
    None,
    "ann",
    "close",
    force=False,
    order="set",
    parallel=1,
    pairs=1,
    plan_hash="0123456789abcdef",
    deadline=AT + 3600,
    owner={},
)
FACT = SvFact(Kind.ACTIVE, OLD, "snap/active")
PLAN = PlanLine(PlannedPair(LV, BV, SV, SV, "rw", OLD), FACT, FACT)
UNLINK, CREATE, LINK = Unlink(BV, LV, SV), Create(BV, SV), Link(BV, LV, SV, None)
SEEN = Seen(BV, (Row(LV, SV, "rw", FACT._replace(stamp=NEW), FACT._replace(stamp=NEW)),))


def run_of(*timed: tuple[float, Item], torn: bool = False) -> RunFile:
    """A run's file: the header and the plan at 0 s, then each line at its second."""
    lines = [Line(AT, HEAD), Line(AT, PLAN)]
    lines += [Line(AT + second, item, ("iSMsc_x",) if isinstance(item, Began) else ()) for second, item in timed]
    return RunFile(HEAD, tuple(lines), torn)


PLAIN = (
    (1.0, Began(UNLINK)), (2.5, Done(UNLINK)), (2.5, Began(CREATE)), (40.0, Done(CREATE, NEW)), (40.0, Began(LINK)),
    (41.0, Done(LINK)), (41.0, Began(Observe(BV))), (42.0, SEEN), (42.0, Closed(0, "new", "done and verified")),
)  # fmt: skip


def test_a_run_in_the_contracts_words() -> None:
    """Times in UTC, the image's date read on the array's clock, the LV away from the unlink's end to the link's."""
    document = chronicle([(tell(run_of(*PLAIN), AT + 9999), PARIS)], [])
    SCHEMA.validate(document)
    (run,) = document["runs"]
    assert (run["started_at"], run["ended_at"]) == ("2025-11-22T05:00:00.000Z", "2025-11-22T05:00:42.000Z")
    assert run["detached_seconds"] == {"LV1": 38.5}
    assert run["snapshot_times"] == {"SV1": "2025-11-22T05:00:40.000Z"}
    assert [step["outcome"] for step in run["steps"]] == ["done", "done", "done", "read"]
    assert (run["exit"], run["images"], run["user"], run["reason"]) == (0, "new", "ann", "close")


def test_the_outcomes_of_steps() -> None:
    """A busy answer is not-done, a doubtful one unclear, a step without an end pending."""
    timed = ((1.0, Began(UNLINK)), (2.0, NotDone(UNLINK, "busy", busy=True)), (7.0, Began(UNLINK)),
             (8.0, Unclear(UNLINK, "exit code 1")), (9.0, Began(Observe(BV))))  # fmt: skip
    tale = tell(run_of(*timed), AT + 10)
    assert [(step.outcome, step.ended_at) for step in tale.steps] == [
        ("not-done", AT + 2), ("unclear", AT + 8), ("pending", None)
    ]  # fmt: skip
    SCHEMA.validate(chronicle([(tale, PARIS)], []))


def test_an_lv_is_counted_up_to_now_only_while_its_run_is_open() -> None:
    """A closed run tells the same tale for ever."""
    opened, ended = PLAIN[:2], (5.0, Closed(6, "mixed", "LV1 is detached: SV1 holds no usable image"))
    assert tell(run_of(*opened), AT + 100).detached_seconds == {LV: 97.5}
    assert tell(run_of(*opened, ended), AT + 100).detached_seconds == {LV: 2.5}


def test_a_run_left_open_has_its_exit_and_loses_it_when_it_is_taken_up() -> None:
    """`left` is an end for its caller; a recovery begins anew until it closes."""
    left = (*PLAIN[:2], (3.0, Left(6, "old", "LV1 is detached")))
    tale = tell(run_of(*left), AT + 4)
    assert (tale.exit, tale.open, tale.ended_at) == (6, True, AT + 3)
    again = tell(run_of(*left, (60.0, Recovering("resumed by bob"))), AT + 61)
    assert (again.exit, again.open, again.ended_at) == (None, True, None)
    SCHEMA.validate(chronicle([(tale, PARIS), (again, PARIS)], []))


def test_a_story_is_read_from_top_to_bottom() -> None:
    """Who, why, how it ended, the steps, the LVs, the images."""
    assert story(tell(run_of(*PLAIN), AT)) == [
        "2025-11-22T05:00:00.000Z  erp/sync#1  run abcd1234  by ann (manual, reason: close)",
        "  exit 0, images new: done and verified",
        "  unlink began 2025-11-22T05:00:01.000Z, took 1.5 s (1 command)",
        "  create began 2025-11-22T05:00:02.500Z, took 37.5 s (1 command)",
        "  link   began 2025-11-22T05:00:40.000Z, took 1.0 s (1 command)",
        "       1.5 s  done      iSMsc_x",
        "      37.5 s  done      iSMsc_x",
        "       1.0 s  done      iSMsc_x",
        "       1.0 s  read      iSMsc_x",
        "  LV1 was detached for 38.5 s",
        f"  SV1 is dated {NEW}",
    ]


def test_a_story_names_what_is_open_and_what_was_cut() -> None:
    """Neither is left for the reader to infer."""
    lines = story(tell(run_of(*PLAIN[:3], torn=True), AT + 60))
    assert lines[1] == "  no end, images unknown: no end was journalled"
    assert "necism resume" in lines[2]
    assert "last line of its journal was cut" in lines[3]


REFUSAL = {
    "at": AT, "service": "erp", "resource": "sync#1", "trigger": "manual", "user": "ann", "code": "too-soon",
    "text": "the oldest image is 5 s old", "hint": "give --force",
}  # fmt: skip


def test_a_refusal_in_both_forms() -> None:
    """One line for people; the contract's keys, and no others, for programs."""
    document = chronicle([], [REFUSAL])
    SCHEMA.validate(document)
    assert document["refusals"] == [
        {**{k: v for k, v in REFUSAL.items() if k != "user"}, "at": "2025-11-22T05:00:00.000Z"}
    ]
    told = "2025-11-22T05:00:00.000Z  erp/sync#1  refused: too-soon: the oldest image is 5 s old (hint: give --force) "
    assert refusal_story(REFUSAL) == f"{told}(by ann, manual)"
    asked = {**REFUSAL, "trigger": "icinga", "key": "host!disk\n", "user": "icinga"}
    assert refusal_story(asked) == f"{told}(by icinga, icinga, key host!disk\\n)"
    assert chronicle([], [asked])["refusals"][0].keys() == document["refusals"][0].keys()


def test_a_phase_lasts_from_its_first_command_to_its_last() -> None:
    """A busy answer and its retry are two commands of one phase; one without an end keeps it open."""
    timed = ((1.0, Began(UNLINK)), (2.0, NotDone(UNLINK, "busy", busy=True)), (7.0, Began(UNLINK)),
             (8.5, Done(UNLINK)), (9.0, Began(CREATE)), (9.0, Began(Observe(BV))), (9.5, SEEN))  # fmt: skip
    lines = story(tell(run_of(*timed), AT + 10))
    assert [line for line in lines if " began " in line] == [
        "  unlink began 2025-11-22T05:00:01.000Z, took 7.5 s (2 commands)",
        "  create began 2025-11-22T05:00:09.000Z, not ended (1 command)",
    ]


@pytest.mark.parametrize(
    ("trigger", "key", "reason", "said"),
    [
        ("manual", None, None, "(manual)"),
        ("timer", None, "nightly", "(timer, reason: nightly)"),
        ("nagios", "4711", None, "(nagios, key 4711)"),
        ("alertmanager", "a1b2", "age", "(alertmanager, key a1b2, reason: age)"),
    ],
)
def test_a_story_says_who_asked_with_which_key_and_why(
    trigger: str, key: str | None, reason: str | None, said: str
) -> None:
    """The trigger always, key and reason where there are any."""
    head = story(tell(run_of(*PLAIN), AT)._replace(trigger=trigger, key=key, reason=reason))[0]
    assert head.endswith(f"by ann {said}")


@pytest.mark.parametrize(
    ("at", "text"), [(None, None), (0.0004, "1970-01-01T00:00:00.000Z"), (AT + 0.9996, "2025-11-22T05:00:01.000Z")]
)
def test_moments_are_rounded_not_cut(at: float | None, text: str | None) -> None:
    """RFC 3339 with milliseconds; not known stays not known."""
    assert moment(at) == text


def test_the_schema_knows_no_other_keys() -> None:
    """A key that the contract does not name fails."""
    document = chronicle([(tell(run_of(*PLAIN), AT), PARIS)], [REFUSAL])
    for place in (document, document["runs"][0], document["runs"][0]["steps"][0], document["refusals"][0]):
        place["surprise"] = 1
        assert not SCHEMA.is_valid(document)
        del place["surprise"]
    assert SCHEMA.is_valid(document)


def test_runs_and_refusals_are_told_in_the_order_of_time() -> None:
    """A refusal between two runs stands between them; one without a time comes first."""
    early, late = tell(run_of(*PLAIN), AT), tell(run_of(*PLAIN), AT)._replace(id="late", started_at=AT + 200)
    refused = [{**REFUSAL, "at": AT + 100}, {**REFUSAL, "at": None}]
    heads = [line for line in narrate([late, early], refused) if not line.startswith(" ")]
    words = ("refused" if "refused" in line else line.split("run ")[1][:4] for line in heads)
    assert list(words) == ["refused", "abcd", "refused", "late"]
    assert heads[0].startswith("None")


def test_a_story_says_who_took_a_run_up_and_when() -> None:
    """Every recovery is a line of its own."""
    left = (*PLAIN[:2], (3.0, Left(6, "old", "LV1 is detached")), (60.0, Recovering("resumed by bob")))
    assert "  2025-11-22T05:01:00.000Z  resumed by bob" in story(tell(run_of(*left), AT + 61))


def test_no_text_of_a_journal_moves_the_cursor_or_begins_a_line() -> None:
    """Reasons, users, words of the array: one printable line each; the document keeps them as they are."""
    nasty = "night\n2025-11-22T05:00:00.000Z  erp/sync#1  run forged\x1b[2J"
    tale = tell(run_of(*PLAIN), AT)._replace(reason=nasty, user="a\rb", text="\x9b0m")
    lines = story(tale)
    assert len(lines) == len(story(tell(run_of(*PLAIN), AT)))
    assert all(line.isprintable() for line in lines)
    assert refusal_story({**REFUSAL, "text": nasty, "user": "\x1b"}).isprintable()
    assert chronicle([(tale, PARIS)], [])["runs"][0]["reason"] == nasty


def test_a_long_reason_is_cut_for_people_only() -> None:
    """A page of text does not hide the run that it belongs to."""
    tale = tell(run_of(*PLAIN), AT)._replace(reason="why " * 500)
    assert len(story(tale)[0]) < 350
    assert "(1999 characters)" in story(tale)[0]
    assert chronicle([(tale, PARIS)], [])["runs"][0]["reason"] == "why " * 500


def test_a_dry_run_is_a_run_without_times() -> None:
    """By the same schema: a hash, planned steps, and nothing that would look like something that happened."""
    argvs = (("iSMsc_unlink", "-lv", "LV1"), ("iSMsc_link", "-lv", "LV1"))
    run = rehearsed(ResourceId("erp/sync#1"), "ann", None, "0123456789abcdef", argvs)
    document = {"schema": 1, "runs": [run], "refusals": []}
    SCHEMA.validate(document)
    assert [step["argv"] for step in run["steps"]] == [list(argv) for argv in argvs]
    assert {step["outcome"] for step in run["steps"]} == {"planned"}
    for key, value in (("id", "abcd1234"), ("started_at", "2025-11-22T05:00:00.000Z"), ("exit", 0)):
        assert not SCHEMA.is_valid({**document, "runs": [{**run, key: value}]})


def test_a_run_that_began_nothing_is_not_told_as_open() -> None:
    """Its process died before the first step: `resume` would find nothing to do once another run has ended."""
    told = "\n".join(story(tell(run_of(), AT + 600)))
    assert "THE RUN IS OPEN" not in told
    assert "it has changed nothing" in told
    assert "THE RUN IS OPEN" in "\n".join(story(tell(run_of((1.0, Began(UNLINK))), AT + 600)))


def test_a_step_without_a_command_has_a_name() -> None:
    """The gate that only looks at this host's devices: what was done stands in its line."""
    gate = Hook("in_use")
    file = run_of((1.0, Began(gate)), (3.0, NotDone(gate, "mounted")))
    told = story(tell(file._replace(lines=tuple(line._replace(argv=()) for line in file.lines)), AT + 600))
    assert "       2.0 s  not-done  in_use" in told


def test_a_clock_that_is_put_back_during_a_run_makes_no_time_negative() -> None:
    """50 minutes back during the create: the LV was away for 1 s before it and 2 s after."""
    run = run_of(
        (1.0, Began(UNLINK)), (10.0, Done(UNLINK)), (11.0, Began(CREATE)), (-3000.0, Done(CREATE, NEW)),
        (-2999.0, Began(LINK)), (-2998.0, Done(LINK)), (-2990.0, Closed(0, "new", "done and verified")),
    )  # fmt: skip
    tale = tell(run, AT)
    assert tale.detached_seconds == {LV: 3.0}
    SCHEMA.validate(chronicle([(tale, PARIS)], []))
    assert not [line for line in story(tale) if " -" in line]
