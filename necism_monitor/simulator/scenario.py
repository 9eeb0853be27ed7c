"""Scenarios: the declarative starting point of a simulated array, shipped with the package or in a file.

A scenario is a JSON object:

    description   one line
    arrays        name of the [array] section -> its world; the first stands in DIR, others in DIR/arrays/NAME
    services      file name -> list of lines, written to DIR/config/services
    necism        further keys of the [necism] section, texts

An array's world has the keys array, also_visible, clock, options, volume_list, service, bvs, svs, lvs, faults (all
optional; necism_monitor/simulator/defaults.py lists their keys and defaults, faults.py those of faults), and config:
further keys of its [array] section. bvs, svs and lvs map a name to its keys. An SV may say `age` (such as `3h` or
`1d12h`, before the array's clock at creation; with a leading `-` it lies in the future) or `date`, printed as it is,
instead of `created` and `date_text`; generations and LDNs left out are numbered in file order.
"""

from __future__ import annotations

import copy
import difflib
import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple, cast

from necism_monitor.simulator import clock, defaults, faults, rules
from necism_monitor.simulator.shapes import Fault, World

SHIPPED = Path(__file__).parent / "scenarios"
UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
AGE = re.compile(r"(-?)((?:\d+[wdhms])+)")
SCENARIO_KEYS = ("description", "arrays", "services", "necism")
ARRAY_KEYS = (
    "array",
    "also_visible",
    "clock",
    "options",
    "volume_list",
    "service",
    "bvs",
    "svs",
    "lvs",
    "faults",
    "config",
)
TEMPLATES = {"bvs": defaults.BASE, "svs": defaults.SNAPSHOT, "lvs": defaults.LINK}


class ScenarioError(ValueError):
    """A scenario that cannot be used; the message names the file, the key and the rule."""


class Start(NamedTuple):
    """One array of a scenario: its world and the further keys of its [array] section."""

    world: World
    config: dict[str, str]


class Scenario(NamedTuple):
    """A whole scenario, ages resolved: arrays by name, service files by name, further keys of [necism]."""

    description: str
    arrays: dict[str, Start]
    services: dict[str, str]
    necism: dict[str, str]


def scenarios() -> dict[str, str]:
    """The shipped scenarios: name and one-line description."""
    return {path.stem: str(json.loads(path.read_text())["description"]) for path in sorted(SHIPPED.glob("*.json"))}


def load(scenario: str | Path, now: float) -> Scenario:
    """Read a shipped scenario by its name, or a file, as of host time `now`; raises ScenarioError."""
    path = _locate(scenario)
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ScenarioError(f"{path}: {error}") from error
    reader = _Reader(path)
    return reader.scenario(content, now)


