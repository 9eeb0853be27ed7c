"""Captured screens, and screens made from them by replacing lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from necism_monitor.domain.names import LdName
from necism_monitor.ism.output import Ending, Output

CAPTURES: Final = Path(__file__).resolve().parents[1] / "captures"

BV: Final = LdName("xxxxxxxxxxx_00CC")
SV1: Final = LdName("xxxxxxxxxxx_00cc_SV00ce")
SV2: Final = LdName("xxxxxxxxxxx_00cc_SV00cd")
TEST_BV: Final = LdName("test_src_0000")
TEST_SV: Final = LdName("test_src_0000_SV0014")

BV_BLOCK: Final = """\
BV Information
    LD Name      : xxxxxxxxxxx_00CC
    Type         : LX
    Special File : /dev/sdaq
    State        : normal
    Reserve Area : -

Pair Information
"""
SV_BLOCK: Final = """\
    SV:LD Name              : xxxxxxxxxxx_00cc_SV00ce
       Type                 : LX
       Generation(Attribute): -1(normal)
       Snap State           : snap/active        [2014/09/09 17:27:45]
       Create   Start Time  : 2014/09/09 17:27:45
       Processing Data Size : -
       Snapshot Data Size   : 47.4GB
       SV Guard             : off
       LV Link Status       : link
"""
LV_BLOCK: Final = """\
    LV:LD Name              : xxxxxxxxxxx_00cc_LV00cf
       Type                 : LX
       Special File         : /dev/sdar
       LV Access            : rw
"""


def capture(name: str) -> str:
    """The text of one captured screen."""
    return (CAPTURES / f"{name}.txt").read_bytes().decode()


def changed(text: str, *replacements: tuple[str, str]) -> str:
    """`text` with each first string, which must be in it once, replaced by the second."""
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the screen"
        text = text.replace(old, new)
    return text


def detail(*replacements: tuple[str, str]) -> str:
    """A `-detail` screen of one linked SV, changed."""
    return changed(BV_BLOCK + SV_BLOCK + LV_BLOCK, *replacements)


def cuts(text: str) -> Iterator[tuple[int, str]]:
    """Every proper prefix of `text`, with its length."""
    return ((end, text[:end]) for end in range(len(text)))


def ended(
    stdout: str = "", stderr: str = "", code: int | None = 0, ending: Ending = Ending.EXITED, *, truncated: bool = False
) -> Output:
    """The output of a query that took 1.5 seconds."""
    return Output(("iSMsc_query", "-sv", "SV1"), ending, code, stdout, stderr, 100.0, 101.5, 4711, truncated)
