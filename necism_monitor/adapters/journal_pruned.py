"""What is kept of records that were removed because they are old: one sealed file beside them, replaced as a whole.

Removing goes in this order, so that a crash at any point neither loses nor doubles a count: what the files come to is
put into the record together with their names, then they are removed.  A reader counts the record and every file that
it does not name.  The names are forgotten with the next record, before which what a crash left of them is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from necism_monitor import __version__
from necism_monitor.adapters.atomic_file import replace_file, sync_directory
from necism_monitor.adapters.journal_seal import close_seal, open_seal
from necism_monitor.domain.errors import JournalDamaged, JournalNewer
from necism_monitor.domain.totals import NOTHING_PRUNED, Pruned

VERSION: Final = 1
FILE: Final = "pruned.json"
TRIES: Final = 10
Thing = TypeVar("Thing")
Kept = TypeVar("Kept")


def load_pruned(path: Path) -> Pruned:
    """What is kept of a resource's runs.  Raises JournalDamaged where it cannot be read."""
    record = load_record(path)
    try:
        return (
            NOTHING_PRUNED
            if record is None
            else Pruned(
                int(record["runs"]), int(record["failures"]), frozenset(record["keys"]), frozenset(record["gone"])
            )
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def save_pruned(path: Path, pruned: Pruned) -> None:
    """Replace the record of a resource.  Raises OSError; the old one then stands."""
    save_record(
        path,
        {
            "runs": pruned.runs,
            "failures": pruned.failures,
            "keys": sorted(pruned.keys),
            "gone": sorted(pruned.gone),
        },
    )


def load_record(path: Path) -> dict[str, Any] | None:
    """The record of a sealed file; None where there is none.  Raises JournalDamaged, JournalNewer."""
    try:
        record = open_seal(path.read_bytes().rstrip(b"\n"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalDamaged(f"{path} cannot be read: {error.strerror}", "check its owner and mode") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    version = record.get("v")
    if isinstance(version, int) and version > VERSION:
        raise JournalNewer(
            f"{path}: written by a later release of necism (version {version}); "
            f"this is necism {__version__}, which reads version {VERSION}",
            "use that release for this resource; the file is intact and is left as it is",
        )
    if version != VERSION:
        raise _damaged(path, f"it is of version {version}, this program reads version {VERSION}")
    return record


def save_record(path: Path, record: dict[str, Any]) -> None:
    """Replace a sealed file.  Raises OSError."""
    replace_file(path, close_seal({"v": VERSION, **record}) + b"\n")


def remove_files(directory: Path, names: Iterable[str]) -> None:
    """Remove what is there of `names`, and wait until that is on the disk.  Raises OSError."""
    for name in names:
        (directory / name).unlink(missing_ok=True)
    sync_directory(directory)


def ask_steadily(load: Callable[[], Kept], ask: Callable[[Kept], Thing]) -> Thing:
    """What `ask` says of a record and the files beside it, at a moment when nobody replaced the record meanwhile.

    Raises what `load` raises, and what `ask` raises of files that were not just being removed.
    """
    for _ in range(TRIES):
        kept = load()
        try:
            found = ask(kept)
        except (JournalDamaged, OSError):
            if load() == kept:
                raise
            continue
        if load() == kept:
            return found
    return ask(load())


def _damaged(path: Path, why: str) -> JournalDamaged:
    """Only that of a resource is `necism abandon`'s to set aside."""
    way_out = "let `necism abandon` set it aside" if path.name == FILE else "move it away"
    return JournalDamaged(f"{path}: {why}", f"restore it from a backup, or {way_out}: counters begin anew then")
