"""Every iSM command the product can send, and its effect as a type.

READ commands may be sent by anybody; CHANGE commands only by the resync engine (a `Changer` is handed to nobody else);
the HOST command rebuilds this host's volume list.  Builders take validated names, so no text from outside can become
an option.  All spellings are captured ones; options that no capture shows are never sent.
"""

from typing import Final, NamedTuple

from necism_monitor.domain.names import LdName

READING: Final = ("iSMview", "iSMsc_query", "iSMsc_linkinfo")
"""The programs that readings need."""
ACTING: Final = ("iSMsc_unlink", "iSMsc_create", "iSMsc_link", "iSMvollist")
"""The programs that only a resync, or the reset of the volume list, needs."""

_WHERE: Final = 'for p do c=$(command -v "$p") && [ -f "$c" ] && [ -x "$c" ] && echo "$c" || echo "missing $p"; done'
"""`command -v` is POSIX's way to ask for a program; it starts none, and some shells name one that may not be run."""


class ReadCommand(NamedTuple):
    """Asks; changes nothing."""

    argv: tuple[str, ...]


class ChangeCommand(NamedTuple):
    """Changes the array."""

    argv: tuple[str, ...]


class HostCommand(NamedTuple):
    """Changes this host's view of the array."""

    argv: tuple[str, ...]


def query_sv(sv: LdName) -> ReadCommand:
    """The plain screen of one SV: which BV it belongs to, and that it exists."""
    return ReadCommand(("iSMsc_query", "-sv", sv, "-svflg", "ld"))


def query_detail(bv: LdName) -> ReadCommand:
    """State, date, guard, link and LV of every SV of one BV, in one call."""
    return ReadCommand(("iSMsc_query", "-bv", bv, "-bvflg", "ld", "-detail"))


def linkinfo(sv: LdName) -> ReadCommand:
    """What every LV of the SV's BV shows; the meaning of `-lcl` is not documented, it is kept as captured."""
    return ReadCommand(("iSMsc_linkinfo", "-vol", sv, "-volflg", "ld", "-lcl"))


def view_arrays() -> ReadCommand:
    """The arrays this host sees."""
    return ReadCommand(("iSMview", "-d"))


def unlink(lv: LdName) -> ChangeCommand:
    """Detach an LV from whatever it shows: it takes no SV, so what it shows is checked first."""
    return ChangeCommand(("iSMsc_unlink", "-lv", lv, "-lvflg", "ld"))


def create(bv: LdName, sv: LdName) -> ChangeCommand:
    """Discard the image of an SV and take a new one of its BV."""
    return ChangeCommand(("iSMsc_create", "-bv", bv, "-sv", sv, "-bvflg", "ld", "-svflg", "ld"))


def link(lv: LdName, sv: LdName, access: str | None = None) -> ChangeCommand:
    """Show an SV through an LV: the plain form is the captured one for rw; `access` adds `-lvacc`, rw or ro only."""
    if access not in {None, "rw", "ro"}:
        raise ValueError(f"access {access!r} is never sent")
    plain = ("iSMsc_link", "-lv", lv, "-sv", sv, "-lvflg", "ld", "-svflg", "ld")
    return ChangeCommand(plain if access is None else (*plain, "-lvacc", access))


def reset_volume_list() -> HostCommand:
    """Rebuild the host's volume list; never during a run."""
    return HostCommand(("iSMvollist", "-r"))


def find_programs(programs: tuple[str, ...]) -> ReadCommand:
    """Where each program is on the host of the commands, one line each, `missing NAME` where it is not."""
    return ReadCommand(("sh", "-c", _WHERE, "necism", *programs))


def may_sudo(sudo: tuple[str, ...], argv: tuple[str, ...]) -> ReadCommand:
    """Ask sudo whether it would run `argv`: `-l` lists, and runs nothing; `-n` asks for no password."""
    return ReadCommand((*sudo, "-n", "-l", *argv))


def list_processes() -> ReadCommand:
    """The command line of every process on the host of the commands (POSIX)."""
    return ReadCommand(("ps", "-e", "-o", "args"))
