"""The child process that looks at block devices: whatever hangs in it is given up with it.

The answer is one line of JSON on standard output.  Each disk is opened in a thread of its own, so a dead one costs
nothing but its own answer.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from necism_monitor.adapters.blockdev_read import Host, open_exclusively, read_blocks, read_facts
from necism_monitor.domain.use import Use, UseState
from necism_monitor.host.devices import absent, judge, lasts, unknown
from necism_monitor.host.family import Block, Blocks, Family, find_family, name_of_disk

PAUSES: Final = (0.5, 1.5)
"""Seconds before a second and a third look."""


class Found(NamedTuple):
    """What the special files lead to: a disk, or why to none; `missing` are those that this host does not have."""

    families: Mapping[str, Family]
    lost: Mapping[str, Use]
    missing: frozenset[str]


def find_families(host: Host, files: Sequence[str]) -> Found:
    """Look for each special file in /dev and /sys."""
    try:
        blocks, why = read_blocks(host), ""
    except OSError as error:
        blocks, why = {}, f": {error}"
    families: dict[str, Family] = {}
    lost: dict[str, Use] = {}
    missing: set[str] = set()
    for file in files:
        result = _find(host, blocks, file, why)
        if isinstance(result, Family):
            families[file] = result
        else:
            lost[file] = result or absent(file, "is no block device here")
            missing |= set() if result else {file}
    return Found(families, lost, frozenset(missing))


def _find(host: Host, blocks: Blocks, file: str, why: str) -> Family | Use | None:
    try:
        number = host.number(file)
    except OSError as error:
        return unknown(f"{file} could not be looked at: {error.strerror}")
    if number is None:
        return None
    return find_family(blocks, file, number) or unknown(f"{file} is device {number}, which /sys does not describe{why}")


def look(host: Host, files: Sequence[str], seconds: float) -> Mapping[str, Use]:
    """The verdict for each special file; opening takes at most `seconds`.

    Where only processes or an exclusive holder stand in the way, they get a moment to go: what udev starts after a
    change of a disk (pvscan, blkid) reads it and ends.  The last look counts.
    """
    deadline = time.monotonic() + seconds
    uses, fleeting = _look_once(host, files, deadline)
    for pause in PAUSES:
        if not fleeting or time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
        uses, fleeting = _look_once(host, files, deadline)
    return uses


def _look_once(host: Host, files: Sequence[str], deadline: float) -> tuple[Mapping[str, Use], bool]:
    """The verdicts, and whether one of them may be another in a moment."""
    found = find_families(host, files)
    facts = read_facts(host, {block.number for family in found.families.values() for block in family.members})
    answers = open_all(host, list(found.families.values()), deadline)
    uses = {file: judge(family, facts, answers) for file, family in found.families.items()}
    used = [family for file, family in found.families.items() if uses[file].state is UseState.IN_USE]
    return {**uses, **found.lost}, any(not lasts(family, facts) for family in used)


def open_all(host: Host, families: Sequence[Family], deadline: float) -> Mapping[str, str]:
    """Open every disk exclusively, one thread for each: two of our own on one disk would find each other."""
    disks = {frozenset(block.number for block in family.members): family.tops for family in families}
    answers: dict[str, str] = {}
    threads = [threading.Thread(target=_open_one, args=(host, tops, answers), daemon=True) for tops in disks.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))
    return answers.copy()


def _open_one(host: Host, tops: Sequence[Block], answers: dict[str, str]) -> None:
    for block in tops:
        answers[block.number] = open_exclusively(host, block)


def identify(host: Host, files: Sequence[str]) -> Mapping[str, Mapping[str, object]]:
    """The devices of each special file that is here, in the order to flush them, and its World Wide Name."""
    found = find_families(host, files)
    known = {file: _identity(host, family) for file, family in found.families.items()}
    lost = {file: {"problem": use.text} for file, use in found.lost.items() if file not in found.missing}
    return {**known, **lost}


def _identity(host: Host, family: Family) -> Mapping[str, object]:
    disks = sorted(family.members, key=lambda block: block is not family.start)
    names = [name for block in disks if (name := name_of_disk(block))]
    devices = [str(host.dev / block.file) for block in family.members]
    return {"devices": devices, "wwn": names[0] if names else None}


def answer(question: Mapping[str, Any]) -> Mapping[str, object]:
    """The answer to one question, as JSON values."""
    host = Host(Path(question["proc"]), Path(question["sys"]), Path(question["dev"]))
    if question["verb"] == "identify":
        return identify(host, question["files"])
    uses = look(host, question["files"], question["seconds"])
    return {file: [use.state.value, use.text] for file, use in uses.items()}


def main() -> None:
    """Answer the question in the first argument; never waits for a thread that hangs."""
    sys.stdout.write(json.dumps({"answer": answer(json.loads(sys.argv[1]))}))
    sys.stdout.flush()
    os._exit(0)
