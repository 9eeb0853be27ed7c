"""What the page makes of single facts: how urgent a set is, what to type, bars, runs, and very many pairs."""

import re

import pytest

from necism_monitor.domain.course import Course, Mark, PairCourse, Stage, Turn
from necism_monitor.domain.diary import Diary, Entry, Note, OpenNote, Refused
from necism_monitor.domain.findings import CATALOGUE, Finding, finding
from necism_monitor.domain.history import NO_HISTORY, OpenRun, RunState
from necism_monitor.domain.model import Automation, Resource
from necism_monitor.domain.names import LdName, ResourceId, ResourceName, ServiceName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.states import LinkState
from necism_monitor.domain.tale import Phase, RunTale
from necism_monitor.render.last_good import Sight
from necism_monitor.render.page import MANY, PageProgram, render_page
from necism_monitor.render.page_sets import SetView, level_of, view_set
from necism_monitor.render.page_words import clock, command_for, cut, date, exit_words, listed, span
from tests.render.sights import DEFAULT, NOW, blind_pair, kept_pair, pair_verdict, sight

SET = ResourceId("svc/sync#1")
PROGRAM = PageProgram("1.2.3", "/metrics", reloaded=True)
DETACHED = finding("detached", "BV1_LV", "LV BV1_LV is not linked")
TOO_OLD = finding("too-old", SET, "BV1_SV is 2d old")
RUNNING = OpenRun(
    "cafe", RunState.RUNNING, NOW - 90, NOW + 600, (LdName("BV1_LV"),), "root on h (process 1)", "create X"
)
UNFINISHED = RUNNING._replace(state=RunState.UNFINISHED)


def tale(run_id: str = "beef", code: int | None = 0, text: str = "done and verified", **changes: object) -> RunTale:
    """A run of a hundred seconds, an hour ago."""
    made = RunTale(
        run_id, "svc", "sync#1", "timer", "k1", "root", "nightly", NOW - 3600, None if code is None else NOW - 3500,
        code, "new", text, "0", (), {LdName("BV1_LV"): 12.25, LdName("BV2_LV"): 75.0}, {}, open=code is None,
    )  # fmt: skip
    return made._replace(**changes)  # type: ignore[arg-type]  # fields by name


def only(seen: Sight, diary: Diary | None = None) -> SetView:
    """The view of the one set of a sight."""
    (one,) = seen.verdicts.resources
    return view_set(seen, diary or {}, one, NOW)


def headline(seen: Sight) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", render_page(seen, PROGRAM, NOW))
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("found", "run", "level", "said"),
    [
        ((), None, "up", "The set is up"),
        ((TOO_OLD,), None, "warn", "1 of 1 set needs attention"),
        ((TOO_OLD, finding("unfinished", SET, "x")), UNFINISHED, "pressing", "1 of 1 set needs somebody now"),
        ((finding("stale", SET, "x"),), None, "unknown", "1 of 1 set is unknown"),
        ((TOO_OLD,), RUNNING, "running", "1 of 1 set is being refreshed"),
        ((), RUNNING, "running", "1 of 1 set is being refreshed"),
        ((finding("stale", SET, "x"),), RUNNING, "unknown", "1 of 1 set is unknown"),
        ((finding("stuck", SET, "x"),), RUNNING, "pressing", "1 of 1 set needs somebody now"),
    ],
)
def test_how_soon_somebody_has_to_look(found: tuple[Finding, ...], run: OpenRun | None, level: str, said: str) -> None:
    """A missing device cannot wait, an old image can; what a run at work mends needs nobody."""
    seen = sight(pair_verdict(1), findings=found, run=run)
    assert level_of(seen.verdicts.resources[0]) == level
    assert headline(seen) == said


def test_a_pair_that_is_detached_presses() -> None:
    """A finding of a pair counts as one of its set."""
    assert only(sight(pair_verdict(1, (DETACHED,), LinkState.DETACHED))).level == "pressing"


