"""The devices behind LVs on this host: who uses them, what they are, and their buffers.

Looking may hang on a dead device, so a child process of the one seam looks, with a deadline; what did not answer is
unknown.  Buffers are flushed by blockdev(8), a command for each device: one that hangs costs itself only, and people
can repeat by hand what they find in a log.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from necism_monitor.domain.names import LdName
from necism_monitor.domain.use import Use, UseState
from necism_monitor.host.special_files import reject
from necism_monitor.ism.output import Ending, Output

_CODE: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from necism_monitor.adapters.blockdev_child import main; main()"
)
"""An isolated interpreter reads neither our directory nor PYTHON* variables, so it is told where the package is."""
_HOME: Final = str(Path(__file__).resolve().parents[2])
_ADMIN_FOLDERS: Final = "/usr/sbin:/sbin"
"""blockdev lives there, and not every PATH names them."""


class Runner(Protocol):
    """What starts a command that may be killed at its deadline: `adapters.process.ProcessRunner`."""

    def read(self, argv: tuple[str, ...], timeout: float, *, env: Mapping[str, str] | None = None) -> Output:
        """Run `argv` for at most `timeout` seconds."""
        ...


class Limits(NamedTuple):
    """How long things may take, in seconds."""

    look: float = 60.0
    """Everything the child does."""
    opening: float = 20.0
    """Of that, all opens together."""
    flush: float = 60.0
    """One device."""
    flush_all: float = 180.0


class BlockDevices:
    """The block devices of this host; fulfils `app.ports.HostDevices`.

    `proc`, `sys` and `dev` are the roots that are looked at.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        proc: Path = Path("/proc"),
        sys: Path = Path("/sys"),
        dev: Path = Path("/dev"),
        limits: Limits = Limits(),  # noqa: B008 - an immutable value
    ) -> None:
        self._runner, self._limits = runner, limits
        self._roots = {"proc": str(proc), "sys": str(sys), "dev": str(dev)}

    def uses(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, Use]:
        """LV -> whether this host uses it; `files` are the special files that the array's commands print."""
        answer, problem = self._ask("uses", files)
        return {lv: _read_use(file, answer, problem) for lv, file in files.items()}

    def flush(self, files: Mapping[LdName, str | None]) -> tuple[str, ...]:
        """Write back and drop the host's buffers of these devices; a sentence for each that could not be flushed."""
        answer, problem = self._ask("identify", files)
        if problem:
            return (f"{', '.join(_visible(files))}: buffers not flushed, {problem}",)
        problems = [f"{file}: buffers not flushed, {it['problem']}" for file, it in answer.items() if "problem" in it]
        devices = dict.fromkeys(device for it in answer.values() for device in it.get("devices", []))
        return (*problems, *self._flush_all(list(devices)))

    def wwns(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, str]:
        """LV -> the World Wide Name that this host reads from its device, where it does; a path and its map agree."""
        # Most are not: of an array whose LVs other hosts see, nobody waits for a child.
        there = {lv: file for lv, file in files.items() if file is not None and self._is_there(file)}
        answer, _ = self._ask("identify", there)
        names = {lv: answer[file].get("wwn") for lv, file in files.items() if file is not None and file in answer}
        return {lv: name for lv, name in names.items() if isinstance(name, str)}

    def _is_there(self, file: str) -> bool:
        """Whether there is anything of that name; a device is not opened for that."""
        return reject(file) is None and Path(self._roots["dev"], Path(file).relative_to("/dev")).exists()

    def _ask(self, verb: str, files: Mapping[LdName, str | None]) -> tuple[dict[str, Any], str]:
        """The child's answer by special file, and why there is none."""
        visible = _visible(files)
        if not visible:
            return {}, ""
        question = {"verb": verb, "files": visible, "seconds": self._limits.opening, **self._roots}
        argv = (sys.executable, "-I", "-S", "-c", _CODE, _HOME, json.dumps(question))
        return _read_answer(self._runner.read(argv, self._limits.look))

    def _flush_all(self, devices: list[str]) -> Iterator[str]:
        from necism_monitor.host.commands import flush_buffers  # noqa: PLC0415 - readers, which start often, flush nothing

        deadline = time.monotonic() + self._limits.flush_all
        path = f"{os.environ.get('PATH', os.defpath)}:{_ADMIN_FOLDERS}"
        for device in devices:
            left = min(self._limits.flush, deadline - time.monotonic())
            if left <= 0:
                yield f"{device}: buffers not flushed, no time was left for it"
                continue
            output = self._runner.read(flush_buffers(device).argv, left, env={"PATH": path})
            if not output.succeeded:
                yield f"{device}: buffers not flushed, {_explain(output)}"


class DevicesElsewhere:
    """The devices of an array whose commands run on another host; fulfils `app.ports.HostDevices`.

    The special files that such commands print are names over there: the same name here is another disk.
    """

    def __init__(self, host: str) -> None:
        self._host = host

    def uses(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, Use]:
        """Unknown, all of them."""
        text = f"its device is one of {self._host}: not visible here"
        return dict.fromkeys(files, Use(UseState.UNKNOWN, text))

    def flush(self, files: Mapping[LdName, str | None]) -> tuple[str, ...]:
        """Nothing: what is not visible here has no buffers here."""
        del files
        return ()

    def wwns(self, files: Mapping[LdName, str | None]) -> Mapping[LdName, str]:
        """Nothing is read."""
        del files
        return {}


def _visible(files: Mapping[LdName, str | None]) -> list[str]:
    """The special files worth looking for, each once."""
    return list(dict.fromkeys(file for file in files.values() if file is not None and reject(file) is None))


def _read_use(file: str | None, answer: Mapping[str, Any], problem: str) -> Use:
    why = reject(file)
    if why is not None or file is None:
        return Use(UseState.UNKNOWN, why or "no device")
    if file not in answer:
        text = f"{file}: not known whether it is in use, {problem or 'the answer does not name it'}"
        return Use(UseState.UNKNOWN, text)
    state, text = answer[file]
    return Use(UseState(state), text)


def _read_answer(output: Output) -> tuple[dict[str, Any], str]:
    """A whole answer counts however the child ended: it may hang in a device that did not answer."""
    try:
        answer: dict[str, Any] = json.loads(output.stdout)["answer"]
    except (ValueError, KeyError, TypeError):
        return {}, f"looking at this host's devices failed: {_explain(output)}"
    return answer, ""


def _explain(output: Output) -> str:
    """How a command failed, in words."""
    lines = output.stderr.strip().splitlines()
    said = f": {lines[-1].strip()}" if lines else ""
    name = Path(output.argv[0]).name
    if output.ending in {Ending.TIMED_OUT, Ending.LOST}:
        return f"{name} did not end in time{said}"
    if output.ending is Ending.EXITED:
        return f"{name} ended with {output.code}{said}"
    return f"{name} {output.ending.value}{said}"
