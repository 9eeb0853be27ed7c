"""The command lines that reach an array: its directory and its prefix here, and ssh with a small script over there.

Nothing of a line is left to the remote shell: every word is quoted.  The scripts are POSIX, one line each, and say on
both streams where the command's own words begin and end, with a number nobody can guess (`ism.far_side` reads that).

Over there a CHANGE works under a lock of its own, because the connection may end long before the command does:
`$HOME/.necism/ARRAY.lock` holds the token of whoever may change the array.  To claim it, the file is locked alone and
a new token is written; a CHANGE shares the lock, starts only with the token that it was sent with, and keeps the lock
until its command has ended, whatever becomes of the connection.  So whoever has claimed knows that no command sent
before works any more, nor can begin.  Home, because it exists and nobody else can write there; other common places
for locks are open to all on one system and closed to users on the next.
"""

from typing import Final, NamedTuple

from necism_monitor.domain.model import Array

CONNECT_SECONDS: Final = 10
"""How long ssh may take to be answered."""
ALIVE_SECONDS, ALIVE_COUNT = 5, 3
"""A connection that is silent for their product is dead."""
KILL_SECONDS: Final = 5
"""From TERM to KILL at the end of a READ over there."""
MARGIN: Final = CONNECT_SECONDS + ALIVE_SECONDS * ALIVE_COUNT + KILL_SECONDS
"""What a READ through ssh may take beyond the command's own time; seconds."""
LOCK_TRIES: Final = 5
"""Seconds for which a CHANGE waits for somebody who looks whether the array is free."""

SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")

_LEADING: Final = frozenset("=%")
"""Safe but at the beginning of a word: zsh makes a path of `=ls`, fish a number of `%self`."""
_BARE: Final = frozenset("'\\!")

_OPTIONS: Final = (
    # Older clients do not know the next three; without them a user's own file could take our standard input away.
    *("IgnoreUnknown=StdinNull,ForkAfterAuthentication,SessionType", "StdinNull=no", "ForkAfterAuthentication=no"),
    *("SessionType=default", "RemoteCommand=none", "RequestTTY=no", "EscapeChar=none", "LogLevel=INFO"),
    *("BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ConnectionAttempts=1"),
    *(f"ConnectTimeout={CONNECT_SECONDS}", f"ServerAliveInterval={ALIVE_SECONDS}"),
    *(f"ServerAliveCountMax={ALIVE_COUNT}", "TCPKeepAlive=yes", "ForwardAgent=no", "ForwardX11=no"),
    *("ClearAllForwardings=yes", "PermitLocalCommand=no", "Tunnel=no"),
)
_ALONE: Final = ("ControlMaster=no", "ControlPath=none", "ControlPersist=no")
"""A connection of its own: a shared one that breaks may be replaced, and the command sent again, without a word."""

_BOTH: Final = 'both() { echo; echo "$n:$1"; { echo; echo "$n:$1"; } >&2; }; '

_READ: Final = (
    f"n=necism:$1; t=$2; shift 2; {_BOTH}both begun; "
    f'timeout -k {KILL_SECONDS} "$t" "$@"; s=$?; both "ended:$s"; exit "$s"'
)

_OPEN: Final = (
    f"n=necism:$1; d=$HOME/.necism; l=$d/$2.lock; t=$3; o=$4; shift 4; umask 077; {_BOTH}"
    'no() { both "not:$1"; exit 0; }; '
    'for p in flock setsid mktemp; do command -v "$p" >/dev/null || no "$p"; done; '
    'mkdir -p "$d" && (exec 9<>"$l") || no file; exec 9<>"$l"; '
)
_LOCK: Final = (
    'i=1; until flock -n MODE 9; do [ "$i" -lt TRIES ] || no busy; i=$((i+1)); sleep 1; done; '
    '[ "$l" -ef /dev/fd/9 ] || no gone; c=; read -r c <&9; '
)
_CHANGE: Final = (
    f"{_OPEN}{_LOCK.replace('MODE', '-s').replace('TRIES', str(LOCK_TRIES))}"
    '[ "$c" = "$t" ] || no fenced; '
    'new() { { mktemp /dev/shm/necism.XXXXXXXX || mktemp "$d/out.XXXXXXXX" || mktemp /tmp/necism.XXXXXXXX; } '
    "2>/dev/null; }; "
    'a=$(new) && b=$(new) || no room; exec 3>>"$a" 4<"$a" 5>>"$b" 6<"$b"; rm -f "$a" "$b"; '
    'both begun; "$@" <&9 >&3 2>&5 3>&- 4<&- 5>&- 6<&-; s=$?; exec 9>&-; '
    'cat <&4; cat <&6 >&2; both "ended:$s"'
)
"""Files, because a command whose output nobody takes any more must not die of it; its lock passes sudo as its input."""

