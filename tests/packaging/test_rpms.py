"""The RPM spec: rpm and rpmlint accept it, and it builds, with stand-ins for the macros that only EL has."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.clean_root import PATH
from tests.packaging.units import ROOT, UNITS
from tests.servers import require_server

SPEC: Final = ROOT / "packaging/rpm/necism-monitor.spec"
STAND_INS: Final = Path(__file__).with_name("el.macros")
EL9: Final = ("--define", "rhel 9")
PYTHON_MACROS: Final = ("%pyproject_buildrequires", "%pyproject_wheel", "%pyproject_install")
CONFIGURED: Final = ("--config", str(ROOT / "packaging/rpm/rpmlint.toml"))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of rpm's programs with the system's own Python in front."""
    return subprocess.run(
        [str(word) for word in words],
        env={**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )


def lint(*files: Path) -> list[str]:
    """What rpmlint calls an error or a warning and nobody excused."""
    done = run(require_server("rpmlint"), *CONFIGURED, *files)
    said = [line for line in done.stdout.splitlines() if re.search(r": [EW]: ", line)]
    assert "specfiles checked" in done.stdout, done.stdout + done.stderr
    return said


@pytest.mark.proves("K10")
def test_rpmlint_finds_no_fault_in_the_spec() -> None:
    """What is excused stands with its reason in packaging/rpm/rpmlint.toml."""
    assert lint(SPEC) == []


@pytest.mark.proves("K01")
@pytest.mark.parametrize(("release", "python"), [((), "python3-jinja2"), (EL9, "python3.12")])
def test_rpm_can_read_the_spec(release: tuple[str, ...], python: str) -> None:
    """For EL 10 libraries are the distribution's, for EL 9 Python 3.12 brings them along; both use the macros."""
    done = run(require_server("rpmspec"), *release, "--load", STAND_INS, "--parse", SPEC)
    assert done.returncode == 0, done.stderr
    required = set(re.findall(r"^Requires: +(\S+)$", done.stdout, re.MULTILINE))
    assert python in required
    assert ("python3-jinja2" in required) == (release == ())
    assert [macro for macro in PYTHON_MACROS if f"\n{macro}" not in SPEC.read_text()] == []


@pytest.mark.proves("K04")
def test_scriptlets_are_macros_only() -> None:
    """Between %pre and %files nothing stands but macros of systemd and sysusers."""
    part = SPEC.read_text().partition("%check\n")[2].partition("\n%files")[0]
    lines = {line.split()[0] for line in part.splitlines() if line and not line.startswith(("#", "sh "))}
    sections = {"%pre", "%post", "%preun", "%postun", "%if", "%endif"}
    macros = {"%sysusers_create_compat", "%systemd_post", "%systemd_preun", "%systemd_postun"}
    assert lines == sections | macros | {"%systemd_postun_with_restart"}


@pytest.fixture(scope="module")
def sources() -> Path:
    """What `make rpm-sources` makes."""
    require_server("rpmbuild")
    made = subprocess.run(["make", "rpm-sources"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800)
    assert made.returncode == 0, made.stdout + made.stderr
    return ROOT / "build/rpm/SOURCES"


@pytest.fixture(scope="module", params=[(), EL9], ids=["el10", "el9"])
def rpms(request: pytest.FixtureRequest, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Package -> its file, built from the source distribution and the wheels beside it."""
    top = tmp_path_factory.mktemp("rpm")
    defined = ("--define", f"_topdir {top}", "--define", f"_sourcedir {sources}")
    done = run(require_server("rpmbuild"), "-bb", "--nodeps", *defined, *request.param, "--load", STAND_INS, SPEC)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return {path.name.rpartition("-0")[0]: path for path in top.glob("RPMS/*/*.rpm")}


def contents(package: Path, *options: str) -> set[str]:
    """The files of a package."""
    done = run(require_server("rpmspec").with_name("rpm"), "--query", "--package", "--list", *options, package)
    return set(done.stdout.splitlines())


@pytest.mark.long
@pytest.mark.packages
@pytest.mark.proves("K01", "K05", "K08")
def test_the_packages_are_cut_as_those_of_debian(rpms: Mapping[str, Path]) -> None:
    """The check brings no unit that acts along; units lie where systemd looks for those of packages."""
    assert set(rpms) == {"necism-monitor", "necism-exporter", "nagios-plugins-necism", "necism-resync"}
    units = {
        name: {Path(one).name for one in contents(path) if one.startswith("/usr/lib/systemd/system/")}
        for name, path in rpms.items()
    }
    assert units["necism-monitor"] == {"necism-collect.service", "necism-collect.timer"}
    assert units["nagios-plugins-necism"] == set()
    assert units["necism-exporter"] == {"necism-exporter.service"}
    assert set().union(*units.values()) == {path.name for path in UNITS}


@pytest.mark.long
@pytest.mark.packages
@pytest.mark.proves("K03", "K07")
def test_configuration_is_kept_and_licences_are_there(rpms: Mapping[str, Path]) -> None:
    """necism.conf is noreplace; every library's licence is a %license file; nothing lies in /usr/local."""
    assert contents(rpms["necism-monitor"], "--configfiles") == {"/etc/necism/necism.conf"}
    files = set().union(*(contents(path) for path in rpms.values()))
    assert not any(name.startswith("/usr/local") or "sudoers.d" in name for name in files)
    licences = {Path(name).parent.name.rpartition("-")[0] for name in files if "/licences/" in name}
    assert {"nagiosplugin", "prometheus_client", "starlette", "uvicorn", "h11", "anyio"} <= licences


@pytest.mark.long
@pytest.mark.packages
@pytest.mark.proves("K10")
def test_rpmlint_finds_no_fault_in_the_packages(rpms: Mapping[str, Path]) -> None:
    """Neither errors nor warnings that are not excused."""
    assert lint(*rpms.values()) == []
