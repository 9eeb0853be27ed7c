"""A whole resync in this process: the real use cases and journal, a simulated array in memory, a clock that only jumps.

The array keeps a log of calls like that of the simulated commands, so that the same checker judges it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from necism_monitor.adapters.journal import Journal
from necism_monitor.app.desk import Desk, Report
from necism_monitor.app.ports import Changer, HeldLock
from necism_monitor.app.recovery import relink, resume
from necism_monitor.app.resync import resync
from necism_monitor.cli.action import make_desk, make_request
from necism_monitor.cli.progress import Progress
from necism_monitor.cli.wiring import make_sources
from necism_monitor.domain.model import Config, Resource
from necism_monitor.domain.run import Run
from necism_monitor.ism.commands import ChangeCommand, ReadCommand
from necism_monitor.ism.output import Ending, Output
from necism_monitor.simulator import changes, faults, operations, screens
from necism_monitor.simulator.reply import Reply, error
from necism_monitor.simulator.shapes import Call, Fault, World
from tests.property.array import Map, StillClock, Store, answer

TOOK: Final = 0.25
"""Seconds of every command."""
DEAD: Final = {"host": "", "boot_id": "a boot that is over", "pid": 1, "start_ticks": 1}


class Killed(BaseException):
    """The process ends here: nothing of ours runs after it."""


class Adrift(NamedTuple):
    """A CHANGE that nobody waits for any more: when it ends, and with which output."""

    ends: float
    output: Output


class SeatArray:
    """One array in memory, with the faults of its world; commands of one base volume may come from any thread."""

    def __init__(self, world: World, clock: StillClock) -> None:
        self.world, self.clock = world, clock
        self.calls: list[Call] = []
        self.adrift: dict[int, Adrift] = {}
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._guard = threading.RLock()

    def busy(self) -> bool:
        """Whether a command still works that somebody left alone."""
        with self._guard:
            self.settle()
            return any(one.ends > self.clock.now() for one in self.adrift.values())

    def settle(self) -> None:
        """Let everything land that is due."""
        now = self.clock.now()
        due = [one for one in self._later if one[0] <= now]
        self._later = [one for one in self._later if one[0] > now]
        for _, land in sorted(due, key=lambda one: one[0]):
            land()
        for name, effect, _ in operations.settle(self.world, now):
            self._landed(next(call for call in self.calls if call["call"] == name), effect)

    def finish(self) -> None:
        """Let all time pass that anything still needs."""
        ends = [*(due for due, _ in self._later), *(one["due"] for one in self.world["pending"])]
        with self._guard:
            self.clock.sleep(max([0.0, *(end - self.clock.now() for end in ends)]) + 1)
            self.settle()

    def run(self, argv: tuple[str, ...], effect_class: str, limit: float) -> Output:
        """One command, as somebody sees it who waits at most `limit` seconds."""
        with self._guard:
            self.settle()
            call = self._log(argv, effect_class)
            hits = self._take(argv)
            begun, stalls = self.clock.now(), _stall(hits)
            self.clock.sleep(TOOK)
            if stalls <= limit:
                self.clock.sleep(stalls if "hang_before" in hits else 0.0)
                reply = self._do(call, hits)
                self.clock.sleep(stalls if "hang_before" not in hits else 0.0)
                return self._output(call, hits, reply, begun)
            return self._stalled(call, hits, begun, stalls, limit)

    def _stalled(self, call: Call, hits: dict[str, Fault], begun: float, stalls: float, limit: float) -> Output:
        """A command that takes longer than anybody waits: a READ is stopped, a CHANGE goes on alone."""
        self.clock.sleep(limit)
        argv, pid = tuple(call["argv"]), call["pid"]
        if call["effect_class"] == "READ":
            call["ended"] = self.clock.now()
            return Output(argv, Ending.TIMED_OUT, None, "", "", begun, self.clock.now(), pid)
        ends = begun + stalls

        def land() -> None:
            reply = self._do(call, hits)
            self.adrift[pid] = Adrift(ends, self._output(call, hits, reply, begun))

        if "hang_before" in hits:
            self._later.append((ends, land))
            self.adrift[pid] = Adrift(ends, Output(argv, Ending.EXITED, 1, "", "", begun, ends, pid))
        else:
            land()
            self._later.append((ends, lambda: call.update({"ended": ends})))
            call["ended"] = None
        return Output(argv, Ending.ABANDONED, None, "", "", begun, self.clock.now(), pid)

    def settled(self, pid: int) -> Output | None:
        """The last word of a command that was left alone."""
        with self._guard:
            self.settle()
            one = self.adrift[pid]
            return one.output if one.ends <= self.clock.now() else None

    def _log(self, argv: tuple[str, ...], effect_class: str) -> Call:
        number = len(self.calls) + 1
        call: Call = {
            "call": str(number),
            "pid": number,
            "argv": list(argv),
            "effect_class": effect_class,
            "exit": None,
            "applied": None,
            "started": self.clock.now(),
            "ended": None,
            "landed": None,
            "nominal": None,
        }
        self.calls.append(call)
        return call

    def _landed(self, call: Call, effect: Any) -> None:  # noqa: ANN401 - an effect as the log tells it, or none
        if effect:
            call["applied"], call["landed"] = effect, self.clock.now()

    def _take(self, argv: tuple[str, ...]) -> dict[str, Fault]:
        """The faults that hit this call, counted as the simulated commands count them."""
        hits: dict[str, Fault] = {}
        for fault in faults._matching(self.world, list(argv)):
            fault["seen"] += 1
            if fault["occurrence"] in ("all", fault["seen"]):
                hits.setdefault(fault["kind"], fault)
        return hits

    def _do(self, call: Call, hits: dict[str, Fault]) -> Reply:
        argv = call["argv"]
        if hits.get("kill", {}).get("when") == "before":
            return Reply(-9)
        refused = faults.failure(argv[0], hits, faults.REFUSALS)
        if refused:
            return refused
        if call["effect_class"] == "READ":
            return answer(self.world, tuple(argv))
        options = dict(zip(argv[1::2], argv[2::2], strict=True))
        job = changes.Job("", call["call"], argv[0], options, self.clock.now(), hits)
        try:
            operations.check_change(self.world, job.change)
        except operations.Refused as refusal:
            return error(argv[0], refusal.message_id, refusal.text)
        return self._change(call, job)

    def _change(self, call: Call, job: changes.Job) -> Reply:
        now = self.clock.now()
        bent = changes._bent(self.world, job, now)
        if bent is not None:
            return bent
        operations.begin(self.world, job.change)
        effect = operations.finish(self.world, job.change, now)
        self._landed(call, effect)
        failed = faults.failure(job.name, job.hits, ("fail_after",))
        return failed or Reply(0, screens.success(self.world, effect))

    def _output(self, call: Call, hits: dict[str, Fault], reply: Reply, begun: float) -> Output:
        out, err, code = faults.bend(hits, reply)
        killed = code < 0 or "kill" in hits
        now = call["ended"] = self.clock.now()
        call["exit"] = code
        ending = Ending.SIGNALLED if killed else Ending.EXITED
        texts = ("", "") if killed else (out.decode(errors="replace"), err.decode(errors="replace"))
        return Output(tuple(call["argv"]), ending, 9 if killed else code, *texts, begun, now, call["pid"])


def _stall(hits: dict[str, Fault]) -> float:
    """Seconds that faults add to a command."""
    return max((float(hits[kind]["seconds"]) for kind in ("hang_before", "hang_after") if kind in hits), default=0.0)


class SeatReader:
    """Sends READ commands."""

    def __init__(self, array: SeatArray, limit: float) -> None:
        self._array, self._limit = array, limit

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """The screen, in no time but the array's."""
        return self._array.run(command.argv, "READ", min(self._limit, timeout or self._limit))


