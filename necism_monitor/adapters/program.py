"""The program a command names: the environment it gets, and why it could not be started."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from necism_monitor.ism.output import Ending


class NotStarted(NamedTuple):
    """Why a command never ran; `code` is the errno of NOT_STARTED, `text` our own words with a hint."""

    ending: Ending
    code: int | None
    text: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment with the C locale (screens are parsed in English) and `extra` on top."""
    kept = {name: value for name, value in os.environ.items() if name != "LANGUAGE" and not name.startswith("LC_")}
    return kept | {"LC_ALL": "C", "LANG": "C"} | dict(extra or {})


def why_not_started(name: str, path: list[str], error: OSError) -> NotStarted:
    """Read the error of a start: `name` is the program's, `path` the directories a bare name is looked up in.

    The kernel says ENOENT also of a script whose interpreter is missing, and EACCES also of a bare name when one
    directory of the path may not be searched; both are told apart here.
    """
    found, hidden = _look_up(name, path)
    if error.errno == errno.EACCES and (found or "/" in name):
        return _not_executable(name, found or Path(name))
    if error.errno == errno.ENOENT and found:
        text = f"{found} is there, but the interpreter or loader it names is not; look at its first line"
        return NotStarted(Ending.NOT_STARTED, error.errno, f"{text}\n")
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
        return _missing(name, path, hidden)
    hint = " (a script without a #! line?)" if error.errno == errno.ENOEXEC else ""
    return NotStarted(Ending.NOT_STARTED, error.errno, f"{name} could not be started: {error.strerror}{hint}\n")


def _not_executable(name: str, found: Path) -> NotStarted:
    what = "is a directory" if found.is_dir() else "may not be executed by this user"
    text = f"{name}: {found} {what}; check its mode, its directory's and its file system's noexec\n"
    return NotStarted(Ending.NOT_EXECUTABLE, None, text)


def _missing(name: str, path: list[str], hidden: list[str]) -> NotStarted:
    if "/" in name:
        return NotStarted(Ending.MISSING, None, f"{name} does not exist; correct ism_path or command_prefix\n")
    unseen = f" ({', '.join(hidden)} may not be searched by this user)" if hidden else ""
    text = f"{name} is in no directory of PATH={os.pathsep.join(path)}{unseen}; install it or set ism_path\n"
    return NotStarted(Ending.MISSING, None, text)


def _look_up(name: str, path: list[str]) -> tuple[Path | None, list[str]]:
    """The first file of that name, and the directories that did not let us look."""
    hidden = []
    for candidate in [Path(name)] if "/" in name else [Path(directory, name) for directory in path]:
        try:
            candidate.stat()
        except PermissionError:
            hidden.append(str(candidate.parent))
        except OSError:
            continue
        else:
            return candidate, hidden
    return None, hidden
