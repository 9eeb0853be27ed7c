"""From verdicts to metric families: what is known has a series, what is not has none."""

import math
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from necism_monitor.domain.findings import CATALOGUE, finding
from necism_monitor.domain.history import NO_HISTORY, OpenRun, RunState, Totals
from necism_monitor.domain.model import Automation
from necism_monitor.domain.names import ArrayName, LdName, ResourceName, ServiceName
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.refusals import CATALOGUE as REFUSALS
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.render import exposition
from necism_monitor.render.families import (
    CommandCount,
    Program,
    age_family,
    command_families,
    program_families,
    safe,
    sight_families,
)
from necism_monitor.render.family_table import BUCKETS, FAMILIES
from necism_monitor.render.last_good import Sight
from tests.render.sights import DEFAULT, NOW, blind_pair, kept_pair, pair_verdict, sight

Series = dict[str, dict[frozenset[tuple[str, str]], float]]
PROGRAM = Program("1.2.3", "3.11.7", reloaded=True)
COUNTS = {"iSMsc_query": CommandCount(3, 1, 12.5, (1, 2, 2, 3, 3, 3))}

CONTRACT = {
    "necism_up": {"array"},
    "necism_collection_duration_seconds": {"array"},
    "necism_collection_timestamp_seconds": {"array"},
    "necism_snapshot_timestamp_seconds": {"service", "resource", "lv", "sv", "bv"},
    "necism_snapshot_size_bytes": {"service", "resource", "lv", "sv", "bv"},
    "necism_resync_age_seconds": {"service", "resource"},
    "necism_resync_max_delay_seconds": {"service", "resource"},
    "necism_resync_min_delay_seconds": {"service", "resource"},
    "necism_resync_automatic": {"service", "resource"},
    "necism_set_skew_seconds": {"service", "resource"},
    "necism_resource_status": {"service", "resource", "status"},
    "necism_pair_status": {"service", "resource", "lv", "status"},
    "necism_link_state": {"service", "resource", "lv", "state"},
    "necism_snapshot_state": {"service", "resource", "lv", "state"},
    "necism_findings": {"service", "resource", "finding"},
    "necism_pair_info": {
        "service",
        "resource",
        "lv",
        "sv",
        "bv",
        "array",
        "os_type",
        "access",
        "special_file",
    },
    "necism_array_clock_offset_seconds": {"array"},
    "necism_ism_commands_total": {"command"},
    "necism_ism_command_failures_total": {"command"},
    "necism_ism_command_duration_seconds_bucket": {"command", "le"},
    "necism_ism_command_duration_seconds_count": {"command"},
    "necism_ism_command_duration_seconds_sum": {"command"},
    "necism_resync_running": {"service", "resource"},
    "necism_resync_unfinished": {"service", "resource"},
    "necism_resync_last_run_timestamp_seconds": {"service", "resource"},
    "necism_resync_last_success_timestamp_seconds": {"service", "resource"},
    "necism_resync_runs_total": {"service", "resource"},
    "necism_resync_failures_total": {"service", "resource"},
    "necism_resync_last_duration_seconds": {"service", "resource"},
    "necism_resync_last_detached_seconds": {"service", "resource"},
    "necism_resync_refusals_total": {"reason"},
    "necism_config_last_reload_successful": set[str](),
    "necism_build_info": {"version", "pythonversion"},
}


def everything(seen: Sight, now: float = NOW) -> list[Metric]:
    """All families, as a scrape has them."""
    return [*sight_families(seen), age_family(seen, now), *command_families(COUNTS), *program_families(PROGRAM)]


def read(families: Iterable[Metric]) -> Series:
    """The series as another program's parser reads them from the rendered text."""
    series: Series = {}
    for family in text_string_to_metric_families(exposition.render(families).decode()):
        for sample in family.samples:
            labels = frozenset(sample.labels.items())
            assert labels not in series.setdefault(sample.name, {}), "the same series twice"
            series[sample.name][labels] = sample.value
    return series


