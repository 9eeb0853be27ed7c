"""The whole story with a real Prometheus: over TLS it sees a set go stale, the shipped rule fires, a resync ends it."""

import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from necism_monitor.simulator.world import edit_world
from tests.web.ages import age
from tests.web.certificates import make_pair
from tests.web.prometheus import RULES, Door, Prometheus, hasten, job, prometheus
from tests.web.rig import GENEROUS, Site, environment

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs/monitoring.md"
STATUS = "necism_resource_status"
QUIET: dict[str, set[str]] = {"pending": set(), "firing": set()}
SEL = "erp-preprod/sync#1"


@pytest.fixture(name="door")
def door_fixture(tmp_path: Path) -> Door:
    """TLS and a user, as the shipped sample asks for them; only its files lie elsewhere."""
    pair, web, password = make_pair(tmp_path, "exporter"), tmp_path / "web.yml", tmp_path / "password"
    password.write_text("secret")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    tls = {"cert_file": str(pair.cert), "key_file": str(pair.key)}
    web.write_text(yaml.safe_dump({"tls_server_config": tls, "basic_auth_users": {"prometheus": hashed}}))
    (sample,) = yaml.safe_load((ROOT / "packaging/prometheus/necism.scrape-tls.yml").read_text())["scrape_configs"]
    scrape = {name: sample[name] for name in ("scheme", "tls_config", "basic_auth", "honor_labels")}
    scrape["tls_config"]["ca_file"], scrape["basic_auth"]["password_file"] = str(pair.cert), str(password)
    return Door(("--web.config.file", str(web)), scrape)


def shut(port: int, trusted: Path) -> bool:
    """Whether the exporter says 401 to a client that names no user."""
    context = ssl.create_default_context(cafile=str(trusted))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"https://127.0.0.1:{port}/metrics", timeout=GENEROUS, context=context)
    with refused.value as answer:
        return answer.code == 401


