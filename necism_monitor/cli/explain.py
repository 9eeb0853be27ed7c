"""`necism explain [CODE]`: what a finding, a refusal, an exit code or a key means, and what to do."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from necism_monitor.adapters import config_keys
from necism_monitor.cli import console
from necism_monitor.cli.options import Subparsers, add_verb
from necism_monitor.domain import findings, refusals
from necism_monitor.domain.errors import UsageError
from necism_monitor.domain.selectors import suggest

_RESYNC: Final = {
    0: "done and verified (with --dry-run: it would be)",
    3: "refused: nothing was changed; the refusal has a code of its own",
    4: "not needed or too soon (too-soon, not-needed, key-spent): nothing was changed",
    5: "failed, and every LV is proven linked; also where only post_resync failed",
    6: "an LV is detached, or nobody can prove that it is linked: look at once",
    7: "another run, or a command or hook it left behind, holds the lock (locked)",
}
_SYNCRESYNC: Final = {
    code: text if code else "done and verified, or skipped by sync_min_delay"
    for code, text in _RESYNC.items()
    if code != refusals.EXITS["too-soon"]
}
_RELINK: Final = {
    0: "every LV is linked, or there was nothing to do",
    3: "refused: nothing was changed",
    6: "an LV is detached, was left alone, or nobody can prove that it is linked: look at once",
    7: _RESYNC[7],
}
_RESUME: Final = {
    0: "every LV is linked, whatever the images, or there was nothing to do",
    3: "refused: nothing was changed",
    5: "every LV is linked, and only post_resync failed: those who use the LVs may still be stopped",
    6: "an LV is detached, or nobody can prove that it is linked: look at once",
    7: _RESYNC[7],
}
_ABANDON: Final = {
    0: "the run is closed, the damaged journal set aside, or there was nothing to do",
    3: "a journal could not be written or renamed",
    7: "a run is at work, or a command it left behind (locked)",
}
EXITS: Final[Mapping[str, Mapping[int, str]]] = {
    "status": {0: "up", 1: "warn", 3: "unknown: could not tell"},
    "resync": _RESYNC,
    "syncresync": _SYNCRESYNC,
    "resume": _RESUME,
    "relink": _RELINK,
    "abandon": _ABANDON,
    "request": {0: "the request is on disk, or the same was before", 3: "it could not be left in the spool"},
    "dispatch": {
        0: "whatever became of the requests: `necism history` tells", 3: "spool, state_dir or a journal is unusable",
    },
    "event": {0: "whatever happens"},
    "collect": {0: "every array was read", 3: "some could not be read, or the file could not be written"},
    "config": {0: "the configuration can be used", 64: "it cannot; all problems are listed"},
    "doctor": {0: "every prerequisite holds", 1: "one does not, or could not be checked"},
    "exporter": {0: "asked to stop", 1: "cannot listen on the address", 3: "a library of the extra `web` is missing"},
    "webhook": {0: "asked to stop", 1: "cannot listen on the address", 3: "a library of the extra `web` is missing"},
    "check_necism": {
        0: "OK: up", 1: "WARNING", 2: "CRITICAL, by your thresholds only", 3: "UNKNOWN: could not tell, or wrong usage",
    },
}  # fmt: skip
PLAIN: Final = ("history", "capture", "explain", "simulator", "demo")
"""Commands that end with nothing but what every command may end with."""
CLOSED: Final = ("check_necism", "event")
"""Commands that never end with what every other command may end with."""
HOOKED: Final = ("pre-resync-failed", "in-use")
"""Refusals that may come after creates: of pairs that take turns these come first."""
EVERYWHERE: Final[Mapping[int, str]] = {
    0: "done",
    3: "something on this host is wrong: rights, disk, an array that cannot be asked",
    64: "wrong usage or configuration",
    70: "a bug of necism-monitor",
    130: "interrupted (Ctrl-C)",
    143: "ended by SIGTERM",
}
USAGE: Final = 64
"""Where the codes of sysexits.h begin: they mean the same everywhere."""
WIDTH: Final = 100


def register(subparsers: Subparsers) -> None:
    """`necism explain [CODE]`."""
    parser = add_verb(subparsers, "explain", run, "explain a finding, a refusal, an exit code or a key")
    parser.add_argument(
        "code",
        nargs="?",
        metavar="CODE",
        help="such as too-old, wrong-link, 6 or the name of a command; none lists all",
    )


def run(args: argparse.Namespace) -> int:
    """Print what is known of the code, or everything there is to ask about."""
    console.say(*(_list() if args.code is None else _explain(args.code)))
    return 0


def _explain(code: str) -> list[str]:
    told = list(_meanings(code))
    if not told:
        known = {*findings.CATALOGUE, *refusals.CATALOGUE, *EXITS, *PLAIN, *config_keys.names()}
        near = suggest(code, known)
        raise UsageError(
            f"nothing is called {code!r}", f"did you mean {near}?" if near else "`necism explain` lists all"
        )
    return told


def _meanings(code: str) -> Iterator[str]:
    """A code may be a finding and a refusal at once, a number an exit code of many commands."""
    if found := findings.CATALOGUE.get(code):
        yield f"{code}: a finding; its subject is {found.verdict.value}"
        yield from _body(found.explain, found.hint)
    if refusal := refusals.CATALOGUE.get(code):
        yield f"{code}: a refusal of resync (exit code {refusals.EXITS.get(code, 3)}); nothing was changed"
        yield from _body(f"{refusal.explain}{_afterwards(code)}", refusal.hint)
    if code in EXITS or code in PLAIN:
        yield f"{code}: exit codes"
        yield from (f"  {number:>3}  {text}" for number, text in sorted(codes_of(code).items()))
    if code.isdecimal():
        yield from _number(int(code))
    for section, key in config_keys.meanings(code).items():
        yield f"{code}: a key of {section}"
        yield f"  {code} = {key.form}{'' if key.default is None else f'    (default: {key.default})'}"
        yield from textwrap.wrap(key.means, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _afterwards(code: str) -> str:
    """What is otherwise where creates came before the question."""
    if code not in HOOKED:
        return ""
    return " After the creates of pairs that take turns it is a failure (5) instead: every LV keeps its old image."


def codes_of(verb: str) -> dict[int, str]:
    """What a command may end with, that of every command included; what monitors start has only its own."""
    if verb in CLOSED:
        return dict(EXITS[verb])
    own = EXITS.get(verb, EVERYWHERE)
    return {**{number: text for number, text in EVERYWHERE.items() if number >= USAGE}, **own}


def _number(number: int) -> Iterator[str]:
    rows = [(verb, codes[number]) for verb, codes in EXITS.items() if number in codes]
    rows += [("any other command", EVERYWHERE[number])] if number in EVERYWHERE else []
    if rows:
        yield f"{number}: an exit code"
        width = max(len(verb) for verb, _ in rows)
        yield from (f"  {verb:<{width}}  {text}" for verb, text in rows)


def _body(explain: str, hint: str) -> list[str]:
    text = textwrap.wrap(explain, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return [*text, *textwrap.wrap(f"-> {hint}", WIDTH, initial_indent="  ", subsequent_indent="     ")]


def _list() -> list[str]:
    lines = ["findings:"]
    lines += [f"  {code:<20} {one.verdict.value:<8} {one.explain}" for code, one in findings.CATALOGUE.items()]
    lines += ["refusals of resync:"]
    lines += [
        f"  {code:<20} exit {refusals.EXITS.get(code, 3):<3} {one.explain}" for code, one in refusals.CATALOGUE.items()
    ]
    lines += ["exit codes:"]
    lines += [f"  {verb:<20} {', '.join(map(str, codes))}" for verb, codes in EXITS.items()]
    lines += [f"  {'every command':<20} {', '.join(map(str, EVERYWHERE))}"]
    lines += ["keys of the configuration:"]
    lines += textwrap.wrap(", ".join(config_keys.names()), WIDTH, initial_indent="  ", subsequent_indent="  ")
    return [*lines, "`necism explain CODE` tells what to do about one"]
