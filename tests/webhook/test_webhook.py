"""`necism webhook` as a process: what it answers, what it leaves in the spool, whom it lets in."""

from __future__ import annotations

import base64
import concurrent.futures
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault
from tests.web.rig import GENEROUS, Answer, Exporter, Site, environment
from tests.webhook.conftest import Start, requests_in
from tests.webhook.payloads import STARTED, alert, payload

TOKEN = "0123456789abcdef0123456789abcdef"
BILLING = {"service": "billing"}


def deliver(webhook: Exporter, body: bytes, **headers: str) -> Answer:
    kind = headers.pop("Content_Type", "application/json")
    return webhook.get("/", "POST", body, Content_Type=kind, **headers)


def rejected(webhook: Exporter, reason: str, **headers: str) -> float:
    return webhook.get("/metrics", "GET", None, **headers).value("requests_rejected_total", reason=reason)


def test_what_draws_the_page_is_not_loaded() -> None:
    """Who holds no rights holds no more code than it needs: neither the exporter, its readings nor its templates."""
    code = (
        "import sys, necism_monitor.cli.receiving; "
        "print([one for one in sys.modules if one.endswith(('jinja2', '.web.exporter', '.app.observe', '.page'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_an_alert_becomes_a_request(site: Site, webhook: Start) -> None:
    """202 once the request is on the disk; it names a selector of the list, the caller and the key, and is counted."""
    with webhook() as running:
        answer = deliver(running, payload(alert(1, labels=BILLING)))
        (request,) = requests_in(site)
        assert running.get().value("requests_total", trigger="alertmanager") == 1
        running.await_log(r"/sync#1: requested by alertmanager at 127\.0\.0\.1, key ")
        assert running.stop() == 0
    assert answer.status == 202
    assert request["selector"] == f"{site.made.services[0].stem}/sync#1"
    assert (request["trigger"], request["key"]) == ("alertmanager", f"{1:016x}@{STARTED}")
    assert read_calls(site.array) == [], "the webhook asks an array for nothing"


@pytest.mark.proves("S03", "S04")
def test_a_hundred_deliveries_are_one_request(site: Site, webhook: Start) -> None:
    """At once, from two Alertmanagers, and again after a restart: one file, and every delivery is answered 202."""
    bodies = [payload(alert(1, labels=BILLING), receiver=name) for name in ("a", "b")] * 50
    with webhook() as running, concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda body: deliver(running, body), bodies))
    with webhook() as again:
        answers.append(deliver(again, bodies[0]))
    assert {answer.status for answer in answers} == {202}
    assert len(requests_in(site)) == 1


@pytest.mark.proves("S06")
@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (payload(alert(1, labels=BILLING, status="resolved")), 200, "resolved"),
        (payload(alert(1, labels={"service": "other"})), 200, "unmapped"),
        (payload(alert(1, labels={})), 200, "unlabelled"),
        (payload(alert(1, labels=BILLING), truncatedAlerts=3), 200, "truncated"),
        (payload(alert(1, labels=BILLING), version="5"), 400, "version"),
        (b"{", 400, "malformed"),
        (b"[" * 1000, 400, "malformed"),
        (b" " * (1024 * 1024 + 1), 413, "too-large"),
    ],
)
def test_what_asks_for_nothing_is_counted(site: Site, webhook: Start, body: bytes, status: int, reason: str) -> None:
    """2xx where it was understood, 4xx where it was not; nothing lies in the spool."""
    with webhook() as running:
        assert deliver(running, body).status == status
        assert rejected(running, reason) == 1
    assert requests_in(site) == []


@pytest.mark.proves("S06", "S07")
def test_only_posted_json_is_a_delivery(site: Site, webhook: Start) -> None:
    """GET, HEAD and PUT are 405, a form of a browser is 400, another path is 404."""
    body = payload(alert(1, labels=BILLING))
    with webhook() as running:
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = running.get("/", method)
            assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert deliver(running, body, Content_Type="text/plain").status == 400
        assert deliver(running, body, Content_Type="application/x-www-form-urlencoded").status == 400
        assert running.get("/alerts", "POST", body, Content_Type="application/json").status == 404
        assert running.get("/-/healthy").status == running.get("/-/ready").status == 200
    assert requests_in(site) == []


