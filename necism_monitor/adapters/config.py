"""Loads the configuration: a service file, or a directory with necism.conf and services/*.conf and *.env.

All problems of all files are raised at once.  Paths in necism.conf are relative to its directory, paths of options
and of the environment to the working directory.
"""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.adapters.config_arrays import undeclared
from necism_monitor.adapters.config_fields import Notes, Setting, place
from necism_monitor.adapters.config_lines import IniFile, parse_ini
from necism_monitor.adapters.config_paths import Outside, Overrides
from necism_monitor.adapters.config_resource import Placed
from necism_monitor.adapters.config_services import SUFFIXES, read_service, service_name
from necism_monitor.adapters.config_settings import General, read_general
from necism_monitor.domain.errors import ConfigError, Problem, UsageError
from necism_monitor.domain.model import Array, Config, Service
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.selectors import select, suggest

__all__ = ["Examined", "Overrides", "default_path", "examine", "load"]

STANDARD_PATH: Final = "/etc/necism"
NO_OVERRIDES: Final = Overrides()


class _Files(NamedTuple):
    """What there is to read, and the directory that relative paths start from."""

    folder: Path
    general: Path | None
    services: list[Path]


class Examined(NamedTuple):
    """A configuration, and where each of its values comes from."""

    config: Config
    settings: tuple[Setting, ...]


def default_path(environ: Mapping[str, str]) -> Path:
    """Where the configuration is if nobody says: `$NECISM_CONFIG`, else /etc/necism."""
    return Path(environ.get("NECISM_CONFIG") or STANDARD_PATH)


