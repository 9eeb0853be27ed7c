"""The exporter from outside: a real process over simulated commands, scraped over HTTP."""

import gzip
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault, clear_faults
from tests.web.rig import GENEROUS, Answer, Site, environment

LVS = {"ERP_PRD_DATA_LV0061", "ERP_PRD_LOGS_LV0062"}


def one_hot(answer: Answer, family: str, label: str, lv: str) -> set[str]:
    """The states that are 1 for an LV; every series of it is there once."""
    found = {dict(held)[label]: number for held, number in answer.series()[family].items() if ("lv", lv) in held}
    assert set(found.values()) <= {0.0, 1.0}
    return {state for state, number in found.items() if number}


def commands_run(site: Site) -> int:
    """How many commands the simulated array saw."""
    return len(read_calls(site.array))


def test_a_scrape_tells_the_story_of_status(site: Site) -> None:
    """Metrics, page and `necism status --json` agree on status, states, dates, ages and findings."""
    with site.exporter() as exporter:
        metrics, page = exporter.get(), exporter.get("/")
    done = subprocess.run(
        site.command("status", "--json"), capture_output=True, env=environment(), check=False, timeout=GENEROUS
    )
    (resource,) = json.loads(done.stdout)["services"][0]["resources"]
    assert metrics.value("resource_status", status=resource["status"]) == 1
    assert metrics.value("up", array="default") == 1
    assert metrics.value("resync_max_delay_seconds") == resource["max_delay_seconds"]
    assert metrics.value("set_skew_seconds") == resource["skew_seconds"]
    assert metrics.value("resync_age_seconds") == pytest.approx(resource["age_seconds"], abs=GENEROUS)
    assert [one["code"] for one in resource["findings"]] == ["too-old"]
    assert metrics.value("findings", finding="too-old") == 1
    assert {pair["lv"] for pair in resource["pairs"]} == LVS
    for pair in resource["pairs"]:
        assert one_hot(metrics, "necism_link_state", "state", pair["lv"]) == {pair["link"]}
        assert one_hot(metrics, "necism_snapshot_state", "state", pair["lv"]) == {pair["snapshot_state"]}
        assert one_hot(metrics, "necism_pair_status", "status", pair["lv"]) == {pair["status"]}
        when = time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(metrics.value("snapshot_timestamp_seconds", lv=pair["lv"]))
        )
        assert when == pair["snapshot_time"]
        row = re.search(rf'<th scope="row">{pair["lv"]}</th>(.*?)</tr>', page.text, re.DOTALL)
        assert row is not None
        cells = re.findall(r"<td>(.*?)</td>", row[1])
        assert cells[:5] == [pair["sv"], pair["bv"], pair["link"], pair["access"], pair["snapshot_state"]]
        assert cells[5] == pair["snapshot_time"].replace("T", " ").replace("Z", " UTC")
    for found in resource["findings"]:
        assert found["code"] in page.text
        assert found["text"].partition(" is ")[0] in page.text


@pytest.mark.proves("P01")
def test_promtool_accepts_the_body(site: Site, require_server: Callable[[str], Path]) -> None:
    """The linter of Prometheus has nothing to say."""
    promtool = require_server("promtool")
    with site.exporter() as exporter:
        body = exporter.get().body
    done = subprocess.run(
        [promtool, "check", "metrics"], input=body, capture_output=True, check=False, timeout=GENEROUS
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_scrapes_at_once_run_the_commands_once(site: Site) -> None:
    """Eight scrapes and pages together cost what one costs, and a scrape right after them costs nothing."""
    with site.exporter() as exporter, ThreadPoolExecutor(8) as pool:
        paths = ["/metrics", "/"] * 4
        answers = list(pool.map(exporter.get, paths))
        assert {one.status for one in answers} == {200}
        # A map that is cold: the arrays, each SV's own screen, each BV's.
        assert commands_run(site) == 5
        assert exporter.get().value("ism_commands_total", command="iSMsc_query") == 4
        assert commands_run(site) == 5


def test_both_encodings_hold_the_same(site: Site) -> None:
    """Packed and plain, the kept part is the same to the byte; only the live end differs."""
    with site.exporter() as exporter:
        plain, packed = exporter.get(), exporter.get(Accept_Encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    unpacked = gzip.decompress(packed.body)
    kept = plain.body.partition(b"# HELP necism_resync_age_seconds")[0]
    assert len(kept) > 5000
    assert unpacked.startswith(kept)
    names = [line for line in plain.text.splitlines() if line.startswith("#")]
    assert names == [line for line in unpacked.decode().splitlines() if line.startswith("#")]


@pytest.mark.proves("P14")
@pytest.mark.parametrize(
    ("header", "packed"),
    [
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("deflate, gzip;q=0.5", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip;q=rubbish", False),
    ],
)
def test_gzip_only_where_it_is_accepted(header: str, packed: bool) -> None:
    """`Accept-Encoding` means what RFC 9110 says, q=0 included."""
    from necism_monitor.web.exporter import accepts_gzip  # noqa: PLC0415 - the other tests here are from outside

    assert accepts_gzip([header]) is packed


@pytest.mark.proves("P12")
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 9.5),
        ("10", 9.5),
        ("2", 1.5),
        ("0.4", 0.2),
        ("100", 99.5),
        ("1e9", 300.0),
        ("", 9.5),
        ("nan", 9.5),
        ("inf", 9.5),
        ("-3", 9.5),
        ("0", 9.5),
        ("ten", 9.5),
    ],
)
def test_the_deadline_of_the_caller_counts(header: str | None, seconds: float) -> None:
    """Half a second before it we answer; what is no deadline is ignored."""
    from necism_monitor.web.exporter import deadline  # noqa: PLC0415 - the other tests here are from outside

    assert deadline(header) == pytest.approx(seconds)


