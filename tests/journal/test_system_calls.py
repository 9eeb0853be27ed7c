"""Every system call of an append, and of a prune: killed at it, or refused by it, on the real file system.

strace attaches to a process that stands before its append, and harms its n-th call from there on, for every n until
the append is past all harm.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.adapters.journal import Journal
from necism_monitor.adapters.journal_file import read_run
from necism_monitor.domain.history import Totals
from necism_monitor.domain.record import Line
from tests.journal.book import AT, RESOURCE, WHOLE_RUN, header
from tests.journal.test_prune import KEEP, NOW, run

GENEROUS: Final = 60.0
BEFORE: Final = 3
"""Lines that stand before the append."""
DONE, REFUSED, KILLED = 0, 3, -9
FILE_CALLS: Final = frozenset(
    "openat fstat newfstatat lstat stat statx read pread64 write fdatasync fsync ftruncate mkdir chmod fchmod rename"
    " unlink flock getdents64".split()
)
"""Those that a disk refuses.  A close that fails has closed all the same."""
SERVER: Final = """
import ctypes, os, signal, sys
from pathlib import Path
from necism_monitor.adapters import journal_prune, journal_writer  # loaded before: an import is no part of an act
from necism_monitor.adapters.journal import Journal
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.record import Line
from tests.journal.book import AT, RESOURCE, WHOLE_RUN, header
from tests.journal.test_prune import KEEP, NOW

def prepare_append(state):
    journal = Journal(state).begin(header(), AT)
    for number, item in enumerate(WHOLE_RUN[:3]):
        journal.append(Line(AT + number, item))
    return lambda: journal.append(Line(AT + 3, WHOLE_RUN[3]))

def prepare_begin(state):
    book, first = Journal(state), header()
    return lambda: book.begin(first, AT).append(Line(AT, first))

def prepare_prune(state):
    book = Journal(state, is_alive=lambda _owner: False)
    def act():
        if book.prune(RESOURCE, NOW, KEEP):
            raise EnvironmentProblem("told")
    return act

def child(word, state):
    act = globals()["prepare_" + word](Path(state))
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)  # anybody of ours may trace this process
    os.write(1, b"%d\\n" % os.getpid())
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        act()
    except EnvironmentProblem:
        os._exit(3)
    os._exit(0)

for line in iter(lambda: os.read(0, 4096), b""):
    pid = os.fork()
    if pid == 0:
        child(*line.decode().split(" ", 1))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(1, b"%d\\n" % code)
