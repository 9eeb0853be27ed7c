"""Doctor and an array behind ssh: the questions go to the host of the commands, and what cannot be asked is unknown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.domain.checkup import Health
from tests.doctor.site import Site, of_check, unwell
from tests.remote.far import Far, behind_ssh, until


@pytest.fixture(name="far")
def far_fixture(require_server: Callable[[str], Path], tmp_path: Path) -> Iterator[Far]:
    """A real sshd."""
    require_server("ssh")
    far = Far(require_server("sshd"), tmp_path / "far side")
    yield far
    far.stop()


@pytest.fixture(name="site")
def far_site(make_site: Callable[[], Site], far: Far) -> Site:
    """The two pairs of the log behind ssh; nobody uses their LVs."""
    site = make_site()
    site.rig.service("consumers = none")
    behind_ssh(site.rig, far)
    return site


@pytest.fixture
def service(tmp_path: Path) -> Iterator[None]:
    """A process of the service's name on the host of the commands, which here is this one."""
    script = tmp_path / "iSMHostRegisterService"
    script.write_text("read line\n")
    with subprocess.Popen(["sh", str(script)], stdin=subprocess.PIPE) as child:
        until(lambda: str(script) in Path(f"/proc/{child.pid}/cmdline").read_text())
        yield
        child.kill()


def test_a_healthy_far_array_is_well(site: Site, service: None) -> None:
    """Programs and service are looked for over there; the LVs' devices are declared unused."""
    found = site.examine()
    assert unwell(found) == {}
    assert {item.evidence for item in of_check(found, "device")} == {"its device is one of far; consumers = none"}
    assert [item.subject for item in of_check(found, "service")] == ["iSMHostRegisterService on far"]


def test_a_program_that_is_missing_over_there_is_a_problem(site: Site, service: None) -> None:
    """As it is on this host."""
    (site.rig.directory / "bin/iSMsc_create").unlink()
    (item,) = unwell(site.examine())["command"]
    assert (item.subject, item.verdict) == ("default iSMsc_create", Health.PROBLEM)
    assert "on far" in item.evidence


def test_an_unknown_host_key_is_could_not_ask(site: Site, far: Far) -> None:
    """Nothing is said of programs, service, list or volumes; the remedy is the line to try."""
    far.trust("otherkey")
    items = unwell(site.examine())
    for check in ("command", "service", "volume-list", "array", "volume"):
        assert {item.verdict for item in items[check]} == {Health.UNKNOWN}
    assert "Host key verification failed" in items["command"][0].evidence
    assert "known_hosts" in (items["command"][0].remedy or "")


def test_the_list_over_there_is_reset_under_both_locks(site: Site, far: Far, service: None) -> None:
    """One iSMvollist, on the host of the commands, whose lock is taken for it."""
    (item,) = of_check(site.examine(fix=True), "fix")
    assert item.verdict is Health.OK
    assert item.evidence.startswith("ssh ")
    assert site.resets() == [["iSMvollist", "-r"]]
    assert far.lock().exists()


def test_a_host_that_cannot_be_reached_is_not_reset(site: Site, far: Far) -> None:
    """Whether one of our commands works there cannot be asked, so nothing is sent."""
    far.stop()
    (item,) = of_check(site.examine(fix=True), "fix")
    assert item.verdict is Health.UNKNOWN
    assert "cannot be locked on far" in item.evidence
    assert site.resets() == []