_CLAIM: Final = (
    f"{_OPEN}setsid -w true 2>/dev/null || no wait; {_LOCK.replace('MODE', '-x').replace('TRIES', '1')}"
    '[ -z "$o" ] || [ "$c" = "$o" ] || no "foreign:$c"; '
    'echo "$t" 1<>"$l" || no write; both claimed'
)


class Link(NamedTuple):
    """How ssh is called here."""

    config: str | None = None
    """A configuration file for ssh instead of the user's own."""
    control: str | None = None
    """A directory of the user's own for the sockets of shared connections; None = each READ connects anew."""


def command_line(array: Array, argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv` with its program in the array's `ism_path`, behind its `command_prefix`."""
    program = argv[0] if array.ism_path is None else f"{array.ism_path.rstrip('/')}/{argv[0]}"
    return (*array.command_prefix, program, *argv[1:])


def shown_line(array: Array, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The line that a person types here to do the same."""
    line = command_line(array, argv)
    if array.host is None:
        return line
    config = () if array.ssh_config is None else ("-F", array.ssh_config)
    return ("ssh", *config, array.host, *line)


def read_line(array: Array, argv: tuple[str, ...], link: Link, nonce: str, seconds: float) -> tuple[str, ...]:
    """A READ over ssh; over there it is killed after `seconds`, whatever became of us."""
    shared = _ALONE if link.control is None else _shared(link.control)
    limit = str(max(1, -int(-seconds // 1)))
    return _ssh(array, link, shared, "sh", _READ, nonce, limit, *_in_english(array, argv))


def change_line(array: Array, argv: tuple[str, ...], link: Link, nonce: str, token: str) -> tuple[str, ...]:
    """A CHANGE over ssh: in a session of its own, under the remote lock, without any limit of time."""
    return _ssh(array, link, _ALONE, "setsid -w sh", _CHANGE, nonce, array.name, token, "", *_in_english(array, argv))


def claim_line(array: Array, link: Link, nonce: str, token: str, instead_of: str = "") -> tuple[str, ...]:
    """Make `token` the one that may change the array, if none of our commands works on it now.

    `instead_of`: only if that is still the token; if it is another's, commands with it can begin no more either.
    """
    return _ssh(array, link, _ALONE, "sh", _CLAIM, nonce, array.name, token, instead_of)


def quote(word: str) -> str:
    """One word for any login shell, POSIX or not.

    A backslash and `!` mean something within the quotes of fish and csh, so they stand outside, as a quote does.
    """
    if word and SAFE.issuperset(word) and word[0] not in _LEADING:
        return word
    return "'" + "".join(f"'\\{char}'" if char in _BARE else char for char in word) + "'"


def _in_english(array: Array, argv: tuple[str, ...]) -> tuple[str, ...]:
    return ("env", "LC_ALL=C", "LANG=C", *command_line(array, argv))


def _shared(directory: str) -> tuple[str, ...]:
    """A connection that several READs of one user share for a minute."""
    return ("ControlMaster=auto", f"ControlPath={directory}/%C", "ControlPersist=60")


def _ssh(array: Array, link: Link, shared: tuple[str, ...], shell: str, script: str, *words: str) -> tuple[str, ...]:
    if array.host is None:
        raise ValueError(f"array {array.name} is reached by local commands")
    config = () if link.config is None else ("-F", link.config)
    options = [part for option in (*_OPTIONS, *shared) for part in ("-o", option)]
    remote = " ".join(["exec", shell, "-c", quote(script), "necism", *(quote(word) for word in words)])
    return ("ssh", "-T", *config, *options, "--", array.host, remote)
