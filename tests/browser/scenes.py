"""Simulated arrays in the states that an operator meets, with an exporter over them."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault, clear_faults
from tests.web.rig import GENEROUS, Exporter, Site, environment

PARIS, LYON = "paris", "lyon"
Thing = TypeVar("Thing")

ERP: Final = "erp-preprod/sync#1"
CRM: Final = "crm-training/sync#1"
REPORTS: Final = "crm-training/sync#2"
BI: Final = "bi-reports/sync#1"


def world(ages: dict[str, str], devices: int) -> dict[str, Any]:
    """One array: base volumes with an SV and an LV each, their images of these ages."""
    names = list(ages)
    return {
        "bvs": {name: {"special_file": f"/dev/necsim/sd{chr(97 + devices + n)}"} for n, name in enumerate(names)},
        "svs": {f"{name}_SV01": {"bv": name, "age": age, "size": "24.7GB"} for name, age in ages.items()},
        "lvs": {
            f"{name}_LV01": {
                "bv": name,
                "shows": f"{name}_SV01",
                "special_file": f"/dev/necsim/sd{chr(97 + devices + len(names) + n)}",
            }
            for n, name in enumerate(names)
        },
        "config": {"cache_ttl": "1s"},
    }


def section(number: int, array: str, names: list[str], *lines: str) -> list[str]:
    """A resource of these base volumes' pairs."""
    devs = " ".join(f"{name}_SV01:{name}_LV01" for name in names)
    return [f"[sync#{number}]", "type = necismsnap", f"array = {array}", "consumers = none", *lines, f"devs = {devs}"]


def write_scenario(directory: Path, age: str) -> Path:
    """Four sets on two arrays; the images of the ERP are `age` old, all others some hours."""
    erp, crm = ["ERP_PRD_DATA", "ERP_PRD_LOGS"], ["CRM_DATA", "CRM_INDEX", "CRM_LOGS"]
    paris = world({**dict.fromkeys(erp, age), "BI_MART": "7h10m"}, 1)
    lyon = world({**dict.fromkeys(crm, "3h2m"), "CRM_REPORTS": "21h40m"}, 8)
    services = {
        "bi-reports.conf": section(1, PARIS, ["BI_MART"]),
        "crm-training.conf": [
            *section(1, LYON, crm, "order = pair"),
            *section(2, LYON, ["CRM_REPORTS"], "automatic = timer"),
        ],
        "erp-preprod.conf": section(1, PARIS, erp, "sync_max_delay = 1500"),
    }
    path = directory / "scenario.json"
    path.write_text(json.dumps({"arrays": {PARIS: paris, LYON: lyon}, "services": services}))
    return path


class Scene(Site):
    """A site with its past, and ways to spoil it."""

    def __init__(self, directory: Path, age: str = "5h12m") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        super().__init__(directory / "site", str(write_scenario(directory, age)))

    def place(self, array: str) -> Path:
        """Where an array lives."""
        return self.made.arrays[array]

    def do(self, *words: str) -> int:
        """One command, to its end; its exit code."""
        done = subprocess.run(
            self.command(*words), env=environment(), capture_output=True, check=False, timeout=GENEROUS
        )
        return done.returncode

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """One command, in the background."""
        null = subprocess.DEVNULL
        return subprocess.Popen(self.command(*words), env=environment(), stdout=null, stderr=null)

    def with_past(self) -> None:
        """Good runs, a failed one, and a refusal."""
        assert self.do("resync", CRM, "--reason", "after the release") == 0
        add_fault(self.place(LYON), {"kind": "fail_before", "command": "iSMsc_create", "match": ["CRM_INDEX_SV01"]})
        assert self.do("resync", CRM, "--force", "--reason", "fresh data for the course") == 5
        clear_faults(self.place(LYON))
        assert self.do("resync", CRM, "--force") == 0
        assert self.do("resync", CRM) == 4

    def hold(self, sv: str, array: str = PARIS) -> None:
        """The create of an SV takes as long as nobody wants to wait."""
        add_fault(self.place(array), {"kind": "hang_before", "command": "iSMsc_create", "match": [sv], "seconds": 90.0})

    def begin(self) -> subprocess.Popen[bytes]:
        """A resync of the ERP that waits in its second create."""
        self.hold("ERP_PRD_LOGS_SV01")
        process = self.start("resync", ERP, "--force", "--reason", "the course begins at nine")
        self.await_journal(ERP, '"began"', '"create"', '"sv":"ERP_PRD_LOGS_SV01"', '"stamp"')
        return process

    def cut_off(self) -> None:
        """A resync of the ERP that is killed there."""
        process = self.begin()
        wait_for(lambda: self.calls("iSMsc_create", "ERP_PRD_LOGS_SV01"))
        process.kill()
        process.wait(GENEROUS)

    def calls(self, *words: str) -> int:
        """How many commands with these words the first array saw."""
        return sum(all(word in str(call) for word in words) for call in read_calls(self.array))

    def blind(self, array: str) -> None:
        """No command of an array answers any more."""
        add_fault(self.place(array), {"kind": "fail_before", "command": "*", "occurrence": "all"})

    def await_journal(self, resource: str, *words: str) -> str:
        """The newest journal of a resource, once it holds these words."""
        folder = self.array / "state" / "runs" / resource

        def found() -> str:
            files = sorted(folder.glob("*.jsonl"))
            text = files[-1].read_text() if files else ""
            return text if all(word in text for word in words) else ""

        return wait_for(found)


def wait_for(found: Callable[[], Thing]) -> Thing:
    """What `found` answers as soon as it is something."""
    deadline = time.monotonic() + GENEROUS
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


class Shown(NamedTuple):
    """A scene and the exporter over it."""

    scene: Scene
    exporter: Exporter

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.exporter.port}/"

    def await_page(self, *words: str) -> str:
        """The page, once it holds these words."""

        def found() -> str:
            text = self.exporter.get("/").text
            return text if all(word in text for word in words) else ""

        return wait_for(found)

    def status(self) -> dict[str, Any]:
        """What `necism status --json` says."""
        done = subprocess.run(
            self.scene.command("status", "--json"),
            env=environment(),
            capture_output=True,
            check=False,
            timeout=GENEROUS,
        )
        document: dict[str, Any] = json.loads(done.stdout)
        return document
