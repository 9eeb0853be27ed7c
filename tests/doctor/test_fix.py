"""`doctor --fix`: one reset of the volume list, under the lock, never during a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.adapters.lock import ArrayLock, Held
from necism_monitor.domain.checkup import Health, Item
from necism_monitor.simulator.world import edit_world, read_world
from tests.doctor.site import Site, of_check
from tests.resync.rig import Rig
from tests.resync.test_recovery import broken_off

RESET = [["iSMvollist", "-r"]]


def fixed(site: Site) -> Item:
    """The item of the fix; after it the lock is free again."""
    (item,) = of_check(site.examine(fix=True), "fix")
    return item


def lock_of(site: Site, array: str = "default") -> Held:
    answer = ArrayLock(site.rig.directory / "state" / "locks", array, "another").try_acquire()
    assert isinstance(answer, Held)
    return answer


@pytest.mark.parametrize("listed", [True, False])
def test_the_list_is_reset_once_and_looked_at_afterwards(site: Site, listed: bool) -> None:
    """Exactly one `iSMvollist -r`, told to the log; what was missing is there, and the site is well."""
    with edit_world(site.rig.directory) as world:
        world["volume_list"] = listed
    found = site.examine(fix=True)
    assert site.resets() == RESET
    assert found.verdict is Health.OK
    assert read_world(site.rig.directory)["volume_list"] is True
    assert ["iSMvollist -r (asked for by" in line for line in site.said] == [True, False]
    assert "exited 0" in site.said[1]
    lock_of(site).release()


def test_without_being_asked_nothing_is_reset(site: Site) -> None:
    """A missing list is a problem with a remedy, and stays missing."""
    with edit_world(site.rig.directory) as world:
        world["volume_list"] = False
    site.examine()
    assert site.resets() == []
    assert [call for call in site.sent_by_doctor if call["effect_class"] != "READ"] == []


def test_the_lock_is_held_while_the_list_is_reset(site: Site, tmp_path: Path) -> None:
    """Nobody else gets the array's lock while the command works: it tries, and is refused."""
    command = site.rig.directory / "bin" / "iSMvollist"
    lock, said = site.rig.directory / "state/locks/default.lock", tmp_path / "said"
    text = command.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\nflock -n {lock} true; echo $? > {said}\n")
    command.write_text(text)
    assert fixed(site).verdict is Health.OK
    assert said.read_text() == "1\n"


def test_another_holder_of_the_lock_refuses_it(site: Site) -> None:
    """`locked`, with who holds it; no command is sent."""
    with lock_of(site):
        item = fixed(site)
    assert item.verdict is Health.PROBLEM
    assert item.evidence.startswith("locked: the lock of array default is held by process ")
    assert "(run another)" in item.evidence
    assert "not reset" in (item.remedy or "")
    assert site.resets() == []


def test_an_unfinished_run_that_can_be_resumed_comes_first(site: Site) -> None:
    """The array answers, so `resume` works: a list made anew might leave a detached LV out."""
    site.rig.service("consumers = none")
    broken_off(site.rig)
    item = fixed(site)
    assert item.evidence.startswith("unfinished: iiststnec02/sync#1: run ")
    assert "necism resume" in (item.remedy or "")
    assert site.resets() == []
    lock_of(site).release()


def test_an_unfinished_run_that_nothing_can_resume_does_not_hold_it_back(site: Site) -> None:
    """After a reboot without a list no query is answered: the reset is what `resume` waits for."""
    site.rig.service("consumers = none")
    broken_off(site.rig)
    with edit_world(site.rig.directory) as world:
        world["volume_list"] = False
    assert fixed(site).verdict is Health.OK
    assert site.resets() == RESET


