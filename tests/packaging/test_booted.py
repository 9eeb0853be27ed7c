"""The units at work under a real systemd: readiness, watchdog, sandbox, and a resync that is asked to stop."""

import base64
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import bcrypt
import pytest

from tests.packaging.booted import Booted, boot, wait_for
from tests.packaging.clean_root import SIMULATED, CleanRoot
from tests.servers import require_server

pytestmark = [pytest.mark.long, pytest.mark.packages]

EXPORTER: Final = "necism-exporter.service"
SELECTOR: Final = "erp-preprod/sync#1"
SERVICE: Final = "necism-resync@erp\\x2dpreprod-sync\\x231.service"
ALLOWED: Final = "automatic = timer\nconsumers = none\nsync_min_delay = 0\ncooldown = 1s\nmax_per_day = 100\n"
SHORT_WATCH: Final = "[Service]\nWatchdogSec=5\nRestartSec=0\n"


@pytest.fixture(scope="module")
def system(full: CleanRoot, place: Path) -> Iterator[Booted]:
    """All packages on a running system, a simulated array that takes its time, and a timer that may act."""
    require_server("nsenter")
    root = full.copy(place / "booted")
    config = root.path / "etc/necism"
    with (config / "necism.conf").open("a") as file:
        file.write(f"\nmax_runs_per_hour = 100\n\n[array default]\nism_path = {SIMULATED}/bin\n")
    root.must("necism", "simulator", "create", SIMULATED, "--scenario", "stale", "--latency", "0.2", "--force")
    with (config / "services/erp-preprod.conf").open("a") as file:
        file.write(ALLOWED)
    (root.path / "etc/default/necism-exporter").write_text('ARGS="--web.listen-address 127.0.0.1:0"\n')
    drop_in = root.path / f"etc/systemd/system/{EXPORTER}.d/watch.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(SHORT_WATCH)
    with boot(root) as running:
        yield running


def pid_of(system: Booted, unit: str) -> str:
    """The main process of a unit; 0 is none."""
    return system.show(unit, "MainPID")


def mounts_of(system: Booted, pid: str) -> str:
    """The mount namespace of a process."""
    return system.must("readlink", f"/proc/{pid}/ns/mnt")


def port_of(system: Booted) -> str:
    """Where the exporter that runs now says it listens."""
    said = system.must("journalctl", "--no-pager", f"_PID={pid_of(system, EXPORTER)}")
    return str(re.findall(r"listening on 127\.0\.0\.1:(\d+)", said)[-1])


@pytest.mark.proves("K08")
def test_nothing_of_ours_runs_after_a_boot(system: Booted) -> None:
    """A system with all packages starts none of their units."""
    listed = system.must("systemctl", "list-units", "--no-legend", "--state=active,activating,failed", "necism-*")
    assert listed == ""


@pytest.mark.proves("K05", "K11")
def test_the_collector_reads_in_its_sandbox(system: Booted) -> None:
    """Under all its restrictions the collector reads the array and leaves the file for everybody."""
    system.must("systemctl", "start", "necism-collect.service")
    assert system.must("stat", "--format=%a %U", "/run/necism/observation.json") == "644 root\n"
    # By its name: of a process that has ended already the journal does not always know the unit.
    wait_for(lambda: "2 BVs read" in system.must("journalctl", "--no-pager", "--identifier=necism"), "no log")


@pytest.mark.proves("K05", "K06", "S13")
def test_the_exporter_is_ready_when_systemd_says_so(system: Booted) -> None:
    """The first request after `systemctl start` is answered, by a process without capabilities, in its sandbox."""
    system.must("systemctl", "start", "necism-collect.service", EXPORTER)
    with urllib.request.urlopen(f"http://127.0.0.1:{port_of(system)}/metrics", timeout=60) as answer:
        body = answer.read().decode()
    assert 'necism_up{array="default"} 1.0' in body
    status = system.must("cat", f"/proc/{pid_of(system, EXPORTER)}/status")
    assert re.findall(r"^Cap(?:Eff|Prm|Bnd|Amb):\t(\w+)$", status, re.MULTILINE) == ["0" * 16] * 4
    assert "\nNoNewPrivs:\t1\n" in status
    assert mounts_of(system, pid_of(system, EXPORTER)) != mounts_of(system, "1")


