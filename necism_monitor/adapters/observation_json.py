"""Observations as JSON values and back, field by field; what does not fit raises ValueError, TypeError or KeyError."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.reading import (
    BvScreen,
    Destination,
    Inventory,
    LinkScreen,
    LvRecord,
    Observation,
    SvRecord,
    Unread,
    Volumes,
)

Thing = TypeVar("Thing")
Json = dict[str, Any]

UNREAD_CODES: Final = frozenset({"unreadable", "query-failed", "timed-out", "stale"})
_LATEST: Final = 253_402_300_800.0  # the year 10000, which no calendar of ours can show


def encode_observation(seen: Observation) -> Json:
    """One observation as JSON values."""
    return {
        "array": seen.array,
        "started_at": seen.started_at,
        "ended_at": seen.ended_at,
        "bv_of": _each(seen.bv_of, _encode_name),
        "bvs": _each(seen.bvs, _encode_bv),
        "links": _each(seen.links, _encode_links),
        "inventory": None if seen.inventory is None else _encode_inventory(seen.inventory),
        "commands": dict(seen.commands),
        "wwns": dict(seen.wwns),
        "volumes": encode_volumes(seen.volumes),
        "newer": dict(seen.newer),
    }


def decode_observation(found: Json) -> Observation:
    """The observation that JSON values describe."""
    return Observation(
        array=ArrayName(_text(found["array"])),
        started_at=_time(found["started_at"]),
        ended_at=_time(found["ended_at"]),
        bv_of=_names(found["bv_of"], lambda one: _optional(one, _or_unread(_ld))),
        bvs=_names(found["bvs"], _or_unread(_decode_bv)),
        links=_names(found["links"], _or_unread(_decode_links)),
        inventory=_optional(found["inventory"], _or_unread(_decode_inventory)),
        commands={_text(name): _count(number) for name, number in _object(found["commands"]).items()},
        # A file of an earlier release has none.
        wwns={LdName(_text(lv)): _text(wwn) for lv, wwn in _object(found.get("wwns", {})).items()},
        volumes=decode_volumes(found["volumes"]),
        newer=_names(found.get("newer", {}), _time),
    )


def encode_volumes(volumes: Volumes) -> Json:
    """A volume map as JSON values."""
    return {
        "bv_of": dict(volumes.bv_of),
        "lvs_seen": {bv: sorted(lvs) for bv, lvs in volumes.lvs_seen.items()},
        "arrays": None if volumes.arrays is None else list(volumes.arrays),
        "arrays_at": volumes.arrays_at,
        "moving": dict(volumes.moving),
    }


def decode_volumes(found: Json) -> Volumes:
    """The volume map that JSON values describe."""
    return Volumes(
        bv_of=_names(found["bv_of"], _ld),
        lvs_seen=_names(found["lvs_seen"], lambda lvs: frozenset(map(_ld, _list(lvs)))),
        arrays=_optional(found["arrays"], _texts),
        # A map of an earlier release has neither: the arrays are then asked for again, no grace has begun.
        arrays_at=_optional(found.get("arrays_at"), _time),
        moving=_names(found.get("moving", {}), _time),
    )


def _encode_unread(why: Unread) -> Json:
    body: dict[str, Any] = {"code": why.code, "text": why.text, "hint": why.hint}
    return {"unread": {**body, "not_run": True} if why.not_run else body}


def _decode_unread(found: Json) -> Unread:
    why = _object(found["unread"])
    code = _text(why["code"])
    if code not in UNREAD_CODES:
        raise ValueError(f"{code!r} is no reason for not knowing")
    return Unread(code, _text(why["text"]), _text(why["hint"]), why.get("not_run") is True)


def _or_unread(decode: Callable[[Any], Thing]) -> Callable[[Any], Thing | Unread]:
    return lambda found: _decode_unread(found) if isinstance(found, dict) and "unread" in found else decode(found)


def _encode_name(name: LdName | Unread | None) -> Json | str | None:
    return _encode_unread(name) if isinstance(name, Unread) else name


def _encode_bv(screen: BvScreen | Unread) -> Json:
    if isinstance(screen, Unread):
        return _encode_unread(screen)
    return {
        **screen._asdict(),
        "records": _each(screen.records, _encode_sv),
        "broken": _broken(screen.broken),
        "labels": list(screen.labels),
    }


def _decode_bv(found: Json) -> BvScreen:
    return BvScreen(
        name=_ld(found["name"]),
        os_type=_text(found["os_type"]),
        special_file=_optional(found["special_file"], _text),
        state_word=_text(found["state_word"]),
        records=_names(found["records"], _or_unread(_decode_sv)),
        broken=_optional(found["broken"], _decode_unread),
        labels=_texts(found["labels"]),
    )


def _encode_sv(record: SvRecord | Unread) -> Json:
    if isinstance(record, Unread):
        return _encode_unread(record)
    return {
        **record._asdict(),
        "taken_at": _encode_date(record.taken_at),
        "started_at": _encode_date(record.started_at),
        "lv": None if record.lv is None else record.lv._asdict(),
    }


def _decode_sv(found: Json) -> SvRecord:
    return SvRecord(
        name=_ld(found["name"]),
        os_type=_text(found["os_type"]),
        generation=_optional(found["generation"], _integer),
        attribute=_text(found["attribute"]),
        state_word=_text(found["state_word"]),
        taken_at=_optional(found["taken_at"], _date),
        started_at=_optional(found["started_at"], _date),
        size_bytes=_optional(found["size_bytes"], _count),
        guard_word=_text(found["guard_word"]),
        link_word=_text(found["link_word"]),
        lv=_optional(found["lv"], _decode_lv),
    )


def _decode_lv(found: Json) -> LvRecord:
    special_file = _optional(found["special_file"], _text)
    return LvRecord(_ld(found["name"]), _text(found["os_type"]), special_file, _text(found["access_word"]))


def _encode_links(screen: LinkScreen | Unread) -> Json:
    if isinstance(screen, Unread):
        return _encode_unread(screen)
    rows = {lv: row._asdict() for lv, row in screen.rows.items()}
    return {"rows": rows, "broken": _broken(screen.broken), "labels": list(screen.labels)}


def _decode_links(found: Json) -> LinkScreen:
    rows = _names(found["rows"], _decode_destination)
    return LinkScreen(rows, _optional(found["broken"], _decode_unread), _texts(found["labels"]))


def _decode_destination(found: Json) -> Destination:
    return Destination(
        lv=_ld(found["lv"]),
        os_type=_text(found["os_type"]),
        link_word=_text(found["link_word"]),
        partner=_optional(found["partner"], _ld),
        mode_word=_text(found["mode_word"]),
    )


def _encode_inventory(inventory: Inventory | Unread) -> Json:
    if isinstance(inventory, Unread):
        return _encode_unread(inventory)
    return {"arrays": list(inventory.arrays), "broken": _broken(inventory.broken)}


def _decode_inventory(found: Json) -> Inventory:
    return Inventory(_texts(found["arrays"]), _optional(found["broken"], _decode_unread))


def _broken(why: Unread | None) -> Json | None:
    return None if why is None else _encode_unread(why)


def _each(things: Mapping[LdName, Thing], encode: Callable[[Thing], Any]) -> Json:
    return {name: encode(thing) for name, thing in things.items()}


def _names(found: Any, decode: Callable[[Any], Thing]) -> dict[LdName, Thing]:  # noqa: ANN401 - JSON, judged here
    return {_ld(name): decode(thing) for name, thing in _object(found).items()}


def _optional(found: Any, decode: Callable[[Any], Thing]) -> Thing | None:  # noqa: ANN401 - JSON, judged by `decode`
    return None if found is None else decode(found)


def _object(found: Any) -> Json:  # noqa: ANN401 - JSON, judged here
    if not isinstance(found, dict):
        raise TypeError(f"an object was expected, not {type(found).__name__}")
    return found


def _list(found: Any) -> list[Any]:  # noqa: ANN401 - JSON, judged here
    if not isinstance(found, list):
        raise TypeError(f"a list was expected, not {type(found).__name__}")
    return found


def _text(found: Any) -> str:  # noqa: ANN401 - JSON, judged here
    if not isinstance(found, str):
        raise TypeError(f"a text was expected, not {type(found).__name__}")
    # Half of a surrogate pair passes JSON, and would break whoever prints it: this raises for it.
    found.encode()
    return found


def _texts(found: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON, judged by `_list`
    return tuple(map(_text, _list(found)))


def _ld(found: Any) -> LdName:  # noqa: ANN401 - JSON, judged by `_text`
    return LdName(_text(found))


def _integer(found: Any) -> int:  # noqa: ANN401 - JSON, judged here
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError(f"an integer was expected, not {type(found).__name__}")
    return found


def _count(found: Any) -> int:  # noqa: ANN401 - JSON, judged here
    if (number := _integer(found)) < 0:
        raise ValueError(f"{number} counts nothing")
    return number


def _time(found: Any) -> float:  # noqa: ANN401 - JSON, judged here
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise TypeError(f"a time was expected, not {type(found).__name__}")
    if not (math.isfinite(found) and 0 <= found < _LATEST):
        raise ValueError(f"{found} is no time")
    return float(found)


def _encode_date(date: datetime | None) -> str | None:
    return None if date is None else date.isoformat()


def _date(found: Any) -> datetime:  # noqa: ANN401 - JSON, judged here
    date = datetime.fromisoformat(_text(found))
    if date.tzinfo is not None:
        raise ValueError(f"{found} has a zone: the array prints local times")
    return date
