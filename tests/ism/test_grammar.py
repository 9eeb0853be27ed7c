"""Expressions that are compiled late, and the quick look that saves most lines the slow one."""

from __future__ import annotations

import re
import sys

import pytest

from necism_monitor.domain.patterns import pattern
from necism_monitor.ism import grammar
from necism_monitor.ism.screen import lines


def test_every_character_that_no_screen_prints_is_noticed() -> None:
    """Of all characters there are, inside a line, exactly those of the expression are trouble."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if char in "\r\n" or (grammar.GARBLED.search(char) is None and code % 97):
            continue
        (line,) = lines(f"a{char}b\n")
        assert (line.trouble is not None) is (grammar.GARBLED.search(char) is not None), hex(code)


@pytest.mark.parametrize("text", ["abc", "ab", "xabc", ""])
def test_a_late_expression_is_the_same_expression(text: str) -> None:
    """Each method, at its first call and after it, answers as the compiled expression does."""
    late, compiled = pattern("a(b)(?P<end>c)?", re.ASCII), re.compile("a(b)(?P<end>c)?", re.ASCII)
    for _ in range(2):
        assert [str(late.match(text)), str(late.search(text)), str(late.fullmatch(text))] == [
            str(compiled.match(text)),
            str(compiled.search(text)),
            str(compiled.fullmatch(text)),
        ]
        assert (late.findall(text), late.sub("-", text)) == (compiled.findall(text), compiled.sub("-", text))
    assert late.pattern == compiled.pattern


def test_a_wrong_expression_is_told_where_it_is_used() -> None:
    """Late, but not silently."""
    with pytest.raises(re.error):
        pattern("(").fullmatch("x")
