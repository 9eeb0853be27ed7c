"""Functions and files stay small, and every test says what it claims."""

import ast
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.architecture.house import ROOT, Function, find_functions, plant, read_modules, read_tree

LONGEST_FUNCTION: Final = 60
LONGEST_FILE: Final = 400
MEDIAN_FUNCTION: Final = 8


def measure(function: Function) -> int:
    """Lines of a function without decorators and docstring."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    return total - docstring_lines(function)


def docstring_lines(function: Function) -> int:
    """How many lines its docstring takes."""
    if ast.get_docstring(function) is None:
        return 0
    first = function.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def is_declaration(function: Function) -> bool:
    """Does it only declare, as a Protocol's methods do?  Such would make the median look better than it is."""
    rest = function.body[1:] if docstring_lines(function) else function.body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in rest)


def measure_all(root: Path) -> dict[str, int]:
    """Every function that does something, with its length."""
    return {
        f"{module.name}.{function.name}:{function.lineno}": measure(function)
        for module in read_modules(root)
        for function in find_functions(module)
        if not is_declaration(function)
    }


def find_tests(root: Path) -> dict[str, Function]:
    """Every test function below `root`."""
    return {
        f"{path.relative_to(root)}:{node.lineno} {node.name}": node
        for path in sorted(root.rglob("test_*.py"))
        for node in ast.walk(read_tree(path))
        if isinstance(node, Function) and node.name.startswith("test_")
    }


def find_silent(root: Path) -> list[str]:
    """Tests without a claim."""
    return [name for name, node in find_tests(root).items() if not ast.get_docstring(node)]


def test_functions_and_files_keep_their_budget(record_property: Callable[[str, object], None]) -> None:
    """No function has more than 60 lines, no file more than 400, and half of all functions have at most 8."""
    lengths = measure_all(ROOT)
    files = {module.name: len(module.path.read_text(encoding="utf-8").splitlines()) for module in read_modules()}
    median = statistics.median(lengths.values())
    longest, largest = max(lengths, key=lengths.__getitem__), max(files, key=files.__getitem__)
    record_property(
        "figure",
        f"{len(lengths)} functions: median {median:g} lines, longest {lengths[longest]} ({longest}); "
        f"{len(files)} files: largest {files[largest]} ({largest})",
    )
    assert {name: size for name, size in lengths.items() if size > LONGEST_FUNCTION} == {}
    assert {name: size for name, size in files.items() if size > LONGEST_FILE} == {}
    assert median <= MEDIAN_FUNCTION


def test_a_function_is_measured_without_decorator_and_docstring(tmp_path: Path) -> None:
    """What counts is the code between the signature and the end."""
    working = '@x\n@y\ndef f(\n    a,\n):\n    """One.\n\n    Two.\n    """\n    a += 1\n    return a\n'
    text = working + '\n\ndef g():\n    """Declared."""\n    ...\n'
    assert list(measure_all(plant(tmp_path, {"domain/a.py": text})).values()) == [5]


def test_every_test_says_what_it_claims() -> None:
    """A test without a docstring proves something nobody can name."""
    assert find_silent(ROOT / "tests") == []


def test_a_silent_test_is_caught(tmp_path: Path) -> None:
    """Methods and nested folders are looked at too."""
    (tmp_path / "unit").mkdir()
    text = 'class TestX:\n    def test_a(self): ...\n\ndef test_b():\n    """Claims."""\n\nasync def test_c(): ...\n'
    (tmp_path / "unit" / "test_x.py").write_text(text, encoding="utf-8")
    assert [name.split()[-1] for name in find_silent(tmp_path)] == ["test_c", "test_a"]
