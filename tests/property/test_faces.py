"""One observation, one story: status document, table, page, exporter and check of any world."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import assume

from necism_monitor.app.look import Sources
from necism_monitor.domain.verdicts import Verdicts
from necism_monitor.nagios.deadline import Deadline
from necism_monitor.nagios.options import Options
from necism_monitor.nagios.plugin import examine
from necism_monitor.nagios.states import State
from necism_monitor.render.document import status_document
from necism_monitor.render.families import sight_families
from necism_monitor.render.last_good import Sight
from necism_monitor.render.table import plain_lines, status_page
from tests.property.looking import look_and_keep, sources_of
from tests.property.profiles import Profile, both
from tests.property.test_screens import SEEDS
from tests.property.test_verdicts import spoiler
from tests.property.worlds import Site, sites

STATES = {"up": State.OK, "warn": State.WARNING, "unknown": State.UNKNOWN}
VERBOSE = Options(verbose=3)
Labels = tuple[tuple[str, str], ...]


def samples(verdicts: Verdicts) -> dict[tuple[str, Labels], float]:
    """Every series of the exporter by name and labels."""
    families = sight_families(Sight(verdicts, {}, {}))
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for each in families for one in each.samples}


def series(found: Mapping[tuple[str, Labels], float], name: str, **labels: str) -> float:
    """The value of one series."""
    return found[f"necism_{name}", tuple(sorted(labels.items()))]


@both
def test_status_and_exporter_tell_one_story(profile: Profile) -> None:
    """Statuses, states and the number of subjects of every finding are the same in the document and the metrics."""

    @profile.tries(120, sites(), SEEDS)
    def holds(site: Site, seed: int) -> None:
        verdicts = look_and_keep(sources_of(site, spoiler(seed)))
        document, metrics = status_document(verdicts), samples(verdicts)
        for service in document["services"]:
            for resource in service["resources"]:
                ids = {"service": service["service"], "resource": resource["resource"]}
                check_resource(resource, metrics, ids)


def check_resource(resource: dict[str, Any], metrics: Mapping[tuple[str, Labels], float], ids: dict[str, str]) -> None:
    """One resource of the document against its series."""
    for status in STATES:
        assert series(metrics, "resource_status", **ids, status=status) == (status == resource["status"])
    counted = Counter(one["code"] for one in resource["findings"])
    for pair in resource["pairs"]:
        names = {**ids, "lv": pair["lv"]}
        counted.update({one["code"] for one in pair["findings"]})
        for name, key in (("pair_status", "status"), ("link_state", "link"), ("snapshot_state", "snapshot_state")):
            label = "status" if name == "pair_status" else "state"
            assert series(metrics, name, **names, **{label: pair[key]}) == 1
            assert sum(value for (one, labels), value in metrics.items() if is_of(one, labels, name, names)) == 1
    told = {
        dict(labels)["finding"]: value
        for (name, labels), value in metrics.items()
        if is_of(name, labels, "findings", ids)
    }
    assert {code: value for code, value in told.items() if value} == dict(counted)


def is_of(name: str, labels: Labels, wanted: str, names: dict[str, str]) -> bool:
    """Whether a series is of that family and has these labels."""
    return name == f"necism_{wanted}" and names.items() <= dict(labels).items()


@both
def test_the_check_tells_the_story_of_the_status(profile: Profile) -> None:
    """Exit status, every finding by name on the long output, and the ages are those of the document."""

    @profile.tries(120, sites(), SEEDS)
    def holds(site: Site, seed: int) -> None:
        assume(site.resources)
        sources = sources_of(site, spoiler(seed))
        document = status_document(look_and_keep(sources))
        answer = examine(VERBOSE, lambda _options: sources, Deadline(50.0))
        assert answer.state is STATES[document["status"]]
        for service in document["services"]:
            for resource in service["resources"]:
                check_answer(answer.text, f"{service['service']}/{resource['resource']}", resource)


def check_answer(text: str, name: str, resource: dict[str, Any]) -> None:
    """One resource of the document against the plugin's lines."""
    lines = [line for line in text.splitlines() if re.match(rf"(WARNING|UNKNOWN) {re.escape(name)} ", line)]
    said = {line.split()[2].rstrip(":") for line in lines}
    found = [*resource["findings"], *(one for pair in resource["pairs"] for one in pair["findings"])]
    assert {one["code"] for one in found} <= said
    assert found or not said - {resource["status"]}
    age = resource["age_seconds"]
    assert f"'{name}'={'U' if age is None else f'{int(age)}s'};" in text


@both
def test_the_table_names_every_finding(profile: Profile) -> None:
    """Every code and every LV of the document stand in the table that people read, under the same headline."""

    @profile.tries(60, sites(), SEEDS)
    def holds(site: Site, seed: int) -> None:
        sources: Sources = sources_of(site, spoiler(seed))
        verdicts = look_and_keep(sources)
        text = "\n".join(plain_lines(status_page(verdicts, sources.host_zone)))
        for one in verdicts.resources:
            assert str(one.resource.id) in text
            assert all(finding.code in text for finding in one.all_findings)
            assert all(pair.pair.lv in text for pair in one.pairs)
