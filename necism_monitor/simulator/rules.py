"""Which worlds are impossible: a simulated array that no real one could be proves nothing, so it is refused."""

from __future__ import annotations

from necism_monitor.simulator import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import LinkVolume, SnapshotVolume, Volume, World

LD_NAME_MAX = 24  # manual: a logical disk's name
ARRAY_NAME_MAX = 32  # manual: an array's name
PRODUCT_ID_MAX = 17  # captured: the column is 18 wide, one of them a blank
LDN_MAX = 0xFFFF
EMPTY_WORDS = ("", "-")
CREATE_UNDER_LINK = ("refuse", "refresh")


class ImpossibleWorld(ValueError):
    """A world no array could be in; the message names every impossibility, one a line."""


def check(world: World) -> None:
    """Raise ImpossibleWorld unless this world could be an array's."""
    problems = [
        *_array_problems(world),
        *_clock_problems(world),
        *_name_problems(world),
        *_number_problems(world),
        *_option_problems(world),
    ]
    for name, sv in world["svs"].items():
        problems += _snapshot_problems(world, name, sv)
    for name, lv in world["lvs"].items():
        problems += _link_problems(world, name, lv)
    problems += _sharing_problems(world)
    if problems:
        raise ImpossibleWorld("impossible world: " + "\n".join(problems))


def is_transitional(state: str) -> bool:
    """Whether a snap state says that the SV is being changed (seen: snap/deleting, rst/exec)."""
    return state.endswith(("ing", "/exec"))


def _array_problems(world: World) -> list[str]:
    found = []
    for array in (world["array"], *world["also_visible"]):
        if not 0 < len(array["name"]) <= ARRAY_NAME_MAX or " " in array["name"]:
            found.append(f"array name {array['name']!r}: 1 to {ARRAY_NAME_MAX} characters without blanks")
        if len(array["product_id"]) > PRODUCT_ID_MAX:
            found.append(f"product id {array['product_id']!r}: longer than its column of {PRODUCT_ID_MAX} characters")
    names = [world["array"]["name"], *(other["name"] for other in world["also_visible"])]
    if len(set(names)) != len(names):
        found.append(f"two arrays of one name: {', '.join(names)}")
    return found


def _clock_problems(world: World) -> list[str]:
    found = []
    if not clock.zone_exists(world["clock"]["zone"]):
        found.append(f"clock zone {world['clock']['zone']!r}: not a zone this host knows, and not `host`")
    if world["latency"] < 0:
        found.append(f"latency {world['latency']}: a negative factor")
    return found


def _option_problems(world: World) -> list[str]:
    word = world["options"]["create_under_link"]
    if word in CREATE_UNDER_LINK:
        return []
    return [f"option create_under_link {word!r}: one of {', '.join(CREATE_UNDER_LINK)}"]


def _volumes(world: World) -> list[tuple[str, Volume]]:
    return [*world["bvs"].items(), *world["svs"].items(), *world["lvs"].items()]


def _name_problems(world: World) -> list[str]:
    found = []
    seen: set[str] = set()
    for name, volume in _volumes(world):
        if not 0 < len(name) <= LD_NAME_MAX:
            found.append(f"LD name {name!r}: {len(name)} characters, an LD name has 1 to {LD_NAME_MAX}")
        if any(character.isspace() or character in "()" or not character.isprintable() for character in name):
            found.append(f"LD name {name!r}: blanks, parentheses and control characters cannot stand in it")
        if name in seen:
            found.append(f"LD name {name!r}: two logical disks of one array have it")
        seen.add(name)
        found += _word_problems(name, volume)
    return found


def _word_problems(name: str, volume: Volume) -> list[str]:
    return [
        f"{name}: {key} {value!r} would break its line on the screen"
        for key, value in volume.items()
        if isinstance(value, str) and not value.isprintable()
    ]


def _number_problems(world: World) -> list[str]:
    found = []
    owners: dict[int, str] = {}
    for name, volume in _volumes(world):
        number = volume["ldn"]
        if not 0 <= number <= LDN_MAX:
            found.append(f"{name}: LDN {number} is not in 0..{LDN_MAX}")
        elif number in owners:
            found.append(f"{name}: LDN {number:04x} is already that of {owners[number]}")
        owners.setdefault(number, name)
    return found


def _snapshot_problems(world: World, name: str, sv: SnapshotVolume) -> list[str]:
    found = []
    dated = sv["created"] is not None or any(character.isdigit() for character in sv["date_text"] or "")
    if sv["bv"] not in world["bvs"]:
        found.append(f"SV {name}: its BV {sv['bv']!r} does not exist")
    if sv["generation"] >= 0:
        found.append(f"SV {name}: generation {sv['generation']}, the newest image is -1 and others count down")
    if sv["state"] == "snap/active" and not dated:
        found.append(f"SV {name}: snap/active without a date, an image has the instant it was taken at")
    if sv["state"] in EMPTY_WORDS and dated:
        found.append(f"SV {name}: no image (state {sv['state']!r}) but a date")
    for other, rival in world["svs"].items():
        if other < name and (rival["bv"], rival["generation"]) == (sv["bv"], sv["generation"]):
            found.append(f"SV {name}: generation {sv['generation']} of {sv['bv']} is already {other}")
    return found


def _link_problems(world: World, name: str, lv: LinkVolume) -> list[str]:
    found = []
    if lv["bv"] not in world["bvs"]:
        found.append(f"LV {name}: its BV {lv['bv']!r} does not exist")
    shown = lv["shows"]
    if shown is None:
        return found
    if shown not in world["svs"]:
        found.append(f"LV {name}: shows {shown!r}, and there is no such SV")
    elif world["svs"][shown]["bv"] != lv["bv"]:
        found.append(f"LV {name} of {lv['bv']}: linked to {shown}, an SV of another BV ({world['svs'][shown]['bv']})")
    return found


def _sharing_problems(world: World) -> list[str]:
    if world["options"]["several_lvs"]:
        return []
    shown = [lv["shows"] for lv in world["lvs"].values() if lv["shows"] is not None]
    return [
        f"SV {name}: shown by {shown.count(name)} LVs (the option several_lvs allows that)"
        for name in dict.fromkeys(shown)
        if shown.count(name) > 1
    ]