@pytest.mark.proves("K02", "K07")
def test_users_are_checked_with_the_distributions_bcrypt(system: Booted) -> None:
    """A web configuration that only root and the group can read keeps out whoever has no password."""
    secret = bcrypt.hashpw(b"a password", bcrypt.gensalt(4)).decode()
    (system.root.path / "etc/necism/web.yml").write_text(f"basic_auth_users:\n  prometheus: {secret}\n")
    system.must("sh", "-c", "chown root:necism /etc/necism/web.yml && chmod 0640 /etc/necism/web.yml")
    with (system.root.path / "etc/default/necism-exporter").open("a") as file:
        file.write('ARGS="--web.listen-address 127.0.0.1:0 --web.config.file /etc/necism/web.yml"\n')
    system.must("systemctl", "restart", EXPORTER)
    url = f"http://127.0.0.1:{port_of(system)}/metrics"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=60)
    refused.value.close()
    assert refused.value.code == 401
    word = base64.b64encode(b"prometheus:a password").decode()
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Basic {word}"})) as answer:
        assert answer.status == 200


@pytest.mark.proves("K06")
def test_the_watchdog_notices_an_exporter_that_hangs(system: Booted) -> None:
    """A process that was stopped is killed and replaced by one that serves."""
    system.must("systemctl", "restart", EXPORTER)
    first = pid_of(system, EXPORTER)
    system.must("sh", "-c", f"kill -STOP {first}")
    wait_for(lambda: pid_of(system, EXPORTER) not in {first, "0"}, "the exporter was not replaced")
    wait_for(lambda: system.show(EXPORTER, "ActiveState") == "active", "the new exporter is not ready")
    assert system.show(EXPORTER, "NRestarts") == "1"


def begin(system: Booted) -> str:
    """Start a resync by its unit, and wait until its process is there."""
    system.must("systemctl", "start", "--no-block", SERVICE)
    wait_for(lambda: pid_of(system, SERVICE) != "0", "no resync")
    return pid_of(system, SERVICE)


def test_a_resync_sees_the_mounts_of_the_host(system: Booted) -> None:
    """The unit's process is in the mount namespace of the system, and ends well; too soon is no failure either."""
    pid = begin(system)
    assert mounts_of(system, pid) == mounts_of(system, "1")
    wait_for(lambda: system.show(SERVICE, "ActiveState") in {"inactive", "failed"}, "the resync does not end")
    assert (system.show(SERVICE, "Result"), system.show(SERVICE, "ExecMainStatus")) == ("success", "0"), system.log()
    assert "timer" in system.must("necism", "history", "erp-preprod")


def test_a_resync_that_is_stopped_turns_back(system: Booted) -> None:
    """`systemctl stop` in the middle waits until every LV is linked again; nothing was killed."""
    time.sleep(1.1)  # the cooldown
    begin(system)
    log = f"{SIMULATED}/calls.jsonl"
    before = system.must("cat", log).count('"iSMsc_create"')
    wait_for(lambda: system.must("cat", log).count('"iSMsc_create"') > before, f"no create: {system.log()}")
    system.must("systemctl", "stop", SERVICE)
    assert (system.show(SERVICE, "Result"), system.show(SERVICE, "ExecMainStatus")) == ("exit-code", "5"), system.log()
    system.must("systemctl", "start", "necism-collect.service")
    told = system.run("necism", "status").stdout
    assert "detached" not in told
    assert told.count("  linked  ") == 2, told
