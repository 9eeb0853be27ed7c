"""Somebody takes away what a run stands on: its lock, its journal, its time; and what a person is told before it."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.adapters.lock import ArrayLock
from necism_monitor.cli.action import TURN_BACK, Stop
from necism_monitor.cli.main import main
from tests.resync.rig import LV1, LV2, SV1, SV2, Rig, linked_again
from tests.resync.test_guards import GENEROUS, hold

BOTH = {LV1: SV1, LV2: SV2}


def once(rig: Rig, verb: str, do: Callable[[], object]) -> None:
    """Do it just before the first command of that kind."""
    armed = iter([True])
    rig.before = lambda argv: do() if argv[0] == f"iSMsc_{verb}" and next(armed, False) else None  # type: ignore[assignment]  # called for its effect


def journal(rig: Rig) -> Path:
    (path,) = (rig.directory / "state" / "runs").rglob("*.jsonl")
    return path


def test_the_lock_lies_where_no_unit_takes_it_away(rig: Rig) -> None:
    """In state_dir: systemd removes run_dir, or makes it anew, with the unit that declares it."""
    assert rig.resync().exit == 0
    assert (rig.directory / "state" / "locks" / "default.lock").exists()
    assert not (rig.directory / "run" / "locks").exists()


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_lock_that_is_not_ours_any_more_turns_the_run_back(rig: Rig, replaced: bool) -> None:
    """Its file is removed, or somebody made another: no further unlink or create, what is detached is linked."""
    path = rig.directory / "state" / "locks" / "default.lock"

    def take_away() -> None:
        path.unlink()
        if replaced:
            path.touch()

    once(rig, "unlink", take_away)
    report = rig.resync()
    assert (report.exit, rig.shows()) == (5, BOTH)
    assert [line.split()[0] for line in rig.changes()] == ["iSMsc_unlink", "iSMsc_link"]
    assert "the lock of the array is not ours any more" in report.text


def test_a_held_lock_knows_whether_it_is_the_one_that_others_ask_for(tmp_path: Path) -> None:
    """Ours, then not: removed, replaced, its directory gone."""
    for take in (Path.unlink, lambda path: path.rename(path.parent / "old"), lambda path: shutil.rmtree(path.parent)):
        lock = ArrayLock(tmp_path / "locks", "default")
        held = lock.try_acquire()
        assert held.intact()  # type: ignore[union-attr]  # nobody else asks for it
        take(lock.path)
        assert not held.intact()  # type: ignore[union-attr]  # nobody else asks for it


LOSSES: dict[str, Callable[[Path], object]] = {
    "unlinked": lambda path: path.unlink(),
    "directory": lambda path: shutil.rmtree(path.parent),
    "all-journals": lambda path: shutil.rmtree(path.parents[2]),
    "moved": lambda path: path.rename(path.with_suffix(".old")),
    "truncated": lambda path: path.write_bytes(b""),
    "replaced": lambda path: (path.replace(path.with_suffix(".old")), path.write_bytes(b"")),
}


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("verb", ["unlink", "create", "link"])
def test_a_journal_that_vanishes_under_the_run_is_noticed(rig: Rig, loss: str, verb: str) -> None:
    """No more creates than were begun, every LV linked, exit 5, and said; resume has nothing to promise."""
    once(rig, verb, lambda: LOSSES[loss](journal(rig)))
    report = rig.resync()
    assert (report.exit, rig.shows()) == (5, BOTH)
    assert rig.sent("create") == {"unlink": 0, "create": 1, "link": 2}[verb]
    assert "is not as it was left" in report.text or "cannot be written" in report.text
    assert report.text.startswith("every LV is linked; images ")


def test_a_lost_journal_and_a_detached_lv_point_to_relink(rig: Rig) -> None:
    """There is nothing to resume: the result says which verb helps."""
    rig.necism("relink_timeout", "5s")
    rig.fault("fail_before", "iSMsc_link", match=[LV1], occurrence="all")
    once(rig, "link", lambda: LOSSES["unlinked"](journal(rig)))
    report = rig.resync()
    assert (report.exit, rig.shows()[LV1]) == (6, None)
    assert report.text.startswith(f"{LV1} is detached")
    assert "necism relink" in report.text
    assert "resume" not in report.text


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM"])
def test_a_signal_that_would_end_the_process_turns_the_run_back(rig: Rig, number: str) -> None:
    """Each of them is heard as a wish to stop, and heeded."""
    assert signal.Signals[number] in TURN_BACK
    stop = Stop()
    with stop.listening():
        once(rig, "create", lambda: signal.raise_signal(signal.Signals[number]))
        # Workers are threads; the handler runs in the main one, which waits for them.
        rig.stop = stop
        report = rig.resync()
    assert (report.exit, rig.shows(), rig.sent("create")) == (5, BOTH, 1)
    assert f"images mixed (new: {LV1}); turned back: {number}" in report.text


def told(rig: Rig, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, list[str]]:
    """Exit code, output, and what the resource's log warned of."""
    code = main(["--config", str(rig.config_dir), *words])
    out, err = capsys.readouterr()
    return code, out, [line for line in err.splitlines() if ".SYNC#1 - WARNING - " in line]


def test_a_person_is_told_once_that_nobody_knows_who_uses_the_lvs(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first unlink; a dry run says it as a comment; `consumers = none` declares that there is nobody."""
    code, out, warnings = told(rig, capsys, "resync", "iiststnec02", "--dry-run")
    assert (code, warnings, "# whether a host uses the LVs is not known" in out) == (0, [], True)
    code, _, warnings = told(rig, capsys, "resync", "iiststnec02")
    assert code == 0
    assert ["whether a host uses the LVs is not known" in line for line in warnings] == [True]
    rig.service("consumers = none")
    code, _, warnings = told(rig, capsys, "resync", "iiststnec02", "--force")
    assert (code, warnings) == (0, [])


def test_the_kill_switch_warns_a_person_and_holds_nobody(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """It is for automatic callers; whoever acts by hand is told its name."""
    rig.service("consumers = none")
    (rig.config_dir / "STOP").touch()
    _, out, _ = told(rig, capsys, "resync", "iiststnec02", "--dry-run")
    assert f"# the kill switch {rig.config_dir}/STOP is there" in out
    code, _, warnings = told(rig, capsys, "resync", "iiststnec02")
    assert (code, len(warnings), f"{rig.config_dir}/STOP" in warnings[0]) == (0, 1, True)


def test_a_dry_run_says_that_the_array_is_locked(rig: Rig) -> None:
    """7 as a real run would, without a trace; and it leaves the lock free for the next one."""
    with hold(rig, GENEROUS) as process:
        report = rig.resync(dry_run=True)
        process.kill()
    assert report.refusal is not None
    assert (report.exit, report.refusal.code, rig.calls(), rig.refusals(), rig.files()) == (7, "locked", [], [], [])
    assert rig.resync(dry_run=True).exit == 0
    assert rig.resync().exit == 0
    assert linked_again(rig)
