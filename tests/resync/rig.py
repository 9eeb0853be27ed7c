"""A simulated array with the action's desk in front of it, a clock that does not wait, and a check of every call."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

from necism_monitor.adapters.journal import Journal
from necism_monitor.app.desk import Desk, Report
from necism_monitor.app.look import Sources, look
from necism_monitor.app.ports import Changer, Exclusive, HeldLock
from necism_monitor.app.recovery import abandon, relink, resume
from necism_monitor.app.resync import resync
from necism_monitor.cli.action import Stop, make_desk, make_request
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.domain.model import Resource
from necism_monitor.domain.names import LdName
from necism_monitor.domain.record import RunFile
from necism_monitor.domain.tale import RunTale, tell
from necism_monitor.domain.verdicts import ResourceVerdict
from necism_monitor.ism.commands import ChangeCommand
from necism_monitor.ism.output import Output
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.create import create
from necism_monitor.simulator.faults import add_fault
from necism_monitor.simulator.shapes import Call, World
from necism_monitor.simulator.world import edit_world, read_world

LV1, LV2 = "SOURCE_0001_LV00A6", "SOURCE_0002_LV009E"
SV1, SV2 = "SOURCE_0001_SV006D", "SOURCE_0002_SV0055"
BV1, BV2 = "SOURCE_0001", "SOURCE_0002"


class FastClock:
    """Waiting takes no time, but for `pause` seconds where something real is to happen meanwhile."""

    def __init__(self, pause: float = 0.0) -> None:
        self._ahead, self._pause = 0.0, pause

    def now(self) -> float:
        return time.time() + self._ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, self._pause))
        self._ahead += max(0.0, seconds)


class Watched:
    """An array's lock whose commands are watched: `before` and `after` each CHANGE, and what it answered."""

    def __init__(self, inner: Exclusive, before: Callable[..., None], after: Callable[..., None]) -> None:
        self._inner, self._before, self._after = inner, before, after

    def acquire(self, wait_seconds: float) -> HeldLock | str:
        return self._inner.acquire(wait_seconds)

    def orphaned(self) -> bool:
        return self._inner.orphaned()

    def changer(self, held: HeldLock) -> Changer:
        return WatchedChanger(self._inner.changer(held), self._before, self._after)


class WatchedChanger:
    def __init__(self, inner: Changer, before: Callable[..., None], after: Callable[..., None]) -> None:
        self._inner, self._before, self._after = inner, before, after

    def change(self, command: ChangeCommand) -> Output:
        self._before(command.argv)
        output = self._inner.change(command)
        self._after(command.argv)
        return output

    def settled(self, pid: int) -> Output | None:
        return self._inner.settled(pid)


def nothing(_argv: tuple[str, ...]) -> None:
    """What most watchers do."""


