"""One browser, and one array in trouble, for the tests of a file.

Not for longer: as long as the browser is there its event loop counts as running, and other tests start their own.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.browser import chromium
from tests.browser.scenes import LYON, Scene, Shown
from tests.servers import require_server


@pytest.fixture(scope="module", name="browser")
def browser_fixture() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium(require_server("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module", name="trouble")
def trouble_fixture(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A run that was killed in its second create, an array that cannot be read any more, and a set that is up."""
    scene = Scene(tmp_path_factory.mktemp("trouble"), age="3d")
    scene.with_past()
    with scene.exporter() as exporter:
        exporter.get("/")
        scene.cut_off()
        scene.blind(LYON)
        shown = Shown(scene, exporter)
        shown.await_page("This run has no end", "last known:")
        yield shown
