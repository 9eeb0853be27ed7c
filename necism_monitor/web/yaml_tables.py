"""Strict YAML: tables whose keys are known, every fault with its line, and all faults at once.

Nodes are read, not Python values: only they know their lines, a key that is written twice, and the text of a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from necism_monitor.domain.errors import Problem
from necism_monitor.domain.secrets import hide
from necism_monitor.domain.selectors import suggest

NULL: Final = "tag:yaml.org,2002:null"
BOOL: Final = "tag:yaml.org,2002:bool"
INT: Final = "tag:yaml.org,2002:int"
SHOWN: Final = 80
"""Characters of a value that an error quotes."""
BROKEN: Final = "the file is no YAML that can be read"
LONG_QUOTE: Final = re.compile(r"(['\"]).{2,}\1")
"""More than the single sign at which the parser stopped."""


class Text(NamedTuple):
    """A scalar as it is written, and where."""

    value: str
    line: int
    tag: str = ""


class Tables:
    """Reads nodes of one file and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._lines: dict[tuple[str, str], int] = {}

    def document(self, data: bytes) -> Node | None:
        """The root of the one document; None where it is empty, or no YAML, which is a problem."""
        try:
            return yaml.compose(data, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            # A password that was not put in quotes may be read as an alias, a tag or a key, which the parser names.
            reason = LONG_QUOTE.sub("(not shown)", (error.problem or error.context or "").removeprefix("but "))
            self.problem(None if mark is None else mark.line + 1, "", f"{BROKEN}: {reason}")
        except yaml.YAMLError as error:
            reason = getattr(error, "reason", "")
            self.problem(None, "", f"{BROKEN}: {reason}", "save it as UTF-8 text without control characters")
        except RecursionError:
            self.problem(None, "", f"{BROKEN}: it is nested too deeply")
        return None

    def problem(self, line: int | None, value: str, rule: str, hint: str = "") -> None:
        """Note a fault."""
        plain = hide(value)
        shown = plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}..."
        self.problems.append(Problem(self.file, line, shown, rule, hint))

    def table(self, node: Node | None, name: str, known: Iterable[str] | None) -> Mapping[str, Node]:
        """The entries of a table, by key; `known` None takes every key."""
        if node is None or node.tag == NULL:
            return {}
        if not isinstance(node, MappingNode):
            self.problem(line_of(node), name, "must be a table of `key: value` lines")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.value:
            self._enter(found, name, key, value)
        for key in [] if known is None else sorted(set(found) - set(known)):
            self._unknown(key, name, known or ())
            del found[key]
        return found

    def line(self, name: str, key: str) -> int | None:
        """Where a key of a table stands."""
        return self._lines.get((name, key))

    def text(self, node: Node | None, name: str) -> Text | None:
        """A scalar that is not empty; None where there is none, or where there is something else."""
        if node is None or node.tag == NULL:
            return None
        if not isinstance(node, ScalarNode):
            self.problem(line_of(node), name, "must be one value, no list and no table")
            return None
        return Text(node.value, line_of(node), node.tag) if node.value else None

    def flag(self, node: Node | None, name: str, default: bool) -> bool:  # noqa: FBT001 - the value of a missing key
        """A yes or no."""
        text = self.text(node, name)
        if text is None:
            return default
        if text.tag != BOOL:
            self.problem(text.line, text.value, f"{name} must be true or false")
            return default
        return SafeConstructor.bool_values[text.value.lower()]

    def texts(self, node: Node | None, name: str) -> tuple[Text, ...]:
        """A list of scalars."""
        if node is None or node.tag == NULL:
            return ()
        if not isinstance(node, SequenceNode):
            self.problem(line_of(node), name, "must be a list", "write each entry on a line of its own, after '- '")
            return ()
        found = []
        for one in node.value:
            text = self.text(one, name)
            if text is None and not isinstance(one, MappingNode | SequenceNode):
                self.problem(line_of(one), name, "an entry of the list is empty")
            found += [] if text is None else [text]
        return tuple(found)

    def _enter(self, found: dict[str, Node], name: str, key: Node, value: Node) -> None:
        if not isinstance(key, ScalarNode):
            self.problem(line_of(key), name, "a key must be one word")
        elif key.value in found:
            self.problem(line_of(key), dotted(name, key.value), "the key is there twice", "keep one of them")
        else:
            found[key.value] = value
            self._lines[name, key.value] = line_of(key)

    def _unknown(self, key: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = suggest(key, names)
        hint = f"did you mean {near}?" if near else f"known are: {', '.join(names)}"
        self.problem(self._lines[name, key], dotted(name, key), "unknown key", hint)


def dotted(name: str, key: str) -> str:
    """A key with the table it stands in."""
    return f"{name}.{key}" if name else key


def line_of(node: Node) -> int:
    """Where a node begins, counted as editors do."""
    line: int = node.start_mark.line
    return line + 1
