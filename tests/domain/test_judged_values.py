"""What a verdict carries beside its findings, and the sentences by which people know what is meant."""

from datetime import UTC
from typing import Any, Final

from necism_monitor.domain.findings import CATALOGUE, Finding, Verdict
from necism_monitor.domain.history import History
from necism_monitor.domain.judge import Evidence, judge
from necism_monitor.domain.model import Array, Limits
from necism_monitor.domain.names import ArrayName, LdName, ResourceName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.states import LinkState, SnapshotState
from tests.domain.builders import (
    DEFAULT,
    FAILED,
    GARBLED,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    World,
    config,
    linked,
    lv,
    observation,
    pair,
    resource,
    rows,
    running,
    screen,
    sv,
)

ONE: Final = resource(pair("LV1"))
R: Final = "app/sync#1"
DAY: Final = 24 * HOUR


def one(**changes: Any) -> World:  # noqa: ANN401 - the keywords of linked
    """LV1 with SV1 on BV1, where nothing else is."""
    return World(observation(screen("BV1", linked(1, **changes))), ONE)


def text_of(world: World, code: str) -> str:
    """The sentence of the one finding with that code."""
    (found,) = (one for one in world.findings() if one.code == code)
    return found.text


def test_a_pair_says_everything_that_was_read_of_it() -> None:
    """BV, link, access, size, type and device are those of the screen."""
    seen = one().pair()
    assert (seen.sv, seen.bv, seen.linked_to, seen.link, seen.access) == (
        "SV1",
        "BV1",
        "SV1",
        LinkState.LINKED,
        "rw",
    )
    assert (seen.size_bytes, seen.os_type, seen.special_file) == (2**30, "LX", "/dev/sdx")
    assert seen.snapshot_time is not None
    assert seen.snapshot_time.earliest == NOW - HOUR


def test_a_verdict_names_its_service_its_commands_and_when_it_was_read() -> None:
    """Two arrays: commands are added up, each array says how long its reading took and what its clock does."""
    other = ArrayName("other")
    second = ONE._replace(name=ResourceName("sync#2"), array=other)
    seen = observation(screen("BV1", linked(1)))
    later = seen._replace(array=other, started_at=NOW - 9, ended_at=NOW - 4, commands={"iSMsc_query": 3, "iSMview": 1})
    evidence = Evidence({DEFAULT: seen, other: later}, {}, {DEFAULT: 1.5, other: -2.5})
    known = config(ONE, second, arrays=(Array(DEFAULT), Array(other)))
    verdicts = judge(known, (ONE, second), evidence, UTC, NOW)
    assert verdicts.commands == {"iSMsc_query": 4, "iSMview": 1}
    assert [service.name for service in verdicts.services] == ["app"]
    assert [verdict.observed_at for verdict in verdicts.resources] == [NOW, NOW - 4]
    assert [(array.duration, array.clock_offset, array.up) for array in verdicts.arrays] == [
        (2, 1.5, True),
        (5, -2.5, True),
    ]


def test_an_array_that_was_never_read_is_stale_in_words() -> None:
    """No observation at all: resource and array say so, and what to wait for; the clock's offset is still told."""
    known = config(ONE, arrays=(Array(DEFAULT),))
    verdicts = judge(known, (ONE,), Evidence({}, {}, {DEFAULT: 3.0}), UTC, NOW)
    text, hint = "array default has not been read yet", "wait for the first reading"
    assert verdicts.resources[0].all_findings == (Finding("stale", R, text, hint),)
    (array,) = verdicts.arrays
    assert array.findings == (Finding("stale", "default", text, hint),)
    assert (array.up, array.clock_offset, array.observed_at) == (False, 3.0, None)


def test_an_array_repeats_why_it_could_not_be_asked() -> None:
    """The codes of an array keep theirs, any other is a failed query; text and hint are those of the reading."""
    for why in (FAILED, LATE, GARBLED):
        world = World(why, ONE)
        code = why.code if why is not GARBLED else "query-failed"
        assert world.verdicts().arrays[0].findings == (Finding(code, "default", why.text, why.hint),)
        assert world.findings() == (Finding(why.code, "LV1", why.text, why.hint),)
        seen = world.pair()
        assert (seen.sv, seen.snapshot_state, seen.link) == ("SV1", SnapshotState.UNKNOWN, LinkState.UNKNOWN)


