"""Carry a CHANGE command out on the world: accept or refuse, take the array's time, land, answer."""

from __future__ import annotations

import time

from necism_monitor.simulator import calls, faults, latency, operations, screens
from necism_monitor.simulator.reply import Reply
from necism_monitor.simulator.world import edit_world

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import Change, Effect, Fault, World

VERBS = {"iSMsc_unlink": "unlink", "iSMsc_create": "create", "iSMsc_link": "link"}


class Job:
    """One CHANGE call: where, which, what, since when (host time), and the faults that hit it."""

    __slots__ = ("argv", "call", "change", "directory", "hits", "name", "options", "started")

    def __init__(
        self, directory: str, call: str, name: str, options: dict[str, str], started: float, hits: dict[str, Fault]
    ) -> None:
        self.directory = directory
        self.call = call
        self.name = name
        self.options = options
        self.started = started
        self.hits = hits
        self.change = _change(name, options)


def carry_out(job: Job) -> Reply:
    """Do the whole call and answer; raises operations.Refused when the array does not accept it."""
    with edit_world(job.directory) as world:
        check_volume_list(world)
        operations.check_change(world, job.change)
        seconds = latency.nominal(world, job.name, job.options)
        due = job.started + seconds
        reply = _bent(world, job, due) or _at_once(world, job, seconds)
        effect = reply.effect if reply else operations.describe(world, job.change, due)
        if reply is None:
            _accept(world, job, due, begun=True)
    if reply and effect:
        calls.log_effect(job.directory, job.call, effect)
    sleep_until(due)
    if reply is None:
        with edit_world(job.directory) as world:  # opening the world lands what is due
            reply = _answer(world, job, effect or {})
    reply.nominal = seconds
    return reply


def _bent(world: World, job: Job, due: float) -> Reply | None:
    """The answer of a call that a fault bends: nothing, or nothing yet, happens to the array."""
    if "success_without_effect" in job.hits:
        return Reply(0, screens.success(world, operations.describe(world, job.change, due)))
    if "late_effect" in job.hits:
        _accept(world, job, due + job.hits["late_effect"]["seconds"], begun=False)
        return faults.failure(job.name, job.hits, ("late_effect",))
    if "async_create" in job.hits:
        _accept(world, job, due + job.hits["async_create"]["seconds"], begun=True)
        facts = {"bv": job.change["bv"], "sv": job.change["sv"], "stamp": ""}
        return Reply(0, screens.success(world, {"create": facts}))
    return None


def _at_once(world: World, job: Job, seconds: float) -> Reply | None:
    """The whole change in one step when the array takes no time; None when it has to be waited for."""
    if seconds:
        return None
    operations.begin(world, job.change)
    return _answer(world, job, operations.finish(world, job.change, time.time()))


def _answer(world: World, job: Job, effect: Effect) -> Reply:
    failed = faults.failure(job.name, job.hits, ("fail_after",))
    if failed:
        failed.effect = effect
        return failed
    return Reply(0, screens.success(world, effect), effect=effect)


def sleep_until(moment: float) -> None:
    """Sleep until the host's clock shows `moment` (seconds since 1970)."""
    while (rest := moment - time.time()) > 0:
        time.sleep(rest)


def _accept(world: World, job: Job, due: float, *, begun: bool) -> None:
    if begun:
        operations.begin(world, job.change)
    world["pending"].append({"call": job.call, "due": due, "begun": begun, "change": job.change})


def check_volume_list(world: World) -> None:
    """Raise Refused while the host has no volume list, or its service does not run: names cannot be resolved then.

    That a command needs the service is on record, not what it says without it. Worlds of older files have it running.
    """
    if not world.get("service", True):
        raise operations.Refused(operations.NO_SERVICE, "the host register service is not running.")
    if not world["volume_list"]:
        raise operations.Refused(operations.NO_VOLUME_LIST, "the volume list has not been created.")


def _change(name: str, options: dict[str, str]) -> Change:
    return {
        "verb": VERBS[name],
        "bv": options.get("-bv", ""),
        "sv": options.get("-sv", ""),
        "lv": options.get("-lv", ""),
        "access": options.get("-lvacc", "rw"),
    }
