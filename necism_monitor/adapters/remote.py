"""The changes of an array behind ssh: the claim on its host, and what becomes of a command whose connection broke.

The command works on over there.  It is over, for certain, only when its end was heard or when its host's lock was won
and given a new token: what was sent with the old one can then neither work nor begin (`ism.reach`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.model import Array
from necism_monitor.ism.commands import ChangeCommand, HostCommand
from necism_monitor.ism.far_side import change_output, cut_output, hear, said_by_ssh, why_not
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.reach import MARGIN, Link, change_line, claim_line, quote

PROBE_PAUSE: Final = 2.0
"""Seconds between two looks at the lock over there."""
FENCED_TRIES: Final = 3
"""How often a command is sent again because we ourselves have changed the token in between."""

Send = Callable[[tuple[str, ...]], Output]


class Claim:
    """The right to change one remote array, as far as its host is concerned; may be used by several threads.

    `ask` sends a short command that may be killed at its deadline in seconds.
    """

    def __init__(self, array: Array, ask: Callable[[tuple[str, ...], float], Output]) -> None:
        self._array, self._ask = array, ask
        self._guard = threading.Lock()
        self._tried: set[str] = set()
        self._token = ""  # nosec B105  # none yet
        self.link = Link(array.ssh_config)
        self.lock = f"{array.host}:~/.necism/{array.name}.lock"

    @property
    def token(self) -> str:
        """What a CHANGE is sent with; waits for a claim that is being made."""
        with self._guard:
            return self._token

    def take(self) -> str | None:
        """Claim the array, whoever had it before; a sentence where one of our commands still works there.

        Raises EnvironmentProblem where that cannot be found out: could not ask is not free.
        """
        word, why = self._send("")
        if word == "claimed":
            return None
        if word == "not:busy":
            return why
        raise EnvironmentProblem(
            f"array {self._array.name} cannot be locked on {self._array.host}: {why}",
            f"`{self._by_hand()}` must work for the user that runs necism; the user there "
            "needs a home directory that can be written, and flock, setsid, timeout and mktemp",
        )

    def outlives(self) -> bool:
        """Whether everything that was sent before is over or can begin no more; False also where nobody can tell."""
        word, _ = self._send(self._token)
        return word == "claimed" or (word or "").startswith("not:foreign:")

    def renewed(self, token: str) -> bool:
        """Whether our token is another one than `token`; asks, because the answer to a claim may have been lost."""
        if self.token == token:
            self.outlives()
        return self.token != token

    def _by_hand(self) -> str:
        """What a person types to see what ssh says, with the same configuration file."""
        config = () if self.link.config is None else ("-F", quote(self.link.config))
        return " ".join(("ssh", *config, "-o BatchMode=yes", self._array.host or "", "true"))

    def _send(self, instead_of: str) -> tuple[str | None, str]:
        """Try a new token; the script's word, and the reason in words for people."""
        token, nonce = os.urandom(16).hex(), os.urandom(16).hex()
        with self._guard:
            self._tried.add(token)
            raw = self._ask(claim_line(self._array, self.link, nonce, token, instead_of), MARGIN)
            if raw.never_ran:
                return None, f"the ssh client could not be started: {raw.stderr.strip()}"
            heard = hear(raw, nonce)
            if heard.word == "claimed":
                self._token = token
            # A claim whose answer was lost: the token over there is one of ours all the same.
            current = (heard.word or "").removeprefix("not:foreign:")
            if current in self._tried:
                self._token = current
            late = f"no answer within {MARGIN} s" if raw.ending in {Ending.TIMED_OUT, Ending.LOST} else ""
            return heard.word, why_not(heard, self.lock) or late or said_by_ssh(heard)


class _Open(NamedTuple):
    """A CHANGE of which nobody knows whether it still works."""

    command: ChangeCommand | HostCommand
    nonce: str
    pid: int | None
    """Of the ssh client that was abandoned; None = it has ended without the command's end."""
    output: Output
    """What there is to say when it is over and its end was never heard."""


