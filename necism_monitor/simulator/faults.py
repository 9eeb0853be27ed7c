"""Faults: what goes wrong with which call, declared in the world.

A fault is a dict: `kind` and `command` (a command name or `*`), `match` (list of texts, all found in the blank-joined
command line; default none), `occurrence` (the n-th matching call counted from when the fault was added, or `all`;
default 1), and the parameters of its kind (KINDS, with defaults). `exit` and `stderr` may override the exit code and
the error text of any kind. Several faults may hit one call; of one kind the first counts.
"""

from __future__ import annotations

from necism_monitor.simulator import world as worlds
from necism_monitor.simulator.grammar import CLASSES
from necism_monitor.simulator.operations import BUSY_IDS
from necism_monitor.simulator.reply import Reply, error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from necism_monitor.simulator.shapes import Fault, World

FOREVER = 3600.0
_ERROR: dict[str, object] = {"id": "iSM19999", "text": "an error occurred. (code=5a-0001)", "stream": "stderr"}

KINDS: dict[str, dict[str, object]] = {
    "fail_before": _ERROR,  # nothing happens, nonzero exit
    "fail_after": _ERROR,  # the effect happens, nonzero exit
    "busy": {**_ERROR, "id": BUSY_IDS[0], "text": "the array is busy."},  # as fail_before, with a busy id
    "unknown_id": {**_ERROR, "id": "iSM29999", "text": "unexpected error."},  # as fail_before, with an id nobody knows
    "hang_before": {"seconds": FOREVER},  # sleeps, then works as usual; killed meanwhile, it did nothing
    "hang_after": {"seconds": FOREVER},  # the effect happens at once, the answer comes after `seconds`
    "late_effect": {**_ERROR, "seconds": 1.0, "hang": 0.0},  # fails after `hang`; the effect lands after `seconds`
    "async_create": {"seconds": 1.0},  # create answers at once with a changing SV, active after `seconds`
    "success_without_effect": {},  # the success text is printed, nothing happens
    "cut_output": {"bytes": 0},  # only so many bytes of the standard output
    "empty_output": {},
    "garbage": {"text": "\x00\x1b[2J\ufffd%%% \x07 @@@@ ::::\n(\n[\n"},  # instead of the standard output
    "foreign_encoding": {"encoding": "cp932"},  # localised labels in that encoding
    "endless_output": {"seconds": 600.0},  # after the output, lines without end, at most for `seconds`
    "grandchild_holds_pipe": {"seconds": 600.0},  # a process left behind keeps both streams open
    "kill": {"when": "before"},  # the client kills itself `before` or `after` the effect
    "exit": {"exit": 1},  # only the exit code is another
    "stderr": {"stderr": "warning: something to say\n"},  # only this text on the standard error
}
REFUSALS = ("fail_before", "busy", "unknown_id")
CHANGE_ONLY = ("late_effect", "success_without_effect")
COMMON = ("kind", "command", "match", "occurrence", "seen", "exit", "stderr")


class FaultError(ValueError):
    """A fault that cannot be meant; the message names what is wrong and what is known."""


def add_fault(directory: str | os.PathLike[str], fault: Fault) -> None:
    """Add a fault to the array in `directory`; its occurrences count from now. Raises FaultError."""
    whole = complete(fault)
    with worlds.edit_world(directory) as world:
        world["faults"].append(whole)


def clear_faults(directory: str | os.PathLike[str]) -> None:
    """Remove every fault from the array in `directory`; effects still to land are not called back."""
    with worlds.edit_world(directory) as world:
        world["faults"].clear()


def complete(fault: Fault) -> Fault:
    """The fault with all its defaults; raises FaultError for an unknown kind, command or key, or a bad value."""
    kind, command = fault.get("kind"), fault.get("command", "*")
    if kind not in KINDS:
        raise FaultError(f"kind {kind!r}: unknown; known: {', '.join(KINDS)}")
    if command != "*" and command not in CLASSES:
        raise FaultError(f"command {command!r}: unknown; known: *, {', '.join(CLASSES)}")
    whole: Fault = {"command": "*", "match": [], "occurrence": 1, **KINDS[kind], **fault, "seen": 0}
    unknown = whole.keys() - KINDS[kind].keys() - set(COMMON)
    if unknown:
        raise FaultError(f"{kind}: unknown key {min(unknown)!r}; known: {', '.join((*COMMON, *KINDS[kind]))}")
    _check_values(whole)
    return whole


