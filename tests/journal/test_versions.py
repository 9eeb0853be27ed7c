"""Journals of other releases: an earlier one's are read, a later one's are named as such and left alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from necism_monitor import __version__
from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_file import read_header, read_run
from necism_monitor.adapters.journal_seal import FORMAT, close_seal
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged, JournalNewer
from necism_monitor.domain.events import DETACHED, Create, Kind, SvFact
from necism_monitor.domain.history import Activity, History, Totals
from necism_monitor.domain.model import Pair, Resource
from necism_monitor.domain.names import LdName, ResourceName, ServiceName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.tale import tell
from tests.journal.book import AT, RESOURCE, WHOLE_RUN, write
from tests.resync.rig import BV1, BV2, LV1, LV2, SV1, SV2, Rig

FILES = Path(__file__).with_name("files")
OLD = Resource(
    ServiceName("iiststnec02"),
    ResourceName("sync#1"),
    (Pair(LdName(LV1), (LdName(SV1),)), Pair(LdName(LV2), (LdName(SV2),))),
)
PLACE = Path("runs/iiststnec02/sync#1")
SEL = "iiststnec02/sync#1"


def old(name: str) -> RunFile:
    """An old journal, read by this release."""
    run = read_run(FILES / f"{name}.jsonl")
    assert run is not None
    return run


def shelve(state: Path, name: str) -> Path:
    """An old journal in its place below a state directory."""
    path = state / PLACE / f"20261122T195529.906732Z-{old(name).header.id}.jsonl"
    path.parent.mkdir(parents=True)
    shutil.copy(FILES / f"{name}.jsonl", path)
    return path


# --- earlier releases --------------------------------------------------------------------------------------------


def test_a_finished_run_of_an_earlier_release_is_what_it_was(tmp_path: Path) -> None:
    """Its dates, times and end, as they stand in the file."""
    run = old("finished")
    fresh = SvFact(Kind.ACTIVE, "2026/11/22 19:55:29", "snap/active")
    assert (len(run.lines), run.torn, run.header.id, run.header.reason) == (
        20,
        False,
        "6fd1f485",
        "before the month's end",
    )
    folded = run.run()
    assert folded.lvs == {LV1: SV1, LV2: SV2}
    assert folded.svs == {SV1: fresh, SV2: fresh}
    assert folded.created == {SV1, SV2}
    assert folded.result is not None
    assert (folded.result.exit, folded.result.images) == (0, "new")
    tale = tell(run, 0.0)
    assert (tale.started_at, tale.ended_at, len(tale.steps)) == (1795377328.527432, 1795377329.399291, 8)
    # From `done unlink` to `done link`: ...329.307931 - ...328.584494 and ...329.341905 - ...328.619246.
    assert tale.detached_seconds == {LV1: 0.723, LV2: 0.723}
    shelve(tmp_path, "finished")
    history = Journal(tmp_path).history(OLD)
    assert isinstance(history, History)
    assert (history.access, history.home) == ({LV1: "rw", LV2: "rw"}, {LV1: BV1, LV2: BV2})
    assert history.devices == {LV1: "/dev/necsim/sdar", LV2: "/dev/necsim/sdas"}
    assert (history.open_run, history.last_success_at) == (None, 1795377329.399291)
    assert Journal(tmp_path).totals((OLD,))[OLD.id] == Totals(1, 0, 1795377329.399291 - 1795377328.527432, 0.723)


def test_what_earlier_releases_did_not_write_has_its_default() -> None:
    """No hooks, no World Wide Names."""
    run = old("finished")
    assert (run.header.hooks, run.header.create_first, run.plan.hooks) == ((), False, ())
    assert {pair.wwn for pair in run.plan.pairs} == {None}
    assert {row.wwn for line in run.lines for row in getattr(line.item, "rows", ())} == {None}


def test_a_killed_run_of_an_earlier_release_is_unfinished(tmp_path: Path) -> None:
    """Both LVs are detached, the first create is in flight, and nobody is at it."""
    run = old("killed").run()
    assert run.lvs == {LV1: DETACHED, LV2: DETACHED}
    assert run.in_flight == {Create(LdName(BV1), LdName(SV1))}
    assert (run.result, run.changed) == (None, True)
    shelve(tmp_path, "killed")
    history = Journal(tmp_path, is_alive=lambda _owner: False).history(OLD)
    assert isinstance(history, History)
    assert history.open_run is not None
    assert (history.open_run.state.value, history.open_run.detached) == ("unfinished", (LV1, LV2))


def test_a_run_that_an_earlier_release_left_and_resumed_counts_as_a_failure_that_ended(tmp_path: Path) -> None:
    """It told exit 6 once; its words about it are kept."""
    run = old("resumed")
    tale = tell(run, 0.0)
    assert (tale.exit, tale.images, tale.open, [why for _, why in tale.recoveries]) == (
        0,
        "new",
        False,
        ["resumed by root"],
    )
    assert run.run().lvs == {LV1: SV1, LV2: SV2}
    shelve(tmp_path, "resumed")
    totals = Journal(tmp_path).totals((OLD,))[OLD.id]
    assert isinstance(totals, Totals)
    assert (totals.runs, totals.failures) == (1, 1)
    found = Journal(tmp_path).activity(OLD, "manual", "7", 1795377400.0)
    assert found == Activity(spent=False, last_change_at=1795377334.972587)


def test_a_run_that_an_earlier_release_began_is_resumed(tmp_path: Path) -> None:
    """The new lines stand behind the old ones, in one file that both formats are in; every LV is linked."""
    rig = Rig(tmp_path / "array")
    for lv in (LV1, LV2):
        rig.edit("lvs", lv, shows=None)
    path = shelve(rig.directory / "state", "killed")
    before = path.read_bytes()
    desk = rig.desk(book=Journal(rig.directory / "state", is_alive=lambda _owner: False))
    report = rig.resume(desk)
    assert (report.exit, rig.shows()) == (0, {LV1: SV1, LV2: SV2}), report.text
    assert rig.sent("create") == 0
    data = path.read_bytes()
    assert data.startswith(before)
    formats = [json.loads(line)["v"] for line in data.splitlines()]
    assert formats == [1] * 8 + [FORMAT] * (len(formats) - 8)
    assert rig.tale().exit == 0


# --- later releases ----------------------------------------------------------------------------------------------


def resealed(path: Path, place: int, **changes: Any) -> None:  # noqa: ANN401 - any field of a line
    """Write a line anew, with other fields, as a program would whose format has them."""
    lines = path.read_bytes().splitlines()
    record = json.loads(lines[place])
    del record["crc"]
    lines[place] = close_seal({**record, **changes})
    path.write_bytes(b"\n".join(lines) + b"\n")


LATER: dict[str, tuple[int, dict[str, Any]]] = {
    "format": (3, {"v": FORMAT + 1}),
    "first line": (0, {"v": FORMAT + 1}),
    "last line": (10, {"v": FORMAT + 7}),
    "event": (5, {"event": "paused"}),
    "step": (4, {"step": "mirror"}),
    "header field": (0, {"moon": "full"}),
}


@pytest.fixture(name="later", params=LATER)
def later_fixture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A whole run in which one line is of a later release."""
    path = write(tmp_path, *WHOLE_RUN)
    place, changes = LATER[request.param]
    resealed(path, 0, necism="9.8.7")
    resealed(path, place, **changes)
    return path