def test_an_array_says_once_what_one_of_its_screens_could_not() -> None:
    """A failed BV: the array's finding has the words of the failure."""
    seen = observation(screen("BV1", linked(1)), bv_of={"SV2": "BV2"}, bvs={"BV2": FAILED})
    world = World(seen, resource(pair("LV1"), pair("LV2")))
    assert world.verdicts().arrays[0].findings == (Finding("query-failed", "default", FAILED.text, FAILED.hint),)
    assert Finding("query-failed", "LV2", FAILED.text, FAILED.hint) in world.findings()


def test_a_reading_from_another_time_says_how_far_away_it_is() -> None:
    """Minutes, rounded, into the past and into the future, each with what to do."""
    old = World(observation(screen("BV1", linked(1)), ended_at=NOW - 6000), ONE)
    assert old.findings() == (
        Finding("stale", R, "the newest reading of array default is 100 min old", CATALOGUE["stale"].hint),
    )
    ahead = World(observation(screen("BV1", linked(1)), ended_at=NOW + 6000), ONE)
    text = "the newest reading of array default is dated 100 min in the future"
    hint = "check this host's clock: was it put back? The next reading has the right date"
    assert ahead.findings() == (Finding("stale", R, text, hint),)


def test_a_screen_that_a_run_outdated_is_said_once_and_not_at_all_while_it_runs() -> None:
    """`stale` of single screens: one finding of the resource in its words; a run at work makes no finding of it."""
    late = Unread("stale", "the array was changed after this reading of BV BV1", "run `necism collect`")
    seen = observation(bv_of={"SV1": "BV1"}, bvs={"BV1": late})
    world = World(seen, ONE)
    assert world.findings() == (Finding("stale", R, late.text, late.hint),)
    assert world.pair().status is Verdict.UNKNOWN
    quiet = world._replace(history=running())
    assert quiet.findings() == ()
    assert (quiet.pair().status, quiet.verdict().status) == (Verdict.UP, Verdict.UP)


def test_spans_are_told_in_their_two_largest_units() -> None:
    """Days and hours, hours and minutes, minutes and seconds."""
    for age, limit, text in (
        (3 * DAY + 5 * HOUR + 59 * MINUTE, 2 * DAY + 23 * HOUR, "SV1 is 3d5h old, sync_max_delay is 2d23h"),
        (23 * HOUR + 59 * MINUTE, HOUR, "SV1 is 23h59m old, sync_max_delay is 1h00m"),
        (2 * HOUR + 5 * MINUTE, 59 * MINUTE + 59, "SV1 is 2h05m old, sync_max_delay is 59m59s"),
        (65, 3, "SV1 is 1m05s old, sync_max_delay is 0m03s"),
    ):
        world = one(age=age)._replace(of=ONE._replace(limits=Limits(max_delay=limit)))
        assert text_of(world, "too-old") == text


def test_a_run_past_its_deadline_says_by_how_much() -> None:
    """Who, since when, and at what."""
    world = one()._replace(history=running(NOW - 125))
    assert text_of(world, "stuck") == "run r1 by root on node1 (process 7) is 2m05s past its deadline: create BV1 SV1"
    mixed = one()._replace(history=History(mixed=True))
    assert text_of(mixed, "mixed") == "the last run left images of different points in time"


def test_findings_of_a_pair_name_what_they_saw() -> None:
    """Distance into the future, the SVs that would be right, and an image without a date."""
    assert text_of(one(age=-400), "future") == "SV1 is dated 400 s in the future"
    assert text_of(one(age=None, began=HOUR), "never-synced") == "SV SV1 is active but shows no date"
    wrong = observation(screen("BV1", sv(), sv("SV2"), sv("SV9", HOUR, lv("LV1"))))
    world = World(wrong, resource(pair("LV1", "SV1", "SV2")))
    assert text_of(world, "wrong-link") == "LV LV1 shows SV9, not SV1 or SV2"


def test_findings_about_screens_are_about_the_lv() -> None:
    """Unreadable records, odd link words and failed link lists have the LV as their subject."""
    unread = World(observation(screen("BV1", unread=["SV1"])), ONE)
    assert {one.subject for one in unread.findings()} == {"LV1"}
    odd = World(observation(screen("BV1", sv(link="linking"))), ONE)
    assert {one.subject for one in odd.findings()} == {"LV1"}
    listless = World(observation(screen("BV1", sv()), links={"BV1": FAILED}), ONE)
    assert {one.subject for one in listless.findings()} == {"LV1"}


