"""The call log of a simulated array: calls.jsonl, one line an event, each appended in one write.

`start` stands when a command begins, `effect` when a change has landed (or was dropped) on the array, `end` when the
command answered. A command killed from outside while its accepted change runs gets its `end` from the worker that
finishes the change; one killed at any other moment has none.
"""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from necism_monitor.simulator.shapes import Call, Effect

LOG = "calls.jsonl"


def append(directory: str, record: dict[str, Any]) -> None:
    """Add one event to the log; the time is added here."""
    line = json.dumps({**record, "time": time.time()}, separators=(",", ":"), default=str) + "\n"
    descriptor = os.open(f"{directory}/{LOG}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode(errors="surrogateescape"))
    finally:
        os.close(descriptor)


def log_start(directory: str, call: str, argv: list[str], effect_class: str) -> None:
    """A command began; `effect_class` is READ, CHANGE or HOST."""
    append(directory, {"event": "start", "call": call, "pid": os.getpid(), "argv": argv, "class": effect_class})


def log_effect(directory: str, call: str, effect: Effect | None, why: str = "") -> None:
    """A change landed on the array, or (effect None) was dropped for the reason given."""
    append(directory, {"event": "effect", "call": call, "effect": effect, "why": why})


def log_end(directory: str, call: str, exit_code: int | None, effect: Effect | None, nominal: float) -> None:
    """A command answered; exit None: its client was gone, -9: it killed itself. `nominal` is the simulated latency."""
    append(
        directory,
        {"event": "end", "call": call, "pid": os.getpid(), "exit": exit_code, "effect": effect, "nominal": nominal},
    )


def read_calls(directory: str | os.PathLike[str]) -> list[Call]:
    """Every call of the array in `directory` so far, in the order they began; a missing log is an empty one."""
    path = f"{os.fspath(directory)}/{LOG}"
    calls: dict[str, Call] = {}
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as log:  # noqa: PTH123 - pathlib slows each start
            for line in log:
                # A line without its end is being written at this moment.
                if line.endswith("\n"):
                    _merge(calls, json.loads(line))
    except FileNotFoundError:
        return []
    return list(calls.values())


def _merge(calls: dict[str, Call], record: dict[str, Any]) -> None:
    call = calls.get(str(record["call"]))
    if record["event"] == "start":
        calls[str(record["call"])] = _started(record)
    elif call is not None:
        _complete(call, record)


def _started(record: dict[str, Any]) -> Call:
    return {
        "call": record["call"],
        "pid": record["pid"],
        "argv": record["argv"],
        "effect_class": record["class"],
        "exit": None,
        "applied": None,
        "started": record["time"],
        "ended": None,
        "landed": None,
        "nominal": None,
    }


def _complete(call: Call, record: dict[str, Any]) -> None:
    if record["event"] == "effect":
        call["applied"] = record["effect"]
        call["landed"] = record["time"] if record["effect"] is not None else None
        if record["why"]:
            call["why"] = str(record["why"])
    else:
        call["exit"] = record["exit"]
        call["ended"] = record["time"]
        call["nominal"] = record["nominal"]
