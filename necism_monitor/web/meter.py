"""Counting the iSM commands of this process, as they finish, in whatever thread that is."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from necism_monitor.ism.output import Output
from necism_monitor.render.families import CommandCount
from necism_monitor.render.family_table import BUCKETS

NOTHING: Final = CommandCount(0, 0, 0.0, (0,) * len(BUCKETS))


class Meter:
    """Counts by command name; the READ commands are there from the start, so that their first failure is seen."""

    def __init__(self, commands: Iterable[str] = ("iSMsc_query", "iSMsc_linkinfo", "iSMview")) -> None:
        self._guard = threading.Lock()
        self._counts = dict.fromkeys(commands, NOTHING)

    def finished(self, output: Output) -> None:
        """One command has ended, or was given up."""
        name = PurePath(output.argv[0]).name
        seconds = max(0.0, output.ended_at - output.started_at)
        with self._guard:
            before = self._counts.get(name, NOTHING)
            self._counts[name] = CommandCount(
                calls=before.calls + 1,
                failures=before.failures + (not output.succeeded),
                seconds=before.seconds + seconds,
                buckets=tuple(count + (seconds <= bound) for count, bound in zip(before.buckets, BUCKETS, strict=True)),
            )

    def counts(self) -> dict[str, CommandCount]:
        """The counts up to now, by command name."""
        with self._guard:
            return dict(self._counts)
