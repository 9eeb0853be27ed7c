"""What a check costs this host's processor, beside an interpreter that only imports nagiosplugin.

Measured is the plugin's own time, user and system, of the whole process from its start to its end: of the commands it
starts nothing is counted, simulated ones being Python programs themselves.  A busy machine stretches both sides alike,
so the ratio is what is looked at: of medians, of runs that take turns.
"""

from __future__ import annotations

import compileall
import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import nagiosplugin

from benchmarks.figures import Mode
from benchmarks.passes import Shape, refresh_status, run_resync, write_scenario
from necism_monitor.app.look import read_array
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.simulator.create import create

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = 2.0
TRIES: Final = 6
_REFERENCE: Final = ("-c", "import nagiosplugin")
_PROCESS_CLOCK: Final = 2
"""CPUCLOCK_SCHED of the kernel's clock numbers: all threads of one process, none of its children."""
_NOT_SOURCE: Final = (".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis")


class Case(NamedTuple):
    """A configuration that is checked, with a warm map: how large it is, and what answers it."""

    shape: Shape
    source: str
    run: bool = False
    """Whether its journal holds a resync."""

    def __str__(self) -> str:
        return f"{self.shape.pairs} pairs, source = {self.source}{', after a resync' if self.run else ''}"


CASES: Final = (
    *(Case(Shape(pairs, bvs), source) for pairs, bvs in ((2, 2), (15, 3)) for source in ("commands", "file")),
    Case(Shape(2, 2), "commands", run=True),
)


class Cost(NamedTuple):
    """Medians in milliseconds."""

    check: float
    reference: float

    @property
    def ratio(self) -> float:
        """How many times the reference."""
        return self.check / self.reference


def install_wheel(place: Path) -> Path:
    """A virtualenv with the wheel of this source, made as a site makes it; returns its folder of commands."""
    source, wheels, folder = place / "source", place / "wheels", place / "venv" / "bin"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", wheels, source)
    _run(sys.executable, "-m", "venv", place / "venv")
    pip = (folder / "python", "-m", "pip", "--quiet", "--quiet", "--disable-pip-version-check", "install")
    _run(*pip, "--constraint", ROOT / "constraints-dev.txt", *wheels.glob("*.whl"))
    return folder


def install_copy(place: Path) -> Path:
    """The same without an index and its network: what a wheel holds, copied and compiled; the folder of commands."""
    venv.create(place / "venv", symlinks=True)
    (library,) = (place / "venv").glob("lib/python3*/site-packages")
    for package in (ROOT / "necism_monitor", Path(str(nagiosplugin.__file__)).parent):
        shutil.copytree(package, library / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "check_necism.py", library)
    compileall.compile_dir(library, quiet=1)
    plugin = place / "venv" / "bin" / "check_necism"
    plugin.write_text(f"#!{plugin.parent}/python\nimport sys\nfrom check_necism import main\nsys.exit(main())\n")
    plugin.chmod(0o755)
    return plugin.parent


def prepare(case: Case, place: Path) -> tuple[str, ...]:
    """A simulated array as `case` says, read once; returns the check's options for it."""
    place.mkdir()
    config = create(place / "array", write_scenario(case.shape, Mode.SET, place), "none").config
    settings = config / "necism.conf"
    settings.write_text(settings.read_text().replace("[necism]\n", f"[necism]\nsource = {case.source}\n", 1))
    if case.run:
        run_resync(config)
    if case.source == "file":
        sources = make_sources(load_config(Paths(config=str(config)), {}))
        sources.store.save({name: read_array(sources, name) for name in sources.readers})
    else:
        refresh_status(config)
    return ("--config", str(config))


def measure(folder: Path, options: Sequence[str], rounds: int) -> Cost:
    """The check and the reference in turns; where the ratio misses the target again, and the best counts.

    Whatever else runs can only add to a measurement; it cannot make one cheaper than it is.
    """
    check, reference = (str(folder / "check_necism"), *options), (str(folder / "python"), *_REFERENCE)
    tries: list[Cost] = []
    while len(tries) < TRIES and not any(one.ratio <= TARGET for one in tries):
        pairs = [(own_time(check), own_time(reference)) for _ in range(rounds)]
        tries.append(Cost(*(statistics.median(column) for column in zip(*pairs, strict=True))))
    return min(tries, key=lambda one: one.ratio)


def own_time(argv: Sequence[str]) -> float:
    """Milliseconds of processor time that one run of a program took for itself; raises SystemExit if it fails."""
    process = subprocess.Popen(argv, env=clean_environment(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    # The clock of a process that ended and was not waited for still stands; its children's time is not on it.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    spent = time.clock_gettime((~process.pid) << 3 | _PROCESS_CLOCK)
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(argv)} exited with {process.returncode}: {said.decode(errors='replace')}")
    return spent * 1000


def clean_environment() -> dict[str, str]:
    """Without what would lead Python back to this checkout, or have it measured by others too."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NECISM_", "COV"))}


def _run(*command: str | Path) -> None:
    argv = [str(word) for word in command]
    done = subprocess.run(argv, env=clean_environment(), capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
