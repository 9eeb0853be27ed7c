"""Many ask at once, each within its own time, and every array is asked once."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from necism_monitor.app.look import look
from necism_monitor.app.observe import Observatory
from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.history import NO_HISTORY, ClockMark
from necism_monitor.domain.model import Limits, Pair, Settings, Source
from necism_monitor.domain.names import ArrayName, LdName, ResourceName
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.render.last_good import Sight
from tests.app.looking import CAPTURE, GENEROUS, LV, NOW, OLD_LV, OLD_SV, SV, TAKEN, World

DEFAULT = ArrayName("default")
OTHER = ArrayName("other")
TTL = 60.0
"""The default `cache_ttl`."""


def only_pair(sight: Sight, number: int = 0) -> tuple[Verdict, LinkState, SnapshotState, set[str]]:
    """Status, states and findings of the first pair of a resource."""
    pair = sight.verdicts.resources[number].pairs[0]
    return pair.status, pair.link, pair.snapshot_state, {one.code for one in pair.findings}


BLIND = (Verdict.UNKNOWN, LinkState.UNKNOWN, SnapshotState.UNKNOWN, {"timed-out"})
GOOD = (Verdict.UP, LinkState.LINKED, SnapshotState.ACTIVE, set[str]())


def settle(observatory: Observatory) -> None:
    """Wait until no reading is going on."""
    deadline = time.monotonic() + GENEROUS
    while observatory.busy:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_reading_says_what_the_capture_says() -> None:
    """State, link, date, size and the LV's block arrive as a person reads them off the screen."""
    world = World()
    sight = Observatory(world.sources()).verdicts(GENEROUS)
    kept = sight.pairs[DEFAULT, LV]
    assert only_pair(sight) == GOOD
    assert (kept.sv, kept.taken, kept.os_type, kept.access, kept.special_file) == (SV, TAKEN, "LX", "rw", "/dev/sdar")
    assert kept.size_bytes == pytest.approx(47.4 * 2**30, rel=1e-6)
    assert sight.readings[DEFAULT].ended_at == NOW


def test_callers_at_once_share_one_reading() -> None:
    """Eight callers, one command."""
    world = World()
    world.reader.gate.clear()
    observatory = Observatory(world.sources())
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(observatory.verdicts, GENEROUS) for _ in range(8)]
        assert world.reader.begun.wait(GENEROUS)
        time.sleep(0.05)
        world.reader.gate.set()
        assert [only_pair(one.result()) for one in asked] == [GOOD] * 8
    assert world.reader.calls == 1


def test_a_reading_is_kept_for_its_ttl_and_no_longer() -> None:
    """The array is asked again only when `cache_ttl` has passed."""
    world = World()
    observatory = Observatory(world.sources())
    counts = []
    for step in (0.0, TTL - 1, 2.0):
        world.clock.time += step
        observatory.verdicts(GENEROUS)
        counts.append(world.reader.calls)
    assert counts == [1, 1, 2]


def test_a_change_makes_a_reading_old() -> None:
    """What was read before the last journalled CHANGE is read again, however young it is."""
    world = World()
    observatory = Observatory(world.sources())
    observatory.verdicts(GENEROUS)
    world.clock.time += 10
    world.journals.changed_at = world.clock.time - 1
    observatory.verdicts(GENEROUS)
    observatory.verdicts(GENEROUS)
    assert world.reader.calls == 2


def test_who_cannot_wait_gets_the_last_good_values() -> None:
    """While a reading hangs, states are unknown, dates and sizes are those of before, and the answer comes in time."""
    world = World()
    observatory = Observatory(world.sources())
    before = observatory.verdicts(GENEROUS)
    world.clock.time += TTL + 1
    world.reader.gate.clear()
    began = time.monotonic()
    blind = observatory.verdicts(0.1)
    assert time.monotonic() - began < GENEROUS / 2
    assert only_pair(blind) == BLIND
    assert [(one.up, one.findings[0].code) for one in blind.verdicts.arrays] == [(False, "timed-out")]
    assert blind.pairs == before.pairs
    assert blind.readings == before.readings
    world.reader.gate.set()
    settle(observatory)
    assert only_pair(observatory.verdicts(GENEROUS)) == GOOD
    assert world.reader.calls == 2