def _locate(scenario: str | Path) -> Path:
    known = scenarios()
    if isinstance(scenario, str) and scenario in known:
        return SHIPPED / f"{scenario}.json"
    path = Path(scenario)
    if isinstance(scenario, Path) or path.suffix == ".json" or len(path.parts) > 1:
        return path
    near = difflib.get_close_matches(scenario, known, 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ScenarioError(f"scenario {scenario!r}: unknown{hint}; known: {', '.join(known)}, or the path of a JSON file")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for key, value in pairs:
        if key in whole:
            raise ValueError(f"key {key!r} stands twice in one object")
        whole[key] = value
    return whole


def age_seconds(text: str) -> int:
    """Seconds behind `3d` or `1h30m`, negative with a leading `-`; raises ValueError."""
    found = AGE.fullmatch(text)
    if not found:
        raise ValueError(f"age {text!r}: numbers with a unit of {' '.join(UNITS)}, such as 3h or 1d12h")
    total = sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([wdhms])", found[2]))
    return -total if found[1] else total


class _Reader:
    """Turns the JSON of one file into worlds, and knows the file for its errors."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def scenario(self, content: object, now: float) -> Scenario:
        whole = self._object(content, "the file", SCENARIO_KEYS)
        arrays = self._object(whole.get("arrays", {}), "arrays")
        if not arrays:
            raise self._error("arrays", "at least one array must stand here")
        services = self._object(whole.get("services", {}), "services")
        return Scenario(
            str(whole.get("description", "")),
            {name: self._start(f"arrays.{name}", array, now) for name, array in arrays.items()},
            {name: self._service(name, lines) for name, lines in services.items()},
            self._texts(whole.get("necism", {}), "necism"),
        )

    def _start(self, where: str, content: object, now: float) -> Start:
        given = self._object(content, where, ARRAY_KEYS)
        world = defaults.empty_world(now)
        parts = cast("dict[str, Any]", world)
        for key, template in (("array", defaults.ARRAY), ("options", defaults.OPTIONS)):
            parts[key] = self._filled(f"{where}.{key}", given.get(key, {}), template)
        parts["clock"] = {**self._filled(f"{where}.clock", given.get("clock", {}), defaults.CLOCK), "start": now}
        world["clock"]["jumps"] = self._list(f"{where}.clock.jumps", world["clock"]["jumps"], defaults.JUMP)
        parts["also_visible"] = self._list(f"{where}.also_visible", given.get("also_visible", []), defaults.OTHER_ARRAY)
        parts["volume_list"] = self._typed(f"{where}.volume_list", given.get("volume_list", True), default=True)
        parts["service"] = self._typed(f"{where}.service", given.get("service", True), default=True)
        array_now = math.floor(clock.array_time(world, now))
        for kind in TEMPLATES:
            volumes = self._object(given.get(kind, {}), f"{where}.{kind}")
            parts[kind] = {
                name: self._volume(f"{where}.{kind}.{name}", kind, volumes[name], array_now) for name in volumes
            }
        world["faults"] = self._faults(f"{where}.faults", given.get("faults", []))
        _number(world, given)
        self._check(where, world)
        return Start(world, self._texts(given.get("config", {}), f"{where}.config"))

    def _check(self, where: str, world: World) -> None:
        try:
            rules.check(world)
        except rules.ImpossibleWorld as error:
            raise self._error(where, str(error)) from error

    def _volume(self, where: str, kind: str, content: object, array_now: int) -> dict[str, Any]:
        keys = dict(self._object(content, where))
        if kind == "svs":
            self._resolve_date(where, keys, array_now)
        volume = self._filled(where, keys, TEMPLATES[kind])
        for index, pair in enumerate(volume["extra"]):
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):  # noqa: PLR2004 - a label and a value
                raise self._error(f"{where}.extra[{index}]", "must be a list of two texts, label and value")
        return volume

    def _resolve_date(self, where: str, keys: dict[str, Any], array_now: int) -> None:
        if "age" in keys:
            try:
                keys["created"] = array_now - age_seconds(str(keys.pop("age")))
            except ValueError as error:
                raise self._error(f"{where}.age", str(error)) from error
        if "date" in keys:
            keys["date_text"] = f"[{keys.pop('date')}]"

    def _faults(self, where: str, content: object) -> list[Fault]:
        if not isinstance(content, list):
            raise self._error(where, "must be a list of faults")
        whole = []
        for index, fault in enumerate(content):
            try:
                whole.append(faults.complete(self._object(fault, f"{where}[{index}]")))
            except faults.FaultError as error:
                raise self._error(f"{where}[{index}]", str(error)) from error
        return whole

    def _service(self, name: str, lines: object) -> str:
        where = f"services.{name}"
        if "/" in name or not name.endswith((".conf", ".env")):
            raise self._error(where, "a service file is named NAME.conf or NAME.env")
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise self._error(where, "must be a list of lines")
        return "\n".join([*lines, ""])

    def _list(self, where: str, content: object, template: dict[str, Any]) -> list[Any]:
        if not isinstance(content, list):
            raise self._error(where, "must be a list")
        return [self._filled(f"{where}[{index}]", item, template) for index, item in enumerate(content)]

    def _filled(self, where: str, content: object, template: dict[str, Any]) -> dict[str, Any]:
        given = self._object(content, where, tuple(template))
        typed = {key: self._typed(f"{where}.{key}", value, default=template[key]) for key, value in given.items()}
        return {**copy.deepcopy(template), **typed}

    def _typed(self, where: str, value: object, *, default: object) -> object:
        nullable = defaults.NULLABLE.get(where.rsplit(".", 1)[-1])
        if nullable is not None and value is None:
            return None
        expected = nullable if default is None and nullable is not None else type(default)
        fits = isinstance(value, (int, float) if expected is float else expected)
        if not fits or (isinstance(value, bool) and expected is not bool):
            raise self._error(where, f"{value!r} must be {_NAMES[expected]}")
        return value

    def _texts(self, content: object, where: str) -> dict[str, str]:
        keys = self._object(content, where)
        for key, value in keys.items():
            if not isinstance(value, str):
                raise self._error(f"{where}.{key}", f"{value!r} must be a text")
        return keys

    def _object(self, content: object, where: str, known: tuple[str, ...] = ()) -> dict[str, Any]:
        if not isinstance(content, dict):
            raise self._error(where, "must be an object of keys and values")
        for key in content:
            if known and key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                raise self._error(f"{where}.{key}", f"unknown key; {hint}")
        return content

    def _error(self, where: str, rule: str) -> ScenarioError:
        return ScenarioError(f"{self._path}: {where}: {rule}")


_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}


def _number(world: World, given: dict[str, Any]) -> None:
    """Give generations and LDNs to the volumes that were not given one, in file order."""
    counts: dict[str, int] = {}
    for name, sv in world["svs"].items():
        counts[sv["bv"]] = counts.get(sv["bv"], 0) + 1
        if "generation" not in given["svs"][name]:
            sv["generation"] = -counts[sv["bv"]]
    volumes = [*world["bvs"].values(), *world["svs"].values(), *world["lvs"].values()]
    used = {volume["ldn"] for volume in volumes}
    free = (number for number in range(0x10, rules.LDN_MAX) if number not in used)
    for volume in volumes:
        if volume["ldn"] < 0:
            volume["ldn"] = next(free)