@pytest.mark.proves("P14")
def test_what_is_there_and_what_is_not(site: Site) -> None:
    """Metrics, page, health and readiness answer GET and HEAD; other paths are 404, other methods 405."""
    with site.exporter("--web.telemetry-path", "/necism") as exporter:
        for path, kind in (
            ("/necism", "text/plain; version=0.0.4; charset=utf-8"),
            ("/", "text/html; charset=utf-8"),
            ("/-/healthy", "text/plain; charset=utf-8"),
            ("/-/ready", "text/plain; charset=utf-8"),
        ):
            full, head = exporter.get(path), exporter.get(path, "HEAD")
            assert (full.status, head.status) == (200, 200)
            assert full.headers["content-type"] == head.headers["content-type"] == kind
            assert head.body == b""
            assert int(head.headers["content-length"]) > 0
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                refused = exporter.get(path, method)
                assert refused.status == 405
                assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}
        for path in ("/metrics", "/necism/", "/-/", "/../etc/passwd", "/%2e%2e/", "//", "/static/x"):
            assert exporter.get(path).status == 404


def test_the_page_is_readable_and_safe(site: Site) -> None:
    """It names product, version and the way to the metrics, and its policy allows one style and one script."""
    from necism_monitor import __version__  # noqa: PLC0415 - the other tests here are from outside

    with site.exporter() as exporter:
        page = exporter.get("/")
    assert "necism exporter" in page.text
    assert __version__ in page.text
    assert '<a href="/metrics">' in page.text
    assert page.text.count("<script") == page.text.count("<style") == 1
    assert " style=" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.count("sha256-") == 2
    assert exporter_words(policy) == {"connect-src": "'self'", "img-src": "data:"} | dict.fromkeys(
        ("base-uri", "form-action", "frame-ancestors"), "'none'"
    )
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "deny"


def exporter_words(policy: str) -> dict[str, str]:
    """The directives of a policy but those that name hashes or come first."""
    directives = dict(one.split(" ", 1) for one in policy.split("; "))
    return {name: value for name, value in directives.items() if "sha256" not in value and name != "default-src"}


def test_many_who_look_cost_one_rendering(site: Site) -> None:
    """Within a second everybody gets the same page, packed for those who accept that, and later another one."""
    with site.exporter() as exporter:
        exporter.get("/")
        time.sleep(1.1)
        with ThreadPoolExecutor(8) as pool:
            many = list(pool.map(lambda _: exporter.get("/", Accept_Encoding="gzip"), range(16)))
        bodies = {gzip.decompress(one.body) for one in many}
        assert {one.headers["content-encoding"] for one in many} == {"gzip"}
        assert len(bodies) < len(many) / 2
        time.sleep(1.1)
        later = exporter.get("/")
        assert "content-encoding" not in later.headers
        assert later.headers["vary"] == "accept-encoding"
        assert later.body not in bodies


