"""`make loop` is what people see of the loop: it ends by itself, says what went wrong, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loops.show import LIMIT, PROGRAMS
from tests.web.rig import GENEROUS, environment

MODULE = [sys.executable, "-m", "tests.loops.show"]
WAIT = LIMIT + GENEROUS
STORY = (
    r"is up, and no alert",
    r"hours old now",
    r"NecismImageTooOld is pending",
    r"NecismImageTooOld is firing",
    r"Alertmanager delivers",
    r"webhook: erp-preprod/sync#1: requested by alertmanager",
    r"array: iSMsc_unlink",
    r"array: iSMsc_create",
    r"array: iSMsc_link",
    r"dispatch: .*decided, exit 0",
    r"NecismImageTooOld is resolved",
    r"the loop has closed, with one resync",
)


@pytest.fixture(name="programs", autouse=True)
def programs_fixture(require_server: Callable[[str], Path]) -> None:
    """Both servers are installed."""
    for name in PROGRAMS:
        require_server(name)


def left_behind(told: str) -> list[str]:
    """Processes and files that know the directory of the simulated array."""
    (place,) = re.findall(r"one set: (/\S+)", told)
    found = [place] if Path(place).exists() else []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found += [line] if place in line else []
    return found


def test_it_tells_how_the_loop_closes_and_ends(record_property: Callable[[str, object], None]) -> None:
    """Every link of the chain in its order, six commands to the array, exit 0, nothing left."""
    done = subprocess.run(MODULE, capture_output=True, text=True, check=False, timeout=WAIT, env=environment())
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert re.search(".*".join(STORY), done.stdout, re.DOTALL), done.stdout
    assert len(re.findall(r"  array: iSMsc_", done.stdout)) == 6
    assert left_behind(done.stdout) == []
    record_property("figure", f"make loop: closed after {done.stdout.splitlines()[-1].split()[0]} s")


@pytest.mark.parametrize(("number", "reached"), [(signal.SIGINT, "Prometheus listens"), (signal.SIGTERM, "array: ")])
def test_a_signal_ends_it_and_all_that_it_started(number: signal.Signals, reached: str) -> None:
    """Ctrl-C goes to everything at once, SIGTERM to the script alone; in the middle of a resync too."""
    with subprocess.Popen(
        MODULE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), start_new_session=True
    ) as running:
        told = ""
        assert running.stdout
        for line in running.stdout:
            told += line
            if reached in line:
                break
        send = os.killpg if number == signal.SIGINT else os.kill
        send(running.pid, number)
        out, err = running.communicate(timeout=WAIT)
    assert (running.returncode, err) == (128 + number, ""), told + out + err
    assert left_behind(told) == []


def test_a_missing_program_is_named_with_its_package() -> None:
    """1, before anything is started."""
    bare = {**environment(), "PATH": "/nonexistent"}
    done = subprocess.run(MODULE, capture_output=True, text=True, check=False, timeout=WAIT, env=bare)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"make loop: {name} is not installed: apt-get install {name}" for name in PROGRAMS
    ]


def test_a_loop_that_does_not_close_is_1_with_the_reason() -> None:
    """Where it stopped and why, as soon as that is clear, with the last lines of every log; nothing is left."""
    code = (
        "import sys, tests.loops.chain as rig\n"
        "rig.AUTOMATIC = 'automatic = nagios\\n'\n"
        "from tests.loops.show import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=WAIT, env=environment()
    )
    assert done.returncode == 1, done.stdout
    reason = "nobody resyncs the set: alertmanager was refused, not-automatic"
    assert f"make loop: the loop did not close: {reason}\n" in done.stderr
    assert re.search(r"the last lines of dispatch\d+\.log:\n  \S", done.stderr)
    assert left_behind(done.stdout) == []