def test_a_request_that_cannot_be_recorded_is_asked_for_again(site: Site, webhook: Start) -> None:
    """503, so that Alertmanager delivers it once more; nothing is counted as requested."""
    (site.array / "run").mkdir(exist_ok=True)
    (site.array / "run/requests").write_text("no directory")
    with webhook() as running:
        assert deliver(running, payload(alert(1, labels=BILLING))).status == 503
        assert rejected(running, "not-recorded") == 1
        assert running.get().value("requests_total") == 0
        (site.array / "run/requests").unlink()
        assert deliver(running, payload(alert(1, labels=BILLING))).status == 202
    assert len(requests_in(site)) == 1


def await_create(site: Site) -> int:
    """The pid of the create that has begun."""
    deadline = time.monotonic() + GENEROUS
    while time.monotonic() < deadline:
        found = [call for call in read_calls(site.array) if call["argv"][0] == "iSMsc_create"]
        if found:
            return found[0]["pid"]
        time.sleep(0.05)
    raise AssertionError(read_calls(site.array))


@pytest.mark.proves("S05")
def test_a_resync_at_work_delays_no_answer(site: Site, webhook: Start) -> None:
    """While a run hangs in a create and holds the array, deliveries are taken; the run is still at it after them."""
    add_fault(site.array, {"kind": "hang_before", "command": "iSMsc_create", "occurrence": "all", "seconds": 600.0})
    resync = subprocess.Popen(site.command("resync", site.made.services[0].stem, "--force"), env=environment())
    creating = await_create(site)
    try:
        with webhook() as running:
            answers = [deliver(running, payload(alert(number, labels=BILLING))) for number in range(5)]
        assert [answer.status for answer in answers] == [202] * 5
        assert resync.poll() is None
    finally:
        resync.kill()
        resync.wait(GENEROUS)
        os.kill(creating, signal.SIGKILL)


