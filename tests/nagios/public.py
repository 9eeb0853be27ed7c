"""The plugin where every user of the host can run it, and an array that answers from its observation file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nagiosplugin

from necism_monitor.app.look import read_array
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.simulator.create import create
from tests.nagios.builders import PLUGIN, ROOT


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder for everybody with the package, its library and the plugin; pytest's own are closed to other users."""
    folder = Path(tempfile.mkdtemp())
    library = Path(str(nagiosplugin.__file__)).parent
    for source in (ROOT / "necism_monitor", library):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PLUGIN, folder)
    open_to_all(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def open_to_all(folder: Path) -> None:
    """Everybody may read and list; what may be executed stays so."""
    for path in [folder, *folder.rglob("*")]:
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)


def collect_into_file(place: Path, scenario: str) -> Path:
    """A simulated array with `source = file`, just collected; its directory."""
    directory = create(place, scenario, "none").directory
    settings = directory / "config" / "necism.conf"
    settings.write_text(settings.read_text().replace("[necism]\n", "[necism]\nsource = file\n", 1))
    sources = make_sources(load_config(Paths(config=str(directory / "config")), {}))
    sources.store.save({name: read_array(sources, name) for name in sources.readers})
    return directory


def python_for_everybody(user: str = "nobody") -> str | None:
    """An interpreter that another user may run and that is new enough."""
    suitable = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run([python, "-c", suitable], user=user, capture_output=True, check=False)
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None
