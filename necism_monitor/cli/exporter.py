"""`necism exporter`: serves metrics and a page, until it is asked to stop."""

from __future__ import annotations

import argparse
from typing import Final

from necism_monitor.cli.options import Subparsers, add_verb
from necism_monitor.cli.web_flags import add_web_flags, web_libraries

MAX_REQUESTS: Final = 128
"""Scrapes wait for one reading together, so many at once are no burden; connections are limited besides."""


def register(subparsers: Subparsers) -> None:
    """`necism exporter [--web.listen-address A].. [--web.telemetry-path P] [--web.config.file F] ..`."""
    parser = add_verb(subparsers, "exporter", run, "serve Prometheus metrics and a page")
    add_web_flags(parser, "exporter", ":19942")
    parser.add_argument(
        "--web.max-requests",
        dest="max_requests",
        metavar="N",
        type=_count,
        default=MAX_REQUESTS,
        help=f"metrics and pages worked on at once, more are answered with 503; 0 = any number; default {MAX_REQUESTS}",
    )


def run(args: argparse.Namespace) -> int:
    """Serve.  Raises EnvironmentProblem where the libraries of the extra `web` are missing."""
    with web_libraries("the exporter"):
        # Here and not above: other verbs, and `necism --help`, do without these libraries and their loading time.
        from necism_monitor.cli.serving import serve_exporter  # noqa: PLC0415 - see the sentence above
    return serve_exporter(args)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)
