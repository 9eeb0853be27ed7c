"""Refusals: one line each, in a file a month; old months are removed as a whole, and their counts kept.

State files: STATE_DIR/refusals-YYYY-MM.jsonl, refusals.jsonl of earlier releases, and refusals-pruned.json.

Many processes append without a lock, so no file is ever rewritten: a month is over long before it is removed.
"""

import errno
import fcntl
import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from necism_monitor.adapters.atomic_file import MODE, make_directory
from necism_monitor.adapters.journal_cache import FileCache
from necism_monitor.adapters.journal_pruned import ask_steadily, load_record, remove_files, save_record
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged

NAMELESS: Final = "refusals.jsonl"
"""Of earlier releases, and of records without a time."""
PRUNED: Final = "refusals-pruned.json"
_MONTHS_KEPT: Final = 64
_MONTH: Final = "refusals-%Y-%m.jsonl"
_TEXTS: Final = ("service", "resource", "trigger", "code", "text", "hint")
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
Thing = TypeVar("Thing")
Record = dict[str, Any]
Counts = Mapping[tuple[str, str], int]


class _Pruned(NamedTuple):
    """How often each resource was refused for each reason in files that were removed, and which went last."""

    counts: Counts
    gone: frozenset[str]


class Refusals:
    """Reads and writes the refusals of one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._directory = state_dir
        self._files = FileCache(_read, _MONTHS_KEPT)

    def note(self, record: Mapping[str, Any]) -> None:
        """Append one; one line, one write.  Raises EnvironmentProblem."""
        path = self._directory / _name(record.get("at"))
        data = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            make_directory(path.parent)
            _append(path, data)
        except OSError as error:
            hint = "state_dir must be writable and have space left"
            raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}", hint) from error

    def all(self) -> list[Record]:
        """Every refusal that is still there, oldest first; a line that is none is left out.

        Raises EnvironmentProblem where one of the files cannot be read.
        """
        return self._steadily(lambda _, paths: [record for path in paths for record in self._files.get(path)])

    def counts(self) -> Counts:
        """How often each resource was refused for each reason, ever.  Raises EnvironmentProblem."""
        return self._steadily(lambda pruned, paths: self._counted(paths, pruned.counts))

    def prune(self, before: float) -> None:
        """Remove the months that were over before `before`.  Raises JournalDamaged, OSError.

        Whoever comes while somebody else is at it leaves it to them.
        """
        if not any(_is_over(path, before) for path in self._paths()):
            return
        with _alone(self._directory) as ours:
            if ours:
                self._prune(before)

    def _prune(self, before: float) -> None:
        pruned = self._pruned()
        remove_files(self._directory, pruned.gone)
        old = [path for path in self._paths() if _is_over(path, before)]
        counts = self._counted(old, pruned.counts)
        gone = sorted(path.name for path in old)
        lines = [[resource, code, number] for (resource, code), number in counts.items()]
        save_record(self._directory / PRUNED, {"counts": lines, "gone": gone})
        remove_files(self._directory, gone)

    def _counted(self, paths: list[Path], base: Counts) -> Counts:
        counts = Counter(dict(base))
        for path in paths:
            counts.update(
                (f"{one.get('service')}/{one.get('resource')}", str(one.get("code"))) for one in self._files.get(path)
            )
        return counts

    def _pruned(self) -> _Pruned:
        path = self._directory / PRUNED
        record = load_record(path)
        try:
            lines = record["counts"] if record else ()
            gone = frozenset(record["gone"]) if record else frozenset[str]()
            return _Pruned({(str(resource), str(code)): int(number) for resource, code, number in lines}, gone)
        except (KeyError, TypeError, ValueError) as error:
            hint = "restore it from a backup, or move it away: counters begin anew then"
            raise JournalDamaged(f"{path}: {type(error).__name__}: {error}", hint) from error

    def _steadily(self, ask: Callable[[_Pruned, list[Path]], Thing]) -> Thing:
        def look(pruned: _Pruned) -> Thing:
            return ask(pruned, [path for path in self._paths() if path.name not in pruned.gone])

        try:
            return ask_steadily(self._pruned, look)
        except JournalDamaged as error:
            raise EnvironmentProblem(error.text, error.hint) from error
        except OSError as error:
            where = error.filename or self._directory
            raise EnvironmentProblem(f"{where} cannot be read: {error.strerror}", "check its owner and mode") from error

    def _paths(self) -> list[Path]:
        """The files, oldest first.  Raises OSError."""
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 - names are all that is wanted
        except FileNotFoundError:
            return []
        months = sorted(name for name in names if _month_of(name))
        return [self._directory / name for name in [*([NAMELESS] if NAMELESS in names else []), *months]]


def _name(at: object) -> str:
    """The file of a refusal of that time, in seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).strftime(_MONTH) if isinstance(at, int | float) else NAMELESS


def _month_of(name: str) -> datetime | None:
    """The beginning of a file's month; None where its name tells none."""
    try:
        return datetime.fromisoformat(f"{name.removeprefix('refusals-').removesuffix('.jsonl')}-01T00:00:00Z")
    except ValueError:
        return None


def _is_over(path: Path, before: float) -> bool:
    """Whether the month of a file, or for want of one its last word, lies before `before`.  Raises OSError."""
    begun = _month_of(path.name)
    if begun is None:
        return path.stat().st_mtime < before and all(_time(one) < before for one in _read(path))
    following = begun.replace(year=begun.year + begun.month // 12, month=begun.month % 12 + 1)
    return following.timestamp() < before


def _time(record: Record) -> float:
    at = record.get("at")
    return float(at) if isinstance(at, int | float) else 0.0


def _append(path: Path, data: bytes) -> None:
    """One write; whatever a full disk cut off before stays a line of its own.  Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
    try:
        _make_readable(descriptor)
        size = os.fstat(descriptor).st_size
        cut = size and os.pread(descriptor, 1, size - 1) != b"\n"
        data = b"\n" + data if cut else data
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _make_readable(descriptor: int) -> None:
    """A strict umask of the one who acts must not blind the exporter; a file of somebody else's is theirs to open."""
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != MODE:
        with suppress(PermissionError):
            os.fchmod(descriptor, MODE)


@contextmanager
def _alone(directory: Path) -> Iterator[bool]:
    """Whether nobody else prunes here now; it stays so until the end.  Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> tuple[Record, ...]:
    lines = path.read_text(errors="replace").splitlines()
    return tuple(record for line in lines if (record := _object(line)) is not None)


def _object(line: str) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and _is_refusal(record) else None


def _is_refusal(record: Record) -> bool:
    """Whether what it tells of a refusal is text, and its time, where there is one, a moment."""
    at = record.get("at")
    timed = at is None or (isinstance(at, int | float) and 0 <= at < _LATEST)
    return timed and all(isinstance(record.get(name, ""), str) for name in _TEXTS)
