"""Completion files for bash, zsh and fish, each with what its shell can do best, all of one description.

Verbs, options and fixed words stand in the files.  Selectors are asked for with the hidden verb `complete`, of the
configuration that the command line names: it prints them, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools import completion_bash, completion_fish, completion_zsh
from tools.commands import plugin, program


def files() -> Mapping[str, str]:
    """File name, as its shell looks for it -> text."""
    top, check = program(), plugin()
    return {
        "bash/necism": completion_bash.script(top),
        "bash/check_necism": completion_bash.script(check),
        "zsh/_necism": completion_zsh.script(top, check),
        "fish/necism.fish": completion_fish.script(top),
        "fish/check_necism.fish": completion_fish.script(check),
    }
