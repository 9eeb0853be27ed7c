"""What `doctor` asks this host, below one root: processes, devices, rights, libraries, and what is scheduled.

`root` is `/`, or where another host's files are seen, as in a container; systemd and the kernel's clock are asked of
this host only.  Nothing is opened but text files of a bounded size.
"""

from __future__ import annotations

import ctypes
import grp
import importlib.util
import os
import pwd
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from necism_monitor.adapters.blockdev import Runner
from necism_monitor.domain.checkup import HostFile, Place, Schedules
from necism_monitor.domain.reading import Unread
from necism_monitor.host.commands import unit_state
from necism_monitor.host.special_files import reject
from necism_monitor.ism.output import Ending

LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("nagiosplugin",),
    "web": ("prometheus_client", "starlette", "uvicorn", "h11", "jinja2", "yaml", "bcrypt"),
    "terminal": ("rich",),
}
"""Extra of setup.cfg -> the modules of its libraries; the base is called ''."""
SOURCES: Final = (
    ("cron", "etc/crontab"),
    ("cron", "etc/anacrontab"),
    ("cron", "etc/cron.d/*"),
    ("cron", "etc/cron.hourly/*"),
    ("cron", "etc/cron.daily/*"),
    ("cron", "etc/cron.weekly/*"),
    ("cron", "etc/cron.monthly/*"),
    ("cron", "var/spool/cron/*"),
    ("cron", "var/spool/cron/crontabs/*"),
    ("opensvc", "etc/opensvc/*.conf"),
    ("opensvc", "etc/opensvc/*.env"),
    ("opensvc", "etc/opensvc/namespaces/*/svc/*.conf"),
    ("opensvc", "opt/opensvc/etc/*.conf"),
    ("opensvc", "opt/opensvc/etc/*.env"),
    ("systemd", "etc/systemd/system/*.service"),
    ("systemd", "etc/systemd/system/*.timer"),
    ("systemd", "run/systemd/system/*.service"),
    ("systemd", "run/systemd/system/*.timer"),
    ("systemd", "usr/lib/systemd/system/*.service"),
    ("systemd", "usr/lib/systemd/system/*.timer"),
)
"""What is looked through for other schedulers: kind, and where below the root."""
WANTS: Final = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system")
TEXT_MAX: Final = 512 * 1024
ASK_SECONDS: Final = 10.0
TIMEX_BYTES: Final = 512
"""More than any kernel's struct timex takes; `modes`, its first word, is 0: adjtimex(2) then only reads."""
UNSYNCHRONISED: Final = 5
"""TIME_ERROR of adjtimex(2)."""


