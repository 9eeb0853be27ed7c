"""The systemd units: what systemd itself says of them, and what each of them may and may not do."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from necism_monitor.cli.main import VERBS, make_parser
from tests.packaging.units import (
    ACTIONS,
    FOLDER,
    INSTANCE,
    SERVICES,
    UNITS,
    analyze,
    instance,
    make_root,
    settings,
    values,
)

SERVERS = ("necism-exporter.service", "necism-webhook.service")
LIMITS = {"necism-exporter.service": 2.0, "necism-webhook.service": 2.0, "necism-collect.service": 3.0}
"""Exposure by systemd's own measure; the units that act cannot be bounded, see MOUNT_NAMESPACE."""

MOUNT_NAMESPACE = re.compile(
    r"(Private|Protect|ReadOnly|ReadWrite|Inaccessible|ExecPaths|NoExec|Bind|TemporaryFileSystem|Root|Mount|Extension"
    r"|DynamicUser|LoadCredential|SetCredential|ImportCredential|LogNamespace|ProcSubset|IPCNamespacePath"
    r"|NetworkNamespacePath|StateDirectory|RuntimeDirectory|CacheDirectory|LogsDirectory|ConfigurationDirectory"
    r"|RestrictFileSystems)"
)
"""Options of systemd.exec(5) that give a service a view of mounts of its own, today or in a later release.

In such a view the look at who uses an LV would miss what the host mounts meanwhile, and what a hook mounts or unmounts
would stay inside.
"""

NO_NEW_PRIVILEGES = {
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "PrivateDevices",
    "ProtectClock",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "SystemCallLog",
    "DynamicUser",
}
"""What systemd.exec(5) names under NoNewPrivileges= as switching it on for a service with User=."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with this host's units and ours."""
    return make_root(tmp_path_factory.mktemp("units") / "root")


@pytest.mark.proves("K05")
def test_systemd_finds_nothing_to_complain_of(root: Path, require_server: Callable[[str], Path]) -> None:
    """`systemd-analyze verify` knows every key and finds every unit that ours name."""
    names = [instance(path.name) for path in UNITS]
    done = analyze(require_server("systemd-analyze"), root, "verify", "--man=no", *names)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_would_complain_of_a_wrong_key(root: Path, require_server: Callable[[str], Path]) -> None:
    """The check above can fail."""
    broken = root / "usr/lib/systemd/system/broken.service"
    broken.write_text("[Service]\nExecStart=/usr/bin/necism\nKilMode=mixed\n")
    done = analyze(require_server("systemd-analyze"), root, "verify", "--man=no", broken.name)
    broken.unlink()
    assert "KilMode" in done.stderr


@pytest.mark.proves("K05")
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_the_exposure_is_bounded(
    path: Path, root: Path, require_server: Callable[[str], Path], record_property: Callable[[str, object], None]
) -> None:
    """By systemd's measure the servers stay at or below 2.0, the collector at or below 3.0; the others are told."""
    done = analyze(require_server("systemd-analyze"), root, "security", "--offline=true", instance(path.name))
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    record_property("figure", f"exposure of {path.name}: {found[1]}")
    assert float(found[1]) <= LIMITS.get(path.name, 10.0)


@pytest.mark.parametrize("name", ACTIONS)
def test_what_acts_sees_the_mounts_of_the_host(name: str) -> None:
    """No option of an acting service makes a mount namespace."""
    assert [key for _, key, _ in settings(FOLDER / name) if MOUNT_NAMESPACE.match(key)] == []
    assert [key for _, key, _ in settings(FOLDER / "necism-exporter.service") if MOUNT_NAMESPACE.match(key)] != []


@pytest.mark.parametrize("name", ACTIONS)
def test_what_acts_is_asked_to_turn_back_and_never_killed(name: str) -> None:
    """SIGTERM goes to the main process alone, nothing is sent SIGKILL, no deadline ends a run, and 4 is no failure."""
    found = {key: value for section, key, value in settings(FOLDER / name) if section == "Service"}
    wanted = {
        "Type": "oneshot",
        "KillMode": "mixed",
        "SendSIGKILL": "no",
        "TimeoutStopSec": "infinity",
        "TimeoutStartSec": "infinity",
        "SuccessExitStatus": "4",
        "OOMPolicy": "continue",
    }
    assert {key: found.get(key) for key in wanted} == wanted
    assert {"Restart", "WatchdogSec", "RuntimeMaxSec", "KillSignal", "User"} & set(found) == set()


def test_no_unit_hides_processes() -> None:
    """Whether a run's process lives is read in /proc, which therefore is whole for every unit."""
    assert [path.name for path in UNITS for key in ("ProtectProc", "ProcSubset") if values(path, key)] == []


@pytest.mark.proves("K11", "S13")
def test_each_service_writes_where_it_must_and_nowhere_else() -> None:
    """The exporter writes nowhere, the webhook into the spool, the collector into state and run directory."""
    writable = {path.name: " ".join(values(path, "ReadWritePaths")).split() for path in SERVICES}
    assert writable["necism-exporter.service"] == []
    assert writable["necism-webhook.service"] == ["/run/necism/requests"]
    assert writable["necism-collect.service"] == ["/var/lib/necism", "/run/necism"]
    for name in SERVERS:
        assert values(FOLDER / name, "ProtectSystem") == ["strict"]


