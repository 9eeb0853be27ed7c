"""The screens of iSMsc_query, iSMsc_linkinfo and the success messages, byte for byte as captured where captured.

Captured: the plain screen, the detail screen, linkinfo of an SV, the messages of unlink, create and link. Inferred:
linkinfo of an LV and of a BV, and everything printed for an LV that is not linked.
"""

from __future__ import annotations

from necism_monitor.simulator import operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import Effect, LinkVolume, SnapshotVolume, Volume, World

BLOCK = 13  # width of the labels in BV Information and in linkinfo
PAIR = 21  # width of the labels in Pair Information
SUCCESS = {"create": "iSM19010", "link": "iSM20020", "unlink": "iSM20030"}  # captured


def plain(world: World, base: str, names: list[str]) -> str:
    """`iSMsc_query` without -detail: the base volume and a line for each of the SVs named."""
    rows = [_row(world, name) for name in names if not world["svs"][name]["unlisted"]]
    return _text([*_base_block(world, base), "", "SV Information", *rows])


def detail(world: World, base: str) -> str:
    """`iSMsc_query -bv .. -detail`: every SV of the base volume, each followed by the LVs that show it."""
    lines = [*_base_block(world, base), "", "Pair Information"]
    for name in snapshots_of(world, base):
        if not world["svs"][name]["unlisted"]:
            lines += _pair(world, name)
    return _text(lines)


def linkinfo(world: World, volume: str) -> str:
    """`iSMsc_linkinfo -vol`: the volume asked for, then all volumes of the other kind under the same BV."""
    lines = ["", "Specified Volume Information"]
    if volume in world["svs"]:
        sv = world["svs"][volume]
        lines += _specified(volume, "SV", sv, sv["special_file"], _link(world, volume), sv["mode"])
        rows = _link_rows(world, sv["bv"])
    elif volume in world["lvs"]:
        lv = world["lvs"][volume]
        lines += _specified(volume, "LV", lv, lv["special_file"], _lv_link(world, lv), _mode(lv))
        rows = _snapshot_rows(world, lv["bv"])
    else:
        base = world["bvs"][volume]
        lines += _specified(volume, "BV", base, base["special_file"], (base["state"], ""), "rw")
        rows = _link_rows(world, volume)
    return _text([*lines, "", "Destination Volume Information", *rows, ""])


def success(world: World, effect: Effect) -> str:
    """What a successful change prints: one line, for create a block behind it, then an empty line."""
    ((verb, facts),) = effect.items()
    line = f"iSMsc_{verb}:Info: {SUCCESS[verb]}: iSMsc_{verb} has normally terminated."
    block = _created(world, facts["bv"], facts["sv"], facts["stamp"]) if verb == "create" else []
    return _text([line, *block, ""])


def snapshots_of(world: World, base: str) -> list[str]:
    """The SVs of a base volume, newest generation first (captured: -1 stands above -2)."""
    family = [name for name, sv in world["svs"].items() if sv["bv"] == base]
    return sorted(family, key=lambda name: world["svs"][name]["generation"], reverse=True)


def fields(volume: Volume, head: str, width: int, rows: list[tuple[str, str]]) -> list[str]:
    """`label : value` lines: the first behind `head`, the others below it, bent as the volume's world says."""
    extra = [(label, value) for label, value in volume["extra"]]
    lines = []
    for label, value in [*rows, *extra]:
        if label not in volume["omit"]:
            shown = "" if label in volume["blank"] else value
            lines.append(f"{head}{label:<{width}}: {shown}".rstrip())
        head = " " * len(head)
    return lines


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _base_block(world: World, name: str) -> list[str]:
    base = world["bvs"][name]
    rows = [
        ("LD Name", name),
        ("Type", base["type"]),
        ("Special File", _special(base["special_file"])),
        ("State", base["state"]),
        ("Reserve Area", base["reserve_area"]),
    ]
    return ["BV Information", *fields(base, "    ", BLOCK, rows)]


def _special(special_file: str | None) -> str:
    return "-" if special_file is None else special_file


def _row(world: World, name: str) -> str:
    sv = world["svs"][name]
    head = f"{sv['type']:>4}:{name:<24}({sv['generation']:3d}) {sv['state']:<13}"
    words = [operations.date_text(world, sv), _link(world, name)[0]]
    return " ".join([head, *(word for word in words if word)]).rstrip()


