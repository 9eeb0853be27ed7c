"""What the array does: when a change is refused, how it begins, what it leaves, and what lands later.

Only the success messages and the five busy ids are on record. The ids of refusals (iSM199nn) are this simulator's own.
"""

from __future__ import annotations

from necism_monitor.simulator import clock
from necism_monitor.simulator.rules import is_transitional

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import Change, Effect, Pending, SnapshotVolume, World

BUSY_IDS = ("iSM31005", "iSM31015", "iSM42408", "iSM42412", "iSM19411")  # a vendor-written driver retries these
UNSUPPORTED = "iSM19901"
NO_SUCH_VOLUME = "iSM19902"
WRONG_STATE = "iSM19903"
LINKED = "iSM19904"
GUARDED = "iSM19905"
OTHER_BASE = "iSM19906"
NO_VOLUME_LIST = "iSM19907"
NO_SERVICE = "iSM19910"


class Refused(Exception):
    """The array refuses: a message id and its text."""

    def __init__(self, message_id: str, text: str) -> None:
        super().__init__(f"{message_id}: {text}")
        self.message_id = message_id
        self.text = text


def check_change(world: World, change: Change) -> None:
    """Raise Refused unless the array accepts this change now."""
    if change["verb"] == "create":
        _check_create(world, change)
    elif change["verb"] == "unlink":
        _check_unlink(world, change)
    else:
        _check_link(world, change)


def base_of(world: World, change: Change) -> str:
    """The name of the base volume a change works on; raises Refused for unknown names."""
    if change["verb"] == "create":
        return _known(world, "bvs", change["bv"])
    return world["lvs"][_known(world, "lvs", change["lv"])]["bv"]


def begin(world: World, change: Change) -> None:
    """The start of an accepted change: a create discards the old image at once (the instant is taken at its end)."""
    if change["verb"] == "create":
        sv = world["svs"][change["sv"]]
        sv["state"] = world["options"]["creating_word"]
        sv["created"] = sv["date_text"] = None
        sv["size"] = "-"


def describe(world: World, change: Change, host_time: float) -> Effect:
    """What a change would do if it landed at `host_time`, as the call log tells it."""
    if change["verb"] == "create":
        stamp = clock.render(world, clock.array_time(world, host_time))
        return {"create": {"bv": change["bv"], "sv": change["sv"], "stamp": stamp}}
    if change["verb"] == "unlink":
        return {"unlink": {"lv": change["lv"], "sv": world["lvs"][change["lv"]]["shows"] or ""}}
    return {"link": {"lv": change["lv"], "sv": change["sv"], "access": change["access"]}}


def finish(world: World, change: Change, host_time: float) -> Effect:
    """The end of an accepted change at `host_time`; returns what it did."""
    effect = describe(world, change, host_time)
    if change["verb"] == "create":
        _renew(world, change, host_time)
        return effect
    lv = world["lvs"][change["lv"]]
    _forget_word(world, lv["shows"] or change["sv"])
    lv["link_word"] = None
    lv["shows"] = change["sv"] or None
    if change["verb"] == "link":
        lv["access"] = change["access"]
    return effect


def settle(world: World, host_time: float) -> list[tuple[str, Effect | None, str]]:
    """Land every effect that is due, oldest first: (call id, effect or None, why it was dropped)."""
    due = sorted((entry for entry in world["pending"] if entry["due"] <= host_time), key=lambda entry: entry["due"])
    landed = []
    for entry in due:
        world["pending"].remove(entry)
        landed.append(_land(world, entry))
    return landed


def _land(world: World, entry: Pending) -> tuple[str, Effect | None, str]:
    change = entry["change"]
    if not entry["begun"]:
        # A late effect meets the world as it is then: what the array would refuse by now is lost.
        try:
            check_change(world, change)
        except Refused as refusal:
            return entry["call"], None, str(refusal)
        begin(world, change)
    return entry["call"], finish(world, change, entry["due"]), ""


