"""The journals, opened where there are any: a site that only watches has none, and its checks start every minute."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from necism_monitor.domain.history import NO_HISTORY, History, Totals
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import LdName, ResourceId
from necism_monitor.domain.reading import Unread

if TYPE_CHECKING:
    from necism_monitor.adapters.journal import Journal
    from necism_monitor.domain.diary import Diary


class JournalDoor:
    """What `Journal` says, fulfilling `app.ports.Journals`; that module is loaded once there is something to read."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir

    @cached_property
    def _journal(self) -> Journal:
        from necism_monitor.adapters.journal import Journal  # noqa: PLC0415 - see the head of this module

        return Journal(self._state_dir)

    def histories(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, History | Unread]:
        """What is remembered of each resource; `Unread` where its journal is damaged."""
        if self._nothing_written():
            return {resource.id: NO_HISTORY for resource in resources}
        return self._journal.histories(resources)

    def totals(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, Totals | Unread]:
        """What all runs of each resource come to; `Unread` where one of its files is damaged."""
        return self._journal.totals(resources)

    def refused(self, leaving_out: Collection[ResourceId] = ()) -> Mapping[str, int] | None:
        """How often each code was refused, but for the resources left out; None where nobody can tell."""
        return self._journal.refused(leaving_out)

    def diary(self, resources: tuple[Resource, ...], now: float) -> Diary:
        """What people are shown of runs and refusals; never raises."""
        return self._journal.diary(resources, now)

    def last_change_at(self) -> float | None:
        """When the last CHANGE was journalled, in seconds since the epoch."""
        return None if self._nothing_written() else self._journal.last_change_at()

    def changes_since(self, at: float) -> Mapping[ResourceId, Mapping[LdName, float] | None]:
        """Per resource the base volumes changed at or after `at`; None where its journal is damaged."""
        return {} if self._nothing_written() else self._journal.changes_since(at)

    def _nothing_written(self) -> bool:
        """Certain only where there is no directory of runs; whatever else is wrong with it is the journal's to say."""
        try:
            (self._state_dir / "runs").lstat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False
