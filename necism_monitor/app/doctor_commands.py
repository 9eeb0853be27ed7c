"""The checks of what readings and runs stand on: programs, the iSM service, the volume list, the arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Final

from necism_monitor.app.doctor_visit import Asked, Visit
from necism_monitor.domain.checkup import Health, Item, good, problem, unasked, unknown
from necism_monitor.domain.model import Array
from necism_monitor.domain.reading import Unread
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.commands import ACTING, READING, find_programs, list_processes, may_sudo
from necism_monitor.ism.inventory import ArrayRow, parse_arrays, parse_rows
from necism_monitor.ism.output import Ending
from necism_monitor.ism.reach import command_line

SERVICE: Final = "iSMHostRegisterService"
INTERPRETERS: Final = frozenset({"sh", "bash", "ksh", "dash", "perl", "python", "python3", "java"})
PREFIXED: Final = (
    "let `{prefix}` run it without a question, as the user that runs necism (sudoers: NOPASSWD), then ask again"
)
INSTALL: Final = "install iSMccs.rpm where the commands run, or set `ism_path` of [array {name}] to their directory"
START: Final = f"start {SERVICE} on that host, and enable it at boot; then run `necism doctor --fix`"
RESET: Final = "run `necism doctor --fix`, which runs `iSMvollist -r` under the lock of the array"
NODE: Final = "this host"


def host_of(array: Array) -> str:
    """Where the array's commands run, for people."""
    return array.host or NODE


def check_commands(visit: Visit) -> Iterator[Item]:
    """Reading programs prove themselves by an answer; of those that a run needs, only their presence can be asked."""
    for array in visit.clinic.arrays:
        asked = visit.asked[array.name]
        tried = {name: [one for one in asked if one.name == name] for name in READING}
        silent = tuple(name for name in READING if not tried[name])
        yield from (_tried(array, name, answers) for name, answers in tried.items() if answers)
        yield from _untried(visit, array, (*silent, *ACTING))


def _tried(array: Array, name: str, answers: list[Asked]) -> Item:
    subject = f"{array.name} {name}"
    failures = [(one, why) for one in answers if isinstance(why := text_of(one.output), Unread)]
    never = _not_run(answers)
    if never:
        prefix = " ".join(array.command_prefix)
        sent = PREFIXED.format(prefix=prefix) if array.command_prefix else INSTALL.format(name=array.name)
        plain = array.host or not never[0].not_run
        return problem("command", subject, never[0].text, never[0].hint if plain else sent)
    lost = [why for one, why in failures if one.output.ending is not Ending.EXITED]
    if len(lost) == len(answers):
        return unasked("command", subject, lost[0])
    done = len(answers) - len(failures)
    return good("command", subject, f"ran on {host_of(array)}, {done} of {len(answers)} times with exit code 0")


def _not_run(answers: Iterable[Asked]) -> list[Unread]:
    """Why programs did not run: 126 and 127 too, by which a wrapper says so, and which tell nothing of an array."""
    failures = [(one.output, why) for one in answers if isinstance(why := text_of(one.output), Unread)]
    exited = Ending.EXITED
    return [why for output, why in failures if why.not_run or (output.ending is exited and output.code in {126, 127})]


def _untried(visit: Visit, array: Array, programs: tuple[str, ...]) -> Iterator[Item]:
    """By `sudo -l` where sudo stands in front: it knows what it would run; else by looking for the program."""
    if array.command_prefix and PurePath(array.command_prefix[0]).name == "sudo":
        yield from (_permitted(visit, array, name) for name in programs)
        return
    paths = {name: command_line(array._replace(command_prefix=()), (name,))[0] for name in programs}
    output = visit.clinic.there[array.name].read(find_programs(tuple(paths.values())))
    answer = text_of(output)
    missing = (
        set()
        if isinstance(answer, Unread)
        else {line.removeprefix("missing ") for line in answer.splitlines() if line.startswith("missing ")}
    )
    for name, path in paths.items():
        subject = f"{array.name} {name}"
        if isinstance(answer, Unread):
            yield unasked("command", subject, answer)
        elif path in missing:
            evidence = f"{path} is not there on {host_of(array)}, or may not be executed by this user"
            yield problem("command", subject, evidence, INSTALL.format(name=array.name))
        else:
            yield good("command", subject, f"is there on {host_of(array)}; not tried")


def _permitted(visit: Visit, array: Array, name: str) -> Item:
    """Asked without options: a rule of sudoers that names some is not seen, so only a wish for a password is a no."""
    subject, (sudo, *options) = f"{array.name} {name}", array.command_prefix
    program = command_line(array._replace(command_prefix=()), (name,))
    kept = tuple(word for word in options if word != "-n")
    output = visit.clinic.there[array.name].read(may_sudo((sudo, *kept), program))
    answer = text_of(output)
    if not isinstance(answer, Unread):
        return good("command", subject, f"sudo on {host_of(array)} would run {answer.splitlines()[0].strip()}")
    remedy = PREFIXED.format(prefix=" ".join(array.command_prefix))
    if answer.not_run:
        return problem("command", subject, answer.text, remedy)
    if output.ending is not Ending.EXITED:
        return unasked("command", subject, answer)
    evidence = f"sudo does not say that it would run it without options; a rule with options is not seen: {answer.text}"
    return unknown("command", subject, evidence, remedy)


def check_service(visit: Visit) -> Iterator[Item]:
    """That it must have been started is documented; under what name it is seen is inferred, so the evidence says so."""
    for host, array in {host_of(one): one for one in visit.clinic.arrays}.items():
        yield _service(visit, array, f"{SERVICE} on {host}")


