"""Mutation testing of the modules that decide: a changed line that no test notices fails, unless it is excused.

`python -m tests.mutation.run [GROUP ...]` copies the tree for each group, lets mutmut change the functions of its
modules there, and runs the fast tests that cover them.  Each survivor is looked up in `excused.txt`, by its function
and what was changed, so that lines may move.  Nothing in the checkout itself is changed.

mutmut changes functions only: tables of a module, such as the patterns of ism/grammar.py, are not its business.
In the copy the quickest tests run first, and hypothesis does not look for the smallest example of a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
PLACE: Final = ROOT / "build" / "mutation"
EXCUSED: Final = Path(__file__).parent / "excused.txt"
COPIED: Final = ("necism_monitor", "tests", "docs", "check_necism.py", "pyproject.toml", "setup.cfg", "README.md")
REASON: Final = "  ## "
CAUGHT: Final = frozenset({1, 3, 24, 36, 37, 152, 255, -24, -11, -9})
"""Exit codes of mutmut's workers that count as noticed: tests failed, took too long, or the type checker complained."""
PATIENCE: Final = 1500
"""Seconds for one group on two cores, at most."""


QUICK: Final = '''

import hypothesis

hypothesis.settings.register_profile(
    "mutation",
    hypothesis.settings.get_profile("ci"),
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)
hypothesis.settings.load_profile("mutation")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quickest first: mostly one of them notices the change."""
    stats = Path("mutmut-stats.json")
    if stats.exists():
        seconds = json.loads(stats.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
'''
"""What is added to the copy's conftest.py: either of the two saves most of the time."""


