"""A thousand pairs, read from a simulated array."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.reading import Volumes
from necism_monitor.simulator.create import create
from tests.nagios.builders import ask
from tests.nagios.processes import config

PAIRS, DETACHED, BVS = 1000, (400, 800), 4


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An array with a thousand pairs in one resource, two of them without a link, and a healthy set beside it."""
    place = tmp_path_factory.mktemp("many")
    svs = {f"PREPROD_DATA_SV{n:04}": {"bv": f"BV{n % BVS}", "age": "5h"} for n in range(PAIRS + 1)}
    lvs: dict[str, dict[str, str]] = {f"PREPROD_DATA_LV{n:04}": {"bv": f"BV{n % BVS}"} for n in range(PAIRS + 1)}
    for n in range(PAIRS + 1):
        if n not in DETACHED:
            lvs[f"PREPROD_DATA_LV{n:04}"]["shows"] = f"PREPROD_DATA_SV{n:04}"
    devs = " ".join(f"PREPROD_DATA_SV{n:04}:PREPROD_DATA_LV{n:04}" for n in range(PAIRS))
    one = f"PREPROD_DATA_SV{PAIRS:04}:PREPROD_DATA_LV{PAIRS:04}"
    array = {"bvs": {f"BV{n}": {} for n in range(BVS)}, "svs": svs, "lvs": lvs}
    services = {"big.conf": ["[sync#1]", "type = necismsnap", f"devs = {devs}"]}
    services["small.conf"] = ["[sync#1]", "type = necismsnap", f"devs = {one}"]
    scenario = place / "scenario.json"
    scenario.write_text(json.dumps({"arrays": {"default": array}, "services": services}))
    made = create(place / "array", scenario, "none")
    # What an earlier reading would have learned: without it each SV is asked for by itself, which takes a minute here.
    homes = {LdName(sv): LdName(record["bv"]) for sv, record in svs.items()}
    make_sources(load_config(Paths(config=str(made.config)), {})).maps[ArrayName("default")].save(Volumes(homes, {}))
    return made.directory


@pytest.mark.proves("N05", "N09")
def test_of_a_thousand_pairs_the_first_line_names_the_worst(many: Path) -> None:
    """The two detached ones are named, the output stays below 4 KB, and perfdata has a value a resource."""
    said = ask(*config(many), "--critical-on", "detached")
    assert said.code == 2
    assert said.size < 4096
    assert said.status.startswith("NECISM CRITICAL - 1 critical, 1 ok: big/sync#1 detached ")
    assert all(f"PREPROD_DATA_LV{n:04}" in said.status for n in DETACHED)
    assert [one.label for one in said.perfdata] == ["big/sync#1", "small/sync#1"]


@pytest.mark.proves("N09")
def test_more_words_on_a_thousand_pairs_stay_one_line_each(many: Path) -> None:
    """-v tells the findings, -vv every pair, -vvv the commands; exit status and perfdata labels stay."""
    said = [ask(*config(many), *level) for level in ([], ["-v"], ["-vv"], ["-vvv"])]
    assert {one.code for one in said} == {1}
    assert len({tuple(perf.label for perf in one.perfdata) for one in said}) == 1
    assert len(said[0].more) == 0
    assert 1 <= len(said[1].more) < 10
    assert len(said[2].more) > PAIRS
    assert len(said[3].more) > len(said[2].more)
