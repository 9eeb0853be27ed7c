"""`necism demo`: a stale set of SV:LV pairs on a simulated array becomes a fresh one, before your eyes.

Every step is a command that works the same on a real array, and is shown as one would type it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Final

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.cli.console import say
from necism_monitor.cli.options import Subparsers, add_verb
from necism_monitor.domain.errors import EnvironmentProblem, UsageError
from necism_monitor.simulator.create import create

SERVICE: Final = "erp-preprod"
SPEED: Final = "0.15"
"""The simulated array takes this part of the seconds that a real one took in a captured log."""
PORT: Final = 19942
SHOWN: Final = re.compile(r"necism_(up|resync_age_seconds|resource_status|link_state.*linked)\b.*")
PATIENCE: Final = 30.0
"""Seconds to wait for the exporter's first answer."""


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    verb = add_verb(subparsers, "demo", run, "a stale set becomes a fresh one, on a simulated array")
    verb.add_argument("--once", action="store_true", help="end after the exporter has answered, instead of serving on")


def run(args: argparse.Namespace) -> int:
    """Show warn -> resync -> up -> exporter; 0 where every step ended as it should."""
    _check_libraries()
    with tempfile.TemporaryDirectory(prefix="necism-demo-") as directory:
        made = create(Path(directory), "stale", SPEED, force=False)
        say(f"A simulated array, with the resync times of a real one cut to {float(SPEED):.0%}: {directory}")
        config = str(made.config)
        story = (
            ("The set is too old, so its status is warn (exit code 1):", ("status",), 1),
            ("Nagios would say the same:", ("check_necism",), 1),
            ("What would a resync do?", ("resync", SERVICE, "--dry-run"), 0),
            ("Refresh it: unlink the LVs, re-create the SVs, link the LVs again:", ("resync", SERVICE), 0),
            ("Now the set is fresh (exit code 0):", ("status",), 0),
            ("And Nagios agrees:", ("check_necism",), 0),
            ("Who did what, and how long was each LV away?", ("history",), 0),
        )
        for title, words, expected in story:
            say("", f"## {title}")
            code = _step(config, words)
            if code != expected:
                say(f"unexpected: exit code {code}, expected {expected}")
                return 70
        return _serve(config, once=args.once)


def _check_libraries() -> None:
    """Raises EnvironmentProblem where what the story needs is in a package that is not installed."""
    for library, package in (("nagiosplugin", "nagios-plugins-necism"), ("uvicorn", "necism-exporter")):
        if importlib.util.find_spec(library) is None:
            raise EnvironmentProblem(
                f"the demo shows the check and the exporter, and the Python library {library} is missing",
                f"install the package {package}, or pip install 'necism-monitor[web]'",
            )


def _step(config: str, words: tuple[str, ...]) -> int:
    """Run one command of the story, shown as a person would type it."""
    program = words[0] if words[0] == "check_necism" else f"necism {' '.join(words)}"
    say(f"$ {program} --config {config}")
    if words[0] == "check_necism":
        return _check(config)
    from necism_monitor.cli.main import main  # noqa: PLC0415 - main imports this file's verb, not the reverse

    return main([*words, "--config", config])


def _check(config: str) -> int:
    """The plugin ends its process, so it gets one of its own."""
    argv = (sys.executable, "-P", "-m", "check_necism", "--config", config)
    # Where this process found the package is where that one finds it, however it was installed.
    places = os.pathsep.join(place for place in sys.path if place)
    output = ProcessRunner().read(argv, 60, env={"PYTHONPATH": places})
    say(output.stdout.rstrip("\n"))
    return output.code if output.code is not None else 3


def _serve(config: str, *, once: bool) -> int:
    """Serve metrics and page; with `once` only until both have been seen."""
    from necism_monitor.cli.main import main  # noqa: PLC0415 - as in _step

    address = f"127.0.0.1:{_free_port()}"
    say("", "## The same facts for Prometheus and for a browser:")
    say(f"$ necism exporter --web.listen-address {address} --config {config}")
    seen = threading.Event()
    viewer = threading.Thread(target=_view, args=(f"http://{address}", once, seen), daemon=True)
    viewer.start()
    code = main(["exporter", "--web.listen-address", address, "--config", config])
    viewer.join(1)
    if not seen.is_set():
        raise EnvironmentProblem("the exporter did not answer", f"is something in the way of {address}?")
    return code


def _view(url: str, once: bool, seen: threading.Event) -> None:  # noqa: FBT001 - a thread's arguments have no names
    """Fetch both pages as soon as they are there, show what matters, and end the exporter if asked to."""
    with contextlib.suppress(OSError):
        metrics = _fetch(f"{url}/metrics")
        page = _fetch(f"{url}/")
        lines = metrics.splitlines()
        say("", f"$ curl -s {url}/metrics    # {len(lines)} lines, among them:")
        say(*(line for line in lines if SHOWN.match(line)))
        title = re.search(r"<title>(.*?)</title>", page)
        say("", f"$ curl -s {url}/    # a page of {len(page)} characters: {title[1] if title else ''}")
        seen.set()
        if not once:
            say("", f"Open {url}/ in a browser. Ctrl-C ends the demo and removes the simulated array.")
            return
    os.kill(os.getpid(), signal.SIGTERM)


def _fetch(url: str) -> str:
    """The text at `url`, tried until the exporter listens.  Raises OSError after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - an address of our own exporter  # nosec B310
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _free_port() -> int:
    """The exporter's own port if it is free, else any."""
    for port in (PORT, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise UsageError("no port is free on 127.0.0.1", "look at what listens there")
