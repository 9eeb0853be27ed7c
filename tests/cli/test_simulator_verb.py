"""`necism simulator`."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.cli.conftest import Necism


def test_what_is_made_can_be_asked_at_once(necism: Necism, tmp_path: Path) -> None:
    """The first of the commands that it prints works as it stands."""
    place = tmp_path / "array"
    done = necism("simulator", "create", place, "--scenario", "seed")
    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("  necism ") and line.endswith(" status"))
    assert necism(*shlex.split(line)[1:]).returncode == 0
    assert f"commands in {place / 'bin'}" in done.stdout


def test_scenarios_are_listed(necism: Necism) -> None:
    """Each with its description."""
    done = necism("simulator", "list")
    assert done.returncode == 0
    assert {"seed", "eight", "odd", "stale"} <= {line.split()[0] for line in done.stdout.splitlines()}


def test_what_cannot_be_made_is_wrong_usage(necism: Necism, tmp_path: Path) -> None:
    """An unknown scenario, a latency that is none, a place that is taken: 64, and nothing is changed."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("x")
    for words in (
        (tmp_path / "a", "--scenario", "sed"), (tmp_path / "a", "--latency", "slow"), (tmp_path / "taken",),
        (tmp_path / "a", "--scenario", tmp_path / "none.json"),
    ):  # fmt: skip
        done = necism("simulator", "create", *words)
        assert (done.returncode, done.stdout) == (64, "")
        assert done.stderr.startswith("necism: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]
    assert necism("simulator", "create", "/proc/nowhere/x").returncode == 3


def test_an_array_is_replaced_only_by_force(necism: Necism, tmp_path: Path) -> None:
    """A second create refuses, with --force it begins anew."""
    assert necism("simulator", "create", tmp_path / "a").returncode == 0
    refused = necism("simulator", "create", tmp_path / "a", "--scenario", "eight")
    assert refused.returncode == 64
    assert "force" in refused.stderr
    assert necism("simulator", "create", tmp_path / "a", "--scenario", "eight", "--force").returncode == 0


def test_each_error_has_the_hint_that_fits(necism: Necism, tmp_path: Path) -> None:
    """Scenarios are listed by a command, latencies have three forms, a place is another one or forced."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("x")
    for words, hint in (
        ((tmp_path / "a", "--scenario", "sed"), "simulator list"),
        ((tmp_path / "a", "--latency", "slow"), "--latency 0.1"),
        ((tmp_path / "taken",), "empty directory"),
    ):
        assert hint in necism("simulator", "create", *words).stderr.splitlines()[-1]
