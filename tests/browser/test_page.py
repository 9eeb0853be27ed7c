"""The page in a real browser: what it says, how it refreshes itself, and whether everybody can use it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # the library carries no types
from playwright.sync_api import Browser

from necism_monitor import __version__
from necism_monitor.simulator.faults import add_fault
from tests.browser.browser import PHONE, View, viewed
from tests.browser.scenes import BI, CRM, ERP, PARIS, Scene, Shown
from tests.web.rig import GENEROUS, environment


def rows(view: View, resource: str) -> dict[str, list[str]]:
    """The pairs of a set as the page shows them: LV and the text of the other cells."""
    table = f"details[data-set='{resource}'] table.pairs tbody tr"
    found: list[list[str]] = view.page.eval_on_selector_all(
        table, "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )
    return {first: rest for first, *rest in found}


@pytest.fixture(name="view")
def view_fixture(browser: Browser, trouble: Shown) -> Iterator[View]:
    """The page of trouble; nothing on it may make the browser complain."""
    with viewed(browser, trouble.url) as view:
        yield view
        assert view.complaints == []


@pytest.mark.proves("P15")
def test_it_says_what_status_says(view: View, trouble: Shown) -> None:
    """Every set, pair, finding and count agrees with `necism status --json`; product, version and metrics are named."""
    document = trouble.status()
    resources = {
        f"{service['service']}/{one['resource']}": one
        for service in document["services"]
        for one in service["resources"]
    }
    page = view.page
    shown = page.eval_on_selector_all("[data-set]", "sets => sets.map(one => [one.dataset.set, one.dataset.status])")
    assert dict(shown) == {name: one["status"] for name, one in resources.items()}
    statuses = [one["status"] for one in resources.values()]
    counts = page.locator(".counts li").all_inner_texts()
    assert set(counts) == {f"{statuses.count(word)} {word}" for word in set(statuses)}
    for name, one in resources.items():
        compare_pairs(rows(view, name), one["pairs"])
        text = page.locator(f"details[data-set='{name}']").text_content() or ""
        for found in [*one["findings"], *(found for pair in one["pairs"] for found in pair["findings"])]:
            assert found["code"] in text
            assert found["hint"].replace("`", "") in text
    assert f"necism exporter {__version__}" in (page.locator("header").text_content() or "")
    assert page.locator("header a[href='/metrics']").count() == 1


def compare_pairs(shown: dict[str, list[str]], pairs: list[dict[str, Any]]) -> None:
    """What is known of each pair stands in its row; of what is not, the last known date."""
    assert set(shown) == {pair["lv"] for pair in pairs}
    for pair in pairs:
        sv, bv, link, access, image, taken, _, status = shown[pair["lv"]]
        assert [sv, link, image] == [pair["sv"], pair["link"], pair["snapshot_state"]]
        assert [bv, access] == [pair["bv"] or "-", pair["access"] or "-"]
        assert status.startswith(pair["status"])
        if pair["snapshot_time"]:
            assert taken == pair["snapshot_time"].replace("T", " ").replace("Z", " UTC")
        else:
            assert taken.startswith("last known: 20")


def test_the_worst_stands_first_with_what_to_type(view: View) -> None:
    """The headline counts what cannot wait, the first line names it, and its command ends the run that was cut off."""
    page = view.page
    assert page.locator("h1").inner_text() == "1 of 4 sets needs somebody now"
    first = page.locator(".needs li").first
    assert first.locator("a").inner_text() == ERP
    assert first.locator("code").last.inner_text() == f"necism resume {ERP}"
    stages = page.locator(".stages li").all_inner_texts()
    assert [re.split(r"\s*\n\s*", text.strip())[:2] for text in stages] == [
        ["unlink", "2 of 2 done"],
        ["create", "1 of 2 cut off"],
        ["link", "0 of 2 to come"],
        ["read again", "0 of 2 to come"],
    ]
    order = page.eval_on_selector_all("[data-set]", "sets => sets.map(one => one.dataset.set)")
    assert order[0] == ERP
    assert order[-1] == BI


def test_runs_and_refusals_are_told(view: View) -> None:
    """Each of the last runs has caller, reason, exit in words, images and detached LVs; a refusal has its reason."""
    card = view.page.locator(f"details[data-set='{CRM}']")
    table = card.locator("table.runs tbody tr").all_inner_texts()
    assert len(table) == 3
    assert "done and verified" in table[0]
    assert "exit 5" in table[1]
    assert "failed: every LV is linked" in table[1]
    assert "mixed" in table[1]
    assert "fresh data for the course" in table[1]
    assert "manual" in table[2]
    assert "CRM_LOGS_LV01" in table[2]
    refusals = card.locator(".refusals li").all_inner_texts()
    assert len(refusals) == 1
    assert refusals[0].startswith("too-soon")


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, trouble: Shown, scheme: str) -> None:
    """No rule of axe-core is broken, contrast included, with everything unfolded and while the server is gone."""
    with viewed(browser, trouble.url, scheme=scheme) as view:
        view.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        found = Axe().run(view.page)
        assert found.violations_count == 0, found.generate_report()
        assert len(found.response["passes"]) > 20
        view.page.evaluate("document.querySelector('main').remove()")
        assert Axe().run(view.page).violations_count > 0


def test_axe_finds_nothing_while_all_is_well(browser: Browser, tmp_path: Path) -> None:
    """The calm page, too, and a page that says that it is stale."""
    scene = Scene(tmp_path)
    with scene.exporter() as exporter, viewed(browser, f"http://127.0.0.1:{exporter.port}/") as view:
        assert Axe().run(view.page).violations_count == 0
        exporter.stop()
        view.nudge()
        view.wait_until("document.body.classList.contains('stale')")
        found = Axe().run(view.page)
        assert found.violations_count == 0, found.generate_report()


def test_keys_are_enough(view: View) -> None:
    """Tab goes from the skip link over the metrics and what needs somebody to each set; what has focus shows it."""
    page = view.page
    stops = []
    for _ in range(7):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("[document.activeElement.nodeName, document.activeElement.textContent.trim()]"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert [text for _, text in stops[:2]] == ["Skip to the sets", "Metrics"]
    assert stops[2] == ["A", ERP]
    assert stops[5][0] == "SUMMARY"
    page.evaluate("document.querySelector('[data-set] > summary').focus()")
    page.keyboard.press("Enter")
    assert page.locator(f"details[data-set='{ERP}']").get_attribute("open") is None
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.locator(".needs a").first.click()
    assert page.locator(f"details[data-set='{ERP}']").get_attribute("open") is not None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, trouble: Shown, scheme: str) -> None:
    """At 360 pixels the page is as wide as the screen; tables scroll inside themselves."""
    with viewed(browser, trouble.url, size=PHONE, scheme=scheme) as view:
        view.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert view.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        assert view.page.evaluate("document.querySelector('.scroll').scrollWidth > 300")


def test_without_script_it_is_complete(browser: Browser, trouble: Shown) -> None:
    """With JavaScript off everything is there, and the page says that it has to be reloaded."""
    with viewed(browser, trouble.url, script=False) as view:
        assert "Reload the page for the present state." in view.page.inner_text("header")
        assert view.page.locator("[data-set]").count() == 4
        assert view.page.locator(".stages li").count() == 4
        view.page.locator(f"[data-set='{BI}'] > summary").click()
        assert view.page.locator(f"[data-set='{BI}'] table.pairs").is_visible()
        assert view.complaints == []


def test_paper_shows_what_is_folded(browser: Browser, trouble: Shown) -> None:
    """Printed, the pairs of a folded set are there, and what is of no use on paper is not."""
    with viewed(browser, trouble.url) as view:
        table = view.page.locator(f"[data-set='{BI}'] table.pairs")
        assert not table.is_visible()
        view.page.emulate_media(media="print")
        assert table.is_visible()
        assert not view.page.locator("nav").is_visible()


def test_whoever_wants_no_motion_gets_none(view: View) -> None:
    """Nothing moves under prefers-reduced-motion."""
    moving = (
        "[...document.querySelectorAll('*')].filter("
        "one => getComputedStyle(one, '::before').transitionDuration !== '0s').length + document.getAnimations().length"
    )
    assert view.page.evaluate(moving) > 0
    view.page.emulate_media(reduced_motion="reduce")
    assert view.page.evaluate(moving) == 0


def test_the_policy_lets_no_other_script_run(browser: Browser, trouble: Shown) -> None:
    """A script, a style or an image that somebody smuggled in is refused by the browser."""
    with viewed(browser, trouble.url) as view:
        view.page.evaluate(
            "const one = document.createElement('script'); one.textContent = 'window.smuggled = 1';"
            "document.body.append(one); document.body.setAttribute('style', 'color: red');"
            "const two = new Image(); two.src = '/metrics'; document.body.append(two);"
        )
        assert view.page.evaluate("window.smuggled") is None
        view.wait_until("true")
        refused = " ".join(view.complaints)
        assert all(word in refused for word in ("script-src", "style-src", "img-src"))


def test_the_verb_and_the_page_name_the_same_run(view: View, trouble: Shown) -> None:
    """The open run on the page is the one that `necism history` calls open."""
    done = subprocess.run(
        trouble.scene.command("history", ERP),
        env=environment(),
        capture_output=True,
        check=True,
        text=True,
        timeout=GENEROUS,
    )
    run = re.search(r"run (\w+) ", done.stdout)
    assert run is not None
    assert "THE RUN IS OPEN" in done.stdout
    assert run[1] in view.page.locator(".run.unfinished").inner_text()
