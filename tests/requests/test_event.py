"""What an event of a monitor asks for, by the sequences that were recorded of Nagios Core 4.4.6 and Icinga 2.13.6."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from necism_monitor.domain.request import Request
from necism_monitor.nagios.event import Macros, decide
from tests.property.profiles import Profile, both

SEL = "erp-preprod/sync#1"
NAGIOS_ID, ICINGA_ID = "4711", "1414995.123"

# max_check_attempts 3: state, type, attempt, problem id of each call of a handler, and whether it asks.
NAGIOS_SEQUENCE = [
    ("CRITICAL", "SOFT", "1", NAGIOS_ID, False),
    ("CRITICAL", "SOFT", "2", NAGIOS_ID, False),
    ("CRITICAL", "HARD", "3", NAGIOS_ID, True),
    ("OK", "HARD", "3", "0", False),
]
NAGIOS_SOFT_RECOVERY = [
    ("WARNING", "SOFT", "1", NAGIOS_ID, False),
    ("OK", "SOFT", "2", "0", False),
]
ICINGA_SEQUENCE = [
    # Icinga begins with an event that is none.
    ("OK", "HARD", "1", "0", False),
    ("CRITICAL", "SOFT", "1", ICINGA_ID, False),
    ("CRITICAL", "SOFT", "2", ICINGA_ID, False),
    ("CRITICAL", "HARD", "1", ICINGA_ID, True),
    ("OK", "HARD", "1", "1414999.5", False),
]
ICINGA_SOFT_RECOVERY = [
    ("WARNING", "SOFT", "1", ICINGA_ID, False),
    # From SOFT as well, Icinga says HARD.
    ("OK", "HARD", "1", ICINGA_ID, False),
]


def hard(state: str = "WARNING", **changes: str) -> Macros:
    """A problem about which something is to be done."""
    return Macros(state, "HARD", "3", NAGIOS_ID, "0", "0")._replace(**changes)


@pytest.mark.proves("N16")
@pytest.mark.parametrize(
    ("monitor", "sequence"),
    [
        ("nagios", NAGIOS_SEQUENCE),
        ("nagios", NAGIOS_SOFT_RECOVERY),
        ("icinga", ICINGA_SEQUENCE),
        ("icinga", ICINGA_SOFT_RECOVERY),
    ],
    ids=["nagios", "nagios soft recovery", "icinga", "icinga soft recovery"],
)
@pytest.mark.parametrize("problem", ["CRITICAL", "WARNING"])
def test_one_request_a_problem_in_the_sequences_of_both_monitors(
    monitor: str, sequence: list[tuple[str, str, str, str, bool]], problem: str
) -> None:
    """The first HARD problem asks, with the last attempt of Nagios or the first of Icinga; no other call does."""
    for state, kind, attempt, identity, asks in sequence:
        word = state if state == "OK" else problem
        decided = decide(monitor, Macros(word, kind, attempt, identity, "0", "0"), SEL)
        assert decided == Request(SEL, monitor, identity) if asks else isinstance(decided, str)


@pytest.mark.proves("N16")
@pytest.mark.parametrize(
    ("state", "kind"), [("1", "1"), ("2", "1"), ("WARNING", "1"), ("2", "HARD"), ("critical", "hard")]
)
def test_numbers_mean_what_the_words_mean(state: str, kind: str) -> None:
    """`$SERVICESTATEID$`, `$service.state_id$` and the state type of Icinga's API are numbers."""
    assert decide("icinga", hard(state, state_type=kind), SEL) == Request(SEL, "icinga", NAGIOS_ID)


