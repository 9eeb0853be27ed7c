"""Every key of a world with its default: what a scenario may leave out, and what it may say at all."""

from __future__ import annotations

import copy
from typing import Any, cast

from necism_monitor.simulator.shapes import BaseVolume, LinkVolume, SnapshotVolume, World

FORMAT = 1

_VOLUME: dict[str, Any] = {"type": "LX", "ldn": -1, "capacity": "100.0GB", "omit": [], "blank": [], "extra": []}

BASE: dict[str, Any] = {**_VOLUME, "special_file": "-", "state": "normal", "reserve_area": "-"}

SNAPSHOT: dict[str, Any] = {
    **_VOLUME,
    "bv": "",
    "generation": -1,
    "attribute": "normal",
    "state": "snap/active",
    "created": None,
    "date_text": None,
    "operation": "Create",
    "processing_size": "-",
    "size": "1.0GB",
    "guard": "off",
    "special_file": "-",
    "mode": "nr",
    "link_word": None,
    "unlisted": False,
}

LINK: dict[str, Any] = {**_VOLUME, "bv": "", "special_file": None, "access": "rw", "shows": None, "link_word": None}

ARRAY: dict[str, Any] = {
    "name": "D1_10",
    "product_id": "D1-10",
    "vendor_id": "NEC",
    "firmware": "0952",
    "world_wide_name": "2000000000000001",
    "wwpn": ["2100000000000001", "2200000000000001"],
    "resource_state": "ready",
    "monitoring": "running",
}

OTHER_ARRAY: dict[str, Any] = {"name": "", "product_id": "D1-10", "resource_state": "ready", "monitoring": "running"}

CLOCK: dict[str, Any] = {"offset": 0.0, "zone": "host", "jumps": []}

JUMP: dict[str, Any] = {"after": 0.0, "shift": 0.0}

OPTIONS: dict[str, Any] = {
    "create_under_link": "refuse",  # or refresh: nobody has recorded what an array does
    "stall_linkinfo": False,  # linkinfo on an SV that no LV shows takes 181 s at factor 1 (inferred from the log)
    "several_lvs": False,  # several LVs may show one SV
    "real_devices": False,  # special files may be names that exist on this host
    "creating_word": "snap/deleting",  # state of an SV while its image is replaced (the old one goes first: inferred)
    "unlinked_word": "unlink",  # inferred
    "unlinked_partner": "-",  # inferred
}

# Nullable texts: a default of None says nothing about the type.
NULLABLE = {"created": float, "date_text": str, "special_file": str, "shows": str, "link_word": str}


def base_volume(**keys: object) -> BaseVolume:
    """A whole BV from the keys given; for tests that add one to a world (its `ldn` must be given)."""
    return cast("BaseVolume", copy.deepcopy({**BASE, **keys}))


def snapshot_volume(**keys: object) -> SnapshotVolume:
    """A whole SV from the keys given, see base_volume."""
    return cast("SnapshotVolume", copy.deepcopy({**SNAPSHOT, **keys}))


def link_volume(**keys: object) -> LinkVolume:
    """A whole LV from the keys given, see base_volume."""
    return cast("LinkVolume", copy.deepcopy({**LINK, **keys}))


def empty_world(now: float) -> World:
    """A world without volumes, created at host time `now` (seconds since 1970)."""
    world = {
        "format": FORMAT,
        "array": ARRAY,
        "also_visible": [],
        "clock": {**CLOCK, "start": now},
        "latency": 0.0,
        "warm": False,
        "volume_list": True,
        "service": True,
        "options": OPTIONS,
        "counts": {},
        "bvs": {},
        "svs": {},
        "lvs": {},
        "faults": [],
        "pending": [],
    }
    return cast("World", copy.deepcopy(world))
