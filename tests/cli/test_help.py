"""What `--help` says, of every verb there is: a verb that is added without its texts fails here."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from necism_monitor.cli import help as pages
from necism_monitor.cli.explain import codes_of
from necism_monitor.cli.guide import ENVIRONMENT, GROUPS, GUIDES
from necism_monitor.cli.main import HIDDEN, VERBS, find_verb, main, make_parser
from necism_monitor.cli.options import Parser
from necism_monitor.nagios.options import parse_options
from tests.cli.conftest import PATIENCE, ROOT, Necism, Simulated, clean_environment

EXAMPLES = [(name, one.line) for name, guide in GUIDES.items() for one in guide.examples]


def parsers(parser: Parser) -> Iterator[Parser]:
    """A parser, those of its verbs and of their actions."""
    yield parser
    for verb in parser.verbs().values():
        yield from parsers(verb)


PARSERS = {pages.path_of(one): one for one in parsers(make_parser(None))}
NAMES = sorted(PARSERS)


@pytest.fixture(autouse=True)
def _usual_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The help that the program prints."""
    assert main([*words, "--help"]) == 0
    return capsys.readouterr().out


def section(text: str, title: str) -> list[str]:
    """The lines below a title."""
    return text.partition(f"\n{title}:\n")[2].partition("\n\n")[0].splitlines()


@pytest.mark.proves("K09")
@pytest.mark.parametrize("name", NAMES)
def test_every_help_has_a_description_exit_codes_and_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of `necism`, of each verb and of each action; the exit codes are those of `necism explain`, each told once."""
    text = shown(capsys, *name.split())
    plain = " ".join(text.split())
    guide = GUIDES[name]
    paragraphs = pages.about(PARSERS[name])
    assert paragraphs
    assert [one for one in paragraphs if one not in plain] == []
    assert PARSERS[name].summary
    assert [int(line.split()[0]) for line in section(text, "exit codes") if line[4].isdigit()] == sorted(
        codes_of(name.partition(" ")[0])
    )
    assert guide.examples
    assert [one for one in guide.examples if f"\n  {one.line}\n" not in text or one.does not in plain] == []
    told = " ".join([PARSERS[name].summary, *paragraphs]).lower()
    assert re.search(r"exit (code|status)\w*:", told) is None


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_a_help_is_wider_than_a_terminal(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """80 columns hold every line, and no colour is in it."""
    text = shown(capsys, *name.split())
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "\x1b" not in text


def test_a_help_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS=50 wraps the texts; a wider terminal does not stretch them."""
    usual = shown(capsys, "resume")
    monkeypatch.setenv("COLUMNS", "50")
    narrow = [line for line in shown(capsys, "resume").splitlines() if not line.startswith("  necism")]
    assert max(map(len, narrow)) <= 50
    monkeypatch.setenv("COLUMNS", "200")
    assert shown(capsys, "resume") == usual


@pytest.mark.parametrize(("name", "line"), EXAMPLES)
def test_every_example_can_be_typed(name: str, line: str) -> None:
    """The real parser takes it, as a line of the verb or action under which it is told."""
    program, *words = shlex.split(line)
    assert program == "necism"
    args = make_parser(find_verb(words)).read(words)
    if name:
        assert name.split() == [args.verb, args.action] if " " in name else args.verb == name


def test_the_examples_of_the_check_can_be_typed() -> None:
    """check_necism is started rarely by hand: its examples stand in its own help."""
    done = subprocess.run(
        [sys.executable, "-m", "check_necism", "--help"],
        capture_output=True, text=True, check=False, env=clean_environment(), timeout=PATIENCE,
    )  # fmt: skip
    lines = re.findall(r"^  check_necism (.*)$", done.stdout, re.MULTILINE)
    assert len(lines) >= 2
    for line in lines:
        parse_options(shlex.split(line))


def test_every_guide_is_of_a_verb_that_is_there() -> None:
    """What is told of a verb that was removed, or has another name, would be told to nobody."""
    assert sorted(GUIDES) == NAMES
    assert {guide.group for name, guide in GUIDES.items() if name in VERBS} <= set(GROUPS)


def test_the_list_of_commands_is_by_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    """Each verb stands once, under the purpose its guide names; what programs use is not listed."""
    text = shown(capsys)
    listed = {name: group for group in GROUPS for line in section(text, group) if (name := line.split()[0]) in VERBS}
    assert listed == {name: GUIDES[name].group for name in VERBS}
    assert [text.count(f"\n  {name} ") for name in VERBS] == [1] * len(VERBS)
    assert [name for name in HIDDEN if f"  {name} " in text] == []