def _renew(world: World, change: Change, host_time: float) -> None:
    name = change["sv"]
    image = world["svs"][name]
    image["state"], image["attribute"], image["operation"] = "snap/active", "normal", "Create"
    image["created"], image["date_text"] = clock.array_time(world, host_time), None
    image["processing_size"], image["size"] = "-", "0.0GB"
    family = [(sv["generation"], other) for other, sv in world["svs"].items() if sv["bv"] == change["bv"]]
    older = [other for _, other in sorted(family, reverse=True) if other != name]
    for age, other in enumerate([name, *older], start=1):
        world["svs"][other]["generation"] = -age


def _forget_word(world: World, name: str) -> None:
    if name in world["svs"]:
        world["svs"][name]["link_word"] = None


def _known(world: World, kind: str, name: str) -> str:
    words = {"bvs": "base volume", "svs": "snapshot volume", "lvs": "link volume"}
    if name not in world[kind]:  # type: ignore[literal-required]  # the three keys above
        raise Refused(NO_SUCH_VOLUME, f"the specified {words[kind]} does not exist.({name})")
    return name


def _check_idle(world: World, base: str) -> None:
    for entry in world["pending"]:
        if entry["begun"] and base_of(world, entry["change"]) == base:
            raise Refused(BUSY_IDS[0], f"another operation is being executed on the base volume.({base})")


def _check_create(world: World, change: Change) -> None:
    base, name = _known(world, "bvs", change["bv"]), _known(world, "svs", change["sv"])
    sv = world["svs"][name]
    if sv["bv"] != base:
        raise Refused(OTHER_BASE, f"the snapshot volume does not belong to the base volume.({name}, {base})")
    _check_idle(world, base)
    _check_settled(world, base)
    if world["bvs"][base]["state"] != "normal":
        raise Refused(WRONG_STATE, f"the state of the base volume is not normal.({base})")
    if sv["guard"] not in ("off", "-", ""):
        raise Refused(GUARDED, f"the snapshot volume is guarded.({name})")
    if world["options"]["create_under_link"] == "refuse" and shown_by(world, name):
        raise Refused(LINKED, f"the snapshot volume is linked.({name})")


def _check_settled(world: World, base: str) -> None:
    for name, sv in world["svs"].items():
        if sv["bv"] == base and is_transitional(sv["state"]):
            raise Refused(BUSY_IDS[0], f"a snapshot volume of the base volume is changing.({name} {sv['state']})")


def _check_unlink(world: World, change: Change) -> None:
    _check_idle(world, base_of(world, change))
    if world["lvs"][change["lv"]]["shows"] is None:
        raise Refused(WRONG_STATE, f"the link volume is not linked.({change['lv']})")


def _check_link(world: World, change: Change) -> None:
    base, sv = base_of(world, change), world["svs"][_known(world, "svs", change["sv"])]
    if sv["bv"] != base:
        raise Refused(OTHER_BASE, f"the volumes belong to different base volumes.({change['lv']}, {change['sv']})")
    _check_idle(world, base)
    if world["lvs"][change["lv"]]["shows"] is not None:
        raise Refused(LINKED, f"the link volume is already linked.({change['lv']})")
    if sv["state"] != "snap/active":
        raise Refused(WRONG_STATE, f"the snapshot volume has no usable image.({change['sv']} {sv['state']})")
    if not world["options"]["several_lvs"] and shown_by(world, change["sv"]):
        raise Refused(LINKED, f"the snapshot volume is already linked.({change['sv']})")


def shown_by(world: World, sv: str) -> list[str]:
    """The LVs that show this SV, in the world's order."""
    return [name for name, lv in world["lvs"].items() if lv["shows"] == sv]


def date_text(world: World, sv: SnapshotVolume) -> str:
    """The date of an SV in its brackets, as the screens print it; empty when there is none."""
    if sv["date_text"] is not None:
        return sv["date_text"]
    return "" if sv["created"] is None else f"[{clock.render(world, sv['created'])}]"
