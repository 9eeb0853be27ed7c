"""The files for Nagios and Icinga are accepted by them, and say what the plugin says."""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from necism_monitor.domain import findings
from necism_monitor.nagios.options import OPTIONS

ROOT: Final = Path(__file__).parents[2]
NAGIOS: Final = (ROOT / "packaging/nagios/check_necism.cfg", ROOT / "packaging/nagios/necism-example.cfg")
ICINGA: Final = ROOT / "packaging/icinga2/necism.conf"
NRPE: Final = ROOT / "packaging/nrpe/necism.cfg"
EVENT_OPTIONS: Final = {"--state", "--state-type", "--attempt", "--problem-id", "--downtime", "--ack"}
"""Of the event handler's contract."""
SITE: Final = """\
define timeperiod {
    timeperiod_name  24x7
    alias            always
    sunday           00:00-24:00
    monday           00:00-24:00
    tuesday          00:00-24:00
    wednesday        00:00-24:00
    thursday         00:00-24:00
    friday           00:00-24:00
    saturday         00:00-24:00
}
define command {
    command_name  tell
    command_line  /bin/true
}
define contact {
    contact_name                   admin
    host_notifications_enabled     0
    service_notifications_enabled  0
    host_notification_period       24x7
    service_notification_period    24x7
    host_notification_options      n
    service_notification_options   n
    host_notification_commands     tell
    service_notification_commands  tell
}
define contactgroup {
    contactgroup_name  admins
    members            admin
}
"""
"""What Nagios' own sample configuration has."""


def whoever_tests() -> tuple[str, str]:
    """Names of our user and group: servers that start as root would change to their own, who may not read our files."""
    return pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name