@pytest.mark.proves("P12")
def test_a_hung_array_is_unknown_in_time(site: Site) -> None:
    """With the caller's deadline of 2 s the answer comes, the array is down, and the last good values are shown."""
    site.settings("array default", "cache_ttl = 1s")
    with site.exporter() as exporter:
        before = exporter.get()
        add_fault(site.array, {"kind": "hang_before", "command": "*", "occurrence": "all"})
        time.sleep(1.1)
        blind = exporter.get(X_Prometheus_Scrape_Timeout_Seconds="2")
        assert blind.seconds < GENEROUS / 2
        again = exporter.get(X_Prometheus_Scrape_Timeout_Seconds="2")
        # Whoever looks at the page cannot make others wait by asking for more time.
        page = exporter.get("/", X_Prometheus_Scrape_Timeout_Seconds="300")
        assert exporter.get("/-/healthy").status == 200
        assert exporter.stop() == 0
    for answer in (blind, again):
        assert answer.value("up") == 0
        assert answer.value("resource_status", status="unknown") == 1
        assert answer.value("findings", finding="timed-out") == len(LVS)
        for lv in LVS:
            assert one_hot(answer, "necism_link_state", "state", lv) == {"unknown"}
            assert one_hot(answer, "necism_snapshot_state", "state", lv) == {"unknown"}
        for family in (
            "snapshot_timestamp_seconds",
            "snapshot_size_bytes",
            "pair_info",
            "collection_timestamp_seconds",
        ):
            assert answer.series()[f"necism_{family}"] == before.series()[f"necism_{family}"]
    assert page.text.count("last known:</span>") == len(LVS)


def test_garbage_and_missing_commands_are_unknown(site: Site) -> None:
    """Whatever the commands print, or if they are gone, the scrape is there, says 0 and keeps what was good."""
    site.settings("array default", "cache_ttl = 0s")
    with site.exporter() as exporter:
        before = exporter.get()
        for kind in ("garbage", "foreign_encoding", "empty_output", "fail_before"):
            add_fault(site.array, {"kind": kind, "command": "iSMsc_query", "occurrence": "all"})
            answer = exporter.get()
            assert (answer.status, answer.value("up")) == (200, 0), kind
            assert answer.series()["necism_pair_info"] == before.series()["necism_pair_info"]
            assert '<span class="chip unknown">failed</span>' in exporter.get("/").text
            clear_faults(site.array)
            assert exporter.get().value("up") == 1
        (site.array / "bin").rename(site.array / "gone")
        gone = exporter.get()
        assert (gone.status, gone.value("up")) == (200, 0)
        assert gone.value("ism_command_failures_total", command="iSMsc_query") > 0


def test_an_exporter_that_never_saw_anything_answers(site: Site) -> None:
    """Commands missing from the start: every family that needs no reading is there, the others are empty."""
    (site.array / "bin").rename(site.array / "gone")
    with site.exporter() as exporter:
        answer = exporter.get()
    assert answer.value("up") == 0
    assert "necism_snapshot_timestamp_seconds" not in answer.series()
    assert answer.value("resource_status", status="unknown") == 1
    assert "NaN" not in answer.text


def test_from_the_file_no_command_is_run(site: Site) -> None:
    """With `source = file` the exporter shows what `necism collect` left, and runs nothing itself."""
    site.settings("necism", "source = file")
    with site.exporter() as exporter:
        assert exporter.get().value("findings", finding="stale") == 1
        subprocess.run(site.command("collect"), env=environment(), capture_output=True, check=True, timeout=GENEROUS)
        ran = commands_run(site)
        answer = exporter.get()
        assert (answer.value("up"), answer.value("findings", finding="stale")) == (1, 0)
        assert answer.value("ism_commands_total", command="iSMsc_query") == 0
        assert commands_run(site) == ran


@pytest.mark.proves("P10", "P20")
def test_a_reload_takes_a_good_configuration_and_refuses_a_bad_one(site: Site) -> None:
    """SIGHUP: a pair that left leaves the metrics; with a broken file everything stays, and a metric says so."""
    service = next(iter(site.made.services))
    text = service.read_text()
    with site.exporter() as exporter:
        assert len(exporter.get().series()["necism_pair_info"]) == 2
        service.write_text(text.replace("    ERP_PRD_LOGS_SV0042:ERP_PRD_LOGS_LV0062\n", ""))
        exporter.process.send_signal(signal.SIGHUP)
        exporter.await_log("configuration reloaded")
        answer = exporter.get()
        assert {dict(held)["lv"] for held in answer.series()["necism_pair_info"]} == {"ERP_PRD_DATA_LV0061"}
        assert "ERP_PRD_LOGS" not in answer.text
        service.write_text(text + "nonsense = 1\n")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.await_log("not reloaded")
        answer = exporter.get()
        assert answer.value("config_last_reload_successful") == 0
        assert len(answer.series()["necism_pair_info"]) == 1
        assert "could not be read again" in exporter.get("/").text
        service.write_text(text)
        exporter.process.send_signal(signal.SIGHUP)
        exporter.await_log("configuration reloaded", count=2)
        answer = exporter.get()
        assert answer.value("config_last_reload_successful") == 1
        assert len(answer.series()["necism_pair_info"]) == 2
