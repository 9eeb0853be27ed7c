"""What doctor asks a host: below a root of our making, and of the real one."""

from __future__ import annotations

import ctypes
import importlib.util
import os
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from necism_monitor.adapters import surroundings
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.surroundings import HostSurroundings
from necism_monitor.app.ports import Surroundings
from necism_monitor.domain.checkup import Health, Place, Schedules
from necism_monitor.domain.reading import Unread
from necism_monitor.host.commands import unit_state
from necism_monitor.ism.output import Ending, Output
from tests.doctor.site import Site, of_check, unwell

UNIT = "iSMHostRegisterService"


class Says:
    """A systemctl that ends so."""

    def __init__(self, stdout: str, code: int | None, ending: Ending = Ending.EXITED, stderr: str = "") -> None:
        self._answer = (ending, code, stdout, stderr)

    def read(self, argv: tuple[str, ...], timeout: float, *, env: object = None) -> Output:
        assert argv == ("systemctl", "is-active", UNIT)
        return Output(argv, *self._answer, 0.0, 0.1)


def booted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As sd_booted(3) sees a host that systemd runs."""
    real = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) == "/run/systemd/system" or real(path))


@pytest.mark.parametrize(
    ("runner", "expected"),
    [(Says("active\n", 0), True), (Says("inactive\n", 3), False), (Says("failed\n", 3), False)],
)
def test_systemd_is_asked_for_the_unit(monkeypatch: pytest.MonkeyPatch, runner: Says, expected: bool) -> None:
    """systemctl(1): 0 is active, and it says a word for everything else."""
    booted(monkeypatch)
    assert HostSurroundings(runner).unit_active(UNIT) is expected


@pytest.mark.parametrize(
    "runner",
    [Says("", 1, stderr="Failed to connect to bus"), Says("", None, Ending.MISSING), Says("", None, Ending.LOST)],
)
def test_a_systemd_that_does_not_answer_is_unread(monkeypatch: pytest.MonkeyPatch, runner: Says) -> None:
    """Nobody said that it is inactive."""
    booted(monkeypatch)
    assert isinstance(HostSurroundings(runner).unit_active(UNIT), Unread)


def test_the_systemd_of_another_root_is_not_asked(tmp_path: Path) -> None:
    """What this host's says is not about it."""
    assert HostSurroundings(Says("active\n", 0), tmp_path).unit_active(UNIT) is None


def test_a_unit_cannot_become_an_option() -> None:
    """A name with a leading dash is refused."""
    with pytest.raises(ValueError, match="no name of a unit"):
        unit_state("--all")


class Answers:
    """A host whose processes and systemd say something else."""

    def __init__(self, inner: Surroundings, processes: tuple[str, ...] | Unread, active: bool | Unread | None) -> None:
        self._inner, self._processes, self._active = inner, processes, active

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the real one's
        return getattr(self._inner, name)

    def processes(self) -> tuple[str, ...] | Unread:
        return self._processes

    def unit_active(self, unit: str) -> bool | Unread | None:
        assert unit == UNIT
        return self._active


BLIND = Unread("query-failed", "nobody can tell", "ask root")


@pytest.mark.parametrize(
    ("processes", "active", "verdict"),
    [
        ((f"/opt/x/{UNIT} -d",), None, Health.OK),
        ((f"/bin/sh /etc/init.d/{UNIT}.sh",), None, Health.OK),
        ((f"java -Xmx64m -jar /opt/x/{UNIT}.jar",), False, Health.OK),
        ((f"vi /var/log/{UNIT}.log", f"grep {UNIT}"), None, Health.PROBLEM),
        ((f"{UNIT}2",), None, Health.PROBLEM),
        ((), None, Health.PROBLEM),
        ((), False, Health.PROBLEM),
        ((), True, Health.OK),
        (BLIND, True, Health.OK),
        (BLIND, False, Health.UNKNOWN),
        (BLIND, None, Health.UNKNOWN),
        ((), BLIND, Health.UNKNOWN),
    ],
)
def test_the_service_is_seen_as_process_or_as_unit(
    site: Site, processes: tuple[str, ...] | Unread, active: bool | Unread | None, verdict: Health
) -> None:
    """Either sign is enough; without both a question that was not answered is not a no."""
    found = site.examine(here=lambda inner: Answers(inner, processes, active))
    (item,) = of_check(found, "service")
    assert item.verdict is verdict
    assert item.remedy is None if verdict is Health.OK else item.remedy


