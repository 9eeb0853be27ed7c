"""Exactly one module starts processes."""

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.house import ROOT, Module, find_imports, plant, read_modules

SEAM: Final = "adapters.process"
APART: Final = "simulator"
MODULES: Final = frozenset({"subprocess", "pty", "multiprocessing", "popen2", "_posixsubprocess"})
STARTERS: Final = (
    "fork", "exec", "spawn", "posix_spawn", "system", "popen",
    "create_subprocess", "subprocess_exec", "subprocess_shell", "ProcessPoolExecutor",
)  # fmt: skip
HOLDERS: Final = frozenset({"os", "asyncio", "loop", "concurrent", "futures", "posix"})


def find_starters(root: Path) -> list[str]:
    """Every place but the seam that could start a process."""
    others = [module for module in read_modules(root) if module.name != SEAM and module.room != APART]
    return [line for module in others for line in [*list_imports(module), *list_attributes(module)]]


def list_imports(module: Module) -> list[str]:
    """Imports of a module that starts processes, or of a name such as `os.execv`."""
    return [
        f"{module.name}:{line} imports {target}"
        for target, line in find_imports(module)
        if target.split(".")[0] in MODULES or starts(target)
    ]


def list_attributes(module: Module) -> list[str]:
    """Mentions such as `os.fork`, called or not."""
    mentions = [node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]
    return [
        f"{module.name}:{node.lineno} mentions {ast.unparse(node)}" for node in mentions if starts(ast.unparse(node))
    ]


def starts(dotted: str) -> bool:
    """Is it a starter of one of the modules that have some?"""
    *holders, name = dotted.split(".")
    return bool(HOLDERS & set(holders)) and name.startswith(STARTERS)


def test_only_the_seam_starts_processes() -> None:
    """Deadlines, capped output, environment and sessions are decided in one place; nothing goes around it."""
    assert find_starters(ROOT) == []


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess",
        "from subprocess import TimeoutExpired",
        "import multiprocessing.pool",
        "import os\nos.fork()",
        "import os\nrun = os.execvpe",
        "import os\nos.spawnlp(0, 'x')",
        "from os import system",
        "import os\nos.posix_spawn('x', [], {})",
        "import asyncio\nasyncio.create_subprocess_exec('x')",
        "from concurrent.futures import ProcessPoolExecutor",
    ],
)
def test_a_second_starter_is_caught(tmp_path: Path, text: str) -> None:
    """Each way to start a process is found anywhere but in the seam itself and in the simulator."""
    files = {"adapters/systemd.py": text, "adapters/process.py": text, "simulator/world.py": text}
    assert [line.split(":")[0] for line in find_starters(plant(tmp_path, files))] == ["adapters.systemd"]
