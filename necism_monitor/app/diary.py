"""The diary for a server's page: whatever a journal holds, the page is shown."""

from __future__ import annotations

import logging

from necism_monitor.app.look import Sources
from necism_monitor.app.memory import visible
from necism_monitor.domain.diary import Diary, Entry

LOG = logging.getLogger(__name__)


def open_diary(sources: Sources) -> Diary:
    """The open run, the last runs and refusals of every visible resource; never raises."""
    resources = visible(sources)
    try:
        return sources.journals.diary(resources, sources.clock.now())
    except Exception as error:
        LOG.exception("the journals could not be told")
        why = (
            f"{type(error).__name__}: {error}; this is a bug of necism-monitor: report it with the log of the exporter"
        )
        return {one.id: Entry(problem=why) for one in resources}