def _check_values(fault: Fault) -> None:
    kind, command = fault["kind"], fault["command"]
    for key, default in KINDS[kind].items():
        number = isinstance(default, int | float)
        if not isinstance(fault[key], (int | float) if number else str):
            raise FaultError(f"{kind}: {key} {fault[key]!r}: must be a {'number' if number else 'text'}")
    if kind in CHANGE_ONLY and CLASSES.get(command) != "CHANGE":
        raise FaultError(f"{kind}: only a command that changes something can have it, not {command}")
    if kind == "async_create" and command != "iSMsc_create":
        raise FaultError(f"{kind}: only iSMsc_create can have it, not {command}")
    if kind == "kill" and fault["when"] not in ("before", "after"):
        raise FaultError(f"kill: when {fault['when']!r}: before or after")
    if kind == "busy" and fault["id"] not in BUSY_IDS:
        raise FaultError(f"busy: id {fault['id']!r}: one of {', '.join(BUSY_IDS)}")
    _check_selection(fault)


def _check_selection(fault: Fault) -> None:
    occurrence = fault["occurrence"]
    if occurrence != "all" and not (isinstance(occurrence, int) and occurrence >= 1):
        raise FaultError(f"{fault['kind']}: occurrence {occurrence!r}: a number from 1, or `all`")
    if not isinstance(fault["match"], list) or not all(isinstance(text, str) for text in fault["match"]):
        raise FaultError(f"{fault['kind']}: match {fault['match']!r}: a list of texts")


def take(directory: str, argv: list[str]) -> dict[str, Fault]:
    """The faults that hit this call, by kind. Counting takes the world's lock, so only when a fault matches."""
    if not _matching(worlds.settled(directory), argv):
        return {}
    with worlds.edit_world(directory) as world:
        hits: dict[str, Fault] = {}
        for fault in _matching(world, argv):
            fault["seen"] += 1
            if fault["occurrence"] in ("all", fault["seen"]):
                hits.setdefault(fault["kind"], fault)
        return hits


def _matching(world: World, argv: list[str]) -> list[Fault]:
    line = " ".join(argv)
    return [
        fault
        for fault in world["faults"]
        if fault["command"] in ("*", argv[0]) and all(text in line for text in fault["match"])
    ]


def failure(name: str, hits: dict[str, Fault], kinds: tuple[str, ...]) -> Reply | None:
    """The error answer of the first of these kinds that hit, if any did."""
    for kind in kinds:
        if kind in hits:
            fault = hits[kind]
            reply = error(name, fault["id"], fault["text"])
            return reply if fault["stream"] == "stderr" else Reply(reply.code, stdout=reply.stderr)
    return None


def bend(hits: dict[str, Fault], reply: Reply) -> tuple[bytes, bytes, int]:
    """What leaves the command in the end: standard output, standard error, exit code."""
    exit_code, stderr = reply.code, reply.stderr
    for fault in hits.values():
        exit_code, stderr = fault.get("exit", exit_code), fault.get("stderr", stderr)
    encoding = hits["foreign_encoding"]["encoding"] if "foreign_encoding" in hits else ""
    return _bend_stdout(hits, _encoded(reply.stdout, encoding)), _encoded(stderr, encoding), exit_code


def _bend_stdout(hits: dict[str, Fault], out: bytes) -> bytes:
    if "garbage" in hits:
        # Latin-1 where it fits: bytes that are no UTF-8 are the point of it.
        out = hits["garbage"]["text"].replace("\ufffd", "\xff").encode("latin-1", "replace")
    if "empty_output" in hits:
        out = b""
    if "cut_output" in hits:
        out = out[: int(hits["cut_output"]["bytes"])]
    return out


FOREIGN = {
    "has normally terminated.": "は正常に終了しました。",
    "Specified Volume Information": "指定ボリューム情報",
    "Destination Volume Information": "接続先ボリューム情報",
    "Information": "情報",
    "LD Name": "論理ディスク名",
    "Special File": "スペシャルファイル",
    "Snap State": "スナップショット状態",
    "State": "状態",
    "Status": "状態",
    "Type": "種別",
}


def _encoded(text: str, encoding: str) -> bytes:
    if not encoding:
        return text.encode(errors="surrogateescape")
    for english, foreign in FOREIGN.items():
        text = text.replace(english, foreign)
    return text.encode(encoding, "replace")
