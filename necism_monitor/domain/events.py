"""What a run is made of: its steps, the facts a reading proves, its plan, and the events that tell what happened.

Facts are what the array proved: an LV shows an SV, or is detached, or nobody knows (None); an SV is active with a
date, moving, or useless as a link target, or nobody knows (None).
"""

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from necism_monitor.domain.model import Order
from necism_monitor.domain.names import LdName


class Observe(NamedTuple):
    """Read every fact about one BV."""

    bv: LdName


class Unlink(NamedTuple):
    """Detach `lv`, which shows `sv`."""

    bv: LdName
    lv: LdName
    sv: LdName


class Create(NamedTuple):
    """Take a new image of `bv` in `sv`; the old image is lost."""

    bv: LdName
    sv: LdName


class Link(NamedTuple):
    """Show `sv` through `lv`; `access` is None for the plain form, else `rw` or `ro` said aloud."""

    bv: LdName
    lv: LdName
    sv: LdName
    access: str | None


NOWHERE: Final = cast("LdName", "")
"""The BV of a step that belongs to none."""
PRE: Final = "pre_resync"
GATE: Final = "in_use"
POST: Final = "post_resync"


class Hook(NamedTuple):
    """Do on hosts what the configuration says: `pre_resync`, the gate `in_use`, or `post_resync`."""

    name: str

    @property
    def bv(self) -> LdName:
        """It belongs to no BV."""
        return NOWHERE


Change = Unlink | Create | Link
Step = Observe | Hook | Change


class Detached(enum.Enum):
    """The LV shows nothing."""

    DETACHED = "-"


DETACHED: Final = Detached.DETACHED


class Kind(enum.Enum):
    """What an SV is good for."""

    ACTIVE = "active"
    MOVING = "moving"
    USELESS = "useless"


class SvFact(NamedTuple):
    """What a reading, or a create's own word, proved of an SV; `stamp` is the date as the array printed it."""

    kind: Kind
    stamp: str | None = None
    word: str = ""


LvFact = LdName | Detached | None


class PlannedPair(NamedTuple):
    """One pair as the run will treat it."""

    lv: LdName
    bv: LdName
    target: LdName
    previous: LdName | None
    """The SV shown when the run began; None = detached."""
    access: str
    """The access the LV is to have: rw or ro."""
    stamp: str | None
    """The date of the target's image before the run."""
    special_file: str | None = None
    """The LV's device on this host before the run, as the array's commands name it."""
    wwn: str | None = None
    """What this host read from that device before the run."""


class Plan(NamedTuple):
    """What a run is going to do."""

    pairs: tuple[PlannedPair, ...]
    order: Order
    parallel: int
    hooks: tuple[str, ...] = ()
    """Those of PRE, GATE and POST that this run has."""
    create_first: bool = False
    """Every pair has alternatives: the creates come before PRE and GATE, because nobody is disturbed by them."""

    @property
    def bvs(self) -> tuple[LdName, ...]:
        """The base volumes, in the order of their first pair."""
        return tuple(dict.fromkeys(pair.bv for pair in self.pairs))


class Row(NamedTuple):
    """What a reading says about one planned pair."""

    lv: LdName
    shown: LvFact
    access: str
    target: SvFact | None
    previous: SvFact | None
    device: str | None = None
    """The special file of the LV on this host."""
    wwn: str | None = None
    """What this host reads from that device."""


class Done(NamedTuple):
    """`step` had its effect, by its own word; `stamp` is a create's date."""

    step: Change | Hook
    stamp: str | None = None


class Began(NamedTuple):
    """`step` is about to be sent."""

    step: Step


class NotDone(NamedTuple):
    """`step` certainly had no effect, or a hook failed; `busy`: the array was busy and it may be sent again."""

    step: Change | Hook
    why: str
    busy: bool = False


class Unclear(NamedTuple):
    """Nobody knows whether `step` had an effect; not `landed`: it may still have one."""

    step: Step
    why: str
    landed: bool = True


class Seen(NamedTuple):
    """A reading of `bv` that proves `rows`; `more` readings' rows follow."""

    bv: LdName
    rows: tuple[Row, ...]
    more: bool = False


class GaveUp(NamedTuple):
    """Waiting for `bv`, or retrying the link of `lv`, ended at its bound."""

    bv: LdName
    lv: LdName | None
    why: str


class TurnBack(NamedTuple):
    """No further create; every LV is to be linked again."""

    why: str


class Recovering(NamedTuple):
    """Another process goes on: nothing remembered is trusted, nothing more is created."""

    why: str
    owner: Mapping[str, object] | None = None
    """Host, boot id, pid and start time of that process."""
    deadline: float = 0.0
    """Seconds since the epoch."""


class Closed(NamedTuple):
    """The run is over."""

    exit: int
    images: str
    text: str


Event = Began | Done | NotDone | Unclear | Seen | GaveUp | TurnBack | Recovering | Closed
