"""The arithmetic of the benchmarks against sums done by hand, and the promised number of commands in every mode."""

import pytest

from benchmarks.bench_detached import better, misses
from benchmarks.figures import Mode, critical_path, read_pass, skew, times_away
from benchmarks.passes import Job, Shape, perform
from necism_monitor.simulator.defaults import base_volume, empty_world, link_volume, snapshot_volume
from necism_monitor.simulator.shapes import Call, World

LOG = (
    ("iSMsc_unlink -lv LV1", 25.547, 26.020, 0.473),
    ("iSMsc_unlink -lv LV2", 26.052, 26.375, 0.323),
    ("iSMsc_create -bv BV1 -sv SV1", 28.177, 63.549, 35.372),
    ("iSMsc_create -bv BV2 -sv SV2", 63.590, 102.002, 38.412),
    ("iSMsc_linkinfo -vol SV1", 102.022, 283.416, 181.394),
    ("iSMsc_link -lv LV1 -sv SV1", 283.426, 283.453, 0.027),
    ("iSMsc_link -lv LV2 -sv SV2", 283.483, 283.510, 0.027),
)
"""The log of 2014 in seconds after 05:14, with the reading that (inferred) filled its gap of three minutes."""
CHANGES = tuple(line for line in LOG if "linkinfo" not in line[0])


def calls(*lines: tuple[str, float, float, float]) -> list[Call]:
    """Calls as the call log tells them: command, beginning, end, latency."""
    return [
        Call(
            call=str(number),
            pid=1,
            argv=text.split(),
            effect_class="READ" if "linkinfo" in text else "CHANGE",
            exit=0,
            applied=None,
            started=began,
            ended=ended,
            landed=ended,
            nominal=nominal,
        )
        for number, (text, began, ended, nominal) in enumerate(lines)
    ]


def world(*images: float) -> World:
    """An array with a pair on a base volume of its own for each image."""
    made = empty_world(0.0)
    for number, image in enumerate(images, start=1):
        bv, sv, lv = (f"{kind}{number}" for kind in ("BV", "SV", "LV"))
        made["bvs"][bv] = base_volume()
        made["svs"][sv] = snapshot_volume(bv=bv, created=image)
        made["lvs"][lv] = link_volume(bv=bv, shows=sv)
    return made


def test_the_detached_times_of_the_log_are_those_read_off_it() -> None:
    """The two LVs of the log were away for 257.433 s and 257.135 s, end of unlink to end of link."""
    assert times_away(calls(*LOG)) == pytest.approx({"LV1": 257.433, "LV2": 257.135})


@pytest.mark.parametrize(
    ("mode", "first", "second"),
    [
        (Mode.SET, 0.323 + 35.372 + 38.412 + 0.027, 35.372 + 38.412 + 0.027 + 0.027),
        (Mode.SET_PARALLEL, 38.412 + 0.027, 0.150 + 38.412 + 0.027),
        (Mode.PAIR, 35.372 + 0.027, 38.412 + 0.027),
        (Mode.ALTERNATING, 0.027, 0.027),
    ],
)
def test_the_critical_path_of_each_mode_is_the_sum_done_by_hand(mode: Mode, first: float, second: float) -> None:
    """Whatever was sent in between, only the commands that the mode cannot do without are counted."""
    path = critical_path(mode, calls(*LOG), world(0.0, 0.0))
    assert path == pytest.approx({"LV1": first, "LV2": second})


def test_the_path_of_the_reference_counts_its_readings() -> None:
    """It asks between its changes, and the LVs are away meanwhile."""
    path = critical_path(Mode.REFERENCE, calls(*LOG), world(0.0, 0.0))
    assert path["LV1"] == pytest.approx(0.323 + 35.372 + 38.412 + 181.394 + 0.027)
    assert path["LV2"] == pytest.approx(35.372 + 38.412 + 181.394 + 0.027 + 0.027)


def test_a_base_volume_with_two_pairs_is_one_chain() -> None:
    """At once means base volumes at once: the creates of one come one after the other."""
    array = world(0.0, 0.0)
    array["lvs"]["LV2"]["bv"] = array["svs"]["SV2"]["bv"] = "BV1"
    one = [(text.replace("BV2", "BV1"), *times) for text, *times in CHANGES]
    assert critical_path(Mode.SET_PARALLEL, calls(*one), array) == critical_path(Mode.SET, calls(*one), array)  # type: ignore[arg-type]  # text and three numbers each


def test_a_reading_on_the_way_shows_up_on_top() -> None:
    """The log's own run as order `set`: what its gap and its pauses cost is no part of the array's path."""
    one = read_pass(Mode.SET, 1.0, calls(*LOG), world(0.0, 38.4))
    assert (one.longest, one.commands, one.readings) == ("LV1", 7, 1)
    assert one.overhead == pytest.approx(257.433 - 74.134)
    assert one.excess() == pytest.approx(max(257.433 / 74.134, 257.135 / 73.838) - 1)
    assert one.scaled(0.5) == pytest.approx(74.134 / 2 + 257.433 - 74.134)
    assert one.skew == pytest.approx(38.4)


def test_a_pass_like_the_log_misses_every_target_and_one_without_its_gap_none() -> None:
    """A reading while LVs are away, its three minutes, images 38 s apart: each is named; counts are not forgiven."""
    shape, array = Shape(2, 2), world(0.0, 38.4)
    reference = read_pass(Mode.REFERENCE, 1.0, calls(*LOG), array)
    made = {(shape, Mode.REFERENCE): reference}
    slow = read_pass(Mode.SET_PARALLEL, 1.0, calls(*LOG), array)
    assert [sentence.split(",")[0] for sentence in misses(shape, slow, made)] == [
        "1 readings while an LV was away",
        f"away {257.433 / (38.412 + 0.027) - 1:.1%} longer than the array needs",
        "images 38.4 s apart",
    ]
    best = slow._replace(readings=0, away=slow.path, skew=3.0)
    assert list(misses(shape, best, made)) == []
    assert [*misses(shape, better(slow, best), made)] == ["1 readings while an LV was away, promised is none"]


def test_the_skew_is_between_the_images_that_are_shown() -> None:
    """An SV that no LV shows, and one without an image, are left out."""
    array = world(100.0, 138.0)
    array["svs"]["OLD"] = snapshot_volume(bv="BV1", created=5.0)
    array["svs"]["EMPTY"] = snapshot_volume(bv="BV1")
    array["lvs"]["LV3"] = link_volume(bv="BV1", shows="EMPTY")
    assert skew(array) == pytest.approx(38.0)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.REFERENCE])
def test_eight_pairs_on_two_base_volumes_take_28_commands_in_every_mode(mode: Mode) -> None:
    """3N + 2B with a warm map, however the run is ordered, and nothing is asked while an LV is away."""
    one = perform(Job(Shape(8, 2), mode, 0.0))
    assert one.commands <= 28
    assert one.readings == 0
    assert len(one.away) == len(one.path) == 8


def test_the_plain_sequence_takes_seven_commands_a_pair() -> None:
    """What we compare with is the sequence of the log, command for command."""
    one = perform(Job(Shape(3, 2), Mode.REFERENCE, 0.0))
    # All but the first linkinfo come after an unlink: 2 before unlinks, 2 before each create, 1 before each link.
    assert (one.commands, one.readings) == (21, 2 + 6 + 3)