def test_an_array_that_hangs_says_nothing_about_its_list(site: Site) -> None:
    """An unfinished run holds the reset back also where nobody knows whether it could be resumed."""
    site.rig.service("consumers = none")
    site.rig.necism("read_timeout", "1s", "array default")
    broken_off(site.rig)
    site.rig.fault("hang_before", "iSMview", occurrence="all", seconds=30)
    assert fixed(site).evidence.startswith("unfinished: ")
    assert site.resets() == []


def test_a_damaged_journal_may_hide_a_run(site: Site) -> None:
    """Nobody knows whether an LV is detached: as with an unfinished run."""
    path = site.rig.directory / "state/runs/iiststnec02/sync#1/20140918T031504Z-1.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("nonsense\nmore nonsense\n")
    assert fixed(site).evidence.startswith("unfinished: iiststnec02/sync#1: ")
    assert site.resets() == []


def test_a_reset_that_fails_is_a_problem(site: Site) -> None:
    """With its exit code and its own words, and no second try."""
    site.rig.fault("fail_before", "iSMvollist", text="no device found.")
    item = fixed(site)
    assert item.verdict is Health.PROBLEM
    assert "exited 1: iSMvollist:Error: iSM19999: no device found." in item.evidence
    assert "by hand" in (item.remedy or "")
    assert site.resets() == RESET


def test_a_reset_that_does_not_end_keeps_the_lock_and_is_not_killed(site: Site) -> None:
    """At `change_timeout` it is left alone, and the array stays locked by it."""
    site.rig.necism("change_timeout", "1s", "array default")
    site.rig.fault("hang_before", "iSMvollist", seconds=4)
    item = fixed(site)
    assert "abandoned" in item.evidence
    assert "holds the lock" in (item.remedy or "")
    assert not isinstance(ArrayLock(site.rig.directory / "state" / "locks", "default").try_acquire(), Held)
    assert isinstance(ArrayLock(site.rig.directory / "state" / "locks", "default").acquire(60), Held)


def two_arrays(make_site: Callable[[str], Site]) -> Site:
    """A second array under another name, whose commands are the same ones of the same host."""
    site = make_site("seed")
    path = site.rig.directory / "bin"
    general = site.rig.config_dir / "necism.conf"
    general.write_text(f"{general.read_text()}\n[array other]\nism_path = {path}\nunique_names = true\n")
    service = site.rig.services[0]
    text = service.read_text()
    first, second = "SOURCE_0001_SV006D:SOURCE_0001_LV00A6", "SOURCE_0002_SV0055:SOURCE_0002_LV009E"
    service.write_text(
        text.replace(f"{first} {second}", first) + f"\n[sync#2]\ntype = necismsnap\narray = other\ndevs = {second}\n"
    )
    return site


def test_one_host_has_one_list_whatever_the_number_of_its_arrays(make_site: Callable[[str], Site]) -> None:
    """Two arrays reached by the same commands: one reset, under both locks."""
    site = two_arrays(make_site)
    assert fixed(site).verdict is Health.OK
    assert site.resets() == RESET


@pytest.mark.parametrize("array", ["default", "other"])
def test_a_run_on_any_array_of_the_host_refuses_it(make_site: Callable[[str], Site], array: str) -> None:
    """The list is the host's: a run on the other array would be hit."""
    site = two_arrays(make_site)
    with lock_of(site, array):
        item = fixed(site)
    assert (item.subject, item.verdict) == (array, Health.PROBLEM)
    assert site.resets() == []
    lock_of(site, "default").release()


def test_a_lock_that_cannot_be_had_is_unknown(site: Site) -> None:
    """A state_dir that is no directory: the list is left alone, and the reason is told."""
    (site.rig.directory / "state").rmdir()
    (site.rig.directory / "state").write_text("")
    item = fixed(site)
    assert item.verdict is Health.UNKNOWN
    assert "cannot be locked" in item.evidence
    assert site.resets() == []


def test_the_rig_is_a_healthy_one(site: Site) -> None:
    """What the tests above break is whole before."""
    assert isinstance(site.rig, Rig)
    assert site.examine().verdict is Health.OK