def test_a_reading_that_had_its_time_is_not_waited_for_again() -> None:
    """An array that hangs delays the first caller, not every caller."""
    world = World()
    world.reader.gate.clear()
    observatory = Observatory(world.sources())
    observatory.verdicts(0.2)
    outlook = observatory.begin()
    assert outlook.wait_for(0.2) == ((), 0.0)
    assert outlook.wait_for(GENEROUS)[0] == outlook.flights
    world.reader.gate.set()
    settle(observatory)


def test_a_hung_array_does_not_blind_another() -> None:
    """Arrays are read each by itself."""
    world = World(arrays=("default", "other"))
    world.readers[DEFAULT].gate.clear()
    observatory = Observatory(world.sources())
    sight = observatory.verdicts(0.5)
    assert only_pair(sight, 0) == BLIND
    assert only_pair(sight, 1) == GOOD
    world.readers[DEFAULT].gate.set()
    settle(observatory)


def test_a_bug_costs_one_array_and_is_not_repeated_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """An exception nobody foresaw is `query-failed` with its words, logged, and tried again after the TTL."""
    world = World(arrays=("default", "other"))
    world.readers[DEFAULT].error = RuntimeError("a screen from hell")
    observatory = Observatory(world.sources())
    for _ in range(2):
        sight = observatory.verdicts(GENEROUS)
        status, _, _, codes = only_pair(sight, 0)
        assert (status, codes) == (Verdict.UNKNOWN, {"query-failed"})
        assert "a screen from hell" in sight.verdicts.arrays[0].findings[0].text
        assert only_pair(sight, 1) == GOOD
    assert world.readers[DEFAULT].calls == 1
    assert "a screen from hell" in caplog.text
    world.clock.time += TTL + 1
    world.readers[DEFAULT].error = None
    assert only_pair(observatory.verdicts(GENEROUS), 0) == GOOD


def test_journals_that_break_cost_the_verdicts_only(caplog: pytest.LogCaptureFixture) -> None:
    """An exception while judging leaves unknown verdicts and the last good values."""
    world = World()
    observatory = Observatory(world.sources())
    before = observatory.verdicts(GENEROUS)
    world.journals.error = OSError("no such disk")
    sight = observatory.verdicts(GENEROUS)
    assert sight.verdicts.status is Verdict.UNKNOWN
    assert sight.pairs == before.pairs
    assert "no such disk" in caplog.text


def test_a_failed_query_keeps_the_last_good_values() -> None:
    """A nonzero exit is no statement about the pair: its date stays, with its own time."""
    world = World()
    observatory = Observatory(world.sources())
    before = observatory.verdicts(GENEROUS)
    world.clock.time += TTL + 1
    world.reader.code, world.reader.text = 1, "iSM19999: something\n"
    sight = observatory.verdicts(GENEROUS)
    assert not sight.verdicts.arrays[0].up
    assert only_pair(sight)[0] is Verdict.UNKNOWN
    assert sight.pairs == before.pairs
    assert sight.readings == before.readings


def test_a_missing_sv_takes_its_values_with_it() -> None:
    """A screen that parsed whole and does not list the SV is a good reading: nothing old is shown."""
    world = World()
    world.pairs = (Pair(LV, (SV,)), Pair(OLD_LV, (OLD_SV,)))
    observatory = Observatory(world.sources())
    assert set(observatory.verdicts(GENEROUS).pairs) == {(DEFAULT, LV), (DEFAULT, OLD_LV)}
    world.clock.time += TTL + 1
    head, _, _ = CAPTURE.partition("    SV:LD Name              : xxxxxxxxxxx_00cc_SV00cd")
    world.reader.text = head
    world.reader.sv_text = CAPTURE.partition("Pair Information")[0] + "SV Information\n"
    sight = observatory.verdicts(GENEROUS)
    assert sight.verdicts.resources[0].pairs[1].snapshot_state is SnapshotState.MISSING
    assert set(sight.pairs) == {(DEFAULT, LV)}


def test_a_missing_lv_leaves_the_image_its_age() -> None:
    """The SV is dated and its date is judged: what is kept of it stays, also for a time when nobody can look."""
    world = World()
    world.reader.text = CAPTURE.replace(LV, "another_LV")
    world.reader.links_text = "Specified Volume Information\nSV:LD Name : xxxxxxxxxxx_00cc_SV00ce\n"
    world.reader.links_text += "Destination Volume Information\n"
    sight = Observatory(world.sources()).verdicts(GENEROUS)
    resource = sight.verdicts.resources[0]
    assert resource.pairs[0].link is LinkState.MISSING
    assert list(sight.dates(resource)) == [resource.oldest] == [TAKEN]
    assert sight.pairs[(DEFAULT, LV)].taken == TAKEN


