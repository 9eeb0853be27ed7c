"""A service file: its necismsnap sections become resources, everything else in it belongs to OpenSVC."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from necism_monitor.adapters.config_fields import Notes
from necism_monitor.adapters.config_lines import Entry, IniFile, Section
from necism_monitor.adapters.config_resource import HOOKS, TABLE, Placed, read_resource
from necism_monitor.domain.errors import Problem
from necism_monitor.domain.model import Service
from necism_monitor.domain.names import NameRuleError, ServiceName
from necism_monitor.domain.selectors import suggest

KIND: Final = "necismsnap"
SUFFIXES: Final = (".conf", ".env")


def service_name(path: str) -> str:
    """The stem of a service file: its name without `.conf` or `.env`."""
    name = Path(path).name
    return next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)


def read_service(ini: IniFile, notes: Notes) -> tuple[Service | None, list[Placed]]:
    """The service of one file; None where it has no usable name.  Faults go to `notes`."""
    try:
        name = ServiceName(service_name(ini.path))
    except NameRuleError as error:
        notes.problems.append(Problem(ini.path, None, error.value, error.rule, error.hint))
        return None, []
    before = len(notes.problems)
    sections = [one for one in ini.sections if _is_ours(one, ini.path, notes)]
    if not sections and not ini.problems and before == len(notes.problems):
        notes.problems.append(_nothing(ini))
    defaults = ini.section("DEFAULT")
    if defaults is not None and sections:
        _check_defaults(defaults, ini.path, notes)
    found = [read_resource(name, ini.path, section, defaults, notes) for section in sections]
    placed = [one for one in found if one is not None]
    return Service(name, ini.path, tuple(one.resource for one in placed)), placed


def _nothing(ini: IniFile) -> Problem:
    if any(one.name in {"necism", "exporter", "webhook"} or one.name.startswith("array ") for one in ini.sections):
        hint = "this looks like necism.conf: give the directory it stands in, service files stand in services/ below it"
    else:
        hint = "in the template every line of the section begins with ';': take those away"
    return Problem(ini.path, None, "", f"no [sync#N] section with type = {KIND}", hint)


def _is_ours(section: Section, path: str, notes: Notes) -> bool:
    """Whether a section is of our type; what looks like a slip of the pen in the type is noted."""
    if section.name == "DEFAULT":
        return False
    kind = section.entries.get("type")
    if kind is not None:
        _check_kind(section, path, kind, notes)
        return kind.value.strip() == KIND
    scoped = [key for key, entry in section.entries.items() if key.startswith("type@") and KIND in entry.value]
    for key in scoped:
        _refuse(notes, path, section, key, "a key with a scope is not read here", f"write `type = {KIND}`")
    if not scoped and section.name.startswith("sync#") and "devs" in section.entries:
        notes.warn(path, section.line, f"[{section.name}] has devs but no type and is ignored; add `type = {KIND}`")
    return False


def _check_kind(section: Section, path: str, kind: Entry, notes: Notes) -> None:
    """OpenSVC has many sync types; only one that resembles ours, or names the vendor, can be meant for us."""
    name = kind.value.strip().lower()
    if kind.value.strip() != KIND and section.name.startswith("sync#") and ("nec" in name or "ism" in name):
        _refuse(notes, path, section, "type", "no type of this name is known", f"did you mean {KIND!r}?")


def _check_defaults(defaults: Section, path: str, notes: Notes) -> None:
    """`[DEFAULT]` belongs to OpenSVC; of what it holds only the keys of our table concern us."""
    for key, entry in defaults.entries.items():
        base = key.partition("@")[0]
        if key in HOOKS:
            _refuse(notes, path, defaults, key, "a hook belongs to one resource", "move it into a [sync#N] section")
        elif base != key and base in TABLE:
            _refuse(notes, path, defaults, key, "a key with a scope is not read here", f"write `{base} = ...`")
        elif key == "disable" and entry.value.strip().lower() not in {"", "false", "no", "0", "off"}:
            text = "[DEFAULT] disable has no effect here; disable the [sync#N] sections"
            notes.warn(path, entry.line, text)
        elif key.startswith("sync_") and key not in TABLE and (near := suggest(key, TABLE, likeness=0.8)):
            notes.warn(path, entry.line, f"[DEFAULT] {key} has no effect here; is {near} meant?")


def _refuse(notes: Notes, path: str, section: Section, key: str, rule: str, hint: str) -> None:
    entry = section.entries[key]
    notes.problems.append(Problem(path, entry.line, entry.value, f"[{section.name}] {key}: {rule}", hint))
