"""Manual pages: one a command, and one for each kind of file of the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from necism_monitor import __version__
from necism_monitor.adapters import config_keys
from necism_monitor.cli.guide import ENVIRONMENT, PLACES
from tools import configuration
from tools.commands import Argument, Command, plugin, plugin_notes, program
from tools.roff import bold, entry, italic, literal, paragraphs, part, prose, sample, section, title

Lines = Iterator[str]

CONF: Final = ("necism.conf", 5)
SERVICE: Final = ("necism-service", 5)
PLUGIN: Final = ("check_necism", 1)
SHARED: Final = "Options of every command"
HELP: Final = ("-h", "--help")


def pages(moment: float) -> Mapping[str, str]:
    """File name -> page, dated with `moment`."""
    top, check = program(), plugin()
    made = {
        (top.name, top.section): necism(top),
        **{(verb.name, verb.section): command(verb, see_also(verb, top)) for verb in top.verbs()},
        PLUGIN: checker(check),
        CONF: necism_conf(),
        SERVICE: necism_service(),
    }
    return {
        f"{name}.{number}": "\n".join([*title(name, number, __version__, moment), *lines, ""])
        for (name, number), lines in made.items()
    }


def necism(top: Command) -> Lines:
    """The page of the program itself."""
    yield from _head(top)
    yield ".SH COMMANDS"
    for purpose, verbs in top.actions:
        yield part(purpose[:1].upper() + purpose[1:])
        for verb in verbs:
            yield from entry(reference(verb.name, verb.section), _sentence(verb.summary))
    yield from _arguments(top)
    yield from section("exit status", _codes(top))
    yield from section(
        "environment",
        [
            prose("An option outranks its variable, and that outranks necism.conf."),
            *(line for one in ENVIRONMENT for line in entry(bold(one.name), one.does)),
        ],
    )
    yield from section("files", (line for one in PLACES for line in entry(italic(one.path), one.holds)))
    yield from section("examples", _examples(top))
    every = [*((verb.name, verb.section) for verb in top.verbs()), PLUGIN, CONF, SERVICE]
    yield from section("see also", [_list(every)])


def command(verb: Command, others: Iterable[tuple[str, int]]) -> Lines:
    """The page of a verb, its actions included."""
    yield from _head(verb)
    for action in verb.verbs():
        if action is verb.verbs()[0]:
            yield ".SH ACTIONS"
        yield part(bold(action.path.removeprefix("necism ")))
        yield from paragraphs([_sentence(action.summary), *action.paragraphs])
        yield ".PP"
        yield synopsis(action)
        for one in (*action.arguments, *action.options):
            if one.names != HELP:
                yield from entry(_written(one), one.means)
    yield from _arguments(verb)
    yield from section("exit status", _codes(verb))
    yield from section("environment", [prose("The variables that every command reads are listed in necism(1).")])
    yield from section("examples", _examples(*(verb.verbs() or (verb,))))
    yield from section("see also", [_list(others)])


def see_also(verb: Command, top: Command) -> list[tuple[str, int]]:
    """`necism`, the verbs for the same purpose, and the files of the configuration."""
    kin = next(verbs for _, verbs in top.actions if verb in verbs)
    return [(top.name, top.section), *((one.name, one.section) for one in kin if one is not verb), CONF, SERVICE]


def checker(check: Command) -> Lines:
    """check_necism(1)."""
    yield from _head(check)
    yield from _arguments(check)
    for note in plugin_notes():
        yield from _note(note)
    yield from section("exit status", _codes(check))
    yield from section("environment", [prose("The variables that every command reads are listed in necism(1).")])
    yield from section("examples", (line for one in check.examples for line in sample(one.line)))
    yield from section("see also", [_list([("necism", 1), ("necism-explain", 1), CONF, SERVICE])])


def necism_conf() -> Lines:
    """necism.conf(5)."""
    yield from _file_head(
        "necism.conf", "how necism works on this host", configuration.paragraphs(configuration.GENERAL)
    )
    yield from section(
        "form", paragraphs(configuration.paragraphs(f"{configuration.RULES}\n{configuration.GENERAL_RULES}"))
    )
    for one in config_keys.GENERAL:
        yield from _keys(one)
    yield from _file_tail(configuration.NECISM_CONF, [("necism", 1), ("necism-config", 1), SERVICE])


def necism_service() -> Lines:
    """necism-service(5)."""
    yield from _file_head(
        "necism-service", "the service files of necism", configuration.paragraphs(configuration.SERVICE)
    )
    yield from section(
        "form", paragraphs(configuration.paragraphs(f"{configuration.RULES}\n{configuration.SERVICE_RULES}"))
    )
    yield from _keys(config_keys.SERVICE)
    yield from section(
        "environment of hooks",
        [
            prose("`pre_resync`, `post_resync` and `in_use_check` find in their environment:"),
            *(line for name, means in configuration.HOOKS for line in entry(bold(name), means)),
        ],
    )
    yield from _file_tail(configuration.SERVICE_CONF, [("necism", 1), ("necism-resync", 1), ("necism-config", 1), CONF])


def synopsis(one: Command) -> str:
    """A command as it is typed; what every command takes is told apart."""
    if one.path == "necism":
        return f"{bold(one.path)} [{italic('OPTION')} ...] {italic('VERB')} [{italic('ARGUMENT')} ...]"
    words = [bold(one.path), *(_optional(option) for option in one.options)]
    words += [italic("ACTION")] if one.actions else []
    words += [_positional(argument) for argument in one.arguments]
    return "\n".join(words)


def reference(name: str, number: int) -> str:
    """A page of the manual."""
    return f"{bold(name)}({number})"


def _head(one: Command) -> Lines:
    yield ".SH NAME"
    yield rf"{literal(one.name)} \- {prose(one.summary)}"
    yield from section("synopsis", [synopsis(one)])
    about = one.paragraphs if one.path == "check_necism" else (_sentence(one.summary), *one.paragraphs)
    yield from section("description", paragraphs(about))


def _arguments(one: Command) -> Lines:
    yield from section("arguments", (line for each in one.arguments for line in entry(_written(each), each.means)))
    own = [line for each in one.options for line in entry(_written(each), each.means)]
    shared = [line for each in one.shared for line in entry(_written(each), each.means)]
    yield from section(
        "options", [*own, *([part(SHARED), prose("They stand before or behind the verb.")] if shared else [])]
    )
    yield from shared


def _written(one: Argument) -> str:
    if not one.names:
        return italic(one.form)
    return ", ".join(f"{bold(name)}{' ' + italic(one.form) if one.form else ''}" for name in one.names)


def _optional(one: Argument) -> str:
    shown = _written(one._replace(names=one.names[:1])).replace(" ", "\\ ")
    return shown if one.needed else f"[{shown}]"


def _positional(one: Argument) -> str:
    shown = italic(one.form)
    more = rf"[{shown}\ ...]"
    return (
        f"{shown} {more}"
        if one.needed and one.several
        else shown
        if one.needed
        else more
        if one.several
        else f"[{shown}]"
    )


def _codes(one: Command) -> Lines:
    for number, text in one.codes.items():
        yield from entry(bold(str(number)), _sentence(text))


def _examples(*commands: Command) -> Lines:
    for number, example in enumerate(example for one in commands for example in one.examples):
        if number:
            yield ".PP"
        yield prose(example.does)
        yield from sample(example.line)


def _note(note: str) -> Lines:
    """A block of the plugin's help: its indented lines are kept as they are, and what they are of is the heading."""
    lines = note.splitlines()
    heading = re.match(r"[A-Z][A-Za-z]+", note)
    yield f".SH {heading[0].upper() if heading else 'NOTES'}"
    text: list[str] = []
    kept: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("  "):
            if text:
                yield prose(" ".join(" ".join(text).split()))
            text = []
            kept.append(line.strip())
            continue
        if kept:
            yield from sample("\n".join(kept))
        kept = []
        text.append(line)
    if any(text):
        yield prose(" ".join(" ".join(text).split()))


def _file_head(name: str, does: str, about: Iterable[str]) -> Lines:
    yield ".SH NAME"
    yield rf"{literal(name)} \- {prose(does)}"
    place = "/etc/necism/necism.conf" if name == "necism.conf" else "/etc/necism/services/SERVICE.conf"
    yield from section("synopsis", [italic(place)])
    yield from section("description", paragraphs(about))


def _keys(one: config_keys.Part) -> Lines:
    yield f'.SH "SECTION {one.title}"'
    yield prose(one.about)
    for key in one.keys:
        default = [] if key.default is None else [f"Default: `{key.default}`"]
        yield from entry(f"{bold(key.name)} = {italic(key.form)}", key.means, *default)


def _file_tail(text: str, others: Iterable[tuple[str, int]]) -> Lines:
    yield from section("example", sample(text))
    yield from section("see also", [_list(others)])


def _list(others: Iterable[tuple[str, int]]) -> str:
    ordered = sorted(others, key=lambda one: (one[1], one[0]))
    return ",\n".join(reference(*one) for one in ordered)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
