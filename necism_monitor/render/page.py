"""The exporter's page: the facts of the metrics and of `necism status`, for people, as one HTML document.

It is complete as it stands.  Its style sheet and the script that refreshes it are inside it, each named by its hash in
the security policy; nothing else is loaded or run.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from necism_monitor.domain.diary import NO_DIARY, Diary
from necism_monitor.domain.findings import Finding
from necism_monitor.domain.verdicts import ArrayVerdict, ResourceVerdict
from necism_monitor.render.last_good import Sight
from necism_monitor.render.logline import one_line
from necism_monitor.render.page_sets import SetView, anchor_of, level_of, next_command, view_set, worst_of
from necism_monitor.render.page_words import date, exactly, number, span

REFRESH: Final = 5
"""Seconds between two refreshes."""
REFRESH_RUNNING: Final = 2
"""The same while a run is at work."""
NEEDS: Final = 12
"""How many sets are named on top."""
MANY: Final = 30
"""So many healthy sets are folded into one line."""
LEVELS: Final = ("pressing", "warn", "unknown", "running", "up")
"""The most urgent first."""


def _shown(value: object) -> object:
    """Every text of the page: what could not be seen, or would turn what stands beside it, becomes an escape."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return one_line(value)


def _ticked(text: str) -> Markup:
    """What stands between backticks is code; a lone backtick is one."""
    parts = one_line(text).split("`")
    last = len(parts) - 1
    pieces = [
        Markup("<code>{}</code>").format(one) if n % 2 and n < last else escape(one) for n, one in enumerate(parts)
    ]
    return Markup("").join(pieces) if last % 2 == 0 else escape(one_line(text))


# Templates are parts of the program: Jinja reads them with this module, as Python reads its code.
_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("necism_monitor", "render/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["ticked"] = _ticked
_PAGE: Final = _ENVIRONMENT.get_template("page.html")
_STYLE: Final = _ENVIRONMENT.get_template("page.css").render()
_SCRIPT: Final = _ENVIRONMENT.get_template("page.js").render()


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_BUILD: Final = _hash(_STYLE + _SCRIPT)
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_hash(_STYLE)}'",
        f"script-src 'sha256-{_hash(_SCRIPT)}'",
        "connect-src 'self'",
        # The icon in the tab: it stands in the page, and an image runs nothing.
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class PageProgram(NamedTuple):
    """What the page says of the exporter."""

    version: str
    telemetry_path: str
    reloaded: bool


class _Need(NamedTuple):
    """A set that somebody has to look at, in one line."""

    anchor: str
    id: str
    level: str
    code: str
    text: str
    more: int
    command: str


class _Array(NamedTuple):
    """A row of the table of arrays."""

    name: str
    up: bool
    read: str
    took: str
    offset: str
    sets: int
    findings: tuple[Finding, ...]


def render_page(sight: Sight, program: PageProgram, now: float, diary: Diary = NO_DIARY) -> str:
    """The document; every text from outside is escaped."""
    resources = sight.verdicts.resources
    ranked = sorted(resources, key=lambda one: LEVELS.index(level_of(one)))
    views = [view_set(sight, diary, one, now) for one in ranked]
    levels = [one.level for one in views]
    waiting = [one for one in ranked if level_of(one) in {"pressing", "warn", "unknown"}]
    running = ["running" for one in views if one.open and one.open.state == "running"]
    statuses = [*(one.status for one in views), *running]
    style = Markup(_STYLE)  # noqa: S704 - our own file, named by its hash in the policy  # nosec B704
    script = Markup(_SCRIPT)  # noqa: S704 - as the style  # nosec B704
    return _PAGE.render(
        style=style,
        script=script,
        build=_BUILD,
        program=program,
        status=sight.verdicts.status.value,
        level=next((level for level in LEVELS if level in levels), "none"),
        headline=_headline(levels),
        counts=[(word, statuses.count(word)) for word in ("warn", "unknown", "running", "up") if word in statuses],
        total=number(len(views), "set"),
        now=date(now),
        epoch=round(now),
        refresh=REFRESH_RUNNING if running else REFRESH,
        needs=[_need(one) for one in waiting[:NEEDS]],
        unnamed=max(0, len(waiting) - NEEDS),
        busy=[one for one in views if one.level != "up"],
        well=[one for one in views if one.level == "up"],
        folded=levels.count("up") > MANY,
        eldest=_eldest(views),
        arrays=[_array(sight, one, now) for one in sight.verdicts.arrays],
    )


def _headline(levels: list[str]) -> str:
    """The worst thing in one sentence."""
    total = number(len(levels), "set")
    said = {
        "pressing": "of {} needs somebody now|of {} need somebody now",
        "warn": "of {} needs attention|of {} need attention",
        "unknown": "of {} is unknown|of {} are unknown",
        "running": "of {} is being refreshed|of {} are being refreshed",
    }
    for level, words in said.items():
        count = levels.count(level)
        if count:
            one, many = words.split("|")
            return f"{count} {(one if count == 1 else many).format(total)}"
    if not levels:
        return "No sets are configured"
    return "The set is up" if len(levels) == 1 else f"All {total} are up"


def _need(one: ResourceVerdict) -> _Need:
    found = worst_of(one)
    need = _Need(anchor_of(one), one.resource.id, level_of(one), "", "", 0, "")
    if found is None:
        return need
    others = {other.code for other in one.all_findings} - {found.code}
    return need._replace(code=found.code, text=found.text, more=len(others), command=next_command(one, found))


def _eldest(views: list[SetView]) -> str:
    """The healthy set that comes nearest to its limit, in words."""
    well = [one for one in views if one.level == "up" and one.age.state != "none"]
    nearest = max(well, key=lambda one: one.age.value / one.age.most, default=None)
    return "" if nearest is None else f"nearest to its limit: {nearest.id}, {nearest.age.told}"


def _array(sight: Sight, array: ArrayVerdict, now: float) -> _Array:
    kept = sight.readings.get(array.name)
    offset = array.clock_offset
    return _Array(
        array.name,
        array.up,
        "never" if kept is None else f"{date(kept.ended_at)} ({span(max(0.0, now - kept.ended_at))} ago)",
        exactly(kept.duration if kept else None),
        "not known" if offset is None else f"{round(offset):+d} s".replace("+0 s", "0 s"),
        sum(one.resource.array == array.name for one in sight.verdicts.resources),
        array.findings,
    )
