"""Screens of `iSMsc_query`: `-bv BV -detail` (every SV of a BV) and plain `-sv SV` (which BV an SV belongs to).

Text in, values out; nothing here raises, whatever the text.  A record that cannot be read is an `Unread` under its
name and does not hide the others.  A line that belongs to no record makes the screen `broken`: it proves no absence.
"""

from typing import NamedTuple

from necism_monitor.domain.names import LdName
from necism_monitor.domain.reading import BvScreen, LvRecord, SvRecord, SvScreen, Unread
from necism_monitor.ism import grammar
from necism_monitor.ism.screen import (
    CUT,
    HINT,
    HINT_UNRECOGNISED,
    Block,
    Line,
    is_complaint,
    is_remark,
    ld_name,
    lines,
    quoted,
    size_bytes,
    special_file,
    split_status,
    stamp,
    unreadable,
)

# A role as a label is a heading that lost its second colon.
_DETAIL_LABELS = grammar.BV_LABELS | grammar.SV_LABELS | grammar.LV_LABELS | grammar.ROLES
_COMPLAINT = "the command complains in the middle of its screen"


class _Volume(NamedTuple):
    """An SV's block with the LV blocks under it; `name` is None where it breaks a naming rule."""

    name: LdName | None
    block: Block
    lvs: list[tuple[str, Block]]


class _Screen:
    """What was read of a screen so far: the BV block, the block that takes lines, the first line nobody owns."""

    def __init__(self, list_heading: str) -> None:
        self.list_heading = list_heading
        self.listing = False
        self.bv = Block("BV", grammar.BV_LABELS, _DETAIL_LABELS)
        self.current: Block | None = None
        self.broken: str | None = None

    def spoil(self, line: Line, reason: str) -> None:
        """No record of the block that takes lines is believed, nor that the screen is whole."""
        blame = line.blame(reason)
        if self.current is not None:
            self.current.fault = self.current.fault or blame
        self.broken = self.broken or blame

    def open_section(self, line: Line) -> bool:
        """Whether the line is one of the two headings of the screen."""
        if line.text == grammar.BV_HEADING:
            self.current = self.bv
        elif line.text == self.list_heading:
            self.listing, self.current = True, None
        return line.text in {grammar.BV_HEADING, self.list_heading}

    def take(self, line: Line) -> None:
        """Give a label line to the block that takes lines."""
        reason = "belongs to no record" if self.current is None else self.current.take(line)
        if reason is not None:
            self.spoil(line, reason)

    def end(self) -> Unread | None:
        """What keeps the screen from proving an absence."""
        if self.broken is None and not self.listing:
            self.broken = f"the screen has no {self.list_heading!r} heading"
        return unreadable(self.broken) if self.broken else None


def parse_detail(text: str, bv: LdName) -> BvScreen | Unread:
    """Read the screen of `iSMsc_query -bv BV -bvflg ld -detail` (captured 2014-09).

    Unread where the BV block is not that of `bv` or lacks a label.  An LV block belongs to the SV block just above it.
    A screen that ends exactly between two records simply lists fewer: no parser can tell, the judge asks again.
    """
    screen = _Screen(grammar.PAIR_HEADING)
    volumes: list[_Volume] = []
    for line in lines(text):
        _take_detail(line, screen, volumes)
    fault = _bv_fault(screen, bv)
    if fault is not None:
        return unreadable(f"BV {bv}: {fault}", HINT_UNRECOGNISED)
    fields = screen.bv.fields
    return BvScreen(
        bv,
        fields.get("Type", ""),
        special_file(fields.get("Special File")),
        fields["State"],
        _records(volumes),
        screen.end(),
        _labels(screen, volumes),
    )


def _take_detail(line: Line, screen: _Screen, volumes: list[_Volume]) -> None:
    opening = grammar.VOLUME.fullmatch(line.text)
    if line.trouble == CUT and line.text.startswith("SV:"):
        # The name of the next record may be cut: the record before is whole, and this one is not known by name.
        screen.current = None
    if line.trouble is not None:
        if not line.text:
            screen.current = None  # the next record is cut in its indentation: the record before lost nothing
        screen.spoil(line, line.trouble)
    elif is_remark(line) or screen.open_section(line):
        return
    elif is_complaint(line):
        screen.broken = screen.broken or line.blame(_COMPLAINT)
    elif opening is not None:
        _open_volume(line, opening["role"], opening["name"], screen, volumes)
    else:
        screen.take(line)


def _open_volume(line: Line, role: str, name: str, screen: _Screen, volumes: list[_Volume]) -> None:
    if role == "SV":
        screen.current = Block("SV", grammar.SV_LABELS, _DETAIL_LABELS)
        volumes.append(_Volume(ld_name(name), screen.current, []))
        if volumes[-1].name is None:
            screen.spoil(line, "is no logical disk name")
    elif role == "LV" and screen.current is not None and screen.current.kind != "BV":
        screen.current = Block("LV", grammar.LV_LABELS, _DETAIL_LABELS)
        volumes[-1].lvs.append((name, screen.current))
        if ld_name(name) is None:
            screen.spoil(line, "is no logical disk name")
    else:
        screen.spoil(line, f"{role} where no {role} can stand")


def _bv_fault(screen: _Screen, bv: LdName) -> str | None:
    missing = screen.bv.missing(grammar.BV_REQUIRED)
    if missing is not None:
        return f"{missing}; {screen.broken or 'the screen is empty or another'}"
    shown = screen.bv.fields["LD Name"]
    return None if shown == bv else f"the screen is of BV {quoted(shown)}"


