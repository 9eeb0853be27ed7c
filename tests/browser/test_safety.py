"""What no page of an honest array holds: hostile words, foreign scripts, and a thousand pairs."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser

from necism_monitor.domain.diary import Diary, Entry, Refused
from necism_monitor.domain.findings import finding
from necism_monitor.domain.names import ResourceId, ServiceName
from necism_monitor.domain.verdicts import ServiceVerdict
from necism_monitor.render.last_good import Sight
from necism_monitor.render.page import CONTENT_SECURITY_POLICY, PageProgram, render_page
from tests.browser.browser import View, viewed
from tests.browser.scenes import Shown
from tests.render.sights import NOW, pair_verdict, sight


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


HOSTILE = (
    "</code></main><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\u202egnp\x1b[2J\udc83"
)


def test_hostile_words_are_words(browser: Browser, trouble: Shown) -> None:
    """What an array, a journal or a person wrote runs nothing, breaks nothing out, and turns no direction."""
    pair = pair_verdict(1, (finding("unexpected-state", "BV1_LV", HOSTILE, HOSTILE),))._replace(access=HOSTILE)
    refused = Refused(NOW, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    diary = {ResourceId("svc/sync#1"): Entry(refusals=(refused,), problem=HOSTILE)}
    with shown_by_hand(browser, trouble, sight(pair), diary) as view:
        assert view.page.evaluate("window.hacked") is None
        assert view.page.locator("main img, main script").count() == 0
        assert view.page.locator("main #arrays").count() == 1
        assert r"\u202egnp\x1b[2J\udc83" in view.page.inner_text("main")
        assert view.complaints == []


def test_two_hundred_and_fifty_sets_are_one_screen(browser: Browser, trouble: Shown) -> None:
    """A thousand healthy pairs fold into a line; opened, they stay open when the page refreshes itself."""
    one = sight(*(pair_verdict(number) for number in range(4)))
    (verdict,) = one.verdicts.resources
    services = tuple(
        ServiceVerdict(ServiceName(f"svc{number}"), verdict.status, (verdict._replace(resource=resource),))
        for number in range(250)
        for resource in [verdict.resource._replace(service=ServiceName(f"svc{number}"))]
    )
    many = one._replace(verdicts=one.verdicts._replace(services=services))
    with shown_by_hand(browser, trouble, many, {}) as view:
        assert view.page.locator("h1").inner_text() == "All 250 sets are up"
        assert view.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        view.page.locator("#well-all > summary").click()
        view.page.locator("[data-set='svc249/sync#1'] > summary").click()
        with view.page.expect_response("**/*"):
            view.nudge()
        assert view.page.locator("[data-set='svc249/sync#1'] table.pairs").is_visible()
        assert view.complaints == []


@contextmanager
def shown_by_hand(browser: Browser, trouble: Shown, seen: Sight, diary: Diary) -> Iterator[View]:
    """The page of a sight made by hand, under the policy that the exporter sends."""
    html = render_page(seen, PageProgram("1", "/metrics", reloaded=True), NOW, diary)
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "content-type": "text/html; charset=utf-8"}
    with viewed(browser, "about:blank") as view:
        view.page.route("**/*", lambda route: route.fulfill(status=200, body=html, headers=headers))
        view.page.goto(trouble.url)
        yield view
