"""What the runs of a resource come to: how many, how many failed, how long the last one took and kept an LV away."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from necism_monitor.domain.activity import key_mark
from necism_monitor.domain.events import Closed, Recovering
from necism_monitor.domain.history import Totals
from necism_monitor.domain.record import Left, RunFile
from necism_monitor.domain.tale import tell


class RunCount(NamedTuple):
    """What one run adds."""

    failed: bool
    duration: float | None
    """Seconds from its beginning to its end; None while it has none."""
    detached: float
    """The longest time in seconds that an LV was detached."""


def count_run(file: RunFile) -> RunCount | None:
    """What a run adds; None where it began no CHANGE.

    A failure stays one: whether the process told another exit than 0, or died and left the rest to another one.
    """
    if not file.run().changed:
        return None
    tale = tell(file, file.lines[-1].at)
    failed = any(_is_failure(line.item, file.header.owner) for line in file.lines)
    duration = None if tale.ended_at is None else max(0.0, tale.ended_at - tale.started_at)
    return RunCount(failed, duration, max((0.0, *tale.detached_seconds.values())))


def _is_failure(item: object, owner: Mapping[str, Any]) -> bool:
    """It ended badly, or another process took it up; a relink takes up the run that it began itself."""
    if isinstance(item, Recovering):
        return item.owner != owner
    return isinstance(item, Closed | Left) and item.exit != 0


class Pruned(NamedTuple):
    """What is kept of runs whose journals were removed."""

    runs: int = 0
    failures: int = 0
    keys: frozenset[str] = frozenset()
    """The marks of the keys that they spent."""
    gone: frozenset[str] = frozenset()
    """The files counted last: one that is still there, because a crash kept it from being removed, counts no more."""


NOTHING_PRUNED = Pruned()


def prune(pruned: Pruned, batch: Mapping[str, RunFile]) -> Pruned:
    """`pruned` and the runs of the files of `batch` (name -> run), which can be removed then."""
    counts = [count for run in batch.values() if (count := count_run(run))]
    spent = [run.header for run in batch.values() if run.run().changed]
    return Pruned(
        runs=pruned.runs + len(counts),
        failures=pruned.failures + sum(one.failed for one in counts),
        keys=pruned.keys | {key_mark(head.trigger, head.key) for head in spent if head.key is not None},
        gone=frozenset(batch),
    )


def total(oldest_first: Iterable[RunCount], pruned: Pruned = NOTHING_PRUNED) -> Totals:
    """The sum of `oldest_first` and of what was pruned before; of the last run, the newest that has ended."""
    counts = list(oldest_first)
    last = next((one for one in reversed(counts) if one.duration is not None), None)
    return Totals(
        runs=pruned.runs + len(counts),
        failures=pruned.failures + sum(one.failed for one in counts),
        last_duration=last.duration if last else None,
        last_detached=last.detached if last else None,
    )
