"""Windows: when automatic runs may start, and the time zones they are told in."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from necism_monitor.domain.model import Window
from necism_monitor.domain.patterns import pattern
from necism_monitor.domain.rules import RuleError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXAMPLE: Final = "write windows such as `mon-fri 22:00-05:00 Europe/Paris`, comma-separated"

_DAY_MINUTES = 1440
_WINDOW = pattern(
    r"(?:(?P<first>[A-Za-z]{3})(?:-(?P<last>[A-Za-z]{3}))?\s+)?"
    r"(?P<start>[0-9]{2}:[0-9]{2})-(?P<end>[0-9]{2}:[0-9]{2})(?:\s+(?P<zone>\S+))?"
)


def windows(text: str) -> tuple[Window, ...]:
    """The windows of a `window` value; `always` is none.  Without days every day, without a zone the host's."""
    if text.strip() == "always":
        return ()
    return tuple(_window(" ".join(part.split())) for part in text.split(","))


def mixes_zones(text: str) -> bool:
    """Whether some of several windows name a zone and others do not: easily overlooked."""
    named = {bool(match["zone"]) for part in text.split(",") if (match := _WINDOW.fullmatch(part.strip()))}
    return len(named) > 1


def zone(text: str) -> tzinfo:
    """A zone of the IANA database."""
    from necism_monitor.adapters import zones  # noqa: PLC0415 - zoneinfo is slow to import, few configurations name one

    try:
        return zones.zone(text)
    except ValueError as error:
        hint = str(error).rpartition(": ")[2]
        raise RuleError(text, "this is no time zone", hint) from None


def zone_name(found: tzinfo | None) -> str:
    """How a zone is shown."""
    return "the host's" if found is None else str(found)


def _host_zone() -> tzinfo:
    from necism_monitor.adapters import clock  # noqa: PLC0415 - as above

    return clock.host_zone()


def _window(part: str) -> Window:
    match = _WINDOW.fullmatch(part)
    if match is None:
        raise RuleError(part, "this is no window", EXAMPLE)
    start, end = _minute(match["start"], part), _minute(match["end"], part)
    if start == _DAY_MINUTES:
        raise RuleError(part, "a window cannot start at 24:00", "write 00:00 of the next day")
    if start == end:
        raise RuleError(part, "a window that ends where it starts", "write 00:00-24:00 for a whole day")
    named = match["zone"]
    return Window(
        days=_days(match["first"], match["last"], part),
        start_minute=start,
        end_minute=end,
        zone=zone(named) if named else _host_zone(),
        text=part,
    )


def _minute(text: str, part: str) -> int:
    hour, minute = (int(piece) for piece in text.split(":"))
    total = hour * 60 + minute
    if minute > 59 or total > _DAY_MINUTES:  # noqa: PLR2004 - minutes of an hour
        raise RuleError(part, f"{text} is no time of day", "write 00:00 to 24:00")
    return total


def _days(first: str | None, last: str | None, part: str) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    start = _day(first, part)
    end = start if last is None else _day(last, part)
    return frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))


def _day(name: str, part: str) -> int:
    if name.lower() not in DAYS:
        raise RuleError(part, f"{name!r} is no day", f"write {', '.join(DAYS)}, or a range such as mon-fri")
    return DAYS.index(name.lower())
