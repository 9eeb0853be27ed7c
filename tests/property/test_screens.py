"""Any screen of any world: it says what the world is, and whatever is lost of it never makes anything healthier."""

from __future__ import annotations

import random
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import assume
from hypothesis import strategies as st

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, LinkScreen, SvRecord, SvScreen, Unread
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.query import parse_detail, parse_sv
from necism_monitor.simulator.shapes import World
from tests.property.array import screen
from tests.property.profiles import Profile, both
from tests.property.worlds import Site, sites

PLAIN = sites(bend=False)
SEEDS = st.integers(0, 2**32)
BLANKS = ("", "-")


def details(site: Site) -> list[tuple[World, LdName, str]]:
    """Every detail screen of a site: the world, the BV and the text."""
    return [
        (world, LdName(bv), screen(world, "iSMsc_query", "-bv", bv, "-bvflg", "ld", "-detail"))
        for world in site.worlds.values()
        for bv in world["bvs"]
    ]


def printed(world: World, sv: str) -> datetime | None:
    """The date of an SV on the array's clock, as a person reads it."""
    created = world["svs"][sv]["created"]
    zone = ZoneInfo(world["clock"]["zone"])
    return None if created is None else datetime.fromtimestamp(created, zone).replace(tzinfo=None, microsecond=0)


def shown_by(world: World, sv: str) -> list[str]:
    """The LVs that show an SV."""
    return [lv for lv, one in world["lvs"].items() if one["shows"] == sv]


def link_word(world: World, sv: str) -> str:
    """The word an SV is listed with."""
    own = world["svs"][sv]["link_word"]
    if own is not None:
        return own
    return "link" if shown_by(world, sv) else world["options"]["unlinked_word"]


def judged(record: object) -> object:
    """What of a record is judged; None of what is no record."""
    if not isinstance(record, SvRecord):
        return None
    lv = record.lv and (record.lv.name, record.lv.access_word)
    return record.state_word, record.taken_at, record.guard_word, record.link_word, lv


def is_healthy(record: object) -> bool:
    """A record by which an LV would be called linked to a good image."""
    return (
        isinstance(record, SvRecord)
        and record.state_word == "snap/active"
        and record.taken_at is not None
        and record.link_word == "link"
        and record.lv is not None
    )


@both
def test_a_detail_screen_says_what_the_world_is(profile: Profile) -> None:
    """State, date, guard, link word, LV and access of every listed SV are read as they are; nothing else is listed."""

    @profile.tries(150, PLAIN)
    def holds(site: Site) -> None:
        for world, bv, text in details(site):
            parsed = parse_detail(text, bv)
            assert isinstance(parsed, BvScreen)
            assert parsed.broken is None
            assert parsed.state_word == world["bvs"][bv]["state"]
            listed = {name for name, sv in world["svs"].items() if sv["bv"] == bv and not sv["unlisted"]}
            assert set(parsed.records) == listed
            for name, record in parsed.records.items():
                check_record(world, name, record)


def check_record(world: World, name: str, record: SvRecord | Unread) -> None:
    """One record against the world."""
    sv, showers = world["svs"][name], shown_by(world, name)
    if isinstance(record, Unread):
        # The word claims an LV, and there is none to be seen.
        assert link_word(world, name) == "link"
        assert not showers
        return
    lv = record.lv and (record.lv.name, record.lv.access_word, record.lv.special_file)
    assert (record.state_word or "-", record.taken_at) == (sv["state"] or "-", printed(world, name))
    assert (record.guard_word, record.link_word) == (sv["guard"], link_word(world, name))
    assert record.generation == sv["generation"]
    if showers:
        (shower,) = showers
        special = world["lvs"][shower]["special_file"]
        assert lv == (shower, world["lvs"][shower]["access"], None if special in BLANKS else special)
    else:
        assert lv is None


@both
def test_a_link_list_says_what_the_world_is(profile: Profile) -> None:
    """Every LV of the BV, its word, and the SV it shows."""

    @profile.tries(100, PLAIN)
    def holds(site: Site) -> None:
        for world in site.worlds.values():
            for sv, one in world["svs"].items():
                if link_word(world, sv) == "link" and not shown_by(world, sv):
                    continue
                text = screen(world, "iSMsc_linkinfo", "-vol", sv, "-volflg", "ld", "-lcl")
                parsed = parse_linkinfo(text, LdName(sv))
                assert isinstance(parsed, LinkScreen)
                check_rows(world, one["bv"], parsed)


