"""States and words of the check, on verdicts made by hand."""

from __future__ import annotations

import math
from itertools import product

import pytest

from necism_monitor.domain.errors import Incoherent
from necism_monitor.domain.findings import Verdict, finding
from necism_monitor.domain.verdicts import ResourceVerdict
from necism_monitor.nagios.check import AgeContext, Check, Snapshots, TimeLimitContext, make_check
from necism_monitor.nagios.claims import Policy
from necism_monitor.nagios.deadline import Deadline
from necism_monitor.nagios.output import compose, status_line
from necism_monitor.nagios.ranges import parse_threshold
from necism_monitor.nagios.states import State, worst_state
from necism_monitor.nagios.summary import Report
from tests.nagios.builders import Said, detached, pair, parse_output, resource, unreadable, verdicts

DAY = 86_400.0
FINE = resource("fine/sync#1", pair("LV1"), pair("LV2", age=7200.0))
LOOSE = resource("loose/sync#1", pair("LV3", detached("LV3")))
BLIND = resource("blind/sync#1", pair("LV4", unreadable("LV4")))
UNDATED = resource("undated/sync#1", pair("LV5", finding("never-synced", "LV5", "SV holds no image"), age=None))
PLAIN = Policy()
OLD = resource("old/sync#1", pair("LV6", age=3 * DAY), findings=(finding("too-old", "old/sync#1", "SV6 is 3d0h old"),))


def prepare(
    *resources: ResourceVerdict, policy: Policy = PLAIN, verbose: int = 0, cut: str = "", late: State = State.UNKNOWN
) -> Check:
    deadline = Deadline(50)
    deadline.cut_short += [cut] if cut else []
    snapshots = Snapshots(lambda: verdicts(*resources), deadline)
    contexts = (AgeContext(policy), TimeLimitContext(late, deadline))
    check = make_check(snapshots, contexts, Report(verbose, snapshots, deadline))
    check()
    return check


def say(
    *resources: ResourceVerdict, policy: Policy = PLAIN, verbose: int = 0, cut: str = "", late: State = State.UNKNOWN
) -> Said:
    check = prepare(*resources, policy=policy, verbose=verbose, cut=cut, late=late)
    state = check.exit_state()
    more = check.summary.verbose(check.results)
    return parse_output(compose(status_line(state, check.summary_str), check.perfdata, more), int(state))


def ranges(warning: str | None = None, critical: str | None = None) -> Policy:
    return Policy(
        None if warning is None else parse_threshold(warning), None if critical is None else parse_threshold(critical)
    )


def test_all_is_well() -> None:
    """Everything up: one short line with the oldest age, and the ages as perfdata."""
    said = say(FINE)
    assert said.status == "NECISM OK - 2 LVs, oldest 2h"
    assert said.perfdata == (("fine/sync#1", "7200", "s", "90000", "", "0"),)
    assert said.more == ()


@pytest.mark.proves("N04")
def test_the_all_well_line_is_short_however_much_there_is() -> None:
    """Below 80 characters with a thousand resources of long names and of all ages."""
    many = [resource(f"{'s' * 60}{n}/sync#1", pair(f"LV{n}", age=n * DAY + 12_345)) for n in range(1000)]
    assert len(say(*many).status) < 80


@pytest.mark.proves("N03")
def test_a_critical_resource_and_an_unreadable_one_are_both_named() -> None:
    """The worse decides the exit status, and the text names both."""
    said = say(FINE, BLIND, LOOSE, policy=Policy(critical_on=frozenset({"detached"})))
    assert said.word == "CRITICAL"
    assert said.status.startswith("NECISM CRITICAL - 1 critical, 1 unknown, 1 ok: loose/sync#1 detached LV3")
    assert "blind/sync#1 unreadable LV4" in said.status


def test_a_warning_is_not_hidden_by_an_unknown() -> None:
    """WARNING outranks UNKNOWN, and both are named, within a resource too."""
    assert say(BLIND, LOOSE).word == "WARNING"
    both = say(resource("both/sync#1", pair("LV1", unreadable("LV1")), pair("LV2", detached("LV2"))))
    assert both.word == "WARNING"
    assert "detached LV2, unreadable LV1" in both.status


@pytest.mark.parametrize("states", list(product(State, repeat=2)), ids=lambda pair: "-".join(s.name for s in pair))
def test_the_worst_of_two_states(states: tuple[State, State]) -> None:
    """CRITICAL, WARNING, UNKNOWN, OK: the first of these that occurs."""
    order = [State.CRITICAL, State.WARNING, State.UNKNOWN, State.OK]
    assert worst_state(states) is next(state for state in order if state in states)


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        (ranges(), "OK"),
        (ranges("2h"), "OK"),
        (ranges("7199"), "WARNING"),
        (ranges("1h", "7200"), "WARNING"),
        (ranges("1h", "7199"), "CRITICAL"),
        (ranges(None, "0"), "CRITICAL"),
        (ranges("0"), "WARNING"),
        (ranges("@1h:3h"), "WARNING"),
        (ranges("3h:"), "WARNING"),
        (ranges("~:1h"), "WARNING"),
    ],
)
def test_ranges_come_on_top_of_the_verdict(policy: Policy, word: str) -> None:
    """The greatest age of a healthy resource, 7200 s, against -w and -c; critical is looked at first."""
    assert say(FINE, policy=policy).word == word


def test_a_range_never_makes_a_verdict_better() -> None:
    """The worst of verdict and ranges wins."""
    assert say(OLD, policy=ranges("10d", "20d")).word == "WARNING"
    assert say(OLD, policy=ranges("10d", "1d")).word == "CRITICAL"


