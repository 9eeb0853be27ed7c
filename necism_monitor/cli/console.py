"""Standard output for results, standard error for complaints.

Neither can fail a command that did its work: a reader that went away and a closed descriptor are nobody's reason to
stop.  Only results that cannot be written, to a full disk for instance, are said to be lost.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.render.logline import printable
from necism_monitor.render.table import Page, plain_lines


def prepare() -> None:
    """Give every standard stream a descriptor, and let no character fail an output that cannot show it."""
    for number in range(3):
        # Where one is closed, the next file we open would get its number, and somebody's output with it.
        with contextlib.suppress(OSError):
            if not _is_open(number):
                os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def say(*lines: str) -> None:
    """Print lines to standard output.  Raises EnvironmentProblem where it cannot be written."""
    with _writing():
        for line in lines:
            print(line)


def complain(*lines: str) -> None:
    """Print lines to standard error, as far as there is one."""
    with contextlib.suppress(OSError, ValueError):
        for line in lines:
            print(printable(line), file=sys.stderr, flush=True)


def finish() -> None:
    """Write out what others printed.  Raises EnvironmentProblem where it cannot be written."""
    with _writing():
        pass


def show(page: Page) -> None:
    """Print a page: with colours and fitted columns on a terminal, as plain columns everywhere else."""
    if not _is_drawn():
        say(*map(printable, plain_lines(page)))
        return
    from necism_monitor.cli import terminal  # noqa: PLC0415 - its library is slow to load, and not always installed

    with _writing():
        terminal.draw(page, terminal.canvas(forced=is_forced()))


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Flush at the end.  A reader that went away is no error; raises EnvironmentProblem for any other."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard()
    except OSError as error:
        _discard()
        raise EnvironmentProblem(
            f"standard output cannot be written: {error.strerror}", "look at the space where it goes"
        ) from error


def is_screen(stream: TextIO | None) -> bool:
    """Whether `stream` is a terminal that can do more than print lines; TERM=dumb says that it cannot."""
    try:
        able = stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
    return able and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}


def is_forced() -> bool:
    """Whether colours are wanted wherever the output goes: FORCE_COLOR is set, and NO_COLOR is not."""
    return bool(os.environ.get("FORCE_COLOR")) and not os.environ.get("NO_COLOR")


def _is_drawn() -> bool:
    return (is_screen(sys.stdout) or is_forced()) and importlib.util.find_spec("rich") is not None


def _discard() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not fail on it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