def test_the_clock_of_an_array_is_measured_at_its_creates() -> None:
    """The journal's newest create printed a date two seconds ahead of the time at which that was written down."""
    world = World()
    sources = world.sources()
    (resource,) = sources.config.resources
    world.journals.known[resource.id] = NO_HISTORY._replace(mark=ClockMark("2014/09/09 17:27:45", TAKEN - 2))
    assert Observatory(sources).verdicts(GENEROUS).verdicts.arrays[0].clock_offset == 2.0
    assert look(sources, (resource,)).arrays[0].clock_offset == 2.0


def test_hidden_resources_are_in_no_reading_and_in_no_count() -> None:
    """Nobody asks the array for what only a hidden resource needs, and its refusals are left out."""
    world = World()
    hidden = world.resource(1)._replace(name=ResourceName("sync#9"), pairs=(Pair(OLD_LV, (LdName("HIDDEN_SV"),)),))
    sources = world.sources(world.resource(1), hidden._replace(hidden=True))
    sight = Observatory(sources).verdicts(GENEROUS)
    assert (world.reader.calls, sight.verdicts.arrays[0].up) == (1, True)
    assert world.journals.left_out == [hidden.id]


def test_a_pair_that_left_the_configuration_is_forgotten() -> None:
    """After a reload without it there is nothing of it, and the reading is made anew."""
    world = World()
    world.pairs = (Pair(LV, (SV,)), Pair(OLD_LV, (OLD_SV,)))
    observatory = Observatory(world.sources())
    observatory.verdicts(GENEROUS)
    world.pairs = (Pair(LV, (SV,)),)
    late = observatory.begin()
    late.flights[0].answer.result(GENEROUS)
    observatory.reload(world.sources())
    assert set(observatory.verdicts(GENEROUS).pairs) == {(DEFAULT, LV)}
    assert world.reader.calls == 2
    # A caller that came before the reload is judged by what was in force then, and takes nothing from the others.
    assert set(observatory.conclude(late).pairs) >= {(DEFAULT, LV)}
    assert set(observatory.verdicts(GENEROUS).pairs) == {(DEFAULT, LV)}


def test_a_reload_during_a_reading_starts_another_one_after_it() -> None:
    """One array is never asked by two readings at once, and the old configuration's answer is not used."""
    world = World()
    world.reader.gate.clear()
    observatory = Observatory(world.sources())
    observatory.verdicts(0.05)
    observatory.reload(world.sources())
    assert only_pair(observatory.verdicts(0.05)) == BLIND
    assert world.reader.calls == 1
    world.reader.gate.set()
    assert only_pair(observatory.verdicts(GENEROUS)) == GOOD
    assert world.reader.calls == 2


def test_a_hidden_resource_is_not_shown() -> None:
    """The tag nostatus keeps a resource out of every metric."""
    world = World()
    sight = Observatory(world.sources(world.resource(1)._replace(hidden=True))).verdicts(GENEROUS)
    assert sight.verdicts.resources == ()
    assert world.reader.calls == 0


def test_the_same_facts_are_judged_once() -> None:
    """Without news the sight is the same object; asked for afresh it is another, with the texts of now."""
    world = World()
    observatory = Observatory(world.sources())
    first = observatory.verdicts(GENEROUS)
    world.clock.time += 1
    assert observatory.verdicts(GENEROUS) is first
    fresh = observatory.conclude(observatory.begin(), fresh=True)
    assert fresh.verdicts.judged_at == NOW + 1
    assert observatory.verdicts(GENEROUS) is first


def test_time_alone_changes_a_verdict() -> None:
    """When the oldest image passes its limit, the kept sight is judged again without asking the array."""
    world = World()
    world.limits = Limits(max_delay=NOW - TAKEN + 10)
    observatory = Observatory(world.sources())
    assert observatory.verdicts(GENEROUS).verdicts.status is Verdict.UP
    world.clock.time += 11
    assert observatory.verdicts(GENEROUS).verdicts.status is Verdict.WARN
    assert world.reader.calls == 1


