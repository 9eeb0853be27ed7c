"""Screen of `iSMsc_linkinfo -vol VOLUME -volflg ld -lcl`: what every LV of a BV shows (captured 2014-03 for an SV).

Text in, values out; nothing here raises, whatever the text.  A row that cannot be read is left out and makes the
screen `broken`: it then proves no absence.
"""

from __future__ import annotations

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import Destination, LinkScreen, Unread
from necism_monitor.domain.states import AccessWord
from necism_monitor.ism import grammar
from necism_monitor.ism.screen import (
    HINT_UNRECOGNISED,
    Block,
    Line,
    is_complaint,
    is_remark,
    ld_name,
    lines,
    quoted,
    unreadable,
)

_MODES = frozenset(word.value for word in AccessWord)
_HEADINGS = (grammar.SPECIFIED_HEADING, grammar.DESTINATION_HEADING)


class _Screen:
    """What was read so far: the heading block of the specified volume, then the rows of the destinations."""

    def __init__(self) -> None:
        self.section: str | None = None
        self.role, self.volume = "", ""
        self.heading = Block("heading", grammar.SPECIFIED_LABELS, grammar.ROLES)
        self.rows: dict[LdName, Destination] = {}
        self.twice: set[LdName] = set()
        self.broken: str | None = None

    def take(self, line: Line) -> str | None:
        """Take one line; the reason where it cannot be taken."""
        if line.trouble is not None:
            return line.trouble
        if line.text in _HEADINGS:
            self.section = line.text
            return None
        if self.section == grammar.DESTINATION_HEADING:
            return self._take_row(line)
        if self.section == grammar.SPECIFIED_HEADING:
            return self._take_heading(line)
        return "stands above the first heading"

    def _take_heading(self, line: Line) -> str | None:
        opening = grammar.VOLUME.fullmatch(line.text)
        if opening is None:
            return self.heading.take(line)
        if self.volume:
            self.volume = "-"
            return "names a second specified volume"
        self.role, self.volume = opening["role"], opening["name"]
        return None

    def _take_row(self, line: Line) -> str | None:
        row = _row(line.text)
        if isinstance(row, str):
            return row
        if row.lv in self.rows or row.lv in self.twice:
            self.rows.pop(row.lv, None)
            self.twice.add(row.lv)
            return "the LV is listed twice"
        self.rows[row.lv] = row
        return None


def parse_linkinfo(text: str, volume: LdName) -> LinkScreen | Unread:
    """Read the screen asked for `volume`; Unread where it does not name `volume` as the specified one.

    The specified volume is never among the rows.  Rows of another kind than LV are no answer to "what does each LV
    show": they make the screen broken.  A screen that ends exactly between two rows simply lists fewer; only the LV
    that the heading itself names is known to be missing then.
    """
    screen = _Screen()
    for line in lines(text):
        reason = "the command complains in the middle of its screen" if is_complaint(line) else None
        if reason is None and not is_remark(line):
            reason = screen.take(line)
        if reason is not None:
            screen.broken = screen.broken or line.blame(reason)
    if screen.volume != volume:
        found = f"names {quoted(screen.volume)}" if screen.volume else "names no specified volume"
        because = f"; {screen.broken}" if screen.broken else ""
        return unreadable(f"links of {volume}: the screen {found}{because}", HINT_UNRECOGNISED)
    broken = screen.broken or _gap(screen)
    return LinkScreen(
        screen.rows,
        unreadable(f"links of {volume}: {broken}") if broken else None,
        tuple(dict.fromkeys(screen.heading.unknown)),
    )


def _gap(screen: _Screen) -> str | None:
    """What a screen of readable lines still lacks."""
    if screen.section != grammar.DESTINATION_HEADING:
        return f"the screen has no {grammar.DESTINATION_HEADING!r} heading"
    state = grammar.LINK_STATE.fullmatch(screen.heading.fields.get("State", ""))
    if screen.role == "SV" and state is not None and state["word"] == "link":
        row = next((row for row in screen.rows.values() if row.lv == state["partner"]), None)
        if row is None or row.partner != screen.volume:
            return f"the heading says linked to {quoted(state['partner'])}, no row confirms it"
    return None


def _row(text: str) -> Destination | str:
    """The destination on one line; the reason where it is none."""
    row = grammar.LINK_ROW.fullmatch(text)
    if row is None:
        return "is no destination row"
    lv = ld_name(row["name"])
    if lv is None or row["role"] != "LV":
        return "names no LV"
    words = row["words"].split()
    # A row that ends after the mode alone has no link word (inferred): an access word is never one.
    link_word, *rest = words if words and not (len(words) == 1 and words[0] in _MODES) else ["", *words]
    partner, modes = _partner(row["partner"], row["mode"], rest)
    if partner is None or len(modes) > 1:
        return "cannot be split into type, link word, partner and mode"
    if link_word == "link" and not partner:
        return "says 'link' and names no SV"
    return Destination(lv, row["type"] or "", link_word, ld_name(partner) if partner else None, "".join(modes))


def _partner(bracket: str | None, tail: str | None, words: list[str]) -> tuple[str | None, list[str]]:
    """The partner's name, "" for nobody, None where it is unreadable; and the words left for the mode.

    A row that is not linked may have no bracket, and `-` in the partner's place (inferred).
    """
    if bracket is None:
        return "", words[1:] if words[:1] == ["-"] and words[1:] else words
    name = bracket.strip(" \t")
    if words:
        return None, words
    if name in {"", "-"}:
        return "", (tail or "").split()
    return ld_name(name), (tail or "").split()
