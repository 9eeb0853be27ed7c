"""Verdicts on random worlds, against what a person would say who sees the world itself."""

from __future__ import annotations

import random
from datetime import datetime
from zoneinfo import ZoneInfo

from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.model import AccessPolicy, Pair, Resource
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import PairVerdict
from necism_monitor.simulator.shapes import World
from tests.property.array import Tamper
from tests.property.looking import look_and_keep, sources_of
from tests.property.profiles import Profile, both
from tests.property.test_screens import SEEDS, damage, link_word, shown_by
from tests.property.worlds import Site, sites

COULD_NOT_TELL = {"unreadable", "query-failed", "timed-out", "stale", "journal-unreadable"}
"""The finding codes that say `unknown`; every other one says `warn`."""
KNOWN_LINKS = {"link", "unlink", "", "-"}
KNOWN_GUARDS = {"on", "off"}
KNOWN_ACCESSES = {"rw", "ro", "nr", "na"}
SPOILT = 0.3
TOLERANCE = 300
"""Seconds an image may be dated in the future."""
GRACE = 600
"""Seconds an SV may be in transition before anybody is told."""


def worst(words: list[str]) -> str:
    """`warn` outranks `unknown` outranks `up`."""
    return next((word for word in ("warn", "unknown") if word in words), "up")


def word_of(code: str) -> str:
    """What a finding makes of its subject."""
    return "unknown" if code in COULD_NOT_TELL else "warn"


def earliest(world: World, sv: str) -> float:
    """When the image of an SV may have been taken at the earliest, by its printed date."""
    created = world["svs"][sv]["created"]
    assert created is not None
    zone = ZoneInfo(world["clock"]["zone"])
    hour_before = datetime.fromtimestamp(created - 3600, zone).replace(tzinfo=None)
    same = hour_before == datetime.fromtimestamp(created, zone).replace(tzinfo=None)
    return float(int(created) - (3600 if same else 0))


def is_good(site: Site, resource: Resource, pair: Pair) -> bool:
    """Whether a person who sees the whole world calls a pair healthy."""
    world = site.worlds[resource.array]
    lv = world["lvs"].get(pair.lv)
    if lv is None or lv["shows"] not in pair.svs or not all(is_sound(site, world, sv) for sv in pair.svs):
        return False
    wanted = {AccessPolicy.KEEP: KNOWN_ACCESSES, AccessPolicy.RW: {"rw"}, AccessPolicy.RO: {"ro"}}[resource.access]
    future = earliest(world, lv["shows"]) > site.now + TOLERANCE
    normal = world["bvs"][lv["bv"]]["state"] in {"normal", "normal(rebuild)"}
    return link_word(world, lv["shows"]) == "link" and lv["access"] in wanted and normal and not future


def is_sound(site: Site, world: World, name: str) -> bool:
    """Whether an SV is listed with an image, and every word about it is known and true."""
    sv = world["svs"].get(name)
    if sv is None or sv["unlisted"] or not (sv["state"] == "snap/active" or is_just_changing(site, world, name)):
        return False
    word = link_word(world, name)
    return sv["guard"] in KNOWN_GUARDS and word in KNOWN_LINKS and (word != "link" or bool(shown_by(world, name)))


def is_just_changing(site: Site, world: World, name: str) -> bool:
    """Whether an SV changes, and began to less than ten minutes ago."""
    word = world["svs"][name]["state"]
    if not word.endswith("ing") or word.startswith("rst/"):
        return False
    return -TOLERANCE <= site.now - earliest(world, name) < GRACE


@both
def test_a_pair_is_up_exactly_where_the_world_is_healthy(profile: Profile) -> None:
    """Any world whose labels are all there: no false comfort and no false alarm."""

    @profile.tries(250, sites(bend=False))
    def holds(site: Site) -> None:
        verdicts = look_and_keep(sources_of(site))
        for one in verdicts.resources:
            for pair in one.pairs:
                good = is_good(site, one.resource, pair.pair)
                assert (pair.status is Verdict.UP) == good, pair.findings


@both
def test_a_resource_is_up_exactly_where_its_pairs_are_and_its_images_are_young_and_close(profile: Profile) -> None:
    """Age and skew by the dates that a person reads, the earlier one of an hour that came twice."""

    @profile.tries(150, sites(bend=False))
    def holds(site: Site) -> None:
        for one in look_and_keep(sources_of(site)).resources:
            world, limits = site.worlds[one.resource.array], one.resource.limits
            good = all(is_good(site, one.resource, pair.pair) for pair in one.pairs)
            if good:
                shown = [world["lvs"][pair.pair.lv]["shows"] for pair in one.pairs]
                taken = [earliest(world, sv) for sv in shown if sv]
                good = site.now - min(taken) <= limits.max_delay and max(taken) - min(taken) <= limits.max_skew
            assert (one.status is Verdict.UP) == good, one.all_findings


@both
def test_every_status_is_the_worst_below_it(profile: Profile) -> None:
    """Findings make pairs, pairs and findings resources, resources services, services the whole."""

    @profile.tries(150, sites(), SEEDS)
    def holds(site: Site, seed: int) -> None:
        verdicts = look_and_keep(sources_of(site, spoiler(seed)))
        for one in verdicts.resources:
            for pair in one.pairs:
                codes = [word_of(finding.code) for finding in pair.findings]
                # What one reading cannot tell is said once, of the resource.
                assert pair.status.value == worst(codes) or (not codes and pair.status is Verdict.UNKNOWN)
            own = [word_of(finding.code) for finding in one.findings]
            assert one.status.value == worst([*own, *(pair.status.value for pair in one.pairs)])
        for service in verdicts.services:
            assert service.status.value == worst([one.status.value for one in service.resources])
        assert verdicts.status.value == worst([one.status.value for one in verdicts.services])


def spoiler(seed: int) -> Tamper:
    """Damages about every third screen; the same one always the same way, whoever asks for it in which order."""

    def spoil(argv: tuple[str, ...], text: str) -> str:
        chance = random.Random(f"{seed} {argv}")
        return damage(text, chance) if chance.random() < SPOILT else text

    return spoil


@both
def test_no_damage_on_the_way_makes_a_pair_healthier(profile: Profile) -> None:
    """Any screens cut, torn or doubled on their way: a pair is called up only where the world is healthy."""

    @profile.tries(250, sites(), SEEDS)
    def holds(site: Site, seed: int) -> None:
        for one in look_and_keep(sources_of(site, spoiler(seed))).resources:
            for pair in one.pairs:
                # A lost line with the start of a transition gives it its grace anew: nobody can see what is not there.
                if pair.status is Verdict.UP and pair.snapshot_state is not SnapshotState.CHANGING:
                    assert is_good(site, one.resource, pair.pair)
                check_facts(site, one.resource, pair)


def check_facts(site: Site, resource: Resource, seen: PairVerdict) -> None:
    """A link is claimed only where there is one, and an absence or a detachment only where it is true."""
    lvs = site.worlds[resource.array]["lvs"]
    shows = lvs[seen.pair.lv]["shows"] if seen.pair.lv in lvs else None
    if seen.link in {LinkState.LINKED, LinkState.WRONG}:
        assert seen.linked_to == shows
    if seen.link is LinkState.DETACHED:
        assert shows is None or not says_link(site.worlds[resource.array], shows)


def says_link(world: World, sv: str) -> bool:
    """Whether the array leaves the link in sight: `unlink` said of an SV under an LV cannot be seen through."""
    denied = any(world["lvs"][lv]["link_word"] not in {None, "link"} for lv in shown_by(world, sv))
    return link_word(world, sv) != "unlink" and not denied
