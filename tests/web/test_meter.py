"""Commands are counted as they end, by name, in whatever thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from necism_monitor.ism.output import Ending, Output
from necism_monitor.web.meter import Meter


def output(seconds: float, ending: Ending = Ending.EXITED, code: int | None = 0, name: str = "iSMsc_query") -> Output:
    """A command that took so long and ended so."""
    return Output((name, "-sv", "X"), ending, code, "", "", 100.0, 100.0 + seconds)


def test_read_commands_are_there_before_they_run() -> None:
    """The first failure is a step from 0 to 1, not a new series."""
    counts = Meter().counts()
    assert set(counts) == {"iSMsc_query", "iSMsc_linkinfo", "iSMview"}
    assert {(one.calls, one.failures, one.seconds, sum(one.buckets)) for one in counts.values()} == {(0, 0, 0.0, 0)}


@pytest.mark.parametrize(
    ("seconds", "buckets"),
    [
        (0.05, (1, 1, 1, 1, 1, 1)),
        (0.1, (1, 1, 1, 1, 1, 1)),
        (5, (0, 0, 1, 1, 1, 1)),
        (181.4, (0, 0, 0, 0, 0, 1)),
        (700, (0, 0, 0, 0, 0, 0)),
    ],
)
def test_a_duration_counts_in_every_bucket_above_it(seconds: float, buckets: tuple[int, ...]) -> None:
    """Buckets are cumulative, and a bound belongs to its bucket."""
    meter = Meter()
    meter.finished(output(seconds)._replace(started_at=0.0, ended_at=float(seconds)))
    assert meter.counts()["iSMsc_query"].buckets == buckets


def test_every_end_but_success_is_a_failure() -> None:
    """A nonzero exit, a signal, a deadline and a command that is not there."""
    meter = Meter()
    for ending, code in (
        (Ending.EXITED, 0),
        (Ending.EXITED, 1),
        (Ending.SIGNALLED, 9),
        (Ending.TIMED_OUT, None),
        (Ending.LOST, None),
        (Ending.MISSING, None),
    ):
        meter.finished(output(0.01, ending, code))
    count = meter.counts()["iSMsc_query"]
    assert (count.calls, count.failures) == (6, 5)


def test_another_command_is_counted_by_its_plain_name() -> None:
    """Whatever its path; and a clock that stepped back makes no negative duration."""
    meter = Meter()
    meter.finished(output(-5, name="/opt/ism/bin/iSMvollist"))
    assert meter.counts()["iSMvollist"].seconds == 0.0


def test_threads_lose_no_count() -> None:
    """Many at once are all counted."""
    meter = Meter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(meter.finished, [output(0.01)] * 2000))
    assert meter.counts()["iSMsc_query"].calls == 2000
