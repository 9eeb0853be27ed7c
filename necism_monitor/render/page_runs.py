"""Runs on the page: an open one with its stages, the last ones, and what was refused lately."""

from __future__ import annotations

from typing import Final, NamedTuple

from necism_monitor.domain.course import Course, Mark, PairCourse, Stage, Turn
from necism_monitor.domain.diary import Entry, Note, OpenNote, Refused
from necism_monitor.domain.history import OpenRun, RunState
from necism_monitor.domain.tale import RunTale
from necism_monitor.render.page_words import clock, cut, date, exactly, exit_words, listed, span

_STAGES: Final = {"in_use": "in use?", "verify": "read again"}
_SLUGS: Final = {turn: turn.value.replace(" ", "-") for turn in Turn}
_CUT_OFF: Final = "cut off"


class StageView(NamedTuple):
    """One step of the stepper."""

    name: str
    slug: str
    """The class: done, at-work, in-doubt, failed, to-come, left-out or cut-off."""
    word: str
    figure: str
    when: str


class StepView(NamedTuple):
    """What one pair has behind it and before it: slug and words of unlink, create, link."""

    lv: str
    sv: str
    marks: tuple[tuple[str, str], ...]


class OpenView(NamedTuple):
    """A run without an end."""

    id: str
    state: str
    headline: str
    facts: tuple[tuple[str, str], ...]
    turned_back: str
    stages: tuple[StageView, ...]
    pairs: tuple[StepView, ...]


class RunView(NamedTuple):
    """A row of the last runs."""

    id: str
    began: str
    trigger: str
    user: str
    took: str
    slug: str
    """up, warn or unknown: how it ended."""
    exit: str
    words: str
    reason: str
    images: str
    longest: str
    detached: str
    phases: str


class RefusalView(NamedTuple):
    """A row of the last refusals."""

    at: str
    by: str
    code: str
    text: str
    hint: str


def view_open(run: OpenRun, note: OpenNote | None, now: float) -> OpenView:
    """The open run of the verdict, with what the journal tells of it where that is the same run."""
    told = note if note and note.tale.id == run.id else None
    gone = run.state is RunState.UNFINISHED
    course = told.course if told else Course((), (), "")
    return OpenView(
        id=run.id,
        state=run.state.value,
        headline="This run has no end, and its process is gone" if gone else "A resync is running",
        facts=_facts(run, told, now, gone=gone),
        turned_back=course.turned_back,
        stages=tuple(_stage(one, gone=gone) for one in course.stages),
        pairs=tuple(_steps(one, gone=gone) for one in course.pairs),
    )


def _facts(run: OpenRun, told: OpenNote | None, now: float, *, gone: bool) -> tuple[tuple[str, str], ...]:
    facts = [("Run", run.id), ("Since", f"{date(run.started_at)} ({span(max(0.0, now - run.started_at))})")]
    facts += [("By", f"{run.owner}, trigger {told.tale.trigger}" if told else run.owner)]
    if told and told.tale.reason:
        facts.append(("Reason", cut(told.tale.reason)))
    if run.step:
        facts.append(("Cut off while" if gone else "At work", run.step))
    facts.append(("Detached or unknown" if gone else "Detached now", listed(run.detached, 8) or "no LV"))
    away = max(told.tale.detached_seconds.values(), default=None) if told else None
    facts += [("Longest detached", exactly(away))] if away is not None else []
    facts += [("Owed", "post_resync: those whom pre_resync stopped wait for it")] if run.owes_post and gone else []
    return (*facts, *(() if gone else (("Its own deadline", date(run.deadline)),)))


def _stage(stage: Stage, *, gone: bool) -> StageView:
    turn, since, until = stage.turn, stage.since, stage.until
    when = f"since {clock(since)}" if turn is Turn.AT_WORK and since is not None else ""
    if turn is Turn.DONE and since is not None and until is not None:
        when = f"{clock(since)}, took {exactly(max(0.0, until - since))}"
    cut = gone and turn is Turn.AT_WORK
    return StageView(
        name=_STAGES.get(stage.kind, stage.kind),
        slug="cut-off" if cut else _SLUGS[turn],
        word=_CUT_OFF if cut else turn.value,
        figure=f"{stage.done} of {stage.total}" if stage.total > 1 else "",
        when=when,
    )


def _steps(one: PairCourse, *, gone: bool) -> StepView:
    return StepView(one.lv, one.sv, tuple(_mark(mark, gone=gone) for mark in (one.unlink, one.create, one.link)))


def _mark(mark: Mark, *, gone: bool) -> tuple[str, str]:
    at = "" if mark.at is None else clock(mark.at)
    if mark.turn is Turn.AT_WORK:
        return ("cut-off", f"{_CUT_OFF}, begun {at}") if gone else ("at-work", f"at work since {at}")
    return _SLUGS[mark.turn], f"{mark.turn.value} {at}".rstrip()


def view_runs(entry: Entry, shown: OpenRun | None, now: float) -> tuple[RunView, ...]:
    """The last runs but the one that is shown as open."""
    notes = entry.runs
    if entry.open and not (shown and shown.id == entry.open.tale.id):
        notes = (Note(entry.open.tale, ()), *notes)
    return tuple(_run(one, now) for one in notes)


def _run(note: Note, now: float) -> RunView:
    tale = note.tale
    away = sorted(tale.detached_seconds.items(), key=lambda item: -item[1])
    phases = [f"{one.kind} {_took(one.started_at, one.ended_at)}" for one in note.phases]
    return RunView(
        id=tale.id,
        began=f"{date(tale.started_at)} ({span(max(0.0, now - tale.started_at))} ago)",
        trigger=tale.trigger,
        user=tale.user,
        took=_took(tale.started_at, tale.ended_at),
        slug={0: "up", None: "unknown", 3: "unknown"}.get(tale.exit, "warn"),
        exit="no end" if tale.exit is None else f"exit {tale.exit}",
        words=cut(exit_words(tale.exit, _ended(tale))),
        reason=cut(tale.reason or ""),
        images=tale.images or "unknown",
        longest=exactly(away[0][1]) if away else "none was",
        detached=listed(tuple(f"{lv} {exactly(seconds)}" for lv, seconds in away), 8),
        phases=", ".join(phases),
    )


def _ended(tale: RunTale) -> str:
    return "it changed nothing, and its process is gone" if tale.open and not tale.binding else tale.text


def _took(began: float, ended: float | None) -> str:
    return "not ended" if ended is None else exactly(max(0.0, ended - began))


def view_refusals(refused: tuple[Refused, ...], now: float) -> tuple[RefusalView, ...]:
    """The last refusals."""
    return tuple(
        RefusalView(
            "-" if one.at is None else f"{date(one.at)} ({span(max(0.0, now - one.at))} ago)",
            f"{one.user or 'unknown'}, trigger {one.trigger or 'unknown'}",
            one.code,
            one.text,
            one.hint,
        )
        for one in refused
    )
