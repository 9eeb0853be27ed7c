"""Hooks and the gate on a simulated array: their order, what they are told, and that nothing owed is forgotten."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from necism_monitor.app.desk import Report
from necism_monitor.app.look import look
from necism_monitor.domain.names import LdName
from necism_monitor.domain.use import Use, UseState
from tests.resync.rig import BV1, LV1, LV2, SV1, SV2, Rig, linked_again
from tests.resync.test_orders import TURNS, scenario, words

WAITING = "the hook has begun"


class Scripts:
    """Hooks of one rig: each notes its name, its environment and how many CHANGE commands it found sent."""

    def __init__(self, rig: Rig, directory: Path) -> None:
        self._rig, self._directory = rig, directory
        self.notes = directory / "notes"
        self.notes.touch()

    def hook(self, name: str, more: str = "", *, code: int = 0) -> str:
        """The path of a script that ends with `code`; `more` are lines of shell before that."""
        path = self._directory / name
        calls = self._rig.directory / "calls.jsonl"
        lines = [
            "#!/bin/sh",
            f'sent=$(grep -c -e iSMsc_unlink -e iSMsc_create -e iSMsc_link\\" {calls})',
            f'echo "{name} after $sent of $NECISM_SERVICE/$NECISM_RESOURCE $NECISM_TRIGGER" >> {self.notes}',
            f'echo "$NECISM_RUN_ID;$NECISM_LVS;$NECISM_SVS" > {self._directory}/{name}.env',
            f"echo words of {name}",
            more,
            f"exit {code}",
        ]
        path.write_text("\n".join(lines) + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def told(self) -> list[str]:
        """`pre after 0`: each hook that ran, and after how many CHANGE commands."""
        return [" ".join(line.split()[:3]) for line in self.notes.read_text().splitlines()]


@pytest.fixture(name="scripts")
def scripts_fixture(rig: Rig, tmp_path: Path) -> Scripts:
    return Scripts(rig, tmp_path)


class Devices:
    """A host that uses LVs as a test says."""

    def __init__(self, uses: Mapping[str, Use] | None = None, unflushed: tuple[str, ...] = ()) -> None:
        self._uses, self._unflushed = uses or {}, unflushed
        self.flushed: list[str] = []
        self.names: dict[str, str] = {}

    def uses(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, Use]:
        free = Use(UseState.FREE, "free")
        return {lv: self._uses.get(lv, free) for lv in files}

    def flush(self, files: Mapping[LdName, str | None]) -> tuple[str, ...]:
        self.flushed += files
        return self._unflushed if files else ()

    def wwns(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, str]:
        return {lv: self.names[lv] for lv in files if lv in self.names}


def code_of(report: Report) -> str | None:
    """The code of a refusal."""
    return report.refusal.code if report.refusal else None


USED = Use(UseState.IN_USE, "/dev/sdq is mounted on /oracle")
UNSEEN = Use(UseState.UNKNOWN, "/dev/sdq is not visible on this host")


def test_the_consumer_is_stopped_before_the_first_unlink_and_started_after_the_verification(
    rig: Rig, scripts: Scripts
) -> None:
    """pre_resync, in_use_check, six CHANGE commands, post_resync; each is told the run and its volumes."""
    rig.service(
        f"pre_resync = {scripts.hook('pre')} one 'two words'",
        f"in_use_check = {scripts.hook('check')}",
        f"post_resync = {scripts.hook('post')}",
    )
    assert rig.resync().exit == 0
    assert scripts.told() == ["pre after 0", "check after 0", "post after 6"]
    assert all(line.endswith("of iiststnec02/sync#1 manual") for line in scripts.notes.read_text().splitlines())
    run = rig.files()[-1].header.id
    for name in ("pre", "check", "post"):
        assert (scripts.notes.parent / f"{name}.env").read_text() == f"{run};{LV1} {LV2};{SV1} {SV2}\n"
    steps = [step.argv[0] for step in rig.tale().steps if not step.argv[0].startswith("iSM")]
    assert [Path(step).name for step in steps] == ["pre", "check", "post"]


def test_of_pairs_that_take_turns_nobody_is_stopped_before_the_creates_are_done(
    tmp_path: Path, make_rig: Callable[..., Rig]
) -> None:
    """Three creates, then pre_resync and the gate, then the switches, then post_resync."""
    rig = make_rig(scenario(tmp_path, TURNS))
    scripts = Scripts(rig, tmp_path)
    rig.service(
        f"pre_resync = {scripts.hook('pre')}",
        f"in_use_check = {scripts.hook('check')}",
        f"post_resync = {scripts.hook('post')}",
    )
    assert rig.resync().exit == 0
    assert scripts.told() == ["pre after 3", "check after 3", "post after 9"]
    assert set(rig.shows().values()) == {"SV_A2", "SV_B2", "SV_C2"}


@pytest.mark.parametrize("failing", ["pre", "check"])
def test_of_pairs_that_take_turns_a_no_after_the_creates_keeps_the_old_images_in_view(
    tmp_path: Path, make_rig: Callable[..., Rig], failing: str
) -> None:
    """No LV is touched, post_resync runs, exit 5, and the run is closed."""
    rig = make_rig(scenario(tmp_path, TURNS))
    scripts, before = Scripts(rig, tmp_path), rig.shows()
    rig.service(
        f"pre_resync = {scripts.hook('pre', code=int(failing == 'pre'))}",
        f"in_use_check = {scripts.hook('check', code=int(failing == 'check'))}",
        f"post_resync = {scripts.hook('post')}",
    )
    report = rig.resync()
    assert (report.exit, rig.shows(), len(words(rig))) == (5, before, 3)
    assert scripts.told()[-1] == "post after 3"
    assert rig.look().run is None


def test_a_pre_resync_that_fails_refuses_the_run_and_starts_the_consumer_again(rig: Rig, scripts: Scripts) -> None:
    """Exit 3, no CHANGE, post_resync ran, nothing is unfinished, and the refusal is noted."""
    rig.service(
        f"pre_resync = {scripts.hook('pre', 'echo still busy >&2', code=9)}", f"post_resync = {scripts.hook('post')}"
    )
    report = rig.resync()
    assert (report.exit, code_of(report)) == (3, "pre-resync-failed")
    assert "ended with exit code 9: still busy" in report.text
    assert (rig.changes(), scripts.told()) == ([], ["pre after 0", "post after 0"])
    assert rig.look().run is None
    assert [one["code"] for one in rig.refusals()] == ["pre-resync-failed"]
    assert rig.tale().exit == 3


def test_an_lv_that_is_still_used_after_pre_resync_refuses_the_run(rig: Rig, scripts: Scripts) -> None:
    """`in-use` names the LV and the evidence; post_resync ran; without a post_resync too nothing stays open."""
    rig.service(f"pre_resync = {scripts.hook('pre')}", f"post_resync = {scripts.hook('post')}")
    report = rig.resync(rig.desk(devices=Devices({LV1: USED})))
    assert (report.exit, code_of(report)) == (3, "in-use")
    assert f"{LV1}: /dev/sdq is mounted on /oracle" in report.text
    assert (rig.changes(), scripts.told()) == ([], ["pre after 0", "post after 0"])
    assert rig.look().run is None


def test_an_lv_in_use_without_hooks_is_refused_without_a_run(rig: Rig) -> None:
    """Nothing but the refusal is written; `--force` bypasses `too-soon`, never this."""
    report = rig.resync(rig.desk(devices=Devices({LV2: USED})), force=True)
    assert (report.exit, code_of(report)) == (3, "in-use")
    assert (rig.changes(), rig.files(), len(rig.refusals())) == ([], [], 1)
    report = rig.resync(rig.desk(devices=Devices({LV2: USED})), force=True, dry_run=True)
    assert (report.exit, code_of(report)) == (3, "in-use")


def test_what_this_host_cannot_see_holds_callers_that_are_no_persons(rig: Rig) -> None:
    """A person is warned; `consumers = none` or an in_use_check answers for what nobody sees."""
    rig.service("automatic = timer")
    blind = Devices({LV1: UNSEEN, LV2: UNSEEN})
    report = rig.resync(rig.desk(devices=blind), trigger="timer", force=True)
    assert (code_of(report), rig.changes()) == ("in-use", [])
    assert "neither in_use_check nor `consumers = none`" in report.text
    assert rig.resync(rig.desk(devices=blind), force=True).exit == 0
    rig.service("consumers = none", "cooldown = 0s")
    assert rig.resync(rig.desk(devices=blind), trigger="timer", force=True).exit == 0


@pytest.mark.parametrize(("code", "exit_code"), [(0, 0), (1, 3), (127, 3)])
def test_an_in_use_check_answers_for_lvs_that_are_shown_to_other_hosts(
    rig: Rig, scripts: Scripts, code: int, exit_code: int
) -> None:
    """Only exit 0 says that they are free."""
    rig.service("automatic = timer", f"in_use_check = {scripts.hook('check', code=code)}")
    blind = Devices({LV1: UNSEEN, LV2: UNSEEN})
    assert rig.resync(rig.desk(devices=blind), trigger="timer", force=True).exit == exit_code
    assert bool(rig.changes()) == (exit_code == 0)


def test_an_in_use_check_that_cannot_be_started_is_no_yes(rig: Rig) -> None:
    """Could not ask is never read as free."""
    rig.service("in_use_check = /nonexistent/check")
    report = rig.resync()
    assert (report.exit, code_of(report), rig.changes()) == (3, "in-use", [])


def test_buffers_of_this_host_are_flushed_before_the_unlink(rig: Rig) -> None:
    """Also where nobody knows who uses the LV: what is written back later would land on another image."""
    rig.service("consumers = none")
    devices = Devices({LV2: UNSEEN})
    sent: list[int] = []
    rig.before = lambda _argv: sent.append(len(devices.flushed))
    assert rig.resync(rig.desk(devices=devices)).exit == 0
    assert (devices.flushed, sent[0]) == ([LV1, LV2], 2)
    broken = Devices(unflushed=("/dev/sdq: buffers not flushed, I/O error",))
    report = rig.resync(rig.desk(devices=broken), force=True)
    assert (report.exit, code_of(report)) == (3, "in-use")


def test_buffers_of_an_lv_whose_use_is_not_known_are_flushed_if_they_can_be(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever answers for its use is told that they could not be, and decided that it does not matter."""
    rig.service("consumers = none")
    blind = Devices({LV1: UNSEEN, LV2: UNSEEN}, unflushed=("/dev/sdq: buffers not flushed, no rights",))
    assert rig.resync(rig.desk(devices=blind)).exit == 0
    assert "buffers not flushed, no rights" in caplog.text