class SeatLock:
    """The array's lock: free where no command that was left alone still works, and nobody else has it."""

    def __init__(self, array: SeatArray, limit: float, held_until: float) -> None:
        self._array, self._limit, self._held_until = array, limit, held_until
        self.sent = 0

    def acquire(self, wait_seconds: float) -> HeldLock | str:
        """The lock, or who has it."""
        del wait_seconds
        if self._array.busy():
            return "a command still works on the array"
        return "somebody has the lock" if self._array.clock.now() < self._held_until else self

    def orphaned(self) -> bool:
        """Whoever asks is the only process there is."""
        return self._array.busy()

    def changer(self, held: HeldLock) -> Changer:
        """Sends CHANGE commands."""
        assert held is self
        return self

    def intact(self) -> bool:
        """Nobody takes it away."""
        return True

    def release(self) -> None:
        """It is free at once."""

    def change(self, command: ChangeCommand) -> Output:
        """Run `command`; one that takes too long is left alone."""
        self.sent += 1
        return self._array.run(command.argv, "CHANGE", self._limit)

    def settled(self, pid: int) -> Output | None:
        """The last word of a command that was left alone."""
        return self._array.settled(pid)


class DyingJournal:
    """A journal whose process is killed at the n-th line, before or after it is written."""

    def __init__(self, inner: Any, countdown: list[int], *, after: bool) -> None:  # noqa: ANN401 - a journal of a run
        self._inner, self._countdown, self._after = inner, countdown, after

    def append(self, line: Any) -> None:  # noqa: ANN401 - a line of a journal
        """Write it, or die."""
        self._countdown[0] -= 1
        if self._countdown[0] == 0 and not self._after:
            raise Killed
        if self._countdown[0] >= 0:
            self._inner.append(line)
        if self._countdown[0] <= 0:
            raise Killed

    def close(self) -> None:
        """Close the file."""
        self._inner.close()


