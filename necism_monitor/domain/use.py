"""Whether a host uses an LV: free, in use with its evidence, or not known."""

import enum
from typing import NamedTuple


class UseState(enum.Enum):
    """What was found out about one LV on this host."""

    FREE = "free"
    """Its device was found, opened exclusively, and nothing holds it."""
    IN_USE = "in use"
    UNKNOWN = "unknown"
    """It is not visible here, or could not be asked: never read as free."""


class Use(NamedTuple):
    """How one LV is used on this host, and the evidence for people."""

    state: UseState
    text: str
