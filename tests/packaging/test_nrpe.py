"""The NRPE sample, answered by the real daemon."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.nagios.builders import parse_output
from tests.nagios.public import collect_into_file, open_to_all, public_folder, python_for_everybody

ROOT: Final = Path(__file__).parents[2]
SAMPLE: Final = ROOT / "packaging/nrpe/necism.cfg"
PLUGINS: Final = "/usr/lib/nagios/plugins"


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def nrpe_daemon(program: Path, place: Path, sample: Path, user: str) -> Iterator[int]:
    """The daemon with the settings that Debian ships; yields its port."""
    port, group = free_port(), pwd.getpwnam(user).pw_gid
    settings = {
        "pid_file": place / "nrpe.pid",
        "server_address": "127.0.0.1",
        "server_port": port,
        "nrpe_user": user,
        "nrpe_group": group,
        "allowed_hosts": "127.0.0.1",
        "dont_blame_nrpe": 0,
        "allow_bash_command_substitution": 0,
        "command_timeout": 60,
        "log_file": place / "nrpe.log",
        "include": sample,
    }
    (place / "nrpe.cfg").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    argv = [str(program), "-c", str(place / "nrpe.cfg"), "-f"]
    daemon = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until_open(daemon, port)
        yield port
    finally:
        daemon.terminate()
        daemon.communicate(timeout=60)


def wait_until_open(daemon: subprocess.Popen[bytes], port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(600):
        assert daemon.poll() is None, daemon.communicate()[0].decode()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("nrpe does not listen")


@pytest.mark.proves("N11", "N14")
@pytest.mark.skipif(os.geteuid() != 0, reason="the daemon changes to its own user")
def test_the_real_daemon_answers_with_the_check_s_words(require_server: Callable[[str], Path]) -> None:
    """With dont_blame_nrpe=0 both commands of the sample give the verdict and its perfdata, as user nagios."""
    daemon, client = require_server("nrpe"), require_server("check_nrpe")
    user = "nagios"
    python = python_for_everybody(user)
    if python is None:
        pytest.skip("no interpreter here that other users may run")
    with public_folder() as place:
        directory = collect_into_file(place / "array", "stale")
        plugin = place / "check_necism"
        plugin.write_text(f'#!/bin/sh\nexec {python} {place}/check_necism.py --config {directory}/config "$@"\n')
        plugin.chmod(0o755)
        sample = place / "necism.cfg"
        text = SAMPLE.read_text().replace(PLUGINS, str(place)).replace("iiststnec02", "erp-preprod")
        sample.write_text(text)
        open_to_all(place)
        with nrpe_daemon(daemon, place, sample, user) as port:
            ask = [str(client), "-H", "127.0.0.1", "-p", str(port), "-t", "60", "-c"]
            said = [
                subprocess.run([*ask, name], capture_output=True, text=True, check=False, timeout=120)
                for name in ("check_necism", "check_necism_erp-preprod")
            ]
            argument = subprocess.run(
                [*ask, "check_necism", "-a", "--help"], capture_output=True, text=True, check=False, timeout=120
            )
    everything, one = (parse_output(done.stdout, done.returncode) for done in said)
    assert (everything.code, everything.word) == (1, "WARNING")
    assert (one.code, one.word) == (2, "CRITICAL")
    for answer in (everything, one):
        assert "too-old" in answer.status
        assert [perf.label for perf in answer.perfdata] == ["erp-preprod/sync#1"]
    assert "usage" not in argument.stdout
    assert argument.returncode == 3


def test_the_sample_takes_no_argument() -> None:
    """No command of the sample has a macro that a caller could fill."""
    lines = [line for line in SAMPLE.read_text().splitlines() if line.startswith("command[")]
    assert len(lines) == 2
    assert not [line for line in lines if "$" in line]
