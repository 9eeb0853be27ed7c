"""Where an observation comes from: the file alone, a fresh file, or commands."""

from collections.abc import Collection, Mapping
from datetime import UTC
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.app.look import Sources, look, observe
from necism_monitor.domain.diary import NO_DIARY, Diary
from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.history import NO_HISTORY, History, OpenRun, RunState, Totals
from necism_monitor.domain.model import Array, Config, Listener, Resource, Service, Settings, Source, Webhook
from necism_monitor.domain.names import ArrayName, LdName, ResourceId, ServiceName
from necism_monitor.domain.reading import Observation, Unread, Volumes
from tests.app.announced import NOW, Announced, Clock, Map, Simulated, detail_query, names, pair, resource

DEFAULT: Final = ArrayName("default")
FAR: Final = ArrayName("far")
ONE: Final = resource(pair("A_LV1", "A_SV1"))
TWO: Final = resource(pair("A_LV2", "A_SV2"), number=2)
WARM: Final = Volumes(names(A_SV1="A", A_SV2="A"), {}, ("D1_10",), NOW)
ASK: Final = detail_query("A")


class Store:
    """An observation file in memory."""

    def __init__(self) -> None:
        self.kept: dict[ArrayName, Observation | Unread] = {}

    def load(self) -> Mapping[ArrayName, Observation | Unread]:
        return self.kept

    def save(self, observations: Mapping[ArrayName, Observation]) -> None:
        self.kept.update(observations)


class Journals:
    """Knows when the last CHANGE was."""

    def __init__(self) -> None:
        self.changed_at: float | None = None
        self.changer, self.damaged = ResourceId("app/sync#1"), False
        self.known: dict[ResourceId, History | Unread] = {}

    def histories(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, History | Unread]:
        return {one.id: self.known.get(one.id, NO_HISTORY) for one in resources}

    def diary(self, resources: tuple[Resource, ...], now: float) -> Diary:
        del resources, now
        return NO_DIARY

    def totals(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, Totals | Unread]:
        return {one.id: Totals() for one in resources}

    def refused(self, leaving_out: Collection[ResourceId] = ()) -> Mapping[str, int] | None:
        del leaving_out
        return {}

    def last_change_at(self) -> float | None:
        return self.changed_at

    def changes_since(self, at: float) -> Mapping[ResourceId, Mapping[LdName, float] | None]:
        changed = self.changed_at
        if changed is None or changed < at:
            return {}
        return {self.changer: None if self.damaged else {LdName("A"): changed}}


class Place:
    """Sources over a simulated array with two pairs on one BV, and a saved reading of it."""

    def __init__(self, directory: Path) -> None:
        volumes = {"A_SV1": {"bv": "A", "age": "3h"}, "A_SV2": {"bv": "A", "age": "4h"}}
        lvs = {"A_LV1": {"bv": "A", "shows": "A_SV1"}, "A_LV2": {"bv": "A", "shows": "A_SV2"}}
        self.array = Simulated(directory, {"bvs": {"A": {}}, "svs": volumes, "lvs": lvs})
        self.array.map = Map(WARM)
        self.store, self.journals, self.clock = Store(), Journals(), Clock()
        self.resources: tuple[Resource, ...] = (ONE, TWO)
        self.far = Announced()
        self.expect()
        self.saved = self.array.collect(ONE, TWO)
        self.keep(0)

    def keep(self, age: float) -> None:
        """Let the file hold a reading that ended `age` seconds ago and took two."""
        self.store.kept = {DEFAULT: self.saved._replace(started_at=NOW - age - 2, ended_at=NOW - age)}

    def expect(self) -> None:
        """Exactly one detail query is about to be sent."""
        self.array.expect(ASK)

    def sources(self, source: Source = Source.COMMANDS) -> Sources:
        service = Service(ServiceName("app"), "app.conf", self.resources)
        config = Config(
            Settings(source=source),
            (Array(DEFAULT, cache_ttl=60), Array(FAR)),
            (service,),
            Listener(":1"),
            Webhook(Listener(":2")),
        )
        return Sources(
            config,
            {DEFAULT: self.array.reader, FAR: self.far},
            {DEFAULT: self.array.map, FAR: Map(WARM)},
            self.journals,
            self.store,
            self.clock,
            UTC,
        )

    def asked(self) -> list[str]:
        """The commands sent since the saved reading was made; none was announced in vain."""
        assert not self.array.reader.waiting
        return self.array.reader.sent


