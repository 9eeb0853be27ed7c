"""How far an array's clock is ahead of this host's, by the dates that creates printed."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from necism_monitor.domain.history import ClockMark, History
from necism_monitor.domain.model import Config
from necism_monitor.domain.names import ArrayName, ResourceId
from necism_monitor.domain.reading import Unread
from necism_monitor.domain.stamps import instant


def clock_offsets(
    config: Config, histories: Mapping[ResourceId, History | Unread], host_zone: tzinfo
) -> dict[ArrayName, float]:
    """Seconds by which each array's clock is ahead, by the newest create on it; no entry where no create is known.

    The date is taken at the end of the command (inferred from a captured log), when its outcome is journalled.
    """
    newest: dict[ArrayName, ClockMark] = {}
    for resource in config.resources:
        history = histories.get(resource.id)
        mark = history.mark if isinstance(history, History) else None
        if mark is not None and (resource.array not in newest or mark.at > newest[resource.array].at):
            newest[resource.array] = mark
    ahead = {name: _ahead(mark, config.array(name).zone or host_zone) for name, mark in newest.items()}
    return {name: seconds for name, seconds in ahead.items() if seconds is not None}


def _ahead(mark: ClockMark, zone: tzinfo) -> float | None:
    """Of the two moments that a date in an ambiguous hour can mean, the closer one; None where it is no date."""
    # The printed form is ISO's but for the separators; `strptime` would load the locale for it.
    try:
        both = instant(datetime.fromisoformat(mark.stamp.replace("/", "-")), zone)
    except (ValueError, OverflowError):
        return None
    return min((moment - mark.at for moment in both), key=abs)
