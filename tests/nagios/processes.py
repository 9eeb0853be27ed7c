"""Processes that the plugin starts: commands of our making, and what is left of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest


def marked(mark: str) -> list[int]:
    """The processes that run with this `NAME=value` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            environ = (entry / "environ").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if state != "Z" and mark.encode() in environ:
            found.append(int(entry.name))
    return found


def until_none(mark: str) -> list[int]:
    """What is left of the marked processes, after a moment for those that were just killed."""
    for _ in range(100):
        if not marked(mark):
            return []
        time.sleep(0.02)
    return marked(mark)


def command_dir(folder: Path, body: str) -> str:
    """A directory of iSM commands that all do this."""
    folder.mkdir()
    for name in ("iSMsc_query", "iSMsc_linkinfo", "iSMview"):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def config(directory: Path) -> tuple[str, str]:
    """The option that names a simulated array's configuration."""
    return "--config", str(directory / "config")


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until something is so; a generous time, then fail."""
    for _ in range(3000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it never came about")
