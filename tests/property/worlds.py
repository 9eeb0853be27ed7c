"""Random arrays and what is configured on them: ordinary ones mostly, and everything odd that an array may show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from necism_monitor.domain.model import (
    AccessPolicy,
    Array,
    Config,
    Limits,
    Listener,
    Order,
    Pair,
    Resource,
    Service,
    Settings,
    Webhook,
)
from necism_monitor.domain.names import ArrayName, LdName, ResourceName, ServiceName
from necism_monitor.simulator.scenario import _Reader
from necism_monitor.simulator.shapes import World

FOLD: Final = datetime(2026, 10, 25, 1, 0, tzinfo=UTC).timestamp()
"""Clocks in Paris and Berlin are put back at this moment: 02:00 to 03:00 local time comes twice."""
MOMENTS: Final = (FOLD - 86400, FOLD + 60, FOLD + 3601, FOLD + 50_000)
ZONES: Final = ("UTC", "Europe/Paris", "America/New_York", "Asia/Tokyo")
AGES: Final = (
    0,
    1,
    59,
    299,
    1799,
    1801,
    3600,
    7200,
    14399,
    14401,
    86400,
    89999,
    90001,
    400_000,
    -60,
    -299,
    -301,
    -9999,
)
STATES: Final = ("snap/deleting", "snap/creating", "rst/exec", "rst/rstexecuting", "snap/fault", "", "-", "snap/stop")
UNDECIDED: Final = ("SNAP/ACTIVE", "snap/active2", "snap", "active", "nomal", "snap/invalid")
GUARDS: Final = ("on", "-", "", "OFF", "auto")
BV_STATES: Final = ("fault", "", "-", "normal(rebuild)", "Normal", "media error")
LINKS: Final = ("unlink", "link", "-", "", "linking", "LINK")
ACCESSES: Final = ("ro", "nr", "na", "wo", "", "RW")
FILES: Final = (None, "-", "", "/dev/sdq", "/dev/sdq1", "/dev/mapper/necism_no such", "\\\\.\\PHYSICALDRIVE7", "sdq")
SIZES: Final = ("0.0GB", "-", "47.4GB", "1TB", "12 MB", "lots")
LABELS: Final = (
    "Type",
    "Generation(Attribute)",
    "Snap State",
    "Create   Start Time",
    "Processing Data Size",
    "Snapshot Data Size",
    "SV Guard",
    "LV Link Status",
    "LV Access",
    "Special File",
    "State",
    "Reserve Area",
)
LIMITS: Final = Limits()
FACES: Final = Listener("127.0.0.1:0")
FILE: Final = Path("random.json")
ORDINARY: Final = 14
"""How much likelier the ordinary value of a field is than any one odd value."""


class Site(NamedTuple):
    """Arrays by name, what is configured on them, and the moment at which they are looked at."""

    now: float
    worlds: dict[str, World]
    config: Config

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All of them."""
        return self.config.resources


