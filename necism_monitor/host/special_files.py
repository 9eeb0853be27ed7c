"""Which special files, as the array's commands print them, are worth looking for on this host."""

from typing import Final

_LONGEST: Final = 200


def reject(file: str | None) -> str | None:
    """Why the special file that the array's commands print is not worth looking for, None where it is.

    Captured values are paths such as `/dev/sdc`, and `-` or nothing where the host does not see the disk.
    """
    if not file or file == "-":
        return "the array's commands name no device for it on this host: not visible here"
    if len(file) > _LONGEST:
        return f"{file[:40]!r}... is too long for the name of a device"
    if not file.startswith("/dev/") or not file.isprintable() or ".." in file.split("/"):
        return f"{file!r} is no device name below /dev: not visible here"
    return None