def run(site: Site, *words: str) -> None:
    """What a person types; it must end well."""
    command = site.command(*words)
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=GENEROUS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.proves("P24")
def test_a_set_goes_stale_and_an_alert_fires_until_it_is_resynced(
    site: Site,
    tmp_path: Path,
    door: Door,
    require_server: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    """Up and quiet; the images age, NecismImageTooOld is pending, then fires; `necism resync`, and it is gone."""
    site.settings("array default", "cache_ttl = 1s")
    age(site, 1)
    rules = hasten(RULES, tmp_path / "necism.rules.yml")
    told, began = [], time.monotonic()

    def note(what: str) -> None:
        told.append(f"{time.monotonic() - began:.0f} s {what}")

    program = require_server("prometheus")
    with (
        site.exporter(*door.options) as exporter,
        prometheus(program, tmp_path, job(exporter, more=door.scrape), rules=rules) as server,
    ):
        (up,) = server.await_samples('up{job="necism"} == 1')
        server.await_samples(f'{STATUS}{{status="up"}} == 1')
        # Whatever could fire has had its time: the rules have looked at a whole view of the set.
        server.await_samples("count_over_time(resource:necism_snapshot_timestamp_seconds:min[1m]) > 3")
        server.await_that(lambda: server.alerts() == QUIET, "alerts before anything happened")
        (images,) = server.await_samples("count(necism_snapshot_timestamp_seconds)")
        assert (up.value, images.value) == (1, 2)
        # The door is shut for whoever does not know the password.
        assert shut(exporter.port, tmp_path / "exporter.crt")
        note("up, no alert")
        age(site, 72)
        server.await_that(lambda: server.alerts()["pending"] | server.alerts()["firing"], "nothing is pending")
        note("images 3 days old, pending")
        server.await_that(lambda: server.alerts()["firing"] == {"NecismImageTooOld"}, "the alert does not fire")
        (alert,) = server.await_samples('ALERTS{alertstate="firing"}')
        assert alert.labels["service"] == "erp-preprod"
        assert alert.labels["resource"] == "sync#1"
        assert "instance" not in alert.labels
        note("NecismImageTooOld fires")
        run(site, "resync", SEL, "--reason", "the alert said so")
        note("resynced")
        server.await_that(lambda: not server.alerts()["firing"], "the alert goes on")
        server.await_samples(f'{STATUS}{{status="up"}} == 1')
        server.await_that(lambda: server.alerts() == QUIET, "other alerts go on")
        (age_now,) = server.await_samples("time() - resource:necism_snapshot_timestamp_seconds:min")
        assert age_now.value < GENEROUS * 2
        (runs,) = server.await_samples("necism_resync_runs_total == 1")
        assert runs.labels["service"] == "erp-preprod"
        note("resolved")
    record_property("figure", f"Prometheus, {'TLS and user' if door.scrape else 'plain'}: {', '.join(told)}")


def test_what_the_runbook_of_a_detached_lv_says_ends_the_alert(
    site: Site, tmp_path: Path, require_server: Callable[[str], Path]
) -> None:
    """Somebody unlinks an LV by hand: the alert names the set; `necism relink`, as its page says, and it is gone."""
    site.settings("array default", "cache_ttl = 1s")
    age(site, 1)
    page = (ROOT / "docs/runbooks/NecismLinkVolumeDetached.md").read_text()
    assert "`necism relink erp/sync#1`" in page
    rules = hasten(RULES, tmp_path / "necism.rules.yml")
    program = require_server("prometheus")
    with site.exporter() as exporter, prometheus(program, tmp_path, job(exporter), rules=rules) as server:
        server.await_samples(f'{STATUS}{{status="up"}} == 1')
        with edit_world(site.array) as world:
            world["lvs"]["ERP_PRD_LOGS_LV0062"]["shows"] = None
        server.await_that(lambda: server.alerts()["firing"] == {"NecismLinkVolumeDetached"}, "it does not fire")
        (alert,) = server.await_samples('ALERTS{alertstate="firing"}')
        assert (alert.labels["service"], alert.labels["severity"]) == ("erp-preprod", "critical")
        run(site, "relink", SEL)
        server.await_that(lambda: not server.alerts()["firing"], "the alert goes on")
        server.await_samples(f'{STATUS}{{status="up"}} == 1')


def documented(heading: str) -> list[dict[str, Any]]:
    """The YAML blocks of a section of docs/monitoring.md, each as far as it is one of a scrape job."""
    section = DOCS.read_text().partition(f"### {heading}\n")[2].partition("\n##")[0]
    blocks = ["\n".join(lines) for lines in paragraphs(section)]
    return [yaml.safe_load(block) for block in blocks]


def paragraphs(text: str) -> list[list[str]]:
    """The indented blocks of a page."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("    "):
            found[-1].append(line)
        elif found[-1] and line:
            found.append([])
    return [block for block in found if block]


def test_what_is_documented_of_a_service_label_is_what_prometheus_does(
    site: Site, tmp_path: Path, require_server: Callable[[str], Path]
) -> None:
    """A job that sets `service` renames ours and raises an alert; each of the two documented ways brings ours back."""
    honour, relabel = documented("A scrape configuration with a service label of its own")
    assert (list(honour), list(relabel)) == (["honor_labels"], ["metric_relabel_configs"])
    rules = hasten(RULES, tmp_path / "necism.rules.yml")
    own = {"service": "storage"}
    with site.exporter() as exporter:
        jobs = (
            job(exporter, "necism", own),
            job(exporter, "honour", own, honour),
            job(exporter, "relabel", own, relabel),
        )
        with prometheus(require_server("prometheus"), tmp_path, *jobs, rules=rules) as server:
            (taken,) = server.await_samples(f'{STATUS}{{job="necism",status="warn"}}')
            assert (taken.labels["service"], taken.labels["exported_service"]) == ("storage", "erp-preprod")
            for name in ("honour", "relabel"):
                (ours,) = server.await_samples(f'{STATUS}{{job="{name}",status="warn"}}')
                assert ours.labels["service"] == "erp-preprod"
                assert "exported_service" not in ours.labels
                (array,) = server.await_samples(f'necism_up{{job="{name}"}}')
                assert array.labels["service"] == "storage"
            server.await_that(lambda: firing_for(server, "NecismServiceLabelTaken"), "nobody says so")
            assert firing_for(server, "NecismServiceLabelTaken") == {"necism"}


def firing_for(server: Prometheus, name: str) -> set[str]:
    """The jobs for which an alert fires."""
    return {one.labels["job"] for one in server.ask(f'ALERTS{{alertname="{name}",alertstate="firing"}}')}


def test_the_samples_let_our_label_win() -> None:
    """Every shipped scrape configuration sets honor_labels, and names the job that the rules ask for."""
    samples = sorted((ROOT / "packaging/prometheus").glob("necism.scrape*.yml"))
    assert [path.name for path in samples] == ["necism.scrape-tls.yml", "necism.scrape.yml"]
    for path in samples:
        (one,) = yaml.safe_load(path.read_text())["scrape_configs"]
        assert (one["job_name"], one["honor_labels"]) == ("necism", True)


def test_a_new_resource_begins_at_zero(site: Site, tmp_path: Path, require_server: Callable[[str], Path]) -> None:
    """Counters are there before anything was counted, so the first failure and the first refusal are increases."""
    with site.exporter() as exporter, prometheus(require_server("prometheus"), tmp_path, job(exporter)) as server:
        for name in ("resync_runs_total", "resync_failures_total"):
            (first,) = server.await_samples(f"necism_{name}")
            assert (first.value, first.labels["service"]) == (0, "erp-preprod")
        refusals = server.await_samples("necism_resync_refusals_total")
        assert {one.value for one in refusals} == {0}
        command = site.command("resync", SEL, "--trigger", "timer")
        subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=GENEROUS)
        (refused,) = server.await_samples("increase(necism_resync_refusals_total[1m]) > 0")
        assert refused.labels["reason"] == "not-automatic"
