"""The interpreter of a run: journals, performs and folds the steps that `next_steps` names.  It decides nothing.

Each step runs in a worker; a worker turns a command into its output and nothing else.  Waiting has bounds: a link is
retried up to `relink_timeout`, a moving SV is watched up to `settle_timeout`, a command that was abandoned is waited
for up to `relink_timeout`.  From the first CHANGE on, neither a full disk nor a broken console stops a run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, NamedTuple

from necism_monitor.app.ports import Changer, Clock, Hooks, HostDevices, Narrator, Reader, RunJournal
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.events import (
    DETACHED,
    POST,
    Began,
    Change,
    Closed,
    Create,
    Done,
    Event,
    GaveUp,
    Hook,
    Kind,
    Link,
    NotDone,
    Observe,
    Row,
    Seen,
    Step,
    TurnBack,
    Unclear,
    Unlink,
)
from necism_monitor.domain.model import Array, Settings
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import rows_of
from necism_monitor.domain.reading import BvScreen, SvRecord, Unread
from necism_monitor.domain.record import Left, Line
from necism_monitor.domain.run import Run, apply
from necism_monitor.domain.sequence import next_steps, stays_open
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.commands import query_detail
from necism_monitor.ism.outcome import command_of, outcome
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.query import parse_detail

ROWS_A_LINE: Final = 12
"""Pairs in one journal line of a reading: a line stays below 4 KB."""
BUSY_PAUSE: Final = 5.0
"""Seconds between two tries while the array says it is busy: the pause of the vendor's own driver."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
TICK: Final = 0.2
REFUSED: Final = 3
"""The exit of a run that a hook ended before its first CHANGE."""


class HookEnd(NamedTuple):
    """How a hook ended: why it failed, or None."""

    why: str | None


class Looked(NamedTuple):
    """A screen, and what this host reads from the devices that it names."""

    screen: BvScreen
    wwns: Mapping[LdName, str]


Answer = Output | Looked | Unread | HookEnd


class Tools(NamedTuple):
    """What a run is performed with."""

    array: Array
    settings: Settings
    reader: Reader
    changer: Changer
    journal: RunJournal
    clock: Clock
    narrator: Narrator
    stop: Callable[[], str | None]
    """Why the run is to turn back now; None = go on."""
    hooks: Hooks
    devices: HostDevices
    intact: Callable[[], bool] = lambda: True
    """Whether the lock is still ours."""


