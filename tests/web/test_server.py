"""The exporter as a process: how it starts, what it refuses, how it ends.  How it bears clients: test_patience."""

import contextlib
import json
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from necism_monitor.domain.errors import EnvironmentProblem, UsageError
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault
from necism_monitor.web.guard import HEAD_BYTES
from necism_monitor.web.listen import Endpoint, bound_port, listen, parse_address, place_of
from tests.web.certificates import client_context, make_pair
from tests.web.fast import drain
from tests.web.rig import GENEROUS, Site, environment

ALICE = "$2b$04$53kofddEioSx.CTf4DaJbO5EJ3RA1KGoTID8q7abHwjmxRkOYy03W"
"""secret, hashed."""
ALICE_KNOWS = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}


def run(site: Site, *options: str) -> subprocess.CompletedProcess[str]:
    """An exporter that is expected to end by itself."""
    command = site.command("exporter", *options)
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False, timeout=GENEROUS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_asked(site: Site, number: signal.Signals) -> None:
    """Both signals end it with 0, and the port is free again."""
    with site.exporter() as exporter:
        exporter.get()
        assert exporter.stop(number) == 0
        listen(Endpoint("127.0.0.1", exporter.port)).close()
        assert "stopped" in exporter.log.read_text()


def test_it_stops_while_an_array_hangs(site: Site) -> None:
    """A scrape in flight and a command that would take an hour do not hold it."""
    add_fault(site.array, {"kind": "hang_before", "command": "*", "occurrence": "all"})
    with site.exporter() as exporter, exporter.connect() as waiting:
        waiting.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 200\r\n\r\n")
        time.sleep(0.5)
        began = time.monotonic()
        assert exporter.stop() == 0
        assert time.monotonic() - began < GENEROUS / 2
        assert b" 200 OK" in waiting.recv(1 << 16)
        assert "Traceback" not in exporter.log.read_text()
    hung = read_calls(site.array)[-1]["pid"]
    deadline = time.monotonic() + GENEROUS
    while is_alive(hung):
        assert time.monotonic() < deadline, "the READ command outlived the exporter"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process still runs; a zombie that nobody reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_an_address_in_use_is_said(site: Site) -> None:
    """Exit 1, the address and what to do, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run(site, "--web.listen-address", address)
    assert done.returncode == 1
    assert f"cannot listen on {address}" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.proves("P16", "P17")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--web.config.file", "gone.yml"), "gone.yml: cannot be read"),
        (("--web.config.file", ""), "names no file"),
        (("--web.listen-address", "nonsense"), "no listen address"),
        (("--web.listen-address", "127.0.0.1:70000"), "no listen address"),
        (("--web.listen-address", "127.0.0.1:0", "--web.listen-address", "x"), "no listen address"),
        (("--web.telemetry-path", "metrics"), "no telemetry path"),
        (("--web.telemetry-path", "/-/healthy"), "no telemetry path"),
        (("--web.telemetry-path", "/-/ready"), "no telemetry path"),
        (("--web.max-requests", "many"), "no whole number"),
        (("--web.max-requests", "-1"), "--web.max-requests"),
        (("--web.nonsense",), "unrecognized"),
    ],
)
def test_what_cannot_be_meant_is_refused(site: Site, options: tuple[str, ...], said: str) -> None:
    """Exit 64, never a server without the protection that was asked for."""
    done = run(site, *options)
    assert (done.returncode, said in done.stderr, done.stdout) == (64, True, "")


@pytest.mark.proves("P17")
def test_a_broken_web_configuration_does_not_start(site: Site) -> None:
    """With the flag and in the file, relative to where it is named: exit 64 with file, line and rule."""
    (site.config / "web.yml").write_text("basic_auth_users:\n  alice: secret\n")
    site.settings("exporter", "web_config = web.yml")
    for options in ((), ("--web.config.file", str(site.config / "web.yml"))):
        done = run(site, *options)
        assert done.returncode == 64
        assert "web.yml:2: the password is no bcrypt hash: 'basic_auth_users.alice'" in done.stderr
        assert "secret" not in done.stderr


@pytest.mark.proves("P20")
def test_a_protection_that_is_new_needs_a_restart(site: Site) -> None:
    """A reload that would have to serve without what is asked for is refused, and shows as a metric."""
    with site.exporter() as exporter:
        (site.config / "web.yml").write_text("")
        site.settings("exporter", "web_config = web.yml")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.await_log("not reloaded.*web.yml")
        assert exporter.get().value("config_last_reload_successful") == 0


@pytest.mark.proves("P16", "P17", "P19", "P20")
def test_tls_and_users_from_start_to_end(site: Site) -> None:
    """TLS, users, a new certificate, a broken file and a reload, with the program as it is started."""
    web, first = site.config / "web.yml", make_pair(site.config, "server")
    users = f"basic_auth_users:\n  alice: {ALICE}\n"
    tls = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
    web.write_text(tls + users)
    with site.exporter("--web.config.file", str(web)) as exporter:
        exporter.context, exporter.headers = client_context(first.cert), ALICE_KNOWS
        assert exporter.get("/-/healthy").status == 200
        assert exporter.get("/-/healthy", Authorization="Basic eDp5").status == 401
        assert exporter.get().value("config_last_reload_successful") == 1
        second = make_pair(site.config, "second")
        second.key.replace(first.key)
        second.cert.replace(first.cert)
        exporter.context = client_context(first.cert)
        assert exporter.get().value("config_last_reload_successful") == 1
        web.write_text(tls)
        assert exporter.get("/-/healthy", Authorization="").status == 401
        assert exporter.get().value("config_last_reload_successful") == 0
        exporter.process.send_signal(signal.SIGHUP)
        exporter.await_log("configuration reloaded")
        assert exporter.get(Authorization="").value("config_last_reload_successful") == 1
        web.write_text("nonsense")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.await_log("not reloaded")
        assert exporter.get().value("config_last_reload_successful") == 0
        assert exporter.stop() == 0
        assert "listening on 127.0.0.1" in exporter.log.read_text()
        assert "(TLS, users: 1)" in exporter.log.read_text()
        assert "Traceback" not in exporter.log.read_text()


@pytest.mark.proves("P16")
def test_it_listens_on_several_addresses(site: Site) -> None:
    """The flag may be given more than once, as elsewhere."""
    with site.exporter("--web.listen-address", "127.0.0.1:0") as exporter:
        second = int(exporter.await_log(r"listening on \S*:(\d+)/", count=2)[1])
        assert second != exporter.port
        for port in (exporter.port, second):
            exporter.port = port
            assert exporter.get("/-/ready").status == 200


@pytest.mark.proves("P16")
def test_too_many_requests_at_work_are_told_so(site: Site) -> None:
    """One scrape that waits fills `--web.max-requests 1`; health is answered all the same, and 0 is no limit."""
    add_fault(site.array, {"kind": "hang_before", "command": "*", "occurrence": "all"})
    slow = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 200\r\n\r\n"
    for limit, status in (("1", 503), ("0", 200)):
        with site.exporter("--web.max-requests", limit) as exporter, exporter.connect() as waiting:
            waiting.sendall(slow)
            deadline = time.monotonic() + GENEROUS
            while (answer := exporter.get(X_Prometheus_Scrape_Timeout_Seconds="1")).status != status:
                assert time.monotonic() < deadline
            assert (b"--web.max-requests" in answer.body) is (status == 503)
            assert exporter.get("/-/healthy").status == exporter.get("/-/ready").status == 200


def test_without_its_libraries_it_says_what_to_install(site: Site, tmp_path: Path) -> None:
    """The extra `web` is not installed everywhere: no traceback, and the help of the command still works."""
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError('No module', name='starlette')\n")
    for words, code in ((("exporter",), 3), (("exporter", "--help"), 0), (("--help",), 0)):
        done = subprocess.run(
            site.command(*words),
            capture_output=True,
            text=True,
            env=environment() | {"PYTHONPATH": str(tmp_path)},
            check=False,
            timeout=GENEROUS,
        )
        assert done.returncode == code
        assert ("the package necism-exporter, or pip install 'necism-monitor[web]'" in done.stderr) == (code != 0)
        assert "Traceback" not in done.stderr


def test_the_section_gives_the_defaults(site: Site) -> None:
    """`[exporter]` says path and address, and a flag is stronger."""
    site.settings("exporter", "telemetry_path = /necism\nlisten_address = 192.0.2.1:1")
    with site.exporter() as exporter:
        assert exporter.get("/necism").status == 200
        assert exporter.get("/metrics").status == 404


def test_slow_and_silent_clients_block_nobody(site: Site) -> None:
    """A hundred clients that send nothing, half a head or no body do not delay a scrape."""
    with site.exporter() as exporter:
        first = exporter.get()
        clients = [exporter.connect() for _ in range(99)]
        for client in clients[::3]:
            client.sendall(b"GET /metrics HTTP/1.1\r\nX-A: ")
        for client in clients[1::3]:
            client.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        answer = exporter.get()
        assert answer.status == 200
        assert answer.seconds < first.seconds + GENEROUS / 4
        for client in clients:
            client.close()


def test_a_head_that_never_ends_is_cut(site: Site) -> None:
    """Silence and endless heads end with the connection; so does a body that nobody reads."""
    with site.exporter() as exporter, exporter.connect() as silent, exporter.connect() as endless:
        with exporter.connect() as posting:
            posting.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            assert b" 405 " in drain(posting)
        endless.sendall(b"GET /" + b"a" * (HEAD_BYTES + 1000))
        assert b" 400 " in drain(endless)
        assert drain(silent) == b""


def test_one_connection_serves_many_requests(site: Site) -> None:
    """Keep-alive works, also with requests sent before the answer, and HEAD has no body."""
    with site.exporter() as exporter, exporter.connect() as client:
        client.sendall(b"HEAD /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = drain(client)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.count(b"healthy.") == 1


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (":19942", Endpoint("", 19942)),
        ("127.0.0.1:0", Endpoint("127.0.0.1", 0)),
        ("[::1]:9100", Endpoint("::1", 9100)),
        ("localhost:65535", Endpoint("localhost", 65535)),
    ],
)
def test_addresses_are_written_as_elsewhere(text: str, endpoint: Endpoint) -> None:
    """`:port`, `host:port` and `[v6]:port`, and they print as they are written."""
    assert parse_address(text) == endpoint
    assert str(endpoint) == text


@pytest.mark.parametrize(
    "text", ["", "19942", "host", "host:", "::1:80", ":99999", ":-1", ":\N{FULLWIDTH DIGIT ONE}", "a:b:c:80"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert "write" in caught.value.hint


def test_without_host_it_listens_everywhere() -> None:
    """Both families reach it, where this machine has both."""
    with listen(Endpoint("", 0)) as listener:
        for host in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
            socket.create_connection((host, bound_port(listener)), timeout=GENEROUS).close()
        assert place_of(listener) == f":{bound_port(listener)}"


def test_an_address_of_somebody_else_is_refused() -> None:
    """With the system's reason."""
    with pytest.raises(EnvironmentProblem, match=r"cannot listen on 192\.0\.2\.1:1"):
        listen(Endpoint("192.0.2.1", 1))


