"""Questions side by side: whoever waits for them still hears a signal."""

import subprocess
import sys

from necism_monitor.app.collect import in_parallel

STRUCK = """
import os, signal, threading, time
from necism_monitor.app.collect import in_parallel

def ask(number):
    if number == 0:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(120)

signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
in_parallel(ask, [0, 1], 2)
"""


def test_answers_come_in_the_order_of_the_questions() -> None:
    """However many are asked at once."""
    for at_once in (1, 2, 5):
        assert in_parallel(lambda number: number * 10, [3, 1, 2], at_once) == [30, 10, 20]


def test_a_signal_that_reaches_a_thread_is_heeded_while_it_works() -> None:
    """The system may hand it to any thread; it must not wait until a command that hangs has ended."""
    done = subprocess.run([sys.executable, "-c", STRUCK], check=False, timeout=60)
    assert done.returncode == 7
