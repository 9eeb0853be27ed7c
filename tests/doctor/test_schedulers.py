"""Others that drive the same devices, and callers of our own: read from the files of cron, systemd and OpenSVC."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.adapters import surroundings
from necism_monitor.adapters.surroundings import HostSurroundings
from necism_monitor.domain.checkup import Health, Item, Place
from necism_monitor.domain.reading import Unread
from necism_monitor.host.schedules import unescape
from tests.doctor.site import Site, of_check
from tests.resync.rig import LV1, SV1

OK, PROBLEM, UNKNOWN = Health.OK, Health.PROBLEM, Health.UNKNOWN
OPENSVC = f"[DEFAULT]\nnodes = a b\n[sync#7]\ntype = necismsnap\ndevs = {SV1}:{LV1}\n"
SERVICE = "[Service]\nExecStart=/usr/bin/necism resync iiststnec02\n"


def schedulers(site: Site) -> list[Item]:
    return of_check(site.examine(), "scheduler")


@pytest.mark.parametrize(
    ("path", "text", "verdict", "evidence"),
    [
        ("etc/crontab", f"5 4 * * * root /opt/bin/iSMsc_link -lv {LV1} -sv {SV1} -lvflg ld -svflg ld\n", PROBLEM, LV1),
        ("etc/cron.daily/snap", f"#!/bin/sh\niSMsc_unlink -lv {LV1} -lvflg ld\n", PROBLEM, LV1),
        ("var/spool/cron/root", "0 5 * * * svcmgr -s iiststnec02 sync resync\n", PROBLEM, "iiststnec02"),
        ("var/spool/cron/crontabs/root", "0 5 * * * om iiststnec02 sync_resync\n", PROBLEM, "iiststnec02"),
        ("etc/cron.d/x", "0 5 * * * root necism resync iiststnec02/sync#1 --force\n", PROBLEM, "iiststnec02/sync#1"),
        ("etc/cron.d/x", "0 5 * * * root iSMsc_create -sv $SV -bv $BV\n", UNKNOWN, "whether they are ours"),
        ("etc/cron.d/x", "0 5 * * * root svcmgr -s other sync resync\n", UNKNOWN, "whether they are ours"),
        ("etc/cron.d/x", f"0 5 * * * root iSMsc_create -sv {SV1}X -bv BV\n", UNKNOWN, "whether they are ours"),
        ("etc/cron.d/x", f"# 0 5 * * * root iSMsc_create -sv {SV1}\n", OK, "none found"),
        ("etc/cron.d/x", f"0 5 * * * root iSMsc_query -sv {SV1} -svflg ld\n", OK, "none found"),
        ("etc/cron.d/x", "0 5 * * * root necism resync iiststnec02 --trigger timer --key x\n", OK, "none found"),
        ("etc/cron.d/x", "0 5 * * * root necism status\n", OK, "none found"),
        ("etc/opensvc/svc1.conf", OPENSVC + "schedule = 02:00-04:00@120\n", PROBLEM, "[sync#7] schedule = 02:00"),
        ("opt/opensvc/etc/svc1.env", OPENSVC + "sync_schedule = 02:00\n", PROBLEM, SV1),
        ("etc/opensvc/namespaces/prod/svc/svc1.conf", OPENSVC + "schedule = @60\n", PROBLEM, LV1),
        ("etc/opensvc/svc1.conf", "[DEFAULT]\nschedule = @60\n" + OPENSVC.partition("\n")[2], PROBLEM, LV1),
        ("etc/opensvc/svc1.conf", OPENSVC.replace(SV1, "A").replace(LV1, "B") + "schedule = @1\n", UNKNOWN, "sync#7"),
        ("etc/opensvc/svc1.conf", OPENSVC, OK, "none found in 1 files"),
        ("etc/opensvc/svc1.conf", OPENSVC + "schedule = @0\n", OK, "none found"),
        ("etc/opensvc/svc1.conf", OPENSVC + "schedule = @60\ndisable = true\n", OK, "none found"),
        ("etc/opensvc/svc1.conf", "type = necismsnap\n", UNKNOWN, "cannot be read as INI"),
        ("etc/opensvc/svc1.conf", "[fs#1]\ntype = ext4\nschedule = @1\n", OK, "none found"),
        ("etc/cron.d/.hidden", "0 5 * * * root iSMsc_create\n", OK, "none found in 0 files"),
    ],
)
def test_a_line_or_section_is_judged_by_what_it_names(
    site: Site, path: str, text: str, verdict: Health, evidence: str
) -> None:
    """Ours by name is a problem, anybody's a doubt; comments, questions and our own timer are neither."""
    site.write(path, text)
    (item,) = schedulers(site)
    assert (item.verdict, evidence in item.evidence) == (verdict, True), item
    assert item.subject == ("this host" if verdict is OK else str(site.host / path))


def test_a_service_file_that_is_our_own_configuration_may_be_scheduled_by_opensvc(site: Site) -> None:
    """Both read one file, by a link: OpenSVC's scheduler is another one all the same."""
    service = site.rig.services[0]
    service.write_text(service.read_text().replace("type = necismsnap", "type = necismsnap\nschedule = @1440"))
    (site.host / "etc/opensvc/iiststnec02.conf").symlink_to(service)
    (item,) = schedulers(site)
    assert item.verdict is PROBLEM
    assert "schedule = @1440" in item.evidence