"""


def unmeasured() -> dict[str, str]:
    """Without what makes a process measure its coverage, which it writes down as it ends: those calls are not meant."""
    return {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}


class Bench:
    """A process whose children do one thing each, under strace."""

    def __init__(self, strace: Path, log: Path) -> None:
        self._strace, self._log = strace, log
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=unmeasured()
        )

    def harm(self, word: str, state: Path, inject: str) -> int:
        """What a child's end tells that does `word` while strace does `inject` to it."""
        self._tell(f"{word} {state}".encode())
        pid = int(self._hear())
        until(lambda: status(pid, "State").startswith("T"))
        argv = [str(self._strace), "-qq", "-o", str(self._log), "-e", inject, "-p", str(pid)]
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as tracer:
            until(lambda: tracer.poll() is not None or status(pid, "TracerPid") != "0")
            os.kill(pid, signal.SIGCONT)
            code = int(self._hear())
            _, said = tracer.communicate(timeout=GENEROUS)
        if "not permitted" in said:
            pytest.skip(f"this machine forbids strace: {said}")
        assert said == "", said
        return code

    @property
    def calls(self) -> list[str]:
        """The system calls of the last child, but for its end."""
        lines = self._log.read_text().splitlines()
        names = [line.partition("(")[0] for line in lines if not line.startswith(("---", "+++"))]
        return [name for name in names if name.isidentifier() and name != "exit_group"]

    @property
    def harmed(self) -> bool:
        """Whether the last child met what was meant for it."""
        return "(INJECTED" in self._log.read_text()

    def _tell(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def _hear(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def status(pid: int, field: str) -> str:
    """A field of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":\t")[2] for line in lines if line.startswith(f"{field}:"))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture(name="bench", scope="module")
def bench_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One process for all experiments: a start of Python for each would take most of the time."""
    from tests.servers import require_server  # noqa: PLC0415 - the fixture of that name serves one test at a time

    bench = Bench(require_server("strace"), tmp_path_factory.mktemp("strace") / "log")
    with bench.process as process:
        yield bench
        assert process.stdin is not None
        process.stdin.close()
        process.wait(GENEROUS)


def walk(bench: Bench, word: str, root: Path, harm: str, judge: Callable[[Path, int], None]) -> list[str]:
    """Do `word` once for each system call that it makes, with the harm at that call; the calls, in their order.

    strace counts every call by its own name: the third write is `write:when=3`.
    """
    state = root / "unharmed"
    prepare(word, state)
    assert bench.harm(word, state, "trace=all") == DONE
    judge(state, DONE)
    calls = [call for call in bench.calls if harm.startswith("signal=") or call in FILE_CALLS]
    for number, call in enumerate(calls):
        state, occurrence = root / f"{number} {call}", calls[:number].count(call) + 1
        prepare(word, state)
        code = bench.harm(word, state, f"inject={call}:{harm}:when={occurrence}")
        assert bench.harmed or code == KILLED, (call, occurrence)
        judge(state, code)
    return calls


def prepare(word: str, state: Path) -> None:
    """Set the stage of an experiment."""
    if word == "prune":
        for day in (1, 2, 3, 399):
            run(state, day, key=str(day))
        Journal(state).refuse({"at": AT, "service": "svc", "resource": "sync#1", "code": "locked"})


def written(state: Path) -> tuple[tuple[Line, ...], bool]:
    """What a reader finds: never damage."""
    (path,) = (state / "runs/svc/sync#1").glob("*.jsonl")
    found = read_run(path)
    return (found.lines, found.torn) if found else ((), path.stat().st_size > 0)


def judge_append(state: Path, code: int) -> None:
    """The line is there and was said to be, or it is not; a run can go on behind either."""
    lines, torn = written(state)
    count = len(lines)
    assert [line.at for line in lines] == [AT + number for number in range(count)]
    expected = {DONE: {BEFORE + 1}, REFUSED: {BEFORE}, KILLED: {BEFORE, BEFORE + 1}}
    assert count in expected[code], code
    assert not (torn and code == DONE)
    go_on(state, count)


def go_on(state: Path, count: int) -> None:
    """The next process opens the run and writes behind what is there."""
    reopened = Journal(state).reopen(RESOURCE)
    assert reopened is not None
    reopened[1].append(Line(AT + count, WHOLE_RUN[count]))
    reopened[1].close()
    lines, torn = written(state)
    assert (len(lines), torn) == (count + 1, False)


def test_killed_at_any_system_call_of_an_append_the_line_is_there_or_not(bench: Bench, tmp_path: Path) -> None:
    """Never half: a torn tail is dropped, and the run goes on behind it."""
    met = walk(bench, "append", tmp_path, "signal=KILL", judge_append)
    assert [call for call in met if call in {"write", "fdatasync"}] == ["write", "fdatasync"]


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_refused_by_any_system_call_of_an_append_the_line_is_not_there(
    bench: Bench, tmp_path: Path, error: str
) -> None:
    """Who was told that it is not written finds it unwritten; who was told nothing bad finds it on disk."""
    met = walk(bench, "append", tmp_path, f"error={error}", judge_append)
    assert (len(met), met[-2:]) == (4, ["write", "fdatasync"])


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_refuses_everything_from_some_call_on_leaves_no_damage(
    bench: Bench, tmp_path: Path, error: str
) -> None:
    """Where even taking a line back fails, a whole one may stay that its writer was told is not: it says the truth."""

    def judge(state: Path, code: int) -> None:
        lines, torn = written(state)
        assert code in {DONE, REFUSED}
        assert len(lines) in ({BEFORE + 1} if code == DONE else {BEFORE, BEFORE + 1})
        assert not (torn and code == DONE)
        go_on(state, len(lines))

    for call in ("write", "fdatasync"):
        state = tmp_path / call
        inject = f"inject={call},ftruncate:error={error}:when=1+"
        judge(state, bench.harm("append", state, inject))
        assert bench.harmed


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_refused_append_can_be_tried_again(bench: Bench, tmp_path: Path, call: str) -> None:
    """The file ends as before: its number is free, and the writer's own next line fits (in a process of its own)."""
    code = bench.harm("append", tmp_path / "state", f"inject={call}:error=EIO:when=1")
    assert (code, written(tmp_path / "state")) == (REFUSED, (written(tmp_path / "state")[0][:BEFORE], False))


def judge_begin(state: Path, code: int) -> None:
    """No file, an empty one, or one with its header; the next run begins beside it."""
    files = list((state / "runs").glob("svc/sync#1/*.jsonl"))
    counts = [len(found.lines) if (found := read_run(path)) else 0 for path in files]
    allowed: dict[int, list[list[int]]] = {DONE: [[1]], REFUSED: [[], [0]], KILLED: [[], [0], [1]]}
    assert counts in allowed[code], code
    later = Journal(state).begin(header(id="ffff0000"), AT + 60)
    later.append(Line(AT + 60, header(id="ffff0000")))
    later.close()
    assert not isinstance(Journal(state).totals((RESOURCE,))[RESOURCE.id], Exception)


@pytest.mark.long
@pytest.mark.parametrize("harm", ["signal=KILL", "error=ENOSPC"])
def test_a_run_begins_with_its_header_or_not_at_all(bench: Bench, tmp_path: Path, harm: str) -> None:
    """Every system call from the first directory to the header on disk."""
    assert len(walk(bench, "begin", tmp_path, harm, judge_begin)) >= 10


def judge_prune(state: Path, code: int) -> None:
    """Counted once, whatever is left of the files; the next prune ends the work."""
    for _ in range(2):
        book = Journal(state, is_alive=lambda _owner: False)
        assert book.totals((RESOURCE,))[RESOURCE.id] == Totals(4, 0, 10.0, 4.0)
        assert book.refused() == {"locked": 1}
        assert book.prune(RESOURCE, NOW, KEEP) == ()
    assert len(list((state / "runs/svc/sync#1").glob("*.jsonl"))) == 1
    assert not list(state.glob("refusals-2*"))


@pytest.mark.long
@pytest.mark.parametrize("harm", ["signal=KILL", "error=EIO"])
def test_a_prune_that_ends_at_any_system_call_counts_every_run_once(bench: Bench, tmp_path: Path, harm: str) -> None:
    """Killed or refused; nothing is lost, nothing is doubled, and no exception leaves it."""
    assert len(walk(bench, "prune", tmp_path, harm, judge_prune)) >= 15


# --- frozen processes ---------------------------------------------------------------------------------------------

FROZEN_READER: Final = """
import os, signal, sys
from pathlib import Path
from necism_monitor.adapters.journal import Journal
from tests.journal.book import RESOURCE
read = Path.read_bytes
def freeze(path):
    with path.open("rb") as file:
        file.read(10)
        os.kill(os.getpid(), signal.SIGSTOP)
        return read(path)
Path.read_bytes = freeze
print(type(Journal(Path(sys.argv[1])).history(RESOURCE)).__name__)
"""
FROZEN_WRITER: Final = """
import os, signal, sys
from pathlib import Path
from necism_monitor.adapters.journal import Journal
from necism_monitor.domain.record import Line
from tests.journal.book import AT, WHOLE_RUN, header
sync = os.fdatasync
journal = Journal(Path(sys.argv[1])).begin(header(), AT)
journal.append(Line(AT, WHOLE_RUN[0]))
os.fdatasync = lambda descriptor: (os.kill(os.getpid(), signal.SIGSTOP), sync(descriptor))
journal.append(Line(AT + 1, WHOLE_RUN[1]))
"""


def frozen(script: str, state: Path) -> "subprocess.Popen[str]":
    """A process that has stopped itself in the middle of its work."""
    process = subprocess.Popen([sys.executable, "-c", script, str(state)], stdout=subprocess.PIPE, text=True)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    return process


def thaw(process: "subprocess.Popen[str]") -> str:
    os.kill(process.pid, signal.SIGCONT)
    out, _ = process.communicate(timeout=GENEROUS)
    assert process.returncode == 0
    return out.strip()


def test_a_frozen_reader_holds_nobody_up(tmp_path: Path) -> None:
    """Stopped with the file open: a run is written to its end and pruned; woken up, it reads what there is then."""
    journal = Journal(tmp_path).begin(header(), AT)
    journal.append(Line(AT, WHOLE_RUN[0]))
    process = frozen(FROZEN_READER, tmp_path)
    for number, item in enumerate(WHOLE_RUN[1:], 1):
        journal.append(Line(AT + number, item))
    journal.close()
    run(tmp_path, 399)
    book = Journal(tmp_path, is_alive=lambda _owner: False)
    assert book.prune(RESOURCE, NOW, KEEP) == ()
    assert book.totals((RESOURCE,))[RESOURCE.id] == Totals(2, 0, 10.0, 4.0)
    assert not journal.path.exists()
    assert thaw(process) == "History"


def test_a_frozen_writer_holds_no_reader_up(tmp_path: Path) -> None:
    """Stopped between a line and its sync: readers get whole lines at once, of every resource."""
    process = frozen(FROZEN_WRITER, tmp_path)
    found = Journal(tmp_path).runs(RESOURCE.id)
    assert [len(one.lines) for one in found if not isinstance(one, Exception)] == [2]
    Journal(tmp_path).refuse({"at": AT, "service": "svc", "resource": "sync#1", "code": "locked"})
    assert Journal(tmp_path).refused() == {"locked": 1}
    thaw(process)
