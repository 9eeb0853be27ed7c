"""Damaged journals: kept for whoever wants to look, but out of the way of new runs."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Final

from necism_monitor.adapters.atomic_file import sync_directory
from necism_monitor.adapters.journal_file import read_run
from necism_monitor.adapters.journal_pruned import FILE, load_pruned
from necism_monitor.domain.errors import EnvironmentProblem, JournalDamaged, JournalNewer

ASIDE: Final = ".damaged"


def is_damaged(path: Path) -> bool:
    """Whether the bytes of a journal, or of what is kept of removed ones, make no sense.

    Raises EnvironmentProblem where they cannot be had at all, and where a later release wrote them: it can read them.
    """
    try:
        if path.name == FILE:
            load_pruned(path)
        else:
            read_run(path)
    except JournalNewer as error:
        raise EnvironmentProblem(error.text, error.hint) from error
    except JournalDamaged as error:
        if isinstance(error.__cause__, OSError):
            raise EnvironmentProblem(error.text, error.hint) from error
        return True
    return False


def move_aside(path: Path) -> Path:
    """Rename `path` so that no reader takes it for a journal; its new name.  Raises EnvironmentProblem."""
    names = (path.with_name(f"{path.name}{ASIDE}{number}") for number in itertools.chain([""], itertools.count(2)))
    free = next(one for one in names if not os.path.lexists(one))
    try:
        path.rename(free)
        sync_directory(path.parent)
    except OSError as error:
        raise EnvironmentProblem(
            f"{path} cannot be renamed: {error.strerror}", "check the rights of its directory"
        ) from error
    return free