def check_rows(world: World, bv: str, parsed: LinkScreen) -> None:
    """The rows against the world; a word that claims a link which is not there is no row."""
    for name, lv in world["lvs"].items():
        if lv["bv"] != bv:
            assert name not in parsed.rows
            continue
        own, shows = lv["link_word"], lv["shows"]
        word = own if own is not None else "link" if shows else world["options"]["unlinked_word"]
        if word == "link" and not shows:
            assert name not in parsed.rows
            assert parsed.broken is not None
            continue
        row = parsed.rows[LdName(name)]
        assert (row.partner, row.link_word if shows else row.link_word or "-") == (
            shows,
            word if shows else word or "-",
        )


@both
def test_a_plain_screen_says_where_an_sv_lives(profile: Profile) -> None:
    """The BV by name, and the SV listed, unless the array does not list it."""

    @profile.tries(60, PLAIN)
    def holds(site: Site) -> None:
        for world in site.worlds.values():
            for sv, one in world["svs"].items():
                parsed = parse_sv(screen(world, "iSMsc_query", "-sv", sv, "-svflg", "ld"), LdName(sv))
                assert isinstance(parsed, SvScreen)
                assert parsed.broken is None
                assert parsed.bv == one["bv"]
                assert sorted(parsed.listed) == ([] if one["unlisted"] else [sv])


@both
def test_no_loss_makes_a_record_healthier(profile: Profile) -> None:
    """A prefix, a lost line, a lost stretch, a doubled line, a lost newline: what is healthy then was so before."""

    @profile.tries(300, sites(most=1), SEEDS)
    def holds(site: Site, seed: int) -> None:
        chance = random.Random(seed)
        world, bv, text = chance.choice(details(site))
        whole = parse_detail(text, bv)
        damaged = parse_detail(damage(text, chance), bv)
        assume(isinstance(damaged, BvScreen))
        before = whole.records if isinstance(whole, BvScreen) else {}
        for name, record in damaged.records.items() if isinstance(damaged, BvScreen) else ():
            if is_healthy(record):
                assert name in world["svs"]
                assert judged(record) == judged(before.get(name))


def damage(text: str, chance: random.Random) -> str:
    """The screen with something lost on its way."""
    lines = text.splitlines(keepends=True)
    at, size = chance.randrange(len(lines)), chance.randint(1, 6)
    start = chance.randint(0, len(text))
    match chance.choice(("prefix", "suffix", "lines", "twice", "newline", "bytes")):
        case "prefix":
            return text[:start]
        case "suffix":
            return text[start:]
        case "lines":
            return "".join(lines[:at] + lines[at + size :])
        case "twice":
            return "".join(lines[: at + size] + lines[at:])
        case "newline":
            return "".join(lines[:at]) + lines[at].rstrip("\n") + "".join(lines[at + 1 :])
        case _:
            return text[:start] + chance.choice("\x00\x1b\ufffd") + text[start + 1 :]


@both
def test_a_cut_screen_never_calls_a_cut_record_healthy(profile: Profile) -> None:
    """Whatever prefix arrives: a record that lost a byte that is not blank is not healthy, those above it are whole."""

    @profile.tries(200, sites(most=1, bend=False), SEEDS)
    def holds(site: Site, seed: int) -> None:
        chance = random.Random(seed)
        world, bv, text = chance.choice(details(site))
        cut = chance.randint(0, len(text))
        whole, damaged = parse_detail(text, bv), parse_detail(text[:cut], bv)
        assert isinstance(whole, BvScreen)
        starts = sorted((text.index(f"    SV:LD Name              : {name}\n"), name) for name in whole.records)
        assume(starts)
        ends = [start for start, _ in starts[1:]] + [len(text)]
        for (start, name), end in zip(starts, ends, strict=True):
            record = damaged.records.get(name) if isinstance(damaged, BvScreen) else None
            if cut < start + len(text[start:end].rstrip()):
                assert not is_healthy(record), world["svs"][name]
            elif cut == end or "\n" in text[end:cut]:
                # The beginning of the next record's first line may be read as damage of this one, never as its health.
                assert isinstance(damaged, BvScreen)
                assert record == whole.records[name]
