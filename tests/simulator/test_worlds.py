"""Impossible worlds are refused, at creation and after every change; scenarios are read strictly."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from necism_monitor.simulator import defaults, rules
from necism_monitor.simulator.scenario import ScenarioError, age_seconds, load, scenarios
from necism_monitor.simulator.shapes import World
from necism_monitor.simulator.world import edit_world, read_world
from tests.simulator.simulated import Simulated

BV, SV, LV = "SOURCE_0001", "SOURCE_0001_SV006D", "SOURCE_0001_LV00A6"


def rename(kind: str, old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(world: dict[str, Any]) -> None:
        world[kind][new] = world[kind].pop(old)

    return change


def put(value: object, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(world: dict[str, Any]) -> None:
        part: Any = world
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value

    return change


IMPOSSIBLE = [
    (
        put("SOURCE_0002_SV0055", "lvs", LV, "shows"),
        f"LV {LV} of {BV}: linked to SOURCE_0002_SV0055, an SV of another BV",
    ),
    (put("NOBODY", "lvs", LV, "shows"), "shows 'NOBODY', and there is no such SV"),
    (put("NOBODY", "lvs", LV, "bv"), "its BV 'NOBODY' does not exist"),
    (put("NOBODY", "svs", SV, "bv"), "its BV 'NOBODY' does not exist"),
    (put(None, "svs", SV, "created"), f"SV {SV}: snap/active without a date"),
    (put("", "svs", SV, "state"), "no image (state '') but a date"),
    (put(0, "svs", SV, "generation"), "generation 0"),
    (put(0x55, "svs", SV, "ldn"), "LDN 0055 is already that of"),
    (put(65536, "svs", SV, "ldn"), "LDN 65536 is not in"),
    (rename("svs", "SOURCE_0002_SV0055", "A" * 25), "25 characters, an LD name has 1 to 24"),
    (rename("svs", "SOURCE_0002_SV0055", "WITH BLANK"), "blanks, parentheses"),
    (rename("svs", "SOURCE_0002_SV0055", BV), f"LD name '{BV}': two logical disks"),
    (put("two\nlines", "svs", SV, "guard"), "would break its line"),
    (put("A" * 33, "array", "name"), "1 to 32 characters"),
    (put("A" * 18, "array", "product_id"), "longer than its column"),
    (put([{**defaults.OTHER_ARRAY, "name": "D1_10"}], "also_visible"), "two arrays of one name"),
    (put("Europe/Nowhere", "clock", "zone"), "clock zone 'Europe/Nowhere'"),
    (put("../etc/passwd", "clock", "zone"), "clock zone '../etc/passwd'"),
    (put(-1.0, "latency"), "a negative factor"),
    (put("maybe", "options", "create_under_link"), "one of refuse, refresh"),
]


@pytest.mark.parametrize(("change", "said"), IMPOSSIBLE, ids=[said[:40] for _, said in IMPOSSIBLE])
def test_an_impossible_change_is_refused_and_named(
    seed: Simulated, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    """The error says what cannot be, and the world on disk is the one before."""
    before = read_world(seed.directory)
    with pytest.raises(rules.ImpossibleWorld) as caught, edit_world(seed.directory) as world:
        change(world)  # type: ignore[arg-type]  # a world is a plain dict
    assert said in str(caught.value)
    assert before == read_world(seed.directory)


def test_two_lvs_on_one_sv_and_two_svs_of_one_generation(seed: Simulated) -> None:
    """Both are impossible; the first can be allowed by the world's option."""
    world = read_world(seed.directory)
    world["lvs"]["SECOND"] = defaults.link_volume(bv=BV, ldn=0x900, shows=SV)
    world["svs"]["TWIN"] = defaults.snapshot_volume(bv=BV, ldn=0x901, created=1.0)
    with pytest.raises(rules.ImpossibleWorld) as caught:
        rules.check(world)
    assert f"SV {SV}: shown by 2 LVs" in str(caught.value)
    assert "generation -1 of SOURCE_0001 is already" in str(caught.value)
    world["options"]["several_lvs"] = True
    del world["svs"]["TWIN"]
    rules.check(world)


def test_an_error_inside_an_edit_changes_nothing(seed: Simulated) -> None:
    """The lock is given back and the file stays."""

    def edit() -> None:
        with edit_world(seed.directory) as world:
            world["svs"][SV]["guard"] = "on"
            del world["svs"]["NOBODY"]

    with pytest.raises(KeyError, match="NOBODY"):
        edit()
    assert read_world(seed.directory)["svs"][SV]["guard"] == "off"


def test_the_shipped_scenarios_have_a_line_each() -> None:
    """Four names, each with its description."""
    known = scenarios()
    assert {"seed", "stale", "eight", "odd"} <= known.keys()
    assert all(line and "\n" not in line for line in known.values())


@pytest.mark.parametrize("name", ["seed", "stale", "eight", "odd"])
def test_the_shipped_scenarios_are_possible_worlds(name: str) -> None:
    """Each loads, has a service, and names no volume of its services that the world lacks, but for the odd ones."""
    scenario = load(name, 1_700_000_000)
    (start,) = scenario.arrays.values()
    names = {*start.world["svs"], *start.world["lvs"]}
    lines = [line for text in scenario.services.values() for line in text.splitlines() if not line.startswith("#")]
    pairs = [word for line in lines for word in line.split() if ":" in word]
    missing = {half for pair in pairs for half in pair.split(":") if half not in names}
    assert ({"ODD_NOSV_SV", "ODD_NOLV_LV"} if name == "odd" else set()) == missing


