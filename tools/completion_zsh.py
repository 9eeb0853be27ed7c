"""The completion for zsh: one file for both programs, found by its name and its first line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tools.commands import Argument, Command, Offer

HEAD: Final = r"""#compdef necism check_necism
# Completion for necism and check_necism. Made by tools/completion_zsh.py: change it there.

# The selectors of the configuration that the command line names; $1 is the kind.
_necism_selectors()
{
    local -a found expl
    found=("${(@f)$("$necism_program" ${necism_config:+--config} ${necism_config:+"$necism_config"} complete $1 \
        2>/dev/null </dev/null)}")
    found=(${found:#})
    _wanted selectors expl selector compadd -a found
}

# As before, several between commas.
_necism_selector_list()
{
    compset -P '*,'
    _necism_selectors $1
}

_necism_words_or_files()
{
    _alternative "words:word:($*)" 'files:file:_files'
}
"""
START: Final = r"""
local curcontext="$curcontext" state line necism_program=${words[1]/#\~/$HOME} necism_config=
local -i necism_at
local -a shared
typeset -A opt_args

# As it was typed: a tilde and quotes are still in it. Nothing else is expanded.
for ((necism_at = 1; necism_at < CURRENT; necism_at++)); do
    case ${words[necism_at]} in
        --config) necism_config=${words[necism_at + 1]} ;;
        --config=*) necism_config=${words[necism_at]#*=} ;;
    esac
done
necism_config=${(Q)necism_config}
necism_config=${necism_config/#\~/$HOME}
"""


def script(top: Command, check: Command) -> str:
    """The file for both programs."""
    lines = [HEAD, *_functions(top), START, "if [[ $service == check_necism ]]; then", "    necism_program=necism"]
    lines += ["    _arguments -s \\", *_specs(check, "        ", repeated=True), "    return", "fi", "", "shared=("]
    lines += [f"    {spec}" for one in top.shared for spec in _option(one)]
    return "\n".join([*lines, ")", "_necism_program", ""])


def _functions(top: Command) -> Iterator[str]:
    """A function for each command that has verbs or actions; the deepest first."""
    for verb in top.verbs():
        if verb.actions:
            yield from _functions(verb)
    name = "_necism_program" if top.path == "necism" else f"_{top.path.replace(' ', '_')}"
    yield f"{name}()\n{{"
    yield "    local state line"
    # Options behind the verb are left to the verb.
    yield "    _arguments -C -A '-*' $shared \\"
    yield from (f"        {spec} \\" for one in top.options for spec in _option(one))
    yield "        '1: :->verb' '*:: :->rest' && return"
    yield "    case $state in"
    yield "        verb)"
    yield "            local -a verbs"
    yield "            verbs=("
    yield from (f"                {_quoted(f'{verb.word}:{verb.summary}')}" for verb in top.verbs())
    yield "            )"
    yield "            _describe -t commands command verbs ;;"
    yield "        rest)"
    yield "            case $words[1] in"
    for verb in top.verbs():
        if verb.actions:
            yield f"                {verb.word}) _{verb.path.replace(' ', '_')} ;;"
        else:
            yield f"                {verb.word})"
            yield "                    _arguments $shared \\"
            yield from _specs(verb, "                        ")
            yield "                    ;;"
    yield "            esac ;;"
    yield "    esac\n}\n"


def _specs(one: Command, indent: str, *, repeated: bool = False) -> Iterator[str]:
    specs = [spec for option in one.options for spec in _option(option, repeated=repeated)]
    specs += [_positional(number, argument) for number, argument in enumerate(one.arguments, 1)]
    yield from (f"{indent}{spec} \\" for spec in specs[:-1])
    yield from (f"{indent}{spec}" for spec in specs[-1:])


def _option(one: Argument, *, repeated: bool = False) -> Iterator[str]:
    """Each spelling; giving one takes the others away, unless an option may be given again."""
    listed = repeated and bool(one.form)
    for name in one.names:
        first = "*" if repeated else f"({' '.join(one.names)})" if len(one.names) > 1 else ""
        value = f":{_escaped(one.form)}:{_action(one, listed=listed)}" if one.form else ""
        equals = "=" if one.form and name.startswith("--") else "+" if one.form else ""
        yield _quoted(f"{first}{name}{equals}[{_escaped(one.means)}]{value}")


def _positional(number: int, one: Argument) -> str:
    place = "*" if one.several else str(number)
    optional = "" if one.needed or one.several else ":"
    return _quoted(f"{place}:{optional}{_escaped(one.form)}:{_action(one)}")


def _action(one: Argument, *, listed: bool = False) -> str:
    words = " ".join(one.words)
    match one.offer:
        case Offer.NOTHING:
            return " "
        case Offer.WORDS:
            return f"({words})"
        case Offer.LIST:
            return f"_sequence compadd - {words}"
        case Offer.FILES:
            return f" _necism_words_or_files {words}" if words else "_files"
        case Offer.FOLDERS:
            return "_files -/"
        case Offer.SELECTORS | Offer.SHOWN:
            # With a blank in front zsh adds no arguments of its own.
            return f" _necism_selector{'_list' if listed else 's'} {one.offer.value}"


def _escaped(text: str) -> str:
    for char in "\\[]:":
        text = text.replace(char, f"\\{char}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
