"""Why a delivery to the webhook, or an alert in it, asks for nothing."""

from __future__ import annotations

import enum


class Rejection(enum.Enum):
    """A reason; label values of `necism_requests_rejected_total`."""

    UNAUTHORIZED = "unauthorized"
    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    MALFORMED = "malformed"
    VERSION = "version"
    TRUNCATED = "truncated"
    RESOLVED = "resolved"
    UNLABELLED = "unlabelled"
    UNMAPPED = "unmapped"
    NOT_RECORDED = "not-recorded"
