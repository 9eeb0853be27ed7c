"""The types say which command changes what, and only the resync engine has the one that changes the array."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.house import ROOT, Function, Module, find_functions, find_imports, plant, read_modules

COMMANDS: Final = "ism.commands"
WORDS: Final = "necism_monitor.ism.commands"
LOCKED: Final = "adapters.exclusive"
"""Fulfils the Changer port under the array's lock: the only way from the engine to the process seam."""

SNIPPET: Final = """
from necism_monitor.app.ports import Changer, Reader, Resetter
from necism_monitor.ism.commands import ChangeCommand, HostCommand, ReadCommand

ARGV = ("iSMview", "-d")


def reads(reader: Reader) -> None:
    reader.read(ReadCommand(ARGV))


def changes(changer: Changer) -> None:
    changer.change(ChangeCommand(ARGV))


def reads_a_change(reader: Reader) -> None:
    reader.read(ChangeCommand(ARGV))  # error: arg-type


def reads_a_reset_of_the_host(reader: Reader) -> None:
    reader.read(HostCommand(ARGV))  # error: arg-type


def reads_bare_words(reader: Reader) -> None:
    reader.read(ARGV)  # error: arg-type


def changes_with_a_question(changer: Changer) -> None:
    changer.change(ReadCommand(ARGV))  # error: arg-type


def changes_the_host(changer: Changer) -> None:
    changer.change(HostCommand(ARGV))  # error: arg-type


def resets(resetter: Resetter) -> None:
    resetter.reset(HostCommand(ARGV))


def resets_with_a_change(resetter: Resetter) -> None:
    resetter.reset(ChangeCommand(ARGV))  # error: arg-type


def changes_through_a_reader(reader: Reader) -> None:
    reader.change(ChangeCommand(ARGV))  # error: attr-defined


def makes_a_changer_of_a_reader(reader: Reader) -> Changer:
    return reader  # error: return-value


def rewrites(command: ReadCommand) -> None:
    command.argv = ("iSMsc_unlink",)  # error: misc
"""


def run_mypy(folder: Path, text: str) -> list[str]:
    """The errors of the type checker in `text`, as `line code`."""
    snippet, settings = folder / "snippet.py", folder / "mypy.ini"
    snippet.write_text(text, encoding="utf-8")
    settings.write_text(f"[mypy]\nstrict = True\npretty = False\nfollow_imports = silent\ncache_dir = {folder}\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), str(snippet)]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert not done.stderr
    lines = [line.split(":", 2) for line in done.stdout.splitlines() if ": error: " in line]
    return [f"{number} {rest.rpartition('[')[2].rstrip(']')}" for _, number, rest in lines]


def test_the_type_checker_stops_a_change_through_a_reader(tmp_path: Path) -> None:
    """Mypy refuses exactly the marked lines, each for its reason, and lets the three honest calls pass."""
    marked = [
        f"{number} {line.split('# error: ')[1]}"
        for number, line in enumerate(SNIPPET.splitlines(), start=1)
        if "# error: " in line
    ]
    assert run_mypy(tmp_path, SNIPPET) == marked


def find_builders(modules: list[Module]) -> dict[str, set[str]]:
    """Kind of command -> the functions of ism/commands that build it, and the kind itself."""
    kinds: dict[str, set[str]] = {kind: {kind} for kind in ("ReadCommand", "ChangeCommand", "HostCommand")}
    for module in modules:
        for function in find_functions(module) if module.name == COMMANDS else ():
            kinds.setdefault(returned(function), set()).add(function.name)
    return kinds


def returned(function: Function) -> str:
    """The annotation of what a function returns."""
    return "" if function.returns is None else ast.unparse(function.returns)


def is_engine(module: Module) -> bool:
    """The resync engine: the only place that decides to change the array."""
    return module.name.startswith("app.resync")


def may_name_change(module: Module) -> bool:
    """The engine, the port that declares what it needs, the adapters that fulfil it, and where the words are made.

    `ism.outcome` turns a step of the engine into its command; like every pure room it can send nothing.
    """
    return is_engine(module) or module.name in {COMMANDS, "ism.outcome", "app.ports"} or module.room == "adapters"


def may_name_host(module: Module) -> bool:
    """Doctor, who is asked for it by a person, and the same four as above."""
    return module.name in {COMMANDS, "app.ports", "app.doctor"} or module.room in {"adapters", "cli"}


def find_strays(root: Path) -> list[str]:
    """Every mention of a command by a module that has no business with it."""
    modules = read_modules(root)
    kinds = find_builders(modules)
    return [
        *(line for m in modules if not may_name_change(m) for line in find_words(m, kinds["ChangeCommand"])),
        *(line for m in modules if not may_name_host(m) for line in find_words(m, kinds["HostCommand"])),
        *(line for m in modules if not is_engine(m) and m.name != LOCKED for line in find_calls(m, "change")),
        *(line for m in modules if m.name not in {"app.doctor", LOCKED} for line in find_calls(m, "reset")),
        *(line for m in modules if m.name != COMMANDS for line in find_homemade(m)),
    ]


def find_words(module: Module, words: set[str]) -> Iterator[str]:
    """Imports of these words, and their use through the module they stand in."""
    targets = {f"{WORDS}.{word}" for word in words}
    for target, line in find_imports(module):
        if target in targets or target == f"{WORDS}.*":
            yield f"{module.name}:{line} imports {target}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in words and ast.unparse(node.value).endswith("commands"):
            yield f"{module.name}:{node.lineno} uses {ast.unparse(node)}"


def find_calls(module: Module, method: str) -> Iterator[str]:
    """Calls of a changer, or of a resetter."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield f"{module.name}:{node.lineno} calls {ast.unparse(node.func)}()"


def find_homemade(module: Module) -> Iterator[str]:
    """Commands made by hand, past the builders that know the captured spellings."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("ReadCommand", "ChangeCommand", "HostCommand")
        ):
            yield f"{module.name}:{node.lineno} makes {ast.unparse(node.func)}"


