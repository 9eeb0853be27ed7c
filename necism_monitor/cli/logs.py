"""The log on standard error; nothing about it can stop a command."""

from __future__ import annotations

import logging
import sys
from datetime import tzinfo
from typing import Final

from necism_monitor.domain.model import Config
from necism_monitor.ism.output import Output
from necism_monitor.render.logline import json_line, text_line

ROOT: Final = "necism"
_NAMES: Final = {logging.WARNING: "warning", logging.CRITICAL: "error"}


class Formatter(logging.Formatter):
    """Lines as `render.logline` writes them; `zone` None = JSON."""

    def __init__(self, zone: tzinfo | None) -> None:
        super().__init__()
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        """One record, with its traceback where it carries one."""
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        level = _NAMES.get(record.levelno, record.levelname)
        if self._zone is None:
            return json_line(record.created, record.name, level, text)
        return text_line(record.created, self._zone, record.name, level, text)


def start(level: str, form: str, zone: tzinfo) -> None:
    """Log from `level` upwards to standard error, as `text` (times in `zone`) or `json`."""
    # A log that cannot be written is lost in silence: an error about it would go the same way.
    logging.raiseExceptions = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(zone if form == "text" else None))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if level == "warn" else level.upper())


def is_debug() -> bool:
    """Whether everything is to be told."""
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def log_command(output: Output) -> None:
    """Tell of a command that ended, at level debug."""
    code = "" if output.code is None else f" {output.code}"
    took = output.ended_at - output.started_at
    logger().debug("%s: %s%s after %.3f s", " ".join(output.argv), output.ending.value, code, took)


def warn_of(config: Config) -> None:
    """Tell what is doubtful in a configuration that can be used, such as a section that replaces another."""
    for text in config.warnings:
        logger().warning("%s", text)


def logger(name: str = ROOT) -> logging.Logger:
    """A logger; the log of a resource is named by `render.logline.logger_name`."""
    return logging.getLogger(name)