class HostSurroundings:
    """One host; fulfils `app.ports.Surroundings`."""

    def __init__(self, runner: Runner, root: Path = Path("/"), clock_state: Callable[[], int] | None = None) -> None:
        self._runner, self._root, self._clock_state = runner, root, clock_state or _clock_state

    def processes(self) -> tuple[str, ...] | Unread:
        """The command line of every process; Unread where /proc hides those of others."""
        proc = self._root / "proc"
        try:
            pids = [path for path in proc.iterdir() if path.name.isdecimal()]
        except OSError as error:
            return _unread(f"{proc} cannot be listed: {error.strerror}", "mount /proc, or correct `host_root`")
        if not any(path.name == "1" for path in pids):
            return _unread(f"{proc} does not show process 1: it hides other users' processes", "run it as root")
        lines = [_command_line(path) for path in pids]
        return tuple(line for line in lines if line)

    def unit_active(self, unit: str) -> bool | Unread | None:
        """Whether systemd calls the unit active; None where this host is not run by systemd, or is another's root."""
        # sd_booted(3): this directory is the sign.
        if self._root != Path("/") or not Path("/run/systemd/system").is_dir():
            return None
        output = self._runner.read(unit_state(unit).argv, ASK_SECONDS)
        if output.ending is Ending.EXITED and output.code is not None and output.stdout.strip():
            return output.code == 0
        said = output.stderr.strip() or output.ending.value
        return _unread(f"{' '.join(output.argv)}: {said}", "run it by hand")

    def schedules(self) -> Schedules:
        """Every file of SOURCES; one that may not be read is named, and one that has just vanished is not."""
        files: dict[str, HostFile] = {}
        unread: list[Unread] = []
        for kind, path in self._sources(unread):
            try:
                text = _text(path)
                if isinstance(text, Unread):
                    unread.append(text)
                elif text is not None:
                    files.setdefault(str(path.resolve()), HostFile(str(path), kind, text))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                unread.append(_unread(f"{path} cannot be read: {error.strerror}", "run it as root"))
        return Schedules(tuple(files.values()), frozenset(self._wanted()), tuple(unread))

    def _sources(self, unread: list[Unread]) -> Iterator[tuple[str, Path]]:
        """The files to be looked through; a directory that may not be listed goes to `unread`."""
        for kind, pattern in SOURCES:
            folder, _, name = pattern.rpartition("/")
            for place in sorted(self._root.glob(folder)) if "*" in folder else [self._root / folder]:
                try:
                    found = sorted(one for one in place.iterdir() if one.match(name) and not one.name.startswith("."))
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as error:
                    unread.append(_unread(f"{place} cannot be listed: {error.strerror}", "run it as root"))
                    continue
                yield from ((kind, path) for path in found)

    def _wanted(self) -> Iterator[str]:
        for folder in WANTS:
            for path in self._root.joinpath(folder).glob("*.wants/*"):
                yield path.name

    def device(self, file: str) -> str | Unread | None:
        """Why a special file is no block device here; by /sys/class/block, so that no device is opened."""
        why = reject(file)
        if why is not None:
            return why
        path, folder = self._root / file.lstrip("/"), (self._root / "dev").resolve()
        try:
            real = path.resolve(strict=True)
            name = str(real.relative_to(folder)).replace("/", "!")
            known = (self._root / "sys/class/block" / name).exists() or self._numbered(real)
        except (FileNotFoundError, NotADirectoryError):
            return f"{file} does not exist on this host"
        except ValueError:
            return f"{file} leads out of /dev"
        except (OSError, RuntimeError) as error:
            return _unread(f"{file} cannot be looked at: {error}", "run it as root")
        return None if known else f"{file} is no block device of this host"

    def _numbered(self, real: Path) -> bool:
        """Whether the kernel knows the device's number: a node may have another name than the kernel's."""
        found = real.stat()
        number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
        return stat.S_ISBLK(found.st_mode) and (self._root / "sys/dev/block" / number).exists()

    def place(self, path: str) -> Place:
        """A file or directory, and what this user may do with it; `path` is none below the root."""
        try:
            found = Path(path).stat()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            return Place(path, error.strerror or str(error), missing)
        directory = stat.S_ISDIR(found.st_mode)
        return Place(
            path,
            mode=stat.S_IMODE(found.st_mode),
            owner=_user(found.st_uid),
            group=_group(found.st_gid),
            directory=directory,
            readable=os.access(path, os.R_OK | (os.X_OK if directory else 0)),
            writable=os.access(path, os.W_OK | (os.X_OK if directory else 0)),
        )

    def synchronised(self) -> bool | Unread:
        """By the sign of systemd-timesyncd(8) below the root, else by the kernel."""
        if (self._root / "run/systemd/timesync/synchronized").exists():
            return True
        try:
            state = self._clock_state()
        except (OSError, AttributeError) as error:
            return _unread(f"the kernel cannot be asked about its clock: {error}", "look with `timedatectl`")
        return state != UNSYNCHRONISED

    def program(self, name: str) -> str | None:
        """Why a program cannot be started by this user."""
        if shutil.which(name):
            return None
        if "/" not in name:
            return f"{name} is in no directory of PATH"
        try:
            Path(name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return f"{name} does not exist"
        except OSError as error:
            return f"{name} cannot be looked at by this user: {error.strerror}"
        return f"{name} may not be executed by this user"

    def libraries(self) -> Mapping[str, Mapping[str, bool]]:
        """What the interpreter finds; nothing is imported."""
        return {
            extra: {name: importlib.util.find_spec(name) is not None for name in names}
            for extra, names in LIBRARIES.items()
        }


def _unread(text: str, hint: str) -> Unread:
    return Unread("query-failed", text, hint)


def _command_line(path: Path) -> str:
    """The words of a process; empty for a kernel thread and for one that has ended meanwhile."""
    try:
        return (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _text(path: Path) -> str | Unread | None:
    """The text of a file; Unread where it is larger than any table of schedules, None where it is no regular one."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        return None
    if found.st_size > TEXT_MAX:
        return _unread(f"{path} was not read: it is larger than {TEXT_MAX} bytes", "look through it by hand")
    return path.read_bytes().decode(errors="replace")


def _clock_state() -> int:
    """What adjtimex(2) returns when it is asked to change nothing.  Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    state = int(library.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))
    if state < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return state


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