@pytest.fixture(name="place")
def place_fixture(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_fresh_file_saves_the_commands(place: Place) -> None:
    """Younger than cache_ttl: what the collector read is taken as it is."""
    place.keep(59)
    seen = observe(place.sources(), (ONE,))[DEFAULT]
    assert isinstance(seen, Observation)
    assert (seen.ended_at, seen.bvs) == (NOW - 59, place.saved.bvs)
    assert place.asked() == []


def test_a_look_counts_its_own_commands_only(place: Place) -> None:
    """What the collector ran for the file is no cost of this look; what it runs itself is."""
    assert look(place.sources(), (ONE,)).commands == {}
    assert look(place.sources(Source.FILE), (ONE,)).commands == {}
    place.keep(3600)
    place.expect()
    assert look(place.sources(), (ONE,)).commands == {"iSMsc_query": 1}


@pytest.mark.parametrize("age", [60, 3600, -1])
def test_an_old_or_future_file_saves_nothing(place: Place, age: float) -> None:
    """As old as cache_ttl, older, or from the future: the commands are run."""
    place.keep(age)
    place.expect()
    seen = observe(place.sources(), (ONE,))[DEFAULT]
    assert isinstance(seen, Observation)
    assert seen.ended_at == NOW
    assert place.asked() == [ASK]


@pytest.mark.parametrize(("changed", "asks"), [(-13, False), (-12, True), (-11, True), (-1, True)])
def test_a_file_from_before_a_change_saves_nothing(place: Place, changed: float, asks: bool) -> None:
    """A reading that began at or before the last journalled CHANGE may show what is no longer true."""
    place.keep(10)
    place.journals.changed_at = NOW + changed
    if asks:
        place.expect()
    observe(place.sources(), (ONE,))
    assert place.asked() == ([ASK] if asks else [])


def test_no_file_and_a_damaged_file_are_read_past(place: Place) -> None:
    """With `source = commands` the file is a saving, never a condition."""
    for kept in ({}, {DEFAULT: Unread("unreadable", "observation.json is damaged", "run `necism collect`")}):
        place.store.kept = dict(kept)
        place.array.reader.sent.clear()
        place.expect()
        assert look(place.sources(), (ONE,)).status is Verdict.UP
        assert place.asked() == [ASK]


def test_a_file_for_another_configuration_is_read_past(place: Place) -> None:
    """An SV that was configured after the reading: nobody asked about it, so it is asked now."""
    place.keep(1)
    place.store.kept = {DEFAULT: place.saved._replace(bv_of={LdName("A_SV1"): LdName("A")})}
    assert look(place.sources(), (ONE,)).status is Verdict.UP
    assert place.asked() == []
    place.expect()
    assert look(place.sources(), (ONE, TWO)).status is Verdict.UP
    assert place.asked() == [ASK]


@pytest.mark.parametrize("age", [0, 60, 900, -1])
def test_source_file_runs_nothing(place: Place, age: float) -> None:
    """Whatever the age: no command is sent, and the file alone is judged."""
    place.keep(age)
    place.journals.changed_at = NOW - 3600
    assert look(place.sources(Source.FILE), (ONE, TWO)).status is Verdict.UP
    assert place.asked() == []


A: Final = LdName("A")


@pytest.mark.parametrize(("changed", "known"), [(-13, True), (-12, False), (-1, False)])
def test_a_file_from_before_a_change_is_no_present_truth(place: Place, changed: float, known: bool) -> None:
    """`stale` of the resource, once, with what to do; neither link nor state is claimed; the array answered well."""
    place.keep(10)
    place.journals.changed_at = NOW + changed
    verdicts = look(place.sources(Source.FILE), (ONE, TWO))
    assert place.asked() == []
    assert [one.up for one in verdicts.arrays] == [True]
    if known:
        assert verdicts.status is Verdict.UP
        return
    found = [(one.code, one.subject, one.hint) for each in verdicts.resources for one in each.all_findings]
    hint = "run `necism collect`"
    assert found == [("stale", "app/sync#1", hint), ("stale", "app/sync#2", hint)]
    pairs = [pair for each in verdicts.resources for pair in each.pairs]
    assert {(one.link.value, one.snapshot_state.value, one.status) for one in pairs} == {
        ("unknown", "unknown", Verdict.UNKNOWN)
    }


def test_a_screen_that_a_run_put_in_counts_by_its_own_time(place: Place) -> None:
    """Newer than the CHANGE although the rest of the file is older: it is believed; a later CHANGE ends that."""
    place.keep(10)
    saved = place.store.kept[DEFAULT]
    assert isinstance(saved, Observation)
    place.store.kept[DEFAULT] = saved._replace(newer={A: NOW - 2})
    for changed, status in ((NOW - 3, Verdict.UP), (NOW - 2, Verdict.UNKNOWN)):
        place.journals.changed_at = changed
        assert look(place.sources(Source.FILE), (ONE, TWO)).status is status


@pytest.mark.parametrize(("resource_id", "status"), [("far/sync#1", Verdict.UP), ("gone/sync#1", Verdict.UNKNOWN)])
def test_a_change_on_another_array_makes_no_file_old(place: Place, resource_id: str, status: Verdict) -> None:
    """The same name on two arrays are two base volumes; whose resource is not configured any more may be ours."""
    far = resource(pair("A_LV1", "A_SV1"), number=1, array="far")._replace(service=ServiceName("far"))
    place.resources = (ONE, TWO, far)
    place.keep(10)
    place.journals.changed_at, place.journals.changer = NOW - 1, ResourceId(resource_id)
    assert look(place.sources(Source.FILE), (ONE, TWO)).status is status


def test_a_damaged_journal_may_have_changed_anything(place: Place) -> None:
    """Written since the reading and damaged: nobody knows which base volumes its run changed."""
    place.keep(10)
    place.journals.changed_at, place.journals.damaged = NOW - 1, True
    assert look(place.sources(Source.FILE), (ONE, TWO)).status is Verdict.UNKNOWN


def test_a_run_at_work_makes_its_own_readings_old_without_a_finding(place: Place) -> None:
    """While its owner works, `stale` is not raised for its pairs, and nothing is claimed of their links."""
    place.keep(10)
    place.journals.changed_at = NOW - 1
    run = OpenRun("1", RunState.RUNNING, NOW - 5, NOW + 600, (), "somebody", "unlink A_LV1")
    place.journals.known[ONE.id] = NO_HISTORY._replace(open_run=run)
    working, other = look(place.sources(Source.FILE), (ONE, TWO)).resources
    assert (list(working.all_findings), working.pairs[0].link.value) == ([], "unknown")
    assert [one.code for one in other.all_findings] == ["stale"]


def test_source_file_says_stale_when_it_is_old(place: Place) -> None:
    """Older than stale_after, or not there at all: unknown, with the reason, and no command."""
    place.keep(901)
    for kept in (dict(place.store.kept), {}):
        place.store.kept = kept
        verdicts = look(place.sources(Source.FILE), (ONE, TWO))
        assert verdicts.status is Verdict.UNKNOWN
        found = {(one.code, one.subject) for each in verdicts.resources for one in each.all_findings}
        assert found == {("stale", "app/sync#1"), ("stale", "app/sync#2")}
        assert place.asked() == []


def test_a_reading_serves_every_resource_of_its_array(place: Place) -> None:
    """Asked for one resource, the whole array is read, so that the file serves everybody."""
    place.keep(3600)
    place.expect()
    seen = observe(place.sources(), (ONE,))[DEFAULT]
    assert isinstance(seen, Observation)
    assert set(seen.bv_of) == {"A_SV1", "A_SV2"}


def test_each_array_has_its_own_reader(place: Place) -> None:
    """One array is fresh in the file, the other fails: one is up, the other unknown."""
    far = resource(pair("A_LV1", "A_SV1"), number=3, array="far")
    place.resources = (ONE, TWO, far)
    place.far.announce(ASK, "", 1)
    place.far.announce("iSMsc_query -sv A_SV1 -svflg ld", "", 1)
    verdicts = look(place.sources(), place.resources)
    assert [one.status for one in verdicts.resources] == [Verdict.UP, Verdict.UP, Verdict.UNKNOWN]
    assert [(one.name, one.up) for one in verdicts.arrays] == [("default", True), ("far", False)]
    assert (place.asked(), len(place.far.sent)) == ([], 2)


def test_time_goes_on_while_the_commands_run(place: Place) -> None:
    """The verdict is of the moment after the reading, not before."""
    place.keep(0)
    place.clock.sleep(30)
    verdicts = look(place.sources(), (ONE,))
    assert (verdicts.judged_at, verdicts.observed_at) == (NOW + 30, NOW)