def test_an_lv_seen_elsewhere_names_the_bvs_of_its_svs() -> None:
    """Two alternatives on two BVs: both are named, and where the LV was seen."""
    seen = observation(
        screen("BV1", sv()),
        screen("BV2", sv("SV2")),
        links={"BV1": rows(), "BV2": rows()},
        seen={"BV7": ("LV1",)},
    )
    world = World(seen, resource(pair("LV1", "SV1", "SV2")))
    assert text_of(world, "lv-missing") == "LV LV1 is not on BV BV1 or BV2 of its SV; it was seen on BV BV7"


def test_an_sv_whose_home_could_not_be_asked_leaves_its_lv_unknown_with_the_reason() -> None:
    """Neither missing nor detached: the reason of the SV is that of the LV."""
    seen = observation(bv_of={"SV1": LATE})
    world = World(seen, ONE)
    assert world.findings() == (Finding("timed-out", "LV1", LATE.text, LATE.hint),)
    assert world.pair().link is LinkState.UNKNOWN
    assert world.pair().bv is None


def test_what_is_known_of_an_sv_without_a_record_is_kept() -> None:
    """Missing or unreadable, the pair still names its SV and the BV it was looked for on."""
    broken = World(observation(screen("BV1", unread=["SV1"])), ONE)
    assert (broken.pair().sv, broken.pair().bv) == ("SV1", "BV1")
    other = observation(screen("BV1", state="fault", unread=["SV1"]))
    assert ("bv-not-normal", "LV1") in World(other, ONE).codes()


def test_an_unknown_access_of_an_lv_that_is_not_linked_is_no_finding() -> None:
    """What a host may do with an LV counts while it shows something."""
    word = screen("BV1", sv("SV1", HOUR, lv("LV1", "wo"), "unlink"))
    world = World(observation(word), ONE)
    assert world.codes() == {("detached", "LV1")}


def test_a_verdict_is_valid_until_the_next_thing_time_alone_changes() -> None:
    """The journal that is asked is that of the resource: a damaged one leaves no grace to end."""
    began = NOW - 5 * MINUTE
    moving = observation(screen("BV1", sv("SV1", 5 * MINUTE, lv("LV1"), state="snap/deleting")))
    world = World(moving, ONE)
    assert world.verdicts().valid_until == began + 10 * MINUTE
    damaged = world._replace(history=Unread("journal-unreadable", "x", "y"))
    assert damaged.verdicts().valid_until != began + 10 * MINUTE


def test_a_resource_that_nobody_remembers_has_its_moments_too() -> None:
    """No history at all: the grace of a moving SV still ends."""
    moving = observation(screen("BV1", sv("SV1", 5 * MINUTE, lv("LV1"), state="snap/deleting")))
    verdicts = judge(config(ONE, arrays=(Array(DEFAULT),)), (ONE,), Evidence({DEFAULT: moving}, {}), UTC, NOW)
    assert verdicts.valid_until == NOW + 5 * MINUTE


def test_an_image_from_the_future_is_judged_again_when_it_is_tolerable() -> None:
    """Dated 400 s ahead, and 300 are tolerated: in 100 s the finding goes by itself."""
    assert one(age=-400, began=HOUR).verdicts().valid_until == NOW + 100


def test_a_missing_sv_is_named() -> None:
    """By its own name, as the finding of its LV."""
    world = World(observation(bv_of={"SV1": None}), ONE)
    assert text_of(world, "sv-missing") == "SV SV1 is not on the array"
    assert (world.pair().sv, world.pair().bv) == ("SV1", None)


def test_a_device_that_changed_in_two_ways_is_told_in_both() -> None:
    """Its name and its World Wide Name, each with what it was."""
    seen = observation(screen("BV1", linked(1)))._replace(wwns={LdName("LV1"): "w2"})
    before = History(devices={LdName("LV1"): "/dev/sda"}, wwns={LdName("LV1"): "w1"})
    text = "LV1 is /dev/sdx on this host, it was /dev/sda and w2 on this host, it was w1"
    assert text_of(World(seen, ONE, before), "device-changed") == text
