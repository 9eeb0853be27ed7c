"""The packages, built once, and roots with them: for those tests that need more than the source."""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.packaging.clean_root import ALL, CHECK, ISM, ROOT, SIMULATED, CleanRoot, unpack
from tests.servers import require_server


@pytest.fixture(scope="session")
def debs() -> Mapping[str, Path]:
    """Package -> its file, as `make packages` makes them."""
    require_server("dpkg-buildpackage")
    done = subprocess.run(["make", "packages"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    found = sorted((ROOT / "build/packages").glob("*.deb"))
    return {path.name.partition("_")[0]: path for path in found}


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """Where roots lie; readable by the users in them, which pytest's own directories are not."""
    with tempfile.TemporaryDirectory(prefix="necism-roots-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def base(debs: Mapping[str, Path], place: Path) -> CleanRoot:
    """A clean root with what the packages depend on, a simulated array, a service of it, and the user nagios."""
    for program in ("debootstrap", "unshare", "setpriv"):
        require_server(program)
    root = unpack(place / "base")
    for path in debs.values():
        (root.path / "root" / path.name).write_bytes(path.read_bytes())
    planned = root.must("apt-get", "install", "--simulate", "--no-install-recommends", *files(debs, ALL))
    others = set(re.findall(r"^Inst (\S+)", planned, re.MULTILINE)) - set(ALL)
    install(root, *sorted(others))
    root.must("useradd", "--system", "nagios")
    return root


def files(debs: Mapping[str, Path], names: tuple[str, ...]) -> list[str]:
    """Where the packages lie in a root."""
    return [f"/root/{debs[name].name}" for name in names]


def install(root: CleanRoot, *words: str) -> str:
    """Install packages with what they depend on."""
    return root.must("apt-get", "--quiet", "install", "--yes", "--no-install-recommends", *words)


def simulate(root: CleanRoot) -> None:
    """Put a simulated array with a stale set into a root, and its service where the packages look for services."""
    root.must("necism", "simulator", "create", SIMULATED, "--scenario", "stale")
    root.must("cp", f"{SIMULATED}/config/services/erp-preprod.conf", "/etc/necism/services/")


@pytest.fixture(scope="session")
def checked(base: CleanRoot, debs: Mapping[str, Path], place: Path) -> CleanRoot:
    """A root in which somebody wanted the check and nothing else."""
    root = base.copy(place / "checked")
    install(root, *files(debs, CHECK))
    simulate(root)
    return root


@pytest.fixture(scope="session")
def full(base: CleanRoot, debs: Mapping[str, Path], place: Path) -> CleanRoot:
    """A root with all four packages, in which root has read the array once."""
    root = base.copy(place / "full")
    install(root, *files(debs, ALL))
    simulate(root)
    root.must("necism", *ISM, "collect")
    return root
