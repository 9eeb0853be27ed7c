"""The server under people who are slow, silent or many, and its start and end."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from necism_monitor.domain.errors import EnvironmentProblem, UsageError
from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import add_fault
from necism_monitor.web import server
from necism_monitor.web.server import Endpoint, bound_port, listen, parse_address
from tests.web.rig import GENEROUS, Site, environment


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--web.config.file", "web.yml"), "web.yml"),
        (("--web.config.file", ""), "TLS or users"),
        (("--web.listen-address", "nonsense"), "no listen address"),
        (("--web.listen-address", "127.0.0.1:70000"), "no listen address"),
        (("--web.telemetry-path", "metrics"), "no telemetry path"),
        (("--web.telemetry-path", "/-/healthy"), "no telemetry path"),
        (("--web.nonsense",), "unrecognized"),
    ],
)
def test_what_cannot_be_meant_is_refused(site: Site, options: tuple[str, ...], said: str) -> None:
    """Exit 64, never a server without the protection that was asked for."""
    done = run(site, *options)
    assert (done.returncode, said in done.stderr, done.stdout) == (64, True, "")


def test_a_web_configuration_in_the_file_is_refused_too(site: Site) -> None:
    """As with the flag: also at a reload, where the old configuration stays."""
    with site.exporter() as exporter:
        site.settings("exporter", "web_config = web.yml")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.await_log("not reloaded")
        assert exporter.get().value("config_last_reload_successful") == 0
    done = run(site)
    assert (done.returncode, "web.yml" in done.stderr) == (64, True)


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
        assert ("necism-monitor[web]" in done.stderr) == (code != 0)
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
        endless.sendall(b"GET /" + b"a" * (server.HEAD_BYTES + 1000))
        assert b" 400 " in drain(endless)
        assert drain(silent) == b""


def drain(client: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    client.settimeout(GENEROUS)
    received = b""
    try:
        while data := client.recv(1 << 16):
            received += data
    except ConnectionResetError:
        pass
    return received


def test_one_connection_serves_many_requests(site: Site) -> None:
    """Keep-alive works, also with requests sent before the answer, and HEAD has no body."""
    with site.exporter() as exporter, exporter.connect() as client:
        client.sendall(b"HEAD /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = drain(client)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.count(b"healthy.") == 1


class Fast:
    """uvicorn with our protocol in a thread, its deadlines cut to fractions of a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, app: ASGIApp) -> None:
        monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
        monkeypatch.setattr(server, "WRITE_SECONDS", 0.3)
        monkeypatch.setattr(server, "IDLE_SECONDS", 1)
        self._server = server._Server(server._settings(app))
        self._listener = listen(Endpoint("127.0.0.1", 0))
        self.address = ("127.0.0.1", bound_port(self._listener))
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(GENEROUS)
        assert not self._thread.is_alive()

    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)


BIG = PlainTextResponse(b"x" * 50_000_000)
HELLO = Starlette(routes=[Route("/", lambda _: PlainTextResponse("hello")), Route("/big", lambda _: BIG)])


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: ", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"])
def test_a_head_has_a_deadline(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """Whoever does not finish a head, the first or a later one, is cut off."""
    with Fast(monkeypatch, HELLO) as fast, socket.create_connection(fast.address, timeout=GENEROUS) as client:
        client.sendall(sent)
        received = drain(client)
        assert received.endswith(b"hello") if b"\r\n\r\n" in sent else received == b""


def test_drips_do_not_extend_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte now and then is no head."""
    with Fast(monkeypatch, HELLO) as fast, socket.create_connection(fast.address, timeout=GENEROUS) as client:
        began = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT012 - the send after the cut fails, whichever it is
            while time.monotonic() - began < GENEROUS:
                client.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() - began < GENEROUS


def test_an_idle_connection_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer the next request may take its time, but not for ever."""
    with Fast(monkeypatch, HELLO) as fast, socket.create_connection(fast.address, timeout=GENEROUS) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert drain(client).endswith(b"hello")


def test_an_answer_that_nobody_takes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks and never reads does not hold memory and connection."""
    with Fast(monkeypatch, HELLO) as fast, socket.create_connection(fast.address, timeout=GENEROUS) as client:
        client.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + GENEROUS
        while not fast.connections():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        while fast.connections():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_too_many_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the answer is 503, and those before it are served."""
    monkeypatch.setattr(server, "CONNECTIONS", 3)
    with Fast(monkeypatch, HELLO) as fast, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(fast.address, timeout=GENEROUS)) for _ in range(3)]
        clients[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 503 " in drain(clients[-1])


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


def test_an_address_of_somebody_else_is_refused() -> None:
    """With the system's reason."""
    with pytest.raises(EnvironmentProblem, match=r"cannot listen on 192\.0\.2\.1:1"):
        listen(Endpoint("192.0.2.1", 1))
