"""What a run refuses, before the first change: the code, the exit code, a hint, a note, and not one CHANGE command."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.simulator.defaults import link_volume, snapshot_volume
from necism_monitor.simulator.world import edit_world
from tests.resync.rig import BV1, BV2, LV1, LV2, SV1, SV2, FastClock, Rig

GENEROUS = 60


def add_sv(rig: Rig, name: str, **keys: object) -> None:
    """Another SV of the first base volume."""
    with edit_world(rig.directory) as world:
        world["svs"][name] = snapshot_volume(
            bv=BV1, ldn=700, generation=-2, created=world["svs"][SV1]["created"], **keys
        )


def add_lv(rig: Rig, name: str, bv: str, shows: str | None) -> None:
    """Another LV."""
    with edit_world(rig.directory) as world:
        world["options"]["several_lvs"] = True
        world["lvs"][name] = link_volume(bv=bv, ldn=800, shows=shows)


def take_over(rig: Rig) -> None:
    """LV1 is detached, and a foreign LV shows its SV."""
    rig.look()
    rig.edit("lvs", LV1, shows=None)
    add_lv(rig, "OTHER_LV", BV1, SV1)


def set_in_motion(rig: Rig) -> None:
    """A foreign SV of the base volume changes, for longer than is waited."""
    rig.necism("settle_timeout", "10s")
    add_sv(rig, "OTHER_SV", state="snap/deleting")


def show_another(rig: Rig) -> None:
    """LV1 shows an SV that is not its pair's."""
    add_sv(rig, "OTHER_SV")
    rig.edit("lvs", LV1, shows="OTHER_SV")


def detach_with_unknown_access(rig: Rig) -> None:
    """LV1 is detached, and no run has journalled its access."""
    rig.look()
    rig.edit("lvs", LV1, shows=None)


def see_another_array(rig: Rig) -> None:
    with edit_world(rig.directory) as world:
        world["also_visible"] = [
            {"name": "D1_11", "product_id": "D1-10", "resource_state": "ready", "monitoring": "running"}
        ]


def swap(rig: Rig) -> None:
    """The second pair's LV belongs to the first pair's base volume."""
    text = rig.services[0].read_text()
    rig.services[0].write_text(text.replace(f"{SV1}:{LV1}", f"{SV1}:{LV2}").replace(f"{SV2}:{LV2}", f"{SV2}:{LV1}"))


SITUATIONS: dict[str, tuple[str, Callable[[Rig], object]]] = {
    "another node": ("run-on", lambda rig: rig.service("run_on = elsewhere")),
    "disabled": ("disabled", lambda rig: rig.service("disable = true")),
    "tag noaction": ("disabled", lambda rig: rig.service("tags = noaction")),
    "two arrays": ("ambiguous-array", see_another_array),
    "a query that fails": ("state-unreadable", lambda rig: rig.fault("fail_before", "iSMsc_query", occurrence="all")),
    "garbage": ("state-unreadable", lambda rig: rig.fault("garbage", "iSMsc_query", match=[BV2], occurrence="all")),
    "a cut screen": (
        "state-unreadable",
        lambda rig: rig.fault("cut_output", "iSMsc_query", match=["-detail", BV2], bytes=300, occurrence="all"),
    ),
    "no volume list": (
        "state-unreadable",
        lambda rig: rig.fault("fail_before", "*", occurrence="all", id="iSM19907", text="no volume list."),
    ),
    "an unknown word": ("unexpected-state", lambda rig: rig.edit("svs", SV1, state="snap/odd")),
    "an unknown word of a foreign SV": ("unexpected-state", lambda rig: add_sv(rig, "OTHER_SV", state="snap/odd")),
    "a missing SV": ("not-found", lambda rig: rig.edit("svs", SV1, unlisted=True)),
    "an LV of another BV": ("wrong-bv", swap),
    "another SV shown": ("wrong-link", show_another),
    "another LV on the SV": ("sv-shown-elsewhere", take_over),
    "two LVs on the SV": ("state-unreadable", lambda rig: add_lv(rig, "OTHER_LV", BV1, SV1)),
    "a guard": ("sv-guarded", lambda rig: rig.edit("svs", SV2, guard="on")),
    "an unknown guard": ("unexpected-state", lambda rig: rig.edit("svs", SV2, guard="maybe")),
    "a BV in fault": ("bv-not-normal", lambda rig: rig.edit("bvs", BV2, state="fault")),
    "a restore": ("restoring", lambda rig: rig.edit("svs", SV2, state="rst/exec")),
    "a foreign SV in motion": ("changing", set_in_motion),
    "access not known": ("access-unknown", detach_with_unknown_access),
    "access that is never sent": ("access-unknown", lambda rig: rig.edit("lvs", LV1, access="nr")),
    "a young image": ("too-soon", lambda rig: rig.service("sync_min_delay = 1d")),
}