def test_a_verb_without_a_purpose_is_listed_last(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verb that another package adds is found all the same."""
    monkeypatch.setattr(pages, "GUIDES", {name: guide for name, guide in GUIDES.items() if name != "collect"})
    assert section(shown(capsys), "commands")[0].startswith("  collect ")
    assert "examples:" not in shown(capsys, "collect")


def test_a_verb_may_bring_a_paragraph_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands below those of the guide, wrapped like them."""
    monkeypatch.setattr(PARSERS["status"], "description", "Read in a\nhurry.")
    assert pages.about(PARSERS["status"])[-1] == "Read in a hurry."
    assert "\n\nRead in a hurry.\n\narguments:" in pages.page(PARSERS["status"])


def test_no_abbreviation_is_understood_anywhere() -> None:
    """An option that a later release adds must not change what a script means."""
    assert [name for name, parser in PARSERS.items() if parser.allow_abbrev] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name])
def test_every_verb_has_the_options_of_every_command(name: str) -> None:
    """They are the same behind each verb and action, and in front of it."""
    names = [[option for action in PARSERS[one].shared for option in action.option_strings] for one in ("", name)]
    assert names[0] == names[1]
    assert len(names[0]) == 7


def test_what_the_environment_does_is_told_of_variables_that_are_read() -> None:
    """Each variable of the manual stands in the source, and each NECISM_ variable that is read is in the manual."""
    text = "\n".join(path.read_text() for path in (ROOT / "necism_monitor").rglob("*.py") if path.name != "guide.py")
    read = set(re.findall(r'environ(?:\.get\(|\[)f?"([A-Z_]+)"', text)) | {
        f"NECISM_{word}" for word in ("ISM_PATH", "STATE_DIR", "RUN_DIR", "LOG_LEVEL", "LOG_FORMAT")
    }
    told = {one.name for one in ENVIRONMENT}
    assert {name for name in read if name.startswith("NECISM_")} <= told
    assert told <= read


def test_a_volume_is_no_selector_but_says_which_one_it_is_of(necism: Necism, simulated: Simulated) -> None:
    """Who names an LV is told the resource that holds it."""
    config = simulated("stale") / "config"
    done = necism("status", "ERP_PRD_DATA_LV0061", "--config", config)
    assert done.returncode == 64
    assert "belongs to 'erp-preprod/sync#1'" in done.stderr


@pytest.mark.parametrize(
    ("text", "near"),
    [("erp-preprd", "erp-preprod"), ("erp-preprod/sync1", "erp-preprod/sync#1"), ("zzz", "erp-preprod")],
)
def test_a_selector_that_was_mistyped_is_guessed(necism: Necism, simulated: Simulated, text: str, near: str) -> None:
    """The nearest name, or where none is near the services there are."""
    done = necism("status", text, "--config", simulated("stale") / "config")
    assert done.returncode == 64
    assert near in done.stderr.splitlines()[1]


def typed(*words: str, **environ: str) -> str:
    """What a terminal is sent by `necism WORDS`."""
    master, slave = pty.openpty()
    environment = clean_environment(**{"TERM": "xterm", **environ})
    environment = {name: value for name, value in environment.items() if value}
    command = [sys.executable, "-m", "necism_monitor", *words]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as child:
        os.close(slave)
        seen = b""
        while chunk := _read(master):
            seen += chunk
        child.wait(PATIENCE)
    os.close(master)
    return seen.decode()


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:
        return b""


COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
MOVING = re.compile(r"\x1b\[(?:\?25l|2K|1A)")


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False)],
)
def test_a_table_on_a_terminal_is_coloured_unless_somebody_objects(
    environ: dict[str, str], coloured: bool, simulated: Simulated
) -> None:
    """NO_COLOR and TERM=dumb are heard, and NO_COLOR outranks FORCE_COLOR."""
    text = typed("status", "--config", str(simulated("stale") / "config"), **environ)
    assert "too-old" in text
    assert bool(COLOUR.search(text)) is coloured


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_a_table_in_a_pipe_is_plain_unless_somebody_insists(
    environ: dict[str, str], coloured: bool, necism: Necism, simulated: Simulated
) -> None:
    """FORCE_COLOR colours what a pager shows, also under TERM=dumb as in most jobs; --json stays as it is."""
    config = simulated("stale") / "config"
    assert bool(COLOUR.search(necism("status", "--config", config, **environ).stdout)) is coloured
    assert "\x1b" not in necism("status", "--json", "--config", config, **environ).stdout


@pytest.mark.parametrize(("term", "moves"), [("xterm", True), ("dumb", False)])
def test_progress_moves_only_where_the_cursor_can(term: str, moves: bool, simulated: Simulated) -> None:
    """Under TERM=dumb a resync leaves its log and its result, and not one escape sequence."""
    text = typed("resync", "erp-preprod", "--config", str(simulated("stale") / "config"), TERM=term)
    assert "erp-preprod/sync#1: " in text
    assert bool(MOVING.search(text)) is moves
    assert moves or "\x1b" not in text


@pytest.mark.parametrize("environ", [{}, {"FORCE_COLOR": "1"}])
def test_a_help_is_plain_on_a_terminal(environ: dict[str, str]) -> None:
    """Some Pythons colour a help by themselves, by rules of their own."""
    assert "\x1b" not in typed("status", "--help", **environ)
