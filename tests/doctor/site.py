"""A simulated array, its host's files, and doctor in front of them, as the command line puts them together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from necism_monitor.adapters.surroundings import HostSurroundings
from necism_monitor.app.doctor import examine
from necism_monitor.app.doctor_visit import Clinic
from necism_monitor.app.ports import Surroundings
from necism_monitor.cli.doctor import make_clinic
from necism_monitor.cli.wiring import Paths, load_config
from necism_monitor.domain.checkup import Checkup, Health, Item
from necism_monitor.ism.output import Output
from necism_monitor.simulator.shapes import Call
from tests.resync.rig import Rig


class Site:
    """One rig, and what doctor sent to it."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.host = rig, rig.directory / "host"
        self.sent_by_doctor: list[Call] = []
        self.said: list[str] = []

    def clinic(self) -> Clinic:
        config = load_config(Paths(config=str(self.rig.config_dir)), {})
        return make_clinic(config, self.rig.config_dir)._replace(say=self.said.append)

    def examine(self, *, fix: bool = False, here: Callable[[Surroundings], Surroundings] | None = None) -> Checkup:
        clinic, before = self.clinic(), len(self.rig.calls())
        found = examine(clinic._replace(here=here(clinic.here)) if here else clinic, fix=fix)
        self.sent_by_doctor += self.rig.calls()[before:]
        return found

    def resets(self) -> list[list[str]]:
        """Every iSMvollist that was sent."""
        return [call["argv"] for call in self.rig.calls() if call["argv"][0] == "iSMvollist"]

    def write(self, path: str, text: str) -> Path:
        """A file of the host."""
        place = self.host / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place


def unwell(found: Checkup) -> dict[str, list[Item]]:
    """What does not hold or could not be checked, by check."""
    items: dict[str, list[Item]] = {}
    for item in found.items:
        if item.verdict is not Health.OK:
            items.setdefault(item.check, []).append(item)
    return items


def of_check(found: Checkup, check: str) -> list[Item]:
    """The items of one check."""
    return [item for item in found.items if item.check == check]


def root_of(site: Site, clock_state: int) -> HostSurroundings:
    """The site's host, whose kernel says this of its clock."""
    return HostSurroundings(NoRunner(), site.host, lambda: clock_state)


class NoRunner:
    """Nothing is started."""

    def read(self, argv: tuple[str, ...], timeout: float, *, env: object = None) -> Output:
        raise AssertionError(f"{argv} was started")
