"""Many arrays in one exporter, and what hostile bytes, hung arrays and vanished pairs do to a scrape: nothing else."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault
from tests.web.rig import GENEROUS, Answer, Site, environment

ARRAYS: Final = tuple(f"array{number}" for number in range(10))
HUNG, REFUSING = "array3", "array7"
HOSTILE: Final = (
    b'quote " backslash \\ brace } end',
    b"tab\tand bell\x07",
    "語".encode("cp932"),
    b"\xed\xa0\x80 a surrogate, \xff no character",
    "bidi \u202e and null width \u200b, líne".encode(),
    b"carriage\rreturn and form\ffeed",
)
BENDER: Final = """#!/usr/bin/env python3
import subprocess, sys
done = subprocess.run([sys.argv[0] + ".true", *sys.argv[1:]], capture_output=True)
sys.stdout.buffer.write(done.stdout.replace(b"/dev/hostile", b"/dev/" + {bytes!r}))
sys.exit(done.returncode)
"""


def write_scenario(path: Path, arrays: dict[str, dict[str, Any]], pairs_of: dict[str, str]) -> Path:
    """A scenario with a service file for each array."""
    services = {
        f"{name}.conf": ["[sync#1]", "type = necismsnap", f"array = {name}", f"devs = {pairs}"]
        for name, pairs in pairs_of.items()
    }
    path.write_text(json.dumps({"arrays": arrays, "services": services}))
    return path


def world(number: int, **lv: object) -> dict[str, Any]:
    """One pair on one base volume; names tell the array."""
    return {
        "bvs": {f"BV{number}": {}},
        "svs": {f"SV{number}": {"bv": f"BV{number}", "age": "3h"}},
        "lvs": {f"LV{number}": {"bv": f"BV{number}", "shows": f"SV{number}", **lv}},
        "config": {"cache_ttl": "1s"},
    }


@pytest.fixture(name="ten")
def ten_fixture(tmp_path: Path) -> Site:
    """Ten arrays with a pair each."""
    arrays = {name: world(number) for number, name in enumerate(ARRAYS)}
    pairs = {name: f"SV{number}:LV{number}" for number, name in enumerate(ARRAYS)}
    return Site(tmp_path / "site", write_scenario(tmp_path / "ten.json", arrays, pairs))


def home_of(site: Site, name: str, first: str = ARRAYS[0]) -> Path:
    """Where the world of an array lies."""
    return site.array if name == first else site.array / "arrays" / name


def bend(command: Path, text: bytes) -> None:
    """Let a command print `text` in the place of a device's name, which no simulated array would."""
    command.rename(command.with_name(f"{command.name}.true"))
    command.write_text(BENDER.format(bytes=text))
    command.chmod(0o755)


def up_arrays(answer: Answer) -> set[str]:
    return {dict(labels)["array"] for labels, value in answer.series()["necism_up"].items() if value == 1}


@pytest.mark.proves("P09", "P12")
def test_one_hung_and_one_refusing_array_leave_eight_unhurt(ten: Site) -> None:
    """The eight are read again and again and stay up, in the time that the caller allows; the two say what they are."""
    with ten.exporter() as exporter:
        assert up_arrays(exporter.get()) == set(ARRAYS)
        add_fault(home_of(ten, HUNG), {"kind": "hang_before", "occurrence": "all"})
        add_fault(home_of(ten, REFUSING), {"kind": "fail_before", "occurrence": "all"})
        time.sleep(1.1)
        before = exporter.get(X_Prometheus_Scrape_Timeout_Seconds="4")
        time.sleep(1.1)
        after = exporter.get(X_Prometheus_Scrape_Timeout_Seconds="4")
    unhurt = set(ARRAYS) - {HUNG, REFUSING}
    assert up_arrays(before) == up_arrays(after) == unhurt
    assert after.seconds < GENEROUS / 2
    for name in unhurt:
        assert after.value("collection_timestamp_seconds", array=name) > before.value(
            "collection_timestamp_seconds", array=name
        )
        assert after.value("resource_status", service=name, status="up") == 1
    assert after.value("findings", service=HUNG, finding="timed-out") == 1
    assert after.value("findings", service=REFUSING, finding="query-failed") == 1
    for name in (HUNG, REFUSING):
        assert after.value("resource_status", service=name, status="unknown") == 1
        assert after.value("snapshot_timestamp_seconds", service=name) == before.value(
            "snapshot_timestamp_seconds", service=name
        )


@pytest.mark.proves("P11")
def test_every_array_is_asked_once_for_many_scrapes(ten: Site) -> None:
    """Ten scrapes within cache_ttl send each array the commands of one reading."""
    for name in ARRAYS:
        ten.settings(f"array {name}", "cache_ttl = 1h")
    with ten.exporter() as exporter:
        answers = [exporter.get() for _ in range(10)]
    assert all(up_arrays(answer) == set(ARRAYS) for answer in answers)
    for name in ARRAYS:
        asked = [" ".join(call["argv"]) for call in read_calls(home_of(ten, name))]
        assert len(asked) == len(set(asked)), asked


@pytest.mark.proves("P07")
def test_hostile_bytes_lose_no_scrape(tmp_path: Path, require_server: Callable[[str], Path]) -> None:
    """Quotes, control characters, foreign encodings and invisible ones in what an array says: every pair is there."""
    names = [f"a{number}" for number in range(len(HOSTILE))]
    arrays = {name: world(number, special_file="/dev/hostile") for number, name in enumerate(names)}
    pairs = {name: f"SV{number}:LV{number}" for number, name in enumerate(names)}
    site = Site(tmp_path / "site", write_scenario(tmp_path / "hostile.json", arrays, pairs))
    for name, text in zip(names, HOSTILE, strict=True):
        bend(home_of(site, name, first=names[0]) / "bin/iSMsc_query", text)
    with site.exporter() as exporter:
        answer, page = exporter.get(), exporter.get("/")
    assert (answer.status, page.status) == (200, 200)
    assert {dict(labels)["lv"] for labels in answer.series()["necism_pair_status"]} == {
        f"LV{number}" for number in range(len(HOSTILE))
    }
    done = subprocess.run(
        [require_server("promtool"), "check", "metrics"],
        input=answer.body,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
    assert not set(map(chr, range(32))) - {"\n"} & set(answer.text)


@pytest.mark.proves("P10")
def test_a_pair_that_left_is_gone(site: Site) -> None:
    """After a reload nothing of it is shown, also while the array cannot be asked."""
    service = next(iter(site.made.services))
    with site.exporter() as exporter:
        assert "ERP_PRD_LOGS_LV0062" in exporter.get().text
        add_fault(site.array, {"kind": "fail_before", "occurrence": "all"})
        service.write_text(service.read_text().replace("    ERP_PRD_LOGS_SV0042:ERP_PRD_LOGS_LV0062\n", ""))
        subprocess.run(["kill", "-HUP", str(exporter.process.pid)], check=True, env=environment(), timeout=GENEROUS)
        exporter.await_log("configuration reloaded")
        answer, page = exporter.get(), exporter.get("/")
    assert "ERP_PRD_LOGS" not in answer.text + page.text
    assert "NaN" not in answer.text
