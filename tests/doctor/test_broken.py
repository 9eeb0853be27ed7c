"""Every prerequisite broken, one at a time: doctor names it with evidence and a remedy, and never changes the array."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from necism_monitor.adapters.clock import now
from necism_monitor.app.look import read_array
from necism_monitor.domain.checkup import Health
from necism_monitor.simulator import host
from necism_monitor.simulator.defaults import OTHER_ARRAY
from necism_monitor.simulator.world import edit_world
from tests.doctor.site import Site, of_check, root_of, unwell
from tests.resync.rig import BV1, LV1, LV2, SV1, SV2
from tests.resync.test_recovery import broken_off

PROBLEM, UNKNOWN = Health.PROBLEM, Health.UNKNOWN
SEL: Final = "iiststnec02/sync#1"


class Broken(NamedTuple):
    """How something is broken, and what doctor has to say of it."""

    act: Callable[[Site], object]
    check: str
    verdict: Health
    subject: str
    evidence: str
    remedy: str


def world(**keys: object) -> Callable[[Site], None]:
    """Change the world of the array itself."""

    def act(site: Site) -> None:
        with edit_world(site.rig.directory) as current:
            for key, value in keys.items():
                current[key] = value  # type: ignore[literal-required]  # keys of a world

    return act


def array(**keys: object) -> Callable[[Site], None]:
    """Change what the array says of itself."""

    def act(site: Site) -> None:
        with edit_world(site.rig.directory) as current:
            current["array"].update(keys)  # type: ignore[typeddict-item]  # keys of an array

    return act


def volume(kind: str, name: str, **keys: object) -> Callable[[Site], None]:
    """Change one volume."""
    return lambda site: site.rig.edit(kind, name, **keys)


def without(program: str) -> Callable[[Site], None]:
    """A program that is not there."""
    return lambda site: (site.rig.directory / "bin" / program).unlink()


def mode(path: str, bits: int) -> Callable[[Site], None]:
    """Other rights of something below the site."""
    return lambda site: (site.rig.directory / path).chmod(bits)


def script(program: str, text: str) -> Callable[[Site], None]:
    """A wrapper of the site's own in the place of a program."""

    def break_it(site: Site) -> None:
        without(program)(site)
        (site.rig.directory / "bin" / program).write_text(f"#!/bin/sh\n{text}\n")
        mode(f"bin/{program}", 0o755)(site)

    return break_it


def token(bits: int) -> Callable[[Site], None]:
    """A webhook that asks for a token, in a file of these rights; none at all for 0."""

    def break_it(site: Site) -> None:
        conf = site.rig.config_dir / "necism.conf"
        conf.write_text(conf.read_text() + "\n[webhook]\ncredentials_file = token\n")
        if bits:
            (site.rig.config_dir / "token").write_text("0123456789abcdef\n")
            (site.rig.config_dir / "token").chmod(bits)

    return break_it


def keys(*lines: str) -> Callable[[Site], None]:
    """Further keys of the resource."""
    return lambda site: site.rig.service(*lines)


def fault(kind: str, command: str, **more: object) -> Callable[[Site], None]:
    """A fault of the commands, at every call."""
    return lambda site: site.rig.fault(kind, command, occurrence="all", **more)


def hidden(site: Site) -> None:
    """A /proc that shows nobody else's processes."""
    for pid in (1, 614):
        (site.host / f"proc/{pid}/cmdline").unlink()
        (site.host / f"proc/{pid}").rmdir()


def slow(site: Site) -> None:
    """Commands that do not answer in time."""
    site.rig.necism("read_timeout", "1s", "array default")
    site.rig.fault("hang_before", occurrence="all", seconds=30)


def sudo(site: Site, script: str) -> None:
    """A sudo of our own in front of the commands."""
    path = site.rig.directory / "sudo"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    site.rig.necism("command_prefix", f"{path} -n", "array default")


def linked_twice(site: Site) -> None:
    """Another LV shows the SV of a pair: also one that nobody has declared."""
    with edit_world(site.rig.directory) as current:
        current["options"]["several_lvs"] = True
        current["lvs"]["STRANGER"] = {**current["lvs"][LV1], "ldn": 999, "special_file": None}


