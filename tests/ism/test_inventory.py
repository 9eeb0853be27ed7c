"""Variants of the list of arrays."""

import pytest

from necism_monitor.domain.reading import Inventory, Unread
from necism_monitor.ism.inventory import parse_arrays
from tests.ism.screens import capture

TEXT = capture("view_arrays")
HEAD = TEXT[: TEXT.index("D1-10 ")]
SHORT_HEAD = capture("view_arrays_without_monitoring")
SHORT_HEAD = SHORT_HEAD[: SHORT_HEAD.index("Optima3600")]


@pytest.mark.parametrize(
    "product", ["M300 Disk Array", "iStorage M700", "S2800 Disk Array", "D1-10", "17 characters ab"]
)
def test_a_product_id_may_hold_blanks(product: str) -> None:
    """The vendor's product ids hold blanks: the name is found by the header's columns."""
    for head, tail in ((HEAD, "ready           running"), (SHORT_HEAD, "ready")):
        assert parse_arrays(f"{head}{product:<18}{'D1_10':<34}{tail}\n") == Inventory(("D1_10",), None)


def test_a_blank_product_id_hides_no_array() -> None:
    """Only the name is judged: a row whose first column is blank is read by the header's columns, indented or not."""
    row = f"{'':<18}{'S2800_ODD':<34}{'ready':<16}running\n"
    assert parse_arrays(HEAD + row) == Inventory(("S2800_ODD",), None)
    assert parse_arrays(TEXT.rstrip("\n") + "\n" + row) == Inventory(("D1_10", "S2800_ODD"), None)
    shifted = "".join(f"    {line}\n" for line in (HEAD + row).splitlines())
    assert parse_arrays(shifted) == Inventory(("S2800_ODD",), None)


def test_several_arrays_in_the_order_of_the_screen() -> None:
    """Every row is an array, and asking twice gives the same."""
    row = "{:<18}{:<34}{:<16}{}\n"
    text = HEAD + row.format("D1-10", "B" * 32, "ready", "running") + row.format("M300 Disk Array", "a", "fault", "")
    assert parse_arrays(text) == parse_arrays(text) == Inventory(("B" * 32, "a"), None)


def test_no_row_is_no_array() -> None:
    """A list with its header and no row is an answer: this host sees no array."""
    assert parse_arrays(HEAD) == Inventory((), None)


@pytest.mark.parametrize(
    "row",
    [
        "D1-10             D1_10\n",
        "D1-10             D1_10         ready           running\n",
        "D1-10             \n",
        f"{'nineteen characters':<18}{'D1_11':<34}ready           running\n",
        f"{'D1-10':<18}{'B' * 35:<34}ready           running\n",
        "A product id that is far too long   D1_11                             ready\n",
        "                    D1_11                           ready           running\n",
        "                                                    ready           running\n",
        "D1-10\tD1_11\tready\trunning\n",
        "D1-10             D1_11\x00                            ready           running\n",
        "iSMview:Error: iSM07999: an array does not answer\n",
    ],
)
def test_a_row_that_does_not_fit_breaks_the_list(row: str) -> None:
    """Such a row is not guessed at: the arrays around it stay, the list counts as incomplete."""
    listed = parse_arrays(TEXT.rstrip("\n") + "\n" + row)
    assert isinstance(listed, Inventory)
    assert listed.arrays == ("D1_10",)
    assert isinstance(listed.broken, Unread)


@pytest.mark.parametrize("text", ["", "\n", "--- Disk Array List ---\n", TEXT[TEXT.index("D1-10 ") :], "nonsense\n"])
def test_without_its_header_there_is_no_list(text: str) -> None:
    """Without the header line no column is known."""
    found = parse_arrays(text)
    assert isinstance(found, Unread)
    assert (found.code, bool(found.hint)) == ("unreadable", True)