def test_eight_is_eight_pairs_on_two_base_volumes() -> None:
    """One resource, healthy, about three hours old."""
    scenario = load("eight", 1_700_000_000)
    world = scenario.arrays["default"].world
    assert (len(world["bvs"]), len(world["svs"]), len(world["lvs"])) == (2, 8, 8)
    ages = [1_700_000_000 - (sv["created"] or 0) for sv in world["svs"].values()]
    assert all(2.5 * 3600 <= age <= 3 * 3600 for age in ages)
    newest_first = sorted(
        (sv for sv in world["svs"].values() if sv["bv"] == "CRM_PRD_DATA"), key=lambda sv: -sv["generation"]
    )
    created = [sv["created"] or 0 for sv in newest_first]
    assert sorted(created, reverse=True) == created


def test_ages_are_relative_to_the_arrays_clock_to_the_second() -> None:
    """Three days before the array's now; a leading minus lies ahead of it."""
    assert (
        1_700_000_000
        - (load("stale", 1_700_000_000).arrays["default"].world["svs"]["ERP_PRD_DATA_SV0041"]["created"] or 0)
        == 3 * 86400
    )
    odd = load("odd", 1_700_000_000).arrays["default"].world["svs"]
    assert odd["ODD_FUTURE_SV"]["created"] == 1_700_007_200
    assert (age_seconds("1d2h3m4s"), age_seconds("-1h30m"), age_seconds("1w")) == (93784, -5400, 604800)


def world_file(tmp_path: Path, **array: object) -> Path:
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"description": "own", "arrays": {"default": array}}))
    return path


@pytest.mark.parametrize(
    ("array", "said"),
    [
        ({"svs": {"A": {"bv": "B", "stat": "x"}}}, "arrays.default.svs.A.stat: unknown key; did you mean state?"),
        ({"svs": {"A": {"bv": "B", "age": "3"}}}, "arrays.default.svs.A.age: age '3'"),
        ({"svs": {"A": {"bv": "B", "age": "1h"}}}, "arrays.default: impossible world: SV A: its BV 'B' does not exist"),
        ({"bvs": {"B": {"ldn": "5"}}}, "arrays.default.bvs.B.ldn: '5' must be a whole number"),
        ({"bvs": {"B": {"ldn": True}}}, "must be a whole number"),
        ({"bvs": {"B": {"extra": ["x"]}}}, "bvs.B.extra[0]: must be a list of two texts"),
        ({"bvs": []}, "arrays.default.bvs: must be an object"),
        ({"clock": {"jumps": {}}}, "clock.jumps: '{}' must be a list"),
        ({"clock": {"jumps": [{"before": 1}]}}, "clock.jumps[0].before: unknown key"),
        ({"also_visible": {}}, "also_visible: must be a list"),
        ({"faults": {}}, "faults: must be a list of faults"),
        ({"faults": [{"kind": "explode"}]}, "arrays.default.faults[0]: kind 'explode': unknown"),
        ({"config": {"host": 5}}, "arrays.default.config.host: 5 must be a text"),
        ({"volumes": {}}, "arrays.default.volumes: unknown key"),
    ],
)
def test_a_wrong_scenario_file_is_named_with_its_key(tmp_path: Path, array: dict[str, object], said: str) -> None:
    """File, key and rule stand in the error."""
    path = world_file(tmp_path, **array)
    with pytest.raises(ScenarioError) as caught:
        load(path, time.time())
    assert str(caught.value).startswith(f"{path}: ")
    assert said.replace("'{}'", "{}") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"arrays": {"a": {}, "a": {}}}', "key 'a' stands twice"),
        ("{", "line 1"),
        ("[]", "the file: must be an object"),
        ("{}", "arrays: at least one array"),
        ('{"arrays": {"a": {}}, "services": {"x": []}}', "services.x: a service file is named"),
        ('{"arrays": {"a": {}}, "services": {"x.conf": "text"}}', "services.x.conf: must be a list of lines"),
    ],
)
def test_a_wrong_scenario_text_is_named(tmp_path: Path, text: str, said: str) -> None:
    """Broken JSON, double keys, and files of another kind."""
    path = tmp_path / "own.json"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load(str(path), time.time())
    assert said in str(caught.value)


def test_an_unknown_scenario_lists_the_known(tmp_path: Path) -> None:
    """And guesses which was meant; a path that cannot be read says why."""
    with pytest.raises(ScenarioError, match=r"'sead': unknown \(did you mean seed\?\); known: eight, odd, seed, stale"):
        load("sead", 0)
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        load(tmp_path / "none.json", 0)


def test_nulls_stand_only_where_nothing_is_a_value(tmp_path: Path) -> None:
    """An LV without special file or SV is possible, a type of null is not."""
    good = world_file(tmp_path, bvs={"B": {"special_file": None}}, lvs={"L": {"bv": "B", "special_file": None}})
    world: World = load(good, 0).arrays["default"].world
    assert world["lvs"]["L"]["special_file"] is None
    with pytest.raises(ScenarioError, match=r"bvs\.B\.type: None must be a text"):
        load(world_file(tmp_path, bvs={"B": {"type": None}}), 0)
