"""The screens of iSMview and iSMcc_view.

Captured: both forms of the array list. `-all` is built from the labels a production parser reads; no capture exists.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import Array, World

POOL = "Pool0000"


def array_list(world: World, *, monitoring: bool) -> str:
    """`-d`: the arrays this host sees; iSMcc_view has no Monitoring column."""
    last = "Monitoring" if monitoring else ""
    rows = [("Product ID", "Disk Array Name", "Resource State", last)]
    for array in (world["array"], *world["also_visible"]):
        shown = array["monitoring"] if monitoring else ""
        rows.append((array["product_id"], array["name"], array["resource_state"], shown))
    lines = [f"{product:<18}{name:<34}{state:<16}{watch}".rstrip() for product, name, state, watch in rows]
    return "\n".join(["", "--- Disk Array List ---", *lines, "", ""])


def everything(world: World) -> str:
    """`-all ARRAY`: the array's own fields, its logical disks and its pool."""
    sections = [_array_section(world["array"]), ["--- LD Detail Information ---", *_disks(world)], _pool_section()]
    return "\n".join("\n".join([*section, ""]) for section in sections)


def _array_section(array: Array) -> list[str]:
    pairs = [
        ("Vendor ID", array["vendor_id"]),
        ("Product ID", array["product_id"]),
        ("Product FW Revision", array["firmware"]),
        ("World Wide Name", array["world_wide_name"]),
        *(("WWPN", port) for port in array["wwpn"]),
        ("Cache Module #00", "8GB"),
    ]
    return ["--- Disk Array Detail Information ---", *_labels(pairs)]


def _disks(world: World) -> list[str]:
    lines: list[str] = []
    for name, volume in (*world["bvs"].items(), *world["svs"].items(), *world["lvs"].items()):
        pairs = [
            ("LDN(h)", f"{volume['ldn']:04x}"),
            ("LD Name", name),
            ("LD Capacity", volume["capacity"]),
            ("Pool Name", POOL),
            ("RaidType", "RAID6"),
        ]
        lines += [*_labels(pairs), ""]
    return lines


def _pool_section() -> list[str]:
    pairs = [
        ("Pool Name", POOL),
        ("Pool Capacity", "10240.0GB"),
        ("Used Pool Capacity", "4096.0GB"),
        ("Free Pool Capacity", "6144.0GB"),
    ]
    return ["--- Pool Detail Information ---", *_labels(pairs)]


def _labels(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"{label:<20}: {value}".rstrip() for label, value in pairs]
