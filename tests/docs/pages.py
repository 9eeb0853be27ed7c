"""The papers as markdown-it reads them: blocks of code, headings, links."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from markdown_it import MarkdownIt

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAPERS: Final = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
"""Every page of the repository."""
_READER: Final = MarkdownIt("commonmark").enable("table")


class Block(NamedTuple):
    """A block of code."""

    page: str
    line: int
    text: str

    @property
    def first(self) -> str:
        """Its first line: by that it is known."""
        return self.text.strip().partition("\n")[0]

    @property
    def lines(self) -> list[str]:
        """Its lines with continued ones joined; no empty ones and no comments."""
        joined = re.sub(r"\\\n\s*", " ", self.text).splitlines()
        return [line.strip() for line in joined if line.strip() and not line.strip().startswith("#")]


def name(path: Path) -> str:
    """How a page is named in this repository."""
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path) -> list[Block]:
    """The blocks of a page, fenced or indented."""
    return [
        Block(name(path), (token.map or [0])[0] + 1, token.content)
        for token in _READER.parse(path.read_text(encoding="utf-8"))
        if token.type in ("code_block", "fence")
    ]


def is_session(block: Block) -> bool:
    """Whether a block shows lines behind a prompt, and what they print."""
    return block.text.startswith("$ ")


def anchors(path: Path) -> set[str]:
    """What a link to a heading of a page can name, as forges make it of the heading's text."""
    found: dict[str, int] = {}
    tokens = _READER.parse(path.read_text(encoding="utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(one.content for one in inline.children or [] if one.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
    return {slug if number == 0 else f"{slug}-{number}" for slug, last in found.items() for number in range(last + 1)}


def links(path: Path) -> Iterator[tuple[Path, str]]:
    """File and anchor of each link of a page that stays in the repository."""
    for token in _READER.parse(path.read_text(encoding="utf-8")):
        for one in token.children or []:
            target = str(one.attrs.get("href" if one.type == "link_open" else "src", ""))
            if target and not re.match(r"[a-z]+:", target):
                file, _, anchor = target.partition("#")
                yield (path.parent / file).resolve() if file else path, anchor
