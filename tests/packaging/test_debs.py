"""The Debian packages: built here, installed in a clean root, used there by the users they are for, and purged."""

import re
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.cli.main import VERBS
from tests.packaging.clean_root import ALL, ISM, CleanRoot
from tests.packaging.units import INSTANCE, ROOT, UNITS, values
from tests.servers import require_server

pytestmark = [pytest.mark.long, pytest.mark.packages]

PLUGIN: Final = "/usr/lib/nagios/plugins/check_necism"
AS_NAGIOS: Final = ("setpriv", "--reuid=nagios", "--regid=nagios", "--clear-groups", "--no-new-privs")
AS_NECISM: Final = (
    "setpriv",
    "--reuid=necism",
    "--regid=necism",
    "--clear-groups",
    "--no-new-privs",
    "--bounding-set=-all",
)
HANDWRITTEN: Final = {"necism-monitor/postrm"}
"""Maintainer scripts with lines of ours: state goes at purge."""


def units_of(root: CleanRoot) -> set[str]:
    """Our units that are installed."""
    return {path.name for path in (root.path / "usr/lib/systemd/system").glob("necism-*")}


@pytest.mark.proves("K10")
def test_lintian_finds_no_fault(debs: Mapping[str, Path]) -> None:
    """Neither errors nor warnings that are not excused in packaging/deb/debian/lintian-excused."""
    (changes,) = (ROOT / "build/packages").glob("*.changes")
    command = [str(require_server("lintian")), "--no-tag-display-limit", str(changes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert "fatal" not in done.stderr, done.stderr
    assert [line for line in done.stdout.splitlines() if re.match(r"[EW]: ", line)] == []


@pytest.mark.proves("K01", "K03")
def test_the_packages_hold_nothing_that_does_not_belong_there(debs: Mapping[str, Path]) -> None:
    """No byte code, nothing in /usr/local or /etc/sudoers.d, and no program that looks for its interpreter in PATH."""
    assert set(debs) == set(ALL)
    for path in debs.values():
        names = subprocess.run(["dpkg-deb", "--contents", path], capture_output=True, text=True, check=True).stdout
        assert not re.search(r"\.py[co]$|__pycache__|\./usr/local|sudoers\.d", names, re.MULTILINE)
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["dpkg-deb", "--extract", path, place], check=True)
            found = [
                one for one in Path(place).rglob("*") if one.is_file() and one.read_bytes()[:14] == b"#!/usr/bin/env"
            ]
        assert found == []


@pytest.mark.proves("K03")
def test_every_library_that_comes_along_is_declared(debs: Mapping[str, Path]) -> None:
    """The copyright file has the licence of each, by its short name and in full."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["dpkg-deb", "--extract", debs["necism-exporter"], place], check=True)
        text = Path(place, "usr/share/doc/necism-exporter/copyright").read_text()
        brought = {path.name for path in Path(place, "usr/lib/necism/vendor").iterdir()}
    paragraphs = {
        name: part for part in text.split("\n\n") for name in re.findall(r"^Files: vendor/(\S+)", part, re.MULTILINE)
    }
    assert brought | {"nagiosplugin"} == set(paragraphs)
    for part in paragraphs.values():
        assert re.search(r"^Copyright: \S.*\nLicense: \S", part, re.MULTILINE)
        assert re.search(r"warranty|WARRANTIES|common-licenses", part, re.IGNORECASE)


@pytest.mark.proves("K04")
def test_maintainer_scripts_are_debhelpers(debs: Mapping[str, Path]) -> None:
    """Outside the blocks that debhelper and dh-python write, nothing is done at installation; at purge state goes."""
    for name, path in debs.items():
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["dpkg-deb", "--control", path, place], check=True)
            scripts = {one.name: one.read_text() for one in Path(place).iterdir() if one.name.startswith(("p", "con"))}
        for script in {"preinst", "postinst", "prerm", "postrm"} & set(scripts):
            blocks = r"^# Automatically added by dh_.*?^# End automatically added section$"
            rest = re.sub(blocks, "", scripts[script], flags=re.MULTILINE | re.DOTALL)
            lines = {line for line in rest.splitlines() if line and not line.startswith("#")}
            ours = lines - {"set -e", "exit 0"}
            assert ours == set() or f"{name}/{script}" in HANDWRITTEN


@pytest.mark.proves("K08")
def test_the_check_brings_nothing_that_acts(checked: CleanRoot) -> None:
    """With the check alone there is no unit but the collector's, nothing is enabled, and sudo knows nothing of us."""
    assert units_of(checked) == {"necism-collect.service", "necism-collect.timer"}
    assert [str(path) for path in (checked.path / "etc/systemd").rglob("*necism*")] == []
    assert not list((checked.path / "etc").glob("sudoers.d/*necism*"))
    assert "necism-resync" not in checked.must("dpkg-query", "--show")


@pytest.mark.proves("K02", "N11")
def test_the_plugin_works_as_nagios(checked: CleanRoot) -> None:
    """User nagios gets UNKNOWN before the array was read, and WARNING for a stale set after; never more rights."""
    blind = checked.run(*AS_NAGIOS, PLUGIN)
    assert (blind.returncode, blind.stderr) == (3, "")
    assert "stale" in blind.stdout
    checked.must("necism", *ISM, "collect")
    done = checked.run(*AS_NAGIOS, PLUGIN)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("NECISM WARNING - ")


def test_the_demo_says_which_package_it_lacks(checked: CleanRoot) -> None:
    """Without the exporter's libraries the demo ends with the name of the package that has them."""
    done = checked.run("necism", "demo", "--once")
    assert done.returncode == 3
    assert "install the package necism-exporter" in done.stderr


def test_everything_is_byte_compiled(full: CleanRoot) -> None:
    """A user who may not write byte code would pay for its lack at every start."""
    home = full.path / "usr/lib/necism"
    sources = [path for path in home.rglob("*.py") if path.stat().st_size]
    assert len(sources) > 100
    assert [path for path in sources if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))] == []


