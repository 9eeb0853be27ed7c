"""What real shells offer when somebody presses TAB."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from necism_monitor.cli.explain import EXITS
from necism_monitor.cli.main import HIDDEN, VERBS
from necism_monitor.domain import findings, refusals
from tests.servers import require_server
from tests.tools.conftest import Completed, Desk
from tools import completion

pytestmark = pytest.mark.proves("K09")

BOTH = ["erp-preprod", "erp-preprod/sync#1"]


def test_every_verb_is_offered(complete: Completed) -> None:
    """All that `necism --help` lists, and nothing that it does not."""
    assert sorted(complete("necism ")) == sorted(VERBS)
    assert HIDDEN


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("necism sta", ["status"]),
        ("necism config ", ["check", "show"]),
        ("necism resync --dr", ["--dry-run"]),
        ("necism resync --trigger na", ["nagios"]),
        ("necism explain too", ["too-old", "too-soon"]),
        ("necism explain sync_max_s", ["sync_max_skew"]),
        ("necism simulator create --scenario sta", ["stale"]),
        ("necism --log.level d", ["debug"]),
        ("necism simulator --log.level info create /nowhere --lat", ["--latency"]),
        ("necism --sta", ["--state-dir"]),
        ("check_necism --critical-on too-old,devi", ["too-old,device-changed"]),
        ("check_necism --timeout-state w", ["warning"]),
        ("check_necism --critical-", ["--critical-on"]),
    ],
)
def test_what_the_parser_knows_is_offered(complete: Completed, line: str, expected: list[str]) -> None:
    """Verbs, their actions, options and fixed words, each where it can stand."""
    assert sorted(complete(line)) == expected


def test_options_are_those_of_the_verb(complete: Completed) -> None:
    """With those of every command; none of another verb."""
    offered = complete("necism status --")
    assert {"--json", "--config", "--log.format", "--help"} <= set(offered)
    assert {"--dry-run", "--once", "--scenario"} & set(offered) == set()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("necism --config {config} status ", BOTH),
        ("necism --config={config} resync erp-preprod/", BOTH[1:]),
        ("necism status --config {config} e", BOTH),
        ("necism resync erp-preprod --config {config} --force e", BOTH),
        ("check_necism --config {config} -s e", BOTH),
        ("check_necism --config {config} --select x,e", [f"x,{one}" for one in BOTH]),
    ],
)
def test_selectors_come_from_the_configuration_of_the_line(
    complete: Completed, desk: Desk, line: str, expected: list[str]
) -> None:
    """Services and their resources, of the configuration that stands before or behind the verb."""
    assert sorted(complete(line.format(config=desk.config))) == expected


def test_selectors_come_from_the_configuration_of_the_environment(complete: Completed, desk: Desk) -> None:
    """Without --config that of NECISM_CONFIG."""
    assert sorted(complete("necism history ", NECISM_CONFIG=str(desk.config))) == BOTH


def test_a_tilde_in_front_of_a_configuration_is_understood(complete: Completed, desk: Desk) -> None:
    """The shell has not expanded it yet when it asks."""
    inside = desk.config.relative_to(desk.place)
    assert sorted(complete(f"necism --config ~/{inside} status ")) == BOTH


def test_a_broken_configuration_offers_nothing_and_says_nothing(complete: Completed, tmp_path: Path) -> None:
    """TAB never prints an error between the words that are being typed."""
    broken = tmp_path / "a.conf"
    broken.write_text("[sync#1]\ntype = necismsnap\n")
    assert complete(f"necism --config {broken} status er") in ([], ["er"])


def test_nothing_of_a_configuration_is_run(complete: Completed, desk: Desk) -> None:
    """What looks like a command in the path is no command for the completion."""
    trap = desk.place / "sprung"
    complete(f"necism --config '$(touch {trap})' status ")
    complete(rf"necism --config \`touch\ {trap}\` resync ")
    assert not trap.exists()


def test_files_are_offered_where_one_is_meant(complete: Completed, desk: Desk) -> None:
    """A path goes on; a word that is no path, such as a reason, is left alone."""
    folder = desk.place / "papers"
    folder.mkdir(exist_ok=True)
    (folder / "web.yml").touch()
    assert [one.rstrip("/ ") for one in complete(f"necism exporter --web.config.file {folder}/we")] == [
        f"{folder}/web.yml"
    ]
    assert complete("necism abandon erp --reason pap") in ([], ["pap"])


def test_a_scenario_may_be_a_file(complete: Completed, desk: Desk) -> None:
    """Names of scenarios and files are both what `--scenario` takes."""
    (desk.place / "own-world.json").touch()
    assert complete("necism simulator create --scenario own-w") == ["own-world.json"]


@pytest.mark.parametrize("name", completion.files())
def test_a_completion_file_is_good_shell(name: str, desk: Desk) -> None:
    """Its own shell parses it without a word."""
    shell = require_server(name.partition("/")[0])
    done = subprocess.run([shell, "-n", desk.place / name], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_plugin_and_explain_know_every_code() -> None:
    """A finding or refusal that is added is offered by the next build."""
    made = completion.files()
    for code in findings.CATALOGUE:
        assert all(
            f"{code} " in made[name] or f"{code}'" in made[name] for name in ("bash/necism", "bash/check_necism")
        )
    for code in (*refusals.CATALOGUE, *EXITS):
        assert code in made["bash/necism"]
