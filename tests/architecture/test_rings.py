"""Imports point to a lower ring only, and folders of one ring are strangers."""

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.house import PACKAGE, ROOT, Module, find_imports, plant, read_modules, read_tree

RINGS: Final[Mapping[str, int]] = {
    "domain": 0,
    "ism": 1,
    "host": 1,
    "render": 1,
    "app": 2,
    "adapters": 3,
    "nagios": 3,
    "web": 3,
    "cli": 4,
}
APART: Final = "simulator"
LONGEST_SHIM: Final = 40


def find_crossings(root: Path) -> list[str]:
    """Every import that the rings forbid, one line each."""
    return [
        f"{module.name}:{line} imports {target}: {broken}"
        for module in read_modules(root)
        for target, line in find_imports(module)
        if target.split(".")[0] == PACKAGE and (broken := judge_import(module, target))
    ]


def judge_import(module: Module, target: str) -> str:
    """Why `module` may not import `target` of the package; empty where it may."""
    parts = [*target.split("."), ""]
    origin, aim = module.room, parts[1]
    if origin == APART:
        return "" if aim == APART else "the simulator stands apart and imports nothing of ours"
    if aim in {"__version__", origin}:
        return ""
    if origin == "__main__":
        return "" if aim == "cli" else "__main__ starts cli and nothing else"
    if aim == APART:
        return "" if origin == "cli" else "only cli may import the simulator"
    if origin not in RINGS or aim not in RINGS:
        return "a room that no ring names"
    if RINGS[aim] == RINGS[origin]:
        return "rooms of one ring are strangers"
    return "" if RINGS[aim] < RINGS[origin] else "imports point to a lower ring"


def find_cycles(root: Path) -> list[str]:
    """The first circle of modules that import each other, if there is one."""
    modules = read_modules(root)
    known = {f"{PACKAGE}.{module.name}" for module in modules}
    graph: dict[str, set[str]] = {}
    for module in modules:
        own = f"{PACKAGE}.{module.name}"
        aims = {owner for target, _ in find_imports(module) for owner in (target, target.rpartition(".")[0])}
        graph[own] = (aims & known) - {own}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def test_imports_point_to_a_lower_ring() -> None:
    """No module imports its own ring's other rooms, a higher ring, or the simulator from anywhere but cli."""
    assert find_crossings(ROOT) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Inside a room, too, one can read from the bottom to the top."""
    assert find_cycles(ROOT) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("domain/a.py", "from necism_monitor.ism import grammar", id="upwards"),
        pytest.param("ism/a.py", "import necism_monitor.render.table", id="same ring"),
        pytest.param(
            "app/a.py", "def f():\n    from necism_monitor.adapters.process import run\n", id="inside a function"
        ),
        pytest.param("app/a.py", "from ..cli import main", id="relative"),
        pytest.param("domain/a.py", "from .. import ism", id="relative package"),
        pytest.param("web/a.py", "from necism_monitor import nagios", id="package"),
        pytest.param("app/a.py", "from necism_monitor.simulator import world", id="simulator from below cli"),
        pytest.param("simulator/a.py", "from necism_monitor.domain import names", id="simulator imports ours"),
        pytest.param("attic/a.py", "from necism_monitor.domain import names", id="unknown room"),
        pytest.param("helpers.py", "from necism_monitor.domain import names", id="no room"),
        pytest.param("__main__.py", "from necism_monitor.app import collect", id="main past cli"),
    ],
)
def test_a_forbidden_import_is_caught(tmp_path: Path, name: str, text: str) -> None:
    """Each way to break the order of the rings is found, wherever the import hides."""
    assert len(find_crossings(plant(tmp_path, {name: text}))) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("app/a.py", "from necism_monitor.domain.names import LdName", id="downwards"),
        pytest.param("ism/a.py", "from necism_monitor.ism.grammar import LINE", id="own room"),
        pytest.param("cli/a.py", "from necism_monitor.simulator import world", id="simulator from cli"),
        pytest.param("web/a.py", "from necism_monitor import __version__", id="version"),
        pytest.param("__main__.py", "from necism_monitor.cli.main import main", id="main to cli"),
    ],
)
def test_an_allowed_import_passes(tmp_path: Path, name: str, text: str) -> None:
    """The rule forbids no more than it says."""
    assert find_crossings(plant(tmp_path, {name: text})) == []


def test_a_circle_is_caught(tmp_path: Path) -> None:
    """Two modules that import each other are named."""
    files = {"app/a.py": "from necism_monitor.app import b", "app/b.py": "from necism_monitor.app.a import x"}
    assert set(find_cycles(plant(tmp_path, files))) == {"necism_monitor.app.a", "necism_monitor.app.b"}


def test_every_room_has_an_empty_package_file() -> None:
    """A folder with code is a package, and its __init__ runs nothing."""
    folders = {module.path.parent for module in read_modules()} - {ROOT / PACKAGE}
    wrong = [folder.name for folder in sorted(folders) if (folder / "__init__.py").read_bytes().strip()]
    assert wrong == []


def test_the_package_file_holds_a_docstring_and_the_version() -> None:
    """Setuptools reads the version from a literal, without running anything."""
    body = read_tree(ROOT / PACKAGE / "__init__.py").body
    match body:
        case [
            ast.Expr(value=ast.Constant(value=str())),
            ast.Assign(targets=[ast.Name(id="__version__")], value=ast.Constant(value=str())),
        ]:
            return
        case _:
            pytest.fail(f"more or less than docstring and version: {[ast.unparse(node) for node in body]}")


def test_the_check_imports_only_sys_at_its_top() -> None:
    """A broken installation reaches main(), which says UNKNOWN; and the file stays short enough to read at a glance."""
    path = ROOT / "check_necism.py"
    top = [node for node in read_tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in top if ast.unparse(node) != "from __future__ import annotations"] == [
        "import sys"
    ]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_SHIM