@pytest.mark.proves("N07")
def test_without_a_date_ranges_are_unknown_and_the_value_is_u() -> None:
    """No dated pair: perfdata `U`, and -w or -c cannot be judged; what is known to be wrong still warns."""
    said = say(UNDATED, policy=ranges("1d"))
    assert said.word == "WARNING"
    assert "never-synced LV5" in said.status
    assert "age" in said.status
    assert said.perfdata == (("undated/sync#1", "U", "", "86400", "", "0"),)
    nothing_else = resource("new/sync#1", pair("LV7", age=None))
    assert say(nothing_else, policy=ranges("1d")).word == "UNKNOWN"
    assert say(nothing_else).word == "OK"


@pytest.mark.proves("N07")
def test_an_age_that_is_no_number_is_not_ok() -> None:
    """NaN compares with nothing, so it is treated as not known."""
    odd = resource("odd/sync#1", pair("LV8", age=math.nan))
    assert say(odd, policy=ranges("1d")).word == "UNKNOWN"
    assert say(odd).perfdata[0].value == "U"


@pytest.mark.proves("N07")
def test_a_date_in_the_future_is_age_zero() -> None:
    """A clock that is ahead makes no negative age and no alarm of its own."""
    ahead = resource("ahead/sync#1", pair("LV9", age=-500.0))
    assert say(ahead, policy=ranges("1d", "2d")).word == "OK"
    assert say(ahead).perfdata[0].value == "0"


def test_a_verdict_without_a_finding_keeps_its_state() -> None:
    """Nothing is OK only because nobody says what is wrong."""
    assert say(FINE._replace(status=Verdict.WARN)).word == "WARNING"
    assert say(FINE._replace(status=Verdict.UNKNOWN)).word == "UNKNOWN"


@pytest.mark.proves("N05")
def test_perfdata_keeps_the_order_of_the_configuration() -> None:
    """Not sorted by name; -w and -c stand beside the ages, in seconds."""
    said = say(OLD, FINE, BLIND, policy=ranges("1d", "@2d:3d"))
    assert [one.label for one in said.perfdata] == ["old/sync#1", "fine/sync#1", "blind/sync#1"]
    assert {(one.warn, one.crit) for one in said.perfdata} == {("86400", "@172800:259200")}


@pytest.mark.parametrize(
    ("late", "resources", "word"),
    [
        (State.UNKNOWN, (FINE,), "UNKNOWN"),
        (State.WARNING, (FINE,), "WARNING"),
        (State.CRITICAL, (FINE,), "CRITICAL"),
        (State.UNKNOWN, (LOOSE,), "WARNING"),
        (State.CRITICAL, (LOOSE,), "CRITICAL"),
    ],
)
def test_time_that_ran_out_is_named(late: State, resources: tuple[ResourceVerdict, ...], word: str) -> None:
    """The timeout has the state that was asked for, names its command, and hides nothing worse."""
    said = say(*resources, cut="iSMsc_query -bv X", late=late)
    assert said.word == word
    assert "no answer within 50 s" in said.status
    assert said.status.count("iSMsc_query -bv X") == (0 if word == "WARNING" and late is State.UNKNOWN else 1)


@pytest.mark.proves("N09")
@pytest.mark.parametrize("resources", [(FINE,), (LOOSE,), (BLIND, LOOSE), (OLD, UNDATED, FINE)])
def test_more_words_do_not_change_the_answer(resources: tuple[ResourceVerdict, ...]) -> None:
    """Each -v adds lines; exit status and perfdata stay."""
    said = [say(*resources, verbose=level) for level in range(4)]
    assert len({(one.code, one.perfdata) for one in said}) == 1
    lengths = [len(one.more) for one in said]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0
    assert lengths[2] >= lengths[1] + len(resources)


def test_findings_and_pairs_stand_in_the_lines_below() -> None:
    """-v tells each finding with its hint, -vv each pair, -vvv what ran."""
    (line,) = say(LOOSE, verbose=1).more
    assert line.startswith("WARNING loose/sync#1 detached LV3: LV LV3 is not linked (hint: hosts see no data")
    lines = say(LOOSE, verbose=2).more
    assert "  LV3: linked to SV_LV3, access rw; SV_LV3 is active, 1h old; BV BV" in lines
    assert "0 commands run by this check" in say(LOOSE, verbose=3).more


@pytest.mark.proves("N09")
def test_a_thousand_pairs_stay_below_four_kilobytes() -> None:
    """The default output is short whatever is wrong with however many pairs, in one resource or in a thousand."""
    pairs = [pair(f"A_RATHER_LONG_NAME{n:03}", detached(f"A_RATHER_LONG_NAME{n:03}")) for n in range(1000)]
    said = say(resource("big/sync#1", *pairs))
    assert said.size < 4096
    assert "and 997 more" in said.status


def test_the_named_resources_hold_one_of_every_state() -> None:
    """Ten warnings do not push the only unknown off the line, and the rest is counted."""
    many = [resource(f"s{n}/sync#1", pair(f"LV{n}", detached(f"LV{n}"))) for n in range(10)]
    said = say(*many, BLIND)
    assert "10 warning, 1 unknown" in said.status
    assert "blind/sync#1 unreadable LV4" in said.status
    assert "and 5 more resources" in said.status


def test_a_look_without_verdicts_is_our_bug() -> None:
    """No result at all is never OK."""
    with pytest.raises(Incoherent):
        prepare()
