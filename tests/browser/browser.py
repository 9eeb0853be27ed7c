"""Debian's Chromium, without a window, with a fresh profile, and without asking the network for anything."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

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
WIDE: Final = (1280, 900)
PHONE: Final = (360, 740)


@contextlib.contextmanager
def chromium(program: Path) -> Iterator[Browser]:
    """A browser; each context of it has cookies, cache and storage of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), chromium_sandbox=False)
        try:
            yield browser
        finally:
            browser.close()


class View:
    """An open page, and what went wrong in it."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(PATIENCE)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        # A violation of the security policy is told on the console as an error, too.
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def nudge(self) -> None:
        """Let the page refresh itself now, as it does when the network comes back."""
        self.page.evaluate("window.dispatchEvent(new Event('online'))")

    def wait_until(self, condition: str) -> None:
        """Until an expression in the page is true; asked from here, because the policy forbids pages to evaluate."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(50)


@contextlib.contextmanager
def viewed(
    browser: Browser,
    url: str,
    *,
    size: tuple[int, int] = WIDE,
    scheme: str = "light",
    script: bool = True,
) -> Iterator[View]:
    """A page in a context of its own."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
    )
    try:
        view = View(context)
        view.page.goto(url)
        yield view
    finally:
        context.close()
