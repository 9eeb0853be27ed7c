"""Real servers and tools some tests need: asked for by name, and never missed silently.

A test says `require_server("promtool")`. Where the program is absent the test is skipped and the name is listed at the
end of the run; under NECISM_REQUIRE_SERVERS=1 the test fails instead: an integration run that skips proves nothing.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

DEBIAN_PACKAGES: Final[Mapping[str, str]] = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "nagios4": "nagios4-core",
    "icinga2": "icinga2-bin",
    "nrpe": "nagios-nrpe-server",
    "check_nrpe": "nagios-nrpe-plugin",
    "visudo": "sudo",
    "sudo": "sudo",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "openssl": "openssl",
    "systemd-analyze": "systemd",
    "debootstrap": "debootstrap",
    "dpkg-buildpackage": "dpkg-dev",
    "lintian": "lintian",
    "rpmlint": "rpmlint",
    "rpmbuild": "rpm",
    "rpmspec": "rpm",
    "strace": "strace",
    "debugfs": "e2fsprogs",
    "mkfs.ext4": "e2fsprogs",
    "unshare": "util-linux",
    "mount": "util-linux",
    "losetup": "mount",
    "swapon": "mount",
    "mkswap": "util-linux",
    "blockdev": "util-linux",
    "addpart": "util-linux",
    "setpriv": "util-linux",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
    "git": "git",
    "make": "make",
    "bash": "bash",
    "zsh": "zsh",
    "fish": "fish",
    "man": "man-db",
    "groff": "groff",
    "mandoc": "mandoc",
}
"""Program -> the Debian package that holds it; others are named as they are."""

ADMIN_FOLDERS: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/nagios/plugins")
"""Not in everybody's PATH, though the programs there run for everybody."""

MISSING: Final[set[str]] = set()
"""What this process looked for and did not find."""


def find_server(name: str) -> Path | None:
    """Where the program `name` is, or None."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *ADMIN_FOLDERS])
    found = shutil.which(name, path=search)
    return None if found is None else Path(found)


def require_server(name: str) -> Path:
    """The path of the program `name`; without it the test is skipped, or fails under NECISM_REQUIRE_SERVERS=1."""
    found = find_server(name)
    if found is not None:
        return found
    MISSING.add(name)
    advice = f"{name} is not installed: apt-get install {DEBIAN_PACKAGES.get(name, name)}"
    if os.environ.get("NECISM_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{advice} (NECISM_REQUIRE_SERVERS=1 allows no skip)", pytrace=False)
    pytest.skip(advice)
