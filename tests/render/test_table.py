"""The status for people."""

from __future__ import annotations

import io
import re
from datetime import UTC
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from necism_monitor.cli.terminal import draw
from necism_monitor.domain.findings import Verdict, finding
from necism_monitor.domain.history import RunState
from necism_monitor.domain.model import Pair
from necism_monitor.domain.names import LdName
from necism_monitor.domain.states import LinkState
from necism_monitor.domain.verdicts import Verdicts
from necism_monitor.render.table import LINES_PER_FINDING, plain_lines, status_page
from tests.render.verdicts import DETACHED, FAILED, SV, TOO_OLD, blind, open_run, pair, resource, verdicts

PARIS: Final = ZoneInfo("Europe/Paris")


def lines(whole: Verdicts) -> list[str]:
    """The plain page, in UTC."""
    return plain_lines(status_page(whole, UTC))


def drawn(whole: Verdicts, width: int, *, color: bool = False) -> str:
    """The page as a terminal of that width shows it."""
    file = io.StringIO()
    draw(
        status_page(whole, UTC),
        Console(file=file, width=width, force_terminal=color, no_color=not color, highlight=False),
    )
    return file.getvalue()


def words(text: str) -> set[str]:
    """The facts of a page: its words, whatever stands between them and wherever lines end."""
    return set(re.split(r"[\s,]+", text)) - {""}


TROUBLED: Final = verdicts(
    resource(pair(DETACHED), pair(lv="LV2"), found=(TOO_OLD,), status=Verdict.WARN, run=open_run(RunState.UNFINISHED)),
    resource(blind(FAILED, lv="LV3"), status=Verdict.UNKNOWN, name="sync#2"),
    resource(pair(lv="LV4"), name="sync#3"),
    status=Verdict.WARN,
)


def test_a_healthy_page_is_read_off_at_a_glance() -> None:
    """The verdict and its freshness first, the age beside its limit, every pair with what it shows."""
    head, columns = lines(verdicts(resource(pair())))[:6], lines(verdicts(resource(pair())))[6:]
    assert head == [
        "UP: 1 up of 1 resource; as of 2014-09-18 03:17:40, 4s ago, by 2 commands",
        "",
        "RESOURCE            STATUS  AGE    MAX-AGE  SKEW  MAX-SKEW  RUN  FINDINGS",
        "iiststnec02/sync#1  up      2m40s  1d1h     0s    4h        -    -",
        "",
        "iiststnec02/sync#1 up",
    ]
    left = "  LV                  STATUS  LINK    SV                  STATE   AGE    TAKEN                BV           "
    assert columns[0] == f"{left}ACCESS  FINDINGS"
    left = "  SOURCE_0001_LV00A6  up      linked  SOURCE_0001_SV006D  active  2m40s  2014-09-18 03:15:04  SOURCE_0001  "
    assert columns[1:] == [f"{left}rw      -"]


def test_what_is_wrong_and_what_to_do_stand_first() -> None:
    """Above the tables, the most urgent first: the LV without data before the old image, could-not-tell last."""
    shown = lines(TROUBLED)
    assert shown[0] == "WARN: 1 warn, 1 unknown, 1 up of 3 resources; as of 2014-09-18 03:17:40, 4s ago, by 2 commands"
    top = shown[: shown.index(next(line for line in shown if line.startswith("RESOURCE")))]
    order = [top.index(line) for line in ("WARN detached", "WARN too-old", "UNKNOWN query-failed")]
    assert order == sorted(order)
    assert top[order[0] + 1] == f"  iiststnec02/sync#1 SOURCE_0001_LV00A6: {DETACHED.text}"
    assert top[order[0] + 2] == f"  -> {DETACHED.hint}"


def test_an_open_run_is_told_with_its_owner() -> None:
    """Who runs it, since when, what is in flight, and which LVs it left detached."""
    run = "iiststnec02/sync#1 run 7f3a since 2014-09-18 03:15:44 (2m) by root@host (pid 4711)"
    rest = "step: create SOURCE_0001_SV006D; detached: SOURCE_0001_LV00A6"
    for state in RunState:
        shown = lines(verdicts(resource(pair(), run=open_run(state))))
        assert f"{state.value.upper()} {run}; {rest}" in shown
        assert f"{state.value} 2m" in next(line for line in shown if line.startswith("iiststnec02/sync#1  "))


