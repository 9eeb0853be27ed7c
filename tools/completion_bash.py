"""The completion for bash, 4.2 and newer; it needs nothing of the package bash-completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tools.commands import Argument, Command, everywhere

HEAD: Final = """\
# Completion for {name}. Made by tools/completion_bash.py: change it there.
"""
FRAME: Final = r"""
# Words for one place of the command line: $1 is the kind, $2 words that are fixed.
_@_offer()
{
    local IFS=$' \t\n' prefix= word
    local -a found=()
    case $1 in
        words) found=($(compgen -W "$2" -- "$cur")) ;;
        list)
            [[ $cur == *,* ]] && prefix=${cur%,*},
            for word in $(compgen -W "$2" -- "${cur#"$prefix"}"); do found+=("$prefix$word"); done
            compopt -o nospace 2>/dev/null
            ;;
        files)
            [[ -n $2 ]] && found=($(compgen -W "$2" -- "$cur"))
            ((${#found[@]})) || compopt -o default 2>/dev/null
            ;;
        folders) compopt -o dirnames 2>/dev/null ;;
        selectors | shown)
            [[ $cur == *,* ]] && prefix=${cur%,*},
            while IFS= read -r word; do
                [[ $word == "${cur#"$prefix"}"* ]] && found+=("$prefix$word")
            done < <("$program" ${config:+--config "$config"} complete "$1" 2>/dev/null </dev/null)
            ;;
    esac
    COMPREPLY=("${found[@]/#/$inline}")
}

# What the value of option $2 of command $1 is: sets kind and words, or fails for an option without a value.
_@_value()
{
    words=
    case $2 in
@SHARED@
    esac
    case "$1 $2" in
@VALUES@
        *) return 1 ;;
    esac
}

# What argument number $2 of command $1 is: sets kind and words.
_@_argument()
{
    kind=nothing words=
    case "$1 $2" in
@ARGUMENTS@
    esac
}

# The options of command $1.
_@_options()
{
    case $1 in
@OPTIONS@
    esac
}

_@()
{
    local cur=${COMP_WORDS[COMP_CWORD]} inline= config= kind words word option= path=@PATH@
    local program=${COMP_WORDS[0]/#\~/$HOME}
    local -i at=1 given=0
    COMPREPLY=()
    @PROGRAM@
    # An option and its value are one word, or three where readline breaks at the equals sign.
    while ((at < COMP_CWORD)); do
        word=${COMP_WORDS[at]}
        if [[ $word == --config=* ]]; then
            config=${word#*=}
        elif [[ $word == -* ]] && _@_value "$path" "$word"; then
            at+=1
            if [[ ${COMP_WORDS[at]} == '=' ]] && ((at <= COMP_CWORD)); then
                ((at == COMP_CWORD)) && cur=
                at+=1
            fi
            ((at >= COMP_CWORD)) && option=$word
            [[ $word == --config ]] && config=${COMP_WORDS[at]}
        elif [[ $word != -* ]]; then
            case "$path $word" in
                @PATHS@) path="$path $word" given=0 ;;
                *) given+=1 ;;
            esac
        fi
        at+=1
    done
    # As it was typed: a tilde and quotes are still in it. Nothing else is expanded.
    config=${config//[\"\'\\]/}
    config=${config/#\~/$HOME}
    if [[ -z $option && $cur == --*=* ]]; then
        option=${cur%%=*}
        inline=$option=
        cur=${cur#*=}
        _@_value "$path" "$option" || return 0
        _@_offer "$kind" "$words"
    elif [[ -n $option ]]; then
        _@_value "$path" "$option"
        _@_offer "$kind" "$words"
    elif [[ $cur == -* ]]; then
        _@_offer words "$(_@_options "$path")"
    else
        _@_argument "$path" "$given"
        _@_offer "$kind" "$words"
    fi
}

complete -F _@ @PATH@
"""


def script(top: Command) -> str:
    """The file for one program."""
    commands = list(everywhere(top))
    nested = [f"'{one.path}'" for one in commands if one is not top]
    text = FRAME
    for mark, lines in {
        "@SHARED@": [_case("|".join(one.names), one, "; return") for one in top.shared if one.form] or [_none()],
        "@VALUES@": [
            _case(" | ".join(f"'{one.path} {name}'" for name in option.names), option)
            for one in commands
            for option in one.options
            if option.form
        ],
        "@ARGUMENTS@": [line for one in commands for line in _arguments(one)] or [_none()],
        "@OPTIONS@": [f"        '{one.path}') echo '{' '.join(_names(one))}' ;;" for one in commands],
        "@PATHS@": [" | ".join(nested) or "' '"],
        # The plugin knows no verbs: who has it has necism beside it, or gets no selectors.
        "@PROGRAM@": [
            "program=necism" if top.path != "necism" else ": # selectors come from the program that is typed"
        ],
        "@PATH@": [top.path],
    }.items():
        text = text.replace(mark, "\n".join(lines))
    return HEAD.format(name=top.path) + text.replace("_@", f"_{top.path}")


def _arguments(one: Command) -> Iterator[str]:
    if one.actions:
        words = " ".join(verb.word for verb in one.verbs())
        yield f"        '{one.path} 0') kind=words words='{words}' ;;"
    for number, argument in enumerate(one.arguments):
        yield _case(f"'{one.path} '*" if argument.several else f"'{one.path} {number}'", argument)


def _case(pattern: str, one: Argument, more: str = "") -> str:
    return f"        {pattern}) kind={one.offer.value} words='{' '.join(one.words)}'{more} ;;"


def _none() -> str:
    return "        '') ;;"


def _names(one: Command) -> Iterable[str]:
    return [name for option in (*one.options, *one.shared) for name in option.names]