def value(series: Series, name: str, **labels: str) -> float:
    """The value of the one series of a family that has these labels."""
    wanted = set(labels.items())
    (found,) = [number for held, number in series[f"necism_{name}"].items() if wanted <= held]
    return found


def full() -> Sight:
    """A sight in which every family has a series."""
    history = NO_HISTORY._replace(last_run_at=NOW - 50, last_success_at=NOW - 60)
    pairs = pair_verdict(1), pair_verdict(2, taken=NOW - 3638)
    return sight(*pairs, history=history, offset=-0.5, total=Totals(7, 2, 257.963, 257.4), refused={"too-soon": 3})


@pytest.mark.proves("P08")
def test_every_family_of_the_contract_is_there_with_its_labels() -> None:
    """Names and labels are public: all of them, and no other."""
    series = read(everything(full()))
    labels = {name: {label for held in found for label, _ in held} for name, found in series.items()}
    assert labels == CONTRACT


@pytest.mark.proves("P02", "P06")
def test_every_family_says_what_it_is() -> None:
    """HELP and TYPE are there once each, HELP is short enough for a tooltip, and no family is empty of words."""
    text = exposition.render(everything(full())).decode()
    helps = [line.split(" ", 3) for line in text.splitlines() if line.startswith("# HELP")]
    types = [line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert [one[2] for one in helps] == types
    assert len(set(types)) == len(types)
    assert all(10 < len(one[3]) < 150 for one in helps)
    assert types == [f"necism_{name}" for name in FAMILIES]
    assert [name for name in types if not re.fullmatch(r"necism(_[a-z]+)+", name)] == []
    assert [name for name in types if re.search("percent|minutes|hours|milli", name)] == []


@pytest.mark.proves("P04")
def test_points_in_time_are_timestamps_and_one_age_is_shown() -> None:
    """The age that was asked for by name stands alone; whatever else has a time has it as seconds since the epoch."""
    series = read(everything(full()))
    assert [name for name in series if "age" in name.split("_") or "since" in name] == ["necism_resync_age_seconds"]
    moments = {name for name, found in series.items() if any(number > NOW / 2 for number in found.values())}
    assert moments == {name for name in series if name.endswith("_timestamp_seconds")}


@pytest.mark.proves("P07")
def test_no_label_is_the_same_everywhere() -> None:
    """Two resources, two arrays: no label stands on every family, and none but those of build_info has one value only.

    What is the same on every series is for the scrape configuration to add.
    """
    one, other = full(), renamed(full())
    both = one._replace(
        verdicts=one.verdicts._replace(
            arrays=(*one.verdicts.arrays, *other.verdicts.arrays),
            services=(*one.verdicts.services, *other.verdicts.services),
        ),
        pairs={**one.pairs, **other.pairs},
        readings={**one.readings, **other.readings},
    )
    counts = {**COUNTS, "iSMview": COUNTS["iSMsc_query"]}
    families = [*sight_families(both), age_family(both, NOW), *command_families(counts), *program_families(PROGRAM)]
    series = read(families)
    values: dict[str, set[str]] = {}
    for name, found in series.items():
        for key, text in (item for labels in found for item in labels):
            if name != "necism_build_info":
                values.setdefault(key, set()).add(text)
    assert set.intersection(*({key for key, _ in next(iter(found))} for found in series.values() if found)) == set()
    assert {key for key, texts in values.items() if len(texts) == 1} == set()


def renamed(seen: Sight) -> Sight:
    """The same story of another service on another array, whose hosts and access are others."""
    far, verdict = ArrayName("far"), seen.verdicts.resources[0]
    resource = verdict.resource._replace(service=ServiceName("other"), name=ResourceName("sync#2"), array=far)
    pairs = {
        (far, key[1]): kept._replace(access="ro", os_type="WN", special_file=f"{kept.special_file}x")
        for key, kept in seen.pairs.items()
    }
    service = seen.verdicts.services[0]._replace(
        name=resource.service, resources=(verdict._replace(resource=resource),)
    )
    arrays = tuple(one._replace(name=far) for one in seen.verdicts.arrays)
    verdicts = seen.verdicts._replace(arrays=arrays, services=(service,))
    return seen._replace(verdicts=verdicts, pairs=pairs, readings={far: seen.readings[DEFAULT]})


def test_every_family_is_declared_before_it_has_a_series() -> None:
    """Nothing configured, nothing read, nothing run: HELP and TYPE of every family are there all the same."""
    nothing = sight(kept={}, refused=None)
    empty = nothing._replace(verdicts=nothing.verdicts._replace(arrays=(), services=()), readings={})
    families = [*sight_families(empty), age_family(empty, NOW), *command_families({}), *program_families(PROGRAM)]
    text = exposition.render(families).decode()
    for name, entry in FAMILIES.items():
        assert f"# HELP necism_{name} {entry.text}\n# TYPE necism_{name} {entry.kind.value}\n" in text
    assert {line.split("{")[0].split()[0] for line in text.splitlines() if line[0] != "#"} == {
        "necism_config_last_reload_successful",
        "necism_build_info",
    }


def test_the_words_of_the_table_are_those_of_a_scrape() -> None:
    """Where the table lists the values of a label, a scrape shows exactly those."""
    series = read(everything(full()._replace(books=full().books._replace(refused={}))))
    for name, entry in FAMILIES.items():
        for label, words in entry.words.items():
            shown = name if label != "le" else f"{name}_bucket"
            found = {dict(held)[label] for held in series[f"necism_{shown}"]}
            assert {float(one) if label == "le" else one for one in found} == {
                float(one) if label == "le" else one for one in words
            }


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, 0),
        ({"automation": Automation(frozenset({"timer"}))}, 1),
        ({"automation": Automation(frozenset({"timer"})), "disabled": True}, 0),
        ({"automation": Automation(frozenset({"nagios"})), "no_action": True}, 0),
    ],
)
def test_a_resource_says_whether_it_is_refreshed_without_a_person(change: dict[str, Any], shown: int) -> None:
    """By `automatic`, unless the section is disabled or says noaction."""
    seen = sight(pair_verdict(1))
    verdict = seen.verdicts.resources[0]
    service = seen.verdicts.services[0]._replace(
        resources=(verdict._replace(resource=verdict.resource._replace(**change)),)
    )
    series = read(everything(seen._replace(verdicts=seen.verdicts._replace(services=(service,)))))
    assert value(series, "resync_automatic", service="svc", resource="sync#1") == shown