@pytest.mark.proves("K11")
def test_logs_go_to_the_journal() -> None:
    """No unit sends its output elsewhere; no directory is given to a service's user by systemd."""
    keys = {key for path in UNITS for _, key, _ in settings(path)}
    assert {key for key in keys if re.match(r"Standard(Output|Error)|.*Directory(Mode)?$", key)} == set()


@pytest.mark.proves("S13")
@pytest.mark.parametrize("name", SERVERS)
def test_servers_hold_no_rights(name: str) -> None:
    """Both servers run as necism, without capabilities, and can get none."""
    path = FOLDER / name
    assert values(path, "User") == ["necism"]
    assert values(path, "CapabilityBoundingSet") == [""]
    assert values(path, "AmbientCapabilities") == [""]
    assert values(path, "NoNewPrivileges") == ["yes"]


@pytest.mark.parametrize("name", SERVERS)
def test_servers_are_watched(name: str) -> None:
    """They say when they are ready, systemd notices when they hang, and a wrong configuration is not retried."""
    path = FOLDER / name
    assert values(path, "Type") == ["notify"]
    assert values(path, "NotifyAccess") == ["main"]
    assert int(values(path, "WatchdogSec")[0]) > 0
    assert values(path, "Restart") == ["on-failure"]
    assert values(path, "RestartPreventExitStatus") == ["64"]


def test_the_name_of_an_instance_is_the_escaped_selector(require_server: Callable[[str], Path]) -> None:
    """`systemd-escape` and back gives the selector that %I is."""
    require_server("systemd-analyze")
    for words, text in (([], INSTANCE), (["--unescape"], "svc/sync#1")):
        given = text if not words else INSTANCE
        asked = ["systemd-escape", *words, "svc/sync#1" if not words else given]
        done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == f"{text}\n"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_each_command_line_is_one_that_necism_understands(path: Path) -> None:
    """What a unit starts is a verb with options that its parser accepts."""
    (line,) = values(path, "ExecStart")
    program, verb, *rest = shlex.split(line.lstrip(":").replace("$ARGS", "").replace("%I", "svc/sync#1"))
    assert program == "/usr/bin/necism"
    assert verb in VERBS
    args = make_parser(verb).read([verb, *rest])
    assert path.name != "necism-resync@.service" or (args.trigger, args.selectors) == ("timer", ["svc/sync#1"])


@pytest.mark.proves("K05", "K08")
def test_nothing_that_acts_is_wanted_by_what_is_not_asked_for() -> None:
    """Only [Install] sections link units to targets, and no unit pulls in one that acts."""
    pulls = re.compile(
        r"Wants|Requires|Requisite|BindsTo|PartOf|Upholds|OnFailure|OnSuccess|Also|Alias|DefaultInstance"
    )
    pulled = {value for path in UNITS for _, key, value in settings(path) if pulls.fullmatch(key)}
    assert pulled == {"network-online.target"}


@pytest.fixture
def with_sudo(tmp_path: Path) -> Path:
    """A root in which the drop-in for sudo is in force for exporter and collector."""
    root = make_root(tmp_path / "root")
    for name in ("necism-exporter.service", "necism-collect.service"):
        place = root / f"etc/systemd/system/{name}.d"
        place.mkdir(parents=True)
        (place / "sudo.conf").write_bytes((FOLDER / "drop-ins/sudo.conf").read_bytes())
    return root


@pytest.mark.parametrize("name", ["necism-exporter.service", "necism-collect.service"])
def test_the_drop_in_lets_sudo_work(name: str, with_sudo: Path, require_server: Callable[[str], Path]) -> None:
    """With it, systemd itself sees none of the options under which sudo cannot become root."""
    done = analyze(require_server("systemd-analyze"), with_sudo, "security", "--offline=true", "--json=short", name)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    held = {one["name"].partition("=")[0] for one in found if one["set"] is True}
    assert held & (NO_NEW_PRIVILEGES - {"SystemCallArchitectures"}) == set()
    assert not any(one["set"] for one in found if one["name"].startswith("CapabilityBoundingSet=~CAP_SET(UID"))


def test_the_drop_in_names_every_option_that_the_units_set() -> None:
    """A new option that forces NoNewPrivileges= is noticed, also where systemd's measure does not show it."""
    taken_back = {key for _, key, _ in settings(FOLDER / "drop-ins/sudo.conf")}
    for name in ("necism-exporter.service", "necism-collect.service"):
        assert {key for _, key, _ in settings(FOLDER / name)} & NO_NEW_PRIVILEGES <= taken_back


@pytest.mark.proves("K04")
def test_sysusers_makes_a_user_who_cannot_log_in(tmp_path: Path, require_server: Callable[[str], Path]) -> None:
    """systemd-sysusers makes user and group necism, with nologin as shell."""
    require_server("systemd-analyze")
    (tmp_path / "etc").mkdir()
    file = FOLDER / "necism.sysusers"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", file], capture_output=True, check=True, timeout=60)
    (entry,) = (tmp_path / "etc/passwd").read_text().splitlines()
    assert entry.startswith("necism:")
    assert entry.endswith(":/var/lib/necism:/usr/sbin/nologin")
    assert (tmp_path / "etc/group").read_text().startswith("necism:x:")
