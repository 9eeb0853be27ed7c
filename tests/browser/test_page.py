"""The page in a real browser: what it says, and whether everybody can use it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # the library carries no types
from playwright.sync_api import Browser

from necism_monitor import __version__
from tests.browser.browser import PHONE, View, viewed
from tests.browser.scenes import BI, CRM, ERP, Scene, Shown
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