def test_a_post_resync_that_fails_leaves_the_run_open_until_resume_has_run_it(rig: Rig, scripts: Scripts) -> None:
    """Exit 5 with new images; a second failure is 5 again; then 0, and the story is over."""
    rig.service(f"post_resync = {scripts.hook('post', code=4)}")
    report = rig.resync()
    assert (report.exit, "post_resync" in report.text, linked_again(rig)) == (5, True, True)
    assert [one.code for one in rig.look().findings] == ["unfinished"]
    again = rig.resync(force=True)
    assert code_of(again) == "unfinished"
    assert rig.resume().exit == 5
    scripts.hook("post")
    assert rig.resume().exit == 0
    assert scripts.told() == ["post after 6"] * 3
    assert (rig.look().run, rig.tale().images) == (None, "new")


def test_mixed_images_are_given_to_nobody_before_resume_says_so(rig: Rig, scripts: Scripts) -> None:
    """A create that fails after another succeeded: post_resync is owed, exit 5, open; resume runs it and closes."""
    rig.service(f"pre_resync = {scripts.hook('pre')}", f"post_resync = {scripts.hook('post')}")
    rig.fault("fail_before", "iSMsc_create", match=[SV2])
    report = rig.resync()
    assert (report.exit, rig.tale().images, scripts.told()) == (5, "mixed", ["pre after 0"])
    assert "post_resync is owed" in report.text
    assert [one.code for one in rig.look().findings if one.code == "unfinished"] == ["unfinished"]
    assert rig.resume().exit == 0
    assert scripts.told()[1:] == ["post after 6"]
    assert rig.look().run is None