def test_the_journal_changes_a_sight_without_a_reading() -> None:
    """A run that ended mixed is seen at the next scrape."""
    world = World()
    observatory = Observatory(world.sources())
    observatory.verdicts(GENEROUS)
    resource = world.resource(1)
    world.journals.known[resource.id] = NO_HISTORY._replace(mixed=True, last_run_at=NOW)
    sight = observatory.verdicts(GENEROUS)
    assert {one.code for one in sight.verdicts.resources[0].findings} == {"mixed"}
    assert world.reader.calls == 1


def test_from_the_file_nothing_is_run_and_it_is_read_every_time() -> None:
    """With `source = file` no command runs; the file's reading counts, and is stale when it is old."""
    world = World(Settings(source=Source.FILE))
    made = World()
    Observatory(made.sources()).verdicts(GENEROUS)
    observatory = Observatory(world.sources())
    assert {one.code for one in observatory.verdicts(GENEROUS).verdicts.resources[0].findings} == {"stale"}
    world.store.saved[DEFAULT] = read_of(made)
    assert only_pair(observatory.verdicts(GENEROUS)) == GOOD
    world.clock.time += world.settings.stale_after + 1
    sight = observatory.verdicts(GENEROUS)
    assert {one.code for one in sight.verdicts.resources[0].findings} == {"stale"}
    assert sight.pairs[DEFAULT, LV].taken == TAKEN
    assert world.reader.calls == 0
    assert world.store.loads == 3


def read_of(world: World) -> Observation:
    """The observation that the fakes of `world` give."""
    observatory = Observatory(world.sources())
    outlook = observatory.begin()
    answer = outlook.flights[0].answer.result(GENEROUS)
    assert isinstance(answer, Observation)
    return answer


def test_a_file_that_was_old_from_the_start_still_gives_its_dates() -> None:
    """An exporter started after the collector died shows what the file says, as stale."""
    world = World(Settings(source=Source.FILE))
    world.store.saved[DEFAULT] = read_of(World())
    world.clock.time += 3600
    sight = Observatory(world.sources()).verdicts(GENEROUS)
    assert sight.verdicts.resources[0].status is Verdict.UNKNOWN
    assert sight.pairs[DEFAULT, LV].taken == TAKEN
    assert sight.readings[DEFAULT].ended_at == NOW


def test_a_young_file_saves_the_commands() -> None:
    """With `source = commands` a file younger than `cache_ttl` is taken instead."""
    world = World()
    world.store.saved[DEFAULT] = read_of(World())
    world.clock.time += TTL / 2
    assert only_pair(Observatory(world.sources()).verdicts(GENEROUS)) == GOOD
    assert world.reader.calls == 0


def test_an_unreadable_file_is_no_obstacle_to_the_commands() -> None:
    """With `source = commands` a damaged file costs nothing."""
    world = World()
    world.store.saved[DEFAULT] = Unread("unreadable", "damaged", "remove it")
    assert only_pair(Observatory(world.sources()).verdicts(GENEROUS)) == GOOD


def test_stopping_lets_everybody_go() -> None:
    """Whoever waits is answered at once, although the array still hangs; later callers do not start anything."""
    world = World()
    world.reader.gate.clear()
    observatory = Observatory(world.sources())
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(observatory.verdicts, GENEROUS)
        assert world.reader.begun.wait(GENEROUS)
        began = time.monotonic()
        observatory.stop()
        assert only_pair(asked.result()) == BLIND
        assert time.monotonic() - began < GENEROUS / 2
    assert observatory.busy
    world.reader.gate.set()
    settle(observatory)
    world.clock.time += TTL + 1
    assert only_pair(observatory.verdicts(GENEROUS)) == BLIND
    assert world.reader.calls == 1


def test_a_host_without_threads_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, the array is unknown and the caller is answered."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    world = World()
    observatory = Observatory(world.sources())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    sight = observatory.verdicts(GENEROUS)
    assert sight.verdicts.arrays[0].findings[0].code == "query-failed"
    assert not observatory.busy


def test_nothing_configured_is_nothing_to_see(caplog: pytest.LogCaptureFixture) -> None:
    """No resource, no array, no error."""
    caplog.set_level(logging.DEBUG)
    world = World()
    sight = Observatory(world.sources(world.resource(1)._replace(hidden=True))).verdicts(0)
    assert (sight.verdicts.arrays, sight.pairs, caplog.text) == ((), {}, "")
