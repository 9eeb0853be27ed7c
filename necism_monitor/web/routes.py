"""What the HTTP faces have in common: the paths of their signs of life, and headers of every answer.

It stands by itself: the webhook needs nothing else of the exporter, and does not load what draws the page.
"""

from __future__ import annotations

from typing import Final

HEALTH_PATH: Final = "/-/healthy"
READY_PATH: Final = "/-/ready"
EVERYWHERE: Final = {"x-content-type-options": "nosniff", "cache-control": "no-store", "referrer-policy": "no-referrer"}
"""Headers."""
