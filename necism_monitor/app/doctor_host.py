"""The checks of this host: libraries, configuration, rights, journals, who may start runs, and who else does."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from typing import Final

from necism_monitor.app.doctor_visit import Visit
from necism_monitor.app.doctor_volumes import OF_STATUS, from_finding
from necism_monitor.domain.checkup import Item, Place, Schedules, good, problem, unasked, unknown
from necism_monitor.domain.history import RunState
from necism_monitor.domain.model import ALARMS, Resource, Source
from necism_monitor.domain.reading import Observation, Unread
from necism_monitor.host.schedules import OURS, TIMER, Mention, find_mentions, unescape

OTHERS_WRITE: Final = 0o002
OTHERS_READ: Final = 0o004
DISPATCH: Final = "necism-dispatch.path"
RESYNC_TIMER: Final = "necism-resync@"
"""What the packages call the units."""
EXTRAS: Final = {"web": "exporter, page and webhook", "terminal": "the coloured table"}
MARKS: Final = {"web": "uvicorn", "terminal": "rich"}
ONE: Final = "let one of the two do it: take the section or line out there, or `automatic` out here"
"""The remedy for two schedulers."""


def check_libraries(visit: Visit) -> Iterator[Item]:
    """A missing extra is a choice; half of one is a broken installation.

    Other software brings some of these libraries along, so one of each extra says whether it was chosen.
    """
    for extra, found in visit.here.libraries().items():
        missing = [name for name, there in found.items() if not there]
        subject = extra or "base"
        install = f"install necism-monitor{f'[{extra}]' if extra else ''} again: {', '.join(missing)}"
        if not missing:
            yield good("library", subject, ", ".join(found))
        elif extra and MARKS[extra] in missing:
            yield good("library", subject, f"not installed: {EXTRAS[extra]} cannot be used here")
        else:
            yield problem("library", subject, f"not installed: {', '.join(missing)}", install)


def check_configuration(visit: Visit) -> Iterator[Item]:
    """It could be read, or nothing of this would be asked; its warnings are for somebody to look at."""
    config = visit.config
    for text in config.warnings:
        yield problem(
            "configuration", visit.clinic.config_path, text, "correct the line; `necism config check` repeats it"
        )
    if not config.warnings:
        pairs = sum(len(one.pairs) for one in config.resources)
        counts = ((len(config.services), "service"), (len(config.resources), "resource"), (pairs, "pair"))
        evidence = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts)
        yield good("configuration", visit.clinic.config_path, evidence)


def check_rights(visit: Visit) -> Iterator[Item]:
    """Where runs leave what others believe: others may not write it, and this user has to."""
    settings = visit.config.settings
    for path in (settings.state_dir, settings.run_dir):
        yield _directory(visit, path)
    inner = (f"{settings.state_dir}/locks", f"{settings.state_dir}/runs", f"{settings.run_dir}/requests")
    places = [visit.here.place(path) for path in inner]
    yield from (_written(place, visit.clinic.user) for place in places if not place.missing)
    for path in dict.fromkeys((*visit.clinic.files, visit.clinic.config_path)):
        yield _guarded(visit.here.place(path))
    token = visit.config.webhook.credentials_file
    if token is not None:
        yield _secret(visit.here.place(token))


def _directory(visit: Visit, path: str) -> Item:
    place = visit.here.place(path)
    if place.missing or (place.trouble is None and not place.directory):
        why = "does not exist" if place.missing else "is no directory"
        return problem("rights", path, f"{path} {why}", f"make it: install -d -m 0755 {path}")
    return _written(place, visit.clinic.user)


def _written(place: Place, user: str) -> Item:
    if place.trouble:
        return unknown("rights", place.path, f"{place.path}: {place.trouble}", "run it as root")
    if place.mode & OTHERS_WRITE:
        return problem("rights", place.path, f"everybody may write there: {place.rights}", f"chmod o-w {place.path}")
    if not (place.readable and place.writable):
        remedy = "run as the user that runs resyncs, or give it the right; a monitor with `source = file` needs less"
        return problem("rights", place.path, f"{user} cannot work there: {place.rights}", remedy)
    return good("rights", place.path, place.rights)


def _guarded(place: Place) -> Item:
    """Hooks run with the rights of a resync, so whoever may write a configuration may do what root may."""
    if place.trouble:
        return unknown("rights", place.path, f"{place.path}: {place.trouble}", "run it as root")
    if place.mode & OTHERS_WRITE:
        evidence = f"everybody may write it, and it names commands that resyncs run: {place.rights}"
        return problem("rights", place.path, evidence, f"chmod o-w {place.path}")
    return good("rights", place.path, place.rights)


def _secret(place: Place) -> Item:
    """Whoever may read the token may ask for resyncs in Alertmanager's name."""
    if place.trouble:
        return unknown("rights", place.path, f"{place.path}: {place.trouble}", "run it as root")
    if place.mode & (OTHERS_READ | OTHERS_WRITE):
        evidence = f"everybody may read or write the webhook's token: {place.rights}"
        return problem("rights", place.path, evidence, f"chmod o-rwx {place.path}, and make another token")
    return good("rights", place.path, place.rights)