def test_only_the_engine_changes_the_array() -> None:
    """Unlink, create and link are built and sent by app/resync alone; the host's list is reset by doctor alone."""
    assert find_strays(ROOT) == []


def test_every_builder_says_what_its_command_does() -> None:
    """The three changes of the manual refresh are CHANGE, resetting the host's list is HOST, all else reads."""
    kinds = find_builders(read_modules())
    assert kinds["ChangeCommand"] - {"ChangeCommand"} == {"unlink", "create", "link"}
    assert len(kinds["HostCommand"] - {"HostCommand"}) == 1
    assert set(kinds) == {"ReadCommand", "ChangeCommand", "HostCommand"}


PLANTED_COMMANDS: Final = """
def unlink(lv: str) -> ChangeCommand: ...
def reset(x: str) -> HostCommand: ...
def query(x: str) -> ReadCommand: ...
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("web/exporter.py", "from necism_monitor.ism.commands import unlink"),
        ("web/exporter.py", "from necism_monitor.ism.commands import ChangeCommand"),
        ("app/collect.py", "from necism_monitor.ism import commands\nx = commands.unlink"),
        ("app/collect.py", "def f(changer, command):\n    changer.change(command)"),
        ("adapters/observer.py", "def f(changer, command):\n    changer.change(command)"),
        ("app/collect.py", "from necism_monitor.ism.commands import ReadCommand\nx = ReadCommand(('rm',))"),
        ("app/resync.py", "from necism_monitor.ism.commands import reset"),
        ("cli/doctor.py", "def f(resetter, command):\n    resetter.reset(command)"),
        ("nagios/check.py", "from necism_monitor.ism.commands import *"),
    ],
)
def test_a_stray_change_is_caught(tmp_path: Path, name: str, text: str) -> None:
    """Each way for another module to come by a change is found."""
    found = find_strays(plant(tmp_path, {"ism/commands.py": PLANTED_COMMANDS, name: text}))
    assert {line.split(":")[0] for line in found} == {name.removesuffix(".py").replace("/", ".")}


def test_the_engine_and_doctor_pass(tmp_path: Path) -> None:
    """The rule forbids no more than it says."""
    files = {
        "ism/commands.py": PLANTED_COMMANDS,
        "app/resync_steps.py": "from necism_monitor.ism.commands import unlink\ndef f(c):\n    c.change(unlink('x'))",
        "app/doctor.py": "from necism_monitor.ism.commands import reset\ndef f(r):\n    r.reset(reset('x'))",
    }
    assert find_strays(plant(tmp_path, files)) == []
