"""The plugin as a process, before a simulated array."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nagios.builders import PLUGIN, ask
from tests.nagios.conftest import Simulate
from tests.nagios.processes import command_dir, config


@pytest.mark.proves("N01", "N04", "N05")
def test_the_refreshed_copies_of_the_manual_are_ok(simulate: Simulate) -> None:
    """Two linked LVs with recent images: OK, one line, an age in the perfdata."""
    said = ask(*config(simulate("seed")))
    assert (said.code, len(said.more)) == (0, 0)
    assert len(said.status) < 80
    assert [one.label for one in said.perfdata] == ["iiststnec02/sync#1"]


@pytest.mark.proves("N01", "N05")
def test_an_image_that_is_too_old_is_a_warning(simulate: Simulate) -> None:
    """Three days old with a limit of 1500 minutes, which is the warning threshold of the perfdata."""
    directory = simulate("stale")
    said = ask(*config(directory))
    assert said.code == 1
    assert "erp-preprod/sync#1 too-old" in said.status
    assert 259_200 <= int(said.perfdata[0].value) < 260_000
    assert said.perfdata[0].warn == "90000"
    assert ask(*config(directory), "-c", "2d").code == 2
    assert ask(*config(directory), "--critical-on", "too-old").code == 2


@pytest.mark.proves("N03")
def test_every_oddity_is_reported_and_none_hides_another(simulate: Simulate) -> None:
    """Warnings outrank what could not be read; both are named; -s looks at one of them."""
    directory = simulate("odd")
    said = ask(*config(directory))
    assert said.code == 1
    assert said.size < 4096
    assert "unknown" in said.status
    assert ask(*config(directory), "-s", "odd-nolabel").code == 3
    assert ask(*config(directory), "-s", "odd-detached/sync#1", "--critical-on", "detached").code == 2
    both = ask(*config(directory), "-s", "odd-nolabel,odd-detached", "--critical-on", "detached")
    assert both.code == 2
    assert "odd-detached/sync#1 detached" in both.status
    assert "odd-nolabel/sync#1 unreadable" in both.status
    assert ask(*config(directory), "-s", "odd-solaris").code == 0


@pytest.mark.proves("N09")
@pytest.mark.parametrize("scenario", ["seed", "stale", "odd", "eight"])
def test_more_words_leave_the_exit_status(simulate: Simulate, scenario: str) -> None:
    """-v, -vv and -vvv add lines and change nothing else; perfdata follows the grammar at every level."""
    directory = simulate(scenario)
    said = [ask(*config(directory), *level) for level in ([], ["-v"], ["-vv"], ["-vvv"])]
    assert len({one.code for one in said}) == 1
    assert len({tuple(perf.label for perf in one.perfdata) for one in said}) == 1
    assert [len(one.more) for one in said] == sorted(len(one.more) for one in said)
    assert any("commands run by this check" in line for line in said[3].more)


@pytest.mark.proves("N01", "N02")
@pytest.mark.parametrize("option", ["--help", "-h", "--version", "-V", "--bogus", "-w", "stray"])
def test_help_version_and_mistakes_are_unknown(option: str) -> None:
    """Exit status 3, something on standard output, nothing on standard error."""
    done = subprocess.run([sys.executable, str(PLUGIN), option], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.strip()
    assert len(done.stdout.split("\n\n")[0].splitlines()) <= 23


@pytest.mark.proves("N01")
def test_missing_commands_and_missing_rights_are_unknown(simulate: Simulate, tmp_path: Path) -> None:
    """No iSM commands, or none that may be run: nobody knows, and the text says which command."""
    directory = simulate("seed")
    missing = ask(*config(directory), "--ism-path", str(tmp_path / "nowhere"))
    assert missing.code == 3
    assert "program not found" in missing.status
    place = command_dir(tmp_path / "forbidden", "exit 0")
    for path in Path(place).iterdir():
        path.chmod(0o644)
    assert ask(*config(directory), "--ism-path", place).code == 3


def test_a_bad_configuration_is_unknown_with_its_place(simulate: Simulate) -> None:
    """The first problem with file and line on the status line, all of them with -v."""
    directory = simulate("seed")
    service = next((directory / "config" / "services").iterdir())
    service.write_text("[sync#1]\ntype = necismsnap\ndevs = |`$(id)\nbogus = 1\n")
    said = ask(*config(directory))
    assert said.code == 3
    assert f"{service.name}:" in said.status
    assert len(ask(*config(directory), "-v").more) >= 2
    assert ask("--config", str(directory / "nothing")).code == 3
    assert ask(*config(directory), "-s", "nobody").code == 3


def test_a_wrong_selector_names_the_nearest(simulate: Simulate) -> None:
    """A service nobody configured is a mistake, not an empty and healthy set."""
    said = ask(*config(simulate("seed")), "-s", "iiststnec01")
    assert said.code == 3
    assert "did you mean iiststnec02?" in said.status


@pytest.mark.proves("N06")
@pytest.mark.parametrize(
    "body",
    [
        "printf 'x|y=1 $HOSTNAME$ `id`\\n\\033[31m\\201\\202 \\\\n' >&2; exit 1",
        "printf '|a=1;;\\n\\000\\377 $(id) `id`\\n'",
        "kill -9 $$",
        "exit 0",
        "yes '| bad=1' | head -c 3000000",
    ],
)
def test_what_commands_print_cannot_break_the_output(simulate: Simulate, tmp_path: Path, body: str) -> None:
    """Pipes, macros, escapes, foreign bytes and floods from the array end in one clean UNKNOWN."""
    place, directory = command_dir(tmp_path / "bin", body), simulate("seed")
    for level in ("", "-v", "-vv", "-vvv"):
        said = ask(*config(directory), "--ism-path", place, *([level] if level else []))
        assert said.code == 3
        assert said.perfdata[0].value == "U"


def test_nothing_to_check_is_unknown(simulate: Simulate) -> None:
    """All resources hidden by their tag: nobody is told that all is well."""
    directory = simulate("seed")
    service = next((directory / "config" / "services").iterdir())
    text = service.read_text().replace("type = necismsnap", "type = necismsnap\ntags = nostatus")
    service.write_text(text)
    said = ask(*config(directory))
    assert said.code == 3
    assert "there is nothing to check" in said.status


@pytest.mark.proves("N09")
def test_a_thousand_resources_stay_below_four_kilobytes(tmp_path: Path) -> None:
    """The worst are named, the rest is counted; -v gives every value to the graphs."""
    services = tmp_path / "config" / "services"
    services.mkdir(parents=True)
    (tmp_path / "config" / "necism.conf").write_text(
        f"[necism]\nsource = file\nstate_dir = {tmp_path}/state\nrun_dir = {tmp_path}/run\n"
    )
    for number in range(1000):
        text = f"[sync#1]\ntype = necismsnap\ndevs = SV_{number}:LV_{number}\n"
        (services / f"service{number:04}.conf").write_text(text)
    said = ask(*config(tmp_path))
    assert said.code == 3
    assert said.size < 4096
    assert "1000 unknown" in said.status
    assert "and 994 more resources" in said.status
    assert len(ask(*config(tmp_path), "-v").perfdata) == 1000


@pytest.mark.proves("N12")
def test_a_check_loads_nothing_slow_that_it_does_not_need(simulate: Simulate) -> None:
    """A healthy check with the default options imports no web, terminal, database or schema library."""
    argv = [sys.executable, "-X", "importtime", str(PLUGIN), *config(simulate("seed"))]
    # Where coverage is measured, it would load what it needs itself.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    slow = {
        "prometheus_client",
        "rich",
        "jinja2",
        "jsonschema",
        "sqlite3",
        "asyncio",
        "starlette",
        "yaml",
        "ssl",
        "difflib",
        "dataclasses",
        "inspect",
        "email",
        "http",
        "unittest",
        "multiprocessing",
    }
    assert "nagiosplugin" in loaded
    assert loaded & slow == set()


@pytest.mark.proves("K08")
def test_a_check_loads_nothing_that_can_change_the_array(simulate: Simulate) -> None:
    """What is needed for an action, a lock, hooks, the journal's writer, is not even loaded."""
    argv = [sys.executable, "-X", "importtime", str(PLUGIN), *config(simulate("seed"))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    action = (
        "app.resync",
        "app.desk",
        "app.hooks",
        "app.recovery",
        "adapters.exclusive",
        "adapters.lock",
        "journal_writer",
    )
    assert "necism_monitor.app.collect" in loaded
    assert [name for name in loaded if name.startswith("necism_monitor") and any(one in name for one in action)] == []


@pytest.mark.proves("N12")
def test_no_annotation_is_compiled_as_text_when_a_check_loads() -> None:
    """A module with NamedTuples and `from __future__ import annotations` costs three times what it would without."""
    code = (
        "import sys, necism_monitor.cli.check, necism_monitor.adapters.journal; "
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.startswith('necism_monitor') and m.__file__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    files = [Path(line) for line in done.stdout.splitlines()]
    assert len(files) > 50
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    late = "from __future__ import annotations"
    assert [file for file, text in texts.items() if "(NamedTuple" in text and late in text] == []
