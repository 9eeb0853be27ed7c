"""The page refreshes itself in place, and never looks fresher than it is."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from necism_monitor.simulator.faults import add_fault
from tests.browser.browser import viewed
from tests.browser.scenes import CRM, ERP, PARIS, Scene, Shown
from tests.web.rig import GENEROUS


def test_a_set_is_resynced_while_one_looks(browser: Browser, tmp_path: Path) -> None:
    """Steps appear, the age falls and the run joins the list, without a reload, and what the reader did stays."""
    scene = Scene(tmp_path, age="3d")
    add_fault(
        scene.place(PARIS),
        {"kind": "hang_before", "command": "iSMsc_create", "match": ["ERP_PRD_LOGS_SV01"], "seconds": 6.0},
    )
    with scene.exporter() as exporter, viewed(browser, f"http://127.0.0.1:{exporter.port}/") as view:
        page, card = view.page, f"[data-set='{ERP}']"
        page.evaluate("window.notReloaded = true")
        meter = f'document.querySelector("{card} meter").value'
        old = page.evaluate(meter)
        page.locator(f"[data-set='{CRM}'] > summary").click()
        page.locator(f"[data-set='{CRM}'] caption").first.wait_for()
        page.evaluate(f'document.getSelection().selectAllChildren(document.querySelector("{card} h3"))')
        page.evaluate("window.scrollTo(0, 120)")
        running = scene.start("resync", ERP)
        try:
            scene.await_journal(ERP, '"began"', '"create"')
            view.nudge()
            page.locator(".stages .at-work", has_text="create").wait_for()
            assert page.locator(f"{card} .chip.running").inner_text() == "running"
            assert page.evaluate("content.dataset.refresh") == "2"
            page.locator(f"{card} table.runs", has_text="done and verified").wait_for(state="attached")
        finally:
            assert running.wait(GENEROUS) == 0
        view.wait_until(f"{meter} < {old} - 1000")
        assert page.evaluate("window.notReloaded") is True
        assert page.evaluate("scrollY") == 120
        assert page.evaluate("document.getSelection().toString()") == ERP
        assert page.evaluate("document.activeElement.parentElement.dataset.set") == CRM
        assert page.locator(f"[data-set='{CRM}']").get_attribute("open") is not None
        assert page.locator(f"{card}").get_attribute("open") is not None
        assert page.locator("#well [data-set]").count() == page.locator("[data-set]").count() == 4
        assert page.locator("h1").inner_text() == "All 4 sets are up"
        assert page.title() == "All 4 sets are up - necism exporter"
        assert f"{ERP}: running, now up." in page.locator("#changes").inner_text()
        assert view.complaints == []


def test_a_page_without_its_server_never_looks_fresh(browser: Browser, tmp_path: Path) -> None:
    """When the exporter stops the page says of which moment it is; when the exporter comes back, so does the page."""
    scene = Scene(tmp_path)
    with scene.exporter() as exporter:
        port = exporter.port
        with viewed(browser, f"http://127.0.0.1:{port}/") as view:
            moment = view.page.evaluate("content.dataset.shown")
            assert view.page.locator("#trouble").inner_text() == ""
            assert exporter.stop() == 0
            view.nudge()
            view.wait_until("document.body.classList.contains('stale')")
            told = view.page.locator("#trouble").inner_text()
            assert told == f"Not up to date: this page shows {moment}. The exporter cannot be reached."
            assert "Not refreshed." in view.page.locator("header").inner_text()
            assert view.page.locator("[data-set]").count() == 4
            time.sleep(1)  # a moment is told to the second
            with scene.exporter("--web.listen-address", f"127.0.0.1:{port}"):
                view.nudge()
                view.wait_until("!document.body.classList.contains('stale')")
                assert view.page.locator("#trouble").inner_text() == ""
                assert view.page.evaluate("content.dataset.shown") > moment
            assert all("ERR_CONNECTION_REFUSED" in one for one in view.complaints)


def test_time_alone_makes_a_page_stale(browser: Browser, trouble: Shown) -> None:
    """A refresh that never ends, or a machine that slept, shows as such, and a clock put back does not hide it."""
    with viewed(browser, trouble.url) as view:
        view.page.route("**/*", lambda _: None)
        for wrong in ("+ 3600000", "- 3600000"):
            view.page.evaluate(f"window.clock ||= Date.now; Date.now = () => window.clock.call(Date) {wrong}")
            view.wait_until("document.body.classList.contains('stale')")
            view.page.evaluate("Date.now = window.clock")
            view.wait_until("!document.body.classList.contains('stale')")


def test_a_copy_from_a_cache_is_no_news(browser: Browser, trouble: Shown) -> None:
    """A proxy that answers with what it kept cannot make an old page look fresh."""
    body = trouble.exporter.get("/").text
    with viewed(browser, trouble.url) as view:
        view.page.route("**/*", lambda route: route.fulfill(status=200, body=body))
        view.nudge()
        view.wait_until(f"document.getElementById('fresh').textContent.includes('{moment_of(body)}')")
        view.page.evaluate("window.clock ||= Date.now; Date.now = () => window.clock.call(Date) + 60000")
        view.nudge()
        view.wait_until("document.body.classList.contains('stale')")
        assert moment_of(body) in view.page.inner_text("#trouble")


def moment_of(html: str) -> str:
    """Of which moment a page is."""
    found = re.search(r'data-shown="([^"]*)"', html)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("status", [401, 502, 200])
def test_an_answer_that_is_not_the_page_is_named(browser: Browser, trouble: Shown, status: int) -> None:
    """A login page, an error of a proxy, or anything else is never shown as the state of the sets."""
    with viewed(browser, trouble.url) as view:
        before = view.page.locator("main").inner_text()
        view.page.route("**/*", lambda route: route.fulfill(status=status, body="<h1>All is well</h1>"))
        view.nudge()
        view.wait_until("document.body.classList.contains('stale')")
        assert ("what came is not this page" if status == 200 else str(status)) in view.page.inner_text("#trouble")
        assert view.page.locator("main").inner_text() == before


def test_a_hidden_page_asks_for_nothing(browser: Browser, trouble: Shown) -> None:
    """While nobody looks no request is sent; the moment it is seen again it refreshes itself."""
    with viewed(browser, trouble.url) as view:
        asked: list[str] = []
        view.page.on("request", lambda request: asked.append(request.url))
        hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"
        view.page.evaluate(hide % "true")
        view.nudge()
        view.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        view.page.evaluate("new Promise(done => setTimeout(done, 300))")
        assert asked == []
        with view.page.expect_response("**/*"):
            view.page.evaluate(hide % "false")
            view.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert asked == [trouble.url]
