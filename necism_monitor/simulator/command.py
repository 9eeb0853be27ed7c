"""The entry of every simulated command: log the call, let the faults have it, answer, log the end."""

from __future__ import annotations

import os
import time

from necism_monitor.simulator import calls, changes, faults, grammar, latency, operations, screens, views, worker
from necism_monitor.simulator.reply import Reply, error
from necism_monitor.simulator.world import edit_world, settled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from necism_monitor.simulator.shapes import Fault, World

KILLED = -9
NO_SUCH_ARRAY = "iSM19908"
WORKER_LOST = "iSM19909"


def main(directory: str, argv: list[str]) -> int:
    """Run one command line (`argv[0]` is the command's name) on the array in `directory`; returns the exit code."""
    started = time.time()
    call = f"{os.getpid()}-{time.time_ns()}"
    calls.log_start(directory, call, argv, grammar.CLASSES[argv[0]])
    hits = faults.take(directory, argv)
    reply = _answer(directory, call, argv, started, hits)
    _delay(hits)
    stdout, stderr, exit_code = faults.bend(hits, reply)
    if hits.get("kill", {}).get("when") == "after":
        _die(directory, call, reply)
    delivered = _deliver(stdout, stderr, hits)
    exit_code = exit_code if delivered else exit_code or 1
    calls.log_end(directory, call, exit_code, reply.effect, reply.nominal)
    return exit_code


def _answer(directory: str, call: str, argv: list[str], started: float, hits: dict[str, Fault]) -> Reply:
    if "hang_before" in hits:
        time.sleep(hits["hang_before"]["seconds"])
        started = time.time()
    if hits.get("kill", {}).get("when") == "before":
        _die(directory, call, Reply(KILLED))
    refused = faults.failure(argv[0], hits, faults.REFUSALS)
    if refused:
        return refused
    return perform(directory, call, argv, started, hits)


def perform(directory: str, call: str, argv: list[str], started: float, hits: dict[str, Fault]) -> Reply:
    """Do what the command line asks for; refusals become error answers."""
    name = argv[0]
    try:
        options = grammar.parse(name, argv[1:])
        if name in changes.VERBS:
            job = changes.Job(directory, call, name, options, started, hits)
            return worker.delegate(directory, call, lambda: _change(job))
        return _read(directory, call, name, options, started)
    except operations.Refused as refusal:
        return error(name, refusal.message_id, refusal.text)
    except ChildProcessError as lost:
        return error(name, WORKER_LOST, f"{lost}.")


def _change(job: changes.Job) -> Reply:
    try:
        return changes.carry_out(job)
    except operations.Refused as refusal:
        return error(job.name, refusal.message_id, refusal.text)


def _read(directory: str, call: str, name: str, options: dict[str, str], started: float) -> Reply:
    world = settled(directory)
    seconds = 0.0
    if world["latency"]:
        with edit_world(directory) as world:
            seconds = latency.nominal(world, name, options)
        changes.sleep_until(started + seconds)
        world = settled(directory)
    if name == "iSMvollist":
        return _rebuild_volume_list(directory, call, seconds)
    changes.check_volume_list(world)
    screen = _SCREENS[name](world, options)
    return Reply(0, screen, nominal=seconds)


def _rebuild_volume_list(directory: str, call: str, seconds: float) -> Reply:
    with edit_world(directory) as world:
        world["volume_list"] = True
        effect = {"vollist": {"array": world["array"]["name"]}}
    calls.log_effect(directory, call, effect)
    return Reply(0, effect=effect, nominal=seconds)


def _query(world: World, options: dict[str, str]) -> str:
    base, name = options.get("-bv"), options.get("-sv")
    if base is not None and base not in world["bvs"]:
        raise operations.Refused(operations.NO_SUCH_VOLUME, f"the specified base volume does not exist.({base})")
    if name is not None and name not in world["svs"]:
        raise operations.Refused(operations.NO_SUCH_VOLUME, f"the specified snapshot volume does not exist.({name})")
    if base is None or name is not None:
        owner = world["svs"][name or ""]["bv"]
        if base not in (None, owner):
            raise operations.Refused(operations.OTHER_BASE, f"the volumes are no pair.({base}, {name})")
        return screens.plain(world, owner, [name or ""])
    if "-detail" in options:
        return screens.detail(world, base)
    return screens.plain(world, base, screens.snapshots_of(world, base))


def _linkinfo(world: World, options: dict[str, str]) -> str:
    volume = options["-vol"]
    if not any(volume in volumes for volumes in (world["bvs"], world["svs"], world["lvs"])):
        raise operations.Refused(operations.NO_SUCH_VOLUME, f"the specified volume does not exist.({volume})")
    return screens.linkinfo(world, volume)


def _view(world: World, options: dict[str, str], *, monitoring: bool) -> str:
    if "-d" in options:
        return views.array_list(world, monitoring=monitoring)
    if options["-all"] != world["array"]["name"]:
        raise operations.Refused(NO_SUCH_ARRAY, f"the specified disk array does not exist.({options['-all']})")
    return views.everything(world)


_SCREENS: dict[str, Callable[[World, dict[str, str]], str]] = {
    "iSMsc_query": _query,
    "iSMsc_linkinfo": _linkinfo,
    "iSMview": lambda world, options: _view(world, options, monitoring=True),
    "iSMcc_view": lambda world, options: _view(world, options, monitoring=False),
}


def _delay(hits: dict[str, Fault]) -> None:
    for kind, key in (("late_effect", "hang"), ("hang_after", "seconds")):
        if kind in hits:
            time.sleep(hits[kind][key])


def _die(directory: str, call: str, reply: Reply) -> None:
    calls.log_end(directory, call, KILLED, reply.effect, reply.nominal)
    os.kill(os.getpid(), -KILLED)


def _deliver(stdout: bytes, stderr: bytes, hits: dict[str, Fault]) -> bool:
    """Write both streams; False when the reader is gone."""
    if "grandchild_holds_pipe" in hits:
        _leave_grandchild(hits["grandchild_holds_pipe"]["seconds"])
    try:
        _write(1, stdout)
        _write(2, stderr)
        if "endless_output" in hits:
            _write_without_end(hits["endless_output"]["seconds"])
    except BrokenPipeError:
        return False
    return True


def _write(stream: int, data: bytes) -> None:
    while data:
        data = data[os.write(stream, data) :]


def _leave_grandchild(seconds: float) -> None:
    if os.fork() == 0:
        os.setsid()
        os.closerange(3, 1024)
        time.sleep(seconds)
        os._exit(0)


def _write_without_end(seconds: float) -> None:
    import signal  # noqa: PLC0415 - needed by this fault only, and every command's start counts

    signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends it even while a full pipe blocks the write
    line = b"    LD Name      : endless\n" * 100
    while True:
        _write(1, line)