@pytest.mark.proves("S08")
def test_a_token_is_asked_for(site: Site, webhook: Start) -> None:
    """Without it, with another one, or with a password: 401, counted, nothing done; a new file counts at once."""
    secret = site.config / "token"
    secret.write_text(f"{TOKEN}\n")
    site.settings("webhook", f"credentials_file = {secret}")
    body = payload(alert(1, labels=BILLING))
    with webhook() as running:
        for header in ({}, {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": f"Basic {TOKEN}"}):
            refused = deliver(running, body, **header)
            assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Bearer realm="necism"')
        assert requests_in(site) == []
        assert rejected(running, "unauthorized", Authorization=f"Bearer {TOKEN}") == 3
        assert deliver(running, body, Authorization=f"Bearer {TOKEN}").status == 202
        secret.write_text(f"{TOKEN[::-1]}\n")
        assert deliver(running, body, Authorization=f"Bearer {TOKEN}").status == 401
        assert deliver(running, body, Authorization=f"Bearer {TOKEN[::-1]}").status == 202
        assert TOKEN not in running.log.read_text()


@pytest.mark.proves("S08")
def test_a_token_file_that_is_gone_loses_no_alert(site: Site, webhook: Start) -> None:
    """503, which Alertmanager delivers again: 401 would be the end of it.  Nobody is let in, and the log says why."""
    secret = site.config / "token"
    secret.write_text(f"{TOKEN}\n")
    site.settings("webhook", f"credentials_file = {secret}")
    body, right = payload(alert(1, labels=BILLING)), {"Authorization": f"Bearer {TOKEN}"}
    with webhook() as running:
        secret.unlink()
        assert [deliver(running, body, **right).status for _ in range(2)] == [503, 503]
        assert deliver(running, body).status == 401
        assert requests_in(site) == []
        secret.write_text(f"{TOKEN}\n")
        assert deliver(running, body, **right).status == 202
        assert rejected(running, "not-recorded", **right) == 2
        assert running.log.read_text().count(f"{secret}: the credentials file cannot be read") == 1


@pytest.mark.proves("S08")
def test_users_or_the_token_are_enough(site: Site, webhook: Start) -> None:
    """Either of the two ways that are configured lets in."""
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (site.config / "web.yml").write_text(f'basic_auth_users:\n  am: "{hashed}"\n')
    (site.config / "token").write_text(TOKEN)
    site.settings("webhook", "credentials_file = token\nweb_config = web.yml")
    basic = base64.b64encode(b"am:secret").decode()
    with webhook() as running:
        body = payload(alert(1, labels=BILLING))
        assert deliver(running, body).status == 401
        assert deliver(running, body, Authorization=f"Basic {basic}").status == 202
        assert deliver(running, body, Authorization=f"Bearer {TOKEN}").status == 202


@pytest.mark.proves("S08")
@pytest.mark.parametrize(
    ("settings", "lacking"),
    [("", "without TLS"), ("credentials_file = token", "without TLS"), ("web_config = tls.yml", "without users")],
)
def test_what_others_reach_is_protected_or_not_served(
    site: Site, settings: str, lacking: str, certificate: Path
) -> None:
    """Off loopback plain HTTP is refused, and so is TLS that lets everybody deliver: exit 64, and nothing listens."""
    (site.config / "token").write_text(TOKEN)
    text = f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {certificate}\n"
    (site.config / "tls.yml").write_text(text)
    site.settings("webhook", settings)
    command = site.command("webhook", "--web.listen-address", "0.0.0.0:0")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GENEROUS, env=environment())
    assert done.returncode == 64
    assert lacking in done.stderr


@pytest.fixture(name="certificate")
def certificate_fixture(tmp_path: Path, require_server: Callable[[str], Path]) -> Path:
    """A certificate for localhost with its key, in one file."""
    path = tmp_path / "both.pem"
    command = [
        str(require_server("openssl")), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-keyout", str(path), "-out", str(tmp_path / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=GENEROUS)
    path.write_text(path.read_text() + (tmp_path / "cert.pem").read_text())
    return path


def test_protection_that_is_taken_away_lets_nobody_in(site: Site, webhook: Start, certificate: Path) -> None:
    """A reload that would open an address to everybody is refused, and until it is mended nobody delivers."""
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    tls = f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {certificate}\n"
    users = f'basic_auth_users:\n  am: "{hashed}"\n'
    web = site.config / "web.yml"
    web.write_text(tls + users)
    site.settings("webhook", "web_config = web.yml")
    body = payload(alert(1, labels=BILLING))
    with webhook(address="0.0.0.0:0") as running:
        assert status_by_tls(running, body) == 401
        web.write_text(tls)
        running.process.send_signal(signal.SIGHUP)
        running.await_log("was not reloaded")
        assert status_by_tls(running, body) == 401
    assert requests_in(site) == []


def status_by_tls(running: Exporter, body: bytes) -> int:
    import http.client  # noqa: PLC0415 - beside ssl, for the one test that speaks TLS
    import ssl  # noqa: PLC0415 - as above

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", running.port, timeout=GENEROUS, context=context)
    connection.request("POST", "/", body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_reload_takes_another_list(site: Site, webhook: Start) -> None:
    """SIGHUP: a value that is mapped now asks, a list with a mistake changes nothing and shows as a metric."""
    conf = site.config / "necism.conf"
    text = conf.read_text()
    with webhook() as running:
        conf.write_text(text.replace("billing=", "invoices="))
        running.process.send_signal(signal.SIGHUP)
        running.await_log("configuration reloaded")
        assert deliver(running, payload(alert(1, labels=BILLING))).status == 200
        assert deliver(running, payload(alert(1, labels={"service": "invoices"}))).status == 202
        conf.write_text(text.replace("billing=", "billing=nothing-of-that-name-"))
        running.process.send_signal(signal.SIGHUP)
        running.await_log("was not reloaded")
        assert running.get().value("config_last_reload_successful") == 0
        assert deliver(running, payload(alert(2, labels={"service": "invoices"}))).status == 202


def test_a_body_that_never_ends_is_given_up(webhook: Start) -> None:
    """The connection ends after the deadline for bodies, and others are served meanwhile."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    with webhook() as running:
        slow = running.connect()
        slow.sendall(head)
        assert deliver(running, payload(alert(1, labels=BILLING))).status == 202
        slow.settimeout(GENEROUS)
        with slow:
            assert slow.recv(1) in {b"", b"H"}


def test_promtool_accepts_its_metrics(webhook: Start, require_server: Callable[[str], Path]) -> None:
    """Names and texts are as they should be, and every reason is there from the start."""
    with webhook() as running:
        body = running.get().body
    promtool = [str(require_server("promtool")), "check", "metrics"]
    done = subprocess.run(promtool, input=body, capture_output=True, check=False, timeout=GENEROUS)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
    assert body.count(b"necism_requests_rejected_total{") == 10


def test_an_address_in_use_is_said(site: Site) -> None:
    """Exit 1, with who may be there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = site.command("webhook", "--web.listen-address", f"127.0.0.1:{taken.getsockname()[1]}")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GENEROUS, env=environment())
    assert done.returncode == 1
    assert "cannot listen on" in done.stderr