@pytest.mark.proves("P16")
def test_the_flags_are_those_of_other_exporters(site: Site) -> None:
    """Help names each of them; the log has levels and a form for programs; the version is one line."""
    shown = run(site, "--help").stdout
    flags = ("--web.listen-address", "--web.telemetry-path", "--web.config.file", "--web.systemd-socket")
    for flag in (*flags, "--web.max-requests", "--config", "--log.level", "--log.format", "--version"):
        assert flag in shown
    assert run(site, "--version").stdout.startswith("necism-monitor ")
    with site.exporter("--log.format", "json", "--log.level", "info") as exporter:
        first = exporter.log.read_text().splitlines()[0]
        assert json.loads(first)["level"] in {"info", "warning"}


def test_config_check_reads_the_web_configuration(site: Site) -> None:
    """What would keep the exporter from starting is found before it is started."""
    site.settings("exporter", "web_config = web.yml")
    web = site.config / "web.yml"
    for text, code in ((f"basic_auth_users:\n  alice: {ALICE}\n", 0), ("basic_auth_users:\n  alice: x\n", 64)):
        web.write_text(text)
        done = subprocess.run(
            site.command("config", "check"),
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
            timeout=GENEROUS,
        )
        assert (done.returncode, "web.yml:2: the password is no bcrypt hash" in done.stderr) == (code, code != 0)


def test_a_lack_of_descriptors_is_said_once_and_survived(site: Site) -> None:
    """A process that may open nothing more drops who asks for nothing, tells of it, and serves on afterwards."""
    with site.exporter() as exporter, contextlib.ExitStack() as stack:
        exporter.get()
        for _ in range(5):
            stack.enter_context(exporter.connect())
        while len(list(Path(f"/proc/{exporter.process.pid}/fd").iterdir())) < 12:
            time.sleep(0.02)
        before = resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, (10, before[1]))
        for _ in range(5):
            stack.enter_context(exporter.connect())
        exporter.await_log("cannot accept connections: Too many open files")
        resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, before)
        assert exporter.get("/-/healthy").status == 200
        assert exporter.log.read_text().count("cannot accept") == 1
        assert exporter.stop() == 0
