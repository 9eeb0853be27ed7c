"""The vendor's words, once, with their classification.

Every judged field has an enum of the words somebody has decided about.  Any other word classifies as UNKNOWN and
becomes the finding `unexpected-state`: the list is an allow-list and only exactly `snap/active` is healthy.
Sites may add words nobody has recorded yet (`words` of an `[array]` section), never to `active` or `linked`.
"""

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple


class SnapshotState(enum.Enum):
    """What an SV holds; the values are the public vocabulary of JSON and metrics."""

    ACTIVE = "active"
    CHANGING = "changing"
    RESTORING = "restoring"
    FAULT = "fault"
    EMPTY = "empty"
    MISSING = "missing"
    UNKNOWN = "unknown"


class LinkState(enum.Enum):
    """How an LV stands to its pair's SV; the values are the public vocabulary of JSON and metrics."""

    LINKED = "linked"
    DETACHED = "detached"
    WRONG = "wrong"
    MISSING = "missing"
    UNKNOWN = "unknown"


class BvState(enum.Enum):
    """The state of a base volume."""

    NORMAL = "normal"
    FAULT = "fault"
    UNKNOWN = "unknown"


class Protection(enum.Enum):
    """The protection flag of an SV: a guarded SV is never re-created."""

    OFF = "off"
    ON = "on"
    UNKNOWN = "unknown"


class Access(enum.Enum):
    """What a host may do with an LV.  Only `rw` and `ro` are ever sent."""

    RW = "rw"
    RO = "ro"
    NR = "nr"
    NA = "na"
    UNKNOWN = "unknown"


class SnapWord(enum.Enum):
    """Words of `Snap State`: captured, or seen in the vendor's OpenStack driver and its test fixture."""

    ACTIVE = "snap/active"
    DELETING = "snap/deleting"
    RESTORE = "rst/exec"
    FAULT = "snap/fault"
    BLANK = ""
    DASH = "-"


class LinkWord(enum.Enum):
    """Words of `LV Link Status` and linkinfo rows: `link` is captured, the words of "not linked" are inferred."""

    LINK = "link"
    UNLINK = "unlink"
    BLANK = ""
    DASH = "-"


class BvWord(enum.Enum):
    """Words of a BV's `State`: `normal` is captured, `fault` is inferred from the vendor's other families."""

    NORMAL = "normal"
    FAULT = "fault"


class GuardWord(enum.Enum):
    """Words of `SV Protection`: `off` is captured, `on` is inferred."""

    OFF = "off"
    ON = "on"


class AccessWord(enum.Enum):
    """Words of `LV Access` and of `Mode`: `rw` and `nr` are captured, `ro` is an option seen, `na` is inferred."""

    RW = "rw"
    RO = "ro"
    NR = "nr"
    NA = "na"


SNAP_CLASS: Final[Mapping[SnapWord, SnapshotState]] = {
    SnapWord.ACTIVE: SnapshotState.ACTIVE,
    SnapWord.DELETING: SnapshotState.CHANGING,
    SnapWord.RESTORE: SnapshotState.RESTORING,
    SnapWord.FAULT: SnapshotState.FAULT,
    SnapWord.BLANK: SnapshotState.EMPTY,
    SnapWord.DASH: SnapshotState.EMPTY,
}
LINK_CLASS: Final[Mapping[LinkWord, LinkState]] = {
    LinkWord.LINK: LinkState.LINKED,
    LinkWord.UNLINK: LinkState.DETACHED,
    LinkWord.BLANK: LinkState.DETACHED,
    LinkWord.DASH: LinkState.DETACHED,
}
BV_CLASS: Final[Mapping[BvWord, BvState]] = {BvWord.NORMAL: BvState.NORMAL, BvWord.FAULT: BvState.FAULT}
GUARD_CLASS: Final[Mapping[GuardWord, Protection]] = {GuardWord.OFF: Protection.OFF, GuardWord.ON: Protection.ON}
ACCESS_CLASS: Final[Mapping[AccessWord, Access]] = {
    AccessWord.RW: Access.RW,
    AccessWord.RO: Access.RO,
    AccessWord.NR: Access.NR,
    AccessWord.NA: Access.NA,
}


class Words(NamedTuple):
    """Extra words of one array, decided by its administrator; keys are the vendor's words, exactly as on the screen."""

    snap: tuple[tuple[str, SnapshotState], ...] = ()
    link: tuple[tuple[str, LinkState], ...] = ()
    bv: tuple[tuple[str, BvState], ...] = ()


WORD_CLASSES: Final[Mapping[str, SnapshotState | LinkState | BvState]] = {
    "changing": SnapshotState.CHANGING,
    "restoring": SnapshotState.RESTORING,
    "fault": SnapshotState.FAULT,
    "empty": SnapshotState.EMPTY,
    "detached": LinkState.DETACHED,
    "normal": BvState.NORMAL,
}
"""The classes that `words` may name.  `active` and `linked` are missing on purpose: no word is declared healthy."""


def classify_snap(word: str, words: Words, *, dated: bool) -> SnapshotState:
    """Classify a `Snap State` word; blank and `-` are empty only without a date, `rst/...ing` is a restore."""
    known = SNAP_CLASS.get(SnapWord(word)) if word in _SNAP_WORDS else dict(words.snap).get(word)
    if known is SnapshotState.EMPTY and dated:
        return SnapshotState.UNKNOWN
    if known is not None:
        return known
    # A host driver that worked with real arrays waits for any state that ends in "ing".
    if word.endswith("ing"):
        return SnapshotState.RESTORING if word.startswith("rst/") else SnapshotState.CHANGING
    return SnapshotState.UNKNOWN


def classify_link(word: str, words: Words) -> LinkState:
    """Classify a link word: LINKED (its partner must still be compared), DETACHED or UNKNOWN."""
    if word in _LINK_WORDS:
        return LINK_CLASS[LinkWord(word)]
    return dict(words.link).get(word, LinkState.UNKNOWN)


def classify_bv(word: str, words: Words) -> BvState:
    """Classify a BV's state by the word before `(`: the vendor appends a reason in brackets elsewhere (inferred)."""
    plain = word.partition("(")[0].strip()
    if plain in _BV_WORDS:
        return BV_CLASS[BvWord(plain)]
    return dict(words.bv).get(plain, BvState.UNKNOWN)


def classify_guard(word: str) -> Protection:
    """Classify `SV Protection`."""
    return GUARD_CLASS[GuardWord(word)] if word in _GUARD_WORDS else Protection.UNKNOWN


def classify_access(word: str) -> Access:
    """Classify `LV Access`."""
    return ACCESS_CLASS[AccessWord(word)] if word in _ACCESS_WORDS else Access.UNKNOWN


_SNAP_WORDS = frozenset(word.value for word in SnapWord)
_LINK_WORDS = frozenset(word.value for word in LinkWord)
_BV_WORDS = frozenset(word.value for word in BvWord)
_GUARD_WORDS = frozenset(word.value for word in GuardWord)
_ACCESS_WORDS = frozenset(word.value for word in AccessWord)
