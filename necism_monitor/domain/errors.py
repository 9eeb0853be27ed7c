"""Errors, divided by who must act.  Each is a fact plus a hint; exit codes are given at one edge, in the CLI."""

from typing import NamedTuple


class NecismError(Exception):
    """A fact and a hint; `code` names the class of error for logs and `necism explain`."""

    code = "error"

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


class UsageError(NecismError):
    """The caller asked for something that does not exist or cannot be done; exit 64."""

    code = "usage"


class Problem(NamedTuple):
    """One fault of a configuration: where, what was found, which rule it breaks, what to do."""

    file: str
    line: int | None
    value: str
    rule: str
    hint: str = ""

    def __str__(self) -> str:
        """`file:line: rule: value (hint)`."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        shown = f": {self.value!r}" if self.value else ""
        return f"{place}: {self.rule}{shown}" + (f" (hint: {self.hint})" if self.hint else "")


class ConfigError(NecismError):
    """The configuration is wrong: all its problems at once; exit 64."""

    code = "config"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(
            f"{count} configuration problem{'s' if count > 1 else ''}:\n" + "\n".join(f"  {one}" for one in problems),
            "run `necism config check` after the correction",
        )
        self.problems = problems


class EnvironmentProblem(NecismError):
    """The machine, not the request, is wrong: rights, disk, a missing library; exit 3 for readers."""

    code = "environment"


class JournalDamaged(NecismError):
    """A journal file that cannot be trusted; nothing is overwritten."""

    code = "journal-unreadable"


class JournalNewer(JournalDamaged):
    """An intact journal file of a later release, which this one cannot read; it is not touched."""


class Incoherent(NecismError):
    """Something happened that our own rules exclude: a bug of ours, never the operator's fault; exit 70."""

    code = "bug"
