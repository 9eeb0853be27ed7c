"""The exporter gives everybody the same text and changes nothing, whatever it is asked for."""

import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.world import read_world
from tests.web.rig import Site
from tests.webhook.payloads import alert, payload

ACCEPTED = (
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    # As Prometheus 2.42 and 3 ask.
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.5",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "application/openmetrics-text",
    "application/json",
    "text/html",
    "text/plain;q=0",
    "image/*",
    "",
    ";;q=q=q,,,/",
    "a" * 2000,
    "text/plain;version=\xff",
)


@pytest.mark.proves("P13")
def test_whatever_is_accepted_the_text_is_the_same(site: Site) -> None:
    """Text format 0.0.4 for every Accept header, also for those that ask for another, forbid it, or are none."""
    with site.exporter() as exporter:
        answers = [exporter.get(), *(exporter.get(Accept=text) for text in ACCEPTED)]
    assert {one.status for one in answers} == {200}
    assert {one.headers["content-type"] for one in answers} == {"text/plain; version=0.0.4; charset=utf-8"}
    # Neither the end mark nor the created series of another format, and families that its own parser reads.
    assert not any("# EOF" in one.text or "_created" in one.text for one in answers)
    assert len({frozenset(one.series()) for one in answers}) == 1
    assert answers[0].value("up") == 1


@pytest.mark.proves("P21")
def test_nothing_that_it_is_asked_changes_the_array(site: Site) -> None:
    """A stale set, every path and method, bodies and queries that ask for a resync: only reading commands are sent."""
    before = read_world(site.array)
    body = payload(alert(1, labels={"service": "erp-preprod"}))
    with site.exporter() as exporter:
        seen = set()
        for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/-/quit", "/resync", "/api/v1/resync"):
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                query = f"{path}?resync=erp-preprod/sync%231&force=1"
                sent = body if method in {"POST", "PUT", "PATCH"} else None
                seen.add(exporter.get(query, method, sent, Content_Type="application/json").status)
    assert seen <= {200, 404, 405}
    assert {200, 404, 405} <= seen
    calls = read_calls(site.array)
    assert calls
    assert {call["effect_class"] for call in calls} == {"READ"}
    assert read_world(site.array) == before
    # Neither a journal nor a request: only where volumes were seen.
    assert {path.name for path in (site.array / "state").iterdir()} <= {"volumes"}
    assert not (site.array / "run/requests").exists()