def test_this_very_host_answers_everything() -> None:
    """With the real root: our own process is seen, a directory is no device, and nothing raises."""
    here = HostSurroundings(ProcessRunner())
    lines = here.processes()
    assert isinstance(lines, Unread) or any("pytest" in line for line in lines)
    assert isinstance(here.synchronised(), bool | Unread)
    assert here.device("/dev/null") == "/dev/null is no block device of this host"
    assert here.device("/dev/nothing/here") == "/dev/nothing/here does not exist on this host"
    assert here.device("/etc/passwd") == "'/etc/passwd' is no device name below /dev: not visible here"
    assert here.schedules().files is not None
    assert here.unit_active("necism-no-such-unit") in {None, False} or isinstance(here.unit_active("x"), Unread)


def test_the_real_block_devices_are_known() -> None:
    """Each that sysfs lists and /dev has; a machine without any proves nothing, and says so by an empty list."""
    here, sysfs = HostSurroundings(ProcessRunner()), Path("/sys/class/block")
    names = [path.name for path in sysfs.iterdir()] if sysfs.is_dir() else []
    files = [f"/dev/{name}" for name in names if Path("/dev", name).is_block_device()]
    assert [why for file in files if (why := here.device(file))] == []


def test_a_device_is_known_by_the_kernels_name(tmp_path: Path) -> None:
    """A link such as a map's leads to it; a link out of /dev and a loop do not."""
    (tmp_path / "dev/mapper").mkdir(parents=True)
    (tmp_path / "dev/dm-3").write_text("")
    (tmp_path / "dev/mapper/mpatha").symlink_to("../dm-3")
    (tmp_path / "dev/out").symlink_to("/etc/passwd")
    (tmp_path / "dev/loop").symlink_to("loop")
    (tmp_path / "sys/class/block/dm-3").mkdir(parents=True)
    here = HostSurroundings(ProcessRunner(), tmp_path)
    assert here.device("/dev/mapper/mpatha") is None
    assert here.device("/dev/out") == "/dev/out leads out of /dev"
    assert isinstance(here.device("/dev/loop"), Unread)


def test_without_proc_the_processes_are_unread(tmp_path: Path) -> None:
    """No /proc, or one that hides process 1, is no proof that nothing runs."""
    assert isinstance(HostSurroundings(ProcessRunner(), tmp_path).processes(), Unread)
    (tmp_path / "proc/77").mkdir(parents=True)
    assert isinstance(HostSurroundings(ProcessRunner(), tmp_path).processes(), Unread)


def test_a_kernel_that_does_not_tell_its_clock_is_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """adjtimex(2) fails with an errno, or the C library has no such function."""
    here = HostSurroundings(ProcessRunner(), tmp_path)

    class Library:
        def adjtimex(self, _buffer: object) -> int:
            ctypes.set_errno(1)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_more: Library())
    assert isinstance(here.synchronised(), Unread)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_more: object())
    assert isinstance(here.synchronised(), Unread)


