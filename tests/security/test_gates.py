"""What guards the repository can fail: bandit on a planted fault, pip on a file without a known hash."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

GENEROUS = 300
RECIPES = (ROOT / "Makefile").read_text(encoding="utf-8")
PLANTED = "import subprocess\n\n\ndef look(name: str) -> None:\n    subprocess.call(name, shell=True)\n"


def bandit_words() -> list[str]:
    """What `make lint` gives to bandit, and nothing behind it that would swallow its answer."""
    (line,) = re.findall(r"^\t@\$\(BIN\)/bandit (.*)$", RECIPES, re.MULTILINE)
    assert not re.search(r"[|;&]|exit-zero", line)
    return shlex.split(line)


@pytest.mark.parametrize(("source", "code"), [(PLANTED, 1), ("def look() -> None:\n    pass\n", 0)])
def test_bandit_gates(tmp_path: Path, source: str, code: int) -> None:
    """Called as `make lint` calls it, it fails on a planted fault and passes without."""
    (tmp_path / "necism_monitor").mkdir()
    (tmp_path / "necism_monitor" / "planted.py").write_text(source)
    (tmp_path / "check_necism.py").write_text("")
    command = [sys.executable, "-m", "bandit", *bandit_words()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=GENEROUS)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("shell=True" in done.stdout) is bool(code)


def test_continuous_integration_installs_by_hash() -> None:
    """HASHES is exported before the first make, and the recipe then has pip ask for the hash of everything."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    calls = [number for number, line in enumerate(script) if line.startswith("make ")]
    assert calls
    assert script.index("export HASHES=1") < min(calls)
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", "venv", "HASHES=1"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=GENEROUS).stdout
    installs = [line for line in shown.splitlines() if " install " in line and "-m pip" in line]
    assert [("--require-hashes" in line, "--no-deps --no-build-isolation" in line) for line in installs] == [
        (True, False),
        (False, True),
    ]


def test_a_swapped_file_is_not_installed(tmp_path: Path) -> None:
    """Of a pinned release with its hashes pip refuses a file that somebody else made, be it all that there is."""
    text = (ROOT / "packaging/requirements/ci.txt").read_text(encoding="utf-8")
    first = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1]
    (found,) = re.findall(r"^([A-Za-z0-9]+)==([0-9.]+) ", first)
    forge_wheel(tmp_path, *found)
    (tmp_path / "ci.txt").write_text(first)
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-index", "--find-links"]
    done = subprocess.run(
        [*command, tmp_path, "--target", tmp_path / "into", "--requirement", tmp_path / "ci.txt"],
        capture_output=True, text=True, check=False, timeout=GENEROUS,
    )  # fmt: skip
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "into").exists()


def forge_wheel(folder: Path, name: str, version: str) -> None:
    """A wheel of that name and version with nothing in it."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