def test_a_journal_of_a_later_release_says_so(tmp_path: Path, later: Path) -> None:
    """Neither damaged nor torn nor half understood: the release that wrote it, the one that reads, and what to do."""
    with pytest.raises(JournalNewer) as caught:
        read_run(later)
    text = caught.value.text
    assert f"{later}:" in text
    assert "written by necism 9.8.7" in text
    assert f"this is necism {__version__}, which reads formats 1 to {FORMAT}" in text
    assert "use that release" in caught.value.hint
    history = Journal(tmp_path).history(RESOURCE)
    assert isinstance(history, Unread)
    assert (history.code, history.text, history.hint) == ("journal-unreadable", text, caught.value.hint)
    assert isinstance(Journal(tmp_path).activity(RESOURCE, "timer", None, AT + 60), Unread)
    assert isinstance(Journal(tmp_path).totals((RESOURCE,))[RESOURCE.id], Unread)


def test_a_journal_of_a_later_release_is_never_set_aside(tmp_path: Path, later: Path) -> None:
    """It is intact, and may tell of an open run: a damaged one beside it is not touched either."""
    other = later.with_name("20200101T000000.000000Z-ffffffff.jsonl")
    other.write_bytes(b"garbage\ngarbage\n")
    before = later.read_bytes()
    with pytest.raises(EnvironmentProblem, match=r"written by necism 9\.8\.7"):
        Journal(tmp_path).set_aside(RESOURCE)
    assert (later.read_bytes(), other.read_bytes()) == (before, b"garbage\ngarbage\n")


