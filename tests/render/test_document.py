"""The JSON document of status."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.findings import CATALOGUE, Verdict
from necism_monitor.domain.history import RunState
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.render.document import rfc3339, status_document
from tests.render.verdicts import DETACHED, FAILED, NOW, TOO_OLD, blind, open_run, pair, resource, verdicts

SCHEMA: Final[dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "schema" / "status.json").read_text()
)


def check(document: dict[str, Any]) -> None:
    """The document is what the published schema says."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(document)))


def test_a_healthy_pair_is_told_field_by_field() -> None:
    """Every key of the contract, times in UTC with Z, ages in seconds, nothing else."""
    document = status_document(verdicts(resource(pair())))
    assert document == {
        "schema": 1,
        "observed_at": "2014-09-18T03:17:40Z",
        "status": "up",
        "arrays": [
            {
                "array": "default", "up": True, "observed_at": "2014-09-18T03:17:40Z", "clock_offset_seconds": None,
                "findings": [],
            }
        ],
        "services": [
            {
                "service": "iiststnec02",
                "status": "up",
                "resources": [
                    {
                        "resource": "sync#1", "status": "up", "age_seconds": 160.25, "max_delay_seconds": 90000,
                        "skew_seconds": 0.0, "run": None, "findings": [],
                        "pairs": [
                            {
                                "lv": "SOURCE_0001_LV00A6", "sv": "SOURCE_0001_SV006D", "svs": ["SOURCE_0001_SV006D"],
                                "bv": "SOURCE_0001", "linked_to": "SOURCE_0001_SV006D", "link": "linked",
                                "access": "rw",
                                "snapshot_state": "active", "snapshot_time": "2014-09-18T03:15:04Z",
                                "age_seconds": 160.25, "status": "up", "findings": [],
                            }
                        ],
                    }
                ],
            }
        ],
        "commands": {"iSMsc_query": 2},
    }  # fmt: skip
    check(document)


def test_what_is_not_known_is_null() -> None:
    """A pair nobody could look at, an array that was never read."""
    whole = verdicts(resource(blind(FAILED), status=Verdict.UNKNOWN), status=Verdict.UNKNOWN, array=(FAILED,))
    document = status_document(whole._replace(observed_at=None, commands={}))
    shown = document["services"][0]["resources"][0]
    assert (document["observed_at"], shown["age_seconds"], shown["skew_seconds"]) == (None, None, None)
    told = shown["pairs"][0]
    assert {key for key, value in told.items() if value is None} == {
        "bv", "linked_to", "access", "snapshot_time", "age_seconds",
    }  # fmt: skip
    check(document)


def test_findings_stand_where_their_subject_stands() -> None:
    """A resource's own list does not repeat those of its pairs; text and hint are told with the code."""
    found = status_document(
        verdicts(resource(pair(DETACHED), found=(TOO_OLD,), status=Verdict.WARN), status=Verdict.WARN)
    )
    shown = found["services"][0]["resources"][0]
    assert [one["code"] for one in shown["findings"]] == ["too-old"]
    assert shown["pairs"][0]["findings"] == [
        {"code": "detached", "subject": DETACHED.subject, "text": DETACHED.text, "hint": DETACHED.hint}
    ]
    check(found)


@pytest.mark.parametrize("state", RunState)
def test_an_open_run_is_told(state: RunState) -> None:
    """Its identity, whether it runs, and since when."""
    document = status_document(verdicts(resource(pair(), run=open_run(state))))
    run = document["services"][0]["resources"][0]["run"]
    assert run == {"id": "7f3a", "state": state.value, "started_at": "2014-09-18T03:15:44Z"}
    check(document)


def test_the_schema_knows_every_word() -> None:
    """Codes, verdicts and states of the schema are those of the product, no more and no fewer."""
    known = SCHEMA["$defs"]
    assert set(known["finding"]["properties"]["code"]["enum"]) == set(CATALOGUE)
    assert known["status"]["enum"] == [one.value for one in Verdict]
    assert known["pair"]["properties"]["link"]["enum"] == [one.value for one in LinkState]
    assert known["pair"]["properties"]["snapshot_state"]["enum"] == [one.value for one in SnapshotState]
    assert known["run"]["properties"]["state"]["enum"] == [one.value for one in RunState]


def test_the_schema_refuses_what_is_not_in_it() -> None:
    """A key more, a key less and a word nobody knows are caught: the schema is closed."""
    for change in ({"more": 1}, {"status": "fine"}, {"observed_at": "2014-09-18T03:17:40+00:00"}):
        with pytest.raises(jsonschema.ValidationError):
            check({**status_document(verdicts(resource(pair()))), **change})
    short = status_document(verdicts(resource(pair())))
    del short["services"][0]["resources"][0]["pairs"][0]["bv"]
    with pytest.raises(jsonschema.ValidationError):
        check(short)


@given(at=st.floats(min_value=-62135596800, max_value=253402300799, allow_nan=False))
def test_times_read_back_to_the_second_before(at: float) -> None:
    """Python's own reader of ISO 8601 finds the same second; nothing is rounded into the future."""
    text = rfc3339(at)
    assert text is not None
    assert 0 <= at - datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() <= 1


@pytest.mark.parametrize("at", [-1e18, -62135596801.0, 253402300800.0, 1e18])
def test_a_broken_clock_ends_at_the_edge_of_the_calendar(at: float) -> None:
    """No date outside the years 1 to 9999 makes an error of a status."""
    text = rfc3339(at)
    assert text is not None
    assert text.startswith("0001-" if at < 0 else "9999-")
    assert rfc3339(NOW) == "2014-09-18T03:17:44Z"
