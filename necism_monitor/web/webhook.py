"""The receiver of Alertmanager's alerts: it holds no rights, and leaves requests in the spool for those who do.

An answer says what Alertmanager is to do: 2xx is the end of it, 4xx a mistake of whoever sent it, 5xx asks for another
delivery, because a request could not be put on the disk.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from prometheus_client.process_collector import ProcessCollector
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.rejections import Rejection
from necism_monitor.domain.request import Put, Request
from necism_monitor.render import exposition
from necism_monitor.render.families import Program, program_families, request_families, safe
from necism_monitor.web.alertmanager import TRIGGER, Unusable, Wanted, read_payload, sort_out
from necism_monitor.web.auth import Authority, Caller, Undecided
from necism_monitor.web.body import BodyRefused, read_body
from necism_monitor.web.routes import EVERYWHERE, HEALTH_PATH, READY_PATH

LOG: Final = logging.getLogger("necism")
BODY_BYTES: Final = 1024 * 1024
BODY_SECONDS: Final = 10.0
JSON: Final = "application/json"
DELIVERY_PATH: Final = "/"
REFUSED: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Rejection.TOO_LARGE,
    HTTPStatus.REQUEST_TIMEOUT: Rejection.TOO_SLOW,
}


class Chart(NamedTuple):
    """Which alerts stand for what: the `[webhook]` section."""

    label: str | None
    map: tuple[tuple[str, str], ...]


class Tally:
    """How many requests were left in the spool, and how many payloads and alerts asked for nothing, by reason."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._left = 0
        self._rejected: Counter[Rejection] = Counter()

    def left(self) -> None:
        """One request is on the disk."""
        with self._guard:
            self._left += 1

    def reject(self, reason: Rejection, number: int = 1) -> None:
        """So many were left out for one reason."""
        with self._guard:
            self._rejected[reason] += number

    def counts(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Requests by trigger and rejections by reason, those that are 0 too."""
        with self._guard:
            return {TRIGGER: self._left}, {reason.value: self._rejected[reason] for reason in Rejection}


class Watched:
    """An authority whose refusals are counted."""

    def __init__(self, authority: Authority, tally: Tally) -> None:
        self._authority, self._tally = authority, tally

    @property
    def challenges(self) -> tuple[str, ...]:
        """Those of the authority."""
        return self._authority.challenges

    async def admits(self, caller: Caller) -> bool:
        """What the authority says.  Raises Undecided; whoever delivers is asked to come again then."""
        try:
            admitted = await self._authority.admits(caller)
        except Undecided:
            self._tally.reject(Rejection.NOT_RECORDED)
            raise
        if not admitted:
            self._tally.reject(Rejection.UNAUTHORIZED)
        return admitted


class Webhook:
    """The routes and what they share; `put` leaves a request on the disk, and may be called from any thread."""

    def __init__(
        self,
        chart: Callable[[], Chart],
        put: Callable[[Request], Put],
        tally: Tally,
        program: Callable[[], Program],
        telemetry_path: str = "/metrics",
    ) -> None:
        self._chart, self._put, self._tally, self._program = chart, put, tally, program
        self._path = telemetry_path
        self._process = ProcessCollector(registry=None)

    def application(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route(DELIVERY_PATH, self.deliver, methods=["POST"]),
            Route(self._path, self.metrics, methods=["GET"]),
            Route(HEALTH_PATH, _alive, methods=["GET"]),
            Route(READY_PATH, _alive, methods=["GET"]),
        ]
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        return app

    async def deliver(self, request: HttpRequest) -> Response:
        """A payload: requests for what fires, nothing for everything else."""
        try:
            body = await _body_of(request)
            wanted = await run_in_threadpool(self._read, body)
            # On the disk before the answer: a payload that was answered is not delivered again.
            await run_in_threadpool(self._leave, wanted, _sender(request))
        except BodyRefused as refused:
            reason = REFUSED.get(refused.status, Rejection.MALFORMED)
            return self._refuse(request, refused.status, reason, refused.status.phrase.lower())
        except Unusable as refused:
            return self._refuse(request, status_of(refused.reason), refused.reason, str(refused))
        except EnvironmentProblem as problem:
            LOG.error("%s\nhint: %s", problem.text, problem.hint)  # noqa: TRY400 - a full disk is no bug of ours: no traceback
            return self._refuse(request, HTTPStatus.SERVICE_UNAVAILABLE, Rejection.NOT_RECORDED, "not recorded")
        for reason, number in wanted.left_out.items():
            self._tally.reject(reason, number)
        status = HTTPStatus.ACCEPTED if wanted.requests else HTTPStatus.OK
        return _answer(status, _sentence(wanted))

    async def metrics(self, request: HttpRequest) -> Response:
        """What this process counted."""
        del request
        requests, rejected = self._tally.counts()
        families = [*request_families(requests, rejected), *program_families(self._program()), *self._process.collect()]
        body = await run_in_threadpool(exposition.render, families)
        return Response(body, headers={**EVERYWHERE, "content-type": exposition.CONTENT_TYPE})

    def _read(self, body: bytes) -> Wanted:
        chart = self._chart()
        return sort_out(read_payload(body), chart.label, chart.map)

    def _leave(self, wanted: Wanted, sender: str) -> None:
        """Leave every request.  Raises EnvironmentProblem at the first that cannot be left; a delivery comes again."""
        for request in wanted.requests:
            put = self._put(request)
            self._tally.left()
            told = "requested" if put is Put.NEW else "requested before, and not yet taken"
            LOG.info("%s: %s by alertmanager at %s, key %s", request.selector, told, sender, request.key)

    def _refuse(self, request: HttpRequest, status: HTTPStatus, reason: Rejection, text: str) -> Response:
        self._tally.reject(reason)
        LOG.warning("nothing was done for a delivery of %s: %s (%s)", _sender(request), safe(text), reason.value)
        return _answer(status, f"{text}; nothing was done")


async def _body_of(request: HttpRequest) -> bytes:
    """The body.  Raises BodyRefused and Unusable."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        # A form that some page posts from a browser is never JSON.
        raise Unusable(Rejection.MALFORMED, f"the content type is not {JSON}")
    return await read_body(request.scope, request.receive, BODY_BYTES, BODY_SECONDS)


def status_of(reason: Rejection) -> HTTPStatus:
    """What whoever delivers is told: a payload that was understood, and asks for nothing, is no mistake of theirs."""
    return HTTPStatus.OK if reason is Rejection.TRUNCATED else HTTPStatus.BAD_REQUEST


def _sentence(wanted: Wanted) -> str:
    left_out = ", ".join(f"{number} {reason.value}" for reason, number in wanted.left_out.items())
    return f"requests recorded: {len(wanted.requests)}; alerts left out: {left_out or 'none'}"


def _sender(request: HttpRequest) -> str:
    return "a local socket" if request.client is None else request.client.host


def _answer(status: HTTPStatus, text: str) -> PlainTextResponse:
    return PlainTextResponse(f"{safe(text)}\n", status, EVERYWHERE)


async def _alive(request: HttpRequest) -> Response:
    """Alive, and able to serve as soon as it answers."""
    del request
    return PlainTextResponse("necism webhook is healthy.\n", headers=EVERYWHERE)
