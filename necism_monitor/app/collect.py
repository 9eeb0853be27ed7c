"""One reading of one array: as few READ commands as the questions need, and every failure as a value.

Warm, it is one detail query per base volume.  An SV whose BV is not known, or that its BV's screen does not list, costs
one `-sv` query; a BV that does not show a configured LV one link query; `iSMview -d` is asked only when its answer is
not remembered or a day old.  What is remembered says where to look and is verified by every screen.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import PurePath
from typing import Final, TypeVar

from necism_monitor.app.ports import Clock, Reader, VolumeMap
from necism_monitor.domain.model import Array, Resource
from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import (
    BvScreen,
    Inventory,
    LinkScreen,
    Observation,
    SvRecord,
    SvScreen,
    Unread,
    Volumes,
)
from necism_monitor.domain.states import SnapshotState, Words, classify_snap
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.commands import ReadCommand, linkinfo, query_detail, query_sv, view_arrays
from necism_monitor.ism.inventory import parse_arrays
from necism_monitor.ism.linkinfo import parse_linkinfo
from necism_monitor.ism.query import parse_detail, parse_sv

LATE_MAX = 2
"""Timed-out commands after which a reading asks no more: one may be a slow BV, two are an array that hangs."""
ARRAYS_AGE = 86400.0
"""Seconds for which the list of arrays is believed: a second array may be made visible to a host at any time."""

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


def collect(
    reader: Reader, array: Array, resources: tuple[Resource, ...], volumes: VolumeMap, clock: Clock
) -> Observation:
    """Read what `resources` need to know of `array`; what cannot be read is `Unread` in the observation."""
    started = clock.now()
    survey = _Survey(reader, volumes.load(), array.parallel_commands, started)
    pairs = tuple(dict.fromkeys(pair for resource in resources for pair in resource.pairs))
    survey.find_homes(dict.fromkeys(sv for pair in pairs for sv in pair.svs))
    survey.find_links({pair.lv: pair.svs for pair in pairs})
    learned = survey.learned(array.words)
    if learned != survey.remembered and not volumes.save(learned):
        learned = learned._replace(moving=_lasting(learned, survey.remembered))
    return Observation(
        array=array.name,
        started_at=started,
        ended_at=clock.now(),
        bv_of=survey.bv_of,
        bvs=survey.bvs,
        links=survey.links,
        inventory=survey.inventory,
        commands=survey.commands,
        volumes=learned,
    )


def _lasting(learned: Volumes, remembered: Volumes) -> dict[LdName, float]:
    """The beginnings that outlive this reading.  One that nobody keeps would begin anew with every reading."""
    return {sv: since for sv, since in learned.moving.items() if remembered.moving.get(sv) == since}


HEEDING: Final = 0.2
"""Seconds after which whoever waits for threads looks up for a signal."""


def in_parallel(ask: Callable[[Key], Answer], keys: Sequence[Key], at_once: int) -> list[Answer]:
    """`ask` of each key, in order, at most `at_once` at a time; a single question needs no thread."""
    if min(at_once, len(keys)) < 2:  # noqa: PLR2004 - two is where threads begin to help
        return [ask(key) for key in keys]
    # Here and not above: the check, which asks one after the other, does without its loading time.
    from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415 - see the sentence above

    with ThreadPoolExecutor(min(at_once, len(keys))) as pool:
        answers = [pool.submit(ask, key) for key in keys]
        # The system may hand a signal to any thread, and Python heeds it in ours alone, once that wakes up.
        while wait(answers, timeout=HEEDING).not_done:
            pass
        return [answer.result() for answer in answers]


class _Survey:
    """The questions asked so far and their answers."""

    def __init__(self, reader: Reader, remembered: Volumes, parallel: int, now: float) -> None:
        self._reader, self._parallel, self._now = reader, parallel, now
        self.remembered = remembered
        self.bv_of: dict[LdName, LdName | Unread | None] = {}
        self.bvs: dict[LdName, BvScreen | Unread] = {}
        self.links: dict[LdName, LinkScreen | Unread] = {}
        self.inventory: Inventory | Unread | None = None
        # Lists, because several threads append to them: counting with += would lose some.
        self._asked: list[str] = []
        self._late: list[Unread] = []
        self._denied: dict[LdName, SvScreen] = {}

    @property
    def commands(self) -> dict[str, int]:
        """How often each command was sent."""
        return {name: self._asked.count(name) for name in dict.fromkeys(self._asked)}

    def find_homes(self, svs: Iterable[LdName]) -> None:
        """Read every BV that holds one of `svs`; an SV that its remembered BV does not list is asked for itself."""
        wanted = tuple(svs)
        asked = self.remembered.arrays_at
        # A list from the future is as good as none: a clock was put back.
        if self.remembered.arrays is None or asked is None or not 0 <= self._now - asked < ARRAYS_AGE:
            self.inventory = self._ask(view_arrays(), parse_arrays)
        self.bv_of = {sv: self.remembered.bv_of[sv] for sv in wanted if sv in self.remembered.bv_of}
        self._query_svs([sv for sv in wanted if sv not in self.bv_of])
        self._query_bvs()
        self._query_svs([sv for sv in wanted if self._misplaced(sv)])
        self._query_bvs()
        self.bv_of.update({sv: self._proven(sv, screen) for sv, screen in self._denied.items()})

    def find_links(self, svs_of: dict[LdName, tuple[LdName, ...]]) -> None:
        """Ask for the link list of every BV that does not show one of its configured LVs."""
        through: dict[LdName, LdName] = {}
        for lv, svs in svs_of.items():
            for sv in svs:
                bv = self.bv_of.get(sv)
                if isinstance(bv, LdName) and self._exists(bv, sv) and not self._shows(bv, lv):
                    through.setdefault(bv, sv)
        asked = self._each(through, lambda bv: self._linkinfo(through[bv]))
        self.links.update(asked)

    def learned(self, words: Words) -> Volumes:
        """What to remember: where whole screens show each volume, and the arrays once they were seen."""
        # A failed query is no reason to forget: only a screen that says otherwise is.
        said = {sv: bv for sv, bv in self.bv_of.items() if not isinstance(bv, Unread)}
        bv_of = {sv: bv for sv, bv in self.remembered.bv_of.items() if said.get(sv, bv) == bv}
        seen = {bv: set(lvs) for bv, lvs in self.remembered.lvs_seen.items()}
        for bv, screen in self.bvs.items():
            if isinstance(screen, BvScreen):
                bv_of.update(dict.fromkeys(screen.records, bv))
                shown = {one.lv.name for one in screen.records.values() if isinstance(one, SvRecord) and one.lv}
                seen.setdefault(bv, set()).update(shown)
        for bv, links in self.links.items():
            if isinstance(links, LinkScreen):
                seen.setdefault(bv, set()).update(links.rows)
        # A list with unreadable rows may lack an array: it is not remembered, so it is asked for again.
        arrays, at = self.remembered.arrays, self.remembered.arrays_at
        if isinstance(self.inventory, Inventory) and not self.inventory.broken:
            arrays, at = self.inventory.arrays, self._now
        return Volumes(bv_of, {bv: frozenset(lvs) for bv, lvs in seen.items()}, arrays, at, self._moving(words))

    def _moving(self, words: Words) -> dict[LdName, float]:
        """Since when each SV whose screen names no beginning is seen in transition; settled ones are forgotten."""
        moving = dict(self.remembered.moving)
        screens = [screen for screen in self.bvs.values() if isinstance(screen, BvScreen)]
        for record in (one for screen in screens for one in screen.records.values() if isinstance(one, SvRecord)):
            state = classify_snap(record.state_word, words, dated=record.taken_at is not None)
            if state is SnapshotState.CHANGING and record.started_at is None:
                moving.setdefault(record.name, self._now)
            else:
                moving.pop(record.name, None)
        return moving

    def _query_svs(self, svs: list[LdName]) -> None:
        for sv, screen in self._each(svs, lambda sv: self._ask(query_sv(sv), lambda text: parse_sv(text, sv))).items():
            before = self.bv_of.get(sv)
            if isinstance(screen, Unread) and isinstance(before, LdName) and isinstance(self.bvs[before], Unread):
                # The BV's screen failed first: that it did is the reason to name.
                continue
            self.bv_of[sv] = _home(sv, screen)
            if self.bv_of[sv] is None and isinstance(screen, SvScreen):
                self._denied[sv] = screen._replace(bv=screen.bv or (before if isinstance(before, LdName) else None))

    def _query_bvs(self) -> None:
        homes = [*self.bv_of.values(), *(screen.bv for screen in self._denied.values())]
        bvs = dict.fromkeys(bv for bv in homes if isinstance(bv, LdName))
        new = [bv for bv in bvs if bv not in self.bvs]
        self.bvs.update(self._each(new, lambda bv: self._ask(query_detail(bv), lambda text: parse_detail(text, bv))))

    def _proven(self, sv: LdName, screen: SvScreen) -> LdName | Unread | None:
        """What is true of an SV that its own whole screen does not list: its BV's screen must not list it either."""
        detail = self.bvs[screen.bv] if screen.bv else None
        if detail is None or isinstance(detail, Unread):
            return detail
        return detail.name if sv in detail.records else detail.broken

    def _linkinfo(self, sv: LdName) -> LinkScreen | Unread:
        return self._ask(linkinfo(sv), lambda text: parse_linkinfo(text, sv))

    def _misplaced(self, sv: LdName) -> bool:
        """Its BV was only remembered, and the BV's screen, or the lack of one, does not confirm it.

        After a screen that did not come in time nothing is asked again: the array would hang on the next question too.
        """
        bv = self.bv_of.get(sv)
        if not isinstance(bv, LdName) or self.remembered.bv_of.get(sv) != bv:
            return False
        screen = self.bvs[bv]
        return screen.code != "timed-out" if isinstance(screen, Unread) else sv not in screen.records

    def _exists(self, bv: LdName, sv: LdName) -> bool:
        screen = self.bvs.get(bv)
        return isinstance(screen, BvScreen) and sv in screen.records

    def _shows(self, bv: LdName, lv: LdName) -> bool:
        screen = self.bvs[bv]
        records = screen.records.values() if isinstance(screen, BvScreen) else ()
        return any(isinstance(one, SvRecord) and one.lv is not None and one.lv.name == lv for one in records)

    def _each(self, keys: Iterable[Key], ask: Callable[[Key], Answer]) -> dict[Key, Answer]:
        """The answers by key; several commands at once only where the array's section allows it."""
        wanted = list(keys)
        return dict(zip(wanted, in_parallel(ask, wanted, self._parallel), strict=True))

    def _ask(self, command: ReadCommand, parse: Callable[[str], Answer | Unread]) -> Answer | Unread:
        if len(self._late) >= LATE_MAX:
            shown, first = " ".join(command.argv), self._late[0].text
            text = f"{shown}: not asked, {LATE_MAX} commands of this reading had timed out before, first {first}"
            return Unread("timed-out", text, "the array or its path hangs: look at it, then ask again")
        self._asked.append(PurePath(command.argv[0]).name)
        answer = text_of(self._reader.read(command))
        if not isinstance(answer, Unread):
            return parse(answer)
        if answer.code == "timed-out":
            self._late.append(answer)
        return answer


def _home(sv: LdName, screen: SvScreen | Unread) -> LdName | Unread | None:
    """The BV of `sv` by its own screen; None only where a whole screen does not list it."""
    if isinstance(screen, Unread):
        return screen
    if sv in screen.listed and screen.bv is not None:
        return screen.bv
    return screen.broken