class DyingBook:
    """Journals that die with their process."""

    def __init__(self, inner: Journal, kill_at: int, *, after: bool) -> None:
        self._inner, self._countdown, self._after = inner, [kill_at], after

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else of the book
        return getattr(self._inner, name)

    def begin(self, header: Any, at: float) -> DyingJournal:  # noqa: ANN401 - the header of a run
        """A journal that dies."""
        return DyingJournal(self._inner.begin(header, at), self._countdown, after=self._after)

    def reopen(self, resource: Resource) -> Any:  # noqa: ANN401 - a file and its journal, or none
        """The newest run, continued by one who dies."""
        found = self._inner.reopen(resource)
        return found and (found[0], DyingJournal(found[1], self._countdown, after=self._after))


class Silent:
    """Tells nobody."""

    def say(self, level: str, text: str) -> None:
        """Nothing."""

    def progress(self, run: Run, done: int, total: int) -> None:
        """Nothing."""


class Seat:
    """One resource on one array, and what a person may do with it."""

    def __init__(self, directory: Path, world: World, config: Config, resource: Resource, now: float) -> None:
        self.clock = StillClock(now)
        self.array = SeatArray(world, self.clock)
        settings = config.settings._replace(
            state_dir=str(directory / "state"), run_dir=str(directory / "run"), kill_switch=str(directory / "STOP")
        )
        self.config, self.resource = config._replace(settings=settings), resource
        self.held_until = now

    def desk(self, kill_at: int = 0, *, after: bool = False) -> Desk:
        """The desk of the command line, but for what would start processes or take time."""
        sources = make_sources(self.config)._replace(clock=self.clock, store=Store())
        desk = make_desk(sources, self.resource, lambda: None, "test", Progress(visible=False))
        book = DyingBook(Journal(Path(self.config.settings.state_dir)), kill_at, after=after) if kill_at else desk.book
        lock = SeatLock(self.array, desk.array.change_timeout, self.held_until)
        reader = SeatReader(self.array, desk.array.read_timeout)
        return desk._replace(reader=reader, exclusive=lock, volumes=Map(), book=book, narrator=Silent())

    def resync(self, desk: Desk, **wishes: object) -> Report:
        """A resync."""
        return resync(desk, self.resource, make_request(**wishes))

    def resume(self, desk: Desk | None = None, **wishes: object) -> Report:
        """End an open run."""
        return resume(desk or self.desk(), self.resource, make_request(**wishes))

    def relink(self) -> Report:
        """Link what is detached."""
        return relink(self.desk(), self.resource, make_request())

    def shows(self) -> dict[str, str | None]:
        """What every LV shows now."""
        self.array.settle()
        return {name: lv["shows"] for name, lv in self.array.world["lvs"].items()}

    def changes(self) -> list[Call]:
        """Every CHANGE that was sent."""
        return [call for call in self.array.calls if call["effect_class"] != "READ"]
