"""A post_resync that is owed: nothing that ends a run, or fails in it, may make people forget it."""

import pytest

from necism_monitor.adapters.journal import Journal
from tests.resync.rig import Rig
from tests.resync.test_disk import PREPARATION, Failing, failing
from tests.resync.test_hooks import code_of
from tests.resync.test_recovery import dead


def die_in_pre(rig: Rig) -> None:
    """Leave a run whose journal ends in pre_resync; the array was not touched."""
    rig.service("pre_resync = /bin/true", "post_resync = /bin/true")
    desk, sent = rig.desk(), len(rig.changes())
    rig.resync(failing(desk, Failing(desk.book, PREPARATION + 1)), force=True)
    assert len(rig.changes()) == sent


@pytest.mark.parametrize("lines", range(PREPARATION + 1, PREPARATION + 8))
def test_a_refusal_is_none_where_what_is_on_disk_owes_a_post_resync(rig: Rig, lines: int) -> None:
    """A full disk from any line on, pre_resync or the gate having said no: 3 only if nothing is left to be done."""
    rig.service("pre_resync = /bin/false" if lines % 2 else "pre_resync = /bin/true", "post_resync = /bin/true")
    rig.service("in_use_check = /bin/false")
    desk = rig.desk()
    report = rig.resync(failing(desk, Failing(desk.book, lines)))
    later = Journal(rig.directory / "state", is_alive=lambda _owner: False)
    left = later.history(rig.resource)
    is_open = left.open_run is not None  # type: ignore[union-attr]  # it can be read
    assert (report.exit, rig.changes()) == (5 if is_open else 3, [])
    assert ("stays open" in report.text) == is_open


def test_whoever_abandons_a_run_is_told_that_post_resync_was_owed(rig: Rig) -> None:
    """Nobody starts any more whom pre_resync stopped, and no face shows it from then on."""
    die_in_pre(rig)
    assert "post_resync was owed and was not run" in rig.abandon("it cannot be mended", dead(rig)).text
    assert rig.look().run is None


def test_a_relink_beside_a_damaged_journal_does_not_hide_what_is_owed(rig: Rig) -> None:
    """A run that died in pre_resync began no CHANGE, and is unfinished all the same."""
    assert rig.resync().exit == 0
    die_in_pre(rig)
    oldest = min((rig.directory / "state" / "runs").rglob("*.jsonl"))
    oldest.write_bytes(oldest.read_bytes().replace(b'"began"', b'"bogus"', 1))
    report = rig.relink(dead(rig))
    assert (report.exit, code_of(report)) == (3, "unfinished")


def test_a_signal_during_the_gate_before_a_run_leaves_no_run(rig: Rig) -> None:
    """Nothing was begun yet, so there is nothing to turn back: 3, and no journal that tells of a failure."""
    flag = rig.directory / "asked"
    rig.service(f"in_use_check = /bin/touch {flag}", "post_resync = /bin/false")
    report = rig.resync(rig.desk(stop=lambda: "SIGTERM" if flag.exists() else None))
    assert (report.exit, rig.files(), rig.changes()) == (3, [], [])
    assert "stopped by SIGTERM before anything was changed" in report.text
