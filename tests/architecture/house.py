"""Reads the source of the product as a tree, for the rules of the house; nothing of it is imported."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "necism_monitor"

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One source file of the package."""

    name: str
    """Dotted, below the package: `domain.states`; `domain.__init__` for a package file."""
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        """The folder of the package it lives in; the file's own name where it lives in none."""
        return self.name.split(".")[0]


class Import(NamedTuple):
    """One imported name, absolute: `from a import b` counts as `a.b`, `import a.b` as it stands."""

    target: str
    line: int


def read_modules(root: Path = ROOT) -> list[Module]:
    """Every module of the package below `root`, by name."""
    base = root / PACKAGE
    return [
        Module(".".join(path.relative_to(base).with_suffix("").parts), path, read_tree(path))
        for path in sorted(base.rglob("*.py"))
    ]


def read_tree(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def find_imports(module: Module) -> Iterator[Import]:
    """All imports of a module, wherever they stand: inside functions and for the type checker too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve(module, node)
            yield from (Import(f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def resolve(module: Module, node: ast.ImportFrom) -> str:
    """The absolute module a `from ... import` names, relative ones included."""
    if not node.level:
        return node.module or ""
    folder = [PACKAGE, *module.name.split(".")][: -node.level]
    return ".".join([*folder, *([node.module] if node.module else [])])


def find_functions(module: Module) -> Iterator[Function]:
    """Every function and method of a module, nested ones too."""
    return (node for node in ast.walk(module.tree) if isinstance(node, Function))


def called_name(call: ast.Call) -> str:
    """`open` of `open(x)`, `now` of `datetime.now()`, nothing of a computed call."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def plant(root: Path, files: dict[str, str]) -> Path:
    """Write a small package below `root`, to prove that a rule catches what breaks it."""
    for name, text in files.items():
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
