"""Who else may drive the same volumes: cron tables, systemd units and service files of OpenSVC, read as text.

A line is only a sign: what it does when it runs is not known here.  So a line that names one of our volumes or services
is a finding, and any other that sends iSM commands or asks for a resync is a doubt.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from necism_monitor.domain.checkup import HostFile, Schedules
from necism_monitor.domain.secrets import hide

RAW: Final = re.compile(r"\biSMsc_(?:create|link|unlink|restore|delete)\b")
OPENSVC: Final = re.compile(r"\b(?:svcmgr|om|nodemgr)\b.*\b(?:sync[ _]?resync|sync[ _]?all|sync[ _]?update|resync)\b")
OURS: Final = re.compile(r"\bnecism\b.*\s(?:resync|syncresync)\b")
TIMER: Final = re.compile(r"--trigger[ =]timer\b")
TOKEN: Final = re.compile(r"[^\s|:,'\"]+")
NEVER: Final = frozenset({"", "@0"})
"""Schedules of OpenSVC that never come; without one its driver's default is @0."""
LINE_MAX: Final = 200


class Mention(NamedTuple):
    """A place where something of ours seems to be started by others."""

    path: str
    quote: str
    names: tuple[str, ...]
    """Which of our volumes or services it names."""
    timed: bool
    """It asks as `--trigger timer`: that is our own caller, not another scheduler."""


def find_mentions(schedules: Schedules, names: Collection[str]) -> Iterator[Mention]:
    """Every line and section that drives snapshots, in the order of the files."""
    timers = {_stem(file.path) for file in schedules.files if file.kind == "systemd" and file.path.endswith(".timer")}
    for file in schedules.files:
        if file.kind == "opensvc":
            yield from _in_service(file, names)
        elif file.kind == "cron" or _is_timed(file, timers, schedules):
            yield from _in_lines(file, names)


def unescape(instance: str) -> str:
    r"""The selector in the instance of a systemd unit (systemd-escape(1)): `erp-sync\x231` is `erp/sync#1`."""
    slashed = instance.replace("-", "/")
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), slashed)


def _is_timed(file: HostFile, timers: set[str], schedules: Schedules) -> bool:
    """A service of somebody else's that a timer starts."""
    stem = _stem(file.path)
    if not file.path.endswith(".service") or stem.startswith("necism-"):
        return False
    unit = re.compile(rf"^\s*Unit\s*=\s*{re.escape(stem)}\.service\s*$", re.MULTILINE)
    return stem in timers or any(one.path.endswith(".timer") and unit.search(one.text) for one in schedules.files)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _in_lines(file: HostFile, names: Collection[str]) -> Iterator[Mention]:
    for line in file.text.splitlines():
        plain = line.strip()
        if plain.startswith("#") or not any(sign.search(plain) for sign in (RAW, OPENSVC, OURS)):
            continue
        timed = OURS.search(plain) is not None and TIMER.search(plain) is not None
        yield Mention(file.path, hide(plain)[:LINE_MAX], _named(plain, names), timed)


def _in_service(file: HostFile, names: Collection[str]) -> Iterator[Mention]:
    """Sections of our type that OpenSVC's own scheduler starts."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="DEFAULT")
    try:
        parser.read_string(file.text)
    except configparser.Error:
        # Nobody can tell what it schedules; the name of the driver is sign enough to say so.
        if "necismsnap" in file.text:
            yield Mention(
                file.path, "a section of type necismsnap in a file that cannot be read as INI", (), timed=False
            )
        return
    for name in parser.sections():
        section = parser[name]
        schedule = (section.get("schedule") or section.get("sync_schedule") or "").strip()
        off = (section.get("disable") or "").strip().lower() in {"true", "1", "yes"}
        if section.get("type") == "necismsnap" and schedule not in NEVER and not off:
            shown = f"[{name}] schedule = {schedule}"
            yield Mention(file.path, shown[:LINE_MAX], _named(section.get("devs") or "", names), timed=False)


def _named(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Which names stand in a text as whole words: one name may be the beginning of another."""
    words = set(TOKEN.findall(text))
    return tuple(name for name in names if name in words)