def check_hooks(visit: Visit) -> Iterator[Item]:
    """Commands that the configuration names for this host."""
    for resource in visit.config.resources:
        hooks = [("pre_resync", resource.pre_resync), ("post_resync", resource.post_resync)]
        named = [(key, hook.argv) for key, hook in hooks if hook]
        named += [("in_use_check", resource.in_use_check)] if resource.in_use_check else []
        for key, argv in named:
            why, subject = visit.here.program(argv[0]), f"{resource.id} {key}"
            if why is None:
                yield good("hook", subject, f"{argv[0]} can be started")
            else:
                yield problem("hook", subject, why, "correct the key in the section, or install the program")


def check_journals(visit: Visit) -> Iterator[Item]:
    """Damage, and runs without an end: what `status` says of the resources themselves, but not of their age."""
    for one in visit.resources:
        found = [finding for finding in one.findings if finding.code not in OF_STATUS]
        yield from (from_finding("journal", one.resource.id, finding) for finding in found)
        if not found:
            running = one.run is not None and one.run.state is RunState.RUNNING
            evidence = f"run {one.run.id} is at work" if one.run and running else "whole, and no run is open"
            yield good("journal", one.resource.id, evidence)


def check_observation(visit: Visit) -> Iterator[Item]:
    """With `source = file` every face judges from what the collector left."""
    if visit.config.settings.source is not Source.FILE:
        return
    limit = visit.config.settings.stale_after
    saved = visit.clinic.sources.store.load()
    for array in visit.clinic.arrays:
        seen = saved.get(array.name)
        if not isinstance(seen, Observation):
            why = seen or Unread("stale", "the observation file holds no reading of it", "run `necism collect`")
            yield unasked("collector", array.name, why)
            continue
        age = visit.now - seen.ended_at
        told = f"the last reading in the file is {age:.0f} s old, stale_after is {limit:.0f} s"
        remedy = "look at the timer of `necism collect`, and at its rights to write run_dir"
        yield good("collector", array.name, told) if age <= limit else problem("collector", array.name, told, remedy)


def check_kill_switch(visit: Visit) -> Iterator[Item]:
    """Somebody may have put it there, and forgotten it."""
    path, found = visit.config.settings.kill_switch, visit.clinic.killed()
    if isinstance(found, Unread):
        yield unasked("kill-switch", path, found)
    elif found:
        remedy = "remove the file once automatic runs are wanted again"
        yield problem("kill-switch", path, "it is set: no caller that is no person may start a run", remedy)
    else:
        yield good("kill-switch", path, "not set")


def check_callers(visit: Visit) -> Iterator[Item]:
    """Whoever `automatic` lets start runs needs somebody who starts them; that there is none cannot be proven here."""
    schedules = visit.here.schedules()
    for resource in visit.config.resources:
        for caller in sorted(resource.automation.callers):
            subject = f"{resource.id} {caller}"
            if caller == "timer":
                yield _timer(resource, schedules, subject)
            elif caller in ALARMS:
                yield _alarm(visit, schedules, subject)


def _timer(resource: Resource, schedules: Schedules, subject: str) -> Item:
    for unit in sorted(schedules.enabled):
        instance = unit.removeprefix(RESYNC_TIMER).removesuffix(".timer")
        if unit.startswith(RESYNC_TIMER) and unescape(instance) in {resource.service, resource.id}:
            return good("caller", subject, f"{unit} is enabled")
    for file in schedules.files:
        lines = [one for one in file.text.splitlines() if OURS.search(one) and TIMER.search(one)]
        if any(resource.service in line for line in lines):
            return good("caller", subject, f"{file.path} asks with --trigger timer")
    evidence = "`automatic` names timer, and neither a timer of systemd nor a line of cron was found that asks for it"
    instance = f"{RESYNC_TIMER}$(systemd-escape '{resource.id}').timer"
    return unknown("caller", subject, evidence, f'systemctl enable --now "{instance}", or a line of cron')


def _alarm(visit: Visit, schedules: Schedules, subject: str) -> Item:
    spool = f"{visit.config.settings.run_dir}/requests"
    place = visit.here.place(spool)
    if place.trouble and not place.missing:
        return unknown("caller", subject, f"{spool}: {place.trouble}", "run it as root")
    if DISPATCH in schedules.enabled and not place.missing:
        return good("caller", subject, f"{DISPATCH} is enabled and watches {spool}")
    evidence = f"`automatic` names it, and nothing here carries its requests: no {spool}, or no {DISPATCH} enabled"
    return unknown("caller", subject, evidence, f"systemctl enable --now {DISPATCH}; docs/requests.md tells the rest")


def check_schedulers(visit: Visit) -> Iterator[Item]:
    """Two schedulers on one set of devices take each other's LVs away."""
    schedules = visit.here.schedules()
    own = {os.path.realpath(path) for path in visit.clinic.files}
    found = [one for one in find_mentions(schedules, sorted(visit.names)) if not one.timed]
    yield from (_mentioned(one, one.path in own) for one in found)
    for why in schedules.unread:
        yield unasked("scheduler", "this host", why)
    if not found and not schedules.unread:
        yield good("scheduler", "this host", f"none found in {len(schedules.files)} files of cron, systemd and OpenSVC")


def _mentioned(one: Mention, ours: bool) -> Item:  # noqa: FBT001 - whether the file is our own configuration as well
    if one.names or ours:
        which = ", ".join(one.names[:4]) or "the devices of our own configuration"
        return problem("scheduler", one.path, f"{one.quote!r} drives {which}, too", ONE)
    evidence = f"{one.quote!r} drives snapshots; whether they are ours is not to be seen"
    return unknown("scheduler", one.path, evidence, f"look at it; if they are, {ONE}")
