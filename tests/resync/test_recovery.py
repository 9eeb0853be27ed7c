"""What ends an unfinished run, or links LVs without one: resume, relink and abandon."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from necism_monitor.adapters.journal import Journal
from necism_monitor.app.desk import Desk
from necism_monitor.cli.main import main
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.run import Run
from necism_monitor.simulator.faults import clear_faults
from necism_monitor.simulator.world import edit_world
from tests.resync.rig import BV1, BV2, LV1, LV2, SV1, SV2, Rig, check_calls

SCHEMA = Draft202012Validator(json.loads(Path("docs/schema/history.json").read_text()))
SEL = "iiststnec02/sync#1"
BOTH = {LV1: SV1, LV2: SV2}


def necism(rig: Rig, *words: str) -> int:
    return main(["--config", str(rig.config_dir), *words])


def detach(rig: Rig, *lvs: str) -> None:
    """As somebody who unlinked by hand, or a crash, left them."""
    for lv in lvs:
        rig.edit("lvs", lv, shows=None)


def damage(rig: Rig) -> Path:
    """Break a line in the middle of the newest journal."""
    path = max((rig.directory / "state" / "runs").glob("*/*/*.jsonl"))
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"opened"', b'"upended"', 1))
    return path


class Dying:
    """Ends the process, as far as a test can, once the first command that changes was sent."""

    def __init__(self, rig: Rig, sent: int) -> None:
        self._rig, self._sent = rig, sent

    def say(self, level: str, text: str) -> None:
        """Nobody listens."""

    def progress(self, _run: Run, _done: int, _total: int) -> None:
        """Called before each wait."""
        if len(self._rig.changes()) > self._sent:
            raise KeyboardInterrupt


def broken_off(rig: Rig) -> None:
    """A run whose process died after the first unlink."""
    with pytest.raises(KeyboardInterrupt):
        rig.resync(rig.desk(narrator=Dying(rig, len(rig.changes()))))


def dead(rig: Rig) -> Desk:
    """A desk whose journal takes the owner of the open run for dead: here it is this very process."""
    return rig.desk(book=Journal(rig.directory / "state", is_alive=lambda _owner: False))


def test_resume_without_an_open_run_names_what_else_helps(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """0 by the contract, and the reader learns of `status` and `relink`."""
    detach(rig, LV1)
    assert necism(rig, "resume", SEL) == 0
    out = capsys.readouterr().out
    assert "nothing to do: no run is open" in out
    assert "`necism status`" in out
    assert "`necism relink`" in out
    assert rig.changes() == []


def test_a_resume_tells_the_observation_file(rig: Rig) -> None:
    """After it, whoever judges from the file sees the LVs linked."""
    rig.necism("relink_timeout", "1s")
    rig.fault("fail_before", "iSMsc_link", match=[LV1], occurrence="all")
    assert rig.resync().exit == 6
    clear_faults(rig.directory)
    rig.necism("source", "file")
    assert (rig.resume().exit, rig.shows()) == (0, BOTH)
    assert rig.look_at_file().status.value == "up"


def test_relink_links_what_is_detached_and_nothing_else(rig: Rig) -> None:
    """Without any journal: one plain link, no create, no unlink, the old image, a run of its own."""
    world = rig.world()
    detach(rig, LV2)
    start = rig.world()
    report = rig.relink()
    assert (report.exit, rig.shows()) == (0, BOTH), report.text
    assert rig.changes() == [f"iSMsc_link -lv {LV2} -sv {SV2} -lvflg ld -svflg ld"]
    check_calls(start, rig.calls())
    tale = rig.tale()
    assert (tale.exit, tale.images, tale.open, tale.trigger) == (0, "old", False, "manual")
    assert (tale.id, list(tale.detached_seconds)) == (report.run_id, [LV2])
    assert rig.world()["svs"] == world["svs"]
    assert rig.look().status.value == "up"


def test_relink_has_nothing_to_do_where_every_lv_is_linked(rig: Rig) -> None:
    """0, no command that changes, no run."""
    report = rig.relink()
    assert (report.exit, rig.changes(), rig.files()) == (0, [], [])
    assert "nothing to do" in report.text


@pytest.mark.parametrize(("access", "said"), [("rw", ""), ("ro", " -lvacc ro")])
def test_relink_gives_the_declared_access(rig: Rig, access: str, said: str) -> None:
    """Plain for rw, ro said aloud."""
    rig.service(f"access = {access}")
    detach(rig, LV1)
    assert rig.relink().exit == 0
    assert [line.endswith(f"ld{said}") for line in rig.changes()] == [True]


def test_relink_warns_of_an_access_that_nobody_knows(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """`keep`, detached and nothing journalled: the seed's plain form, with a warning; journalled: the old access."""
    detach(rig, LV1)
    assert rig.relink().exit == 0
    assert f"the access that {LV1} had is not known" in caplog.text
    assert "-lvacc" not in rig.changes()[0]
    caplog.clear()
    detach(rig, LV1)
    assert rig.relink().exit == 0
    assert "is not known" not in caplog.text