def test_a_program_is_found_by_path_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may not be executed is told apart from what is not there."""
    here = HostSurroundings(ProcessRunner())
    (tmp_path / "tool").write_text("")
    assert here.program("sh") is None
    assert here.program(str(tmp_path / "tool")) == f"{tmp_path}/tool may not be executed by this user"
    assert here.program("/nowhere/tool") == "/nowhere/tool does not exist"
    long = f"{tmp_path}/{'x' * 300}"
    assert here.program(long) == f"{long} cannot be looked at by this user: File name too long"
    monkeypatch.chdir(tmp_path)
    for name in ("no-such-tool", "tool"):
        assert here.program(name) == f"{name} is in no directory of PATH"


def test_a_place_tells_owner_mode_and_what_we_may(tmp_path: Path) -> None:
    """As `ls -ld` shows it; numbers where nobody has the name."""
    tmp_path.chmod(0o750)
    found = HostSurroundings(ProcessRunner()).place(str(tmp_path))
    assert (found.mode, found.directory, found.writable) == (0o750, True, True)
    assert found.rights.endswith("0750, this user may read and write")
    assert (surroundings._user(4_000_000_000), surroundings._group(4_000_000_000)) == ("4000000000", "4000000000")
    assert HostSurroundings(ProcessRunner()).place(str(tmp_path / "x")).missing


class Places(Answers):
    """A host on which this user is not root."""

    def __init__(self, inner: Surroundings, place: Place) -> None:
        super().__init__(inner, (UNIT,), None)
        self._place = place

    def place(self, path: str) -> Place:
        return self._place._replace(path=path)


@pytest.mark.parametrize(
    ("place", "verdict", "evidence"),
    [
        (
            Place("", mode=0o755, owner="root", group="root", directory=True, readable=True),
            Health.PROBLEM,
            "cannot work",
        ),
        (Place("", mode=0o700, owner="root", group="root", directory=True), Health.PROBLEM, "neither read nor write"),
        (Place("", "Permission denied"), Health.UNKNOWN, "Permission denied"),
    ],
)
def test_a_user_without_rights_is_told(site: Site, place: Place, verdict: Health, evidence: str) -> None:
    """Whose the directory is, what this user may do, and that it cannot be asked where that is so."""
    items = unwell(site.examine(here=lambda inner: Places(inner, place)))["rights"]
    state = next(item for item in items if item.subject.endswith("/state"))
    assert (state.verdict, evidence in state.evidence) == (verdict, True)


@pytest.mark.parametrize(
    ("gone", "verdict", "subject"),
    [
        ({"nagiosplugin"}, Health.PROBLEM, "base"),
        ({"rich"}, Health.OK, "terminal"),
        ({"bcrypt"}, Health.PROBLEM, "web"),
        (set(surroundings.LIBRARIES["web"]), Health.OK, "web"),
        (set(surroundings.LIBRARIES["web"]) - {"yaml", "jinja2"}, Health.OK, "web"),
    ],
)
def test_an_extra_is_a_choice_and_half_of_one_is_not(
    site: Site, monkeypatch: pytest.MonkeyPatch, gone: set[str], verdict: Health, subject: str
) -> None:
    """Missing libraries are named; an extra that is not installed at all is no problem."""
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in gone else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    item = next(one for one in of_check(site.examine(), "library") if one.subject == subject)
    assert item.verdict is verdict
    assert "not installed" in item.evidence


def test_the_libraries_are_those_of_the_package() -> None:
    """setup.cfg says what each extra needs: no library of it is forgotten here."""
    import configparser  # noqa: PLC0415 - for this test alone
    import re  # noqa: PLC0415 - for this test alone

    names = {"prometheus-client": "prometheus_client", "PyYAML": "yaml"}
    metadata = configparser.ConfigParser()
    metadata.read(Path(__file__).resolve().parents[2] / "setup.cfg")
    for extra, modules in surroundings.LIBRARIES.items():
        text = metadata["options.extras_require"][extra] if extra else metadata["options"]["install_requires"]
        wanted = [re.split(r"[<>=\[]", line)[0] for line in text.split()]
        assert [names.get(name, name) for name in wanted] == list(modules)


def test_the_kill_switch_that_cannot_be_asked_is_unknown(site: Site) -> None:
    """Its directory may be closed to this user."""
    clinic = site.clinic()._replace(killed=lambda: BLIND)
    from necism_monitor.app.doctor import examine  # noqa: PLC0415 - with a clinic of our own

    (item,) = of_check(examine(clinic), "kill-switch")
    assert (item.verdict, item.evidence) == (Health.UNKNOWN, "nobody can tell")


def test_a_pipe_is_passed_over_and_a_large_table_is_named(tmp_path: Path) -> None:
    """Nothing that could keep us waiting is opened, and nobody can tell what a table holds that was not read."""
    folder = tmp_path / "etc/cron.d"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / "large").write_text("x" * (surroundings.TEXT_MAX + 1))
    (folder / "gone").symlink_to("nowhere")
    found = HostSurroundings(ProcessRunner(), tmp_path).schedules()
    (large,) = found.unread
    assert found == Schedules(unread=(large,))
    assert large.text == f"{folder}/large was not read: it is larger than {surroundings.TEXT_MAX} bytes"
