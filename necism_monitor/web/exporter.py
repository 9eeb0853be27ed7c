"""The HTTP face of the exporter: metrics, a page with the same facts, and a sign of life.  It changes nothing."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from prometheus_client.process_collector import ProcessCollector
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from necism_monitor.app.diary import open_diary
from necism_monitor.app.observe import Observatory, Outlook
from necism_monitor.render import exposition
from necism_monitor.render.ages import Ages, keep_ages
from necism_monitor.render.exposition import Block
from necism_monitor.render.families import Program, command_families, program_families, sight_families
from necism_monitor.render.last_good import Sight
from necism_monitor.render.page import CONTENT_SECURITY_POLICY, PageProgram, render_page
from necism_monitor.web.meter import Meter
from necism_monitor.web.page_cache import PageCache
from necism_monitor.web.routes import EVERYWHERE, HEALTH_PATH, READY_PATH

DEADLINE: Final = 9.5
"""Seconds within which a caller that names no deadline is answered: Prometheus gives up after 10 by default."""
OFFSET: Final = 0.5
"""Seconds kept back from a deadline for rendering and the way home."""
LONGEST: Final = 300.0
"""No caller is kept waiting longer, whatever it asks for."""


class _Kept(NamedTuple):
    """What was rendered of a sight, for every scrape until there is another."""

    sight: Sight
    block: Block
    ages: Ages


class Exporter:
    """The routes and what they share; `now` is the wall clock."""

    def __init__(
        self,
        observatory: Observatory,
        meter: Meter,
        program: Callable[[], Program],
        now: Callable[[], float],
        telemetry_path: str = "/metrics",
    ) -> None:
        self._observatory, self._meter, self._program, self._now = observatory, meter, program, now
        self._path = telemetry_path
        self._rendering = threading.Lock()
        self._process = ProcessCollector(registry=None)
        self._kept: _Kept | None = None
        self._pages = PageCache()

    def application(self) -> Starlette:
        """The ASGI application.  Starlette routes by the path of the request line, never by its Host header."""
        routes = [
            Route(self._path, self.metrics, methods=["GET"]),
            Route(HEALTH_PATH, _healthy, methods=["GET"]),
            Route(READY_PATH, _ready, methods=["GET"]),
        ]
        if self._path != "/":
            routes.append(Route("/", self.page, methods=["GET"]))
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        return app

    async def metrics(self, request: Request) -> Response:
        """The scrape."""
        outlook = await self._look(request.headers.get("x-prometheus-scrape-timeout-seconds"))
        packed = accepts_gzip(request.headers.getlist("accept-encoding"))
        body = await run_in_threadpool(self.body, outlook, packed=packed)
        headers = {**EVERYWHERE, "content-type": exposition.CONTENT_TYPE, "vary": "accept-encoding"}
        return Response(body, headers=headers | ({"content-encoding": "gzip"} if packed else {}))

    async def page(self, request: Request) -> Response:
        """The page for people."""

        async def look() -> Callable[[], str]:
            # By our own deadline: others wait for the same page.
            outlook = await self._look(None)
            return lambda: self._html(outlook)

        sheet = await self._pages.get(look)
        packed = accepts_gzip(request.headers.getlist("accept-encoding"))
        headers = {**EVERYWHERE, "content-security-policy": CONTENT_SECURITY_POLICY, "x-frame-options": "deny"}
        headers |= {"vary": "accept-encoding"} | ({"content-encoding": "gzip"} if packed else {})
        return Response(sheet.packed if packed else sheet.plain, headers=headers, media_type="text/html")

    def body(self, outlook: Outlook, *, packed: bool) -> bytes:
        """The metrics: what changes with the observation is rendered once, the rest for every scrape."""
        kept = self._keep(self._observatory.conclude(outlook))
        live = [*command_families(self._meter.counts()), *program_families(self._program()), *self._process.collect()]
        end = kept.ages.at(self._now()) + exposition.render(live)
        return exposition.join_gzip(kept.block, end) if packed else exposition.join_plain(kept.block, end)

    async def _look(self, asked: str | None) -> Outlook:
        """A reading of every array, ended or not: nobody waits in a thread, so any number may wait."""
        outlook = self._observatory.begin()
        within = deadline(asked)
        flights, seconds = outlook.wait_for(within)
        if flights:
            await asyncio.wait([asyncio.wrap_future(flight.answer) for flight in flights], timeout=seconds)
        return outlook

    def _keep(self, sight: Sight) -> _Kept:
        with self._rendering:
            if self._kept is None or self._kept.sight is not sight:
                block = exposition.keep(exposition.render(sight_families(sight)))
                self._kept = _Kept(sight, block, keep_ages(sight))
            return self._kept

    def _html(self, outlook: Outlook) -> str:
        # Texts hold durations: judged anew, they are those of now.
        sight = self._observatory.conclude(outlook, fresh=True)
        program = self._program()
        shown = PageProgram(program.version, self._path, program.reloaded)
        return render_page(sight, shown, self._now(), open_diary(outlook.sources))


async def _healthy(request: Request) -> Response:
    """Alive, whatever the arrays do."""
    del request
    return PlainTextResponse("necism exporter is healthy.\n", headers=EVERYWHERE)


async def _ready(request: Request) -> Response:
    """Able to serve, which an exporter is as soon as it answers: an array that cannot be read is told of in metrics."""
    del request
    return PlainTextResponse("necism exporter is ready.\n", headers=EVERYWHERE)


def deadline(header: str | None) -> float:
    """Seconds to answer in, by `X-Prometheus-Scrape-Timeout-Seconds`; what is no positive number is ignored."""
    try:
        asked = float(header or "")
    except ValueError:
        return DEADLINE
    if not math.isfinite(asked) or asked <= 0:
        return DEADLINE
    return min(max(asked - OFFSET, asked / 2), LONGEST)


def accepts_gzip(headers: list[str]) -> bool:
    """Whether `Accept-Encoding` allows gzip (RFC 9110, 12.5.3): by its own name, else by `*`, and not with q=0."""
    weights: dict[str, float] = {}
    for item in ",".join(headers).lower().split(","):
        coding, _, parameters = item.partition(";")
        weights.setdefault(coding.strip(), _weight(parameters))
    named = [weights[name] for name in ("gzip", "x-gzip") if name in weights]
    return max(named, default=weights.get("*", 0.0)) > 0


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition(";")[0].partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
