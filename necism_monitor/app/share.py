"""What a run leaves in the observation file: the newest truth about each base volume, or why there is none.

A run that stays open leaves it too: otherwise the file would go on showing the time before the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.model import Source
from necism_monitor.domain.reading import BvScreen, Observation, Unread, Volumes

if TYPE_CHECKING:
    from necism_monitor.app.desk import Desk
    from necism_monitor.app.resync_engine import Engine
    from necism_monitor.domain.model import Resource
    from necism_monitor.domain.names import LdName


def withdraw(desk: Desk, resource: Resource) -> Observation | None:
    """Take the array out of a file that others only accept as fresh, before the first CHANGE.

    They know from the journal that it is out of date, but the journal may be lost together with us.  Where the file is
    all that others have (`source = file`), it stays, and the journal says what is out of date in it.  Returns what was
    taken out, for `share`.
    """
    saved = desk.store.load() if desk.config.settings.source is Source.COMMANDS else {}
    taken = saved.get(resource.array)
    if not isinstance(taken, Observation):
        return None
    try:
        desk.store.remove(resource.array)
    except EnvironmentProblem as problem:
        desk.narrator.say("WARNING", problem.text)
    return taken


def share(
    desk: Desk, resource: Resource, engine: Engine, before: Observation | None, taken: Observation | None
) -> None:
    """Put what the run read into the observation file, beside what is or was there about other base volumes.

    `before` is the reading that the run began with, None where it began with none; `taken` what was withdrawn.
    A file that cannot be written is told and is no failure of the run.
    """
    saved = desk.store.load()
    kept = saved.get(resource.array)
    older = [one for one in (kept, taken, before) if isinstance(one, Observation)]
    readable = {name: one for name, one in saved.items() if isinstance(one, Observation)}
    try:
        desk.store.save({**readable, resource.array: _merged(desk, resource, engine, older)})
    except EnvironmentProblem as problem:
        desk.narrator.say("WARNING", problem.text)


def _merged(desk: Desk, resource: Resource, engine: Engine, older: list[Observation]) -> Observation:
    """The first of `older`, or an empty reading, with the run's base volumes as they are known now."""
    now = desk.clock.now()
    base = older[0] if older else Observation(resource.array, now, now, {}, {}, {}, None, {}, desk.volumes.load())
    known = [bv for one in older for bv, screen in one.bvs.items() if isinstance(screen, BvScreen)]
    best = {bv: _best(bv, engine, older, now) for bv in dict.fromkeys([*engine.run.plan.bvs, *known])}
    homes = {sv: pair.bv for pair in engine.run.plan.pairs for sv in _svs_of(resource, pair.lv) or (pair.target,)}
    merged = base._replace(
        bv_of={**base.bv_of, **homes},
        bvs={**base.bvs, **{bv: screen for bv, (_, screen) in best.items()}},
        links={bv: screen for bv, screen in base.links.items() if base.bvs.get(bv) is best.get(bv, (0.0, None))[1]},
        volumes=_volumes(base.volumes, engine),
        newer={bv: at for bv, (at, _) in best.items() if at != base.started_at},
    )
    planned = set(engine.run.plan.bvs)
    if not all(bv in planned and (engine.verified(bv) or isinstance(one, Unread)) for bv, one in merged.bvs.items()):
        return merged
    # Nothing of the older reading is left in it: it is a reading of its own.
    return merged._replace(started_at=min(at for at, _ in best.values()), ended_at=now)


def _best(bv: LdName, engine: Engine, older: list[Observation], now: float) -> tuple[float, BvScreen | Unread]:
    """The newest screen that no CHANGE of ours came after, and when it was asked for; else why there is none."""
    found = [
        (one.asked_at(bv), screen)
        for one in older
        if isinstance(screen := one.bvs.get(bv), BvScreen) and one.asked_at(bv) > engine.changed_at(bv)
    ]
    if engine.verified(bv):
        found.append((engine.asked_at[bv], engine.screens[bv]))
    if found:
        return max(found, key=lambda one: one[0])
    hint = "run `necism collect`"
    return now, engine.unread.get(bv) or Unread("stale", f"BV {bv} was changed by a run and not read since", hint)


def _svs_of(resource: Resource, lv: LdName) -> tuple[LdName, ...]:
    """The SVs that `lv` may show, as configured now."""
    return next((pair.svs for pair in resource.pairs if pair.lv == lv), ())


def _volumes(volumes: Volumes, engine: Engine) -> Volumes:
    """The map, in which every planned LV has its base volume: detached, it is not missing."""
    seen = dict(volumes.lvs_seen)
    for pair in engine.run.plan.pairs:
        seen[pair.bv] = seen.get(pair.bv, frozenset()) | {pair.lv}
    return volumes._replace(lvs_seen=seen)