def test_nothing_configured_is_said() -> None:
    """An empty page would look like a page that failed."""
    empty = sight(pair_verdict(1))
    verdicts = empty.verdicts._replace(services=())
    assert headline(empty._replace(verdicts=verdicts)) == "No sets are configured"


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_finding_has_something_to_type(code: str) -> None:
    """A command of ours, naming the set where it acts on one; never one that a disabled set would be refused."""
    resource = sight(pair_verdict(1)).verdicts.resources[0].resource
    command = command_for(code, resource)
    verbs = "resume|history|relink|resync|collect|capture|doctor|explain"
    assert re.fullmatch(rf"necism ({verbs}) ?\S*( --force)?", command)
    assert "{" not in command
    assert not command_for(code, resource._replace(disabled=True)).startswith("necism resync")


def test_an_open_run_comes_before_everything_else() -> None:
    """While a run is unfinished every other command would be refused, so only the one that ends it is named."""
    pair = pair_verdict(1, (DETACHED,), LinkState.DETACHED)
    view = only(sight(pair, findings=(TOO_OLD, finding("unfinished", SET, "x")), run=UNFINISHED))
    assert [(one.code, one.command) for one in view.problems] == [
        ("unfinished", "necism resume svc/sync#1"),
        ("detached", ""),
        ("too-old", ""),
    ]


def test_a_running_resync_is_waited_for() -> None:
    """What its end mends has no other remedy meanwhile."""
    (problem,) = only(sight(pair_verdict(1), findings=(TOO_OLD,), run=RUNNING)).problems
    assert (problem.hint, problem.command) == ("a resync is running: wait for its end", "")


def test_findings_with_one_remedy_stand_together() -> None:
    """Ten LVs that nobody could read are one problem, with some of them named."""
    pairs = [blind_pair(number) for number in range(10)]
    (problem,) = only(sight(*pairs)).problems
    assert problem.lines == ("BV0_LV, BV1_LV, BV2_LV, BV3_LV and 6 more: no answer",)
    pairs = [
        pair_verdict(number, (finding("detached", f"BV{number}_LV", f"LV BV{number}_LV is not linked"),))
        for number in range(10)
    ]
    (problem,) = only(sight(*pairs)).problems
    assert (len(problem.lines), problem.more) == (6, 4)
    assert problem.lines[0] == "LV BV0_LV is not linked"


@pytest.mark.parametrize(
    ("age", "state", "told"),
    [
        (3600.0, "ok", "1d left"),
        (80_000.0, "near", "2h46m left"),
        (90_000.0, "near", "0s left"),
        (176_400.0, "over", "1d beyond it"),
    ],
)
def test_an_age_against_its_limit(age: float, state: str, told: str) -> None:
    """The limit is 25 hours; at it an image is not too old, as for the verdict."""
    view = only(sight(pair_verdict(1, taken=NOW - age)))
    assert (view.age.state, view.age.told, view.age.most) == (state, told, 90_000)
    assert view.age.value == min(age, 90_000)


def test_a_skew_is_not_waited_for() -> None:
    """Within its limit nothing is said of what is left; beyond it, by how much."""
    far = pair_verdict(2, taken=NOW - 3600 - 14_000)
    assert (only(sight(pair_verdict(1), far)).skew[:3], only(sight(pair_verdict(1), far)).skew.state) == (
        ("3h53m apart", "4h", ""),
        "ok",
    )
    farther = pair_verdict(2, taken=NOW - 3600 - 18_000)
    assert only(sight(pair_verdict(1), farther)).skew.told == "1h beyond it"


def test_blind_the_last_good_age_is_shown_as_such() -> None:
    """The bar says that it stands for what was read last; with nothing read there is none."""
    kept = {(DEFAULT, LdName("BV1_LV")): kept_pair(pair_verdict(1))}
    view = only(sight(blind_pair(1), kept=kept, up=False))
    assert (view.age.state, view.age.words) == ("kept", "last known: 1h old")
    assert (view.skew.state, view.skew.words) == ("none", "not known")
    assert (view.ill[0].kept, view.ill[0].age) == (True, "1h")
    nothing = only(sight(blind_pair(1), kept={}, up=False))
    assert (nothing.age.state, nothing.age.words) == ("none", "not known")
    assert (nothing.ill[0].kept, nothing.ill[0].taken) == (False, "-")


