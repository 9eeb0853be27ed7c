"""The papers below docs/ that repeat what the code says: cli.md, configuration.md, findings.md and metrics.md."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from necism_monitor.adapters import config_keys
from necism_monitor.cli.explain import EVERYWHERE
from necism_monitor.cli.guide import ENVIRONMENT, PLACES
from tools import configuration, findings, metrics
from tools.commands import Argument, Command, plugin, plugin_notes, program

Lines = Iterator[str]

WIDTH: Final = 119
MADE: Final = "<!-- Made by `make reference`: change the texts in the code, then make it again. -->"
HELP: Final = ("-h", "--help")


def papers() -> Mapping[str, str]:
    """File name below docs/ -> text."""
    made = (("cli.md", _cli()), ("configuration.md", _configuration()))
    whole = {"metrics.md": metrics.paper(), "findings.md": findings.paper()}
    return {**{name: "\n".join([*lines, ""]) for name, lines in made}, **whole}


def _cli() -> Lines:
    top = program()
    yield from ["# Commands", "", MADE, ""]
    yield from _text("What `--help` and the manual pages say, on one page. `check_necism` stands at the end.")
    yield from _purposes(top)
    yield from ["## Everywhere", ""]
    yield from _text(
        "These options stand before or behind the verb. An option outranks its variable of the environment, and that"
        " outranks necism.conf. No option can be abbreviated."
    )
    yield from _arguments(top.shared)
    yield from ["| exit | meaning, where a command says nothing else below |", "|---|---|"]
    yield from [*(f"| {number} | {_cell(text)} |" for number, text in top.codes.items()), ""]
    yield from ["| variable | |", "|---|---|", *(f"| `{one.name}` | {_cell(one.does)} |" for one in ENVIRONMENT), ""]
    yield from ["| file | |", "|---|---|", *(f"| `{one.path}` | {_cell(one.holds)} |" for one in PLACES), ""]
    for title, verbs in top.actions:
        yield from [f"## {title[:1].upper()}{title[1:]}", ""]
        for verb in verbs:
            yield from _command(verb, "###")
    yield from _plugin(plugin())


def _purposes(top: Command) -> Lines:
    yield from ["| | |", "|---|---|"]
    for title, verbs in top.actions:
        yield f"| {title} | {', '.join(f'[{verb.word}](#{verb.name})' for verb in verbs)} |"
    yield ""


def _command(one: Command, level: str) -> Lines:
    yield from [f"{level} {one.path}", ""]
    yield from _text(f"{one.summary[:1].upper()}{one.summary[1:]}.")
    for text in one.paragraphs:
        yield from _text(text)
    if not one.actions:
        yield from _block([_usage(one)])
        yield from _arguments([*one.arguments, *(each for each in one.options if each.names != HELP)])
    for action in one.verbs():
        yield from _command(action, f"{level}#")
    if level == "###":
        yield from _codes(one.codes)
    if not one.actions:
        yield from _block(line for each in one.examples for line in (f"# {each.does}", each.line))


def _codes(codes: Mapping[int, str]) -> Lines:
    """What a command says of its own; what every command may end with is told once."""
    own = [f"| {number} | {_cell(text)} |" for number, text in codes.items() if EVERYWHERE.get(number) != text]
    if own:
        yield from ["| exit | |", "|---|---|", *own, ""]


def _usage(one: Command) -> str:
    words = [one.path]
    for option in one.options:
        if option.names != HELP:
            written = " ".join(filter(None, [option.names[0], option.form]))
            words.append(written if option.needed else f"[{written}]")
    for argument in one.arguments:
        words += [argument.form] if argument.needed else [] if argument.several else [f"[{argument.form}]"]
        words += [f"[{argument.form} ...]"] if argument.several else []
    return "\n".join(textwrap.wrap(" ".join(words), WIDTH - 4, subsequent_indent="    ", break_on_hyphens=False))


def _arguments(some: Iterable[Argument]) -> Lines:
    rows = [f"| {_written(one)} | {_cell(one.means)} |" for one in some]
    if rows:
        yield from ["| | |", "|---|---|", *rows, ""]


def _written(one: Argument) -> str:
    return _cell(", ".join(f"`{' '.join(filter(None, [name, one.form]))}`" for name in one.names or ("",)))


def _plugin(check: Command) -> Lines:
    yield from ["## check_necism", ""]
    yield from _text(f"{check.summary[:1].upper()}{check.summary[1:]}.")
    for text in check.paragraphs:
        yield from _text(text)
    yield from _block([_usage(check)])
    yield from _arguments(one for one in check.options if set(one.names) != set(HELP))
    for note in plugin_notes():
        yield from _block(note.splitlines())
    yield from _block(one.line for one in check.examples)
    yield from ["| exit | |", "|---|---|"]
    yield from [f"| {number} | {_cell(text)} |" for number, text in check.codes.items()]


def _configuration() -> Lines:
    yield from ["# Configuration", "", MADE, ""]
    for text in (configuration.GENERAL, configuration.RULES, configuration.GENERAL_RULES):
        yield from _texts(text)
    yield from ["`necism config check` names every mistake, `necism config show` every value in force, and"]
    yield from ["`necism explain KEY` says what a key means.", ""]
    yield from ["## Service files", ""]
    for text in (configuration.SERVICE, configuration.SERVICE_RULES):
        yield from _texts(text)
    yield from _block(configuration.SERVICE_CONF.splitlines())
    yield from _part(config_keys.SERVICE)
    yield from _text("`pre_resync`, `post_resync` and `in_use_check` find in their environment:")
    yield from [
        "| variable | |",
        "|---|---|",
        *(f"| `{name}` | {_cell(does)} |" for name, does in configuration.HOOKS),
        "",
    ]
    yield from ["## necism.conf", "", *_block(configuration.NECISM_CONF.splitlines())]
    for part in config_keys.GENERAL:
        yield from _part(part)


def _part(part: config_keys.Part) -> Lines:
    yield from [f"### {part.title}", ""]
    yield from _text(part.about)
    yield from ["| key | value | default | |", "|---|---|---|---|"]
    for key in part.keys:
        default = "" if key.default is None else f"`{key.default}`"
        yield f"| `{key.name}` | `{_cell(key.form)}` | {default} | {_cell(key.means)} |"
    yield ""


def _texts(text: str) -> Lines:
    for one in configuration.paragraphs(text):
        yield from _text(one)


def _text(text: str) -> Lines:
    yield from textwrap.wrap(text, WIDTH, break_on_hyphens=False, break_long_words=False)
    yield ""


def _block(lines: Iterable[str]) -> Lines:
    yield from (f"    {line}".rstrip() for text in lines for line in text.splitlines() or [""])
    yield ""


def _cell(text: str) -> str:
    """A cell of a table, which a bar would end."""
    return " ".join(text.split()).replace("|", "\\|")
