"""The shapes of a simulated array's files, for the type checker only.

Nothing here is imported when a simulated command runs: its start would pay for it on every call.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Array(TypedDict):
    """What the array says of itself in iSMview; `name` is the Disk Array Name."""

    name: str
    product_id: str
    vendor_id: str
    firmware: str
    world_wide_name: str
    wwpn: list[str]
    resource_state: str
    monitoring: str


class OtherArray(TypedDict):
    """Another array that `iSMview -d` of the same host lists."""

    name: str
    product_id: str
    resource_state: str
    monitoring: str


class Jump(TypedDict):
    """A step of the array's clock: `shift` seconds, once `after` seconds of real time have passed since creation."""

    after: float
    shift: float


class Clock(TypedDict):
    """The array's clock: host time plus `offset` seconds plus jumps, printed in `zone` (`host` or an IANA name)."""

    offset: float
    zone: str
    jumps: list[Jump]
    start: float


class Options(TypedDict):
    """Behaviour nobody has documented, chosen per world."""

    create_under_link: str
    stall_linkinfo: bool
    several_lvs: bool
    real_devices: bool
    creating_word: str
    unlinked_word: str
    unlinked_partner: str


class Volume(TypedDict):
    """What every logical disk has; `omit`, `blank` and `extra` bend its blocks on the screens."""

    type: str
    ldn: int
    capacity: str
    omit: list[str]
    blank: list[str]
    extra: list[list[str]]


class BaseVolume(Volume):
    """A BV. `special_file`: null prints as `-`."""

    special_file: str | None
    state: str
    reserve_area: str


class SnapshotVolume(Volume):
    """An SV. `created` is its stamp in seconds on the array's clock, `date_text` overrides the printed date."""

    bv: str
    generation: int
    attribute: str
    state: str
    created: float | None
    date_text: str | None
    operation: str
    processing_size: str
    size: str
    guard: str
    special_file: str
    mode: str
    link_word: str | None
    unlisted: bool


class LinkVolume(Volume):
    """An LV. `shows` names the SV it is linked to; `special_file` null means not visible on this host."""

    bv: str
    special_file: str | None
    access: str
    shows: str | None
    link_word: str | None


class Change(TypedDict):
    """One asked-for change; fields that the verb does not need are empty."""

    verb: str
    bv: str
    sv: str
    lv: str
    access: str


Effect = dict[str, dict[str, str]]


class Pending(TypedDict):
    """An effect that lands at `due` (host time). `begun`: accepted, and its base volume is busy until then."""

    call: str
    due: float
    begun: bool
    change: Change


Fault = dict[str, Any]


class World(TypedDict):
    """One array as one host sees it: the content of world.json."""

    format: int
    array: Array
    also_visible: list[OtherArray]
    clock: Clock
    latency: float
    warm: bool
    volume_list: bool
    service: bool
    options: Options
    counts: dict[str, int]
    bvs: dict[str, BaseVolume]
    svs: dict[str, SnapshotVolume]
    lvs: dict[str, LinkVolume]
    faults: list[Fault]
    pending: list[Pending]


class Call(TypedDict):
    """One command as the call log tells it; times in seconds since 1970, `applied` is the effect on the array."""

    call: str
    pid: int
    argv: list[str]
    effect_class: str
    exit: int | None
    applied: Effect | None
    started: float
    ended: float | None
    landed: float | None
    nominal: float | None
    why: NotRequired[str]
