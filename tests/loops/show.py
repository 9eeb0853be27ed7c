"""`make loop`: a stale set refreshes itself, with the real Prometheus and Alertmanager, and is told as it happens."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.loops.chain import Chain
from tests.loops.story import Broken, Story
from tests.servers import DEBIAN_PACKAGES, find_server

PROGRAMS: Final = ("prometheus", "prometheus-alertmanager")
LATENCY: Final = "0.05"
"""The simulated array takes this part of the seconds that a real one took in a captured log."""
LIMIT: Final = 160
"""Seconds after which it ends, whatever happened."""
LINES: Final = 5
"""Of each log, where something went wrong."""


def main() -> int:
    """0 once the loop has closed, 1 with the reason where it has not, 130 and 143 after a signal."""
    missing = [name for name in PROGRAMS if find_server(name) is None]
    for name in missing:
        complain(f"{name} is not installed: apt-get install {DEBIAN_PACKAGES[name]}")
    if missing:
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LIMIT)
    try:
        show()
    except (Broken, AssertionError, OSError) as problem:
        complain(f"the loop did not close: {str(problem) or type(problem).__name__}")
        return 1
    return 0


def show() -> None:
    """Start everything, tell the story, and end everything.  Raises Broken."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="necism-loop-") as directory:
        try:
            run(Chain(Path(directory), LATENCY), say)
        except (Broken, AssertionError):
            quote_logs(Path(directory))
            raise


def run(chain: Chain, say: Callable[[str], None]) -> None:
    """The story.  Raises Broken."""
    prometheus, alertmanager = (path for path in map(find_server, PROGRAMS) if path)
    with contextlib.ExitStack() as stack:
        say(f"a simulated array with one set: {chain.directory}")
        exporter = stack.enter_context(chain.site.exporter())
        say(f"necism exporter listens on http://127.0.0.1:{exporter.port}/")
        webhook = stack.enter_context(chain.webhook())
        say(f"necism webhook listens on http://127.0.0.1:{webhook.port}/, and wants a token")
        dispatch = stack.enter_context(chain.dispatch())
        say("necism dispatch --loop waits for requests")
        manager = stack.enter_context(chain.alertmanager(alertmanager, webhook.port))
        say(f"Alertmanager listens on http://{manager.place}/")
        server = stack.enter_context(chain.prometheus(prometheus, exporter, webhook.port, manager))
        say(f"Prometheus listens on {server.address}/")
        Story(chain, server, manager, webhook, dispatch, say).close()
        signal.alarm(0)
        if (codes := chain.ended()) != [0]:
            raise Broken(f"its runs ended with {codes}; one run with 0 was to be")
        say("the loop has closed, with one resync")


def quote_logs(directory: Path) -> None:
    """The last lines of what every process said, before they are removed."""
    for path in sorted(directory.rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-LINES:]
        complain(f"the last lines of {path.name}:", *(f"  {line}" for line in lines))


def leave(number: int, _frame: object) -> None:
    """A signal ends it, and what was started with it."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(128 + number)


def give_up(_number: int, _frame: object) -> None:
    """What takes so long does not come to an end."""
    raise Broken(f"it is not over after {LIMIT} s")


def complain(text: str, *further: str) -> None:
    """To standard error."""
    print(f"make loop: {text}", *further, sep="\n", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
