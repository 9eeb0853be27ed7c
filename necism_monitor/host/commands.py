"""Commands for this host's own devices; their effect is a type of its own."""

from typing import NamedTuple


class FlushCommand(NamedTuple):
    """Effect HOST: writes back and drops buffers of this host; no iSM command, the array sees ordinary writes."""

    argv: tuple[str, ...]


def flush_buffers(device: str) -> FlushCommand:
    """Write back and drop what this host buffers of one device (blockdev(8), ioctl BLKFLSBUF).

    Raises ValueError for a text that is no absolute path, so none can become an option.
    """
    if not device.startswith("/"):
        raise ValueError(f"{device!r} is no absolute path")
    return FlushCommand(("blockdev", "--flushbufs", device))


class AskCommand(NamedTuple):
    """Effect READ: asks this host, and changes nothing."""

    argv: tuple[str, ...]


def unit_state(unit: str) -> AskCommand:
    """Whether systemd calls a unit active (systemctl(1): `active` and exit 0).

    Raises ValueError for a name that could become an option.
    """
    if unit.startswith("-"):
        raise ValueError(f"{unit!r} is no name of a unit")
    return AskCommand(("systemctl", "is-active", unit))