def _records(volumes: list[_Volume]) -> dict[LdName, SvRecord | Unread]:
    records: dict[LdName, SvRecord | Unread] = {}
    for volume in volumes:
        if volume.name is None:
            continue
        twice = volume.name in records
        records[volume.name] = unreadable(f"SV {volume.name}: listed twice") if twice else _record(volume.name, volume)
    return records


def _record(name: LdName, volume: _Volume) -> SvRecord | Unread:
    fields = volume.block.fields
    fault = volume.block.fault or volume.block.missing(grammar.SV_REQUIRED)
    status = split_status(fields.get("Snap State", ""))
    if fault is None and (status is None or status.rest):
        fault = f"Snap State {quoted(fields['Snap State'])}: no date in the brackets"
    lv = _link_volume(volume)
    if fault is not None or status is None or isinstance(lv, str):
        return unreadable(f"SV {name}: {fault or lv}", HINT)
    generation = grammar.GENERATION.fullmatch(fields.get("Generation(Attribute)", ""))
    return SvRecord(
        name=name,
        os_type=fields.get("Type", ""),
        generation=int(generation["number"]) if generation else None,
        attribute=(generation["attribute"] or "") if generation else "",
        state_word=status.word,
        taken_at=status.taken_at,
        started_at=max(filter(None, map(stamp, _start_times(volume.block).values())), default=None),
        size_bytes=size_bytes(fields.get("Snapshot Data Size", "")),
        guard_word=fields["SV Guard"],
        link_word=fields["LV Link Status"],
        lv=lv,
    )


def _link_volume(volume: _Volume) -> LvRecord | str | None:
    """The LV under an SV; a text where it cannot be told, None where the SV is not linked."""
    if not volume.lvs:
        linked = volume.block.fields.get("LV Link Status") == "link"
        return "LV Link Status is 'link', but no LV block follows" if linked else None
    if len(volume.lvs) > 1:
        return f"{len(volume.lvs)} LV blocks under one SV"
    text, block = volume.lvs[0]
    name = ld_name(text)
    fault = block.fault or block.missing(grammar.LV_REQUIRED)
    if fault is not None or name is None:
        return f"LV {quoted(text)}: {fault}"
    fields = block.fields
    return LvRecord(name, fields.get("Type", ""), special_file(fields.get("Special File")), fields["LV Access"])


def _start_times(block: Block) -> dict[str, str]:
    matches = {label: grammar.TIME_LABEL.fullmatch(label) for label in block.fields}
    return {label: block.fields[label] for label, match in matches.items() if match and match["edge"] == "Start"}


def _labels(screen: _Screen, volumes: list[_Volume]) -> tuple[str, ...]:
    """Labels nobody knows, once each, and fields nobody judges whose value nobody can read, as `Label : value`."""
    blocks = [screen.bv, *(block for volume in volumes for block in (volume.block, *(lv for _, lv in volume.lvs)))]
    unknown = [label for block in blocks for label in block.unknown]
    return tuple(dict.fromkeys([*unknown, *(odd for block in blocks for odd in _oddities(block))]))


def _oddities(block: Block) -> list[str]:
    values = {label: value for label, value in block.fields.items() if value not in {"", "-"}}
    size, generation = values.get("Snapshot Data Size"), values.get("Generation(Attribute)")
    odd = [label for label, value in _start_times(block).items() if label in values and stamp(value) is None]
    if size is not None and size_bytes(size) is None:
        odd.append("Snapshot Data Size")
    if generation is not None and not grammar.GENERATION.fullmatch(generation):
        odd.append("Generation(Attribute)")
    return [f"{label} : {values[label]}" for label in odd]


def parse_sv(text: str, sv: LdName) -> SvScreen | Unread:
    """Read the screen of `iSMsc_query -sv SV -svflg ld` (captured 2014-03 and 2017-10).

    The SVs listed are whole names, compared exactly: a name may be the beginning of another.  `bv` is None only where
    the screen prints no name for it and lists nothing.  Unread where there is no BV block, or no BV for what is listed.
    """
    screen = _Screen(grammar.SV_HEADING)
    listed: list[LdName] = []
    for line in lines(text):
        _take_row(line, screen, listed)
    missing = screen.bv.missing(("LD Name",))
    if missing is not None:
        why = screen.broken or "the screen is empty or another"
        return unreadable(f"SV {sv}: {missing}; {why}", HINT_UNRECOGNISED)
    shown = screen.bv.fields["LD Name"]
    bv = ld_name(shown)
    if bv is None and (listed or shown not in {"", "-"}):
        return unreadable(f"SV {sv}: its BV {quoted(shown)} is no logical disk name")
    return SvScreen(bv, frozenset(listed), screen.end(), tuple(dict.fromkeys(screen.bv.unknown)))


def _take_row(line: Line, screen: _Screen, listed: list[LdName]) -> None:
    if line.trouble is not None:
        screen.spoil(line, line.trouble)
    elif is_remark(line) or screen.open_section(line):
        return
    elif is_complaint(line):
        screen.broken = screen.broken or line.blame(_COMPLAINT)
    elif not screen.listing:
        screen.take(line)
    else:
        row = grammar.SV_ROW.fullmatch(line.text)
        name = ld_name(row["name"]) if row else None
        if row is None or name is None or split_status(row["status"]) is None:
            screen.spoil(line, "is no SV row")
        else:
            listed.append(name)
