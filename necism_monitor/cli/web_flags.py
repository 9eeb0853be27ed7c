"""What every verb that serves HTTP has: flags as the exporters of the field have them, and libraries it needs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from necism_monitor.domain.errors import EnvironmentProblem

LIBRARIES: Final = frozenset(
    {"prometheus_client", "starlette", "uvicorn", "h11", "jinja2", "markupsafe", "anyio", "yaml", "bcrypt"}
)


@contextmanager
def web_libraries(what: str) -> Iterator[None]:
    """Around the import of what serves.  Raises EnvironmentProblem where a library of the extra `web` is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LIBRARIES:
            raise
        text = f"{what} needs the Python library {error.name}"
        raise EnvironmentProblem(
            text, "install the package necism-exporter, or pip install 'necism-monitor[web]'"
        ) from error


def add_web_flags(parser: argparse.ArgumentParser, section: str, address: str) -> None:
    """`--web.listen-address`, `--web.telemetry-path`, `--web.config.file`, `--web.systemd-socket`."""
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        metavar="ADDRESS",
        action="append",
        help="[HOST]:PORT, also several times; port 0 = any free one; "
        f"default `listen_address` of [{section}], else {address}",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        metavar="PATH",
        help=f"path of the metrics; default `telemetry_path` of [{section}], else /metrics",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config",
        metavar="FILE",
        help=f"TLS, users, headers and a rate limit, as exporters have them; default `web_config` of [{section}]",
    )
    parser.add_argument(
        "--web.systemd-socket",
        dest="systemd_socket",
        action="store_true",
        help="serve on the sockets that systemd hands over, instead of addresses",
    )
