"""Reading small files that an operator names; whatever they turn out to be, nobody waits for them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

LARGEST: Final = 1 << 20
"""Bytes; a bundle of every public CA has a fifth of that."""


def read_small(path: Path) -> bytes:
    """The content of a file.  Raises OSError, also for one that is no plain file or too large.

    A named pipe in its place would hold the loop that serves everybody until somebody writes into it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {LARGEST} bytes")
    return data