def test_a_run_that_turned_back_to_the_old_images_starts_the_consumer(rig: Rig, scripts: Scripts) -> None:
    """The first create fails, every LV shows what it showed: post_resync runs and the run is closed with 5."""
    rig.service(f"pre_resync = {scripts.hook('pre')}", f"post_resync = {scripts.hook('post')}")
    rig.fault("fail_before", "iSMsc_create")
    assert rig.resync().exit == 5
    assert [one.split()[0] for one in scripts.told()] == ["pre", "post"]
    assert (rig.look().run, linked_again(rig)) == (None, True)


def test_an_lv_that_stays_away_keeps_the_consumer_waiting(rig: Rig, scripts: Scripts) -> None:
    """Exit 6 and open: what post_resync would start finds no volume; resume says the same, and does not run it."""
    rig.service(f"post_resync = {scripts.hook('post')}")
    rig.fault("fail_before", "iSMsc_link", match=[LV1], occurrence="all")
    assert rig.resync().exit == 6
    assert rig.resume().exit == 6
    assert scripts.told() == []


def test_no_hook_runs_where_nothing_is_done(rig: Rig, scripts: Scripts) -> None:
    """On a dry run, on a skip and on a refusal before it; a dry run prints the commands of the hooks in their place."""
    rig.service(f"pre_resync = {scripts.hook('pre')}", f"post_resync = {scripts.hook('post')} now")
    report = rig.resync(dry_run=True)
    assert [Path(argv[0]).name for argv in report.argvs] == [
        "pre", *["iSMsc_unlink"] * 2, *["iSMsc_create"] * 2, *["iSMsc_link"] * 2, "post"
    ]  # fmt: skip
    assert report.argvs[-1][1:] == ("now",)
    rig.edit("bvs", BV1, state="fault")
    assert rig.resync(force=True).exit == 3
    assert scripts.told() == []