def in_future(site: Site) -> None:
    """The newest image is dated two hours ahead."""
    site.rig.edit("svs", SV1, created=now() + 7200)


def extra_label(site: Site) -> None:
    """A label that no screen on record has."""
    site.rig.edit("svs", SV1, extra=[["Snapshot Policy", "gold"]])


def no_state_dir(site: Site) -> None:
    """The directory of journals and locks was not made."""
    (site.rig.directory / "state").rmdir()


def run_dir_is_a_file(site: Site) -> None:
    """Somebody put a file where the directory belongs."""
    (site.rig.directory / "run").rmdir()
    (site.rig.directory / "run").write_text("")


def damaged_journal(site: Site) -> None:
    """A journal that no crash explains."""
    path = site.rig.directory / "state/runs/iiststnec02/sync#1/20140918T031504Z-1.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("nonsense\nmore nonsense\n")


def from_file(site: Site) -> None:
    """Faces judge from a file that nobody writes."""
    site.rig.necism("source", "file")


def stale_file(site: Site) -> None:
    """The collector stopped long ago."""
    site.rig.necism("source", "file")
    site.rig.necism("stale_after", "1s")
    site.rig.look()
    sources = site.rig.sources()
    seen = read_array(sources, site.rig.resource.array)
    sources.store.save({seen.array: seen._replace(started_at=seen.started_at - 60, ended_at=seen.ended_at - 60)})


