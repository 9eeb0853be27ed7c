"""Scripts as commands, and waiting for what other processes do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Script = Callable[[str], tuple[str, ...]]
Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Make a command of shell text; its working files are named by absolute paths."""

    def make(text: str, interpreter: str = "/bin/sh") -> tuple[str, ...]:
        path = tmp_path / f"script{len(list(tmp_path.glob('script*')))}"
        path.write_text(f"#!{interpreter}\n{text}\n")
        path.chmod(0o755)
        return (str(path),)

    return make


@pytest.fixture
def until() -> Until:
    """Wait for another process, with a bound that only a hang reaches."""

    def wait(happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not happened():
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.01)

    return wait


@pytest.fixture
def descriptors() -> Callable[[], int]:
    """Count our open descriptors."""
    return lambda: len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are counted, paths would be built for nothing
