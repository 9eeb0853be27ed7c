"""Everything that can go wrong with a command of a run: what the array then looks like, and what is said about it."""

import os
import signal
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from necism_monitor.render.chronicle import story
from tests.resync.rig import BV1, LV1, LV2, SV1, SV2, FastClock, Rig, check_calls, linked_again, nothing

# What a run ends with when the fault hits one command of the kind: unlink, create, link.
ONCE = {
    "fail_before": (5, 5, 0),  # a link is the rescue and is tried again
    "unknown_id": (5, 5, 0),
    "fail_after": (0, 0, 0),  # the reading finds the effect
    "busy": (0, 0, 0),
    "success_without_effect": (5, 5, 0),
    "cut_output": (0, 0, 0),
    "empty_output": (0, 0, 0),
    "garbage": (0, 0, 0),
    "foreign_encoding": (0, 0, 0),
    "kill": (5, 5, 0),
    "exit": (0, 0, 0),
    "stderr": (0, 0, 0),
    "async_create": (None, 0, None),
}
TWICE = {"fail_before", "fail_after", "success_without_effect", "async_create"}
NAMES = {"unlink": (LV1, LV2), "create": (SV1, SV2), "link": (LV1, LV2)}
CASES = [
    (kind, verb, number, code)
    for kind, codes in ONCE.items()
    for verb, code in zip(NAMES, codes, strict=True)
    for number in ((1, 2) if kind in TWICE else (1,))
    if code is not None
]


@pytest.mark.parametrize(("kind", "verb", "number", "code"), CASES)
def test_one_fault_at_any_command_is_survived(rig: Rig, kind: str, verb: str, number: int, code: int) -> None:
    """Every LV is linked again; exit 0 only with new images behind all of them; the journal tells the same."""
    start = rig.world()
    rig.fault(kind, f"iSMsc_{verb}", match=[NAMES[verb][number - 1]])
    report = rig.resync()
    assert (report.exit, rig.shows()) == (code, {LV1: SV1, LV2: SV2}), report.text
    after = rig.world()
    new = {sv for sv in (SV1, SV2) if after["svs"][sv]["created"] != start["svs"][sv]["created"]}
    assert (new == {SV1, SV2}) == (code == 0)
    if verb == "unlink" and code == 5:
        assert rig.sent("create") == (0 if kind != "success_without_effect" else number)
    if verb == "create" and code == 5:
        lied = kind == "success_without_effect"
        assert rig.sent("create") == (2 if lied else number)
        assert new == ({SV1} if number == 2 else {SV2} if lied else set())
    tale = rig.tale()
    assert (tale.exit, tale.open, tale.text) == (code, False, report.text)
    assert tale.images == ("new" if new == {SV1, SV2} else "mixed" if new else "old")
    assert rig.look().status.value == ("up" if tale.images != "mixed" else "warn")
    if kind != "success_without_effect" or verb != "unlink":
        check_calls(start, rig.calls())


def test_a_killed_client_after_the_effect_is_found_out_by_reading(rig: Rig) -> None:
    """The process died with its answer; the array did what it was asked."""
    rig.fault("kill", "iSMsc_create", when="after")
    assert rig.resync().exit == 0


def test_a_busy_array_is_asked_60_times_five_seconds_apart(rig: Rig) -> None:
    """Then the run turns back; nothing was changed, and no reading was needed in between."""
    rig.fault("busy", "iSMsc_unlink", match=[LV1], occurrence="all")
    report = rig.resync()
    assert (report.exit, rig.sent("unlink", LV1), rig.sent("create")) == (5, 60, 0)
    steps = [step for step in rig.tale().steps if LV1 in step.argv]
    begun = [step.started_at for step in steps if step.argv[0] == "iSMsc_unlink"]
    assert min(late - early for early, late in pairwise(begun)) >= 5
    assert linked_again(rig)


