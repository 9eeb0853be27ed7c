"""The exporter's page: the facts of the metrics and of `necism status`, for people, as one HTML document.

It needs no script and loads nothing; its only style sheet is inside it and named by its hash in the security policy.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from necism_monitor.domain.durations import format_duration
from necism_monitor.domain.findings import Finding
from necism_monitor.domain.history import OpenRun
from necism_monitor.domain.model import HOUR
from necism_monitor.domain.verdicts import ArrayVerdict, PairVerdict, ResourceVerdict, ServiceVerdict
from necism_monitor.render.families import safe
from necism_monitor.render.last_good import Sight

# Templates are parts of the program: Jinja reads them with this module, as Python reads its code.
_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("necism_monitor", "render/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["safe_text"] = safe
_PAGE: Final = _ENVIRONMENT.get_template("page.html")
_STYLE: Final = _ENVIRONMENT.get_template("page.css").render()
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class PageProgram(NamedTuple):
    """What the page says of the exporter."""

    version: str
    telemetry_path: str
    reloaded: bool


class _Pair(NamedTuple):
    """A row of the table of pairs."""

    lv: str
    sv: str
    bv: str
    link: str
    access: str
    state: str
    taken: str
    age: str
    status: str
    findings: tuple[Finding, ...]


class _Resource(NamedTuple):
    """A resource with its table."""

    name: str
    status: str
    age: str
    max_delay: str
    skew: str
    max_skew: str
    run: str
    findings: tuple[Finding, ...]
    pairs: tuple[_Pair, ...]


class _Array(NamedTuple):
    """A row of the table of arrays."""

    name: str
    up: bool
    read: str
    took: str
    findings: tuple[Finding, ...]


def render_page(sight: Sight, program: PageProgram, now: float) -> str:
    """The document; every text from outside is escaped."""
    verdicts = sight.verdicts
    return _PAGE.render(
        style=Markup(_STYLE),  # noqa: S704 - our own file, named by its hash in the policy
        program=program,
        status=verdicts.status.value,
        now=_date(now),
        arrays=[_array(sight, one) for one in verdicts.arrays],
        services=[_service(sight, one, now) for one in verdicts.services],
    )


def _array(sight: Sight, array: ArrayVerdict) -> _Array:
    kept = sight.readings.get(array.name)
    return _Array(
        array.name,
        array.up,
        _date(kept.ended_at if kept else None),
        _seconds(kept.duration if kept else None),
        array.findings,
    )


def _service(sight: Sight, service: ServiceVerdict, now: float) -> tuple[str, str, list[_Resource]]:
    return service.name, service.status.value, [_resource(sight, one, now) for one in service.resources]


def _resource(sight: Sight, one: ResourceVerdict, now: float) -> _Resource:
    return _Resource(
        name=one.resource.name,
        status=one.status.value,
        age=_span(one.age(now)),
        max_delay=_span(one.resource.limits.max_delay),
        skew=_span(one.skew),
        max_skew=_span(one.resource.limits.max_skew),
        run=_run(one.run, now) if one.run else "",
        findings=one.findings,
        pairs=tuple(_pair(sight, one, pair, now) for pair in one.pairs),
    )


def _pair(sight: Sight, one: ResourceVerdict, pair: PairVerdict, now: float) -> _Pair:
    kept = sight.kept(one.resource, pair.pair)
    taken = pair.snapshot_time.earliest if pair.snapshot_time else None
    shown = _date(taken)
    if taken is None and kept is not None and kept.taken is not None:
        shown = f"last known: {_date(kept.taken)}"
    link = pair.link.value if pair.linked_to in {None, pair.sv} else f"{pair.link.value}: {pair.linked_to}"
    return _Pair(
        lv=pair.pair.lv,
        sv=pair.sv,
        bv=pair.bv or "-",
        link=link,
        access=pair.access or "-",
        state=pair.snapshot_state.value,
        taken=shown,
        age=_span(pair.age(now)),
        status=pair.status.value,
        findings=pair.findings,
    )


def _run(run: OpenRun, now: float) -> str:
    text = (
        f"run {run.id} is {run.state.value}: {run.owner}, since {_date(run.started_at)} ({_span(now - run.started_at)})"
    )
    return f"{text}, {run.step}" if run.step else text


def _date(when: float | None) -> str:
    try:
        return "-" if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{when} s"


def _span(seconds: float | None) -> str:
    """Two units; seconds are left out where hours are shown."""
    if seconds is None:
        return "-"
    return format_duration(round(seconds / 60) * 60 if seconds >= HOUR else seconds, parts=2)


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