class Group(NamedTuple):
    """Modules, and the fast tests that cover them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """Tests that say nothing of these modules that others do not say sooner."""


SLOW: Final = (
    "tests/journal/test_system_calls.py",
    "tests/journal/test_journal.py::test_a_file_torn_at_any_byte_is_read_up_to_its_last_whole_line",
    "tests/journal/test_journal.py::test_readers_meet_only_whole_lines_while_a_writer_writes",
    "tests/journal/test_prune.py::test_whatever_was_done_a_prune_changes_no_answer",
    "tests/journal/test_prune.py::test_counters_never_go_down_while_somebody_prunes",
    "tests/journal/test_refusals.py::test_processes_that_append_at_once_lose_no_line_while_somebody_prunes",
)
"""Searches and races of the journal: of a changed line others tell at once."""
GROUPS: Final = {
    "ism": Group(
        ("ism/query.py", "ism/linkinfo.py", "ism/screen.py", "ism/messages.py"),
        ("tests/ism",),
    ),
    "judge": Group(
        ("domain/judge.py", "domain/judge_pair.py"),
        ("tests/domain", "tests/app/test_look.py"),
    ),
    "guards": Group(
        ("domain/guards.py", "domain/beginning.py", "domain/automation.py"),
        ("tests/domain",),
    ),
    "record": Group(
        ("domain/record.py",),
        ("tests/journal",),
        SLOW,
    ),
    "journal": Group(
        (
            "adapters/journal.py",
            "adapters/journal_activity.py",
            "adapters/journal_cache.py",
            "adapters/journal_damage.py",
            "adapters/journal_file.py",
            "adapters/journal_seal.py",
            "adapters/journal_shelf.py",
            "adapters/journal_writer.py",
        ),
        ("tests/journal",),
        SLOW,
    ),
    "pruned": Group(
        ("adapters/journal_prune.py", "adapters/journal_pruned.py", "adapters/journal_refusals.py"),
        ("tests/journal",),
        SLOW,
    ),
}
USUAL: Final = ("ism", "judge", "guards", "record", "pruned")
"""What runs where nobody says which; `journal` has not been examined to its end, so it is run by name."""


class Mutant(NamedTuple):
    """One change: in which function of which module, and the lines it took out and put in."""

    module: str
    function: str
    change: str

    def __str__(self) -> str:
        """What stands in `excused.txt` before the reason."""
        return f"{self.module} {self.function}: {self.change}"


class Outcome(NamedTuple):
    """What became of one group."""

    caught: int
    survived: list[Mutant]
    unexamined: int


def main() -> int:
    """Run the groups that were asked for; 1 where a survivor has no excuse, or not everything was examined."""
    parser = argparse.ArgumentParser(description="mutation testing of the modules that decide")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help=f"by default {', '.join(USUAL)}")
    parser.add_argument("--children", default=str(os.cpu_count() or 1), help="processes at once")
    args = parser.parse_args()
    excuses, failed, used = read_excuses(), False, set[str]()
    for name in args.groups or USUAL:
        outcome = examine(name, GROUPS[name], args.children)
        naked = [one for one in outcome.survived if str(one) not in excuses]
        used |= {str(one) for one in outcome.survived}
        print(
            f"{name}: {outcome.caught} mutants caught, {len(outcome.survived) - len(naked)} excused, "
            f"{len(naked)} survived without an excuse, {outcome.unexamined} not examined",
            flush=True,
        )
        for one in naked:
            print(f"  {one}")
        failed = failed or bool(naked) or outcome.unexamined > 0
    if not args.groups:
        for text in sorted(excuses.keys() - used):
            print(f"no longer needed: {text}")
    return int(failed)


def read_excuses() -> dict[str, str]:
    """Mutant -> why it may survive.  Raises ValueError for a line without a reason."""
    excuses = {}
    for line in EXCUSED.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        mutant, mark, reason = line.partition(REASON)
        if not mark or not reason.strip():
            raise ValueError(f"{EXCUSED}: {line!r} gives no reason behind {REASON!r}")
        excuses[mutant] = reason
    return excuses


def examine(name: str, group: Group, children: str) -> Outcome:
    """Copy the tree, let mutmut work on the copy, and read its results."""
    place = PLACE / name
    shutil.rmtree(place, ignore_errors=True)
    copy(place)
    configure(place, group)
    log = place.with_suffix(".log")
    # CI: the same examples of every property on every run, or what survives would be a matter of luck.
    environment = {**os.environ, "CI": "1", "PYTHONPATH": ""}
    with log.open("w", encoding="utf-8") as file:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "mutmut", "run", "--max-children", children],
            cwd=place,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            print(f"{name}: stopped after {time.monotonic() - started:.0f} s", flush=True)
    outcome = read_outcome(place)
    if outcome.caught + len(outcome.survived) == 0:
        print(log.read_text(encoding="utf-8")[-3000:])
        return outcome._replace(unexamined=1)
    return outcome


def copy(place: Path) -> None:
    """The part of the tree that tests need."""
    place.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)


def configure(place: Path, group: Group) -> None:
    """Tell mutmut what to change and which tests to run, in the copy of pyproject.toml."""
    modules = [f"necism_monitor/{module}" for module in group.modules]
    arguments = ["-p", "no:cacheprovider", "-p", "no:xdist", "-q", *(f"--deselect={one}" for one in group.left_out)]
    lines = [
        "",
        "[tool.mutmut]",
        'source_paths = ["necism_monitor"]',
        f"only_mutate = {json.dumps(modules)}",
        'also_copy = ["check_necism.py", "docs", "README.md"]',
        f"pytest_add_cli_args_test_selection = {json.dumps(group.tests)}",
        f"pytest_add_cli_args = {json.dumps(arguments)}",
        # A change that makes a loop endless is to be noticed after some times what the tests take, not after thirty.
        "timeout_multiplier = 2.0",
        "timeout_constant = 10.0",
        "",
    ]
    with (place / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines))
    with (place / "tests" / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(QUICK)


def read_outcome(place: Path) -> Outcome:
    """What mutmut wrote about every mutant of a copy."""
    caught, survived, unexamined = 0, list[Mutant](), 0
    for meta in sorted((place / "mutants").rglob("*.py.meta")):
        module = meta.relative_to(place / "mutants").as_posix().removesuffix(".meta")
        for key, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            if code is None:
                unexamined += 1
            elif code in CAUGHT:
                caught += 1
            else:
                survived.append(describe(place, module, key))
    return Outcome(caught, list(dict.fromkeys(survived)), unexamined)


def describe(place: Path, module: str, key: str) -> Mutant:
    """The identity of a mutant: nothing of it depends on line numbers."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415 - only where something survived

    before = Path.cwd()
    os.chdir(place)
    try:
        diff = get_diff_for_mutant(key, path=module).splitlines()[2:]
    finally:
        os.chdir(before)
    gone = " ".join(" ".join(line[1:].split()) for line in diff if line.startswith("-"))
    come = " ".join(" ".join(line[1:].split()) for line in diff if line.startswith("+"))
    function = key.rpartition(".")[2].rpartition("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return Mutant(module, function, f"{gone} => {come}")


if __name__ == "__main__":
    sys.exit(main())