def verify_nagios(nagios: Path, place: Path, *files: Path) -> str:
    """What `nagios4 -v` says of a configuration with these object files; it has to accept it."""
    (place / "site.cfg").write_text(SITE)
    user, group = whoever_tests()
    settings = {
        "log_file": place / "nagios.log",
        "object_cache_file": place / "objects.cache",
        "status_file": place / "status.dat",
        "temp_file": place / "nagios.tmp",
        "temp_path": place,
        "check_result_path": place,
        "lock_file": place / "nagios.lock",
        "command_file": place / "nagios.cmd",
        "nagios_user": user,
        "nagios_group": group,
        "illegal_macro_output_chars": "`~$&|'\"<>",
    }
    lines = [f"{name}={value}" for name, value in settings.items()]
    lines += [f"cfg_file={file}" for file in (place / "site.cfg", *files)]
    (place / "nagios.cfg").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [nagios, "-v", place / "nagios.cfg"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def verify_icinga(icinga: Path, place: Path, config: str) -> list[dict[str, Any]]:
    """The objects that Icinga makes of a configuration; it has to accept it."""
    (place / "icinga2.conf").write_text(config)
    defines = [f"-D{key}={name}" for key, name in zip(("RunAsUser", "RunAsGroup"), whoever_tests(), strict=True)]
    for name in ("DataDir", "CacheDir", "LogDir", "InitRunDir", "SpoolDir"):
        (place / name).mkdir()
        defines.append(f"-D{name}={place / name}")
    argv = [str(icinga), "daemon", "-C", "-c", str(place / "icinga2.conf"), *defines]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning/" not in done.stdout, done.stdout
    return list(read_netstrings((place / "CacheDir" / "icinga2.debug").read_bytes()))


def read_netstrings(data: bytes) -> list[dict[str, Any]]:
    """The JSON documents of Icinga's file of objects: `LENGTH:TEXT,` one after the other."""
    found = []
    while data:
        length, _, rest = data.partition(b":")
        found.append(json.loads(rest[: int(length)]))
        data = rest[int(length) + 1 :]
    return found


def properties(objects: list[dict[str, Any]], kind: str, name: str) -> Mapping[str, Any]:
    """One object's properties."""
    (found,) = [one["properties"] for one in objects if one["type"] == kind and one["properties"]["__name"] == name]
    return dict(found)


def test_nagios_accepts_commands_template_and_example(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """`nagios4 -v` has neither an error nor a warning."""
    said = verify_nagios(require_server("nagios4"), tmp_path, *NAGIOS)
    assert "Total Warnings: 0" in said
    assert "Total Errors:   0" in said
    assert "Checked 3 services" in said


def test_nagios_refuses_what_is_wrong(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """The proof above can fail: a handler that no command defines is an error."""
    wrong = tmp_path / "wrong.cfg"
    wrong.write_text(
        NAGIOS[0].read_text().replace("event_handler           necism_event", "event_handler           other")
    )
    with pytest.raises(AssertionError, match="other"):
        verify_nagios(require_server("nagios4"), tmp_path, wrong, NAGIOS[1])


def test_the_nagios_handler_passes_every_macro_as_one_argument() -> None:
    """Options of the contract, macros in single quotes, and the selector last, from the service's own variable."""
    (line,) = re.findall(r"command_line\s+(/usr/bin/necism .*)", NAGIOS[0].read_text())
    words = shlex.split(line)
    assert words[:3] == ["/usr/bin/necism", "event", "nagios"]
    given = dict(zip(words[3:-1:2], words[4:-1:2], strict=True))
    assert given == {
        "--state": "$SERVICESTATE$",
        "--state-type": "$SERVICESTATETYPE$",
        "--attempt": "$SERVICEATTEMPT$",
        "--problem-id": "$SERVICEPROBLEMID$",
        "--downtime": "$SERVICEDOWNTIME$",
    }
    assert given.keys() <= EVENT_OPTIONS
    assert words[-1] == "$_SERVICENECISM$"
    assert all(f"'{macro}'" in line for macro in re.findall(r"\$\w+\$", line))


def plugin_lines() -> list[str]:
    """Every command line of the plugin in the samples for Nagios and NRPE."""
    lines = [*NAGIOS[0].read_text().splitlines(), *NRPE.read_text().splitlines()]
    return [line for line in lines if re.search(r"/check_necism(?!\S)", line)]


def test_the_samples_use_options_that_exist() -> None:
    """Every option in a command line of the plugin is one of the plugin's, and its timeout is below the caller's."""
    known = {name for option in OPTIONS for name in option.names}
    used = {word for line in plugin_lines() for word in line.split() if word.startswith("-")}
    assert len(plugin_lines()) == 4
    assert used - known == set()
    assert {re.findall(r"-t (\d+)", line)[0] for line in plugin_lines()} == {"50", "8"}


@pytest.mark.proves("N10")
def test_what_nrpe_asks_for_is_documented() -> None:
    """Documentation and help say what fits into the 10 seconds of NRPE's client; the sample does it."""
    page = (ROOT / "docs/nagios.md").read_text()
    assert re.search(r"NRPE[^.]*10 s", page)
    assert "-t 8" in page
    assert all("-t 8" in line for line in NRPE.read_text().splitlines() if line.startswith("command"))


def test_what_is_critical_in_nagios_is_what_the_plugin_knows() -> None:
    """Samples and documentation name the same findings; an unfinished run and another device are among them."""
    files = (NAGIOS[0], NRPE, ROOT / "docs/nagios.md")
    said = {match for file in files for match in re.findall(r"--critical-on ([a-z]\S+,\S+)", file.read_text())}
    (codes,) = said
    assert {"unfinished", "device-changed"} <= set(codes.split(",")) <= set(findings.CATALOGUE)


def icinga_config() -> str:
    """A configuration with the sample and a host whose variables fill every rule."""
    return f"""\
const PluginContribDir = "/usr/lib/nagios/plugins"
include <itl>
include "{ICINGA}"
object Host "h1" {{
  check_command = "dummy"
  vars.necism["db1"] = {{
    necism_warning = "26h"
    necism_resync = true
  }}
  vars.necism["db2/sync#1"] = {{
    necism_critical_on = [ "detached", "fault" ]
  }}
  vars.necism_all = true
}}
"""


@pytest.mark.proves("N13")
def test_icinga_accepts_commands_and_rules(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """`icinga2 daemon -C` makes a service for each selector, with the handler where the host's variables say so."""
    objects = verify_icinga(require_server("icinga2"), tmp_path, icinga_config())
    one, two = (properties(objects, "Service", f"h1!necism {name}") for name in ("db1", "db2/sync#1"))
    assert (one["check_command"], one["event_command"], two["event_command"]) == ("necism", "necism-event", "")
    assert one["vars"]["necism_select"] == one["vars"]["necism_selector"] == "db1"
    assert one["vars"]["necism_warning"] == "26h"
    assert two["vars"]["necism_critical_on"] == ["detached", "fault"]
    assert properties(objects, "Service", "h1!necism")["vars"] is None


@pytest.mark.proves("N13")
def test_the_check_command_is_an_array_with_described_arguments(
    require_server: Callable[[str], Path], tmp_path: Path
) -> None:
    """Every long option of the plugin but help and version, with the help's own words, from `necism_` variables."""
    objects = verify_icinga(require_server("icinga2"), tmp_path, icinga_config())
    check = properties(objects, "CheckCommand", "necism")
    assert check["command"] == ["/usr/lib/nagios/plugins/check_necism"]
    helps = {option.names[-1]: option.help for option in OPTIONS if option.field not in {"help", "version"}}
    assert {name: argument["description"] for name, argument in check["arguments"].items()} == helps
    values = [argument.get("value") or argument["set_if"] for argument in check["arguments"].values()]
    assert all(re.fullmatch(r"\$necism_\w+\$", value) for value in values)
    assert check["vars"]["necism_timeout"] < check["timeout"]


@pytest.mark.proves("N13")
def test_the_event_command_is_an_array_with_the_contract_s_options(
    require_server: Callable[[str], Path], tmp_path: Path
) -> None:
    """One macro an option, and a selector without which nothing is run."""
    objects = verify_icinga(require_server("icinga2"), tmp_path, icinga_config())
    event = properties(objects, "EventCommand", "necism-event")
    assert event["command"] == ["/usr/bin/necism", "event", "icinga"]
    arguments = dict(event["arguments"])
    selector = arguments.pop("SEL")
    assert (selector["value"], selector["skip_key"], selector["required"]) == ("$necism_selector$", True, True)
    assert arguments.keys() == EVENT_OPTIONS
    assert all(re.fullmatch(r"\$service\.\w+\$", macro) for macro in arguments.values())


def test_icinga_refuses_what_is_wrong(require_server: Callable[[str], Path], tmp_path: Path) -> None:
    """The proof above can fail: a handler that no command defines is an error."""
    wrong = ['object Service "s" {', '  host_name = "h1"', '  import "necism-service"', '  event_command = "x"', "}"]
    config = icinga_config() + "\n".join(wrong) + "\n"
    with pytest.raises(AssertionError, match="event_command"):
        verify_icinga(require_server("icinga2"), tmp_path, config)