def _service(visit: Visit, array: Array, subject: str) -> Item:
    lines = visit.here.processes() if array.host is None else _processes_there(visit, array)
    found = next(filter(_is_service, () if isinstance(lines, Unread) else lines), None)
    if found:
        return good("service", subject, f"runs: {found[:120]!r}")
    # A service may register the host and end: systemd calls it active then.
    active = visit.here.unit_active(SERVICE) if array.host is None else None
    if active is True:
        return good("service", subject, f"`systemctl is-active {SERVICE}` says active")
    if isinstance(lines, Unread):
        return unasked("service", subject, lines)
    if isinstance(active, Unread):
        return unasked("service", subject, active)
    unit = "" if active is None else ", and systemd does not call a unit of that name active"
    evidence = f"no process of that name among {len(lines)}{unit} (that it shows so is inferred, not documented)"
    return problem("service", subject, evidence, START)


def _processes_there(visit: Visit, array: Array) -> tuple[str, ...] | Unread:
    answer = text_of(visit.clinic.there[array.name].read(list_processes()))
    return answer if isinstance(answer, Unread) else tuple(line for line in answer.splitlines()[1:] if line.strip())


def _is_service(line: str) -> bool:
    """The program itself, or an interpreter that was given it: not an editor that has its log open."""
    first, *rest = [PurePath(word).name.partition(".")[0] for word in line.split() if not word.startswith("-")] or [""]
    return first == SERVICE or (first in INTERPRETERS and SERVICE in rest[:2])


def check_volume_list(visit: Visit) -> Iterator[Item]:
    """A missing list has no message on record: what shows it is that names are resolved, or that nothing is."""
    for array in visit.clinic.arrays:
        yield _volume_list(visit, array)


def _volume_list(visit: Visit, array: Array) -> Item:
    subject, asked = f"{array.name} on {host_of(array)}", visit.asked[array.name]
    failures = [why for one in asked if isinstance(why := text_of(one.output), Unread)]
    ended = [one for one in asked if one.output.ending is Ending.EXITED]
    never = _not_run(asked)
    if never or not ended:
        return unasked("volume-list", subject, (never or failures)[0])
    view = next((one for one in asked if one.name == "iSMview"), None)
    if view is not None and view in ended and not view.output.succeeded:
        why = text_of(view.output)
        text = why.text if isinstance(why, Unread) else ""
        evidence = f"{text}; OpenSVC's driver takes that for a missing volume list, and so do we"
        return problem("volume-list", subject, evidence, RESET)
    queries = [one for one in asked if one.name != "iSMview"]
    answered = sum(one.output.succeeded for one in queries)
    if not answered:
        evidence = (
            f"no query by a volume's name succeeded, first {failures[0].text} (inferred: no message is on record)"
        )
        return problem("volume-list", subject, evidence, RESET)
    stale = [file for file, why in _devices(visit, array) if isinstance(why, str)]
    if stale:
        evidence = f"it names devices that this host does not have (inferred: it is stale): {', '.join(stale[:4])}"
        return problem("volume-list", subject, evidence, RESET)
    return good("volume-list", subject, f"{answered} of {len(queries)} queries by a volume's name were answered")


def _devices(visit: Visit, array: Array) -> Iterable[tuple[str, str | Unread | None]]:
    """The special files that commands on this host print for our LVs, and what is wrong with each."""
    pairs = [pair for one in visit.resources if one.resource.array == array.name for pair in one.pairs]
    files = dict.fromkeys(pair.special_file for pair in pairs if pair.special_file)
    return [(file, visit.here.device(file)) for file in files] if array.host is None else []


def check_arrays(visit: Visit) -> Iterator[Item]:
    """Which arrays the host sees, and in what state."""
    for array in visit.clinic.arrays:
        view = next((one for one in visit.asked[array.name] if one.name == "iSMview"), None)
        text = Unread("query-failed", "nobody asked", "run it again") if view is None else text_of(view.output)
        yield from [unasked("array", array.name, text)] if isinstance(text, Unread) else _listed(array, text)


def _listed(array: Array, text: str) -> Iterator[Item]:
    screen = parse_arrays(text)
    if isinstance(screen, Unread):
        yield unasked("array", array.name, screen)
        return
    if screen.broken:
        yield unasked("array", array.name, screen.broken)
    yield from _visible(array, screen.arrays)
    yield from (_ready(array, row) for row in parse_rows(text))


def _visible(array: Array, names: tuple[str, ...]) -> Iterator[Item]:
    seen = f"{host_of(array)} sees {', '.join(names) or 'no array'}"
    if not names:
        yield problem("array", array.name, seen, f"look at the paths to the array; {RESET}")
    elif len(names) > 1 and not array.unique_names:
        remedy = f"set `unique_names = true` in [array {array.name}] once no volume name exists on two of them"
        yield problem("array", array.name, f"{seen}, and commands name no array", remedy)
    else:
        yield good("array", array.name, seen)


def _ready(array: Array, row: ArrayRow) -> Item:
    """Only `ready` and `running` are on record, so any other word is one that nobody has decided about."""
    subject = f"{array.name} {row.name}"
    shown = f"Resource State is {row.state!r}" + (f", Monitoring is {row.monitoring!r}" if row.monitoring else "")
    bare = (row.state.partition("(")[0], row.monitoring.partition("(")[0])
    if bare[0] == "ready" and bare[1] in {"", "running"}:
        return good("array", subject, shown)
    remedy = "look at the array and at its management software; only `ready` and `running` are known to be well"
    return Item("array", subject, Health.PROBLEM, shown, remedy)
