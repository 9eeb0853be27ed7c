"""What people want to know of a resource's runs at a glance: the open one, the last ones, what was refused lately."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from necism_monitor.domain.course import Course, course_of
from necism_monitor.domain.names import ResourceId
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.tale import Phase, RunTale, phases, tell

RUNS: Final = 5
"""How many runs of each resource are told."""
REFUSALS: Final = 3
"""How many refusals of each resource."""


class Note(NamedTuple):
    """A run in short: without its single steps."""

    tale: RunTale
    phases: tuple[Phase, ...]


class OpenNote(NamedTuple):
    """The newest run, while it has no end."""

    tale: RunTale
    """With its steps."""
    course: Course


class Refused(NamedTuple):
    """A refusal; `at` in seconds since the epoch, None = not known."""

    at: float | None
    trigger: str
    user: str
    code: str
    text: str
    hint: str


class Entry(NamedTuple):
    """One resource; the newest comes first."""

    open: OpenNote | None = None
    runs: tuple[Note, ...] = ()
    """Those that are not `open`."""
    refusals: tuple[Refused, ...] = ()
    problem: str = ""
    """Why some of it cannot be told; empty = it is all there."""


Diary = Mapping[ResourceId, Entry]
NO_DIARY: Final[Diary] = {}
NO_ENTRY: Final = Entry()


def note_of(file: RunFile) -> Note:
    """A run in short; of an open one the times count up to its last line."""
    tale = tell(file, file.lines[-1].at)
    return Note(tale._replace(steps=()), phases(tale))


def open_note(file: RunFile, now: float) -> OpenNote | None:
    """The run as an open one; None where it has ended."""
    tale = tell(file, now)
    return OpenNote(tale, course_of(file)) if tale.open else None


def refused_of(record: Mapping[str, Any]) -> Refused:
    """A refusal as the journal keeps it; what is missing there is empty."""
    at = record.get("at")
    texts = {name: str(record.get(name) or "") for name in Refused._fields if name != "at"}
    return Refused(at if isinstance(at, int | float) else None, **texts)
