"""A clean root of this host's own Debian release, in which packages are installed, used and purged.

Made once by debootstrap from the mirror that this host's apt uses, kept in build/, and unpacked or copied for each use.
Commands run in it with process and mount namespaces of their own: what they leave running ends with them.
"""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
SLOW_NETWORK: Final = 1800
PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
CHECK: Final = ("necism-monitor", "nagios-plugins-necism")
ALL: Final = (*CHECK, "necism-exporter", "necism-resync")
SIMULATED: Final = "/srv/array"
ISM: Final = ("--ism-path", f"{SIMULATED}/bin")
PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy")
CHANGING: Final = re.compile(r"/(dev|proc|root|run/systemd|sys|tmp|var/(cache|log|lib/apt|lib/dpkg/[^/]*$|tmp))(/|$)")
"""Where a system writes for itself, whatever is installed and purged."""


class CleanRoot(NamedTuple):
    """The directory of one."""

    path: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, and wait for its end."""
        return subprocess.run(
            self._inside(words),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=SLOW_NETWORK,
            stdin=subprocess.DEVNULL,
        )

    def must(self, *words: str) -> str:
        """The output of a command in it that has to succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command in it that ends with the block; standard error is a pipe."""
        # A shell is the first process of the namespace: the tie to our end is lost by one that changes its user.
        words = ("sh", "-c", '"$@" & wait', "sh", *words)
        process = subprocess.Popen(
            self._inside(words), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def files(self) -> set[str]:
        """Everything in it but what changes by itself; directories too."""
        found = set[str]()
        for folder, folders, names in os.walk(self.path):
            place = f"/{Path(folder).relative_to(self.path)}".replace("/.", "")
            folders[:] = [name for name in folders if not CHANGING.match(f"{place}/{name}")]
            found |= {f"{place}/{name}" for name in (*folders, *names) if not CHANGING.match(f"{place}/{name}")}
        return found

    def copy(self, place: Path) -> "CleanRoot":
        """Another one, as this is now."""
        subprocess.run(["cp", "--archive", self.path, place], check=True, timeout=SLOW_NETWORK)
        return CleanRoot(place)

    def _inside(self, words: tuple[str, ...]) -> list[str]:
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.path}/proc"]
        return [*alone, "chroot", str(self.path), *words]


def environment() -> dict[str, str]:
    """What a service would have, and how the network is reached."""
    own = {"PATH": PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
    return own | {name: os.environ[name] for name in PROXIES if name in os.environ}


def unpack(place: Path) -> CleanRoot:
    """A clean root, with its lists of packages up to date."""
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    archive = ROOT / f"build/clean-root-{codename}.tar"
    if not archive.exists():
        _bootstrap(codename, archive, place.with_suffix(".new"))
    place.mkdir()
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", place], check=True, timeout=SLOW_NETWORK)
    shutil.copy("/etc/resolv.conf", place / "etc/resolv.conf")
    root = CleanRoot(place)
    root.must("apt-get", "--quiet", "--quiet", "update")
    return root


def _bootstrap(codename: str, archive: Path, place: Path) -> None:
    command = ["debootstrap", "--variant=minbase", codename, str(place), _mirror(codename)]
    done = subprocess.run(
        command,
        env={**environment(), "PATH": f"{os.environ['PATH']}:{PATH}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SLOW_NETWORK,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    shutil.rmtree(place / "var/cache/apt/archives")
    archive.parent.mkdir(exist_ok=True)
    part = archive.with_suffix(".part")
    subprocess.run(["tar", "--create", "--file", part, "--directory", place, "."], check=True, timeout=SLOW_NETWORK)
    part.rename(archive)
    shutil.rmtree(place)


def _mirror(codename: str) -> str:
    """Where this host's own apt gets the release from."""
    asked = ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
    return next(line.split()[0] for line in told.splitlines() if line.split()[1:] == [codename, "main"])
