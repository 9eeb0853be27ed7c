"""Pure rings do no input or output and read no clock."""

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.house import ROOT, Module, called_name, find_imports, plant, read_modules

PURE: Final = frozenset({"domain", "ism", "host", "render"})
MODULES: Final = frozenset(
    {
        *("os", "subprocess", "socket", "time", "logging", "pathlib", "io", "select", "random", "threading"),
        *(
            "asyncio",
            "concurrent",
            "ctypes",
            "fcntl",
            "glob",
            "http",
            "multiprocessing",
            "secrets",
            "selectors",
            "shutil",
        ),
        *("signal", "sqlite3", "ssl", "sys", "tempfile", "urllib", "warnings"),
    }
)
CALLS: Final = frozenset({"open", "print", "input", "eval", "exec", "__import__", "import_module"})
METHODS: Final = frozenset(
    {"now", "today", "utcnow", "open", "read_text", "write_text", "read_bytes", "write_bytes"},
)


def find_impurities(root: Path) -> list[str]:
    """Every import and call in a pure ring that reaches outside."""
    pure = [module for module in read_modules(root) if module.room in PURE]
    return [line for module in pure for line in [*list_imports(module), *list_calls(module)]]


def list_imports(module: Module) -> list[str]:
    """Imports of modules that reach outside."""
    return [f"{module.name}:{line} imports {target}" for target, line in find_imports(module) if is_outside(target)]


def is_outside(target: str) -> bool:
    """Is it of a module that does input or output?  `urllib.parse` only cuts text."""
    return target.partition(".")[0] in MODULES and not target.startswith("urllib.parse")


def list_calls(module: Module) -> list[str]:
    """Calls that open, print or read a clock."""
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return [f"{module.name}:{call.lineno} calls {ast.unparse(call.func)}()" for call in calls if is_effect(call)]


def is_effect(call: ast.Call) -> bool:
    """A built-in by its name, a method by what it is called on anything."""
    return called_name(call) in (CALLS if isinstance(call.func, ast.Name) else METHODS)


def test_pure_rings_reach_nothing_outside() -> None:
    """Domain, ism, host and render take values and return values."""
    assert find_impurities(ROOT) == []


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "import os.path",
        "from time import monotonic",
        "def f():\n    import subprocess",
        "x = open('f')",
        "print('x')",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.date.today()",
        "def f(path):\n    return path.read_text()",
    ],
)
def test_an_impurity_is_caught(tmp_path: Path, text: str) -> None:
    """Each way to reach outside is found in a pure ring, and the same line is nobody's business in app."""
    assert len(find_impurities(plant(tmp_path / "pure", {"host/a.py": text}))) == 1
    assert find_impurities(plant(tmp_path / "other", {"app/a.py": text})) == []