@pytest.mark.proves("P08")
def test_reading_and_build_are_families_of_their_own() -> None:
    """Whether each array was read, how long that took and when, and which program on which Python says so."""
    series = read(everything(sight(blind_pair(1), up=False)))
    assert value(series, "up", array="default") == 0
    assert value(series, "collection_duration_seconds", array="default") == 1.5
    assert value(series, "collection_timestamp_seconds", array="default") == NOW - 5
    assert value(series, "build_info", version="1.2.3", pythonversion="3.11.7") == 1


@pytest.mark.proves("S16")
def test_automation_is_watched_itself() -> None:
    """Runs, failures, refusals by reason, last success, and a running resync with the time it began to matter."""
    running = OpenRun("id", RunState.RUNNING, NOW - 100, NOW + 60, (), "root")
    history = NO_HISTORY._replace(last_run_at=NOW - 50, last_success_at=NOW - 9000)
    seen = sight(pair_verdict(1), run=running, history=history, total=Totals(7, 2, 1.0, 1.0), refused={"killed": 4})
    series = read(everything(seen))
    assert value(series, "resync_runs_total") == 7
    assert value(series, "resync_failures_total") == 2
    assert value(series, "resync_refusals_total", reason="killed") == 4
    assert value(series, "resync_last_success_timestamp_seconds") == NOW - 9000
    assert (value(series, "resync_running"), value(series, "resync_last_run_timestamp_seconds")) == (1, NOW - 50)


