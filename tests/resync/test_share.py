"""What a run leaves in the observation file, and what is judged from it: after any end, never more than the truth."""

import shutil
from collections.abc import Callable

import pytest

from necism_monitor.adapters.observation_file import ObservationFile
from necism_monitor.app.look import look
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.domain.model import Source
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.reading import Observation
from necism_monitor.domain.verdicts import ResourceVerdict
from necism_monitor.simulator.faults import clear_faults
from tests.resync.rig import BV1, BV2, LV1, LV2, SV1, SV2, Rig


def saved(rig: Rig) -> Observation:
    """What the file holds."""
    found = ObservationFile(rig.directory / "run" / "observation.json", (ArrayName("default"),)).load()
    seen = found[ArrayName("default")]
    assert isinstance(seen, Observation), seen
    return seen


def from_file(rig: Rig) -> tuple[ResourceVerdict, ...]:
    """What every face says by the file alone."""
    sources = make_sources(load_config(Paths(config=str(rig.config_dir)), {}))._replace(clock=rig.clock)
    settings = sources.config.settings._replace(source=Source.FILE)
    sources = sources._replace(config=sources.config._replace(settings=settings))
    return look(sources, sources.config.resources).resources


def claimed(rig: Rig) -> dict[str, str]:
    """LV -> the link that is claimed by the file."""
    return {pair.pair.lv: pair.link.value for one in from_file(rig) for pair in one.pairs}


def collect(rig: Rig) -> None:
    """What `necism collect` does."""
    from necism_monitor.app.look import read_array  # noqa: PLC0415 - beside its one use

    sources = rig.sources()
    sources.store.save({ArrayName("default"): read_array(sources, ArrayName("default"))})


def split(rig: Rig) -> None:
    """The second pair as a resource of its own, on the same array."""
    head = "type = necismsnap\naccess = rw\n"
    rig.services[0].write_text(f"[sync#1]\n{head}devs = {SV1}:{LV1}\n[sync#2]\n{head}devs = {SV2}:{LV2}\n")


@pytest.mark.parametrize("collected", [True, False], ids=["with-file", "without"])
@pytest.mark.parametrize("shared", [True, False], ids=["two-resources", "one-resource"])
def test_after_exit_6_the_file_shows_the_detached_lv(rig: Rig, shared: bool, collected: bool) -> None:
    """The run stays open; the LV that could not be linked is detached for everybody, the other one as it is."""
    if shared:
        split(rig)
    if collected:
        collect(rig)
    rig.necism("relink_timeout", "5s")
    rig.fault("fail_before", "iSMsc_link", match=[LV1], occurrence="all")
    assert rig.resync().exit == 6
    link = claimed(rig)
    assert link[LV1] == "detached"
    assert link[LV2] == ("unknown" if shared and not collected else "linked")
    clear_faults(rig.directory)
    assert rig.resume().exit == 0
    assert claimed(rig)[LV1] == "linked"


def test_a_base_volume_that_could_not_be_verified_is_unread_and_says_why(rig: Rig) -> None:
    """The reading after the links fails for ever: the screens from before the run are gone, the reason is there."""
    collect(rig)
    rig.necism("relink_timeout", "5s")
    armed = iter([True])
    rig.after = lambda argv: (
        rig.fault("fail_before", "iSMsc_query", occurrence="all")
        if argv[0] == "iSMsc_link" and LV2 in argv and next(armed, False)
        else None
    )
    assert rig.resync().exit == 6
    assert set(claimed(rig).values()) == {"unknown"}
    (verdict,) = from_file(rig)
    assert {one.code for pair in verdict.pairs for one in pair.findings} == {"query-failed"}


def test_a_run_that_died_is_no_present_truth(rig: Rig) -> None:
    """Its process gone after the unlinks, nothing wrote the file: what it says of before is not believed any more."""
    collect(rig)
    assert claimed(rig) == {LV1: "linked", LV2: "linked"}
    before = (rig.directory / "run" / "observation.json").read_bytes()
    rig.necism("relink_timeout", "5s")
    rig.fault("fail_before", "iSMsc_link", occurrence="all")
    assert rig.resync().exit == 6
    (rig.directory / "run" / "observation.json").write_bytes(before)
    assert claimed(rig) == {LV1: "unknown", LV2: "unknown"}
    assert {"stale", "unfinished"} == {one.code for one in from_file(rig)[0].all_findings}
    clear_faults(rig.directory)
    assert rig.resume().exit == 0
    assert claimed(rig) == {LV1: "linked", LV2: "linked"}


def test_other_base_volumes_keep_their_own_time(rig: Rig) -> None:
    """What the run did not touch is as old as it was; what it read is new; both are believed."""
    split(rig)
    collect(rig)
    before = saved(rig)
    rig.clock.sleep(300)
    assert rig.resync().exit == 0
    after = saved(rig)
    assert (after.started_at, after.ended_at) == (before.started_at, before.ended_at)
    assert after.bvs[LdName(BV2)] == before.bvs[LdName(BV2)]
    assert after.asked_at(LdName(BV1)) > before.ended_at + 299
    assert claimed(rig) == {LV1: "linked", LV2: "linked"}
    assert from_file(rig)[0].status.value == "up"


def test_while_a_run_works_the_file_claims_nothing_of_its_lvs(rig: Rig) -> None:
    """Between unlink and link, with a living owner: unknown, not linked, and no finding about it."""
    rig.necism("source", "file")
    collect(rig)
    heard: list[tuple[dict[str, str], list[str]]] = []

    def listen(argv: tuple[str, ...]) -> None:
        if argv[0] == "iSMsc_create":
            heard.append((claimed(rig), [one.code for one in from_file(rig)[0].all_findings if one.code == "stale"]))

    rig.before = listen
    assert rig.resync().exit == 0
    assert heard == [({LV1: "unknown", LV2: "unknown"}, [])] * 2


def test_a_run_that_is_stopped_at_once_leaves_what_it_read(make_rig: Callable[..., Rig]) -> None:
    """Nothing was changed: the reading under the lock is the truth, and everybody may have it."""
    rig = make_rig()
    rig.before = lambda argv: setattr(rig.stop, "why", "SIGTERM") if argv[0] == "iSMsc_unlink" else None
    assert rig.resync().exit == 5
    assert claimed(rig) == {LV1: "linked", LV2: "linked"}


def test_a_reading_from_before_a_run_is_believed_by_nobody_even_if_the_journal_is_lost(rig: Rig) -> None:
    """It is taken out before the first CHANGE: whoever looks meanwhile asks the array."""
    rig.look()
    collect(rig)
    found: list[tuple[str, ...]] = []

    def lose_and_look(argv: tuple[str, ...]) -> None:
        if argv[0] == "iSMsc_create" and not found:
            shutil.rmtree(rig.directory / "state" / "runs")
            found.append(tuple(pair.link.value for pair in rig.look_at_file().pairs))

    rig.before = lose_and_look
    rig.resync()
    assert found == [("detached", "detached")]
