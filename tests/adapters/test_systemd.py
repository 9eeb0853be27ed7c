"""What systemd is told, read from real sockets, and what it hands over."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from necism_monitor.adapters.systemd import Notifier, inherited_sockets
from necism_monitor.domain.errors import EnvironmentProblem

GENEROUS = 60


@pytest.fixture(name="listener", params=["path", "abstract"])
def listener_fixture(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd has it, and how it is named to a service."""
    name = str(tmp_path / "notify") if request.param == "path" else f"\0necism-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(name)
        found.settimeout(GENEROUS)
        yield found, name.replace("\0", "@")


def test_states_are_told(listener: tuple[socket.socket, str]) -> None:
    """Each as one message, in the words of sd_notify(3)."""
    found, name = listener
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())})
    for call in (notifier.ready, notifier.reloading, notifier.stopping, notifier.beat):
        call()
    notifier.status("two\nlines \udcff")
    received = [found.recv(8192).decode() for _ in range(5)]
    assert received[0] == "READY=1"
    assert received[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert received[2:] == ["STOPPING=1", "WATCHDOG=1", "STATUS=two lines ?"]
    assert notifier.interval == pytest.approx(1.0)


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}],
)
def test_nobody_waits_for_a_sign_of_life(listener: tuple[socket.socket, str], environ: dict[str, str]) -> None:
    """Without a watchdog, or with that of another process, none is sent."""
    found, name = listener
    notifier = Notifier({"NOTIFY_SOCKET": name, **environ})
    notifier.beat()
    notifier.ready()
    assert notifier.interval is None
    assert found.recv(100) == b"READY=1"


@pytest.mark.parametrize("name", ["", "relative", "/gone/away", "vsock:1:2"])
def test_nobody_listens(name: str) -> None:
    """A service that runs by hand, or whose systemd went away, goes on."""
    Notifier({"NOTIFY_SOCKET": name}).ready()
    Notifier({}).stopping()


def test_a_full_queue_does_not_hold_the_loop(listener: tuple[socket.socket, str]) -> None:
    """A systemd that reads nothing is told nothing more."""
    found, name = listener
    notifier, told = Notifier({"NOTIFY_SOCKET": name}), 0
    for _ in range(5000):
        notifier.ready()
    found.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while found.recv(100):
            told += 1
    assert 0 < told < 5000


TAKE = """
import os, sys
from necism_monitor.adapters.systemd import inherited_sockets
os.environ["LISTEN_PID"] = str(os.getpid())
found = inherited_sockets(os.environ)
print([one.getsockname()[1] for one in found], [one.get_inheritable() for one in found], sorted(os.environ))
"""


def test_sockets_are_taken_over() -> None:
    """Those that were opened for this process, once; commands that it starts do not get them."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [first.getsockname()[1], second.getsockname()[1]]
        script = f"exec 3<&{first.fileno()} 4<&{second.fileno()}; exec {sys.executable} -c '{TAKE}'"
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            env={"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "PYTHONPATH": os.pathsep.join(sys.path)},
            pass_fds=(first.fileno(), second.fileno()),
            capture_output=True,
            text=True,
            check=False,
            timeout=GENEROUS,
        )
    assert done.stdout.startswith(f"{ports} [False, False]"), done.stderr
    assert "LISTEN" not in done.stdout


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "0", "LISTEN_PID": "7"},
        {"LISTEN_FDS": "x", "LISTEN_PID": "7"},
    ],
)
def test_no_socket_is_a_problem(environ: dict[str, str]) -> None:
    """Asked for and not there: said with what to do, and nothing else is served instead."""
    with pytest.raises(EnvironmentProblem, match="handed over no socket") as caught:
        inherited_sockets(dict(environ), lambda: 7)
    assert ".socket unit" in caught.value.hint


def test_what_does_not_listen_is_a_problem() -> None:
    """A file, a datagram socket or a connection cannot be served on."""
    for kind in ("</dev/null", "<>/dev/udp/127.0.0.1/9"):
        done = subprocess.run(
            ["/bin/bash", "-c", f"exec 3{kind}; exec {sys.executable} -c '{TAKE}'"],
            env={"LISTEN_FDS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=GENEROUS,
        )
        assert "EnvironmentProblem: descriptor 3 is no" in done.stderr
