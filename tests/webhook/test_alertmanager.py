"""What a payload asks for: what fires and is on the local list, and nothing else, whatever somebody sends."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.rejections import Rejection
from necism_monitor.web.alertmanager import ALERTS, DEPTH, Unusable, read_payload, sort_out
from tests.webhook.payloads import STARTED, alert, payload

CHART = (("erp", "erp/sync#1"), ("crm", "crm"), ("both", "erp"), ("both", "crm"))


def asked_for(body: bytes, label: str = "service") -> list[tuple[str, str, str]]:
    """Selector, trigger and key of each request."""
    return [(one.selector, one.trigger, one.key) for one in sort_out(read_payload(body), label, CHART).requests]


def left_out(body: bytes, label: str | None = "service") -> dict[Rejection, int]:
    return dict(sort_out(read_payload(body), label, CHART).left_out)


def reason_of(body: bytes) -> Rejection:
    with pytest.raises(Unusable) as caught:
        asked_for(body)
    return caught.value.reason


def test_an_alert_that_fires_asks_for_its_selector() -> None:
    """By the value of the one label; the key is fingerprint and beginning, the same for every delivery."""
    body = payload(alert(1))
    assert asked_for(body) == [("erp/sync#1", "alertmanager", f"{1:016x}@{STARTED}")]
    assert asked_for(body) == asked_for(payload(alert(1, endsAt="2027-01-01T00:00:00Z", annotations={}), receiver="x"))


def test_another_occurrence_has_another_key() -> None:
    """The same alert that begins anew, and another alert for the same set, may each start a run."""
    keys = {asked_for(payload(one))[0][2] for one in (alert(1), alert(1, startsAt="2026-11-21T04:00:00Z"), alert(2))}
    assert len(keys) == 3


def test_a_value_may_stand_for_several_selectors() -> None:
    """Each is asked for."""
    found = asked_for(payload(alert(1, labels={"service": "both"})))
    assert [selector for selector, _, _ in found] == ["erp", "crm"]


def test_the_same_thing_is_asked_for_once() -> None:
    """Two copies of an alert in one payload are one request."""
    assert len(asked_for(payload(alert(1), alert(1)))) == 1


@pytest.mark.proves("S06")
@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (payload(alert(1, status="resolved"), status="resolved"), {Rejection.RESOLVED: 1}),
        (payload(alert(1, labels={"alertname": "Other"})), {Rejection.UNLABELLED: 1}),
        (payload(alert(1, labels={"service": "payroll"})), {Rejection.UNMAPPED: 1}),
        (payload(alert(1, labels={"service": "erp/sync#1"})), {Rejection.UNMAPPED: 1}),
        (payload(alert(1, labels={"service": "ERP"})), {Rejection.UNMAPPED: 1}),
        (payload(), {}),
    ],
)
def test_what_is_not_meant_asks_for_nothing(body: bytes, reasons: dict[Rejection, int]) -> None:
    """Resolved alerts, those without the label, and those with a value that nobody mapped, selectors included."""
    assert asked_for(body) == []
    assert left_out(body) == reasons


@pytest.mark.proves("S06")
def test_each_alert_counts_by_itself() -> None:
    """A group is `firing` while one of its alerts fires: the others may be resolved."""
    body = payload(alert(1), alert(2, status="resolved"), alert(3, labels={"service": "crm"}))
    assert [selector for selector, _, _ in asked_for(body)] == ["erp/sync#1", "crm"]
    assert left_out(body) == {Rejection.RESOLVED: 1}


def test_without_a_label_in_the_configuration_nothing_is_asked_for() -> None:
    """A webhook that nobody configured starts nothing."""
    assert left_out(payload(alert(1)), None) == {Rejection.UNLABELLED: 1}


DEEP = b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1)


@pytest.mark.proves("S06")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Rejection.MALFORMED),
        (b"\xff\xfe{}", Rejection.MALFORMED),
        (payload(alert(1))[:-20], Rejection.MALFORMED),
        (b"[]", Rejection.MALFORMED),
        (b"null", Rejection.MALFORMED),
        (DEEP, Rejection.MALFORMED),
        (b"[" * 500_000, Rejection.MALFORMED),
        (b'{"a":' * 100_000, Rejection.MALFORMED),
        (b"9" * 100_000, Rejection.MALFORMED),
        (b'"' + b'\\"' * 300_000, Rejection.MALFORMED),
        (payload(alert(1), version="3"), Rejection.VERSION),
        (payload(alert(1), version=4), Rejection.VERSION),
        (b"{}", Rejection.VERSION),
        (payload(alert(1), truncatedAlerts=2), Rejection.TRUNCATED),
        (payload(alert(1), truncatedAlerts="2"), Rejection.MALFORMED),
        (payload(alert(1), truncatedAlerts=True), Rejection.MALFORMED),
        (payload(alert(1), truncatedAlerts=-1), Rejection.MALFORMED),
        (payload(alert(1), alerts={"0": alert(1)}), Rejection.MALFORMED),
        (payload(*[alert(n) for n in range(ALERTS + 1)]), Rejection.MALFORMED),
        (payload(alert(1, status="pending")), Rejection.MALFORMED),
        (payload(alert(1, labels=["service", "erp"])), Rejection.MALFORMED),
        (payload(alert(1, labels={"service": 7})), Rejection.MALFORMED),
        (payload(alert(1, labels={"service": "erp"}, fingerprint="")), Rejection.MALFORMED),
        (payload(alert(1, startsAt=None)), Rejection.MALFORMED),
        (payload(alert(1, startsAt="x" * 400)), Rejection.MALFORMED),
        (payload(alert(1, fingerprint="a\nb")), Rejection.MALFORMED),
        (payload(alert(1), alerts=[alert(1), "second"]), Rejection.MALFORMED),
    ],
    ids=lambda value: value.value if isinstance(value, Rejection) else None,
)
def test_an_unusable_payload_is_not_used_in_part(body: bytes, reason: Rejection) -> None:
    """Whatever is wrong in one place, nothing of the rest is used either."""
    assert reason_of(body) is reason


def test_brackets_in_texts_are_no_levels() -> None:
    """An annotation may quote what it likes."""
    assert len(asked_for(payload(alert(1, annotations={"summary": '[[["{' * 100})))) == 1


def test_new_fields_are_no_mistake() -> None:
    """Alertmanager adds fields without another version."""
    assert len(asked_for(payload(alert(1, notification_reason="first", values={"A": [1]}), routeLabels={}))) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ("status", "labels", "startsAt", "fingerprint", "annotations")


@pytest.mark.proves("S07")
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_is_a_crash(body: bytes) -> None:
    """Any bytes are a payload that asks for nothing, or unusable for a named reason."""
    with suppress(Unusable):
        assert asked_for(body) == []


@pytest.mark.proves("S07")
@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.dictionaries(st.text(max_size=12), JSON, max_size=4))
def test_nothing_of_a_payload_becomes_a_selector(changes: dict[str, Any], further: dict[str, Any]) -> None:
    """Whatever stands in an alert, a selector is one of the list's, and a key is one line of printable text."""
    body = payload(alert(1, **changes), **{key: value for key, value in further.items() if key != "alerts"})
    try:
        found = asked_for(body)
    except Unusable:
        return
    assert {selector for selector, _, _ in found} <= {selector for _, selector in CHART}
    assert all(trigger == "alertmanager" and key.isprintable() and len(key) <= 200 for _, trigger, key in found)
