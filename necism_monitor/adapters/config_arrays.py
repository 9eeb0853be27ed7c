"""The `[array NAME]` sections of necism.conf."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from necism_monitor.adapters import config_values as values
from necism_monitor.adapters.config_fields import Fields, Notes, Setting, place
from necism_monitor.adapters.config_lines import IniFile, Section
from necism_monitor.adapters.config_paths import Outside, path_in, shown_path
from necism_monitor.adapters.config_window import zone, zone_name
from necism_monitor.domain.errors import Problem
from necism_monitor.domain.model import Array
from necism_monitor.domain.names import ArrayName, NameRuleError
from necism_monitor.domain.states import Words

SSH_CONFIG: Final = "ssh_config"
NOTHING_DECLARED: Final = Words()

_ARRAY: Final = Array(ArrayName("default"))


def is_array(section: Section) -> bool:
    """Whether a header reads `[array ...]`."""
    return section.name.split()[0] == "array"


def read_arrays(ini: IniFile, folder: Path, outside: Outside, notes: Notes) -> tuple[Array, ...]:
    """The declared arrays, as written.  Faults go to `notes`."""
    found: dict[ArrayName, Array] = {}
    lines: dict[ArrayName, int | None] = {}
    for section in filter(is_array, ini.sections):
        try:
            name = ArrayName(section.name.removeprefix("array").strip())
        except NameRuleError as error:
            rule, hint = f"[{section.name}] {error.rule}", "write [array NAME]"
            notes.problems.append(Problem(ini.path, section.line, error.value, rule, hint))
            continue
        if name in found:
            rule = f"the array is already declared at {place(ini.path, lines[name])}"
            notes.problems.append(Problem(ini.path, section.line, name, rule, "make one section of the two"))
        found[name] = read_array(name, Fields(notes, ini.path, section), folder, outside)
        lines[name] = section.line
    return tuple(found.values())


def undeclared(name: ArrayName, ini: IniFile, folder: Path, outside: Outside, notes: Notes) -> Array:
    """An array that only a resource names: the local commands under that name."""
    return read_array(name, Fields(notes, ini.path, Section(f"array {name}", None, {})), folder, outside)


def read_array(name: ArrayName, fields: Fields, folder: Path, outside: Outside) -> Array:
    """The array of one section, its commands taken from where an option or the environment says."""
    found = Array(
        name=name,
        ism_path=fields.take("ism_path", path_in(folder), None, shown_path),
        command_prefix=fields.take("command_prefix", values.argv, (), values.shown_command),
        host=fields.take("host", values.host, None, shown_path),
        zone=fields.take("timezone", zone, None, zone_name),
        read_timeout=fields.duration("read_timeout", _ARRAY.read_timeout, values.duration(least=1)),
        change_timeout=fields.duration("change_timeout", _ARRAY.change_timeout, values.duration(least=1)),
        parallel_commands=fields.take("parallel_commands", values.count, _ARRAY.parallel_commands),
        cache_ttl=fields.duration("cache_ttl", _ARRAY.cache_ttl, values.duration()),
        unique_names=fields.take("unique_names", values.boolean, _ARRAY.unique_names, values.shown_boolean),
        words=fields.take("words", values.extra_words, NOTHING_DECLARED, _shown_words),
    )
    fields.refuse_unknown()
    found = _with_ssh_config(found, folder, fields)
    chosen = outside.choose("ism_path")
    if chosen is None:
        return found
    fields.notes.settings.append(Setting(fields.scope, "ism_path", chosen.path, str, chosen.origin))
    return found._replace(ism_path=chosen.path)


def _with_ssh_config(array: Array, folder: Path, fields: Fields) -> Array:
    """A file `ssh_config` in the configuration's directory is for ssh: service users often have no home.

    A broken link by that name counts too: without it ssh might find another host by the same name, so it is to fail.
    """
    path = folder.absolute() / SSH_CONFIG
    if array.host is None or not os.path.lexists(path):
        return array
    fields.notes.settings.append(Setting(fields.scope, SSH_CONFIG, str(path), str, str(folder)))
    return array._replace(ssh_config=str(path))


def _shown_words(words: Words) -> str:
    return ", ".join(f"{word}:{kind.value}" for kinds in words for word, kind in kinds) or "none"