def _pair(world: World, name: str) -> list[str]:
    sv = world["svs"][name]
    date = operations.date_text(world, sv)
    rows = [
        ("LD Name", name),
        ("Type", sv["type"]),
        ("Generation(Attribute)", f"{sv['generation']}({sv['attribute']})"),
        ("Snap State", f"{sv['state']:<18} {date}" if date else sv["state"]),
        (f"{sv['operation']:<8} Start Time", date.strip("[] ") or "-"),
        ("Processing Data Size", sv["processing_size"]),
        ("Snapshot Data Size", sv["size"]),
        ("SV Guard", sv["guard"]),
        ("LV Link Status", _link(world, name)[0]),
    ]
    lines = fields(sv, "    SV:", PAIR, rows)
    for shower in operations.shown_by(world, name):
        lines += _pair_lv(shower, world["lvs"][shower])
    return lines


def _pair_lv(name: str, lv: LinkVolume) -> list[str]:
    rows = [("LD Name", name), ("Type", lv["type"])]
    if lv["special_file"] is not None:  # captured: an LV that this host does not see has no such line at all
        rows.append(("Special File", lv["special_file"]))
    rows.append(("LV Access", lv["access"]))
    return fields(lv, "    LV:", PAIR, rows)


def _link(world: World, sv: str) -> tuple[str, str]:
    """The link word of an SV and the LV it names."""
    showers = operations.shown_by(world, sv)
    word = world["svs"][sv]["link_word"]
    if showers:
        return ("link" if word is None else word), showers[0]
    return (world["options"]["unlinked_word"] if word is None else word), ""


def _lv_link(world: World, lv: LinkVolume) -> tuple[str, str]:
    shown = lv["shows"] or ""
    usual = "link" if shown else world["options"]["unlinked_word"]
    return (usual if lv["link_word"] is None else lv["link_word"]), shown


def _mode(lv: LinkVolume) -> str:
    return lv["access"] if lv["shows"] else "nr"  # inferred: without an SV behind it an LV is not ready


def _specified(
    name: str, kind: str, volume: Volume, special_file: str | None, link: tuple[str, str], mode: str
) -> list[str]:
    word, partner = link
    rows = [
        ("LD Name", name),
        ("Type", volume["type"]),
        ("Special File", _special(special_file)),
        ("State", f"{word:<6} ({partner})" if partner else word),
        ("Mode", mode),
    ]
    return fields(volume, f"{kind}:", BLOCK, rows)


def _link_rows(world: World, base: str) -> list[str]:
    found = [(name, lv) for name, lv in world["lvs"].items() if lv["bv"] == base]
    return [_destination(world, "LV", name, lv["type"], _lv_link(world, lv), _mode(lv)) for name, lv in found]


def _snapshot_rows(world: World, base: str) -> list[str]:
    names = [name for name in snapshots_of(world, base) if not world["svs"][name]["unlisted"]]
    return [_sv_destination(world, name, world["svs"][name]) for name in names]


def _sv_destination(world: World, name: str, sv: SnapshotVolume) -> str:
    return _destination(world, "SV", name, sv["type"], _link(world, name), sv["mode"])


def _destination(world: World, kind: str, name: str, os_type: str, link: tuple[str, str], mode: str) -> str:
    word, partner = link
    shown = f"({partner})" if partner else world["options"]["unlinked_partner"]
    # The partner's column is 26 wide: a partner of 24 characters leaves no blank before the mode.
    return f"    {kind}:{name:<24} {os_type:>2} {word:<6} {shown:<26}{mode}".rstrip()


def _created(world: World, base: str, name: str, stamp: str) -> list[str]:
    bv, sv = world["bvs"][base], world["svs"][name]
    dated = f"snap/active [{stamp}]" if stamp else world["options"]["creating_word"]
    return [
        f"   BV:{base:<19} {bv['type']}",
        f"      Special File : {_special(bv['special_file'])}",
        f"   SV:{name:<19} {sv['type']}",
        f"      Generation : {sv['generation']}",
        f"      Status     : {dated}",
    ]
