"""Debian's Chromium, without a window and without asking the network for anything."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, sync_playwright

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE: Final = 60_000
"""Milliseconds that only a hang reaches."""


@contextlib.contextmanager
def chromium(program: Path, profile: Path, **options: object) -> Iterator[BrowserContext]:
    """A browser with a profile of its own; `options` are those of a context of playwright."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            args=list(FLAGS),
            chromium_sandbox=False,
            **options,  # type: ignore[arg-type]  # names and values as playwright declares them
        )
        context.set_default_timeout(PATIENCE)
        try:
            yield context
        finally:
            context.close()