@pytest.mark.proves("P01")
def test_promtool_finds_nothing_to_say(require_server: Callable[[str], Path]) -> None:
    """The linter of Prometheus has no remark on any family."""
    command = [str(require_server("promtool")), "check", "metrics"]
    body = exposition.render(everything(full()))
    done = subprocess.run(command, input=body, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.proves("P03")
def test_counters_are_named_as_counters() -> None:
    """`_total` stands on every counter and on nothing else, and no `_created` series appear."""
    text = exposition.render(everything(full())).decode()
    types = dict(line.split(" ")[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    assert {name for name, kind in types.items() if kind == "counter"} == {name for name in types if "_total" in name}
    assert "_created" not in text


def test_values_are_those_of_the_verdicts() -> None:
    """Dates, sizes, limits, age and skew arrive as they were read."""
    series = read(everything(full(), NOW + 2))
    assert value(series, "snapshot_timestamp_seconds", lv="BV1_LV") == NOW - 3600
    assert value(series, "snapshot_size_bytes", lv="BV1_LV", sv="BV1_SV", bv="BV1") == 1024
    assert value(series, "resync_age_seconds", resource="sync#1") == 3640
    assert value(series, "set_skew_seconds") == 38
    assert value(series, "resync_max_delay_seconds") == 90000
    assert value(series, "resync_min_delay_seconds") == 1800
    assert value(series, "up", array="default") == 1
    assert value(series, "collection_duration_seconds") == 1.5
    assert value(series, "collection_timestamp_seconds") == NOW - 5
    assert value(series, "array_clock_offset_seconds") == -0.5
    assert value(series, "resync_last_run_timestamp_seconds") == NOW - 50
    assert value(series, "resync_last_success_timestamp_seconds") == NOW - 60
    assert value(series, "resync_runs_total", service="svc", resource="sync#1") == 7
    assert value(series, "resync_failures_total", service="svc", resource="sync#1") == 2
    assert value(series, "resync_last_duration_seconds") == 257.963
    assert value(series, "resync_last_detached_seconds") == 257.4
    assert value(series, "resync_refusals_total", reason="too-soon") == 3
    assert value(series, "pair_info", lv="BV2_LV", special_file="/dev/sd2", access="rw", os_type="LX") == 1


@pytest.mark.parametrize("link", LinkState)
@pytest.mark.parametrize("state", SnapshotState)
@pytest.mark.proves("P05")
def test_exactly_one_state_is_present(link: LinkState, state: SnapshotState) -> None:
    """Every word of the vocabulary has its series, and one of them is 1."""
    series = read(everything(sight(pair_verdict(1, link=link, state=state))))
    for name, words, present in (
        ("link_state", LinkState, link.value),
        ("snapshot_state", SnapshotState, state.value),
    ):
        found = {dict(held)["state"]: number for held, number in series[f"necism_{name}"].items()}
        assert found == {word.value: float(word.value == present) for word in words}


@pytest.mark.proves("P05")
def test_statuses_are_one_hot_too() -> None:
    """Resource and pair have up, warn and unknown, one of them 1."""
    seen = sight(pair_verdict(1, (finding("detached", "BV1_LV", "not linked"),)), blind_pair(2))
    series = read(everything(seen))
    statuses = {dict(held)["status"]: number for held, number in series["necism_resource_status"].items()}
    assert statuses == {"up": 0, "warn": 1, "unknown": 0}
    assert value(series, "pair_status", lv="BV2_LV", status="unknown") == 1
    assert sum(series["necism_pair_status"].values()) == 2


def test_findings_count_subjects_and_show_zeros() -> None:
    """Every code has a series; two pairs with one finding count two, one subject with two texts counts one."""
    twice = (finding("fault", "BV1_LV", "one SV"), finding("fault", "BV1_LV", "another SV"))
    other = (finding("fault", "BV2_LV", "one SV"),)
    seen = sight(pair_verdict(1, twice), pair_verdict(2, other), findings=(finding("skew", "svc/sync#1", "apart"),))
    found = {dict(held)["finding"]: number for held, number in read(everything(seen))["necism_findings"].items()}
    assert set(found) == set(CATALOGUE)
    assert {code: number for code, number in found.items() if number} == {"fault": 2, "skew": 1}


def test_a_blind_scrape_keeps_dates_and_says_unknown() -> None:
    """Timestamps, sizes and infos are those kept; the array is down and the states are unknown."""
    kept = {(DEFAULT, LdName("BV1_LV")): kept_pair(pair_verdict(1))}
    series = read(everything(sight(blind_pair(1), kept=kept, up=False)))
    assert value(series, "up") == 0
    assert value(series, "snapshot_timestamp_seconds", sv="BV1_SV") == NOW - 3600
    assert value(series, "snapshot_size_bytes") == 1024
    assert value(series, "pair_info", special_file="/dev/sd1") == 1
    assert value(series, "link_state", state="unknown") == 1
    assert value(series, "resync_age_seconds") == 3600


def test_age_and_skew_are_those_of_the_verdict() -> None:
    """Also where an LV is missing and nothing of the pair was kept: the status has an age, so the metrics have it."""
    lost = pair_verdict(2, (finding("lv-missing", "BV2_LV", "gone"),), LinkState.MISSING, taken=NOW - 7200)
    seen = sight(pair_verdict(1), lost, kept={})
    verdict = seen.verdicts.resources[0]
    series = read(everything(seen))
    assert value(series, "resync_age_seconds") == verdict.age(NOW) == 7200
    assert value(series, "set_skew_seconds") == verdict.skew == 3600


def test_an_image_that_is_gone_has_no_age_left() -> None:
    """What was kept of an SV counts while nobody can look at it, not once it is seen to be empty."""
    empty = pair_verdict(2, (finding("never-synced", "BV2_LV", "no image"),), state=SnapshotState.EMPTY, taken=None)
    kept = {(DEFAULT, LdName("BV2_LV")): kept_pair(pair_verdict(2, taken=NOW - 9999))}
    assert value(read(everything(sight(pair_verdict(1), empty, kept=kept))), "resync_age_seconds") == 3600
    assert value(read(everything(sight(pair_verdict(1), blind_pair(2), kept=kept))), "resync_age_seconds") == 9999


def test_counters_begin_at_zero_and_last_runs_do_not() -> None:
    """No run yet: 0 runs, 0 failures and 0 of every refusal there is; a last run has values only once there was one."""
    series = read(everything(sight(pair_verdict(1), refused={"later-code": 1})))
    assert value(series, "resync_runs_total") == value(series, "resync_failures_total") == 0
    assert not {"necism_resync_last_duration_seconds", "necism_resync_last_detached_seconds"} & set(series)
    refusals = {dict(held)["reason"]: number for held, number in series["necism_resync_refusals_total"].items()}
    assert refusals == {**dict.fromkeys(REFUSALS, 0), "later-code": 1}
    assert "necism_resync_refusals_total" not in read(everything(sight(pair_verdict(1), refused=None)))


@pytest.mark.proves("P10")
def test_what_is_not_known_has_no_series() -> None:
    """Never read: no date, no size, no info, no age, no NaN and no -1; the states are there."""
    seen = sight(blind_pair(1), kept={}, up=False)._replace(readings={})
    series = read(everything(seen))
    absent = (
        "snapshot_timestamp_seconds",
        "snapshot_size_bytes",
        "pair_info",
        "resync_age_seconds",
        "set_skew_seconds",
        "collection_timestamp_seconds",
        "resync_last_run_timestamp_seconds",
    )
    assert [name for name in absent if f"necism_{name}" in series] == []
    assert all(math.isfinite(number) and number >= 0 for found in series.values() for number in found.values())


@pytest.mark.parametrize(
    ("state", "values"), [(RunState.RUNNING, (1, 0)), (RunState.UNFINISHED, (0, 1)), (None, (0, 0))]
)
def test_a_run_is_running_or_unfinished(state: RunState | None, values: tuple[int, int]) -> None:
    """By the journal, as the status says it."""
    run = None if state is None else OpenRun("id", state, NOW, NOW + 60, (), "root")
    series = read(everything(sight(pair_verdict(1), run=run)))
    assert (value(series, "resync_running"), value(series, "resync_unfinished")) == values


def test_a_damaged_journal_has_no_run_series() -> None:
    """Nobody knows whether a run is open: neither 0 nor 1."""
    damaged = Unread("journal-unreadable", "damaged", "look at it")
    series = read(everything(sight(pair_verdict(1), history=damaged, total=damaged)))
    assert not [name for name in series if "_resync_runs" in name or "_resync_failures" in name]
    assert "necism_resync_running" not in series
    assert "necism_resync_unfinished" not in series


def test_an_image_from_the_future_has_age_zero() -> None:
    """An age is never negative."""
    assert value(read(everything(sight(pair_verdict(1, taken=NOW + 99)))), "resync_age_seconds") == 0


def test_the_histogram_has_the_promised_bounds() -> None:
    """Buckets are cumulative, end with +Inf, and agree with the counter."""
    series = read(command_families(COUNTS))
    buckets = {
        dict(held)["le"]: number for held, number in series["necism_ism_command_duration_seconds_bucket"].items()
    }
    assert [float(bound) for bound in buckets] == [0.1, 1, 10, 60, 180, 600, math.inf]
    assert list(BUCKETS) == [0.1, 1, 10, 60, 180, 600]
    assert list(buckets.values()) == [1, 2, 2, 3, 3, 3, 3]
    assert value(series, "ism_command_duration_seconds_sum") == 12.5
    assert value(series, "ism_commands_total") == value(series, "ism_command_duration_seconds_count") == 3
    assert value(series, "ism_command_failures_total") == 1


HOSTILE = ['"', "\\", "a\nb", "\r\n", "\x00\x1b[2J", "表示\\x95\\\\", "\udc83\udc5c", "\x85\u2028", "', } 1", "#"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.proves("P07")
def test_no_text_of_the_array_loses_the_scrape(text: str, require_server: Callable[[str], Path]) -> None:
    """Quotes, backslashes, line ends, control characters and broken encodings stay inside their label."""
    kept = kept_pair(pair_verdict(1))._replace(special_file=text, access=text, os_type=text)
    body = exposition.render(everything(sight(pair_verdict(1), kept={(DEFAULT, LdName("BV1_LV")): kept})))
    (info,) = read(everything(sight(pair_verdict(1), kept={(DEFAULT, LdName("BV1_LV")): kept})))["necism_pair_info"]
    assert dict(info)["special_file"] == safe(text)
    command = [str(require_server("promtool")), "check", "metrics"]
    assert subprocess.run(command, input=body, capture_output=True, check=False, timeout=60).returncode == 0


@given(st.text(st.characters()))
@pytest.mark.proves("P07")
def test_any_text_can_be_a_label(text: str) -> None:
    """Whatever it holds, it can be encoded and another parser reads it back as one label."""
    kept = kept_pair(pair_verdict(1))._replace(special_file=text)
    (info,) = read(sight_families(sight(pair_verdict(1), kept={(DEFAULT, LdName("BV1_LV")): kept})))["necism_pair_info"]
    assert dict(info)["special_file"] == safe(text)
    assert safe(text).isprintable()


def test_a_thousand_pairs_are_a_thousand_series() -> None:
    """Names are kept apart at the size of a large site."""
    pairs = [pair_verdict(number) for number in range(1, 1001)]
    series = read(everything(sight(*pairs)))
    assert len(series["necism_snapshot_timestamp_seconds"]) == 1000
    assert sum(series["necism_snapshot_state"].values()) == 1000
