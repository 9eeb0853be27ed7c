"""What a run does on hosts: `pre_resync`, `post_resync`, and the gate that finds out whether an LV is in use.

The gate stands immediately before the first unlink.  In use is what this host proves to use, or what `in_use_check`
does not declare free.  What cannot be found out holds callers that are no persons; a person is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from necism_monitor.domain.events import GATE, POST, PRE, PlannedPair
from necism_monitor.domain.model import MANUAL
from necism_monitor.domain.secrets import hide
from necism_monitor.domain.use import Use, UseState
from necism_monitor.ism.output import Ending, Output

if TYPE_CHECKING:
    from necism_monitor.app.desk import Desk
    from necism_monitor.domain.model import Hook, Resource
    from necism_monitor.domain.names import LdName

CHECK_TIMEOUT: Final = 60.0
"""Seconds that `in_use_check` may take."""
LONGEST: Final = 300
"""Characters of a hook's last line that are quoted: a journal line stays short."""


class Survey(NamedTuple):
    """What this host says about the use of LVs, a sentence each."""

    used: tuple[str, ...]
    unknown: tuple[str, ...]
    free: Mapping[LdName, str | None]
    """LV -> special file."""
    doubtful: Mapping[LdName, str | None]
    """The same for those whose use is not known."""


class HostHooks:
    """Performs the hooks of one run of one resource."""

    def __init__(self, desk: Desk, resource: Resource, run_id: str, trigger: str) -> None:
        self._desk, self._resource = desk, resource
        self._run_id, self._trigger = run_id, trigger

    def argv(self, name: str) -> tuple[str, ...]:
        """The command of a hook; nothing where none is configured."""
        return argv_of(self._resource, name)

    def perform(self, name: str, pairs: tuple[PlannedPair, ...]) -> str | None:
        """Do it; a sentence about why it failed, or None."""
        if name == GATE:
            return self.gate(pairs)
        hook = _hook(self._resource, name)
        if hook is None:
            self._desk.narrator.say("WARNING", f"{name} is owed, but not configured any more: nothing was run")
            return None
        return self._run(hook.argv, hook.timeout, pairs)

    def gate(self, pairs: tuple[PlannedPair, ...]) -> str | None:
        """Why the LVs must not be taken away, or None; buffers of this host are flushed first."""
        found = survey(self._desk, pairs)
        if found.used:
            return "; ".join(found.used)
        check = self._resource.in_use_check
        if check:
            failed = self._run(check, CHECK_TIMEOUT, pairs)
            if failed:
                return f"in_use_check does not say that the LVs are free: {failed}"
        elif told := doubt(self._resource, found):
            if self._trigger != MANUAL:
                return unanswered(told)
            self._desk.narrator.say("WARNING", told)
        unflushed = self._desk.devices.flush(found.free)
        # Whether it is used could not be found out, but buffers that are written later land on the new image.
        for text in () if unflushed else self._desk.devices.flush(found.doubtful):
            self._desk.narrator.say("WARNING", text)
        return "; ".join(unflushed) or None

    def _run(self, argv: tuple[str, ...], timeout: float, pairs: tuple[PlannedPair, ...]) -> str | None:
        output = self._desk.hooks.hook(argv, timeout, env=self._environment(pairs))
        text = "\n".join(hide(part) for one in (output.stdout, output.stderr) if (part := one.rstrip("\n")))
        if text:
            self._desk.narrator.say("INFO", f"{text}\n")
        return _failure(output, timeout)

    def _environment(self, pairs: tuple[PlannedPair, ...]) -> dict[str, str]:
        return {
            "NECISM_SERVICE": self._resource.service,
            "NECISM_RESOURCE": self._resource.name,
            "NECISM_RUN_ID": self._run_id,
            "NECISM_TRIGGER": self._trigger,
            "NECISM_LVS": " ".join(pair.lv for pair in pairs),
            "NECISM_SVS": " ".join(pair.target for pair in pairs),
        }


def argv_of(resource: Resource, name: str) -> tuple[str, ...]:
    """The command of a hook; nothing where none is configured."""
    hook = _hook(resource, name)
    return hook.argv if hook else (resource.in_use_check or () if name == GATE else ())


def patience(resource: Resource) -> float:
    """Seconds that the hooks of a resource may take together."""
    hooks = (resource.pre_resync, resource.post_resync)
    return sum(hook.timeout for hook in hooks if hook) + (CHECK_TIMEOUT if resource.in_use_check else 0.0)


def doubt(resource: Resource, found: Survey) -> str:
    """What is not known about the use of LVs and nothing answers for; empty where everything is."""
    if not found.unknown or resource.in_use_check or resource.unused:
        return ""
    return f"whether a host uses the LVs is not known: {'; '.join(found.unknown)}"


def unanswered(told: str) -> str:
    """What a doubt is to a caller that is no person: a refusal."""
    return f"{told}; neither in_use_check nor `consumers = none` answers for them"


def survey(desk: Desk, pairs: Iterable[PlannedPair]) -> Survey:
    """What this host knows about the use of the LVs that would be taken away."""
    files = {pair.lv: pair.special_file for pair in pairs if pair.previous is not None}
    uses = desk.devices.uses(files)
    told = {lv: uses.get(lv, Use(UseState.UNKNOWN, "nothing was found out")) for lv in files}
    return Survey(
        _sentences(told, UseState.IN_USE),
        _sentences(told, UseState.UNKNOWN),
        {lv: files[lv] for lv, use in told.items() if use.state is UseState.FREE},
        {lv: files[lv] for lv, use in told.items() if use.state is UseState.UNKNOWN},
    )


def _sentences(uses: Mapping[LdName, Use], state: UseState) -> tuple[str, ...]:
    return tuple(f"{lv}: {use.text}" for lv, use in uses.items() if use.state is state)


def _hook(resource: Resource, name: str) -> Hook | None:
    return {PRE: resource.pre_resync, POST: resource.post_resync}.get(name)


def _failure(output: Output, timeout: float) -> str | None:
    """Why a hook counts as failed: only exit 0 is success."""
    if output.succeeded:
        return None
    name = output.argv[0]
    if output.never_ran:
        return output.stderr.strip() or f"{name} could not be started"
    match output.ending:
        case Ending.TIMED_OUT | Ending.LOST:
            gone = "was killed" if output.ending is Ending.TIMED_OUT else "could not be killed and may still run"
            how = f"did not end within {timeout:.0f} s and {gone}"
        case Ending.SIGNALLED:
            how = f"was ended by signal {output.code}"
        case _:
            how = f"ended with exit code {output.code}"
    lines = [line.strip() for line in f"{output.stdout}\n{output.stderr}".splitlines()]
    said = next((line for line in reversed(lines) if line), "")
    return f"{name} {how}" + (f": {hide(said)[:LONGEST]}" if said else "")