@pytest.mark.proves("N15")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "OK"}, "neither WARNING nor CRITICAL"),
        ({"state": "UNKNOWN"}, "neither WARNING nor CRITICAL"),
        ({"state": "0"}, "neither"),
        ({"state": "3"}, "neither"),
        ({"state": "UP"}, "neither"),
        ({"state": "DOWN"}, "neither"),
        ({"state": "$SERVICESTATE$"}, "'$SERVICESTATE$'"),
        ({"state": "$service.state$"}, "'$service.state$'"),
        ({"state": ""}, "the state is ''"),
        ({"state": "4"}, "neither"),
        ({"state": "CRITICAL "}, "neither"),
        ({"state_type": "SOFT"}, "not HARD"),
        ({"state_type": "0"}, "not HARD"),
        ({"state_type": "2"}, "not HARD"),
        ({"state_type": ""}, "not HARD"),
        ({"state_type": "$SERVICESTATETYPE$"}, "not HARD"),
        ({"attempt": ""}, "the attempt is ''"),
        ({"attempt": "0"}, "no number from 1 on"),
        ({"attempt": "-1"}, "no number from 1 on"),
        ({"attempt": "$SERVICEATTEMPT$"}, "no number"),
        ({"downtime": "1"}, "the downtime is '1', not 0"),
        ({"downtime": "2.0"}, "not 0"),
        ({"downtime": "true"}, "not 0"),
        ({"downtime": ""}, "not 0"),
        ({"downtime": "$SERVICEDOWNTIME$"}, "not 0"),
        ({"downtime": "nan"}, "not 0"),
        ({"ack": "1"}, "the acknowledgement is '1', not 0"),
        ({"ack": "2"}, "not 0"),
        ({"ack": "true"}, "not 0"),
        ({"ack": ""}, "not 0"),
        ({"ack": "$service.acknowledgement$"}, "not 0"),
        ({"problem_id": ""}, "names no problem"),
        ({"problem_id": "0"}, "names no problem"),
        ({"problem_id": "0.000000"}, "names no problem"),
        ({"problem_id": "$SERVICEPROBLEMID$"}, "names no problem"),
        ({"problem_id": "4711; reboot"}, "names no problem"),
        ({"problem_id": "../../etc/passwd"}, "names no problem"),
        ({"problem_id": "1" * 101}, "names no problem"),
        ({"problem_id": "47\n11"}, "names no problem"),
        ({"problem_id": "\udce4"}, "names no problem"),
    ],
)
def test_whatever_is_no_hard_unattended_problem_asks_for_nothing(changes: dict[str, str], said: str) -> None:
    """Recovery, SOFT, UNKNOWN, downtime, acknowledged, macros that were not expanded, empty values: a sentence."""
    for monitor in ("nagios", "icinga"):
        decided = decide(monitor, hard(**changes), SEL)
        assert isinstance(decided, str)
        assert said in decided


@pytest.mark.parametrize("none", ["0", "0.0", "0.000000", "false", "False", "00"])
def test_no_downtime_is_written_in_several_ways(none: str) -> None:
    """Icinga prints a depth as a number or a truth value, depending on where it comes from."""
    assert decide("icinga", hard(downtime=none, ack=none), SEL) == Request(SEL, "icinga", NAGIOS_ID)


@pytest.mark.parametrize("selector", ["", "/", "a/b/c", "a b", "svc/sync", "$ARG1$", "-x", "x" * 301, "a\nb", "../x"])
def test_a_selector_that_cannot_be_one_asks_for_nothing(selector: str) -> None:
    """It is said which rule it breaks."""
    decided = decide("nagios", hard(), selector)
    assert isinstance(decided, str)
    assert "selector" in decided


def test_calls_of_one_problem_are_one_file_and_a_new_problem_is_another() -> None:
    """The name depends on monitor, selector and problem, and on nothing else."""
    names = [
        decided.name
        for monitor, identity, selector in [
            ("nagios", "1", "a"),
            ("nagios", "1", "a"),
            ("nagios", "2", "a"),
            ("icinga", "1", "a"),
            ("nagios", "1", "b"),
        ]
        if isinstance(decided := decide(monitor, hard(problem_id=identity), selector), Request)
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 4
    assert all(len(name) == 45 and name[:40].isalnum() and name.endswith(".json") for name in names)


WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["CRITICAL", "WARNING", "HARD", "0", "1", "3", "4711", "$(reboot)", "`id`", "'", '"; rm -rf /', ""]
    ),
)


@pytest.mark.proves("N15")
@both
def test_whatever_the_arguments_hold_it_is_a_request_or_a_sentence(profile: Profile) -> None:
    """Never an error; and a request only ever says what was decided about."""

    @profile.tries(300, st.sampled_from(["nagios", "icinga"]), st.lists(WORDS, min_size=7, max_size=7))
    def check(monitor: str, words: list[str]) -> None:
        decided = decide(monitor, Macros(*words[:6]), words[6])
        if isinstance(decided, Request):
            assert decided == Request(words[6], monitor, words[3])
            assert words[0].upper() in {"CRITICAL", "WARNING", "1", "2"}
            assert words[1].upper() in {"HARD", "1"}
        else:
            assert len(decided) < 1000


@pytest.mark.long
@pytest.mark.proves("N15", "S03")
def test_sixty_thousand_calls_of_one_problem_are_one_request() -> None:
    """A storm of a day: every decision is the same one."""
    decided = {decide("nagios", hard(), SEL) for _ in range(60_000)}
    assert decided == {Request(SEL, "nagios", NAGIOS_ID)}