def test_the_hash_of_a_plan_covers_its_hooks(rig: Rig, scripts: Scripts) -> None:
    """Another pre_resync is another plan."""
    plain = rig.resync(dry_run=True).hash
    rig.service(f"pre_resync = {scripts.hook('pre')}")
    assert rig.resync(dry_run=True).hash != plain
    report = rig.resync(plan=plain)
    assert (code_of(report), scripts.told()) == ("plan-changed", [])


def test_a_hook_past_its_deadline_is_killed_with_what_it_started(rig: Rig, scripts: Scripts) -> None:
    """The refusal says how long it was waited for."""
    pid = scripts.notes.parent / "pid"
    rig.service(f"pre_resync = {scripts.hook('pre', f'sleep 600 & echo $! > {pid}; wait')}", "pre_resync_timeout = 1s")
    report = rig.resync()
    assert code_of(report) == "pre-resync-failed"
    assert "did not end within 1 s and was killed" in report.text
    assert not alive(int(pid.read_text()))


def test_a_service_that_a_hook_starts_lives_on(rig: Rig, scripts: Scripts) -> None:
    """It keeps the hook's streams open, as daemons do, and neither holds up the run nor dies with it."""
    pid = scripts.notes.parent / "pid"
    rig.service(f"post_resync = {scripts.hook('post', f'sleep 60 & echo $! > {pid}')}")
    begun = time.monotonic()
    assert rig.resync().exit == 0
    assert time.monotonic() - begun < 50
    assert alive(int(pid.read_text()))
    os.kill(int(pid.read_text()), signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("dies_in", ["pre", "post"])
def test_after_a_death_in_a_hook_what_is_owed_is_done_by_resume(rig: Rig, scripts: Scripts, dies_in: str) -> None:
    """Killed inside pre_resync no CHANGE was begun, yet the consumer is down: the run is unfinished all the same."""
    flag = scripts.notes.parent / WAITING
    wait = {dies_in: f"echo $$ > '{flag}.new'; mv '{flag}.new' '{flag}'; exec sleep 600"}
    rig.service(
        f"pre_resync = {scripts.hook('pre', wait.get('pre', ''))}",
        f"post_resync = {scripts.hook('post', wait.get('post', ''))}",
    )
    argv = [sys.executable, "-m", "necism_monitor", "--config", str(rig.config_dir), "resync", "iiststnec02"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not flag.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    locked = rig.resume(rig.desk())
    assert (locked.exit, "a hook of an earlier run" in locked.text) == (7, True)
    os.kill(int(flag.read_text()), signal.SIGKILL)
    assert [one.code for one in rig.look().findings] == ["unfinished"]
    refused = rig.resync(force=True)
    assert code_of(refused) == "unfinished"
    assert "post_resync is owed" in refused.text
    scripts.hook("post")
    assert rig.resume().exit == 0
    assert scripts.told()[-1] == f"post after {6 if dies_in == 'post' else 0}"
    assert rig.look().run is None


def test_a_signal_during_pre_resync_lets_it_end_and_starts_the_consumer_again(rig: Rig, scripts: Scripts) -> None:
    """Nothing is detached, post_resync runs, and the run is closed."""
    rig.service(f"pre_resync = {scripts.hook('pre', 'sleep 1')}", f"post_resync = {scripts.hook('post')}")
    rig.stop.why = None

    def stop() -> str | None:
        return "SIGTERM" if scripts.told() else None

    report = rig.resync(rig.desk(stop=stop))
    assert (report.exit, rig.changes(), scripts.told()) == (5, [], ["pre after 0", "post after 0"])
    assert rig.look().run is None


def test_another_device_behind_an_lv_is_a_failure_and_stays_a_finding(rig: Rig) -> None:
    """Hosts go on with the device they knew: exit 5, and `device-changed` until a run begins with the new one."""
    rig.after = lambda argv: rig.edit("lvs", LV1, special_file="/dev/sdzz") if argv[0] == "iSMsc_link" else None
    before = rig.world()["lvs"][LV1]["special_file"]
    report = rig.resync()
    assert report.exit == 5
    assert f"{LV1}: its device changed: {before} before, /dev/sdzz now" in report.text
    assert [one.code for one in rig.look().all_findings] == ["device-changed"]
    assert rig.resync(force=True).exit == 0
    assert rig.look().all_findings == ()


def test_another_wwn_behind_the_same_special_file_is_a_failure(rig: Rig) -> None:
    """A name that now belongs to another disk is what only the WWN shows."""
    devices = Devices()
    devices.names = {LV1: "naa.6000"}
    rig.after = lambda argv: devices.names.update({LV1: "naa.6001"}) if argv[0] == "iSMsc_link" else None
    report = rig.resync(rig.desk(devices=devices))
    assert (report.exit, "naa.6000 before, naa.6001 now" in report.text) == (5, True)


def test_the_wwn_that_hosts_know_is_compared_at_every_look(rig: Rig) -> None:
    """The device changed during a run: a finding until a run begins with the new one."""
    devices = Devices()
    devices.names = {LV1: "naa.6000"}
    rig.after = lambda argv: devices.names.update({LV1: "naa.6001"}) if argv[0] == "iSMsc_link" else None
    assert rig.resync(rig.desk(devices=devices)).exit == 5
    sources = rig.sources()._replace(devices={rig.resource.array: devices})
    (rig.directory / "run" / "observation.json").unlink()
    assert [one.code for one in look(sources, (rig.resource,)).resources[0].all_findings] == ["device-changed"]
    rig.after = lambda _argv: None
    assert rig.resync(rig.desk(devices=devices), force=True).exit == 0
    (rig.directory / "run" / "observation.json").unlink()
    assert look(sources, (rig.resource,)).resources[0].all_findings == ()
