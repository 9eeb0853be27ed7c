"""From a step and the output of its command to what the run may believe.

Done by its own word: exit 0 and the command's own success message; for a create also the state and date it prints.
Not done by its own word: it could not be started, or it failed naming one of the five busy ids.
Everything else is unclear, and unclear is found out by reading, never guessed.
"""

from __future__ import annotations

from necism_monitor.domain.events import Change, Create, Done, Link, NotDone, Unclear, Unlink
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.stamps import printed_form
from necism_monitor.domain.states import SnapWord
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.commands import ChangeCommand, create, link, unlink
from necism_monitor.ism.messages import MessageClass, is_busy, parse_created, terminated_normally
from necism_monitor.ism.output import Ending, Output

_SUCCESS = {
    Unlink: MessageClass.SUCCESS_UNLINK,
    Create: MessageClass.SUCCESS_CREATE,
    Link: MessageClass.SUCCESS_LINK,
}


def command_of(step: Change) -> ChangeCommand:
    """The command that performs `step`."""
    match step:
        case Unlink(lv=lv):
            return unlink(lv)
        case Create(bv=bv, sv=sv):
            return create(bv, sv)
        case Link(lv=lv, sv=sv, access=access):
            return link(lv, sv, access)


def outcome(step: Change, output: Output) -> Done | NotDone | Unclear:
    """What `output` says about `step`."""
    if output.ending is Ending.ABANDONED:
        return Unclear(step, _left_alone(output), landed=False)
    if output.never_ran or is_busy(output):
        return NotDone(step, why(output), busy=not output.never_ran)
    if not terminated_normally(output, _SUCCESS[type(step)]):
        return Unclear(step, why(output))
    return _created(step, output) if isinstance(step, Create) else Done(step)


def _created(step: Create, output: Output) -> Done | Unclear:
    """A create is believed only with `snap/active` and a date of its own SV."""
    said = parse_created(output.stdout, step.bv, step.sv)
    if isinstance(said, Unread):
        return Unclear(step, said.text)
    if said.state_word != SnapWord.ACTIVE.value or said.taken_at is None:
        return Unclear(step, f"it ended normally, but {step.sv} is in state {said.state_word!r}")
    return Done(step, printed_form(said.taken_at))


def _left_alone(output: Output) -> str:
    """Of a command past its deadline; whether it still runs is true only for a while, so it is not said here."""
    if output.code is not None:
        return f"{' '.join(output.argv)}: the connection broke, it may still work there ({output.stderr.strip()})"
    waited = max(0.0, output.ended_at - output.started_at)
    return f"{' '.join(output.argv)}: no answer within {waited:.0f} s, and it was left alone (process {output.pid})"


def why(output: Output) -> str:
    """One line about what came back, for the journal and the log."""
    said = text_of(output)
    return said.text if isinstance(said, Unread) else "exit code 0 without the message of success"
