"""The plugin's own time."""

from __future__ import annotations

from necism_monitor.ism.commands import ReadCommand
from necism_monitor.ism.output import Ending, Output
from necism_monitor.nagios.deadline import Deadline, PunctualReader

ASK = ReadCommand(("iSMview", "-d"))


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


class SlowReader:
    """Takes its time, at most what it is given, and says what it was given."""

    def __init__(self, watch: Watch, takes: float) -> None:
        self.watch, self.takes = watch, takes
        self.given: list[float | None] = []

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        self.given.append(timeout)
        assert timeout is not None
        self.watch.time += min(self.takes, timeout)
        ending = Ending.EXITED if self.takes <= timeout else Ending.TIMED_OUT
        return Output(command.argv, ending, 0 if ending is Ending.EXITED else None, "x", "", 0, 0)


def test_each_command_gets_what_is_left() -> None:
    """A reserve for killing is kept back, and every command shortens what the next one gets."""
    watch = Watch()
    slow = SlowReader(watch, 4)
    reader = PunctualReader(slow, Deadline(10, watch))
    reader.read(ASK)
    reader.read(ASK, timeout=1)
    reader.read(ASK, timeout=60)
    assert slow.given == [7.5, 1, 2.5]


def test_a_command_that_used_up_the_time_is_named() -> None:
    """It is the stage at which we hung; nothing is started after it, and what was asked for timed out."""
    watch = Watch()
    deadline, slow = Deadline(2, watch), SlowReader(watch, 100)
    reader = PunctualReader(slow, deadline)
    assert reader.read(ASK).ending is Ending.TIMED_OUT
    late = reader.read(ReadCommand(("iSMsc_query", "-x")))
    assert (late.ending, late.code) == (Ending.TIMED_OUT, None)
    assert deadline.cut_short == ["iSMview -d", "iSMsc_query -x"]
    assert len(slow.given) == len(deadline.outputs) == 1


def test_an_array_s_own_limit_is_no_timeout_of_ours() -> None:
    """A command stopped by a shorter limit leaves time for the others."""
    watch = Watch()
    deadline, slow = Deadline(50, watch), SlowReader(watch, 100)
    reader = PunctualReader(slow, deadline)
    assert reader.read(ASK, timeout=5).ending is Ending.TIMED_OUT
    assert deadline.cut_short == []
    assert deadline.left() == 42.5
