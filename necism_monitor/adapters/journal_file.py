"""Journal files: one append-only JSONL file a run, each line with format, number and CRC, synced before it counts.

Readers take no lock.  A torn last line is what a crash leaves: it is dropped and reported.  Any other damage raises
`JournalDamaged` and nothing is overwritten; what a later release wrote raises `JournalNewer`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from necism_monitor import __version__
from necism_monitor.adapters.journal_seal import FORMAT, LINE_MAX, Newer, Torn, holds_whole, signature, unseal
from necism_monitor.domain.errors import JournalDamaged, JournalNewer
from necism_monitor.domain.record import FormatError, Header, Line, RunFile

_KEEP: Final = "keep the file; no run starts until `necism abandon` sets it aside, unchanged"


def read_run(path: Path) -> RunFile | None:
    """The run of a journal file; None where there is none.  Raises JournalDamaged, JournalNewer.

    There is none where a crash left not even its header, and where the file was pruned since its name was read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalDamaged(f"{path} cannot be read: {error.strerror}", "check its owner and mode") from error
    *whole, rest = data.split(b"\n")
    lines: list[Line] = []
    for number, text in enumerate(whole):
        try:
            lines.append(unseal(text, number))
        except (FormatError, ValueError, KeyError) as error:
            last = number == len(whole) - 1 and not rest
            if last and isinstance(error, Torn) and not holds_whole(text):
                return _run_file(path, lines, torn=True)
            raise _damage(path, whole, number, error) from error
    if holds_whole(rest):
        raise _damage(path, whole, len(whole), Torn("its checksum is wrong"))
    return _run_file(path, lines, torn=bool(rest))


def read_header(path: Path) -> Header | None:
    """The head of a run, without reading the rest where its first line is whole; else as `read_run`."""
    try:
        with path.open("rb") as file:
            first = file.readline(LINE_MAX)
        item = unseal(first.removesuffix(b"\n"), 0).item if first.endswith(b"\n") else None
    except (OSError, ValueError, KeyError):
        item = None
    if isinstance(item, Header):
        return item
    run = read_run(path)
    return run.header if run else None


def _damage(path: Path, whole: list[bytes], number: int, error: Exception) -> JournalDamaged:
    """What is wrong with line `number`, and who wrote it where that is the reason."""
    where = f"{path}:{number + 1}"
    if not isinstance(error, Newer):
        return JournalDamaged(f"{where}: {error}", _KEEP)
    writers = (release for line in reversed(whole[: number + 1]) if (release := signature(line)))
    writer = next(writers, None)
    by = f"necism {writer}" if writer else "a later release of necism"
    return JournalNewer(
        f"{where}: written by {by} ({error}); this is necism {__version__}, which reads formats 1 to {FORMAT}",
        "use that release for this resource; the file is intact and is left as it is",
    )


def _run_file(path: Path, lines: list[Line], *, torn: bool) -> RunFile | None:
    if not lines:
        return None
    if not isinstance(lines[0].item, Header):
        raise JournalDamaged(f"{path}:1: the first line is no header", _KEEP)
    return RunFile(lines[0].item, tuple(lines), torn)
