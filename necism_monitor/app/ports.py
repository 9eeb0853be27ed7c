"""What the use cases need from outside, as Protocols; adapters fulfil them, tests hand in their own.

What the methods speak of is named for the type checker only: who needs a clock does not load the journal's events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from necism_monitor.domain.checkup import Place, Schedules
    from necism_monitor.domain.diary import Diary
    from necism_monitor.domain.events import PlannedPair
    from necism_monitor.domain.history import Activity, History, Totals
    from necism_monitor.domain.model import Resource
    from necism_monitor.domain.names import ArrayName, LdName, ResourceId
    from necism_monitor.domain.reading import Observation, Unread, Volumes
    from necism_monitor.domain.record import Header, Line, RunFile
    from necism_monitor.domain.request import Errand, Found
    from necism_monitor.domain.run import Run
    from necism_monitor.domain.use import Use
    from necism_monitor.ism.commands import ChangeCommand, HostCommand, ReadCommand
    from necism_monitor.ism.output import Output


class Clock(Protocol):
    """Wall clock and waiting."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Reader(Protocol):
    """Sends READ commands to one array; every call has a deadline."""

    def read(self, command: ReadCommand, timeout: float | None = None) -> Output:
        """Run `command`; `timeout` in seconds shortens the array's `read_timeout`."""
        ...


class Changer(Protocol):
    """Sends CHANGE commands to one array.  Only somebody who holds its lock can make one; it is never signalled."""

    def change(self, command: ChangeCommand) -> Output:
        """Run `command` and wait for it up to the array's `change_timeout`; then it is abandoned, not killed."""
        ...

    def settled(self, pid: int) -> Output | None:
        """The final output of an abandoned command, or None while it may still land."""
        ...


class VolumeMap(Protocol):
    """Remembers where volumes were last seen; losing it costs commands, never correctness."""

    def load(self) -> Volumes:
        """What is remembered; nothing where there is nothing readable."""
        ...

    def save(self, volumes: Volumes) -> bool:
        """Remember; whether that is done: a store that cannot be written is no error."""
        ...


class Journals(Protocol):
    """Reads the journals; takes no lock."""

    def histories(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, History | Unread]:
        """What is remembered of each resource, `Unread` where its journal is damaged or cannot be opened."""
        ...

    def diary(self, resources: tuple[Resource, ...], now: float) -> Diary:
        """The open run, the last runs and refusals of each resource; what cannot be told is named in it."""
        ...

    def totals(self, resources: tuple[Resource, ...]) -> Mapping[ResourceId, Totals | Unread]:
        """What all runs of each resource come to, `Unread` where one of its journals is damaged."""
        ...

    def refused(self, leaving_out: Collection[ResourceId] = ()) -> Mapping[str, int] | None:
        """How often each code was refused, but for the resources left out; None where nobody can tell."""
        ...

    def last_change_at(self) -> float | None:
        """When the last CHANGE was journalled; seconds since the epoch."""
        ...

    def changes_since(self, at: float) -> Mapping[ResourceId, Mapping[LdName, float] | None]:
        """Per resource the base volumes with a CHANGE at or after `at`, and when the last word about one was written.

        None for a resource whose journal was written since then and is damaged: nobody knows what it changed.
        """
        ...


class ObservationStore(Protocol):
    """The observation file."""

    def load(self) -> Mapping[ArrayName, Observation | Unread]:
        """The saved observations; `Unread` where there are none or they cannot be read."""
        ...

    def save(self, observations: Mapping[ArrayName, Observation]) -> None:
        """Replace the file atomically; raises EnvironmentProblem."""
        ...


class SharedStore(ObservationStore, Protocol):
    """The observation file, for those who change what it is about."""

    def remove(self, array: ArrayName) -> None:
        """Take out the reading of one array, atomically; raises EnvironmentProblem."""
        ...