@pytest.mark.parametrize("named", ["resync-db.timer", "nightly.timer"])
def test_a_unit_counts_where_a_timer_starts_it(site: Site, named: str) -> None:
    """By the same name or by `Unit=`; a service that nothing times is none."""
    site.write("etc/systemd/system/resync-db.service", SERVICE)
    (alone,) = schedulers(site)
    assert alone.verdict is OK
    site.write(f"etc/systemd/system/{named}", "[Timer]\nOnCalendar=daily\nUnit=resync-db.service\n")
    (item,) = schedulers(site)
    assert (item.verdict, item.subject) == (PROBLEM, str(site.host / "etc/systemd/system/resync-db.service"))


def test_our_own_units_are_not_others(site: Site) -> None:
    """necism-resync@ is what the package installs."""
    site.write("usr/lib/systemd/system/necism-resync@.service", SERVICE)
    site.write("usr/lib/systemd/system/necism-resync@.timer", "[Timer]\nOnCalendar=daily\n")
    (item,) = schedulers(site)
    assert item.verdict is OK


def test_what_may_not_be_read_is_unknown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of root's is no empty one; the other files are looked at all the same."""
    closed = site.write("var/spool/cron/root", "")
    site.write("etc/cron.d/x", "0 5 * * * root iSMsc_create\n")
    text = surroundings._text

    def read(path: Path) -> str | Unread | None:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return text(path)

    monkeypatch.setattr(surroundings, "_text", read)
    items = schedulers(site)
    assert [item.verdict for item in items] == [UNKNOWN, UNKNOWN]
    assert f"{closed} cannot be read: Permission denied" in items[1].evidence


def test_a_folder_that_may_not_be_listed_is_unknown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user who is not root finds the spool of cron."""
    folder, listed = site.host / "var/spool/cron", Path.iterdir

    def iterate(path: Path) -> object:
        if path == folder:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterate)
    (item,) = schedulers(site)
    assert item.verdict is UNKNOWN
    assert f"{folder} cannot be listed" in item.evidence


def caller(site: Site) -> Item:
    (item,) = of_check(site.examine(), "caller")
    return item


@pytest.mark.parametrize(
    ("unit", "verdict"),
    [
        ("necism-resync@iiststnec02.timer", OK),
        (r"necism-resync@iiststnec02-sync\x231.timer", OK),
        (r"necism-resync@iiststnec02-sync\x232.timer", UNKNOWN),
        ("necism-resync@other.timer", UNKNOWN),
    ],
)
def test_a_timer_of_systemd_is_a_caller(site: Site, unit: str, verdict: Health) -> None:
    """Its instance is the escaped selector of the service or of the resource."""
    site.rig.service("automatic = timer")
    site.write(f"etc/systemd/system/timers.target.wants/{unit}", "")
    assert caller(site).verdict is verdict


def test_the_remedy_for_a_missing_timer_can_be_typed(site: Site, require_server: Callable[[str], Path]) -> None:
    """The unit that a shell makes of it is the one that doctor looks for: a selector as it stands names no unit."""
    require_server("systemd-analyze")
    site.rig.service("automatic = timer")
    words = re.findall(r'systemctl enable --now (".*?\.timer")', caller(site).remedy or "")
    done = subprocess.run(["sh", "-c", f"echo {words[0]}"], capture_output=True, text=True, check=True, timeout=60)
    site.write(f"etc/systemd/system/timers.target.wants/{done.stdout.strip()}", "")
    assert caller(site).verdict is OK


def test_a_line_of_cron_is_a_caller(site: Site) -> None:
    """`--trigger timer` is what makes it one."""
    site.rig.service("automatic = timer")
    site.write("etc/cron.d/x", "0 5 * * * root necism resync iiststnec02 --trigger timer --key $(date +%F)\n")
    assert caller(site).verdict is OK


def test_alarms_need_the_spool_and_who_watches_it(site: Site) -> None:
    """Either alone carries nothing."""
    site.rig.service("automatic = alertmanager")
    site.write("etc/systemd/system/multi-user.target.wants/necism-dispatch.path", "")
    assert caller(site).verdict is UNKNOWN
    (site.rig.directory / "run/requests").mkdir()
    assert caller(site).verdict is OK


def test_a_spool_that_cannot_be_looked_at_is_unknown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whether requests are carried, although the unit is enabled."""
    site.rig.service("automatic = alertmanager")
    site.write("etc/systemd/system/multi-user.target.wants/necism-dispatch.path", "")
    spool, place = f"{site.rig.directory}/run/requests", HostSurroundings.place

    def closed(here: HostSurroundings, path: str) -> Place:
        return Place(path, "Permission denied") if path == spool else place(here, path)

    monkeypatch.setattr(HostSurroundings, "place", closed)
    found = caller(site)
    assert (found.verdict, found.evidence) == (UNKNOWN, f"{spool}: Permission denied")


def test_an_instance_is_unescaped_as_systemd_escapes_it() -> None:
    r"""By systemd-escape(1): `systemd-escape db-1/sync#1` prints `db\x2d1-sync\x231`."""
    assert unescape(r"db\x2d1-sync\x231") == "db-1/sync#1"
