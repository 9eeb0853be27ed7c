"""Alertmanager's webhook payload, version 4: from what it tells of alerts to requests for resyncs.  Pure.

Whoever writes a payload is not believed: of an alert count its status, the one label that the configuration names, and
what tells this occurrence from the next.  Which selector a label's value stands for is the configuration's to say.
New fields come without a new version, so what is not needed is not looked at.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.rejections import Rejection
from necism_monitor.domain.request import Request, asked

TRIGGER: Final = "alertmanager"
VERSION: Final = "4"
DEPTH: Final = 20
"""Levels of lists and objects; a payload has four."""
ALERTS: Final = 1000
"""In one payload: more of them are no alerts about snapshot sets."""
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A text, also one without end, or a bracket."""


class Unusable(Exception):
    """A payload of which nothing is used; `reason` says which rule it breaks, the text how."""

    def __init__(self, reason: Rejection, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Alert(NamedTuple):
    """One alert, as far as it matters here."""

    firing: bool
    labels: Mapping[str, str]
    key: str
    """Fingerprint (of its labels) and beginning: the same for every delivery of one occurrence."""


class Wanted(NamedTuple):
    """What a payload asks for, each thing once, and how many of its alerts ask for nothing, by reason."""

    requests: tuple[Request, ...]
    left_out: Mapping[Rejection, int]


def read_payload(body: bytes) -> tuple[Alert, ...]:
    """The alerts of a payload.  Raises Unusable; one that was cut short by `max_alerts` is not used at all."""
    content = _parse(body)
    version = content.get("version")
    if version != VERSION:
        raise Unusable(Rejection.VERSION, f"version {version!r:.40}, not {VERSION!r}")
    cut = content.get("truncatedAlerts", 0)
    if type(cut) is not int or cut < 0:
        raise Unusable(Rejection.MALFORMED, f"truncatedAlerts is {cut!r:.40}")
    if cut:
        raise Unusable(Rejection.TRUNCATED, f"{cut} alerts were left out of it: set max_alerts to 0")
    alerts = content.get("alerts")
    if not isinstance(alerts, list) or len(alerts) > ALERTS:
        raise Unusable(Rejection.MALFORMED, f"alerts is no list of at most {ALERTS}")
    return tuple(_alert(one, place) for place, one in enumerate(alerts))


def sort_out(alerts: Iterable[Alert], label: str | None, chart: Iterable[tuple[str, str]]) -> Wanted:
    """What is asked for, by the label whose values `chart` maps to selectors; one value may stand for several."""
    selectors: dict[str, list[str]] = {}
    for word, selector in chart:
        selectors.setdefault(word, []).append(selector)
    found: dict[Request, None] = {}
    left_out: Counter[Rejection] = Counter()
    for alert in alerts:
        value = None if label is None else alert.labels.get(label)
        if not alert.firing:
            left_out[Rejection.RESOLVED] += 1
        elif value is None:
            left_out[Rejection.UNLABELLED] += 1
        elif value not in selectors:
            left_out[Rejection.UNMAPPED] += 1
        else:
            found.update(dict.fromkeys(_request(selector, alert.key) for selector in selectors[value]))
    return Wanted(tuple(found), left_out)


def _request(selector: str, key: str) -> Request:
    try:
        return asked(selector, TRIGGER, key)
    except UsageError as error:
        raise Unusable(Rejection.MALFORMED, error.text) from error


def _parse(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8")
        if _is_deep(text):
            raise Unusable(Rejection.MALFORMED, f"nested deeper than {DEPTH} levels")
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(Rejection.MALFORMED, "no JSON in UTF-8, or only a part of it") from error
    if not isinstance(content, dict):
        raise Unusable(Rejection.MALFORMED, "no object")
    return content


def _is_deep(text: str) -> bool:
    """Whether brackets outside of texts are nested too deeply, before anything is built of them."""
    level = 0
    for token in _TOKEN.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if level > DEPTH:
            return True
    return False


def _alert(content: object, place: int) -> Alert:
    match content:
        case {
            "status": "firing" | "resolved" as status,
            "labels": dict() as labels,
            "startsAt": str() as began,
            "fingerprint": str() as fingerprint,
        } if fingerprint and began and all(isinstance(value, str) for value in labels.values()):
            return Alert(status == "firing", labels, f"{fingerprint}@{began}")
        case _:
            raise Unusable(Rejection.MALFORMED, f"alert {place} lacks status, labels, startsAt or fingerprint")
