"""What one gets by handing the same families to prometheus_client's own WSGI application, for comparison only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from necism_monitor.app.observe import Observatory
from necism_monitor.cli.wiring import Paths, load_config, make_sources
from necism_monitor.render.families import age_family, sight_families


class _Families(Collector):
    """The families of one reading, made for every scrape: a collector's usual way."""

    def __init__(self, config: str) -> None:
        self._sight = Observatory(make_sources(load_config(Paths(config=config), {}))).verdicts(60.0)

    def describe(self) -> Iterable[Metric]:
        """Nothing is registered under a name of its own."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Everything, anew."""
        return [*sight_families(self._sight), age_family(self._sight, time.time())]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the class above
        """Say nothing: a line a scrape would be measured too."""


def main() -> None:
    """Serve until ended."""
    registry = CollectorRegistry()
    registry.register(_Families(sys.argv[1]))
    with make_server("127.0.0.1", 0, make_wsgi_app(registry), _Server, _Handler) as server:
        print(f"listening on 127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
