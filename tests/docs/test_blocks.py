"""Every block of every page is typed, parsed or loaded, or stands in a list with the reason why not."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.domain.errors import UsageError
from tests.docs.pages import PAPERS, Block, blocks, is_session, name
from tests.docs.samples import KINDS, Kind, load_ini, load_shell, parse_mention, simple_commands

MADE: Final = {"docs/cli.md": "made from the parser; tests/tools and tests/cli hold its lines and run its examples"}
LISTED: Final[Mapping[tuple[str, str], str]] = {
    ("ARCHITECTURE.md", "cli                                4   argument parsing and wiring"): "a drawing",
    ("README.md", "service files       iSM commands on this host, or simulated ones"): "a drawing",
    ("docs/requests.md", "monitor -> necism event,"): "a drawing",
    ("docs/webhook.md", "Prometheus -> Alertmanager -> necism webhook"): "a drawing",
    ("docs/webhook.md", "10.5 s  the images of"): "what `make loop` printed, with its times",
    ("docs/benchmarks.md", "case "): "figures",
    ("docs/benchmarks.md", "pairs/BVs pass"): "figures",
    ("docs/benchmarks.md", "scrapes "): "figures",
    ("docs/nagios.md", "check_necism [-s SEL]"): "a synopsis; docs/cli.md has it from the parser",
    ("docs/nagios.md", "NECISM WARNING - "): "a shortened line of output; tests/nagios compares whole ones",
    ("docs/nagios.md", 'object Host "backup01"'): "icinga2 reads these variables in tests/packaging/test_monitor_files",
    ("docs/remote.md", "restrict ssh-ed25519 AAAA..."): "a line of authorized_keys without its key",
}
"""Page and how the block begins: why nothing reads it."""
INLINE: Final = re.compile(r"`((?:necism|check_necism)\s[a-z-][^`]*)`")
PATTERN: Final = re.compile(r"[\[|]|\.\.")
"""What a sentence says of several commands at once."""
EVERY: Final = [block for path in PAPERS if name(path) not in MADE for block in blocks(path) if not is_session(block)]


def reason(block: Block) -> str | None:
    """Why nothing reads a block."""
    return next(
        (why for (page, begin), why in LISTED.items() if block.page == page and block.first.startswith(begin)), None
    )


def kind(block: Block) -> Kind | None:
    """What a block is."""
    return next((one for one in KINDS if one.fits(block)), None)


@pytest.mark.parametrize(
    "block", [one for one in EVERY if reason(one) is None], ids=lambda one: f"{one.page}:{one.line}"
)
def test_a_block_is_accepted_by_what_it_is_for(block: Block, tmp_path: Path) -> None:
    """Its own program, or the parser of the command line, takes it; a block of no known kind is nobody's."""
    found = kind(block)
    assert found is not None, f"{block.page}:{block.line} is of no known kind: {block.first}"
    found.load(block, tmp_path)


def test_the_list_of_what_is_not_read_is_true() -> None:
    """Each entry still stands on its page, and is of no kind that something could read."""
    found = {
        entry: [one for one in EVERY if one.page == entry[0] and one.first.startswith(entry[1])] for entry in LISTED
    }
    assert [entry for entry, some in found.items() if len(some) != 1] == []
    assert [one.first for some in found.values() for one in some if kind(one) is not None] == []


def test_every_kind_is_met() -> None:
    """No reader of samples is there for nothing."""
    assert {one.name for one in KINDS} == {found.name for block in EVERY if (found := kind(block))}


@pytest.mark.parametrize("path", PAPERS, ids=name)
def test_the_commands_in_sentences_exist(path: Path) -> None:
    """The parser reads each of them that is no pattern of several."""
    for found in INLINE.findall(path.read_text(encoding="utf-8")):
        if not PATTERN.search(found):
            for words in simple_commands(" ".join(found.split()).replace("DURATION", "10m"))[:1]:
                parse_mention(words)


@pytest.mark.parametrize(
    "text",
    [
        "necism status --fix\n",
        "echo x | necism repair erp\n",
        "check_necism --bogus\n",
        "necism status; necism resync\n",
    ],
)
def test_a_command_that_does_not_exist_is_caught(text: str, tmp_path: Path) -> None:
    """An option, a verb behind a pipe, an option of the plugin, a missing argument."""
    with pytest.raises(UsageError):
        load_shell(Block("x.md", 1, text), tmp_path)


def test_a_block_of_no_kind_is_caught() -> None:
    """Prose, a program that nobody knows, and a shell that is broken."""
    assert kind(Block("x.md", 1, "Something entirely\ndifferent\n")) is None
    assert kind(Block("x.md", 1, "necism status\nfrobnicate --all\n")) is None


def test_a_sample_with_a_wrong_key_is_caught(tmp_path: Path) -> None:
    """`config check` is really asked."""
    with pytest.raises(AssertionError):
        load_ini(Block("x.md", 1, "sync_max_dely = 10\n"), tmp_path)
