"""Pages that show what is typed and what that prints: it is typed, line by line, and prints what they say."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.docs.pages import PAPERS, ROOT, blocks, is_session, name

PAGES: Final = [path for path in PAPERS if any(is_session(block) for block in blocks(path))]
MARK: Final = "\x01"
PORT: Final = "19942"
GENEROUS: Final = 240
ANY_LINES: Final = r"(?:[^\n]*\n)*?"
ANY_TEXT: Final = r"[^\n]*?"


class Typed(NamedTuple):
    """A line that is typed, and what the page says it prints."""

    line: str
    shown: tuple[str, ...]


def typed(path: Path) -> Iterator[Typed]:
    """Every command of the sessions of a page, in order."""
    for block in filter(is_session, blocks(path)):
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, *shown = part.rstrip().splitlines()
            yield Typed(line, tuple(shown))


def pattern(shown: tuple[str, ...]) -> re.Pattern[str]:
    """What is shown, where `...` alone is any lines, and `...` within a line any text."""
    return re.compile("".join(ANY_LINES if row == "..." else _row(squeeze(row)) for row in shown))


def _row(row: str) -> str:
    return re.escape(row).replace(re.escape("..."), ANY_TEXT) + "\n"


def squeeze(line: str) -> str:
    """Widths of columns follow the values in them."""
    return re.sub(r" +", " ", line).rstrip()


def differs(one: Typed, printed: str) -> str:
    """What is wrong with what a line printed; of a line without any output on the page it may print nothing."""
    text = "".join(f"{squeeze(line)}\n" for line in printed.splitlines())
    if pattern(one.shown).fullmatch(text):
        return ""
    return f"$ {one.line}\nprints:\n{text}\ninstead of:\n" + "\n".join(one.shown)


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def type_all(lines: list[str], folder: Path) -> list[str]:
    """What each line prints, typed one after the other into one shell."""
    script = folder.parent / "typed.sh"
    script.write_text("".join(f"{line}\nprintf '{MARK}'\n" for line in lines))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("NECISM_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    shell = subprocess.Popen(
        ["bash", str(script)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = shell.communicate(timeout=GENEROUS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
    return printed.split(MARK)[:-1]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_what_is_typed_prints_what_the_page_says(
    path: Path, tmp_path: Path, require_server: Callable[[str], Path]
) -> None:
    """Each line in its order; of the tutorial from `simulator create` over kill -9 and resume to the exporter."""
    for program in ("bash", "curl"):
        require_server(program)
    commands = list(typed(path))
    port = str(free_port())
    printed = type_all([one.line.replace(PORT, port) for one in commands], tmp_path)
    assert len(printed) == len(commands)
    wrong = [found for one, text in zip(commands, printed, strict=True) if (found := differs(one, text))]
    assert not wrong, "\n\n".join(wrong)


def test_the_tutorial_is_one_of_them() -> None:
    """With its sessions, which nobody reformatted into something that is not typed."""
    assert {"docs/tutorial.md", "docs/howto/opensvc.md"} <= {name(path) for path in PAGES}
    assert len(list(typed(ROOT / "docs/tutorial.md"))) > 20


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (("up", "exit 0"), "up\nexit 1\n"),
        (("a ... c",), "a b\n"),
        (("a", "...", "c"), "a\nb\n"),
        ((), "noise\n"),
        (("a",), "a\nb\n"),
    ],
)
def test_what_is_not_as_shown_is_seen(shown: tuple[str, ...], printed: str) -> None:
    """Another value, a missing line and a line too many."""
    assert differs(Typed("x", shown), printed)


def test_what_was_left_out_may_be_anything() -> None:
    """Within a line and over lines, none of them included."""
    assert differs(Typed("x", ("a ... c", "...", "d")), "a  b  c\nd\n") == ""
    assert differs(Typed("x", ("a ... c", "...", "d")), "a b c\n\nwhatever\nd\n") == ""