def test_a_later_release_that_went_on_with_our_run_is_named(tmp_path: Path) -> None:
    """The process that wrote the line counts, not the one that began the file."""
    path = write(tmp_path, *WHOLE_RUN[:5])
    lines = path.read_bytes().splitlines()
    lines.append(close_seal({"v": 9, "n": 5, "necism": "4.5.6", "at": AT, "event": "recovering", "why": "x"}))
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(JournalNewer, match=r"written by necism 4\.5\.6 \(journal format 9\)"):
        read_run(path)


def test_a_later_release_without_a_signature_is_a_later_release(tmp_path: Path) -> None:
    """Its format alone tells."""
    path = write(tmp_path, *WHOLE_RUN[:1])
    record = json.loads(path.read_bytes())
    path.write_bytes(close_seal({"v": 9, "n": 0, "at": record["at"], "event": "opened"}) + b"\n")
    with pytest.raises(JournalNewer, match="a later release of necism"):
        read_header(path)


@pytest.mark.parametrize("version", [0, -1, "2", None, 1.5])
def test_a_format_that_no_release_ever_wrote_is_damage(tmp_path: Path, version: object) -> None:
    """Only a greater number is of a later release."""
    path = write(tmp_path, *WHOLE_RUN)
    resealed(path, 3, v=version)
    with pytest.raises(JournalDamaged) as caught:
        read_run(path)
    assert not isinstance(caught.value, JournalNewer)


def test_every_face_refuses_and_names_the_release(make_later: Callable[[], Rig]) -> None:
    """A resync, a resume and an abandon: nothing is sent to the array, and the file stays as it is."""
    rig = make_later()
    (path,) = (rig.directory / "state" / PLACE).glob("*.jsonl")
    before = path.read_bytes()
    for report in (rig.resync(force=True), rig.resume()):
        assert report.refusal is not None
        assert (report.exit, report.refusal.code) == (3, "journal-unreadable")
        assert "written by necism 9.8.7" in report.text
    with pytest.raises(EnvironmentProblem, match="written by necism"):
        rig.abandon("it is in the way")
    assert rig.changes() == []
    assert path.read_bytes() == before
    (finding,) = [one for one in rig.look().findings if one.code == "journal-unreadable"]
    assert "9.8.7" in finding.text


@pytest.fixture(name="make_later")
def make_later_fixture(tmp_path: Path) -> Callable[[], Rig]:
    """A rig whose one run was written by a later release."""

    def make() -> Rig:
        rig = Rig(tmp_path / "array")
        path = shelve(rig.directory / "state", "finished")
        resealed(path, 0, necism="9.8.7", v=FORMAT + 1)
        return rig

    return make


def test_what_a_later_release_kept_of_removed_runs_is_left_alone(tmp_path: Path) -> None:
    """It is no damage: `abandon` refuses it, and what is told names the release that is needed."""
    write(tmp_path, *WHOLE_RUN)
    kept = tmp_path / "runs/svc/sync#1/pruned.json"
    data = close_seal({"v": 2, "runs": 1, "more": 5}) + b"\n"
    kept.write_bytes(data)
    journal = Journal(tmp_path)
    found = journal.activity(RESOURCE, "nagios", "7", AT + 60)
    assert isinstance(found, Unread)
    assert "written by a later release of necism (version 2)" in found.text
    assert "use that release" in found.hint
    with pytest.raises(EnvironmentProblem, match="later release"):
        journal.set_aside(RESOURCE)
    assert kept.read_bytes() == data


def test_a_refusal_for_a_later_release_does_not_send_anybody_to_abandon(make_later: Callable[[], Rig]) -> None:
    """`abandon` would refuse, too: the hint is to use that release.  Damage is what `abandon` is for."""
    rig = make_later()
    for trigger in ("manual", "timer"):
        refusal = rig.resync(trigger=trigger).refusal
        assert refusal is not None
        assert (refusal.code, "use that release" in refusal.hint) == ("journal-unreadable", True)
        assert "abandon" not in refusal.hint
    (path,) = (rig.directory / "state" / "runs").rglob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"at"', b'"ta"', 1))
    refusal = rig.resync().refusal
    assert refusal is not None
    assert "`necism abandon` sets it aside" in refusal.hint
