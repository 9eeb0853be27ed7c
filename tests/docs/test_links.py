"""Links between pages lead to a heading that is there."""

from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAPERS, anchors, links, name


@pytest.mark.parametrize("path", PAPERS, ids=name)
def test_every_anchor_is_a_heading(path: Path) -> None:
    """Of this page or of the one that the link names; the file is there."""
    found = list(links(path))
    assert [str(file) for file, _ in found if not file.exists()] == []
    assert [f"{file.name}#{anchor}" for file, anchor in found if anchor and anchor not in anchors(file)] == []


def test_an_anchor_is_what_forges_make_of_a_heading(tmp_path: Path) -> None:
    """Small letters, hyphens, no punctuation; the second of a name is numbered."""
    page = tmp_path / "page.md"
    page.write_text("# [sync#N]\n\n## Who uses the LVs?\n\n## `necism doctor --fix`\n\n## Twice\n\n## Twice\n")
    assert anchors(page) == {"syncn", "who-uses-the-lvs", "necism-doctor---fix", "twice", "twice-1"}


def test_every_page_is_found_from_the_index() -> None:
    """Whoever starts at docs/README.md reaches each page, in as many steps as it takes."""
    seen: set[Path] = set()
    waiting = [DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            waiting += [file for file, _ in links(page)]
    decisions = {path for path in PAPERS if path.parent.name == "adr"}
    assert [name(path) for path in PAPERS if path.is_relative_to(DOCS) and path not in seen | decisions] == []