@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_a_refusal_changes_nothing_and_is_noted(rig: Rig, situation: str) -> None:
    """Its code and exit code, a hint, a line in refusals.jsonl, no run, and the array as it was."""
    code, arrange = SITUATIONS[situation]
    arrange(rig)
    before = rig.world()
    report = rig.resync()
    assert report.refusal is not None, report.text
    assert (report.refusal.code, report.exit) == (code, 4 if code == "too-soon" else 3), report.text
    assert report.refusal.hint
    assert report.text
    assert (rig.changes(), rig.files()) == ([], [])
    assert {**rig.world(), "faults": []} == {**before, "faults": []}
    (noted,) = rig.refusals()
    assert (noted["code"], noted["text"], noted["trigger"]) == (code, report.text, "manual")
    assert (noted["service"], noted["resource"]) == ("iiststnec02", "sync#1")


@pytest.mark.parametrize("situation", ["an unknown word", "another SV shown", "a guard", "a foreign SV in motion"])
def test_force_bypasses_nothing_but_the_minimum_delay(rig: Rig, situation: str) -> None:
    """The same refusals with --force."""
    code, arrange = SITUATIONS[situation]
    arrange(rig)
    report = rig.resync(force=True)
    assert report.refusal is not None
    assert (report.refusal.code, report.exit, rig.changes()) == (code, 3, [])


def test_a_dry_run_refuses_without_a_trace(rig: Rig) -> None:
    """It says what would be refused, and notes nothing."""
    rig.edit("svs", SV2, guard="on")
    assert rig.resync(dry_run=True).exit == 3
    assert rig.refusals() == []


@pytest.mark.parametrize("repair", ["detached", "empty", "faulty"])
def test_what_is_to_be_repaired_is_never_too_soon(rig: Rig, repair: str) -> None:
    """A detached LV, an SV without an image and a faulty one are refreshed however young the others are."""
    rig.service("sync_min_delay = 1d", "access = rw")
    rig.look()
    if repair == "detached":
        rig.edit("lvs", LV1, shows=None)
    else:
        rig.edit("svs", SV1, state={"empty": "-", "faulty": "snap/fault"}[repair], created=None)
        rig.edit("lvs", LV1, shows=None)
    assert rig.resync().exit == 0
    assert rig.shows() == {LV1: SV1, LV2: SV2}


def test_a_changing_sv_that_settles_is_waited_for(rig: Rig) -> None:
    """Nothing is detached while it changes; then the run goes on."""
    rig.edit("svs", SV2, state="snap/deleting")
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        assert rig.changes() == []
        if len(waited) == 3:
            rig.edit("svs", SV2, state="snap/active")

    rig.clock.sleep = sleep  # type: ignore[method-assign]  # the array settles while we wait
    assert rig.resync().exit == 0
    assert waited[:3] == [5.0, 5.0, 5.0]


def test_a_changing_sv_that_does_not_settle_is_refused_after_settle_timeout(rig: Rig) -> None:
    """A minute of waiting where a minute is allowed, and not one command that changes something."""
    rig.necism("settle_timeout", "1m")
    rig.edit("svs", SV2, state="snap/deleting")
    begun = rig.clock.now()
    report = rig.resync()
    assert report.refusal is not None
    assert (report.refusal.code, rig.changes()) == ("changing", [])
    assert 60 <= rig.clock.now() - begun < 600


