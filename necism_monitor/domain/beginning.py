"""May a run begin, as far as configuration and journal tell: an ordered table of pure decisions, the first that speaks.

A person is held by the beginning of the table only.  A refusal changes nothing; could not ask is never read as no.
"""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from necism_monitor.domain import automation
from necism_monitor.domain.automation import Hold
from necism_monitor.domain.history import Activity, History, RunState
from necism_monitor.domain.model import MANUAL, Resource, Settings
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.refusals import Refusal, refusal


class Start(NamedTuple):
    """What is known before the array is asked; a person is held by the first three only."""

    resource: Resource
    history: History | Unread
    node: str
    trigger: str = MANUAL
    key: str | None = None
    killed: str | Unread | None = None
    """The path of the kill switch, where it is there; `Unread` where nobody can tell."""
    activity: Activity | Unread = Activity()
    settings: Settings = Settings()
    zone: tzinfo = UTC
    """The host's, for people."""
    now: float = 0.0


def may_begin(start: Start) -> Refusal | None:
    """The guards that need only configuration and journal, in order; some hold only callers that are no persons."""
    guards = BEGINNING if start.trigger == MANUAL else BEGINNING + UNATTENDED
    for code, check in guards:
        hold = check(start)
        if hold is not None:
            return _held(code, hold, start.zone)
    return None


def _held(code: str, hold: Hold, zone: tzinfo) -> Refusal:
    """A refusal that says from when on it will not be given any more."""
    said = refusal(code, hold.text, hold.hint)
    if hold.until is None:
        return said
    return said._replace(hint=f"it may start from {automation.moment(hold.until, zone)} on; {said.hint}")


def _elsewhere(start: Start) -> Hold | None:
    nodes = start.resource.run_on
    if not nodes or start.node in nodes:
        return None
    return Hold(f"this node is {start.node}, run_on is {', '.join(sorted(nodes))}", None)


def _disabled(start: Start) -> Hold | None:
    if start.resource.disabled:
        return Hold("`disable = true`", None)
    return Hold("tag `noaction`", None) if start.resource.no_action else None


def _unfinished(start: Start) -> Hold | None:
    run = start.history.open_run if isinstance(start.history, History) else None
    return Hold(run.story, None) if run and run.state is RunState.UNFINISHED else None


def _journal_unreadable(start: Start) -> Hold | None:
    """What was done lately holds nobody but automatic callers; only damage is a matter for `necism abandon`."""
    asked = (start.history,) if start.trigger == MANUAL else (start.history, start.activity)
    return next((Hold(one.text, None, one.hint) for one in asked if isinstance(one, Unread)), None)


def _locked(start: Start) -> Hold | None:
    run = start.history.open_run if isinstance(start.history, History) else None
    if run is None:
        return None
    return Hold(f"run {run.id} by {run.owner} is at work: {run.step or 'between two steps'}", None)


def _not_automatic(start: Start) -> Hold | None:
    callers = start.resource.automation.callers
    if start.trigger in callers:
        return None
    return Hold(f"the caller is {start.trigger}, `automatic` is {' '.join(sorted(callers)) or 'none'}", None)


def _key_spent(start: Start) -> Hold | None:
    spent = isinstance(start.activity, Activity) and start.activity.spent
    return Hold(f"the key {start.key!r} has started a run of this resource before", None) if spent else None


def _killed(start: Start) -> Hold | None:
    return None if start.killed is None else Hold(switch_story(start.killed), None)


def switch_story(switch: str | Unread) -> str:
    """What is known of the kill switch, for people."""
    return switch.text if isinstance(switch, Unread) else f"the kill switch {switch} is there"


def _outside_window(start: Start) -> Hold | None:
    return automation.outside_window(start.resource.automation.windows, start.now)


def _cooling_down(start: Start) -> Hold | None:
    last = start.activity.last_change_at if isinstance(start.activity, Activity) else None
    return automation.cooling_down(last, start.resource.automation.cooldown, start.now, start.zone)


def _over_budget(start: Start) -> Hold | None:
    if not isinstance(start.activity, Activity):
        return None
    most = start.settings.max_runs_per_hour
    return automation.over_budget(start.activity, start.resource.automation, most, start.now, start.zone)


BEGINNING: Final[tuple[tuple[str, Callable[[Start], Hold | None]], ...]] = (
    ("run-on", _elsewhere),
    ("disabled", _disabled),
    ("unfinished", _unfinished),
    ("journal-unreadable", _journal_unreadable),
    ("locked", _locked),
)
UNATTENDED: Final[tuple[tuple[str, Callable[[Start], Hold | None]], ...]] = (
    ("not-automatic", _not_automatic),
    ("key-spent", _key_spent),
    ("killed", _killed),
    ("outside-window", _outside_window),
    ("cooling-down", _cooling_down),
    ("over-budget", _over_budget),
)
"""Asked besides where nobody sits in front of it."""
