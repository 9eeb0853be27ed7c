"""The page: the worst first, everything a person needs, and nothing that could run but its own script."""

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from necism_monitor.domain.findings import finding
from necism_monitor.domain.history import OpenRun, RunState
from necism_monitor.domain.names import LdName
from necism_monitor.domain.states import LinkState
from necism_monitor.render.last_good import Sight
from necism_monitor.render.page import CONTENT_SECURITY_POLICY, PageProgram, render_page
from tests.render.sights import DEFAULT, NOW, blind_pair, kept_pair, pair_verdict, sight

PROGRAM = PageProgram("1.2.3", "/metrics", reloaded=True)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Document(HTMLParser):
    """Text by element, attributes, and whether every element is closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append((self.open[-1] if self.open else "", data.strip()))

    @property
    def text(self) -> str:
        return " ".join(word for _, word in self.words)


def page_of(seen: Sight, program: PageProgram = PROGRAM) -> Document:
    """The page as a browser reads it."""
    document = Document(render_page(seen, program, NOW))
    assert document.open == []
    return document


def test_it_says_what_the_verdicts_say() -> None:
    """Ages against limits, states, dates, findings with hints, and the run."""
    wrong = finding("wrong-link", "BV2_LV", "LV BV2_LV shows OTHER_SV, not BV2_SV")
    old = finding("too-old", "svc/sync#1", "BV1_SV is old")
    run = OpenRun("20140918", RunState.UNFINISHED, NOW - 90, NOW, (), "root on host1", "iSMsc_create")
    second = pair_verdict(2, (wrong,), LinkState.WRONG, taken=NOW - 3638)._replace(linked_to=LdName("OTHER_SV"))
    text = page_of(sight(pair_verdict(1), second, findings=(old,), run=run)).text
    for said in (
        "svc/sync#1",
        "1h old limit 1d1h",
        "38s apart limit 4h",
        "2014-09-06 09:40:00 UTC",
        "wrong: OTHER_SV",
        old.text,
        old.hint.replace("`", ""),
        wrong.text,
        wrong.hint.replace("`", ""),
        "too-old",
        "wrong-link",
        "This run has no end, and its process is gone",
        "Run 20140918 Since 2014-09-06 10:38:30 UTC (1m30s) By root on host1 Cut off while iSMsc_create",
        "1.2.3",
    ):
        assert "".join(said.split()) in "".join(text.split())


def test_blind_it_says_when_it_last_saw() -> None:
    """Without a reading the present is unknown, and the last known date is named as such."""
    kept = {(DEFAULT, LdName("BV1_LV")): kept_pair(pair_verdict(1))}
    text = page_of(sight(blind_pair(1), kept=kept, up=False)).text
    assert "last known: 2014-09-06 09:40:00 UTC" in text
    assert "failed" in text
    assert "timed-out" in text


def test_tables_can_be_read_without_eyes() -> None:
    """Every heading cell says whether it heads a row or a column, and the language is declared."""
    document = page_of(sight(pair_verdict(1)))
    assert {attrs.get("scope") for tag, attrs in document.tags if tag == "th"} == {"row", "col"}
    assert ("html", {"lang": "en"}) in document.tags
    levels = [int(tag[1]) for tag, _ in document.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_policy_names_style_and_script_by_their_hashes() -> None:
    """Nothing else may be loaded or run, and each hash is that of the text between the tags."""
    html = render_page(sight(pair_verdict(1)), PROGRAM, NOW)
    for tag in ("style", "script"):
        text = html.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        wanted = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{wanted}'" in CONTENT_SECURITY_POLICY
        assert html.count(f"<{tag}") == 1
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert "prefers-color-scheme: dark" in html
    assert not any(name.startswith("on") or name == "style" for _, attrs in Document(html).tags for name in attrs)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=a>',
        "{{ 7*7 }}",
        "`</code><b>",
        "\x1b[2J\x00",
        "\udc83",
        "\u202egnp.exe",
        "\u2066\u2028\ufeff",
    ],
)
def test_no_text_of_the_array_becomes_markup(text: str) -> None:
    """Findings, words and device names are shown as they are, escaped, and can always be encoded."""
    bad = finding("unexpected-state", "BV1_LV", text, hint=text)
    pair = pair_verdict(1, (bad,))._replace(access=text, special_file=text)
    html = render_page(sight(pair), PROGRAM, NOW)
    assert html.encode()
    document = Document(html)
    tags = [tag for tag, _ in document.tags]
    assert (tags.count("script"), tags.count("img")) == (1, 0)
    assert text not in html or not set(text) & set('<>"')
    said = " ".join(word for tag, word in document.words if tag not in {"script", "style"})
    assert "49" not in said
    assert text not in said or text.isprintable()
    assert (text if text.isprintable() else text.encode("unicode_escape").decode()[:4]) in said
    assert all(char.isprintable() or char == "\n" for char in html)


@pytest.mark.parametrize("when", [1e18, -1e18, 253402300800.0])
def test_a_date_beyond_the_calendar_is_no_error(when: float) -> None:
    """A number is shown where no date can be."""
    assert f"{when} s" in page_of(sight(pair_verdict(1, taken=when))).text


def test_a_failed_reload_is_said() -> None:
    """The page warns where the configuration on disk is not the one in force."""
    assert "could not be read again" in page_of(sight(pair_verdict(1)), PROGRAM._replace(reloaded=False)).text
