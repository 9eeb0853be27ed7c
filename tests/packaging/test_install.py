"""What is built here installs elsewhere, and works without the checkout."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from necism_monitor import __version__
from tests.architecture.house import ROOT

pytestmark = pytest.mark.long

LEFT_BEHIND: Final = (
    ".git",
    ".venv",
    "build",
    "dist",
    "*.egg-info",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    ".coverage*",
)
SLOW_NETWORK: Final = 900


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command outside the checkout, as somebody would who has never seen it."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=SLOW_NETWORK,
    )


def clean_environment() -> Mapping[str, str]:
    """Without what would lead Python, the product or coverage back to the checkout."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "NECISM_", "COVERAGE_"))}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with sdist and wheel; the wheel is built from the sdist, so nothing missing there goes unnoticed."""
    source, out = tmp_path_factory.mktemp("copy") / "source", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    built = run(sys.executable, "-m", "build", "--outdir", out, source, cwd=out)
    assert built.returncode == 0, built.stdout + built.stderr
    return out


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an empty virtualenv that got the wheel with its extras."""
    home = tmp_path_factory.mktemp("venv")
    made = run(sys.executable, "-m", "venv", home, cwd=home)
    assert made.returncode == 0, made.stderr
    wheel = next(distributions.glob("*.whl"))
    pip = (home / "bin" / "python", "-m", "pip", "--quiet", "--quiet", "--disable-pip-version-check", "install")
    done = run(*pip, "--constraint", ROOT / "constraints-dev.txt", f"{wheel}[web,terminal]", cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "bin"


def test_the_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    """`necism --version` of the installed wheel exits 0 and names the version of the source."""
    done = run(installed / "necism", "--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert __version__ in done.stdout


def test_the_check_tells_its_options(installed: Path, tmp_path: Path) -> None:
    """`check_necism --help` exits 3: whatever is no verdict is UNKNOWN to Nagios."""
    done = run(installed / "check_necism", "--help", cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "--critical-on" in done.stdout


def test_the_wheel_holds_the_package_and_nothing_else(distributions: Path) -> None:
    """Data files travel with the package; tests and papers stay at home."""
    names = zipfile.ZipFile(next(distributions.glob("*.whl"))).namelist()
    assert {name.split("/")[0] for name in names} == {
        "necism_monitor",
        "check_necism.py",
        f"necism_monitor-{__version__}.dist-info",
    }
    package = ROOT / "necism_monitor"
    sources = {
        str(path.relative_to(ROOT)) for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources - set(names) == set()


def test_the_source_distribution_can_be_tested(distributions: Path) -> None:
    """It carries the tests, their data and the papers, as MANIFEST.in promises."""
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        path for folder in ("tests", "docs", "benchmarks", "packaging", ".ci") for path in (ROOT / folder).rglob("*")
    }
    files = {str(path.relative_to(ROOT)) for path in wanted if path.is_file() and "__pycache__" not in path.parts}
    assert files | {"Makefile", "LICENSE", "README.md", "ARCHITECTURE.md", "constraints-dev.txt"} <= names