CASES: Final[dict[str, Broken]] = {
    "query missing": Broken(
        without("iSMsc_query"), "command", PROBLEM, "default iSMsc_query", "program not found", "install iSMccs.rpm"
    ),
    "view missing": Broken(
        without("iSMview"), "command", PROBLEM, "default iSMview", "program not found", "set `ism_path`"
    ),
    "link missing": Broken(
        without("iSMsc_link"), "command", PROBLEM, "default iSMsc_link", "bin/iSMsc_link is not there", "iSMccs.rpm"
    ),
    "vollist missing": Broken(
        without("iSMvollist"), "command", PROBLEM, "default iSMvollist", "is not there on this host", "iSMccs.rpm"
    ),
    "create not executable": Broken(
        mode("bin/iSMsc_create", 0o644), "command", PROBLEM, "default iSMsc_create", "may not be executed", "ism_path"
    ),
    "commands hang": Broken(slow, "command", UNKNOWN, "default iSMsc_query", "no answer within", "read_timeout"),
    "sudo wants a password": Broken(
        lambda site: sudo(site, "echo 'sudo: a password is required' >&2; exit 1"),
        *("command", PROBLEM, "default iSMsc_unlink", "a password is required", "NOPASSWD"),
    ),
    "sudo does not know": Broken(
        lambda site: sudo(site, 'shift; [ "$1" = -n ] && shift; [ "$1" = -l ] && exit 1; exec "$@"'),
        *("command", UNKNOWN, "default iSMsc_unlink", "does not say that it would run it", "sudoers"),
    ),
    "wrapper finds nothing": Broken(
        script("iSMview", "exit 127"), "command", PROBLEM, "default iSMview", "exit code 127", "iSMccs.rpm"
    ),
    "list not asked for": Broken(
        script("iSMview", "exit 126"), "volume-list", UNKNOWN, "default on this host", "exit code 126", "its rights"
    ),
    "service stopped": Broken(
        lambda site: host.stop_service(site.rig.directory),
        *("service", PROBLEM, "iSMHostRegisterService on this host", "no process of that name among 1", "start iSM"),
    ),
    "processes hidden": Broken(
        hidden,
        *("service", UNKNOWN, "iSMHostRegisterService", "does not show process 1", "as root"),
    ),
    "no volume list": Broken(
        world(volume_list=False), "volume-list", PROBLEM, "default on this host", "iSMview -d: exit code 1",
        "necism doctor --fix",
    ),
    "no name resolved": Broken(
        fault("fail_before", "iSMsc_query"), "volume-list", PROBLEM, "default", "no query by a volume's name", "--fix"
    ),
    "stale volume list": Broken(
        lambda site: host.remove_device(site.host, "/dev/necsim/sdar"),
        *("volume-list", PROBLEM, "default", "(inferred: it is stale): /dev/necsim/sdar", "--fix"),
    ),
    "device gone": Broken(
        lambda site: host.remove_device(site.host, "/dev/necsim/sdar"),
        *("device", PROBLEM, f"{SEL} {LV1}", "/dev/necsim/sdar does not exist on this host", "multipath -ll"),
    ),
    "device not visible": Broken(
        volume("lvs", LV1, special_file=None), "device", UNKNOWN, f"{SEL} {LV1}", "cannot be asked", "consumers = none"
    ),
    "two arrays": Broken(
        world(also_visible=[{**OTHER_ARRAY, "name": "D2_10"}]),
        *("array", PROBLEM, "default", "sees D1_10, D2_10", "unique_names = true"),
    ),
    "array not ready": Broken(
        array(resource_state="fault(ctl)"), "array", PROBLEM, "default D1_10", "Resource State is 'fault(ctl)'", "look"
    ),
    "array not monitored": Broken(
        array(monitoring="stop"), "array", PROBLEM, "default D1_10", "Monitoring is 'stop'", "management software"
    ),
    "list of arrays unreadable": Broken(
        fault("garbage", "iSMview"), "array", UNKNOWN, "default", "no header line", "LC_ALL=C"
    ),
    "base volume faulty": Broken(
        volume("bvs", BV1, state="fault"), "volume", PROBLEM, f"{SEL} {LV1}", "BV SOURCE_0001 is in", "base volume"
    ),
    "image faulty": Broken(
        volume("svs", SV1, state="snap/fault"), "volume", PROBLEM, f"{SEL} {LV1}", "fault: SV", "free space"
    ),
    "image missing": Broken(
        volume("svs", SV2, unlisted=True), "volume", PROBLEM, f"{SEL} {LV2}", "sv-missing", "compare `devs`"
    ),
    "image guarded": Broken(
        volume("svs", SV1, guard="on"), "volume", PROBLEM, SEL, f"sv-guarded: SV {SV1}", "take the guard off"
    ),
    "lv detached": Broken(
        volume("lvs", LV1, shows=None), "volume", PROBLEM, f"{SEL} {LV1}", "detached: LV", "necism relink"
    ),
    "sv shown elsewhere": Broken(linked_twice, "volume", PROBLEM, SEL, "sv-shown-elsewhere", "never re-created"),
    "access not known": Broken(
        volume("lvs", LV1, access="nr"), "volume", PROBLEM, SEL, f"access-unknown: LV {LV1} is nr", "declare `access"
    ),
    "a record unreadable": Broken(
        volume("svs", SV1, omit=["Snap State"]), "volume", UNKNOWN, f"{SEL} {LV1}", "Snap State not found", "capture"
    ),
    "clock ahead": Broken(in_future, "clock", PROBLEM, "default", "in the future; no `timezone` is set", "`timezone`"),
    "state_dir missing": Broken(no_state_dir, "rights", PROBLEM, "state", "does not exist", "install -d"),
    "run_dir no directory": Broken(run_dir_is_a_file, "rights", PROBLEM, "run", "is no directory", "install -d"),
    "state_dir open to all": Broken(
        mode("state", 0o777), "rights", PROBLEM, "state", "everybody may write there", "chmod o-w"
    ),
    "service file open to all": Broken(
        mode("config/services/iiststnec02.conf", 0o666), "rights", PROBLEM, "iiststnec02.conf", "names commands", "o-w"
    ),
    "token open to all": Broken(token(0o644), "rights", PROBLEM, "token", "read or write the webhook's", "chmod o-"),
    "token missing": Broken(token(0), "rights", UNKNOWN, "token", "No such file", "as root"),
    "hook missing": Broken(
        keys("pre_resync = /nowhere/stop"), "hook", PROBLEM, f"{SEL} pre_resync", "/nowhere/stop does not", "install"
    ),
    "check missing": Broken(
        keys("in_use_check = no-such-program -x"), "hook", PROBLEM, f"{SEL} in_use_check", "no directory of PATH", "key"
    ),
    "journal damaged": Broken(damaged_journal, "journal", UNKNOWN, SEL, "journal-unreadable", "necism abandon"),
    "nothing collected": Broken(from_file, "collector", UNKNOWN, "default", "observation", "necism collect"),
    "collector stopped": Broken(stale_file, "collector", PROBLEM, "default", "stale_after is 1 s", "timer"),
    "odd word": Broken(
        volume("svs", SV1, state="snap/suspended"), "word", PROBLEM, "default", "Snap State is 'snap/suspended' on 1",
        "necism capture",
    ),
    "odd link word": Broken(
        volume("lvs", LV1, link_word="linking"), "word", PROBLEM, "default", "link word of an LV is 'linking'", "words"
    ),
    "odd guard": Broken(
        volume("svs", SV1, guard="half"), "word", PROBLEM, "default", "SV Guard is 'half'", "necism capture"
    ),
    "odd access": Broken(
        volume("lvs", LV1, access="wo"), "word", PROBLEM, "default", "LV Access is 'wo'", "necism capture"
    ),
    "odd state of a base volume": Broken(
        volume("bvs", BV1, state="odd"), "word", PROBLEM, "default", "State of a BV is 'odd'", "necism capture"
    ),
    "odd label": Broken(extra_label, "label", UNKNOWN, "default", "'Snapshot Policy' (2x)", "necism capture"),
    "kill switch": Broken(
        lambda site: (site.rig.config_dir / "STOP").write_text(""), "kill-switch", PROBLEM, "STOP", "it is set", "rem"
    ),
    "nobody asks as timer": Broken(
        keys("automatic = timer"), "caller", UNKNOWN, f"{SEL} timer", "neither a timer of systemd", "systemctl enable"
    ),
    "nobody carries requests": Broken(
        keys("automatic = nagios"), "caller", UNKNOWN, f"{SEL} nagios", "nothing here carries its requests", "dispatch"
    ),
    "configuration doubtful": Broken(
        keys("sync_min_delay = 10", "sync_min_delay = 20"), "configuration", PROBLEM, "config", "the last one counts",
        "necism config check",
    ),
    "cron drives the same devices": Broken(
        lambda site: site.write("etc/cron.d/snap", f"0 5 * * * root iSMsc_create -bv X -sv {SV1}\n"),
        *("scheduler", PROBLEM, "etc/cron.d/snap", f"drives {SV1}, too", "take the section or line out"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_broken_prerequisite_is_named_with_evidence_and_remedy(site: Site, name: str) -> None:
    """The item of its check says what is wrong and what to do, and all is not well."""
    case = CASES[name]
    case.act(site)
    found = site.examine()
    items = unwell(found).get(case.check, [])
    hits = [
        item
        for item in items
        if item.verdict is case.verdict and case.subject in item.subject and case.evidence in item.evidence
    ]
    assert hits, items
    assert all(case.remedy in (item.remedy or "") for item in hits), hits
    assert found.verdict is not Health.OK
    assert site.resets() == []


@pytest.mark.parametrize("scenario", ["seed", "eight", "stale"])
def test_a_healthy_site_is_well(make_site: Callable[[str], Site], scenario: str) -> None:
    """Nothing is wrong, every check has said something, and an old image is not doctor's business."""
    found = make_site(scenario).examine()
    assert unwell(found) == {}
    assert {item.check for item in found.items} == {
        *("library", "configuration", "command", "service", "volume-list", "array", "volume", "device", "clock"),
        *("rights", "journal", "word", "label", "kill-switch", "scheduler"),
    }
    assert all(item.remedy is None and item.evidence for item in found.items)


def test_a_token_for_one_group_is_well(site: Site) -> None:
    """The webhook's own user has to read it."""
    token(0o640)(site)
    assert unwell(site.examine()) == {}
    assert any(item.subject.endswith("token") for item in of_check(site.examine(), "rights"))


def test_an_lv_elsewhere_is_well_where_that_is_declared(site: Site) -> None:
    """`consumers = none` or an `in_use_check` answers what cannot be asked here."""
    site.rig.edit("lvs", LV1, special_file=None)
    site.rig.service("consumers = none")
    assert unwell(site.examine()) == {}


def test_what_could_not_be_read_is_not_guessed_at(site: Site) -> None:
    """Without any answer nothing is said of volumes, words, labels or clocks but that they are unknown."""
    site.rig.fault("fail_before", occurrence="all")
    items = unwell(site.examine())
    assert {item.verdict for check in ("volume", "word", "label", "clock", "array") for item in items[check]} == {
        UNKNOWN
    }


def test_a_clock_that_nothing_keeps_is_a_problem(site: Site) -> None:
    """The sign of the time service is gone, and the kernel says unsynchronised (5) or synchronised (0)."""
    (site.host / "run/systemd/timesync/synchronized").unlink()
    (item,) = unwell(site.examine(here=lambda _: root_of(site, 5)))["clock"]
    assert (item.subject, item.verdict) == ("this host", PROBLEM)
    assert "time service" in (item.remedy or "")
    assert "clock" not in unwell(site.examine(here=lambda _: root_of(site, 0)))


def test_the_clock_of_the_array_is_measured_by_the_last_create(site: Site) -> None:
    """Within a minute of this host's it is well; half an hour behind it is not, and the evidence says so."""
    site.rig.service("consumers = none")
    with edit_world(site.rig.directory) as current:
        current["clock"]["offset"] = 20.0
    assert site.rig.resync(force=True).exit == 0
    (item, _) = of_check(site.examine(), "clock")
    assert (item.subject, item.verdict) == ("default", Health.OK)
    assert "by the newest create" in item.evidence
    with edit_world(site.rig.directory) as current:
        current["clock"]["offset"] = -1800.0
    assert site.rig.resync(force=True).exit == 0
    (item,) = unwell(site.examine())["clock"]
    assert "behind this host's" in item.evidence
    assert item.verdict is PROBLEM


def test_what_speaks_of_arrays_asks_each(make_site: Callable[[str], Site]) -> None:
    """Every odd state of the odd scenario is a row of its own, and volumes that are well stay well."""
    found = make_site("odd").examine()
    wrong = {item.subject.split("/")[0] for item in unwell(found)["volume"]}
    well = {item.subject.split("/")[0] for item in of_check(found, "volume") if item.verdict is Health.OK}
    assert {"odd-fault", "odd-guarded", "odd-notready", "odd-nosv", "odd-nolabel"} <= wrong
    assert {"odd-label", "odd-readonly", "odd-solaris"} <= well
    assert wrong & well == set()


def test_a_real_sudo_is_asked_and_runs_nothing(
    site: Site, require_server: Callable[[str], Path], tmp_path: Path
) -> None:
    """`sudo -n -l` names what it would run where this user may; where it would ask for a password, that is told."""
    program = require_server("sudo")
    may = subprocess.run([program, "-n", "true"], capture_output=True, check=False, timeout=60).returncode == 0
    site.rig.necism("command_prefix", f"{program} -n", "array default")
    items = {item.subject: item for item in of_check(site.examine(), "command")}
    verdict = Health.OK if may else PROBLEM
    assert {item.verdict for item in items.values()} == {verdict}
    assert ("would run" in items["default iSMsc_create"].evidence) is may


def test_nothing_is_written_by_looking(site: Site) -> None:
    """No map, no lock, no journal: what is missing stays missing."""
    before = {path for path in site.rig.directory.rglob("*") if path.name != "calls.jsonl"}
    assert site.examine().verdict is Health.OK
    assert {path for path in site.rig.directory.rglob("*") if path.name != "calls.jsonl"} == before


def test_a_running_run_is_no_problem(site: Site) -> None:
    """Its owner lives, which here is this very process: the journal is whole, and nothing is wrong with its LVs."""
    site.rig.service("consumers = none")
    broken_off(site.rig)
    items = of_check(site.examine(), "journal")
    assert [(item.verdict, "is at work" in item.evidence) for item in items] == [(Health.OK, True)]
