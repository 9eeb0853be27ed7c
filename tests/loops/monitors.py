"""A real Nagios and a real Icinga in a directory of their own, with the shipped objects, and how they see a set."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from tests.loops.place import ROOT, SET, Place, Server, lines_of, running
from tests.packaging.test_monitor_files import SITE, whoever_tests

NAGIOS_ALERT: Final = re.compile(r"\[(\d+)\] SERVICE ALERT: [^;]*;[^;]* " + SET + r";(\w+);(\w+);")
ICINGA_ALERT: Final = re.compile(
    r"\[([^]]+)\] notice/Checkable: State Change: Checkable '[^']*!necism [^']*' "
    r"(soft|hard) state change from \w+ to (\w+) "
)
EXAMPLE_SET: Final = "iiststnec02"
"""What the shipped example is about."""


class State(NamedTuple):
    """A service's state from a moment on, as the monitor logged it."""

    at: float
    state: str
    kind: str


class Monitor:
    """A running monitor with one service that has the handler."""

    def __init__(self, server: Server, log: Path) -> None:
        self.server, self.log = server, log
        server.also = log

    def states(self) -> list[State]:
        """What became of the service, in order."""
        return [state for line in lines_of(self.log) if (state := nagios_state(line) or icinga_state(line))]

    def seen(self, state: str, kind: str) -> bool:
        """Whether the service was ever in that state."""
        return (state, kind) in [(one.state, one.kind) for one in self.states()]

    def await_state(self, state: str, kind: str) -> None:
        """Wait until the monitor says so."""
        self.server.until(lambda: self.seen(state, kind), f"never {state} {kind}")


def nagios_state(line: str) -> State | None:
    """The state that a line of nagios.log tells."""
    found = NAGIOS_ALERT.match(line)
    return State(float(found[1]), found[2], found[3]) if found else None


def icinga_state(line: str) -> State | None:
    """The state that a line of Icinga's log tells."""
    found = ICINGA_ALERT.match(line)
    if not found:
        return None
    return State(datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S %z").timestamp(), found[3], found[2].upper())


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """A shipped file in which only these things are different; each has to be there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def nagios_objects(place: Place, *, example: bool) -> str:
    """The shipped commands and templates with our paths and seconds; and of the example the host with local checks."""
    changes = {
        "/usr/lib/nagios/plugins/check_necism": str(place.plugin),
        "/usr/bin/necism": str(place.handler),
        "check_interval          5": "check_interval          1",
    }
    text = SITE + replaced((ROOT / "packaging/nagios/check_necism.cfg").read_text(), changes)
    if example:
        shipped = (ROOT / "packaging/nagios/necism-example.cfg").read_text()
        near = shipped[: shipped.index("define host", shipped.index("backup01"))]
        text += replaced(near, {EXAMPLE_SET: SET})
    return text


@contextlib.contextmanager
def nagios(program: Path, place: Place, objects: str, **more: object) -> Iterator[Monitor]:
    """Nagios Core; an interval of its configuration is a second."""
    home = place.directory / "nagios"
    home.mkdir()
    (home / "objects.cfg").write_text(objects)
    user, group = whoever_tests()
    settings = {
        "log_file": home / "nagios.log",
        "cfg_file": home / "objects.cfg",
        "object_cache_file": home / "objects.cache",
        "status_file": home / "status.dat",
        "temp_file": home / "nagios.tmp",
        "temp_path": home,
        "check_result_path": home,
        "lock_file": home / "nagios.lock",
        "query_socket": home / "nagios.qh",
        "nagios_user": user,
        "nagios_group": group,
        "check_external_commands": 0,
        "retain_state_information": 0,
        "check_for_updates": 0,
        "enable_flap_detection": 0,
        "use_syslog": 0,
        "interval_length": 1,
        "service_inter_check_delay_method": "n",
        "check_result_reaper_frequency": 1,
        "log_service_retries": 1,
        "illegal_macro_output_chars": "`~$&|'\"<>",
        **more,
    }
    (home / "nagios.cfg").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    with running([str(program), str(home / "nagios.cfg")], home / "output") as server:
        yield Monitor(server, home / "nagios.log")


def icinga_objects(place: Place, settings: str) -> str:
    """The shipped objects with our paths and seconds, and a host that has the set with these settings."""
    changes = {
        "/usr/bin/necism": str(place.handler),
        "check_interval = 5m": "check_interval = 1s",
        "retry_interval = 1m": "retry_interval = 1s",
    }
    host = f"""
object Host "backup01" {{
  check_command = "dummy"
  address = "127.0.0.1"
  vars.necism["{SET}"] = {{
    necism_resync = true
    {settings}
  }}
}}
"""
    return replaced((ROOT / "packaging/icinga2/necism.conf").read_text(), changes) + host


@contextlib.contextmanager
def icinga(program: Path, place: Place, objects: str) -> Iterator[Monitor]:
    """Icinga 2, which only checks, and logs every change of a state."""
    home = place.directory / "icinga"
    home.mkdir()
    log = home / "debug.log"
    lines = [
        f'const PluginContribDir = "{place.plugins}"',
        "include <itl>",
        'object CheckerComponent "checker" { }',
        f'object FileLogger "debug" {{ severity = "notice", path = "{log}" }}',
        objects,
    ]
    (home / "icinga2.conf").write_text("\n".join(lines))
    defines = [f"-D{key}={name}" for key, name in zip(("RunAsUser", "RunAsGroup"), whoever_tests(), strict=True)]
    for name in ("DataDir", "CacheDir", "LogDir", "InitRunDir", "SpoolDir"):
        (home / name).mkdir()
        defines.append(f"-D{name}={home / name}")
    with running([str(program), "daemon", "-c", str(home / "icinga2.conf"), *defines], home / "output") as server:
        yield Monitor(server, log)
