"""What came back of one command: every ending kept apart, both streams kept.

`MISSING`, `NOT_EXECUTABLE`, `TIMED_OUT`, `SIGNALLED`, `CUT`, a nonzero `EXITED` and text that cannot be parsed are
seven different answers.  None of them is ever read as "no".
"""

import enum
from typing import NamedTuple


class Ending(enum.Enum):
    """How a command ended, as far as we know."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed-out"  # a READ killed at its deadline and proven gone
    LOST = "lost"  # a READ killed at its deadline that is still there (uninterruptible sleep)
    ABANDONED = "abandoned"  # a CHANGE that may still run: past its deadline, or cut off; it was not signalled
    CUT = "cut"  # the connection to the array's host broke, or never was, before the command's own end was heard
    MISSING = "missing"
    NOT_EXECUTABLE = "not-executable"
    NOT_STARTED = "not-started"


class Output(NamedTuple):
    """The result of one command; times are seconds since the epoch, texts never hold a surrogate."""

    argv: tuple[str, ...]
    ending: Ending
    code: int | None
    """Exit status (ssh's where the connection broke), signal, or errno of NOT_STARTED; None = there is none."""
    stdout: str
    stderr: str
    started_at: float
    ended_at: float
    pid: int | None = None
    """Of an ABANDONED command a number to ask for it again; a negative one names no process on this host."""
    truncated: bool = False
    """A stream was longer than the cap: its head and tail are kept."""

    @property
    def succeeded(self) -> bool:
        """Exit status 0.  Anything else is a failure: no other exit code is documented."""
        return self.ending is Ending.EXITED and self.code == 0

    @property
    def never_ran(self) -> bool:
        """The command was not started, so it cannot have had an effect."""
        return self.ending in {Ending.MISSING, Ending.NOT_EXECUTABLE, Ending.NOT_STARTED}
