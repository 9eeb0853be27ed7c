"""What is installed with hashes, and what the packages bring along, is what is tested."""

import re
from pathlib import Path

import pytest

from necism_monitor import __version__
from tests.packaging.units import ROOT

REQUIREMENTS = ROOT / "packaging/requirements"
DEBIAN = ROOT / "packaging/deb/debian"
SPEC = (ROOT / "packaging/rpm/necism-monitor.spec").read_text(encoding="utf-8")
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z]+\])?==([^\s;]+)", re.MULTILINE)
MODULES = {"typing-extensions": "typing_extensions.py"}
"""What a wheel installs, where that is no folder of its own name."""


def pins(path: Path) -> dict[str, str]:
    """Name -> version of every pin in a file of requirements."""
    return {normal(name): version for name, version in PIN.findall(path.read_text(encoding="utf-8"))}


def normal(name: str) -> str:
    """Names differ in case and in the sign between words only by taste."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["ci", "vendor", "vendor-el9"])
def test_every_pin_has_hashes(name: str) -> None:
    """Of a pinned release pip accepts only the files whose hashes are written down."""
    text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links", text)


@pytest.mark.parametrize("name", ["vendor", "vendor-el9"])
def test_what_is_brought_along_is_what_is_tested(name: str) -> None:
    """Versions of the packages' copies are those of the development environment."""
    tested = pins(REQUIREMENTS / "ci.txt")
    assert {one: version for one, version in pins(REQUIREMENTS / f"{name}.txt").items() if tested[one] != version} == {}


def test_continuous_integration_tests_what_developers_test() -> None:
    """The pins with hashes contain those without."""
    wanted = pins(ROOT / "constraints-dev.txt")
    assert wanted
    assert wanted.items() <= pins(REQUIREMENTS / "ci.txt").items()


@pytest.mark.proves("K02")
def test_the_debian_packages_list_each_library() -> None:
    """Every library that is brought along belongs to exactly one package."""
    listed = [
        found
        for path in sorted(DEBIAN.glob("*.install"))
        for found in re.findall(r"^usr/lib/necism/vendor/(\S+)$", path.read_text(), re.MULTILINE)
    ]
    wanted = {MODULES.get(name, name.replace("-", "_")) for name in pins(REQUIREMENTS / "vendor.txt")}
    assert sorted(listed) == sorted(wanted)


@pytest.mark.proves("K02")
def test_the_spec_declares_each_library() -> None:
    """`bundled()` names every library that is brought along, with its version."""
    declared = dict(re.findall(r"^Provides: +bundled\(\S+dist\(([a-z0-9-]+)\)\) = (\S+)$", SPEC, re.MULTILINE))
    assert declared == pins(REQUIREMENTS / "vendor.txt")


def test_the_packages_have_the_version_of_the_program() -> None:
    """Debian's changelog and the spec are of this release."""
    assert (DEBIAN / "changelog").read_text().startswith(f"necism-monitor ({__version__}-1) ")
    assert f"\nVersion:        {__version__}\n" in SPEC