@pytest.mark.parametrize("state", ["snap/fault", "snap/deactive", "snap/activ"])
def test_relink_does_not_show_an_image_that_is_not_good(rig: Rig, state: str) -> None:
    """6, the LV and the state are named, the other LV is linked all the same."""
    detach(rig, LV1, LV2)
    rig.edit("svs", SV1, state=state)
    report = rig.relink()
    assert (report.exit, rig.shows()) == (6, {LV1: None, LV2: SV2})
    assert LV1 in report.text
    assert f"{LV2} linked" in report.text
    assert rig.sent("link") == 1


def test_relink_leaves_a_wrong_link_alone(rig: Rig) -> None:
    """An LV that shows somebody else's SV is not touched, named, and makes a 6; the other one is linked."""
    rig.services[0].write_text(rig.services[0].read_text().replace(f"{SV1}:{LV1}", f"{SV1}X:{LV1}"))
    with_another(rig)
    detach(rig, LV2)
    report = rig.relink()
    assert (report.exit, rig.shows()) == (6, BOTH), report.text
    assert f"{LV1} shows {SV1}, which is none of its SVs" in report.text


def with_another(rig: Rig) -> None:
    """A second SV of the first base volume, which no LV shows."""
    with edit_world(rig.directory) as world:
        world["svs"][f"{SV1}X"] = {**world["svs"][SV1], "ldn": 999, "generation": -2}


def test_relink_shows_the_newest_of_several_alternatives(rig: Rig) -> None:
    """`SVa|SVb:LV`: the one with the newer image."""
    with_another(rig)
    rig.services[0].write_text(rig.services[0].read_text().replace(f"{SV1}:{LV1}", f"{SV1}|{SV1}X:{LV1}"))
    rig.edit("svs", f"{SV1}X", created=(rig.world()["svs"][SV1]["created"] or 0) + 60)
    detach(rig, LV1)
    report = rig.relink()
    assert (report.exit, rig.shows()[LV1]) == (0, f"{SV1}X"), report.text


@pytest.mark.parametrize("kind", ["garbage", "empty_output", "fail_before"])
def test_relink_touches_nothing_that_it_could_not_read(rig: Rig, kind: str) -> None:
    """6, or a refusal; never a command that changes."""
    detach(rig, LV1)
    rig.fault(kind, "*", occurrence="all")
    assert rig.relink().exit in {3, 6}
    assert rig.changes() == []


def test_relink_refuses_an_open_run(rig: Rig) -> None:
    """`unfinished`: resume is for that; and nothing is asked of the array."""
    broken_off(rig)
    asked = len(rig.calls())
    report = rig.relink(dead(rig))
    assert report.refusal is not None
    assert (report.exit, report.refusal.code) == (3, "unfinished")
    assert len(rig.calls()) == asked


def test_relink_is_locked_out_by_a_run_at_work(rig: Rig) -> None:
    """7, by the journal or by the lock."""
    broken_off(rig)
    report = rig.relink()
    assert (report.exit, report.refusal and report.refusal.code) == (7, "locked")
    desk = rig.desk(book=Journal(rig.directory / "elsewhere"))
    held = desk.exclusive.acquire(0.0)
    assert not isinstance(held, str)
    assert rig.relink(desk).exit == 7
    held.release()


