"""The newest runs and refusals of each resource, for a page that is asked for often: every file is parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from necism_monitor.adapters.journal_cache import FileCache
from necism_monitor.adapters.journal_file import read_run
from necism_monitor.adapters.journal_refusals import Refusals
from necism_monitor.adapters.journal_shelf import Shelf
from necism_monitor.domain.diary import (
    REFUSALS,
    RUNS,
    Diary,
    Entry,
    Note,
    OpenNote,
    Refused,
    note_of,
    open_note,
    refused_of,
)
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import ResourceId

NOTES_KEPT: Final = 8192
"""Of how many runs the short form is kept; their single steps are not, so each costs little."""


class DiaryKeeper:
    """Tells the diary of one state directory."""

    def __init__(self, shelf: Shelf, refusals: Refusals) -> None:
        self._shelf, self._refusals = shelf, refusals
        self._notes = FileCache(_note, NOTES_KEPT)

    def diary(self, resources: tuple[Resource, ...], now: float) -> Diary:
        """The entries of `resources`; never raises for what a file holds."""
        refused, problem = self._refused({one.id for one in resources})
        return {one.id: self._entry(one.id, now, refused.get(one.id, ()), problem) for one in resources}

    def _entry(self, resource_id: ResourceId, now: float, refused: tuple[Refused, ...], problem: str) -> Entry:
        try:
            paths = self._shelf.paths(resource_id)[::-1]
        except JournalDamaged as error:
            return Entry(refusals=refused, problem=error.text)
        newest: OpenNote | None = None
        notes, problems = list[Note](), [problem] * bool(problem)
        for path in paths[: RUNS + 1]:
            try:
                note = self._notes.get(path)
                first = note is not None and note.tale.open and not notes and newest is None
                newest = self._open(path, now) if first else newest
            except JournalDamaged as error:
                problems.append(error.text)
                continue
            if note is not None and (newest is None or note.tale.id != newest.tale.id):
                notes.append(note)
        return Entry(newest, tuple(notes[:RUNS]), refused, "; ".join(problems))

    def _open(self, path: Path, now: float) -> OpenNote | None:
        run = self._shelf.run(path)
        return open_note(run, now) if run else None

    def _refused(self, wanted: set[ResourceId]) -> tuple[Mapping[str, tuple[Refused, ...]], str]:
        """The newest refusals of each resource, or why nobody can tell."""
        try:
            records = self._refusals.all()
        except EnvironmentProblem as error:
            return {}, error.text
        found: dict[str, list[dict[str, Any]]] = {}
        for one in reversed(records):
            name = f"{one.get('service')}/{one.get('resource')}"
            if name in wanted and len(found.setdefault(name, [])) < REFUSALS:
                found[name].append(one)
        return {name: tuple(map(refused_of, some)) for name, some in found.items()}, ""


def _note(path: Path) -> Note | None:
    run = read_run(path)
    return note_of(run) if run else None
