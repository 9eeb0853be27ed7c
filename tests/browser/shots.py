"""The pictures of the page in docs/images, taken of simulated arrays: `make pictures`."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image
from playwright.sync_api import Browser

from tests.browser.browser import PHONE, WIDE, chromium, viewed
from tests.browser.scenes import LYON, Scene, Shown
from tests.servers import find_server
from tests.web.rig import GENEROUS

LARGEST: Final = 150_000
"""Bytes: a clone should not get heavy by its pictures."""


class Shot(NamedTuple):
    """One picture."""

    name: str
    scene: str
    scheme: str = "light"
    size: tuple[int, int] = WIDE
    height: int = 0
    """Cut off below; 0 = the whole page."""


SHOTS: Final = (
    Shot("page-light", "warn"),
    Shot("page-dark", "warn", "dark"),
    Shot("page-running", "running", height=1060),
    Shot("page-unfinished", "unfinished", "dark", height=1180),
    Shot("page-blind", "blind", height=1000),
    Shot("page-phone", "unfinished", size=PHONE, height=1100),
)


@contextmanager
def stage(name: str, directory: Path) -> Iterator[Shown]:
    """The scene of that name, with its exporter."""
    scene = Scene(directory, age="2h40m" if name == "blind" else "3d")
    scene.with_past()
    running: subprocess.Popen[bytes] | None = None
    with scene.exporter() as exporter:
        shown = Shown(scene, exporter)
        shown.await_page("necism")
        if name == "running":
            running = scene.begin()
            shown.await_page("A resync is running")
        elif name == "unfinished":
            scene.cut_off()
            shown.await_page("This run has no end")
        elif name == "blind":
            scene.blind(LYON)
            shown.await_page("last known:")
        try:
            yield shown
        finally:
            if running:
                running.kill()
                running.wait(GENEROUS)


def take(browser: Browser, url: str, shot: Shot, target: Path) -> None:
    """One picture; one that is too large is no picture for a repository."""
    with viewed(browser, url, size=shot.size, scheme=shot.scheme) as view:
        path = target / f"{shot.name}.png"
        width, height = shot.size[0], shot.height or view.page.evaluate("document.documentElement.scrollHeight")
        area = {"x": 0, "y": 0, "width": width, "height": height}
        view.page.screenshot(path=path, full_page=True, clip=area, animations="disabled")  # type: ignore[arg-type]  # a dict of these keys
        # Text on calm colours needs no more than a palette.
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        size = path.stat().st_size
        print(f"{path}: {width}x{height}, {size} bytes")
        if size > LARGEST:
            raise SystemExit(f"{path} is larger than {LARGEST} bytes")


def main(target: Path) -> None:
    """Take them all."""
    program = find_server("chromium")
    if program is None:
        raise SystemExit("chromium is not installed: apt-get install chromium")
    target.mkdir(parents=True, exist_ok=True)
    with chromium(program) as browser:
        for name in dict.fromkeys(shot.scene for shot in SHOTS):
            with tempfile.TemporaryDirectory(prefix="necism-") as place, stage(name, Path(place)) as shown:
                for shot in SHOTS:
                    if shot.scene == name:
                        take(browser, shown.url, shot, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
