"""`necism resume`, `relink` and `abandon`: what ends an unfinished run, or links LVs without one."""

from __future__ import annotations

import argparse
from typing import Final

from necism_monitor.app.recovery import abandon, relink, resume
from necism_monitor.cli.options import Subparsers, add_verb
from necism_monitor.cli.resync import act
from necism_monitor.domain.errors import UsageError

UNPROVEN: Final = 6


def register(subparsers: Subparsers) -> None:
    """Add the three verbs."""
    back = add_verb(subparsers, "resume", run_resume, "end an unfinished run by linking its LVs; never creates")
    again = add_verb(subparsers, "relink", run_relink, "link every detached LV whose SV is active, without any journal")
    for verb in (back, again):
        verb.add_argument("selectors", nargs="+", metavar="SEL", help="SERVICE or SERVICE/sync#1")
        verb.add_argument("--json", action="store_true", help="print the run and its refusals as JSON")
    end = add_verb(subparsers, "abandon", run_abandon, "close an unfinished run, or set a damaged journal aside")
    end.add_argument("selectors", nargs="+", metavar="SEL", help="SERVICE or SERVICE/sync#1")
    end.add_argument("--reason", metavar="TEXT", required=True, help="why, for the journal")


def run_resume(args: argparse.Namespace) -> int:
    """Restore service after a crash."""
    return act(args, resume, {}, as_json=args.json, unable=UNPROVEN)


def run_relink(args: argparse.Namespace) -> int:
    """Restore service by what the array says alone."""
    return act(args, relink, {}, as_json=args.json, unable=UNPROVEN)


def run_abandon(args: argparse.Namespace) -> int:
    """Take a person's word for it that nothing more is to be done about a run."""
    if not args.reason.strip():
        raise UsageError("the reason is empty", "say why, for whoever reads `necism history` later")
    return act(args, abandon, {"reason": args.reason})
