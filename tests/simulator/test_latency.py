"""Latencies are the log's own times, scaled; asserted as nominal figures, never as measured ones."""

import pytest

from necism_monitor.simulator import latency
from necism_monitor.simulator.shapes import World
from necism_monitor.simulator.world import edit_world, read_world
from tests.simulator.simulated import Simulated

SV = {"-vol": "SOURCE_0001_SV006D"}


@pytest.fixture(name="world")
def world_fixture(seed: Simulated) -> World:
    """The seed's world at the log's own speed."""
    world = read_world(seed.directory)
    world["latency"] = latency.parse("seed")
    return world


def test_the_seeds_times_are_those_of_the_log(world: World) -> None:
    """Differences of the log's time stamps, command by command, first and second call."""
    figures = {
        name: [latency.nominal(world, name, {}) for _ in range(2)]
        for name in ("iSMsc_unlink", "iSMsc_create", "iSMsc_link", "iSMsc_query", "iSMsc_linkinfo")
    }
    assert figures == {
        "iSMsc_unlink": [0.473, 0.323],
        "iSMsc_create": [35.372, 38.412],
        "iSMsc_link": [0.027, 0.027],
        "iSMsc_query": [1.8, 0.041],
        "iSMsc_linkinfo": [0.030, 0.030],
    }


def test_a_factor_scales_and_none_is_nothing(world: World) -> None:
    """A tenth of the log's time, and no time at all."""
    world["latency"] = latency.parse("0.1")
    assert pytest.approx(3.5372) == latency.nominal(world, "iSMsc_create", {})
    world["latency"] = latency.parse("none")
    assert latency.nominal(world, "iSMsc_create", {}) == 0


def test_the_stall_is_an_option_and_meets_unlinked_svs_only(world: World) -> None:
    """With the option, linkinfo on an SV that no LV shows takes the log's three minutes."""
    world["options"]["stall_linkinfo"] = True
    assert latency.nominal(world, "iSMsc_linkinfo", SV) == 0.030
    world["lvs"]["SOURCE_0001_LV00A6"]["shows"] = None
    assert latency.nominal(world, "iSMsc_linkinfo", SV) == 181.424
    world["options"]["stall_linkinfo"] = False
    assert latency.nominal(world, "iSMsc_linkinfo", SV) == 0.030


@pytest.mark.parametrize("text", ["fast", "-1", "inf", "nan", ""])
def test_what_is_no_latency_is_refused(text: str) -> None:
    """The error names the three spellings."""
    with pytest.raises(ValueError, match="none, seed, or a factor"):
        latency.parse(text)


def test_a_call_records_its_nominal_latency(seed: Simulated) -> None:
    """The call log has the simulated figure, whatever the machine took."""
    with edit_world(seed.directory) as world:
        world["latency"] = 0.01
    seed.ask("iSMsc_query -sv SOURCE_0001_SV006D -svflg ld")
    assert pytest.approx(0.018) == seed.last_call()["nominal"]
    seed.ask("iSMsc_unlink -lv SOURCE_0001_LV00A6 -lvflg ld")
    assert pytest.approx(0.00473) == seed.last_call()["nominal"]
