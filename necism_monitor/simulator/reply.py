"""What a simulated command answers, and how its errors look."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from necism_monitor.simulator.shapes import Effect

FAILED = 1  # only zero and nonzero are on record; which nonzero is not


class Reply:
    """Exit code, both streams as text, what was done to the array, and the nominal latency in seconds."""

    __slots__ = ("code", "effect", "nominal", "stderr", "stdout")

    def __init__(
        self, code: int, stdout: str = "", stderr: str = "", effect: Effect | None = None, nominal: float = 0.0
    ) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self.effect = effect
        self.nominal = nominal

    def fields(self) -> dict[str, object]:
        """The answer as a plain dict, for the pipe between worker and client."""
        return {key: getattr(self, key) for key in self.__slots__}


def error(name: str, message_id: str, text: str) -> Reply:
    """A refusal in the shape of the known messages (inferred for errors): one line on the standard error."""
    return Reply(FAILED, stderr=f"{name}:Error: {message_id}: {text}\n")