class Rig:
    """One simulated array, driven as the command line drives it."""

    def __init__(self, directory: Path, scenario: str | Path = "seed", latency: str = "none") -> None:
        made = create(directory, scenario, latency)
        self.directory, self.config_dir, self.services = made.directory, made.config, made.services
        self.clock, self.stop = FastClock(), Stop()
        self.before: Callable[..., None] = nothing
        self.after: Callable[..., None] = nothing
        self.last: Report | None = None

    def necism(self, key: str, value: str, section: str = "necism") -> None:
        """Set a key of necism.conf."""
        path, head = self.config_dir / "necism.conf", f"[{section}]\n"
        path.write_text(path.read_text().replace(head, f"{head}{key} = {value}\n"))

    def service(self, *lines: str) -> None:
        """Add keys to the first resource of the first service."""
        path = self.services[0]
        path.write_text(
            path.read_text().replace("type = necismsnap\n", "\n".join(["type = necismsnap", *lines, ""]), 1)
        )

    def sources(self) -> Sources:
        return make_sources(load_config(Paths(config=str(self.config_dir)), {}))._replace(clock=self.clock)

    @property
    def resource(self) -> Resource:
        return self.sources().config.resources[0]

    def desk(self, **changes: Any) -> Desk:  # noqa: ANN401 - any field of a desk
        desk = make_desk(self.sources(), self.resource, self.stop, "test", Progress(visible=False))
        watched = Watched(desk.exclusive, self._before, self._after)
        return desk._replace(clock=self.clock, exclusive=watched)._replace(**changes)

    def _before(self, argv: tuple[str, ...]) -> None:
        """What is set at the time of the call counts, not at the time of the desk."""
        self.before(argv)

    def _after(self, argv: tuple[str, ...]) -> None:
        self.after(argv)

    def resync(self, desk: Desk | None = None, **wishes: object) -> Report:
        self.last = resync(desk or self.desk(), self.resource, make_request(**wishes))
        return self.last

    def resume(self, desk: Desk | None = None) -> Report:
        return resume(desk or self.desk(), self.resource, make_request())

    def relink(self, desk: Desk | None = None) -> Report:
        return relink(desk or self.desk(), self.resource, make_request())

    def abandon(self, reason: str, desk: Desk | None = None) -> Report:
        return abandon(desk or self.desk(), self.resource, make_request(reason=reason))

    def look_at_file(self) -> ResourceVerdict:
        """What faces say that judge from the observation file."""
        return look(self.sources(), (self.resource,)).resources[0]

    def look(self) -> ResourceVerdict:
        """What every face says now, from a fresh reading."""
        sources = self.sources()
        (self.directory / "run" / "observation.json").unlink(missing_ok=True)
        return look(sources, (self.resource,)).resources[0]

    def fault(self, kind: str, command: str = "*", **keys: object) -> None:
        add_fault(self.directory, {"kind": kind, "command": command, **keys})

    def world(self) -> World:
        return read_world(self.directory)

    def edit(self, kind: str, name: str, **keys: object) -> None:
        with edit_world(self.directory) as world:
            world[kind][name].update(keys)  # type: ignore[literal-required]  # bvs, svs or lvs

    def shows(self) -> dict[str, str | None]:
        return {name: lv["shows"] for name, lv in self.world()["lvs"].items()}

    def calls(self) -> list[Call]:
        return read_calls(self.directory)

    def changes(self) -> list[str]:
        return [" ".join(call["argv"]) for call in self.calls() if call["effect_class"] != "READ"]

    def sent(self, verb: str, name: str = "") -> int:
        """How many commands of that verb were sent that name `name`."""
        return sum(line.startswith(f"iSMsc_{verb} ") and name in line for line in self.changes())

    def files(self) -> list[RunFile]:
        runs = Journal(self.directory / "state").runs(self.resource.id)
        assert all(isinstance(run, RunFile) for run in runs)
        return [run for run in runs if isinstance(run, RunFile)]

    def away(self, lv: str) -> float:
        """Seconds for which the newest run left `lv` detached."""
        return self.tale().detached_seconds[LdName(lv)]

    def tale(self) -> RunTale:
        """The newest run."""
        return tell(self.files()[-1], self.clock.now())

    def refusals(self) -> list[dict[str, Any]]:
        return Journal(self.directory / "state").refusals()


ZONE = UTC


def linked_again(rig: Rig) -> bool:
    """Every LV shows an SV of its pair."""
    shows = rig.shows()
    return all(shows[pair.lv] in pair.svs for pair in rig.resource.pairs)


def check_calls(start: World, calls: list[Call]) -> None:
    """The rules of a run, judged on nothing but the array's world before and its log of calls.

    No two CHANGE commands overlap on one BV, no create while the SV is shown, no unlink of an LV that shows something
    else than at the beginning or what was created, no link to an SV without an image, nothing else is ever sent.
    """
    changes = [call for call in calls if call["effect_class"] != "READ"]
    shows = {name: lv["shows"] for name, lv in start["lvs"].items()}
    bv_of = {name: volume["bv"] for kind in ("svs", "lvs") for name, volume in start[kind].items()}
    image = {name: sv["state"] == "snap/active" for name, sv in start["svs"].items()}
    busy: dict[str, float] = {}
    for call in sorted(changes, key=lambda call: call["started"]):
        name, options = call["argv"][0], dict(zip(call["argv"][1::2], call["argv"][2::2], strict=False))
        lv, sv = options.get("-lv", ""), options.get("-sv", "")
        bv = bv_of[lv or sv]
        assert call["started"] >= busy.get(bv, 0.0), f"two commands at once on {bv}"
        assert name in {"iSMsc_unlink", "iSMsc_create", "iSMsc_link"}
        if name == "iSMsc_create":
            assert sv not in shows.values(), f"{sv} was created while it was shown"
            # Refused or never begun, it left the old image; the old one goes as soon as the array accepts.
            image[sv] = image[sv] and call["ended"] is not None and not call["applied"]
        if name == "iSMsc_link":
            assert image[sv], f"{lv} was linked to {sv}, which held no image"
        if name == "iSMsc_unlink":
            assert shows[lv] is not None, f"{lv} was unlinked twice"
        over = [moment for moment in (call["ended"], call["landed"]) if moment is not None]
        busy[bv] = max(over, default=call["started"])
        for effect, told in (call["applied"] or {}).items():
            if effect == "create":
                image[told["sv"]] = True
            else:
                shows[told["lv"]] = told["sv"] if effect == "link" else None
