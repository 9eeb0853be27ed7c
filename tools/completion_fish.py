"""The completion for fish, 3.0 and newer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tools.commands import Argument, Command, Offer, everywhere

FRAME: Final = r"""# Completion for @. Made by tools/completion_fish.py: change it there.

# The command that is typed so far, without options and their values: "necism config show".
function __@_path
    set -l path @
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word @VALUED@
            set skip 1
        else if contains -- "$path $word" @PATHS@
            set path "$path $word"
        end
    end
    echo $path
end

function __@_at
    test (__@_path) = "$argv"
end

# The selectors of the configuration that the command line names.
function __@_selectors
    set -l words (commandline -opc)
    set -l config
    for at in (seq (count $words))
        if test $words[$at] = --config; and set -q words[(math $at + 1)]
            set config --config (string replace -r '^~' $HOME -- $words[(math $at + 1)])
        else if string match -q -- '--config=*' $words[$at]
            set config --config (string replace -r '^~' $HOME -- (string replace -- --config= '' $words[$at]))
        end
    end
    set -l program @PROGRAM@
    $program $config complete $argv 2>/dev/null </dev/null
end

complete -c @ -f
"""


def script(top: Command) -> str:
    """The file for one program."""
    commands = list(everywhere(top))
    options = [option for one in commands for option in (*one.options, *one.shared)]
    valued = dict.fromkeys(name for option in options for name in option.names if option.form)
    text = FRAME
    for mark, put in {
        "@VALUED@": " ".join(valued),
        "@PATHS@": " ".join(_quoted(one.path) for one in commands if one is not top) or "''",
        "@PROGRAM@": "necism" if top.path != "necism" else "(string replace -r '^~' $HOME -- $words[1])",
        "@": top.path,
    }.items():
        text = text.replace(mark, put)
    lines = [line for one in commands for line in _command(top.path, one)]
    lines += [_option(top.path, "", option) for option in top.shared]
    return "\n".join([text.rstrip(), *lines, ""])


def _command(program: str, one: Command) -> Iterator[str]:
    where = f" -n {_quoted(f'__{program}_at {one.path}')}"
    for verb in one.verbs():
        yield f"complete -c {program}{where} -a {verb.word} -d {_quoted(verb.summary)}"
    for argument in one.arguments:
        offered = _offered(program, argument)
        if offered:
            yield f"complete -c {program}{where}{offered}"
    yield from (_option(program, where, option) for option in one.options)


def _option(program: str, where: str, one: Argument) -> str:
    names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in one.names)
    value = (_offered(program, one, listed=program != "necism") or " -x") if one.form else ""
    if one.form:
        value = f" -r{value}" if "-F" in value else f" -x{value.replace(' -x', '')}"
    return f"complete -c {program}{where}{names}{value} -d {_quoted(one.means)}"


def _offered(program: str, one: Argument, *, listed: bool = False) -> str:
    words = f" -a {_quoted(' '.join(one.words))}" if one.words else ""
    match one.offer:
        case Offer.NOTHING:
            return ""
        case Offer.WORDS:
            return words
        case Offer.LIST:
            inner = " ".join(["printf '%s\\n'", *one.words])
            return f' -a "(__fish_complete_list , \\"{inner}\\")"'
        case Offer.FILES:
            return f"{words} -F"
        case Offer.FOLDERS:
            return " -a '(__fish_complete_directories)'"
        case Offer.SELECTORS | Offer.SHOWN:
            asked = f"__{program}_selectors {one.offer.value}"
            return f" -a '(__fish_complete_list , \"{asked}\")'" if listed else f" -a '({asked})'"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
