"""`necism webhook`: receives Alertmanager's alerts, until it is asked to stop; holds no rights."""

from __future__ import annotations

import argparse

from necism_monitor.cli.options import Subparsers, add_verb
from necism_monitor.cli.web_flags import add_web_flags, web_libraries


def register(subparsers: Subparsers) -> None:
    """`necism webhook [--web.listen-address A].. [--web.telemetry-path P] [--web.config.file F]`."""
    parser = add_verb(subparsers, "webhook", run, "receive Alertmanager's alerts, and ask for resyncs")
    add_web_flags(parser, "webhook", "127.0.0.1:19943")


def run(args: argparse.Namespace) -> int:
    """Serve.  Raises EnvironmentProblem where the libraries of the extra `web` are missing."""
    with web_libraries("the webhook"):
        # Here and not above: other verbs, and `necism --help`, do without these libraries and their loading time.
        from necism_monitor.cli.receiving import serve_webhook  # noqa: PLC0415 - see the sentence above
    return serve_webhook(args)
