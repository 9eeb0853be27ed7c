"""necism.conf but for its arrays: how the machinery works, and where the HTTP faces listen."""

from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.adapters import config_values as values
from necism_monitor.adapters.config_arrays import is_array, read_arrays
from necism_monitor.adapters.config_fields import Fields, Notes, Setting, guess
from necism_monitor.adapters.config_lines import IniFile, Section
from necism_monitor.adapters.config_paths import Outside, absolute, path_in, shown_path
from necism_monitor.domain.errors import Problem
from necism_monitor.domain.model import Array, Listener, Settings, Source, Webhook

EXPORTER_ADDRESS: Final = ":19942"
WEBHOOK_ADDRESS: Final = "127.0.0.1:19943"

_PLAIN: Final = ("necism", "exporter", "webhook")
_SETTINGS: Final = Settings()


class General(NamedTuple):
    """All that necism.conf decides."""

    settings: Settings
    arrays: tuple[Array, ...]
    exporter: Listener
    webhook: Webhook
    map_line: int | None
    """Where the webhook's `map` stands."""


def read_general(ini: IniFile, folder: Path, outside: Outside, notes: Notes) -> General:
    """Read necism.conf, relative paths in it being relative to `folder`.  Faults go to `notes`."""
    _check_sections(ini, notes)
    settings = _settings(_fields(ini, "necism", notes), folder, outside)
    arrays = read_arrays(ini, folder, outside, notes)
    exporter = _exporter(_fields(ini, "exporter", notes), folder)
    fields = _fields(ini, "webhook", notes)
    webhook = _webhook(fields, folder)
    mapped = fields.entry("map")
    return General(settings, arrays, exporter, webhook, mapped.line if mapped else None)


def _check_sections(ini: IniFile, notes: Notes) -> None:
    for section in ini.sections:
        if section.name not in _PLAIN and not is_array(section):
            hint = guess(section.name, [*_PLAIN, "array NAME"])
            if section.name.startswith("sync#"):
                hint = "resources stand in files of their own, services/NAME.conf"
            notes.problems.append(Problem(ini.path, section.line, f"[{section.name}]", "unknown section", hint))


def _fields(ini: IniFile, name: str, notes: Notes) -> Fields:
    return Fields(notes, ini.path, ini.section(name) or Section(name, None, {}))


def _settings(fields: Fields, folder: Path, outside: Outside) -> Settings:
    found = Settings(
        state_dir=_directory(fields, "state_dir", _SETTINGS.state_dir, folder, outside),
        run_dir=_directory(fields, "run_dir", _SETTINGS.run_dir, folder, outside),
        kill_switch=fields.take("kill_switch", path_in(folder), absolute(_SETTINGS.kill_switch, folder)),
        max_runs_per_hour=fields.take("max_runs_per_hour", values.budget, _SETTINGS.max_runs_per_hour),
        source=fields.take("source", values.choice(Source), _SETTINGS.source, lambda one: one.value),
        stale_after=fields.duration("stale_after", _SETTINGS.stale_after, values.duration(least=1)),
        future_tolerance=fields.duration("future_tolerance", _SETTINGS.future_tolerance, values.duration()),
        changing_grace=fields.duration("changing_grace", _SETTINGS.changing_grace, values.duration()),
        settle_timeout=fields.duration("settle_timeout", _SETTINGS.settle_timeout, values.duration()),
        relink_timeout=fields.duration("relink_timeout", _SETTINGS.relink_timeout, values.duration(least=1)),
        keep_history=fields.duration("keep_history", _SETTINGS.keep_history, values.duration(least=1)),
        host_root=fields.take("host_root", path_in(folder), _SETTINGS.host_root),
    )
    fields.refuse_unknown()
    return found


def _directory(fields: Fields, key: str, default: str, folder: Path, outside: Outside) -> str:
    said = fields.take(key, path_in(folder), default)
    chosen = outside.choose(key)
    if chosen is None:
        return said
    fields.notes.settings.append(Setting(fields.scope, key, chosen.path, str, chosen.origin))
    return chosen.path


def _exporter(fields: Fields, folder: Path) -> Listener:
    listener = _listener(fields, EXPORTER_ADDRESS, folder)
    fields.refuse_unknown()
    return listener


def _webhook(fields: Fields, folder: Path) -> Webhook:
    found = Webhook(
        listener=_listener(fields, WEBHOOK_ADDRESS, folder),
        credentials_file=fields.take("credentials_file", path_in(folder), None, shown_path),
        label=fields.take("label", values.label, None, shown_path),
        map=fields.take("map", values.mapping, (), _shown_map),
    )
    fields.refuse_unknown()
    return found


def _listener(fields: Fields, address: str, folder: Path) -> Listener:
    return Listener(
        address=fields.take("listen_address", values.address, address),
        telemetry_path=fields.take("telemetry_path", values.url_path, "/metrics"),
        web_config=fields.take("web_config", path_in(folder), None, shown_path),
    )


def _shown_map(found: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{value}={selector}" for value, selector in found) or "none"