class _Probe:
    """Asks in the background, again and again with a pause, whether everything sent before is over."""

    def __init__(self, claim: Claim, pause: float) -> None:
        self._claim, self._pause, self._next = claim, pause, 0.0
        self._thread: threading.Thread | None = None
        self._over = False

    def over(self) -> bool:
        """What is known by now; never waits."""
        if not self._over and (self._thread is None or not self._thread.is_alive()) and time.monotonic() >= self._next:
            # Nobody waits for it at the end of the program: it ends by itself, and what it claims then is nobody's.
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()
        return self._over

    def _look(self) -> None:
        self._over = self._claim.outlives()
        self._next = time.monotonic() + self._pause


class RemoteChanger:
    """Sends CHANGE commands over ssh; `send` starts a client that is never signalled, `settled` asks for it later."""

    def __init__(
        self,
        array: Array,
        claim: Claim,
        send: Send,
        settled: Callable[[int], Output | None],
        pause: float = PROBE_PAUSE,
    ) -> None:
        self._array, self._claim, self._send, self._settled, self._pause = array, claim, send, settled, pause
        self._guard = threading.Lock()
        self._open: dict[int, tuple[_Open, _Probe]] = {}

    def change(self, command: ChangeCommand | HostCommand) -> Output:
        """Run `command`; after `change_timeout` it is abandoned, also where only its end could not be heard."""
        deadline = time.monotonic() + self._array.change_timeout
        raw, nonce = self._sent(command.argv)
        if raw.ending is Ending.ABANDONED:
            return self._leave(_Open(command, nonce, raw.pid, cut_output(raw, nonce, command.argv)), raw.code)
        output = change_output(raw, nonce, command.argv, self._claim.lock)
        if output.ending is not Ending.CUT or self._wait(deadline):
            return output
        return self._leave(_Open(command, nonce, None, output), output.code)

    def _sent(self, argv: tuple[str, ...]) -> tuple[Output, str]:
        """What came back of one try that was not in vain only because we had changed the token ourselves meanwhile."""
        tries = FENCED_TRIES
        while True:
            token, nonce, tries = self._claim.token, os.urandom(16).hex(), tries - 1
            raw = self._send(change_line(self._array, argv, self._claim.link, nonce, token))
            if not tries or hear(raw, nonce).word != "not:fenced" or not self._claim.renewed(token):
                return raw, nonce

    def settled(self, key: int) -> Output | None:
        """The final output of an abandoned command, or None while it may still land.  Raises LookupError."""
        with self._guard:
            found, probe = self._open[key]
        output = None if found.pid is None else self._heard(found, found.pid)
        if output is not None and output.ending is Ending.CUT:
            found = found._replace(pid=None, output=output)
            with self._guard:
                self._open[key] = (found, probe)
        if output is None or output.ending is Ending.CUT:
            output = found.output if probe.over() else None
        if output is not None:
            with self._guard:
                del self._open[key]
        return output

    def _heard(self, found: _Open, pid: int) -> Output | None:
        """What the client that was abandoned has brought, if it has ended since."""
        raw = self._settled(pid)
        return None if raw is None else change_output(raw, found.nonce, found.command.argv, self._claim.lock)

    def _wait(self, deadline: float) -> bool:
        """Until the command is over, or its deadline."""
        while not self._claim.outlives():
            if time.monotonic() + self._pause > deadline:
                return False
            time.sleep(self._pause)
        return True

    def _leave(self, found: _Open, code: int | None) -> Output:
        """Note a command that may still land, under a number that the caller can ask for."""
        with self._guard:
            key = -1 - len(self._open) if found.pid is None else found.pid
            while key in self._open:
                key -= 1
            self._open[key] = (found, _Probe(self._claim, self._pause))
        return found.output._replace(ending=Ending.ABANDONED, code=code, pid=key)