class Odds(NamedTuple):
    """Draws values; with `calm` only ordinary ones."""

    data: st.DataObject
    calm: bool

    def of(self, ordinary: Any, odd: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a value of a world
        """The ordinary value, or now and then an odd one."""
        if self.calm:
            return ordinary
        return self.data.draw(st.sampled_from([ordinary] * ORDINARY + list(odd)))

    def rarely(self) -> bool:
        """True now and then."""
        return not self.calm and self.one(range(ORDINARY)) == ORDINARY - 1

    def one(self, values: Any) -> Any:  # noqa: ANN401 - a value of a world
        """Any of `values`."""
        return self.data.draw(st.sampled_from(list(values)))

    def number(self, least: int, most: int) -> int:
        """A number."""
        return self.data.draw(st.integers(least, most))


def _name(odds: Odds, kind: str, number: int) -> str:
    """A name, now and then as long as names may be, so that columns touch."""
    short = f"V{number:02d}_{kind}"
    return str(odds.of(short, (short.ljust(24, "x"), short.ljust(23, "."), f"{short}{{~$^}}")))


def _bent(odds: Odds, labels: tuple[str, ...]) -> dict[str, Any]:
    """Labels that a screen leaves out, leaves blank or adds."""
    omit = odds.of((), tuple((label,) for label in labels))
    blank = odds.of((), tuple((label,) for label in labels))
    extra = odds.of((), ((("Quota", "10GB"),), (("Type", "LX"),)))
    return {"omit": list(omit), "blank": list(blank), "extra": [list(one) for one in extra]}


def _snapshot(odds: Odds, bv: str, number: int, *, bend: bool) -> dict[str, Any]:
    state = odds.of("snap/active", STATES + UNDECIDED)
    sv: dict[str, Any] = {"bv": bv, "generation": -number, "state": state}
    if state not in {"", "-"}:
        age = odds.of(3600 + 60 * number, AGES)
        sv["age"] = f"{'-' if age < 0 else ''}{abs(age)}s"
    sv |= {"guard": odds.of("off", GUARDS), "link_word": odds.of(None, LINKS), "size": odds.of("1.0GB", SIZES)}
    sv |= {"type": odds.of("LX", ("-", "WN", "A2")), "unlisted": odds.rarely()}
    return sv | (_bent(odds, LABELS) if bend else {})


def _array(odds: Odds, zone: str, *, bend: bool) -> dict[str, Any]:
    bvs: dict[str, Any] = {}
    svs: dict[str, Any] = {}
    lvs: dict[str, Any] = {}
    for number in range(1, odds.number(1, 3) + 1):
        bv = _name(odds, "BV", number)
        bvs[bv] = {"state": odds.of("normal", BV_STATES)} | (_bent(odds, LABELS) if bend else {})
        own = [_name(odds, f"SV{n}", number) for n in range(1, odds.number(1, 3) + 1)]
        svs |= {sv: _snapshot(odds, bv, n, bend=bend) for n, sv in enumerate(own, 1)}
        free = list(own)
        for n in range(1, odds.number(1, 3) + 1):
            shown = odds.of(free[0] if free else None, (None, *free))
            free = [sv for sv in free if sv != shown]
            lv = {"bv": bv, "shows": shown, "access": odds.of("rw", ACCESSES), "special_file": odds.of(None, FILES)}
            lvs[_name(odds, f"LV{n}", number)] = lv | {"link_word": odds.of(None, LINKS)}
    options = {"unlinked_word": odds.of("unlink", ("-", "")), "unlinked_partner": odds.of("-", ("",))}
    return {"clock": {"zone": zone}, "options": options, "bvs": bvs, "svs": svs, "lvs": lvs}


def _pairs(odds: Odds, array: dict[str, Any]) -> list[Pair]:
    """What somebody configured: an LV and what it shows, sometimes alternatives, an SV of elsewhere or of nowhere."""
    free = dict.fromkeys(array["svs"])
    found: list[Pair] = []
    for name, lv in array["lvs"].items():
        ours = [sv for sv in free if array["svs"][sv]["bv"] == lv["bv"]]
        first = lv["shows"] if lv["shows"] in free else (ours or [None])[0]
        chosen = odds.of(first, (*free, "NOWHERE_SV"))
        if chosen is None or chosen in {sv for pair in found for sv in pair.svs}:
            continue
        free.pop(chosen, None)
        svs = [chosen, *odds.of((), tuple((sv,) for sv in ours if sv != chosen and sv in free))]
        for sv in svs:
            free.pop(sv, None)
        # An LV that nobody configured is a stranger who shows one of the SVs.
        if not odds.rarely():
            found.append(Pair(LdName(odds.of(name, (f"NO_{name}"[:24],))), tuple(map(LdName, svs))))
    return found


def _resource(odds: Odds, number: int, name: str, pairs: list[Pair]) -> Resource:
    return Resource(
        ServiceName(f"svc{number}"),
        ResourceName("sync#1"),
        tuple(pairs),
        ArrayName(name),
        limits=odds.of(LIMITS, (Limits(max_delay=1800), Limits(max_skew=120), Limits(min_delay=0))),
        access=odds.of(AccessPolicy.KEEP, (AccessPolicy.RW, AccessPolicy.RO)),
        order=odds.one(Order),
        parallel=odds.one((1, 1, 2)),
    )


@st.composite
def sites(draw: st.DrawFn, *, most: int = 2, bend: bool = True) -> Site:
    """One or two arrays; `bend`: labels may be missing, blank or unknown."""
    data = draw(st.data())
    odds = Odds(data, calm=draw(st.sampled_from((False, False, False, True))))
    now = odds.one(MOMENTS)
    worlds, resources, arrays = {}, [], []
    for number in range(1, odds.number(1, most) + 1):
        zone, name = odds.one(ZONES), f"array{number}"
        content = _array(odds, zone, bend=bend)
        worlds[name] = _Reader(FILE)._start(name, content, now).world
        pairs = _pairs(odds, content)
        arrays.append(Array(ArrayName(name), zone=ZoneInfo(zone), unique_names=True))
        if pairs:
            resources.append(_resource(odds, number, name, pairs))
    services = tuple(Service(one.service, f"{one.service}.conf", (one,)) for one in resources)
    return Site(now, worlds, Config(Settings(), tuple(arrays), services, FACES, Webhook(FACES)))
