"""What was done lately, as far as it holds back callers that are no persons: keys, cooldown and budgets.  Pure."""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from necism_monitor.domain.model import MANUAL
from necism_monitor.domain.record import Header, RunFile


class Deed(NamedTuple):
    """One run, for the budgets; times are seconds since the epoch."""

    automatic: bool
    acted: bool
    """It began a CHANGE, or a hook: whom `pre_resync` stopped must not be stopped again every minute."""
    began: float
    last: float
    """Its last line: the end, where it has one."""


def deed_of(file: RunFile) -> Deed:
    """What a run counts for."""
    automatic, run = file.header.trigger != MANUAL, file.run()
    return Deed(automatic, run.changed or bool(run.hooks), file.lines[0].at, file.lines[-1].at)


def starts(deeds: Iterable[Deed], now: float, span: float) -> tuple[float, ...]:
    """When the automatic ones of `deeds` began that began a CHANGE or a hook, of the last `span` seconds; oldest first.

    One that lies in the future counts: a clock that was set back gives nobody a new budget.
    """
    return tuple(sorted(one.began for one in deeds if one.automatic and one.acted and one.began > now - span))


def is_of(header: Header, trigger: str, key: str) -> bool:
    """Whether a run was asked for by that request: a key is a caller's own, two callers may use the same text."""
    return header.trigger == trigger and header.key == key


def key_mark(trigger: str, key: str) -> str:
    """What is kept of a spent key when its run is pruned: 64 bits that tell it from every other one."""
    return sha256(f"{trigger}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
