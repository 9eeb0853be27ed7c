"""The ages of a scrape: what the library writes of them, with the moment filled in."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from necism_monitor.render import exposition
from necism_monitor.render.ages import keep_ages
from necism_monitor.render.families import age_family
from tests.render.sights import NOW, pair_verdict, sight


@pytest.mark.parametrize("later", [0.0, 0.5, 1234.567, 4e8])
def test_they_are_those_of_the_library(later: float) -> None:
    """Byte for byte, whenever it is."""
    seen = sight(pair_verdict(1, taken=NOW - 3600.25), pair_verdict(2, taken=NOW - 7200))
    assert keep_ages(seen).at(NOW + later) == exposition.render([age_family(seen, NOW + later)])


def test_the_age_is_that_of_the_oldest_image() -> None:
    """Read by another program's parser: now minus the oldest date."""
    seen = sight(pair_verdict(1, taken=NOW - 3600), pair_verdict(2, taken=NOW - 7200))
    (family,) = text_string_to_metric_families(keep_ages(seen).at(NOW + 5).decode())
    assert [sample.value for sample in family.samples] == [7205.0]


def test_an_image_of_tomorrow_is_of_age_0() -> None:
    """The finding `future` says so; an age below 0 says nothing."""
    (family,) = text_string_to_metric_families(keep_ages(sight(pair_verdict(1, taken=NOW + 3600))).at(NOW).decode())
    assert [sample.value for sample in family.samples] == [0.0]


def test_nothing_dated_has_no_series() -> None:
    """HELP and TYPE are there, a value is not."""
    seen = sight(pair_verdict(1, taken=None))
    assert keep_ages(seen).at(NOW) == exposition.render([age_family(seen, NOW)])
    assert keep_ages(seen).lines == ()
