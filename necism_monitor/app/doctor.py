"""`necism doctor`: a table of checks, each of which yields items; and the one thing that it may put right.

Nothing is changed unless it is asked for: then the volume list of each host is reset, under the locks of all arrays
whose commands run there, because a list that is being rebuilt answers no query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from necism_monitor.app.doctor_commands import check_arrays, check_commands, check_service, check_volume_list, host_of
from necism_monitor.app.doctor_host import (
    check_callers,
    check_configuration,
    check_hooks,
    check_journals,
    check_kill_switch,
    check_libraries,
    check_observation,
    check_rights,
    check_schedulers,
)
from necism_monitor.app.doctor_visit import Clinic, Visit
from necism_monitor.app.doctor_volumes import check_clocks, check_devices, check_labels, check_volumes, check_words
from necism_monitor.app.ports import HeldLock
from necism_monitor.domain.checkup import Checkup, Item, good, problem, unknown
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.model import Array
from necism_monitor.domain.reading import Unread
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.commands import reset_volume_list, view_arrays
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.reach import shown_line

TABLE: Final[tuple[Callable[[Visit], Iterator[Item]], ...]] = (
    check_libraries,
    check_configuration,
    check_commands,
    check_service,
    check_volume_list,
    check_arrays,
    check_volumes,
    check_devices,
    check_clocks,
    check_rights,
    check_hooks,
    check_journals,
    check_observation,
    check_words,
    check_labels,
    check_kill_switch,
    check_callers,
    check_schedulers,
)


def examine(clinic: Clinic, *, fix: bool = False) -> Checkup:
    """Look at everything; with `fix` the volume lists are reset first, so that what follows shows whether it helped."""
    done = tuple(_reset_all(clinic)) if fix else ()
    visit = Visit(clinic)
    return Checkup(visit.now, (*done, *(item for check in TABLE for item in check(visit))))


def _reset_all(clinic: Clinic) -> Iterator[Item]:
    """One reset for each list: arrays whose commands run on one host and are reached alike share it."""
    for host in dict.fromkeys(map(host_of, clinic.arrays)):
        arrays = [one for one in clinic.arrays if host_of(one) == host]
        yield from _reset_host(clinic, arrays)


def _reset_host(clinic: Clinic, arrays: list[Array]) -> Iterator[Item]:
    """All locks of the host's arrays first, in the order of their names: a run on any of them would be hit."""
    held: dict[str, HeldLock] = {}
    try:
        for array in sorted(arrays, key=lambda one: one.name):
            lock = clinic.locks[array.name].acquire(0)
            if isinstance(lock, str):
                yield problem("fix", array.name, f"locked: {lock}", "wait for the run to end; the list was not reset")
                return
            held[array.name] = lock
        open_run = next((text for array in arrays if (text := _open_run(clinic, array))), None)
        if open_run:
            remedy = "end it with `necism resume` first: an LV that is detached might be left out of a new list"
            yield problem("fix", arrays[0].name, f"unfinished: {open_run}", remedy)
            return
        lines = {shown_line(array, reset_volume_list().argv): array for array in reversed(arrays)}
        for array in reversed(lines.values()):
            yield _reset(clinic, array, held[array.name])
    except EnvironmentProblem as trouble:
        yield unknown("fix", arrays[0].name, f"{trouble.text}; the list was not reset", trouble.hint or "try again")
    finally:
        for lock in held.values():
            lock.release()


def _open_run(clinic: Clinic, array: Array) -> str | None:
    """Why a run that has no end forbids it.

    Where `iSMview -d` itself says no it does not: `resume` cannot work either then, and waits for a new list.
    """
    resources = tuple(one for one in clinic.sources.config.resources if one.array == array.name)
    for name, history in clinic.sources.journals.histories(resources).items():
        told = history.text if isinstance(history, Unread) else history.open_run and history.open_run.story
        if told and not _says_no(clinic.sources.readers[array.name].read(view_arrays())):
            return f"{name}: {told}"
    return None


def _says_no(output: Output) -> bool:
    """The command ran to its end and failed; one that hangs or is not there says nothing about the list."""
    why = text_of(output)
    return output.ending is Ending.EXITED and isinstance(why, Unread) and not why.not_run and not output.succeeded


def _reset(clinic: Clinic, array: Array, lock: HeldLock) -> Item:
    command = reset_volume_list()
    line = " ".join(shown_line(array, command.argv))
    clinic.say(f"{line} (asked for by {clinic.user}, under the lock of array {array.name})")
    output = clinic.locks[array.name].resetter(lock).reset(command)
    clinic.say(f"{line}: {_ended(output)}")
    if output.succeeded:
        return good("fix", array.name, f"{line} ended with exit code 0")
    remedy = f"run `{line}` by hand as root, with no run at work, and see what it says"
    if output.ending is Ending.ABANDONED:
        remedy = "wait for its end: it holds the lock of the array until then"
    return problem("fix", array.name, f"{line}: {_ended(output)}", remedy)


def _ended(output: Output) -> str:
    said = " ".join((output.stderr.strip() or output.stdout.strip()).split())[:200]
    code = "" if output.code is None else f" {output.code}"
    return f"{output.ending.value}{code}" + (f": {said}" if said else "")
