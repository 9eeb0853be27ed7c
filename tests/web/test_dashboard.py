"""The dashboard that people import into Grafana: the rules of its linter that apply, and each query asked for real."""

import json
import math
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.web.ages import age
from tests.web.prometheus import Prometheus, Refused, job, prometheus
from tests.web.rig import GENEROUS, Site, environment

FILE: Final = Path(__file__).parents[2] / "packaging/grafana/necism.json"
DASHBOARD: Final[Mapping[str, Any]] = json.loads(FILE.read_text())
PANELS: Final[list[dict[str, Any]]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
VARIABLES: Final[dict[str, dict[str, Any]]] = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
METRIC: Final = re.compile(r"\bnecism_\w+")
UNITS: Final = {"short", "s", "bytes", "percentunit", "cps"}
SETTLED: Final = (
    'min_over_time(necism_findings{finding="too-old"}[6s]) == 1'
    " and on (service, resource) min_over_time(necism_resync_runs_total[6s]) == 1"
)
"""The run was counted, and the set has been old again for some scrapes."""
CHOSEN: Final = {"$__rate_interval": "1m", "$job": "necism", "$instance": ".+", "$service": "erp-preprod"}


def queries() -> Iterator[tuple[str, str]]:
    """Every query with the panel it stands in."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def choose(expression: str) -> str:
    """A query as Grafana sends it once something is chosen."""
    for name, value in CHOSEN.items():
        expression = expression.replace(name, value)
    return expression


def selectors(expression: str) -> list[tuple[str, str]]:
    """The metrics of a query with their matchers."""
    return re.findall(r"\b(necism_\w+)\{([^}]*)\}", expression)


def test_the_dashboard_is_one_that_grafana_keeps_apart() -> None:
    """A fixed uid, no database id, a format that Grafana 10 has, not editable, and panels that do not overlap."""
    assert re.fullmatch("[a-z-]{1,40}", DASHBOARD["uid"])
    assert "id" not in DASHBOARD
    assert 36 <= DASHBOARD["schemaVersion"] <= 39
    assert DASHBOARD["editable"] is False
    assert DASHBOARD["annotations"] == {"list": []}
    cells = [
        (x, y)
        for place in (one["gridPos"] for one in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    ids = [one["id"] for one in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.proves("P25")
def test_the_data_source_is_a_variable_everywhere() -> None:
    """No uid of anybody's data source stands in the file."""
    assert VARIABLES["datasource"]["type"] == "datasource"
    assert VARIABLES["datasource"]["query"] == "prometheus"
    assert all(one["datasource"] == SOURCE for one in VARIABLES.values() if one["type"] == "query")
    for panel in PANELS:
        assert panel["datasource"] == SOURCE
        assert [one["datasource"] for one in panel["targets"]] == [SOURCE] * len(panel["targets"])
    assert set(re.findall(r'"uid": "([^"]*)"', FILE.read_text())) == {DASHBOARD["uid"], "${datasource}"}


def test_job_instance_and_service_can_be_chosen() -> None:
    """Each is read anew with the time range, allows several and all, and narrows the next."""
    assert list(VARIABLES) == ["datasource", "job", "instance", "service"]
    for one in list(VARIABLES.values())[1:]:
        assert (one["refresh"], one["multi"], one["includeAll"], one["allValue"]) == (2, True, True, ".+")
        assert one["query"]["query"] == one["definition"]
    assert 'job=~"$job"' in VARIABLES["instance"]["definition"]
    assert 'instance=~"$instance"' in VARIABLES["service"]["definition"]


def test_every_query_can_be_narrowed() -> None:
    """Every metric has matchers for job and instance, and for service where it has that label."""
    for title, expression in queries():
        found = selectors(expression)
        assert len(found) == len(METRIC.findall(expression)) > 0, title
        for metric, matchers in found:
            assert matchers.startswith('job=~"$job",instance=~"$instance"'), title
            of_set = re.match(r"necism_(resync_(?!refusals)|resource|pair|link|snap|set|find)", metric) is not None
            assert ('service=~"$service"' in matchers) is of_set, title


def test_counters_are_only_seen_as_increases() -> None:
    """And over the interval that Grafana knows to be long enough."""
    for title, expression in queries():
        for counter in re.findall(r"necism_\w+(?:_total|_bucket)", expression):
            assert re.search(rf"(?:rate|increase)\({counter}\{{[^}}]*\}}\[\$__rate_interval\]\)", expression), title
        assert set(re.findall(r"\[([^]]*)\]", expression)) <= {"$__rate_interval"}, title


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """A title, a description with words of its own, a unit, and few lines."""
    assert panel["title"]
    assert len(panel["description"]) > 20
    assert panel["description"] != panel["title"]
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert 1 <= len(panel["targets"]) <= 5


def test_what_needs_action_stands_first() -> None:
    """Above everything else: what warns, what nobody can tell, what hosts cannot use, and the findings."""
    rows = [one["title"] for one in DASHBOARD["panels"] if one["type"] == "row"]
    assert rows == ["What needs action", "Images", "Runs", "Collection"]
    assert [one["title"] for one in PANELS][:4] == [
        "Sets that warn", "Sets unknown", "LVs that hosts cannot use", "Runs cut off",
    ]  # fmt: skip
    assert "Findings" in [one["title"] for one in PANELS][:8]


def live(site: Site) -> None:
    """Things happen: a timer is refused, a person resyncs, and three days go by."""
    for words, code in ((["--trigger", "timer"], 3), ([], 0)):
        command = site.command("resync", "erp-preprod/sync#1", *words)
        done = subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=GENEROUS)
        assert done.returncode == code, done.stderr
    age(site, 72)


@pytest.mark.proves("P25")
def test_every_query_is_answered_by_prometheus(
    site: Site, tmp_path: Path, require_server: Callable[[str], Path]
) -> None:
    """Every metric exists, every query is valid and finds something, and the first row says what happened."""
    site.settings("array default", "cache_ttl = 1s")
    with site.exporter() as exporter, prometheus(require_server("prometheus"), tmp_path, job(exporter)) as server:
        server.await_samples("necism_resync_refusals_total")
        live(site)
        server.await_samples(SETTLED)
        names = {one.labels["__name__"] for one in server.ask('{__name__=~"necism_.+"}')}
        for title, expression in queries():
            assert set(METRIC.findall(expression)) <= names, title
            answer = server.await_samples(choose(expression))
            assert any(math.isfinite(one.value) for one in answer), title
        assert told(server, "Sets that warn") == 1
        assert told(server, "Sets unknown") == 0
        assert told(server, "LVs that hosts cannot use") == 0
        assert 2.8 < told(server, "Oldest set, of its limit") < 3
        for name in list(VARIABLES)[1:]:
            ((metric, label),) = re.findall(r"^label_values\((.*), (\w+)\)$", VARIABLES[name]["definition"])
            assert {one.labels[label] for one in server.ask(choose(metric))}, name


def told(server: Prometheus, title: str) -> float:
    """The number that a panel shows."""
    (expression,) = [expression for found, expression in queries() if found == title]
    (one,) = server.ask(choose(expression))
    return one.value


def test_a_query_that_is_wrong_is_refused(site: Site, tmp_path: Path, require_server: Callable[[str], Path]) -> None:
    """The proof above can fail: Prometheus says no to what is no query."""
    with site.exporter() as exporter, prometheus(require_server("prometheus"), tmp_path, job(exporter)) as server:
        server.await_samples("necism_up")
        with pytest.raises(Refused, match="parse error"):
            server.ask("sum by (necism_up")