def test_a_link_that_always_fails_names_its_lv_and_lets_the_others_pass(rig: Rig) -> None:
    """Exit 6 after relink_timeout, the run stays open and names the LV; the other was linked at once; then resume."""
    rig.fault("fail_before", "iSMsc_link", match=[LV1], occurrence="all")
    report = rig.resync()
    assert report.exit == 6
    assert LV1 in report.text
    assert "necism resume" in report.text
    assert rig.shows() == {LV1: None, LV2: SV2}
    links = [line for line in rig.changes() if line.startswith("iSMsc_link ")]
    assert [LV1 in line for line in links[:2]] == [True, False]
    tale = rig.tale()
    assert tale.open
    assert rig.away(LV1) >= 900 > rig.away(LV2)
    assert {"unfinished", "detached"} <= {one.code for one in rig.look().all_findings}
    refused = rig.resync(force=True)
    assert refused.refusal is not None
    assert (refused.exit, refused.refusal.code, LV1 in refused.text) == (3, "unfinished", True)
    with_faults_gone(rig)
    assert (rig.resume().exit, rig.shows()[LV1], rig.tale().open) == (0, SV1, False)


def with_faults_gone(rig: Rig) -> None:
    """The array works again."""
    from necism_monitor.simulator.faults import clear_faults  # noqa: PLC0415 - beside its one use

    clear_faults(rig.directory)


def test_a_create_that_loses_the_image_names_the_lv_as_impossible(rig: Rig) -> None:
    """SV1 ends faulty: LV1 cannot be linked to anything and is named with the SV; LV2 gets its old image back."""
    rig.fault("fail_before", "iSMsc_create", match=[SV1])
    rig.before = lambda argv: rig.edit("svs", SV1, state="snap/fault", created=None) if "iSMsc_create" in argv else None
    report = rig.resync()
    assert (report.exit, rig.shows(), rig.sent("create")) == (6, {LV1: None, LV2: SV2}, 1)
    assert f"{LV1} is detached: {SV1} holds no usable image" in report.text
    assert not rig.tale().open
    rig.before = nothing
    assert rig.resync().exit == 0, "a faulty SV on a normal BV may be created: that is the repair"
    assert linked_again(rig)


def test_a_screen_cut_anywhere_is_never_taken_for_the_truth(rig: Rig) -> None:
    """The verification reading cut at every line: read again, then done; a cut answer of a create likewise."""
    rig.look()
    screen = 900
    for size in range(0, screen, 90):
        rig.fault("cut_output", "iSMsc_query", match=[BV1], bytes=size, occurrence=2)
        assert rig.resync(force=True).exit == 0, size
        with_faults_gone(rig)


@pytest.mark.parametrize("size", range(0, 240, 30))
def test_an_answer_of_a_create_cut_anywhere_leads_to_a_reading(rig: Rig, size: int) -> None:
    """Whatever is left of its words, the image is believed only as a whole answer or as a fact."""
    rig.fault("cut_output", "iSMsc_create", bytes=size)
    start = rig.world()
    assert rig.resync().exit == 0
    check_calls(start, rig.calls())


def test_a_verification_that_never_succeeds_leaves_the_run_open(rig: Rig) -> None:
    """Exit 6: not provable; the LVs are linked, and resume proves it once the array can be read."""
    rig.look()
    rig.necism("relink_timeout", "60s")
    armed = iter([True])
    rig.after = lambda argv: (
        rig.fault("fail_before", "iSMsc_query", occurrence="all")
        if argv[0] == "iSMsc_link" and LV2 in argv and next(armed, False)
        else None
    )
    report = rig.resync()
    assert report.exit == 6
    assert LV1 in report.text
    assert "could not be read" in report.text
    assert rig.tale().open
    with_faults_gone(rig)
    assert (rig.resume().exit, rig.tale().open, rig.tale().images) == (0, False, "new")


def test_an_asynchronous_create_that_never_settles_is_given_up(rig: Rig) -> None:
    """After settle_timeout the SV counts as lost: exit 6, its LV named, the other one linked."""
    rig.fault("async_create", "iSMsc_create", match=[SV1], seconds=3600)
    report = rig.resync()
    assert (report.exit, rig.shows()) == (6, {LV1: None, LV2: SV2})
    assert LV1 in report.text
    assert rig.away(LV1) >= 1200


