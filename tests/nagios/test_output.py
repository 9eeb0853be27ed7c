"""Nothing from a screen, a name or an exception can break the plugin's output."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.nagios.output import clean, compose, fitting, label, status_line, write
from necism_monitor.nagios.states import State
from tests.nagios.builders import parse_output

NASTY = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("|$`'\"\n\r\t\\<>\x1b\udc81é日"))).map(str)


@given(NASTY)
def test_cleaned_text_is_one_harmless_ascii_line(text: str) -> None:
    """Pipes, line breaks, macros, quotes, control and foreign characters do not get through."""
    cleaned = clean(text)
    assert set(cleaned) <= set(string.printable) - set("|$`'\"\\<>\n\r\t\x0b\x0c")
    assert clean(cleaned) == cleaned


@pytest.mark.proves("N06")
@given(NASTY, st.lists(NASTY), st.sampled_from(State))
def test_any_output_keeps_its_structure(text: str, more: list[str], state: State) -> None:
    """One status line, one line for each further text, one word for the state, whatever the texts hold."""
    said = parse_output(compose(status_line(state, f"x{text}"), ["'a/sync#1'=1s;2;3;0"], more), int(state))
    assert said.word == state.name
    assert len(said.more) == len(more)
    assert [one.label for one in said.perfdata] == ["a/sync#1"]


@pytest.mark.proves("N05")
@given(st.text(min_size=1))
def test_labels_hold_neither_quotes_nor_equal_signs(text: str) -> None:
    """Every parser of perfdata finds the end of a label."""
    assert not set(label(text)) & set("'=|\n")
    assert label(text)


def test_what_is_fed_to_graphs_does_not_depend_on_the_values() -> None:
    """The perfdata that fits is the same with short and with long numbers."""
    short = [f"'s{number}/sync#1'={number}s;90000;;0" for number in range(200)]
    long = [f"'s{number}/sync#1'={10**9 + number}s;90000;;0" for number in range(200)]
    assert fitting(short, 2600) == fitting(long, 2600)
    assert len(" ".join(long[: fitting(long, 2600)])) <= 2600
    assert fitting(short, 10**6) == 200


def test_a_full_device_and_a_closed_descriptor_are_told(tmp_path: Path) -> None:
    """Writing says whether it worked, and raises nothing."""
    full = os.open("/dev/full", os.O_WRONLY)
    file = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    try:
        assert write("x\n", full) is False
        assert write("x\n", file) is True
    finally:
        os.close(full)
        os.close(file)
    assert write("x\n", file) is False


@pytest.mark.parametrize("length", [899, 900, 901, 5000])
def test_a_status_line_has_an_end(length: int) -> None:
    """A long text is cut with dots, below what every core keeps."""
    line = status_line(State.WARNING, "y" * length)
    assert len(line) <= 900
    assert line.endswith("...")
