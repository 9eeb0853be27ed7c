"""The Nagios and Icinga plugin: whatever happens in here ends in one line on standard output and exit status 0 to 3."""

import sys


def main() -> int:
    """Run the check; a broken installation, an interrupt and a bug of ours are UNKNOWN (3), never a traceback."""
    try:
        import gc
        import os
        import signal

        gc.disable()  # nothing of so short a life is garbage
        signal.signal(signal.SIGTERM, _stop)
        from necism_monitor.cli.check import main as check

        os._exit(check(sys.argv[1:]))  # all is written; taking the interpreter to pieces would be a part of the cost
    except BaseException as error:  # noqa: BLE001 - Nagios takes exit status 1 for WARNING and 2 for CRITICAL
        return _unknown(error)


def _stop(number: int, _frame: object) -> None:
    raise SystemExit(f"stopped by signal {number}")


def _unknown(error: BaseException) -> int:
    """Say why in one harmless ASCII line, past every buffer."""
    import contextlib
    import os

    missing = f"{error}: install necism-monitor and nagiosplugin for {sys.executable}, readable for this user"
    text = missing if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
    safe = "".join(char for char in " ".join(text.split()) if " " <= char <= "~" and char not in "|$`'\"<>\\")
    with contextlib.suppress(OSError):
        os.write(1, f"NECISM UNKNOWN - {safe[:500]}\n".encode())
    return 3


if __name__ == "__main__":
    sys.exit(main())