def test_facts_of_a_set() -> None:
    """Where it is refreshed, by whom, and that it is not refreshed at all, is said where one would type a command."""
    seen = sight(pair_verdict(1), history=NO_HISTORY._replace(last_success_at=NOW - 7200))
    (one,) = seen.verdicts.resources
    changed: Resource = one.resource._replace(
        run_on=frozenset({"b", "a"}), automation=Automation(frozenset({"timer"})), no_action=True
    )
    facts = dict(view_set(seen, {}, one._replace(resource=changed), NOW).facts)
    assert facts["Last good resync"] == "2014-09-06 08:40:00 UTC (2h ago)"
    assert (facts["Runs on"], facts["Automatic"]) == ("a, b", "timer")
    assert facts["Resync"].startswith("refused")
    damaged = sight(pair_verdict(1), history=Unread("journal-unreadable", "x", "y"))
    assert dict(only(damaged).facts)["Last good resync"] == "not known"
    assert dict(only(damaged._replace(readings={})).facts)["Last good reading"] == "never"


COURSE = Course(
    (
        Stage("pre_resync", Turn.DONE, 1, 1, NOW - 90, NOW - 80),
        Stage("unlink", Turn.AT_WORK, 1, 2, NOW - 80, None),
        Stage("verify", Turn.TO_COME, 0, 2, None, None),
    ),
    (
        PairCourse(
            LdName("BV1_LV"),
            LdName("BV1_SV"),
            Mark(Turn.DONE, NOW - 79),
            Mark(Turn.AT_WORK, NOW - 70),
            Mark(Turn.TO_COME),
        ),
    ),
    "",
)


def open_entry(run_id: str = "cafe") -> Diary:
    return {SET: Entry(open=OpenNote(tale(run_id, None), COURSE))}


def test_a_run_at_work_shows_its_steps() -> None:
    """Done with how long it took, at work with since when, and to come."""
    run = only(sight(pair_verdict(1), run=RUNNING), open_entry()).open
    assert run is not None
    assert [tuple(one)[1:] for one in run.stages] == [
        ("done", "done", "", "10:38:30, took 10.0 s"),
        ("at-work", "at work", "1 of 2", "since 10:38:40"),
        ("to-come", "to come", "0 of 2", ""),
    ]
    assert run.pairs[0].marks == (
        ("done", "done 10:38:41"),
        ("at-work", "at work since 10:38:50"),
        ("to-come", "to come"),
    )
    facts = dict(run.facts)
    assert facts["By"] == "root on h (process 1), trigger timer"
    assert (facts["Detached now"], facts["Longest detached"]) == ("BV1_LV", "1m15s")
    assert facts["Its own deadline"] == "2014-09-06 10:50:00 UTC"


def test_a_run_that_died_was_cut_off() -> None:
    """What was at work then is not at work now, and what is owed is said."""
    run = only(sight(pair_verdict(1), run=UNFINISHED._replace(owes_post=True)), open_entry()).open
    assert run is not None
    assert run.stages[1].word == "cut off"
    assert run.pairs[0].marks[1] == ("cut-off", "cut off, begun 10:38:50")
    facts = dict(run.facts)
    assert facts["Cut off while"] == "create X"
    assert "post_resync" in facts["Owed"]
    assert "Its own deadline" not in facts


def test_a_diary_of_another_run_is_not_mixed_in() -> None:
    """Between two readings of the journal a run may have ended: the verdict's run is shown, without foreign steps."""
    view = only(sight(pair_verdict(1), run=RUNNING), open_entry("0ther"))
    assert view.open is not None
    assert (view.open.id, view.open.stages) == ("cafe", ())
    assert [one.id for one in view.runs] == ["0ther"]


def test_the_last_runs_in_words() -> None:
    """Trigger, exit, images, how long it took, and who was away for how long, the longest first."""
    runs = (
        Note(tale(), (Phase("unlink", 2, NOW - 3600, NOW - 3599.5), Phase("create", 2, NOW - 3599, None))),
        Note(tale("f5", 5, "every LV is linked; images old"), ()),
        Note(tale("f6", 6, "BV1_LV is detached"), ()),
        Note(tale("f0", None, "no end was journalled", binding=False), ()),
        Note(tale("f70", 70, "surprise", detached_seconds={}), ()),
    )
    good, failed, away, dead, bug = only(sight(pair_verdict(1)), {SET: Entry(runs=runs)}).runs
    assert good.began == "2014-09-06 09:40:00 UTC (1h ago)"
    assert (good.trigger, good.user, good.reason, good.took, good.images) == (
        "timer",
        "root",
        "nightly",
        "1m40s",
        "new",
    )
    assert (good.slug, good.exit, good.words) == ("up", "exit 0", "done and verified")
    assert (good.longest, good.detached) == ("1m15s", "BV2_LV 1m15s, BV1_LV 12.2 s")
    assert good.phases == "unlink 0.5 s, create not ended"
    assert (failed.slug, failed.words) == ("warn", "failed: every LV is linked; images old")
    assert (away.slug, away.words) == ("warn", "failed: BV1_LV is detached")
    assert (dead.slug, dead.exit, dead.took) == ("unknown", "no end", "not ended")
    assert dead.words == "it changed nothing, and its process is gone"
    assert (bug.words, bug.longest) == ("a bug of necism-monitor: surprise", "none was")


