"""The papers for people: what they point at is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

PAPERS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], key=lambda path: path.relative_to(ROOT).as_posix()
)
FILE = re.compile(r"`((?:[a-z_]+/)?[a-z_*]+\.py)`")
ROOM = re.compile(r"`([a-z]+/)[a-z_*]+\.py`")


def links(path: Path) -> Iterator[str]:
    """What a paper links to in this repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            yield target.partition("#")[0]


def named(text: str) -> Iterator[str]:
    """The files of a row of the map; one without its room stands in that of the file before it."""
    for row in text.splitlines():
        room = ""
        for name in FILE.findall(row):
            room = found[1] if (found := ROOM.fullmatch(f"`{name}`")) else room
            yield name if "/" in name else f"{room}{name}"


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(path: Path) -> None:
    """No reader is sent to a page that nobody wrote."""
    assert [target for target in links(path) if target and not (path.parent / target).exists()] == []


def test_the_map_names_files_that_are_there() -> None:
    """A row of ARCHITECTURE.md that leads nowhere is worse than none."""
    names = set(named((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")))
    places = (ROOT / "necism_monitor", ROOT, ROOT / "tests/architecture")
    assert {"app/hooks.py", "domain/beginning.py", "adapters/journal_prune.py"} <= names
    assert [name for name in sorted(names) if not any(list(place.glob(name)) for place in places)] == []


def test_every_room_of_the_rings_is_on_the_map() -> None:
    """A newcomer finds each folder of the package by a question."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "necism_monitor").glob("*/__init__.py")}
    assert [room for room in sorted(rooms) if f"`{room}/" not in text] == []
