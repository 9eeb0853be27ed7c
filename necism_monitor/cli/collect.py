"""`necism collect`: reads every array with READ commands and leaves the readings for those who may not."""

from __future__ import annotations

import argparse
import os
import queue
import threading
from collections.abc import Iterable, Iterator

from necism_monitor.app.look import Sources, read_array
from necism_monitor.cli import console
from necism_monitor.cli.logs import log_command, logger, warn_of
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.reading import BvScreen, Observation, Unread

DONE, BLIND, BUG = 0, 3, 70


def register(subparsers: Subparsers) -> None:
    """`necism collect`."""
    add_verb(
        subparsers,
        "collect",
        run,
        "read all arrays with READ commands and save the observation file",
    )


def run(args: argparse.Namespace) -> int:
    """Read, save each array as soon as it was read, and say how it went."""
    config = load_config(paths_of(args), os.environ)
    warn_of(config)
    sources = make_sources(config, log_command)
    names = tuple(dict.fromkeys(resource.array for resource in config.resources))
    codes = [DONE]
    for name, result in _read_all(sources, names):
        if isinstance(result, Exception):
            logger().error("array %s: a bug of necism-monitor", name, exc_info=result)
            codes.append(BUG)
            continue
        sources.store.save({name: result})
        why = next(unread_of(result), None)
        console.say(_said(result, why))
        codes.append(DONE if why is None else BLIND)
    return max(codes)


def unread_of(seen: Observation) -> Iterator[Unread]:
    """Every question of a reading that was not answered."""
    answers = (*seen.bv_of.values(), *seen.bvs.values(), *seen.links.values(), seen.inventory)
    return (one for one in answers if isinstance(one, Unread))


def _read_all(sources: Sources, names: tuple[ArrayName, ...]) -> Iterable[tuple[ArrayName, Observation | Exception]]:
    """Each array's reading as it ends: an array that hangs does not keep the others from being read."""
    if len(names) == 1:
        return [(name, _read(sources, name)) for name in names]
    ended: queue.SimpleQueue[tuple[ArrayName, Observation | Exception]] = queue.SimpleQueue()
    for name in names:
        # A daemon: Ctrl-C ends this process without waiting for an array.
        threading.Thread(target=lambda one: ended.put((one, _read(sources, one))), args=(name,), daemon=True).start()
    return (ended.get() for _ in names)


def _read(sources: Sources, name: ArrayName) -> Observation | Exception:
    try:
        return read_array(sources, name)
    except Exception as error:  # noqa: BLE001 - one array's trouble, ours included, does not cost the others theirs
        return error


def _said(seen: Observation, why: Unread | None) -> str:
    took = f"in {seen.ended_at - seen.started_at:.1f} s by {sum(seen.commands.values())} commands"
    if why is None:
        screens = [screen for screen in seen.bvs.values() if isinstance(screen, BvScreen)]
        return f"{seen.array}: {len(seen.bv_of)} SVs on {len(screens)} BVs read {took}"
    more = sum(1 for _ in unread_of(seen)) - 1
    others = f" (and {more} more)" if more else ""
    return f"{seen.array}: not everything could be read {took}: {why.text}{others}\n  -> {why.hint}"