def test_refusals_and_what_cannot_be_told() -> None:
    """Who asked, when, why not; and that a journal is damaged."""
    refused = (Refused(NOW - 60, "timer", "", "too-soon", "x", "wait"), Refused(None, "", "root", "locked", "y", ""))
    view = only(sight(pair_verdict(1)), {SET: Entry(refusals=refused, problem="file is damaged")})
    assert [(one.at, one.by) for one in view.refusals] == [
        ("2014-09-06 10:39:00 UTC (1m ago)", "unknown, trigger timer"),
        ("-", "root, trigger unknown"),
    ]
    html = render_page(sight(pair_verdict(1)), PROGRAM, NOW, {SET: Entry(refusals=refused, problem="file is damaged")})
    assert "Not all runs can be told: file is damaged" in html
    assert "No run is in the journal" not in html


def many(count: int, found: tuple[Finding, ...] = ()) -> Sight:
    """Sets of four pairs each."""
    one = sight(*(pair_verdict(number) for number in range(4)), findings=found)
    (verdict,) = one.verdicts.resources
    services = []
    for number in range(count):
        resource = verdict.resource._replace(service=ServiceName(f"svc{number}"), name=ResourceName("sync#1"))
        services.append(one.verdicts.services[0]._replace(resources=(verdict._replace(resource=resource),)))
    return one._replace(verdicts=one.verdicts._replace(services=tuple(services)))


def test_a_thousand_pairs_stay_a_page() -> None:
    """Healthy sets fold into one line that names the one nearest to its limit; the page stays below a megabyte."""
    html = render_page(many(250), PROGRAM, NOW)
    assert "250 sets are up; nearest to its limit: svc0/sync#1" in html
    assert html.count('<th scope="row">BV') == 1000
    assert len(html) < 1_000_000
    assert "sets are up;" not in render_page(many(MANY), PROGRAM, NOW)


def test_a_thousand_pairs_of_one_set_fold() -> None:
    """The one that is not up stands above the fold."""
    pairs = [pair_verdict(number) for number in range(999)]
    html = render_page(sight(pair_verdict(999, (DETACHED,), LinkState.DETACHED), *pairs), PROGRAM, NOW)
    assert "<summary>999 pairs are up</summary>" in html
    assert html.index("BV999_LV</th>") < html.index("999 pairs are up")


def test_everything_wrong_is_still_readable() -> None:
    """On top the first sets are named and the others counted."""
    html = render_page(many(100, (TOO_OLD,)), PROGRAM, NOW)
    assert "100 of 100 sets need attention" in html
    assert html.count('id="need-') == 12
    assert "and 88 more below" in html


def test_no_two_elements_share_an_id() -> None:
    """The script finds by them what is what."""
    html = render_page(many(20, (TOO_OLD,)), PROGRAM, NOW, open_entry())
    found = re.findall(r'\bid="([^"]*)"', html)
    assert len(found) == len(set(found))


def test_small_words() -> None:
    """Spans are cut as in `necism status`, lists are counted, long texts end visibly."""
    assert [span(seconds) for seconds in (None, 0, 59.9, 3660, 90_061)] == ["-", "0s", "59s", "1h1m", "1d1h"]
    assert (date(None), clock(None), clock(NOW), clock(1e18)) == ("-", "-", "10:40:00", "1e+18 s")
    assert listed(("a", "b", "c"), 2) == "a, b and 1 more"
    assert cut("x" * 10, 4) == "xxxx ..."
    assert cut("x" * 4, 4) == "xxxx"
    assert exit_words(4, "x") == "exit 4: x"