@pytest.fixture(name="patient")
def patient_fixture(rig: Rig) -> Iterator[Rig]:
    """A rig whose commands are abandoned after a second, and whose waiting leaves them time; ends what is left."""
    rig.necism("change_timeout", "1s", "array default")
    rig.clock = FastClock(pause=0.01)
    yield rig
    for call in rig.calls():
        if call["ended"] is None and call["effect_class"] != "READ":
            os.kill(call["pid"], signal.SIGKILL)


@pytest.mark.parametrize("verb", list(NAMES))
@pytest.mark.parametrize("kind", ["hang_before", "hang_after"])
def test_an_abandoned_command_is_waited_for_and_never_signalled(patient: Rig, kind: str, verb: str) -> None:
    """It ends by itself, is then believed or read, and every LV is linked; the run turned back, so exit 5."""
    start = patient.world()
    patient.fault(kind, f"iSMsc_{verb}", match=[NAMES[verb][0]], seconds=2.0)
    report = patient.resync()
    assert (report.exit, patient.shows()) == (5, {LV1: SV1, LV2: SV2}), report.text
    hit = next(call for call in patient.calls() if call["argv"][0] == f"iSMsc_{verb}")
    assert (hit["exit"], hit["applied"] is not None) == (0, True)
    assert "no answer within 1 s" in report.text
    assert not patient.tale().open
    check_calls(start, patient.calls())


def test_a_command_that_never_ends_closes_its_base_volume_only(patient: Rig) -> None:
    """The other LV is linked at once; exit 6, the run stays open, the command lives; locked until it ends."""
    patient.necism("relink_timeout", "3s")
    patient.fault("hang_before", "iSMsc_create", match=[SV1])
    report = patient.resync()
    assert (report.exit, patient.shows()) == (6, {LV1: None, LV2: SV2})
    assert LV1 in report.text
    assert patient.tale().open
    hit = next(call for call in patient.calls() if call["argv"][0] == "iSMsc_create")
    os.kill(hit["pid"], 0)
    refused = patient.resync(force=True)
    assert refused.refusal is not None
    assert (refused.exit, refused.refusal.code) == (3, "unfinished")
    waiting = patient.resume()
    assert waiting.refusal is not None
    assert (waiting.exit, waiting.refusal.code) == (7, "locked")
    os.kill(hit["pid"], signal.SIGKILL)
    while patient.resume().exit == 7:
        pass
    assert patient.shows() == {LV1: SV1, LV2: SV2}
    assert patient.sent("create") == 1


def test_a_late_effect_after_an_error_never_makes_exit_0(patient: Rig) -> None:
    """The array says no and does it later: whatever is linked then, the run is not called done."""
    patient.fault("late_effect", "iSMsc_create", match=[SV1], seconds=0.4)
    assert patient.resync().exit == 5


def test_success_without_effect_of_every_unlink_never_makes_exit_0(rig: Rig) -> None:
    """The array claims to have detached LVs that it still shows."""
    rig.fault("success_without_effect", "iSMsc_unlink", occurrence="all")
    report = rig.resync()
    assert (report.exit, rig.shows()) == (5, {LV1: SV1, LV2: SV2})


def test_history_reads_like_a_story(rig: Rig) -> None:
    """Who, why, how it ended, every step with its time, and how long each LV was away."""
    rig.fault("fail_before", "iSMsc_create", match=[SV2])
    rig.resync(reason="monthly close")
    lines = story(rig.tale())
    assert "reason: monthly close" in lines[0]
    assert lines[1].startswith("  exit 5, images mixed: ")
    assert any("unclear   iSMsc_create -bv SOURCE_0002" in line for line in lines)
    assert any(line.startswith(f"  {LV2} was detached for ") for line in lines)


def test_an_array_that_refreshes_under_a_link_is_never_asked_to(make_rig: Callable[..., Rig]) -> None:
    """Where a create of a shown SV would work, it is still not sent."""
    rig = make_rig()
    from necism_monitor.simulator.world import edit_world  # noqa: PLC0415 - beside its one use

    with edit_world(rig.directory) as world:
        world["options"]["create_under_link"] = "refresh"
    start = rig.world()
    assert rig.resync().exit == 0
    check_calls(start, rig.calls())
