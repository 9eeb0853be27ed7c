"""The exporter as a service of systemd: what it tells a real socket, and sockets that were opened for it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.rig import GENEROUS, Exporter, Site, environment


@pytest.fixture(name="manager")
def manager_fixture(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket on which systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "notify"))
        found.settimeout(GENEROUS)
        yield found


def hear(manager: socket.socket, *kinds: str) -> str:
    """The next message of these kinds; others are passed over."""
    while True:
        text = manager.recv(8192).decode()
        if text.partition("=")[0] in kinds:
            return text


@pytest.mark.proves("K06")
def test_systemd_is_told(site: Site, manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready once it serves, reloading and ready again, stopping; signs of life until it is stopped dead."""
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "600000")
    with site.exporter() as exporter:
        assert hear(manager, "READY") == "READY=1"
        assert exporter.get("/-/ready").status == 200
        assert f"127.0.0.1:{exporter.port}/metrics" in hear(manager, "STATUS")
        exporter.process.send_signal(signal.SIGHUP)
        assert hear(manager, "READY", "RELOADING").startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert hear(manager, "READY", "RELOADING") == "READY=1"
        for _ in range(3):
            assert hear(manager, "WATCHDOG") == "WATCHDOG=1"
        exporter.process.send_signal(signal.SIGSTOP)
        silence(manager)
        exporter.process.send_signal(signal.SIGCONT)
        assert hear(manager, "WATCHDOG") == "WATCHDOG=1"
        assert exporter.stop() == 0
        assert hear(manager, "STOPPING") == "STOPPING=1"


def silence(manager: socket.socket) -> None:
    """Wait until nothing has come for longer than systemd would wait."""
    deadline = time.monotonic() + GENEROUS
    manager.settimeout(1.2)
    try:
        while time.monotonic() < deadline:
            manager.recv(8192)
    except TimeoutError:
        return
    finally:
        manager.settimeout(GENEROUS)
    raise AssertionError("a process that is stopped still tells that it lives")


@pytest.mark.proves("P16")
def test_it_serves_on_sockets_of_systemd(site: Site) -> None:
    """`--web.systemd-socket` takes what was opened for it, and refuses where there is nothing."""
    log = site.array / "inherited.log"
    with socket.create_server(("127.0.0.1", 0)) as opened, log.open("wb") as written:
        port = opened.getsockname()[1]
        words = " ".join(site.command("exporter", "--web.systemd-socket"))
        script = f"exec 3<&{opened.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1; exec {words}"
        process = subprocess.Popen(
            ["/bin/bash", "-c", script],
            stdout=written,
            stderr=written,
            env=environment(),
            pass_fds=(opened.fileno(),),
        )
        try:
            exporter = Exporter(process, log)
            assert exporter.port == port
            assert exporter.get().value("up") == 1
            assert exporter.stop() == 0
        finally:
            process.kill()
            process.wait(GENEROUS)
    done = subprocess.run(
        site.command("exporter", "--web.systemd-socket"),
        capture_output=True,
        text=True,
        check=False,
        env=environment() | {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"},
        timeout=GENEROUS,
    )
    assert (done.returncode, "handed over no socket" in done.stderr) == (1, True)
