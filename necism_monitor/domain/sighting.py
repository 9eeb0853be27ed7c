"""What an observation says about one LV and one SV: facts with a reason for each that is missing, no judgement yet.

Proof of a link is the word `link` and the matching partner.  An LV is detached or missing only where complete screens
say so; a failed, broken or contradicting answer leaves it unknown.
"""

from collections.abc import Collection
from typing import NamedTuple

from necism_monitor.domain.history import History
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, Destination, LinkScreen, LvRecord, Observation, SvRecord, Unread
from necism_monitor.domain.states import LinkState, LinkWord, Words, classify_link


class LvSighting(NamedTuple):
    """What is known of an LV."""

    link: LinkState
    shown: LdName | None
    record: LvRecord | None
    access: str | None
    unread: Unread | None
    word: str | None
    """The link word, where nobody has decided about it."""


def _unknown(unread: Unread) -> LvSighting:
    return LvSighting(LinkState.UNKNOWN, None, None, None, unread, None)


def record_of(observation: Observation, sv: LdName) -> tuple[BvScreen | None, SvRecord | Unread | None]:
    """The BV screen and the record of `sv`; a None record = complete screens say it does not exist."""
    bv = observation.bv_of.get(sv, _never_asked(sv))
    if bv is None or isinstance(bv, Unread):
        return None, bv
    screen = observation.bvs.get(bv, _never_asked(bv))
    if isinstance(screen, Unread):
        return None, screen
    if sv in screen.records:
        return screen, screen.records[sv]
    return screen, screen.broken or _unlisted(sv, bv)


def listed_on(observation: Observation, lv: LdName) -> list[LdName]:
    """The BVs whose detail screen or link list of this reading names `lv`."""
    found = []
    for bv in dict.fromkeys((*observation.bvs, *observation.links)):
        screen, links = observation.bvs.get(bv), observation.links.get(bv)
        records = screen.records.values() if isinstance(screen, BvScreen) else ()
        shown = any(isinstance(one, SvRecord) and one.lv is not None and one.lv.name == lv for one in records)
        if shown or (isinstance(links, LinkScreen) and lv in links.rows):
            found.append(bv)
    return found


def home_of(observation: Observation, history: History, lv: LdName, others: Collection[LdName]) -> LdName | None:
    """A BV beside `others` on which `lv` is seen now, was ever seen by a reading, or was seen by a run."""
    remembered = [bv for bv, lvs in observation.volumes.lvs_seen.items() if lv in lvs]
    run = history.home.get(lv)
    known = (*listed_on(observation, lv), *remembered, *([run] if run else []))
    return next((bv for bv in known if bv not in others), None)


def sight_lv(observation: Observation, lv: LdName, bv: LdName, words: Words, history: History) -> LvSighting:
    """What the screens of `bv` say about `lv`."""
    screen = observation.bvs.get(bv, _never_asked(bv))
    if isinstance(screen, Unread):
        return _unknown(screen)
    showing = [one for one in screen.records.values() if isinstance(one, SvRecord) and one.lv and one.lv.name == lv]
    if len(showing) > 1:
        names = " and ".join(one.name for one in showing)
        return _unknown(Unread("unreadable", f"{names} both claim to be shown by {lv}", "run `necism capture DIR`"))
    if showing:
        return _shown(showing[0], words)
    return _not_shown(observation, screen, lv, words, history)


def link_of(record: SvRecord, words: Words) -> LinkState:
    """LINKED, DETACHED or UNKNOWN, by the record of an SV.

    That an SV without a link has no LV under it is inferred.  So one that says nothing and has an LV is unknown: the
    word may have been lost, and its image is not to be replaced under that LV.
    """
    found = classify_link(record.link_word, words)
    silent = record.lv is not None and record.link_word in {LinkWord.BLANK.value, LinkWord.DASH.value}
    return LinkState.UNKNOWN if silent and found is LinkState.DETACHED else found


def _shown(record: SvRecord, words: Words) -> LvSighting:
    """The record names the LV; its word decides."""
    link, lv = link_of(record, words), record.lv
    access = lv.access_word if lv else None
    shown = record.name if link is LinkState.LINKED else None
    return LvSighting(link, shown, lv, access, None, record.link_word if link is LinkState.UNKNOWN else None)


def _not_shown(observation: Observation, screen: BvScreen, lv: LdName, words: Words, history: History) -> LvSighting:
    """No readable record names the LV: detached if it was ever seen here, else the link list decides."""
    blind = screen.broken or next((one for one in screen.records.values() if isinstance(one, Unread)), None)
    # A screen that lacks an SV of its BV was cut between two records: the lost one may show the LV.
    lost = (sv for sv, home in observation.bv_of.items() if home == screen.name and sv not in screen.records)
    blind = blind or next((_unlisted(sv, screen.name) for sv in lost), None)
    links = observation.links.get(screen.name, _never_asked(screen.name))
    seen = lv in observation.volumes.lvs_seen.get(screen.name, ()) or history.home.get(lv) == screen.name
    row = links.rows.get(lv) if isinstance(links, LinkScreen) else None
    if row is not None:
        return _listed(row, blind, words)
    if blind is not None:
        return _unknown(blind)
    # An SV with a link word nobody decided about, and no LV under it, may be shown by this very LV.
    odd = [one.link_word for one in screen.records.values() if isinstance(one, SvRecord) and _odd(one, words)]
    if odd:
        return LvSighting(LinkState.UNKNOWN, None, None, None, None, odd[0])
    if seen:
        return LvSighting(LinkState.DETACHED, None, None, None, None, None)
    if isinstance(links, Unread) or links.broken:
        return _unknown(links if isinstance(links, Unread) else links.broken or _never_asked(lv))
    return LvSighting(LinkState.MISSING, None, None, None, None, None)


def _unlisted(sv: LdName, bv: LdName) -> Unread:
    return Unread(
        "unreadable",
        f"two screens contradict each other: {sv} names BV {bv}, whose detail screen does not list it",
        "ask again; the array may be changing right now",
    )


def _odd(record: SvRecord, words: Words) -> bool:
    return record.lv is None and link_of(record, words) is LinkState.UNKNOWN


def _listed(row: Destination, blind: Unread | None, words: Words) -> LvSighting:
    """The link list names the LV, the detail screen does not."""
    link = classify_link(row.link_word, words)
    if link is LinkState.LINKED:
        return _unknown(
            blind
            or Unread(
                "unreadable",
                f"two screens contradict each other: {row.lv} is listed on {row.partner}, which does not show it",
                "ask again; the array may be changing right now",
            )
        )
    return LvSighting(link, None, None, None, None, row.link_word if link is LinkState.UNKNOWN else None)


def unseen_arrays(observation: Observation) -> Unread | None:
    """Why nobody knows how many arrays this host sees; None where a whole list says, now or when the map was made."""
    inventory = observation.inventory
    if inventory is None:
        return _never_asked("the arrays of this host") if observation.volumes.arrays is None else None
    return inventory if isinstance(inventory, Unread) else inventory.broken


def _never_asked(name: str) -> Unread:
    return Unread("unreadable", f"nobody asked about {name}", "run `necism status` again")
