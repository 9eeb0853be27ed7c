"""What happens while the loop closes, told in the order in which it is seen."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.loops.chain import SEL, STALE, Alertmanager, Chain
from tests.web.ages import age
from tests.web.prometheus import Prometheus
from tests.web.rig import Exporter

ALERT: Final = "NecismImageTooOld"
PATIENCE: Final = 120
"""Seconds for each part of the story, which take ten at most where nothing else is at work."""
FRESH: Final = f'necism_resource_status{{service="{SEL.partition("/")[0]}",status="up"}} == 1'


class Broken(Exception):
    """The loop did not close; the text says where it stopped."""


class Story:
    """Looks at every link of the chain, and says what is new."""

    def __init__(
        self,
        chain: Chain,
        server: Prometheus,
        alertmanager: Alertmanager,
        webhook: Exporter,
        dispatch: Path,
        say: Callable[[str], None],
    ) -> None:
        self._chain, self._server, self._alertmanager, self._say = chain, server, alertmanager, say
        self._state, self._delivered, self._changes = "", 0, 0
        self._webhook, self._dispatch = Tail(webhook.log), Tail(dispatch)

    def close(self) -> None:
        """Let the set go stale, and wait until nobody complains any more.  Raises Broken."""
        self._await(self._is_quiet, "the set is not seen as up, without an alert")
        self._say(f"{SEL} is up, and no alert is there")
        age(self._chain.site, STALE)
        self._say(f"the images of {SEL} are {STALE} hours old now")
        self._await(lambda: self._state == "firing", f"{ALERT} does not fire")
        self._await(self._is_decided, "nobody resyncs the set")
        if not self._chain.ended():
            raise Broken(f"nobody resyncs the set: {self._refused()}")
        self._await(lambda: not self._state, f"{ALERT} goes on")
        self._await(self._is_quiet, "other alerts go on, or the set is not up")
        self._await(lambda: not self._alertmanager.alerts(), "Alertmanager goes on")
        self._say("Alertmanager knows of no alert, and the set is up")

    def _is_quiet(self) -> bool:
        """Up, with rules that have looked at it for a while."""
        alerts = self._server.alerts()
        fresh = self._server.ask(f"count_over_time(({FRESH})[10s:1s]) > 3")
        return bool(fresh) and not alerts["pending"] and not alerts["firing"]

    def _is_decided(self) -> bool:
        """The first request got its run, or was refused."""
        return bool(self._chain.ended() or (not self._chain.runs() and self._chain.refusals()))

    def _await(self, reached: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                for text in self._news():
                    self._say(text)
                if reached():
                    return
            except OSError:
                pass  # a server that does not answer yet is asked again
            time.sleep(0.1)
        raise Broken(f"{otherwise} after {PATIENCE} s: {self._refused()}")

    def _refused(self) -> str:
        return ", ".join(f"{who} was refused, {why}" for who, why in self._chain.refusals()) or "nobody was refused"

    def _news(self) -> Iterator[str]:
        """What is new, in the order in which one thing leads to the next."""
        yield from self._alert()
        delivered = self._alertmanager.delivered()
        if delivered and not self._delivered:
            yield "Alertmanager delivers to the webhook"
        self._delivered = delivered
        yield from (f"webhook: {line}" for line in self._webhook.lines(r"(\S+: requested by .*)"))
        changes = self._chain.changes()
        yield from (f"array: {shlex.join(argv)}" for argv in changes[self._changes :])
        self._changes = len(changes)
        yield from (f"dispatch: {line}" for line in self._dispatch.lines(r"(\S+: .*: decided, .*)"))

    def _alert(self) -> Iterator[str]:
        alerts = self._server.alerts()
        state = next((word for word in ("firing", "pending") if ALERT in alerts[word]), "")
        if state != self._state:
            yield f"Prometheus: {ALERT} is {state or 'resolved'}"
        self._state = state


class Tail:
    """What comes to a log."""

    def __init__(self, path: Path) -> None:
        self._path, self._place = path, 0

    def lines(self, pattern: str) -> Iterator[str]:
        """The first group of the pattern, of each whole line that is new."""
        text = self._path.read_text()
        text = text[: text.rfind("\n") + 1]
        new, self._place = text[self._place :], len(text)
        for line in new.splitlines():
            if found := re.search(pattern, line):
                yield found[1]
