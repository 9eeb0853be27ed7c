"""The gate through which every process is started."""

import threading
import time

import pytest

from necism_monitor.adapters import process
from necism_monitor.adapters.gate import PATIENCE, Gate
from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.ism.output import Ending


def test_a_closed_gate_lets_nothing_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command was not started, and says why; that is no answer of an array."""
    gate = Gate()
    monkeypatch.setattr(process, "GATE", gate)
    runner = ProcessRunner()
    assert runner.read(("/bin/true",), 10).succeeded
    gate.close()
    output = runner.read(("/bin/true",), 10)
    assert output.ending is Ending.NOT_STARTED
    assert "this program is ending" in output.stderr


def test_closing_waits_for_a_start_that_is_under_way() -> None:
    """Whoever closes it and then looks for processes finds all of them."""
    gate, entered, passed = Gate(), threading.Event(), threading.Event()

    def start() -> None:
        with gate.passing():
            entered.set()
            time.sleep(PATIENCE / 4)
            passed.set()

    thread = threading.Thread(target=start)
    thread.start()
    assert entered.wait(60)
    gate.close()
    assert passed.is_set()
    thread.join(60)


def test_a_start_that_hangs_is_not_waited_for() -> None:
    """A program on a disk that does not answer keeps nobody from ending."""
    gate, release = Gate(), threading.Event()

    def hang() -> None:
        with gate.passing():
            release.wait(60)

    thread = threading.Thread(target=hang)
    thread.start()
    try:
        gate.close()
        with pytest.raises(OSError, match="ending"), gate.passing():
            pass
    finally:
        release.set()
        thread.join(60)
