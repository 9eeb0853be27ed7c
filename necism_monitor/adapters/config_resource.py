"""One `[sync#N]` section of type necismsnap: its keys become a Resource."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeVar

from necism_monitor.adapters import config_values as values
from necism_monitor.adapters.config_devs import pairs
from necism_monitor.adapters.config_fields import Fields, Notes, guess
from necism_monitor.adapters.config_lines import Section
from necism_monitor.adapters.config_window import mixes_zones, windows
from necism_monitor.domain.durations import format_duration
from necism_monitor.domain.errors import Problem
from necism_monitor.domain.model import (
    DAY,
    MINUTE,
    AccessPolicy,
    Automation,
    Hook,
    Limits,
    Order,
    Pair,
    Resource,
    Window,
)
from necism_monitor.domain.names import ArrayName, NameRuleError, ResourceName, ServiceName
from necism_monitor.domain.patterns import pattern
from necism_monitor.domain.rules import RuleError
from necism_monitor.domain.selectors import suggest

Value = TypeVar("Value")

HOOKS: Final = frozenset({"pre_resync", "post_resync"})
TABLE: Final = HOOKS | frozenset(
    "devs sync_max_delay sync_min_delay sync_max_skew array access order parallel automatic window cooldown max_per_day"
    " pre_resync_timeout post_resync_timeout in_use_check consumers run_on".split()
)
"""The keys a section may set and, but for the hooks, `[DEFAULT]` may supply."""
OWN: Final = HOOKS | {"type", "tags", "disable"}
GENERIC: Final = frozenset(
    "schedule optional monitor subset restart standby always_on encap shared provision unprovision comment".split()
)
"""Keys that OpenSVC knows in every section and that mean nothing here; so do its triggers."""
TRIGGER: Final = pattern(r"(?:pre|post|blocking)_[a-z0-9_]+")
SCHEDULES: Final = frozenset({"sync_interval", "sync_days", "sync_period", "sync_schedule", "interval", "period"})
HOOK_TIMEOUT: Final = 300.0
UNUSED_HINT: Final = "`none` declares that nobody uses these LVs outside runs; leave the key out otherwise"
NO_TAGS: Final[tuple[str, ...]] = ()

_LIMITS, _AUTOMATION = Limits(), Automation()
_UNUSUAL = 366 * DAY


class Placed(NamedTuple):
    """A resource and where its `devs` stand."""

    resource: Resource
    file: str
    line: int | None


def read_resource(
    service: ServiceName, path: str, section: Section, defaults: Section | None, notes: Notes
) -> Placed | None:
    """The resource of one section; None where it has no usable name.  Faults go to `notes`."""
    try:
        name = ResourceName(section.name)
    except NameRuleError as error:
        notes.problems.append(Problem(path, section.line, error.value, error.rule, error.hint))
        return None
    scope = f"{service}/{name}"
    fields = Fields(notes, path, section, scope=scope, defaults=defaults, own=OWN, references=False)
    fields.known.update(TABLE | OWN)
    resource = _with_generics(fields, _with_actions(fields, _basics(fields, service, name)))
    _check_rest(fields)
    devs = fields.entry("devs")
    return Placed(resource, path, section.line if devs is None else devs.line)


def _basics(fields: Fields, service: ServiceName, name: ResourceName) -> Resource:
    return Resource(
        service=service,
        name=name,
        pairs=_pairs(fields),
        limits=_limits(fields),
        array=fields.take("array", ArrayName, ArrayName("default")),
        access=fields.take("access", values.choice(AccessPolicy), AccessPolicy.KEEP, _member),
        order=fields.take("order", values.choice(Order), Order.SET, _member),
        parallel=fields.take("parallel", values.count, 1),
        automation=_automation(fields),
    )


def _with_actions(fields: Fields, resource: Resource) -> Resource:
    return resource._replace(
        pre_resync=_hook(fields, "pre_resync"),
        post_resync=_hook(fields, "post_resync"),
        in_use_check=_command(fields, "in_use_check"),
        unused=fields.take("consumers", values.one_of(["none"], UNUSED_HINT), "unset") == "none",
        run_on=fields.take("run_on", values.nodes, frozenset(), lambda names: _spread(names) or "any"),
    )


def _with_generics(fields: Fields, resource: Resource) -> Resource:
    tags = _optional(fields, "tags", values.tags, NO_TAGS, " ".join)
    disabled = _optional(fields, "disable", values.boolean, default=False, show=values.shown_boolean)
    return resource._replace(disabled=disabled, hidden="nostatus" in tags, no_action="noaction" in tags)


def _optional(
    fields: Fields, key: str, read: Callable[[str], Value], default: Value, show: Callable[[Value], str]
) -> Value:
    """A key of OpenSVC: it may be empty, and only what was set is worth showing."""
    entry = fields.entry(key)
    return default if entry is None or not entry.value.strip() else fields.take(key, read, default, show)


def _pairs(fields: Fields) -> tuple[Pair, ...]:
    entry = fields.entry("devs")
    if entry is None:
        rule = f"[{fields.section.name}] devs is missing"
        fields.notes.problems.append(Problem(fields.path, fields.section.line, "", rule, "add `devs = SV:LV`"))
    return fields.take("devs", _read_pairs(fields), (), _shown_pairs)


def _read_pairs(fields: Fields) -> Callable[[str], tuple[Pair, ...]]:
    def read(text: str) -> tuple[Pair, ...]:
        found, faults = pairs(text)
        entry = fields.entry("devs")
        for fault in faults:
            if entry is not None:
                fields.problem("devs", entry, fault)
        return tuple(found)

    return read


def _limits(fields: Fields) -> Limits:
    minutes = values.duration(MINUTE, least=1)
    limits = Limits(
        max_delay=fields.duration("sync_max_delay", _LIMITS.max_delay, minutes),
        min_delay=fields.duration("sync_min_delay", _LIMITS.min_delay, values.duration(MINUTE)),
        max_skew=fields.duration("sync_max_skew", _LIMITS.max_skew, minutes),
    )
    for key, seconds in zip(("sync_max_delay", "sync_min_delay", "sync_max_skew"), limits, strict=True):
        if seconds > _UNUSUAL:
            years = f"{seconds / (365 * DAY):.3g}"
            text = f"{key} is {years} years ({format_duration(seconds)}); bare integers are minutes"
            fields.notes.remark(fields.path, _line(fields, key), text)
    if limits.min_delay > limits.max_delay:
        text = "sync_min_delay exceeds sync_max_delay: a resource may be too old and still too young for a resync"
        _warn(fields, "sync_min_delay", text)
    return limits


def _automation(fields: Fields) -> Automation:
    automation = Automation(
        callers=fields.take("automatic", values.callers, frozenset(), lambda names: _spread(names) or "none"),
        windows=fields.take("window", windows, (), _shown_windows),
        cooldown=fields.duration("cooldown", _AUTOMATION.cooldown, values.duration()),
        max_per_day=fields.take("max_per_day", values.budget, _AUTOMATION.max_per_day),
    )
    window = fields.entry("window")
    if window is not None and mixes_zones(window.value):
        _warn(fields, "window", "some of these windows name a time zone, the others are in the host's")
    return automation


def _hook(fields: Fields, key: str) -> Hook | None:
    argv = _command(fields, key)
    timeout = fields.duration(f"{key}_timeout", HOOK_TIMEOUT, values.duration(least=1))
    return None if argv is None else Hook(argv, timeout)


def _command(fields: Fields, key: str) -> tuple[str, ...] | None:
    return fields.take(key, values.argv, None, values.shown_command)


def _check_rest(fields: Fields) -> None:
    """Every key that is none of the table is OpenSVC's or a mistake."""
    for key, entry in fields.section.entries.items():
        base = key.partition("@")[0]
        if key in fields.known:
            continue
        if base in fields.known:
            rule, hint = "a key with a scope is not read here", f"write `{base} = ...` without @"
            fields.problem(key, entry, RuleError(entry.value, rule, hint))
        elif base in GENERIC or TRIGGER.fullmatch(base):
            fields.swallows(key, entry)
            fields.notes.ignore(fields.path, entry.line, key)
            _doubt_trigger(fields, key, base)
        else:
            hint = guess(key, TABLE)
            if base in SCHEDULES:
                hint = "schedules are a timer's business here; take the line out"
            fields.problem(key, entry, RuleError(entry.value, "unknown key", hint))


def _doubt_trigger(fields: Fields, key: str, base: str) -> None:
    """OpenSVC's triggers are not ours; one that resembles our hooks is worth a word."""
    hooks = [one for one in TABLE if "_resync" in one]
    near = None if base in GENERIC else suggest(base, hooks, likeness=0.8)
    if near is not None:
        _warn(fields, key, f"[{fields.section.name}] {key} is no hook of ours and is ignored; is {near} meant?")


def _warn(fields: Fields, key: str, text: str) -> None:
    fields.notes.warn(fields.path, _line(fields, key), text)


def _line(fields: Fields, key: str) -> int | None:
    entry = fields.section.entries.get(key) or fields.entry(key)
    return None if entry is None else entry.line


def _member(member: AccessPolicy | Order) -> str:
    return str(member.value)


def _spread(names: Iterable[str]) -> str:
    return " ".join(sorted(names))


def _shown_pairs(found: tuple[Pair, ...]) -> str:
    return " ".join(f"{'|'.join(pair.svs)}:{pair.lv}" for pair in found)


def _shown_windows(found: tuple[Window, ...]) -> str:
    return (
        ", ".join(f"{one.text} [{one.zone}]" if str(one.zone) not in one.text else one.text for one in found)
        or "always"
    )
