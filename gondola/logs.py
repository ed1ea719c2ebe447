"""Logs: readable lines on standard error, JSON lines with rotation in the log folder."""

from __future__ import annotations

import sys

from loguru import logger

from gondola.settings import Settings

__all__ = ["LOG_FILE", "add_json_log", "configure_logs"]

LOG_FILE = "gondola.jsonl"
_LINE = "<green>{time:HH:mm:ss}</green> <level>{level: <7}</level> {message}"


def configure_logs(settings: Settings, *, stderr: bool = True) -> None:
    """Send loguru's lines to standard error, warnings only where a live display owns the terminal.

    Args:
        settings: Gives the least severe level.
        stderr: Whether lines below warnings are shown too.
    """
    logger.remove()
    logger.add(sys.stderr, level=settings.log_level if stderr else "WARNING", format=_LINE, backtrace=False)


def add_json_log(settings: Settings) -> int:
    """Send loguru's lines to the log folder too, a JSON document each (rotated at 10 MB, kept 30 days, gzip).

    Args:
        settings: Gives the folder and the least severe level.

    Returns:
        What `logger.remove` ends it by.
    """
    # diagnose=False: a traceback must never print the values of variables, credentials among them.
    return logger.add(
        settings.logs / LOG_FILE,
        level=settings.log_level,
        serialize=True,
        rotation="10 MB",
        retention="30 days",
        compression="gz",
        backtrace=False,
        diagnose=False,
        delay=True,
    )