def test_stopping_while_it_waits_changes_nothing(rig: Rig) -> None:
    """SIGTERM during the wait for a changing SV ends it."""
    rig.edit("svs", SV2, state="snap/deleting")
    rig.stop.why = "SIGTERM"
    assert rig.resync().exit == 3
    assert rig.changes() == []


def test_stopping_before_the_first_change_changes_nothing(rig: Rig) -> None:
    """A stop that comes before anything was sent leaves the array alone."""
    rig.stop.why = "SIGINT"
    assert rig.resync().exit != 0
    assert rig.changes() == []


HOLDER = """
import sys, time
from pathlib import Path
from necism_monitor.adapters.lock import ArrayLock
held = ArrayLock(Path(sys.argv[1]), "default", "of a test").try_acquire()
print(type(held).__name__, flush=True)
time.sleep(float(sys.argv[2]))
"""


def hold(rig: Rig, seconds: float) -> "subprocess.Popen[str]":
    """A living process that holds the array's lock."""
    argv = [sys.executable, "-c", HOLDER, str(rig.directory / "state" / "locks"), str(seconds)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "Held\n"
    return process


def test_an_array_locked_by_a_living_process_is_refused_with_7(rig: Rig) -> None:
    """The refusal names the process; nothing is read or changed."""
    with hold(rig, GENEROUS) as process:
        report = rig.resync()
        process.kill()
    assert report.refusal is not None
    assert (report.exit, report.refusal.code, rig.calls()) == (7, "locked", [])
    assert f"process {process.pid} " in report.text


def test_whoever_waits_gets_the_lock_when_it_is_free(rig: Rig) -> None:
    """--wait: the run begins when the other one ends."""
    rig.clock = FastClock(pause=1.0)
    with hold(rig, 0.5):
        assert rig.resync(wait=float(GENEROUS)).exit == 0


def test_waiting_for_the_lock_can_be_stopped(rig: Rig) -> None:
    """A signal ends the wait, with 7."""
    with hold(rig, GENEROUS) as process:
        rig.stop.why = "SIGINT"
        assert rig.resync(wait=3600.0).exit == 7
        process.kill()


def test_a_damaged_journal_is_refused_and_not_overwritten(rig: Rig) -> None:
    """`journal-unreadable` for resync and for resume, the file named and unchanged."""
    rig.resync()
    (path,) = (rig.directory / "state" / "runs").rglob("*.jsonl")
    damaged = path.read_bytes().replace(b'"lv"', b'"vl"', 1)
    path.write_bytes(damaged)
    for report in (rig.resync(force=True), rig.resume()):
        assert report.refusal is not None
        assert (report.exit, report.refusal.code) == (3, "journal-unreadable")
        assert path.name in report.text
    assert path.read_bytes() == damaged


def test_a_run_killed_in_the_middle_is_unfinished_until_resumed(rig: Rig, tmp_path: Path) -> None:
    """The journal without an end and with a dead owner: every resync is refused until resume has ended it."""
    rig.resync()
    (path,) = (rig.directory / "state" / "runs").rglob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    cut = next(number for number, line in enumerate(lines) if json.loads(line)["event"] == "done")
    # Of a process that is no more: the owner stands in the first line, whose checksum is made anew.
    from necism_monitor.adapters.journal_seal import seal  # noqa: PLC0415 - beside its one use

    head = json.loads(lines[0])
    head.pop("crc"), head.pop("v"), head.pop("n")
    head["owner"]["start_ticks"] += 1
    path.write_bytes(seal(0, head) + b"".join(lines[1 : cut + 1]))
    rig.edit("lvs", LV1, shows=None)
    report = rig.resync(force=True)
    assert report.refusal is not None
    assert (report.exit, report.refusal.code) == (3, "unfinished")
    assert LV1 in report.text
    assert (rig.resume().exit, rig.shows()) == (0, {LV1: SV1, LV2: SV2})
    assert rig.sent("create") == 2
    assert rig.resume().text.startswith("nothing to do: no run is open")
