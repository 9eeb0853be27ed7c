"""What a check costs the processor, with the plugin installed as it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.check_cost import CASES, TARGET, Case, install_copy, measure, own_time, prepare

ROUNDS = 9


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an installation."""
    return install_copy(tmp_path_factory.mktemp("installed"))


@pytest.mark.proves("N12")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_check_costs_at_most_twice_what_its_library_costs(
    installed: Path, tmp_path: Path, case: Case, record_property: Callable[[str, object], None]
) -> None:
    """Its own processor time, of the best of up to six series of runs in turns, is at most twice that of the import."""
    cost = measure(installed, prepare(case, tmp_path / "case"), ROUNDS)
    record_property("figure", f"a check of {case}: {cost.ratio:.2f} times `import nagiosplugin`")
    assert cost.ratio <= TARGET


def test_what_is_measured_is_a_process_without_its_children(installed: Path) -> None:
    """A program that computes counts, and one that waits for another one that computes does not."""
    compute = "sum(range(20_000_000))"
    python = str(installed / "python")
    busy = own_time((python, "-c", compute))
    waiting = own_time((python, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{compute}'])"))
    assert busy > 2 * waiting