def test_relink_goes_on_beside_a_damaged_journal(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """The rescue believes the array; a resync stays refused until somebody sets the journal aside."""
    assert rig.resync().exit == 0
    path = damage(rig)
    before = path.read_bytes()
    detach(rig, LV1)
    assert (rig.relink().exit, rig.shows()) == (0, BOTH)
    assert "going on by what the array says alone" in caplog.text
    assert path.read_bytes() == before
    report = rig.resync(force=True)
    assert report.refusal is not None
    assert report.refusal.code == "journal-unreadable"
    assert "necism abandon" in report.refusal.hint


def test_relink_refuses_an_open_run_that_stands_beside_a_damaged_journal(rig: Rig) -> None:
    """The newest journal can be read and is open: whatever is wrong with an older one, resume comes first."""
    assert rig.resync().exit == 0
    damage(rig)
    old = Journal(rig.directory / "state")
    moved = old.set_aside(rig.resource)
    rig.edit("svs", SV1, created=1.0)
    rig.edit("svs", SV2, created=1.0)
    broken_off(rig)
    Path(moved[0][1]).rename(moved[0][0])
    report = rig.relink(dead(rig))
    assert report.refusal is not None
    assert report.refusal.code == "unfinished"


def test_relink_asks_only_for_its_document(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints the run of its own, by the published schema."""
    detach(rig, LV1)
    assert necism(rig, "relink", SEL, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    SCHEMA.validate(document)
    assert [run["exit"] for run in document["runs"]] == [0]
    assert necism(rig, "history") == 0
    assert "relinked by " in capsys.readouterr().out


def test_relink_on_a_node_that_may_not_act_is_refused(rig: Rig) -> None:
    """`run_on` and `noaction` hold for every command that changes."""
    rig.service("run_on = elsewhere")
    detach(rig, LV1)
    report = rig.relink()
    assert (report.exit, report.refusal and report.refusal.code, rig.changes()) == (3, "run-on", [])


def test_a_relink_that_fails_stays_open_for_resume(rig: Rig) -> None:
    """The image is there, the link did not succeed: 6, and resume goes on with that run."""
    rig.necism("relink_timeout", "1s")
    detach(rig, LV1)
    rig.fault("fail_before", "iSMsc_link", occurrence="all")
    report = rig.relink()
    assert (report.exit, rig.tale().open) == (6, True)
    assert LV1 in report.text
    clear_faults(rig.directory)
    assert (rig.resume().exit, rig.shows(), rig.tale().open) == (0, BOTH, False)


def test_abandon_closes_an_open_run_and_changes_nothing(rig: Rig) -> None:
    """0; who and why stand in the journal; the next resync is not refused as unfinished."""
    broken_off(rig)
    sent, shows = rig.changes(), rig.shows()
    report = rig.abandon("the array was rebuilt", dead(rig))
    assert report.exit == 0
    assert (rig.changes(), rig.shows()) == (sent, shows)
    tale = rig.tale()
    assert (tale.open, tale.exit) == (False, 6)
    assert "abandoned by " in tale.text
    assert "the array was rebuilt" in tale.text
    assert (rig.resync(dead(rig)).exit, rig.shows()) == (0, BOTH)


def test_abandon_leaves_a_living_run_alone(rig: Rig) -> None:
    """7 while its process lives, and while the lock is held; the run stays as it is."""
    broken_off(rig)
    report = rig.abandon("impatience")
    assert (report.exit, report.refusal and report.refusal.code, rig.tale().open) == (7, "locked", True)
    desk = dead(rig)
    held = desk.exclusive.acquire(0.0)
    assert not isinstance(held, str)
    assert (rig.abandon("impatience", desk).exit, rig.tale().open) == (7, True)
    held.release()


def test_abandon_sets_a_damaged_journal_aside(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Renamed, byte for byte as it was, named, and noted with who and why; then resync works again."""
    assert rig.resync().exit == 0
    path = damage(rig)
    before = path.read_bytes()
    assert necism(rig, "abandon", SEL, "--reason", "disk trouble") == 0
    aside = path.with_name(f"{path.name}.damaged")
    assert str(aside) in capsys.readouterr().out
    assert (path.exists(), aside.read_bytes()) == (False, before)
    (note,) = rig.files()
    assert (note.header.reason, note.plan.pairs) == ("disk trouble", ())
    assert rig.tale().exit == 0
    assert necism(rig, "history", "--json") == 0
    SCHEMA.validate(json.loads(capsys.readouterr().out))
    assert (rig.resync(force=True).exit, rig.shows()) == (0, BOTH)


def test_abandon_never_renames_over_another_file(rig: Rig) -> None:
    """What was set aside before stays."""
    assert rig.resync().exit == 0
    path = damage(rig)
    aside = path.with_name(f"{path.name}.damaged")
    aside.write_text("older")
    assert rig.abandon("again").exit == 0
    assert aside.read_text() == "older"
    assert path.with_name(f"{path.name}.damaged2").exists()


def test_abandon_closes_the_run_beside_a_damaged_journal_too(rig: Rig) -> None:
    """An older journal is damaged and the newest is open: after one abandon neither is in the way."""
    assert rig.resync().exit == 0
    path = damage(rig)
    text = path.read_bytes()
    path.unlink()
    rig.edit("svs", SV1, created=1.0)
    broken_off(rig)
    path.write_bytes(text)
    assert rig.abandon("both", dead(rig)).exit == 0
    assert [file.run().result is not None for file in rig.files()] == [True, True]


def test_abandon_without_anything_to_abandon(rig: Rig) -> None:
    """0, and no journal is made."""
    report = rig.abandon("tidy")
    assert (report.exit, rig.files()) == (0, [])
    assert "nothing to do" in report.text


@pytest.mark.parametrize("words", [[], ["--reason", ""], ["--reason", "  "]])
def test_abandon_wants_a_reason(rig: Rig, words: list[str]) -> None:
    """64 without one."""
    assert necism(rig, "abandon", SEL, *words) == 64


def test_hooks_that_a_resync_needs_do_not_keep_anybody_from_linking(rig: Rig) -> None:
    """Relink runs no hook; a pre_resync that fails leaves a detached LV as it was, and resume links it."""
    rig.service("pre_resync = /bin/false", "post_resync = /bin/true", "access = rw")
    detach(rig, LV1)
    assert (necism(rig, "relink", SEL), rig.shows()) == (0, BOTH)
    detach(rig, LV1)
    report, sent = rig.resync(), len(rig.changes())
    assert (report.exit, f"{LV1} is detached, as before the run" in report.text) == (6, True)
    assert (sent, necism(rig, "resume", SEL), rig.shows()) == (1, 0, BOTH)


def test_an_image_that_somebody_else_shows_is_not_linked_twice(make_rig: Callable[..., Rig]) -> None:
    """The SV of a detached LV is shown by another LV: 6, nothing is sent."""
    rig = make_rig()
    with_another(rig)
    rig.services[0].write_text(rig.services[0].read_text().replace(f"{SV1}:{LV1}", f"{SV1}:{LV1}X"))
    with edit_world(rig.directory) as world:
        world["lvs"][f"{LV1}X"] = {**world["lvs"][LV1], "shows": None, "ldn": 998}
    report = rig.relink()
    assert (report.exit, rig.changes()) == (6, []), report.text
    assert f"{LV1}X" in report.text


def test_a_relink_is_no_success_of_a_resync(rig: Rig) -> None:
    """It ends well, but no image is newer for it: the time of the last success stays."""
    assert rig.resync().exit == 0
    before = Journal(rig.directory / "state").history(rig.resource)
    detach(rig, LV1)
    assert rig.relink().exit == 0
    after = Journal(rig.directory / "state").history(rig.resource)
    assert not isinstance(before, Unread)
    assert not isinstance(after, Unread)
    assert (after.last_success_at, after.mixed) == (before.last_success_at, False)


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.parametrize(("blind", "other"), [(BV1, LV2), (BV2, LV1)])
def test_a_bv_that_cannot_be_read_keeps_no_other_one_from_being_linked(
    rig: Rig, parallel: int, blind: str, other: str
) -> None:
    """Killed with both LVs detached: what can be read is linked, whatever comes before it in the plan."""
    rig.service(f"parallel = {parallel}")
    with pytest.raises(KeyboardInterrupt):
        rig.resync(rig.desk(narrator=Dying(rig, 1)))
    rig.fault("fail_before", "iSMsc_query", match=[blind], occurrence="all")
    assert rig.resume(dead(rig)).exit == 6
    assert rig.shows()[other] is not None
