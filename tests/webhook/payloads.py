"""Payloads as Alertmanager sends them: the shape was captured from Alertmanager 0.25 (webhook version 4)."""

from __future__ import annotations

import json
from typing import Any

STARTED = "2026-11-20T04:00:00.123Z"
NEVER = "0001-01-01T00:00:00Z"


def alert(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """One alert that fires."""
    whole: dict[str, Any] = {
        "status": "firing",
        "labels": {"alertname": "NecismImageTooOld", "service": "erp", "resource": "sync#1", "severity": "warning"},
        "annotations": {"summary": "A snapshot set is too old."},
        "startsAt": STARTED,
        "endsAt": NEVER,
        "generatorURL": "http://prometheus/graph?g0.expr=1",
        "fingerprint": f"{number:016x}",
    }
    return {**whole, **changes}


def payload(*alerts: dict[str, Any], **changes: Any) -> bytes:  # noqa: ANN401 - JSON values
    """A delivery of these alerts."""
    whole: dict[str, Any] = {
        "receiver": "necism",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"service": "erp"},
        "commonLabels": {"severity": "warning"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "version": "4",
        "groupKey": '{}:{service="erp"}',
        "truncatedAlerts": 0,
    }
    return json.dumps({**whole, **changes}).encode()