class Engine:
    """Performs one run to its end."""

    def __init__(self, tools: Tools, run: Run, total: int) -> None:
        self._tools, self.run, self._total = tools, run, total
        self._workers: dict[Future[Answer], Step] = {}
        self._pids: dict[Step, int] = {}
        self._not_before: dict[Step, float] = {}
        self._pause: dict[Step, float] = {}
        self._since: dict[LdName, float] = {}
        self._spent: dict[LdName, float] = {}
        """Seconds waited for an LV whose link has since ended as done, but is not proven yet."""
        self._changes_done = 0
        self._asked: dict[LdName, float] = {}
        self._changed: dict[LdName, float] = {}
        self._begun_at = tools.clock.now()
        self.screens: dict[LdName, BvScreen] = {}
        self.asked_at: dict[LdName, float] = {}
        """BV -> when its screen in `screens` was asked for; seconds since the epoch."""
        self.unread: dict[LdName, Unread] = {}
        """BV -> why its last reading proved nothing."""
        self.journal_fault: str | None = None
        self._owed_on_disk = False
        """Where the journal ended, `post_resync` was owed."""

    def drive(self) -> tuple[Closed, bool]:
        """Perform steps until nothing is left; the result, and whether the run stays open."""
        with ThreadPoolExecutor(max(1, len(self.run.plan.bvs))) as pool:
            while not isinstance(steps := self._next(), Closed):
                due = [step for step in steps if self._not_before.get(step, 0.0) <= self._tools.clock.now()]
                for step in due:
                    self._begin(step, pool)
                self._await()
        return self._end(steps)

    def changed_at(self, bv: LdName) -> float:
        """When a CHANGE last began or ended on `bv`, seconds since the epoch; before a recovery nobody knows."""
        planned = self.run.recovering and bv in self.run.plan.bvs
        return self._changed.get(bv, self._begun_at if planned else float("-inf"))

    def verified(self, bv: LdName) -> bool:
        """Whether the screen of `bv` in `screens` is newer than everything that was done on it."""
        in_flight = any(step.bv == bv for step in self.run.in_flight)
        return bv in self.screens and bv not in self.run.unverified and not in_flight

    def note(self, item: Event, argv: tuple[str, ...] = ()) -> None:
        """Journal an event and fold it in."""
        self._write(Line(self._tools.clock.now(), item, argv))
        self.run = apply(self.run, item)

    def _next(self) -> tuple[Step, ...] | Closed:
        why = self._tools.stop()
        if why and not self.run.turn_back:
            self._turn_back(why)
        self._settle()
        self._heed_bounds()
        now = self._tools.clock.now()
        return next_steps(self.run, frozenset(step for step, at in self._not_before.items() if at > now))

    def _turn_back(self, why: str) -> None:
        self._tools.narrator.say("WARNING", f"turning back: {why}")
        self.note(TurnBack(why))

    def _write(self, line: Line) -> bool:
        """Append to the journal; the first failure ends journalling and turns the run back."""
        if self.journal_fault:
            return False
        try:
            self._tools.journal.append(line)
        except EnvironmentProblem as problem:
            self.journal_fault, self._owed_on_disk = problem.text, self.run.owes_post
            self._tools.narrator.say("ERROR", f"{problem.text}: no more creates, the LVs are linked again")
            self.run = apply(self.run, TurnBack("the journal cannot be written"))
            return False
        return True

    def _begin(self, step: Step, pool: ThreadPoolExecutor) -> None:
        """Journal the intent, then send the command; what the journal does not know is only sent to rescue an LV."""
        if isinstance(step, Unlink | Create) and not self._tools.intact():
            # Somebody else may hold a lock of that name now: nothing new is begun, what is detached is linked.
            self._turn_back("the lock of the array is not ours any more: its file was removed or replaced")
            return
        argv, began = self._argv(step), Began(step)
        restores = isinstance(step, Observe | Link) or step == Hook(POST)
        if not self._write(Line(self._tools.clock.now(), began, argv)) and not restores:
            return
        self.run = apply(self.run, began)
        (self._asked if isinstance(step, Observe) else self._changed)[step.bv] = self._tools.clock.now()
        if argv:
            self._tools.narrator.say("DEBUG" if isinstance(step, Observe) else "INFO", " ".join(argv))
        self._workers[pool.submit(self._perform, step)] = step

    def _argv(self, step: Step) -> tuple[str, ...]:
        match step:
            case Observe(bv):
                return query_detail(bv).argv
            case Hook(name):
                return self._tools.hooks.argv(name)
            case _:
                return command_of(step).argv

    def _perform(self, step: Step) -> Answer:
        if isinstance(step, Hook):
            return HookEnd(self._tools.hooks.perform(step.name, self.run.plan.pairs))
        if not isinstance(step, Observe):
            return self._tools.changer.change(command_of(step))
        text = text_of(self._tools.reader.read(query_detail(step.bv)))
        if isinstance(text, Unread):
            return text
        screen = parse_detail(text, step.bv)
        if isinstance(screen, Unread):
            return screen
        known = {pair.lv for pair in self.run.pairs_on(step.bv) if pair.wwn}
        return Looked(screen, self._tools.devices.wwns(_files(screen, known)))

    def _await(self) -> None:
        """Take in what has ended; with nothing in flight, let time pass."""
        self._tools.narrator.progress(self.run, self._changes_done, self._total)
        if not self._workers:
            self._tools.clock.sleep(TICK)
            return
        ended, _ = wait(self._workers, timeout=TICK, return_when=FIRST_COMPLETED)
        for future in ended:
            step = self._workers.pop(future)
            error = future.exception()
            if error is not None:
                self._tools.narrator.say("ERROR", f"internal error: {error!r}")
                self._take(step, Unclear(step, f"internal error: {error!r}", landed=isinstance(step, Observe | Hook)))
            elif isinstance(step, Observe):
                self._take_reading(step, future.result())
            else:
                self._take_output(step, future.result())

    def _take_hook(self, hook: Hook, answer: HookEnd) -> None:
        if answer.why is not None:
            self._tools.narrator.say("ERROR", f"{hook.name}: {answer.why}")
        self._take(hook, Done(hook) if answer.why is None else NotDone(hook, answer.why))

    def _take_output(self, step: Change | Hook, answer: Answer) -> None:
        if isinstance(step, Hook) and isinstance(answer, HookEnd):
            self._take_hook(step, answer)
            return
        if isinstance(step, Hook) or not isinstance(answer, Output):
            raise TypeError(f"{type(step).__name__} answered with {type(answer).__name__}")
        event = outcome(step, answer)
        if answer.ending is Ending.ABANDONED and answer.pid is not None:
            self._pids[step] = answer.pid
        self._tell(event, answer)
        self._take(step, event)

    def _tell(self, event: Done | NotDone | Unclear, output: Output) -> None:
        """Log a command's own words, as the array printed them."""
        if isinstance(event, Done):
            self._changes_done += 1
            self._tools.narrator.say("INFO", output.stdout.rstrip("\n") + "\n")
            return
        self._tools.narrator.say("WARNING" if isinstance(event, NotDone) else "ERROR", event.why)

    def _take_reading(self, step: Observe, answer: Answer) -> None:
        """A reading that proves every planned pair of the BV, or the reason why it does not."""
        rows: tuple[Row, ...] | Unread
        if isinstance(answer, Looked):
            rows = rows_of(self.run.pairs_on(step.bv), answer.screen, self._tools.array.words)
        else:
            rows = answer if isinstance(answer, Unread) else Unread("unreadable", "no screen", "")
        if isinstance(rows, Unread):
            self.unread[step.bv] = rows
            self._tools.narrator.say("WARNING", rows.text)
            self._take(step, Unclear(step, rows.text))
            return
        if isinstance(answer, Looked):
            self.screens[step.bv], self.asked_at[step.bv] = answer.screen, self._asked[step.bv]
            rows = tuple(row._replace(wwn=answer.wwns.get(row.lv)) for row in rows)
        self.unread.pop(step.bv, None)
        failures, before = self.run.failures, self.run
        for start in range(0, len(rows), ROWS_A_LINE):
            part = rows[start : start + ROWS_A_LINE]
            self.note(Seen(step.bv, part, more=start + ROWS_A_LINE < len(rows)))
        for failure in self.run.failures[len(failures) :]:
            self._tools.narrator.say("ERROR", f"{failure.subject}: {failure.why}")
        self._pace(step, again=self._moving(step.bv))
        self._check_links(step.bv, before)

    def _check_links(self, bv: LdName, before: Run) -> None:
        """A link that ended as done is believed only now: without effect it failed, and is tried again like one."""
        for pair in self.run.pairs_on(bv):
            links = [step for step in self.run.attempts if isinstance(step, Link) and step.lv == pair.lv]
            if self.run.lvs[pair.lv] is not DETACHED:
                self._spent.pop(pair.lv, None)
                for link in links:
                    self._pause.pop(link, None)
            elif claimed := [link for link in links if link.sv == before.lvs[pair.lv]]:
                text = f"{pair.lv} is detached, although linking it to {claimed[0].sv} ended as done"
                self._tools.narrator.say("ERROR", text)
                for link in claimed:
                    self._pace(link, again=True)

    def _take(self, step: Step, event: Done | NotDone | Unclear) -> None:
        turned = self.run.turn_back
        if not isinstance(step, Observe):
            self._changed[step.bv] = self._tools.clock.now()
        self.note(event)
        if self.run.turn_back and not turned:
            self._tools.narrator.say("WARNING", f"turning back: {self.run.turn_back}")
        self._pace(step, again=not isinstance(event, Done))

    def _pace(self, step: Step, *, again: bool) -> None:
        """The same step may begin again only after a pause; pauses grow, those of a link until a reading proves it."""
        if not again:
            if not isinstance(step, Link):
                self._pause.pop(step, None)
            self._not_before.pop(step, None)
            return
        pause = BUSY_PAUSE if not isinstance(step, Observe | Link) else self._pause.get(step, FIRST_PAUSE)
        self._pause[step] = min(pause * 2, LONGEST_PAUSE)
        self._not_before[step] = self._tools.clock.now() + pause

    def _moving(self, bv: LdName) -> bool:
        facts = [self.run.svs[pair.target] for pair in self.run.pairs_on(bv)]
        return any(fact is not None and fact.kind is Kind.MOVING for fact in facts)

    def _settle(self) -> None:
        """Take in the last word of commands that were abandoned and have ended since."""
        for step, pid in list(self._pids.items()):
            output = self._tools.changer.settled(pid)
            if output is not None and not isinstance(step, Observe | Hook):
                del self._pids[step]
                event = outcome(step, output)
                self._tell(event, output)
                self._take(step, event)

    def _heed_bounds(self) -> None:
        """Give up what has been waited for long enough."""
        settings = self._tools.settings
        for bv in self.run.plan.bvs:
            # A BV that only waits for its turn to be read has not been asked in vain.
            in_vain = Observe(bv) in self._not_before or any(step.bv == bv for step in self.run.adrift)
            bound = settings.settle_timeout if self._moving(bv) else settings.relink_timeout
            waits = bv not in self.run.closed and (in_vain or self._moving(bv))
            if self._overdue(bv, waits, bound) and not any(step.bv == bv for step in self._workers.values()):
                self.note(GaveUp(bv, None, self._patience(bv, bound)))
        for pair in self.run.plan.pairs:
            away = not isinstance(self.run.lvs[pair.lv], str)
            waits = away and any(isinstance(step, Link) and step.lv == pair.lv for step in self._not_before)
            if self._overdue(pair.lv, waits and pair.lv not in self.run.abandoned, settings.relink_timeout):
                self.note(GaveUp(pair.bv, pair.lv, f"it could not be linked within {settings.relink_timeout:.0f} s"))

    def _patience(self, bv: LdName, bound: float) -> str:
        """What was waited for in vain on `bv`."""
        if any(step.bv == bv for step in self.run.adrift):
            return f"a command on BV {bv} did not end within {bound:.0f} s more"
        if self._moving(bv):
            return f"an SV of BV {bv} was still changing after {bound:.0f} s"
        return f"nothing could be found out about BV {bv} within {bound:.0f} s"

    def _overdue(self, name: LdName, waits: bool, bound: float) -> bool:  # noqa: FBT001 - a condition, not a mode
        """Whether `name` has been waited for longer than `bound`; the clock starts when the waiting does.

        A link that ended as done stops the clock; it goes on where a reading shows that it was not.
        """
        now = self._tools.clock.now()
        if waits:
            return now - self._since.setdefault(name, now - self._spent.pop(name, 0.0)) > bound
        since = self._since.pop(name, None)
        claimed = any(pair.lv == name and pair.bv in self.run.unverified for pair in self.run.plan.pairs)
        if since is not None and claimed and isinstance(self.run.lvs[name], str):
            self._spent[name] = now - since
        return False

    def _end(self, result: Closed) -> tuple[Closed, bool]:
        """Close the journal, or leave the run open where a later `resume` can still mend or find out something."""
        self._tools.narrator.progress(self.run, self._changes_done, self._total)
        is_open = stays_open(self.run)
        self._write(Line(self._tools.clock.now(), Left(*result) if is_open else result))
        if self.journal_fault:
            # What a resume tells has no word for "linked, but not written down", so it is not said to be done.
            # A refusal changed nothing, and stays one, unless what is on disk owes a post_resync.
            stays = result.exit == REFUSED and not self._owed_on_disk
            code = REFUSED if stays else max(result.exit, 6 if self.run.recovering else 5)
            text = result.text if result.exit else f"every LV is linked; images {result.images}"
            return Closed(code, result.images, f"{text}; {self.journal_fault}"), True
        if not is_open:
            self.run = apply(self.run, result)
        return result, is_open


def _files(screen: BvScreen, lvs: Collection[LdName]) -> dict[LdName, str | None]:
    """LV -> the special file that a screen names for it."""
    shown = [record.lv for record in screen.records.values() if isinstance(record, SvRecord) and record.lv]
    return {lv.name: lv.special_file for lv in shown if lv.name in lvs}