def load(path: Path, *, overrides: Overrides = NO_OVERRIDES, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration at `path`; see `examine`."""
    return examine(path, overrides=overrides, environ=environ).config


def examine(path: Path, *, overrides: Overrides = NO_OVERRIDES, environ: Mapping[str, str] | None = None) -> Examined:
    """Read `path`, a service file or a directory; `environ` may hold NECISM_ISM_PATH, _STATE_DIR and _RUN_DIR.

    `ism_path` of an option or of the environment replaces that of every array, so that a simulated array can stand
    in front of any configuration.  Raises ConfigError with every problem there is.
    """
    outside, notes = Outside(overrides, environ or {}), Notes()
    files = _find(path.absolute(), notes)
    general_ini = IniFile(str(path), ()) if files.general is None else _read(files.general, notes)
    general = read_general(general_ini, files.folder, outside, notes)
    services, placed = _read_services(files.services, notes)
    _check_names(placed, notes)
    _check_arrays(placed, general.arrays, notes)
    more = [undeclared(name, general_ini, files.folder, outside, notes) for name in _strange(placed, general.arrays)]
    arrays = (*general.arrays, *more)
    config = Config(general.settings, arrays, services, general.exporter, general.webhook)
    _check_map(config, general, general_ini.path, notes)
    if notes.problems:
        raise ConfigError(_in_order(notes.problems))
    config = config._replace(warnings=_once(notes.warnings), remarks=_once(notes.remarks), ignored=_once(notes.ignored))
    return Examined(config, tuple(notes.settings))


def _find(path: Path, notes: Notes) -> _Files:
    """necism.conf where there is one, and the service files by name."""
    services = path / "services"
    try:
        if not path.is_dir():
            return _Files(path.parent, None, [path])
        # A link that leads nowhere is to be complained about, not passed over.
        general = next((one for one in path.iterdir() if one.name == "necism.conf"), None)
        names = sorted(one.name for one in services.iterdir()) if services.is_dir() else []
    except OSError as error:
        rule = f"cannot be listed: {error.strerror}"
        notes.problems.append(Problem(str(error.filename or path), None, "", rule, "check the rights of the directory"))
        return _Files(path, None, [])
    found = [services / name for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]
    if not found:
        rule, hint = "no service file", "put a service file there, as services/NAME.conf or services/NAME.env"
        notes.problems.append(Problem(str(services), None, "", rule, hint))
    return _Files(path, general, found)


def _read(path: Path, notes: Notes) -> IniFile:
    """One file's sections; nothing of a file that cannot be read."""
    try:
        # A pipe or a device could keep us waiting without end.
        if not stat.S_ISREG(path.stat().st_mode):
            notes.problems.append(Problem(str(path), None, "", "not a regular file", "name a file or a directory"))
            return IniFile(str(path), (), tuple(notes.problems[-1:]))
        ini = parse_ini(str(path), path.read_bytes())
    except OSError as error:
        notes.problems.append(Problem(str(path), None, "", *_unreadable(error)))
        return IniFile(str(path), (), tuple(notes.problems[-1:]))
    notes.problems.extend(ini.problems)
    notes.warnings.extend(ini.warnings)
    return ini


def _unreadable(error: OSError) -> tuple[str, str]:
    if isinstance(error, FileNotFoundError):
        return "does not exist", "name the configuration with --config or NECISM_CONFIG"
    hint = "check the rights of the file and its directories" if isinstance(error, PermissionError) else ""
    return f"cannot be read: {error.strerror}", hint


def _read_services(files: list[Path], notes: Notes) -> tuple[tuple[Service, ...], list[Placed]]:
    services: dict[str, Service] = {}
    placed: list[Placed] = []
    for file in files:
        service, resources = read_service(_read(file, notes), notes)
        if service is None:
            continue
        if service.name in services:
            rule = f"the service is already described by {services[service.name].file}"
            notes.problems.append(Problem(str(file), None, service_name(str(file)), rule, "remove one of the two"))
        services[service.name] = service
        placed.extend(resources)
    return tuple(services.values()), placed


def _check_names(placed: list[Placed], notes: Notes) -> None:
    """A volume of an array has one use in the whole configuration."""
    seen: dict[tuple[str, str], tuple[str, Placed]] = {}
    for one in placed:
        for pair in one.resource.pairs:
            for role, name in [*(("SV", sv) for sv in pair.svs), ("LV", pair.lv)]:
                key = (one.resource.array, name)
                if key in seen:
                    _refuse_reuse(role, name, one, *seen[key], notes)
                seen.setdefault(key, (role, one))


def _refuse_reuse(role: str, name: str, one: Placed, first_role: str, first: Placed, notes: Notes) -> None:
    resource, other = one.resource, first.resource
    used = f"already the {first_role} of {other.id} at {place(first.file, first.line)}"
    rule = f"[{resource.name}] devs: this {role} is {used}, on the same array {resource.array!r}"
    hint = "each SV and LV has one place; a volume of another array needs `array = NAME`"
    notes.problems.append(Problem(one.file, one.line, name, rule, hint))


def _check_arrays(placed: list[Placed], arrays: tuple[Array, ...], notes: Notes) -> None:
    """An undeclared array is allowed; where others are declared it may be a slip of the pen."""
    declared = [array.name for array in arrays]
    for one in placed:
        if declared and one.resource.array not in declared:
            near = suggest(one.resource.array, declared)
            text = f"[{one.resource.name}] array {one.resource.array!r} is not declared: the local commands are used"
            notes.warn(one.file, one.line, text + (f"; is {near!r} meant?" if near else ""))


def _strange(placed: list[Placed], arrays: tuple[Array, ...]) -> list[ArrayName]:
    """The arrays that resources name and nobody declared, in configuration order."""
    declared = {array.name for array in arrays}
    return list(dict.fromkeys(one.resource.array for one in placed if one.resource.array not in declared))


def _check_map(config: Config, general: General, path: str, notes: Notes) -> None:
    """Every selector an alert may stand for names something."""
    for value, text in general.webhook.map:
        try:
            select(config, [text], allow_all=False, include_hidden=True)
        except UsageError as error:
            rule = f"[webhook] map: {error.text}"
            notes.problems.append(Problem(path, general.map_line, f"{value}={text}", rule, error.hint))
    if general.webhook.map and general.webhook.label is None:
        rule, hint = "[webhook] map needs a label", "add `label = NAME`, the alert label whose values are mapped"
        notes.problems.append(Problem(path, general.map_line, "", rule, hint))


def _once(texts: list[str]) -> tuple[str, ...]:
    """What `[DEFAULT]` supplies is met once per resource."""
    return tuple(dict.fromkeys(texts))


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """File after file as they were read, each from top to bottom."""
    files = list(dict.fromkeys(one.file for one in problems))
    return tuple(sorted(dict.fromkeys(problems), key=lambda one: (files.index(one.file), one.line or 0)))