def test_one_trouble_of_many_pairs_is_told_once() -> None:
    """Pairs with one text share its line; of many texts the first are listed, and the rest is counted."""
    same = [blind(FAILED, lv=f"LV{number}") for number in range(30)]
    shown = lines(verdicts(resource(*same, status=Verdict.UNKNOWN), status=Verdict.UNKNOWN))
    assert sum(FAILED.text in line for line in shown) == 1
    assert "and 22 more: " in next(line for line in shown if FAILED.text in line)
    each = [
        pair(finding("detached", f"LV{number}", f"LV{number} is not linked"), lv=f"LV{number}") for number in range(30)
    ]
    shown = lines(verdicts(resource(*each, status=Verdict.WARN), status=Verdict.WARN))
    assert sum("is not linked" in line for line in shown) == LINES_PER_FINDING
    assert "  and 22 more, see below" in shown
    assert sum(line.startswith("  LV") and "detached" in line for line in shown) == 30


def test_an_array_repeats_nothing_its_pairs_say() -> None:
    """What only the array's reading says is told, with the array as its subject."""
    alone = finding("timed-out", "default", "iSMview -d: no answer within 240 s")
    shown = lines(verdicts(resource(blind(FAILED)), array=(FAILED, alone)))
    assert sum(FAILED.text in line for line in shown) == 1
    assert f"  array default: {alone.text}" in shown


def test_a_wrong_link_names_what_is_shown() -> None:
    """The SV behind the LV stands beside the word, the alternatives beside the SV."""
    wrong = pair()._replace(
        link=LinkState.WRONG, linked_to=LdName("OTHER_SV"), pair=Pair(LdName("LV1"), (SV, LdName("SV2")))
    )
    row = lines(verdicts(resource(wrong)))[-1]
    assert "wrong: OTHER_SV" in row
    assert f"{SV} ({SV}|SV2)" in row


def test_times_are_those_of_the_host() -> None:
    """In September Paris is two hours ahead of UTC."""
    assert "as of 2014-09-18 05:17:40" in plain_lines(status_page(verdicts(resource(pair())), PARIS))[0]


@pytest.mark.parametrize("age", [1e12, -1e12])
def test_impossible_dates_fail_no_page(age: float) -> None:
    """A date beyond the calendar is shown as not known."""
    assert " - " in lines(verdicts(resource(pair(age=age))))[-1]


def test_nothing_to_show_is_said() -> None:
    """Neither a reading nor a resource: the page says so."""
    assert lines(verdicts()._replace(observed_at=None)) == ["UP: no resources to show; no array was asked"]


@pytest.mark.parametrize("width", [40, 80, 100, 140, 300])
def test_a_terminal_shows_the_facts_of_the_plain_page(width: int) -> None:
    """At every width nothing is cut off; where columns do not fit, each stands with its heading."""
    plain = words("\n".join(lines(TROUBLED)))
    shown = words(drawn(TROUBLED, width))
    headings = {word for word in plain if re.fullmatch(r"[A-Z-]{2,}", word)} - {"WARN", "UNKNOWN", "UNFINISHED"}
    if width == 40:
        # Even a name is longer than this line: it is folded, never cut.
        whole = re.sub(r"\s", "", drawn(TROUBLED, width))
        assert all(word in whole for word in plain - headings)
    else:
        assert plain - headings <= shown
    assert max(len(line) for line in drawn(TROUBLED, width).splitlines()) <= width


def test_colours_say_nothing_that_words_do_not() -> None:
    """Without the escape sequences a coloured page is the uncoloured one."""
    coloured = drawn(TROUBLED, 140, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == drawn(TROUBLED, 140)


def test_brackets_of_the_array_are_no_markup() -> None:
    """A text in square brackets is shown as it stands."""
    odd = finding("unexpected-state", "LV1", "SV X is in state '[bold]odd[/bold] :smile:'")
    assert "'[bold]odd[/bold] :smile:'" in drawn(verdicts(resource(pair(odd, lv="LV1"))), 200)


def test_ages_are_cut_to_two_units() -> None:
    """Ages of 59 s, one minute, and a day and a bit, read off by hand."""
    for age, text in (
        (59.9, "59s"),
        (60.0, "1m"),
        (3_601.0, "1h"),
        (7_199.0, "1h59m"),
        (90_061.0, "1d1h"),
        (0.2, "0s"),
    ):
        row = lines(verdicts(resource(pair(age=age))))[3].split()
        assert row[2] == text