@pytest.mark.proves("K05")
def test_the_units_fit_the_system(full: CleanRoot) -> None:
    """Every unit is installed, the root's own systemd has no complaint, and none of them is enabled."""
    assert units_of(full) == {path.name for path in UNITS}
    names = [path.name.replace("@.", f"@{INSTANCE}.") for path in UNITS]
    done = full.run("systemd-analyze", "verify", "--man=no", *names)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [str(path) for path in (full.path / "etc/systemd").rglob("*necism*")] == []


@pytest.mark.proves("K09")
def test_manual_and_completion_come_along(full: CleanRoot) -> None:
    """Every page that a unit names is there, every verb has its page, and each shell its completion."""
    named = {page for path in UNITS for value in values(path, "Documentation") for page in value.split()}
    share = full.path / "usr/share"
    pages = {f"man:{one.name[: -len('.1.gz')]}({one.name[-4]})" for one in share.glob("man/man*/*necism*.gz")}
    assert named <= pages
    assert {f"necism-{verb}" for verb in VERBS} <= {page[len("man:") :].partition("(")[0] for page in pages}
    shells = ("bash-completion/completions/necism", "zsh/vendor-completions/_necism")
    assert all((share / name).is_file() for name in (*shells, "fish/vendor_completions.d/necism.fish"))


@pytest.mark.proves("K04", "K07")
def test_user_and_directories_are_as_the_services_need_them(full: CleanRoot) -> None:
    """The user cannot log in; root alone writes state and run directory; the group may leave requests."""
    assert full.must("getent", "passwd", "necism").endswith(":/var/lib/necism:/usr/sbin/nologin\n")
    places = ("/var/lib/necism", "/run/necism", "/run/necism/requests", "/etc/necism")
    told = full.must("stat", "--format=%a %U:%G", *places)
    assert told.splitlines() == ["755 root:root", "755 root:root", "2770 root:necism", "755 root:root"]
    conffiles = full.must("dpkg-query", "--show", "--showformat=${Conffiles}\n", *ALL)
    assert {line.split()[0] for line in conffiles.splitlines() if line} == {
        "/etc/necism/necism.conf",
        "/etc/nagios-plugins/config/necism.cfg",
    }


def test_the_demo_tells_its_story(full: CleanRoot) -> None:
    """`necism demo --once` goes from warn to up with the packages alone."""
    told = full.must("necism", "demo", "--once")
    assert "NECISM WARNING" in told
    assert "NECISM OK" in told
    assert "erp-preprod/sync#1: done and verified" in told


@pytest.mark.proves("K02", "S13")
def test_the_exporter_serves_without_rights(full: CleanRoot) -> None:
    """As necism, without capabilities, it tells what root has read and what root has done since, and writes nothing."""
    full.must("necism", *ISM, "resync", "erp-preprod")
    before = full.files()
    words = (*AS_NECISM, "necism", "exporter", "--web.listen-address", "127.0.0.1:0")
    with full.running(*words) as exporter:
        body = scrape(exporter)
    assert 'necism_up{array="default"} 1.0' in body
    assert 'necism_resource_status{resource="sync#1",service="erp-preprod",status="up"} 1.0' in body
    assert 'necism_resync_runs_total{resource="sync#1",service="erp-preprod"} 1.0' in body
    assert full.files() - before == set()


def scrape(exporter: subprocess.Popen[str]) -> str:
    """The metrics of an exporter that logs where it listens."""
    assert exporter.stderr is not None
    said = list[str]()
    for line in exporter.stderr:
        said.append(line)
        if found := re.search(r"listening on (\S+)", line):
            with urllib.request.urlopen(f"http://{found[1]}", timeout=60) as answer:
                return str(answer.read().decode())
    raise AssertionError("".join(said))


@pytest.mark.proves("K07")
def test_a_purge_leaves_nothing(full: CleanRoot, base: CleanRoot) -> None:
    """Removal keeps configuration and journals; a purge takes all but the account and what the administrator wrote.

    The last test of this file: the packages are gone after it.
    """
    before = base.files()
    full.must("dpkg", "--remove", *reversed(ALL))
    kept = full.files()
    assert {"/etc/necism/necism.conf", "/var/lib/necism/runs"} <= kept
    assert not any(name.startswith("/usr/lib/necism") for name in kept)
    full.must("dpkg", "--purge", *reversed(ALL))
    written = {"/etc/necism", "/etc/necism/services", "/etc/necism/services/erp-preprod.conf"}
    assert {name for name in full.files() - before if not name.startswith("/srv")} == written
