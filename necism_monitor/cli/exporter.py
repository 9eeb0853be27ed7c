"""`necism exporter`: serves metrics and a page, until it is asked to stop."""

from __future__ import annotations

import argparse
from typing import Final

from necism_monitor.cli.options import Subparsers, add_verb
from necism_monitor.domain.errors import EnvironmentProblem

LIBRARIES: Final = frozenset(
    {"prometheus_client", "starlette", "uvicorn", "h11", "jinja2", "markupsafe", "anyio", "yaml", "bcrypt"}
)
MAX_REQUESTS: Final = 40


def register(subparsers: Subparsers) -> None:
    """`necism exporter [--web.listen-address A].. [--web.telemetry-path P] [--web.config.file F] ..`."""
    parser = add_verb(
        subparsers,
        "exporter",
        run,
        "serve Prometheus metrics and a page",
    )
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        metavar="ADDRESS",
        action="append",
        help="[HOST]:PORT, also several times; port 0 = any free one; default `listen_address` of [exporter], "
        "else :19942",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        metavar="PATH",
        help="path of the metrics; default `telemetry_path` of [exporter], else /metrics",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config",
        metavar="FILE",
        help="TLS, users, headers and a rate limit, as other exporters have them; default `web_config` of [exporter]",
    )
    parser.add_argument(
        "--web.systemd-socket",
        dest="systemd_socket",
        action="store_true",
        help="serve on the sockets that systemd hands over, instead of addresses",
    )
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
    try:
        # Here and not above: other verbs, and `necism --help`, do without these libraries and their loading time.
        from necism_monitor.cli.serving import serve_exporter  # noqa: PLC0415 - see the sentence above
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LIBRARIES:
            raise
        raise EnvironmentProblem(
            f"the exporter needs the Python library {error.name}", "pip install 'necism-monitor[web]'"
        ) from error
    return serve_exporter(args)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)
