"""Finish an accepted change whatever becomes of the client: a process of its own does the work.

The worker keeps every inherited descriptor above 2 until the change is over (a lock that the caller handed down stays
held as long as the operation runs) and lets go of the client's streams at once.
"""

from __future__ import annotations

import json
import os

from necism_monitor.simulator import calls
from necism_monitor.simulator.reply import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def delegate(directory: str, call: str, work: Callable[[], Reply]) -> Reply:
    """Run `work` in a worker of its own session and return its answer; None of its life depends on the caller's."""
    reader, writer = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(reader)
        _run(directory, call, work, writer)
    os.close(writer)
    answer = _read_all(reader)
    os.waitpid(worker, 0)
    if not answer:
        raise ChildProcessError("the worker of the operation was killed; what was accepted lands at its time")
    return Reply(**json.loads(answer))


def _run(directory: str, call: str, work: Callable[[], Reply], writer: int) -> None:
    exit_code = 1
    try:
        os.setsid()
        _let_go_of_streams()
        _tell(directory, call, work(), writer)
        exit_code = 0
    except BaseException:  # noqa: BLE001 - the worker must end here, the stack below belongs to the client
        _report(directory, call)
    finally:
        os._exit(exit_code)


def _let_go_of_streams() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def _tell(directory: str, call: str, reply: Reply, writer: int) -> None:
    try:
        os.write(writer, json.dumps(reply.fields()).encode())
    except BrokenPipeError:
        # The client was killed while the array worked: nobody else can say that the call is over.
        calls.log_end(directory, call, None, reply.effect, reply.nominal)


def _report(directory: str, call: str) -> None:
    import traceback  # noqa: PLC0415 - only a worker that failed pays for it

    calls.log_effect(directory, call, None, traceback.format_exc())


def _read_all(reader: int) -> bytes:
    chunks = []
    while chunk := os.read(reader, 65536):
        chunks.append(chunk)
    os.close(reader)
    return b"".join(chunks)
