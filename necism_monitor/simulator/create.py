"""Make a simulated array on disk: commands, world, and a configuration that points to them."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

from necism_monitor.simulator import calls, defaults, host, latency, scenario, world
from necism_monitor.simulator.grammar import COMMANDS
from necism_monitor.simulator.scenario import Scenario, Start

MARK = "simulator.json"  # says that a directory is a simulated array, and may be replaced by another
OWN = (MARK, "bin", "config", "arrays", "state", "run", host.ROOT, world.WORLD, world.LOCK, calls.LOG)

START = (
    "import os, sys; root, directory, name = sys.argv[1:4]; sys.path.append(root); "
    "from necism_monitor.simulator.command import main; os._exit(main(directory, [name, *sys.argv[4:]]))"
)


class CreateError(ValueError):
    """A directory that cannot become a simulated array; the message says why and what to do."""


class Created(NamedTuple):
    """What was made: the directory, its configuration, each array's own directory by name, the service files."""

    directory: Path
    config: Path
    arrays: dict[str, Path]
    services: tuple[Path, ...]


def create(directory: Path, scenario_name: str | Path, latency_text: str, *, force: bool = False) -> Created:
    """Make the simulated array `scenario_name` (a shipped name or a JSON file) in `directory`.

    `latency_text` is none, seed or a factor. With `force` an older simulated array there is replaced, whole.
    Raises CreateError, scenario.ScenarioError, or ValueError for the latency: nothing is changed then.
    """
    factor = latency.parse(latency_text)
    directory = directory.absolute()
    content = scenario.load(scenario_name, math.floor(time.time()))
    _check_devices(content)
    _clear(directory, force=force)
    _write(directory / MARK, json.dumps({"format": defaults.FORMAT, "scenario": str(scenario_name)}) + "\n")
    places = _places(directory, content)
    for name, start in content.arrays.items():
        _write_array(places[name], start, factor)
    host.make(directory, [start.world for start in content.arrays.values()])
    services = _write_config(directory, content, places)
    return Created(directory, directory / "config", places, services)


def _places(directory: Path, content: Scenario) -> dict[str, Path]:
    """Where each array lives: the first in the directory itself, others below it."""
    first, *others = content.arrays
    return {first: directory, **{name: directory / "arrays" / name for name in others}}


def _check_devices(content: Scenario) -> None:
    """A device that exists here could be opened by whoever believes the screens."""
    for name, start in content.arrays.items():
        if start.world["options"]["real_devices"]:
            continue
        for volume, values in {**start.world["bvs"], **start.world["svs"], **start.world["lvs"]}.items():
            special = values["special_file"] or ""
            if special.startswith("/") and Path(special).exists():
                raise CreateError(
                    f"array {name}: {volume}: special file {special} exists on this host; "
                    "use a name that does not exist, or set the option real_devices"
                )


def _clear(directory: Path, *, force: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise CreateError(f"{directory}: is no directory")
    directory.mkdir(parents=True, exist_ok=True)
    found = sorted(path.name for path in directory.iterdir())
    if not found:
        return
    if MARK not in found:
        raise CreateError(f"{directory}: is not empty and no simulated array (holds {found[0]}); name a new directory")
    if not force:
        raise CreateError(f"{directory}: holds a simulated array already; force replaces it with its journal and log")
    for name in OWN:
        path = directory / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _write_array(place: Path, start: Start, factor: float) -> None:
    start.world["latency"] = factor
    (place / "bin").mkdir(parents=True)
    world.save(str(place), start.world)
    (place / world.LOCK).touch()
    root = Path(__file__).parents[2]
    for name in COMMANDS:
        words = [sys.executable, "-IS", "-c", START, str(root), str(place), name]
        # A shell between: a first line of a script may be no longer than 127 bytes on some systems, and have no blanks.
        _write(place / "bin" / name, f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (place / "bin" / name).chmod(0o755)


def _write_config(directory: Path, content: Scenario, places: dict[str, Path]) -> tuple[Path, ...]:
    config = directory / "config"
    (config / "services").mkdir(parents=True)
    for name in ("state", "run"):
        (directory / name).mkdir()
    own = {name: shlex.quote(f"{directory}/{name.removesuffix('_dir')}") for name in ("state_dir", "run_dir")}
    own["host_root"] = shlex.quote(f"{directory}/{host.ROOT}")
    sections = {"necism": {**own, **content.necism}}
    for name, start in content.arrays.items():
        zone = start.world["clock"]["zone"]
        zoned = {} if zone == "host" else {"timezone": zone}
        sections[f"array {name}"] = {"ism_path": shlex.quote(f"{places[name]}/bin"), **zoned, **start.config}
    _write(config / "necism.conf", "\n".join(_section(name, keys) for name, keys in sections.items()))
    services = tuple(config / "services" / name for name in content.services)
    for path in services:
        _write(path, content.services[path.name])
    return services


def _section(name: str, keys: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in keys.items()), ""])


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
