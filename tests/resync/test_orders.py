"""Pairs that take turns, pairs one by one, base volumes at once: the order of commands, and how long LVs are away."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.resync.rig import Rig, check_calls

PAIRS = (("A", "1"), ("B", "1"), ("C", "2"))
"""Pair and its base volume."""


def scenario(directory: Path, devs: str, *keys: str) -> Path:
    """Three LVs on two base volumes, each with two SVs; `devs` says which take turns."""
    svs = {f"SV_{pair}{n}": {"bv": f"BV_{bv}", "age": f"{n}h"} for pair, bv in PAIRS for n in (1, 2)}
    lvs = {f"LV_{pair}": {"bv": f"BV_{bv}", "shows": f"SV_{pair}1"} for pair, bv in PAIRS}
    lines = ["[sync#1]", "type = necismsnap", *keys, f"devs = {devs}"]
    array = {"bvs": {"BV_1": {}, "BV_2": {}}, "svs": svs, "lvs": lvs}
    path = directory / "turns.json"
    path.write_text(json.dumps({"arrays": {"default": array}, "services": {"svc.conf": lines}}))
    return path


TURNS = "SV_A1|SV_A2:LV_A SV_B1|SV_B2:LV_B SV_C1|SV_C2:LV_C"
PLAIN = "SV_A1:LV_A SV_B1:LV_B SV_C1:LV_C"
MIXED = "SV_A1:LV_A SV_B1|SV_B2:LV_B SV_C1:LV_C"


def words(rig: Rig) -> list[str]:
    """`unlink LV_A`, `create SV_A1`, `link LV_A SV_A1`: the commands, short."""
    short = []
    for call in rig.calls():
        options = dict(zip(call["argv"][1::2], call["argv"][2::2], strict=False))
        names = [options[key] for key in ("-lv", "-sv") if key in options]
        if call["effect_class"] != "READ":
            short.append(" ".join([call["argv"][0].removeprefix("iSMsc_"), *names]))
    return short


@pytest.fixture(name="make")
def make_fixture(tmp_path: Path, make_rig: Callable[..., Rig]) -> Callable[..., Rig]:
    return lambda devs, *keys, latency="none": make_rig(scenario(tmp_path, devs, *keys), latency)


@pytest.mark.parametrize("order", ["set", "pair"])
def test_pairs_that_take_turns_are_created_while_the_old_image_is_shown(make: Callable[..., Rig], order: str) -> None:
    """All creates on the SVs nobody looks at, then each LV is switched; the next run turns back to the first SVs."""
    rig = make(TURNS, f"order = {order}")
    start = rig.world()
    assert rig.resync().exit == 0
    assert words(rig)[:3] == ["create SV_A2", "create SV_B2", "create SV_C2"]
    assert sorted(words(rig)[3:]) == sorted(
        word for pair in "ABC" for word in (f"unlink LV_{pair}", f"link LV_{pair} SV_{pair}2")
    )
    assert set(rig.shows().values()) == {"SV_A2", "SV_B2", "SV_C2"}
    check_calls(start, rig.calls())
    assert rig.resync(force=True).exit == 0
    assert set(rig.shows().values()) == {"SV_A1", "SV_B1", "SV_C1"}


@pytest.mark.parametrize("number", range(3))
def test_no_lv_is_switched_unless_every_create_succeeded(make: Callable[..., Rig], number: int) -> None:
    """One create fails: exit 5, every LV still shows its old image, nobody noticed anything."""
    rig = make(TURNS)
    rig.fault("fail_before", "iSMsc_create", occurrence=number + 1)
    report = rig.resync()
    assert (report.exit, rig.tale().images, rig.tale().detached_seconds) == (5, "old", {})
    assert rig.shows() == {"LV_A": "SV_A1", "LV_B": "SV_B1", "LV_C": "SV_C1"}
    assert len(words(rig)) == number + 1


def test_a_faulty_alternative_is_created_first_choice(make: Callable[..., Rig]) -> None:
    """The SV that nobody shows is the target, and an unusable one is no reason to refuse."""
    rig = make(TURNS)
    rig.edit("svs", "SV_A2", state="snap/fault", created=None)
    assert (rig.resync().exit, rig.shows()["LV_A"]) == (0, "SV_A2")


def test_a_switch_that_fails_brings_the_old_image_back(make: Callable[..., Rig]) -> None:
    """The new image cannot be linked, the old one can: the LV shows it again after the bound, exit 5 or 6 by proof."""
    rig = make(TURNS)
    rig.necism("relink_timeout", "60s")
    rig.fault("fail_before", "iSMsc_link", match=["SV_A2"], occurrence="all")
    report = rig.resync()
    assert report.exit in {5, 6}
    assert rig.shows()["LV_B"] is not None
    assert rig.shows()["LV_C"] is not None
    if rig.shows()["LV_A"] is None:
        assert (report.exit, "LV_A" in report.text) == (6, True)


def test_plain_pairs_one_by_one_are_each_through_before_the_next(make: Callable[..., Rig]) -> None:
    """Order `pair`: the shortest outage for each LV."""
    rig = make(PLAIN, "order = pair")
    start = rig.world()
    assert rig.resync().exit == 0
    expected = [[f"unlink LV_{pair}", f"create SV_{pair}1", f"link LV_{pair} SV_{pair}1"] for pair in "ABC"]
    assert words(rig) == [word for pair in expected for word in pair]
    check_calls(start, rig.calls())


def test_a_failure_between_pairs_leaves_a_mixed_set_and_says_so(make: Callable[..., Rig]) -> None:
    """Order `pair`: the first LV has its new image, the others keep the old; exit 5, and the finding `mixed`."""
    rig = make(PLAIN, "order = pair")
    rig.fault("fail_before", "iSMsc_create", occurrence=2)
    report = rig.resync()
    assert (report.exit, rig.tale().images) == (5, "mixed")
    assert set(rig.shows().values()) == {"SV_A1", "SV_B1", "SV_C1"}
    assert "mixed" in [one.code for one in rig.look().all_findings]


@pytest.mark.parametrize("order", ["set", "pair"])
def test_a_plain_pair_beside_one_that_takes_turns(make: Callable[..., Rig], order: str) -> None:
    """The one that takes turns is switched last, after every create."""
    rig = make(MIXED, f"order = {order}")
    start = rig.world()
    assert rig.resync().exit == 0
    said = words(rig)
    last_create = max(number for number, word in enumerate(said) if word.startswith("create"))
    assert said.index("unlink LV_B") > last_create
    assert rig.shows() == {"LV_A": "SV_A1", "LV_B": "SV_B2", "LV_C": "SV_C1"}
    check_calls(start, rig.calls())


def test_two_base_volumes_are_worked_on_at_once_and_one_never_twice(make: Callable[..., Rig]) -> None:
    """With parallel = 2, creates of different base volumes overlap, commands on one do not."""
    rig = make(PLAIN, "parallel = 2", latency="0.01")
    start = rig.world()
    assert rig.resync().exit == 0
    creates = [call for call in rig.calls() if call["argv"][0] == "iSMsc_create"]
    spans = [(call["started"], call["ended"] or 0.0, call["argv"][2]) for call in creates]
    assert any(a[0] < b[1] and b[0] < a[1] and a[2] != b[2] for a in spans for b in spans)
    check_calls(start, rig.calls())
