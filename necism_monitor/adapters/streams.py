"""The two streams of a command: drained while it runs (pipes) or read back afterwards (files), never without bound.

Of a stream that is longer than its cap, head and tail are kept with a line between them that says how much is missing,
so that two halves never join into a record nobody printed.
"""

import contextlib
import fcntl
import os
import selectors
from pathlib import Path
from typing import IO, Final, NamedTuple

CHUNK: Final = 1 << 16
# A pipe holds at most this much that was written before its writer was killed (Linux: pipe-max-size, 1 MiB).
PIPE_READS: Final = 16
STREAM_MAX: Final = 1 << 26
"""Bytes of a stream that `Files.bound` lets stand: nobody reads more, and it takes this host's memory."""


class Cap(NamedTuple):
    """How many bytes of a stream's beginning and end are kept."""

    head: int = 512 * 1024
    tail: int = 64 * 1024


CAP: Final = Cap()


class Texts(NamedTuple):
    """Both streams as text; `truncated` says that one of them was longer than its cap or could not be read back."""

    stdout: str
    stderr: str
    truncated: bool


def join(head: bytes, left_out: int, tail: bytes) -> str:
    r"""Text of a stream of which `left_out` bytes are missing between `head` and `tail`.

    Bytes that are not UTF-8 become `\xNN` as text: no surrogate can reach a log, a page or a journal.
    """
    if not left_out:
        return (head + tail).decode(errors="backslashreplace")
    mark = f"\n[{left_out} bytes left out]\n"
    return head.decode(errors="backslashreplace") + mark + tail.decode(errors="backslashreplace")


class Capture:
    """One stream as it comes in, in bounded memory."""

    def __init__(self, cap: Cap) -> None:
        self._cap = cap
        self._head, self._tail, self.left_out = bytearray(), bytearray(), 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        room = self._cap.head - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        excess = max(0, len(self._tail) - self._cap.tail)
        del self._tail[:excess]
        self.left_out += excess

    def text(self) -> str:
        """What was kept."""
        return join(bytes(self._head), self.left_out, bytes(self._tail))


class Pipes:
    """The reading ends of a READ command's pipes.  Reading never blocks and never stops before the end."""

    def __init__(self, stdout: IO[bytes], stderr: IO[bytes], cap: Cap) -> None:
        self._files = (stdout, stderr)
        self._captures = (Capture(cap), Capture(cap))
        # poll needs no descriptor of its own, so nothing can fail here after the command was started.
        self._selector = selectors.PollSelector()
        for file, capture in zip(self._files, self._captures, strict=True):
            os.set_blocking(file.fileno(), False)
            self._selector.register(file, selectors.EVENT_READ, capture)

    @property
    def open(self) -> bool:
        """Whether somebody may still write to one of them."""
        return bool(self._selector.get_map())

    def pump(self, seconds: float) -> bool:
        """Wait up to `seconds` for output and take one chunk a stream; whether there was any (an end counts)."""
        heard = False
        for key, _ in self._selector.select(max(0.0, seconds)):
            data = os.read(key.fd, CHUNK)
            heard = True
            if data:
                key.data.feed(data)
            else:
                self._selector.unregister(key.fileobj)
        return heard

    def sweep(self) -> None:
        """Take what lies in the pipes, without waiting; bounded, because an escaped writer may go on for ever."""
        for _ in range(PIPE_READS):
            if not self.open or not self.pump(0):
                return

    def texts(self) -> Texts:
        """What was kept of both."""
        out, err = self._captures
        return Texts(out.text(), err.text(), bool(out.left_out or err.left_out))

    def close(self) -> None:
        """Close our ends."""
        self._selector.close()
        for file in self._files:
            file.close()


class Files:
    """Files without a name for a CHANGE command's streams.

    Files, because a command that we gave up on, or outlived, must not be killed by a pipe that nobody reads.
    """

    def __init__(self, scratch: Path | None, cap: Cap) -> None:
        self._cap = cap
        self.stdout = _nameless(scratch)
        try:
            self.stderr = _nameless(scratch)
        except OSError:
            os.close(self.stdout)
            raise

    def texts(self) -> Texts:
        """What both hold by now."""
        out, out_cut = self._text(self.stdout)
        err, err_cut = self._text(self.stderr)
        return Texts(out, err, out_cut or err_cut)

    def bound(self) -> None:
        """End the growth of a stream in memory that is far too long: from then on whoever writes is told an error."""
        for descriptor in (self.stdout, self.stderr):
            # A file on a disk cannot be sealed: it ends with the disk.
            with contextlib.suppress(OSError):
                if os.fstat(descriptor).st_size > STREAM_MAX:
                    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)

    def close(self) -> None:
        """Close our descriptors; the command keeps its own."""
        os.close(self.stdout)
        os.close(self.stderr)

    def _text(self, descriptor: int) -> tuple[str, bool]:
        head, tail = self._cap
        try:
            size = os.fstat(descriptor).st_size
            left_out = max(0, size - head - tail)
            first = os.pread(descriptor, head, 0)
            last = os.pread(descriptor, tail, len(first) + left_out)
        except OSError as error:
            # The exit status is known and must not be lost with the text: a text that is not whole proves nothing.
            return f"[the output could not be read back: {error.strerror}]\n", True
        return join(first, left_out, last), bool(left_out)


def _nameless(scratch: Path | None) -> int:
    """A descriptor of a file that no directory lists: in `scratch` if that takes a write, else in memory.

    A full or missing disk must not stop the command that links a volume again.
    """
    if scratch is not None:
        try:
            return _on_disk(scratch)
        except OSError:
            pass
    descriptor = os.memfd_create("necism-output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    # A script that reopens /dev/stderr truncates it: appending, what follows then leaves no hole of NULs.
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)
    return descriptor


def _on_disk(scratch: Path) -> int:
    descriptor = os.open(scratch, os.O_TMPFILE | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, b"\n" * 4096)
        os.ftruncate(descriptor, 0)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
