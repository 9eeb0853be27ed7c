"""Verdicts by hand, a strict reader of plugin output, and the plugin as a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from necism_monitor.domain.findings import Finding, Verdict, finding, status_of
from necism_monitor.domain.model import Pair, Resource
from necism_monitor.domain.names import LdName, ResourceName, ServiceName
from necism_monitor.domain.stamps import Instant
from necism_monitor.domain.states import LinkState, SnapshotState
from necism_monitor.domain.verdicts import PairVerdict, ResourceVerdict, ServiceVerdict, Verdicts

NOW: Final = 1_700_000_000.0
ROOT: Final = Path(__file__).parents[2]
PLUGIN: Final = ROOT / "check_necism.py"

# The guidelines' grammar, read strictly: quoted label without quotes and `=`, decimals without exponent, ranges.
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_RANGE = rf"@?(?:(?:~|{_NUMBER}):)?(?:{_NUMBER})?"
_ITEM = re.compile(
    rf"(?:'(?P<quoted>[^'=|]+)'|(?P<bare>[^\s'=|]+))=(?P<value>U|{_NUMBER})(?P<uom>s|%|B|c|)"
    rf"(?:;(?P<warn>{_RANGE})(?:;(?P<crit>{_RANGE})(?:;(?P<min>{_NUMBER}|)(?:;(?P<max>{_NUMBER}|))?)?)?)?(?: |$)"
)
_FIRST = re.compile(r"NECISM (OK|WARNING|CRITICAL|UNKNOWN) - [ -{}~]+")


class Perf(NamedTuple):
    """One value of perfdata, as text."""

    label: str
    value: str
    uom: str
    warn: str | None
    crit: str | None
    least: str | None


class Said(NamedTuple):
    """What a plugin said."""

    code: int
    word: str
    status: str
    perfdata: tuple[Perf, ...]
    more: tuple[str, ...]
    size: int


def parse_perfdata(text: str) -> tuple[Perf, ...]:
    """Every value; raises AssertionError where the grammar is broken."""
    found, place = [], 0
    while place < len(text):
        item = _ITEM.match(text, place)
        assert item is not None, text[place:]
        name = item["quoted"] or item["bare"]
        found.append(Perf(name, item["value"], item["uom"], item["warn"], item["crit"], item["min"]))
        place = item.end()
    assert len({one.label for one in found}) == len(found)
    return tuple(found)


def parse_output(text: str, code: int) -> Said:
    """Read a plugin's output as strictly as the guidelines allow."""
    assert text.isascii()
    assert text.endswith("\n")
    first, *more = text[:-1].split("\n")
    status, bar, perfdata = first.partition(" | ")
    head = _FIRST.fullmatch(status)
    assert head is not None, status
    assert not any("|" in line for line in more)
    assert not re.search(r"[$`'\"<>\\\x00-\x1f\x7f]", status + "".join(more))
    assert bool(bar) == bool(perfdata)
    return Said(code, head[1], status, parse_perfdata(perfdata), tuple(more), len(text))


def ask(*args: str, env: Mapping[str, str] | None = None, command: Sequence[str] | None = None) -> Said:
    """Run the plugin; nothing may stand on standard error, and word and exit status agree."""
    argv = [*(command or (sys.executable, str(PLUGIN))), *args]
    whole = {**os.environ, **env} if env is not None else None
    done = subprocess.run(argv, env=whole, capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    said = parse_output(done.stdout, done.returncode)
    assert ["OK", "WARNING", "CRITICAL", "UNKNOWN"][said.code] == said.word
    return said


def pair(lv: str, *findings: Finding, age: float | None = 3600.0) -> PairVerdict:
    """A pair whose image is `age` seconds old."""
    sv, taken = LdName(f"SV_{lv}"), None if age is None else Instant(NOW - age, NOW - age)
    return PairVerdict(
        Pair(LdName(lv), (sv,)),
        sv,
        LdName("BV"),
        sv,
        LinkState.LINKED,
        "rw",
        SnapshotState.ACTIVE,
        taken,
        None,
        "LX",
        None,
        status_of(findings),
        findings,
    )


def resource(name: str, *pairs: PairVerdict, findings: tuple[Finding, ...] = ()) -> ResourceVerdict:
    """`SERVICE/sync#N` with these pairs."""
    service, _, section = name.partition("/")
    made = Resource(ServiceName(service), ResourceName(section), tuple(one.pair for one in pairs))
    every = [*findings, *(one for each in pairs for one in each.findings)]
    return ResourceVerdict(made, status_of(every), findings, pairs, None, NOW)


def verdicts(*resources: ResourceVerdict) -> Verdicts:
    """One service a resource."""
    services = tuple(ServiceVerdict(one.resource.service, one.status, (one,)) for one in resources)
    return Verdicts(Verdict.UP, NOW, NOW, None, (), services, {})


def detached(lv: str) -> Finding:
    """A finding that warns."""
    return finding("detached", lv, f"LV {lv} is not linked")


def unreadable(lv: str) -> Finding:
    """A finding that knows nothing."""
    return finding("unreadable", lv, f"the screen of {lv} ends in the middle")