class RunJournal(Protocol):
    """The journal of one run; only the holder of the array's lock writes it."""

    def append(self, line: Line) -> None:
        """Write one line durably; raises EnvironmentProblem and leaves the file as it was."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class JournalBook(Journals, Protocol):
    """The journals, to be written."""

    def history(self, resource: Resource) -> History | Unread:
        """What is remembered of one resource."""
        ...

    def begin(self, header: Header, at: float) -> RunJournal:
        """The journal of a new run; raises EnvironmentProblem."""
        ...

    def reopen(self, resource: Resource) -> tuple[RunFile, RunJournal] | None:
        """The newest run of a resource if it has no end, to be continued."""
        ...

    def set_aside(self, resource: Resource) -> tuple[tuple[str, str], ...]:
        """Rename every damaged journal of a resource; each with its path before and now.  Raises EnvironmentProblem."""
        ...

    def refuse(self, record: Mapping[str, Any]) -> None:
        """Note a refusal."""
        ...

    def activity(self, resource: Resource, trigger: str, key: str | None, now: float) -> Activity | Unread:
        """What has been done lately, as far as it holds back automatic callers; `Unread` where a journal is damaged.

        A key is spent together with its trigger: two callers may use the same text for different things.
        """
        ...

    def prune(self, resource: Resource, now: float, keep: float) -> tuple[str, ...]:
        """Remove what is older than `keep` seconds, and keep what it comes to; problems as sentences, never raised.

        Only for who holds the lock of the resource's array.
        """
        ...


class RequestBox(Protocol):
    """Where those without rights leave requests; nothing in it is believed."""

    def waiting(self) -> bool:
        """Whether anything lies there.  Raises EnvironmentProblem."""
        ...

    def scan(self) -> list[Found]:
        """What lies there, the oldest first.  Raises EnvironmentProblem."""
        ...

    def remove(self, name: str) -> None:
        """Take an entry away.  Raises EnvironmentProblem."""
        ...


class ErrandTray(Protocol):
    """What was taken out of the box and is not yet decided; survives a crash."""

    def errands(self) -> tuple[list[Errand], list[str]]:
        """What is to be done, the oldest first, and a sentence for each damaged one.  Raises EnvironmentProblem."""
        ...

    def holds(self, errand: Errand) -> bool:
        """Whether the same is known already."""
        ...

    def keep(self, errand: Errand) -> None:
        """Write it down durably.  Raises EnvironmentProblem."""
        ...

    def drop(self, errand: Errand) -> None:
        """It is decided.  Raises EnvironmentProblem."""
        ...


class Commands(Protocol):
    """Runs what the configuration names for a host."""

    def hook(self, argv: tuple[str, ...], timeout: float, *, env: Mapping[str, str] | None = None) -> Output:
        """Run `argv` with `env` added; after `timeout` seconds it is killed."""
        ...


class Hooks(Protocol):
    """What a run does on hosts around its changes."""

    def argv(self, name: str) -> tuple[str, ...]:
        """The command of a hook; nothing where it has none of its own."""
        ...

    def perform(self, name: str, pairs: tuple[PlannedPair, ...]) -> str | None:
        """Do it; a sentence about why it failed, or None."""
        ...


class HostDevices(Protocol):
    """What this host does with the devices behind LVs; every answer comes in bounded time."""

    def uses(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, Use]:
        """LV -> whether this host uses it; `files` are the special files that the array's commands print."""
        ...

    def flush(self, files: Mapping[LdName, str | None]) -> tuple[str, ...]:
        """Write back and drop the host's buffers of these devices; a sentence for each that could not be flushed."""
        ...

    def wwns(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, str]:
        """LV -> the World Wide Name that this host reads from its device, where it does."""
        ...


class HeldLock(Protocol):
    """An array's lock that is ours."""

    def intact(self) -> bool:
        """Whether it is still the lock that others ask for: somebody may have removed or replaced its file."""
        ...

    def release(self) -> None:
        """Give it up; a CHANGE command that inherited it still holds it."""
        ...


class Exclusive(Protocol):
    """The lock of one array, and who may send it CHANGE commands: only its holder."""

    def acquire(self, wait_seconds: float) -> HeldLock | str:
        """The lock, or a sentence about who has it."""
        ...

    def orphaned(self) -> bool:
        """Whether only a command, or a hook, has the lock, and who started it is known to be gone."""
        ...

    def changer(self, held: HeldLock) -> Changer:
        """A Changer whose commands inherit the lock."""
        ...


class Resetter(Protocol):
    """Sends the HOST command.  Only somebody who holds an array's lock can make one."""

    def reset(self, command: HostCommand) -> Output:
        """Run `command` and wait for it up to the array's `change_timeout`; then it is abandoned, not killed."""
        ...


class HostExclusive(Exclusive, Protocol):
    """The lock of one array, for who resets the volume list of the host that its commands run on."""

    def resetter(self, held: HeldLock) -> Resetter:
        """A Resetter whose command inherits the lock."""
        ...


class Surroundings(Protocol):
    """What `doctor` asks this host; every answer comes in bounded time, and could not ask is `Unread`."""

    def processes(self) -> tuple[str, ...] | Unread:
        """The command line of every process."""
        ...

    def unit_active(self, unit: str) -> bool | Unread | None:
        """Whether systemd calls the unit active; None where this host is not run by systemd."""
        ...

    def schedules(self) -> Schedules:
        """The files in which something may be scheduled."""
        ...

    def device(self, file: str) -> str | Unread | None:
        """Why a special file is no block device here; None where it is one."""
        ...

    def place(self, path: str) -> Place:
        """A file or directory, and what this user may do with it."""
        ...

    def synchronised(self) -> bool | Unread:
        """Whether the host's clock is kept by a time service."""
        ...

    def program(self, name: str) -> str | None:
        """Why a program cannot be started by this user; None where it can."""
        ...

    def libraries(self) -> Mapping[str, Mapping[str, bool]]:
        """Extra (empty: the base) -> the libraries it needs, and whether each is installed."""
        ...


class Narrator(Protocol):
    """Tells people what a run does; never raises."""

    def say(self, level: str, text: str) -> None:
        """One log entry; `level` is DEBUG, INFO, WARNING or ERROR."""
        ...

    def progress(self, run: Run, done: int, total: int) -> None:
        """How far the run is, in CHANGE commands."""
        ...
