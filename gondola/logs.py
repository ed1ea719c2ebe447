"""Logs: readable lines on standard error, JSON lines with rotation in the log folder."""

from __future__ import annotations

import sys
from pathlib import Path

from loguru import logger

from gondola.settings import Settings

__all__ = ["LOG_FILE", "configure_logs"]

LOG_FILE = "gondola.jsonl"
_LINE = "<green>{time:HH:mm:ss}</green> <level>{level: <7}</level> {message}"


def configure_logs(settings: Settings, *, stderr: bool = True) -> Path:
    """Send loguru's lines to the log folder and, unless a live display owns the terminal, to standard error.

    Args:
        settings: Gives the folder and the least severe level.
        stderr: Whether lines also go to standard error; warnings always do.

    Returns:
        The file that receives one JSON document per line (rotated at 10 MB, kept 30 days, gzip).
    """
    logger.remove()
    logger.add(sys.stderr, level=settings.log_level if stderr else "WARNING", format=_LINE, backtrace=False)
    path = settings.logs / LOG_FILE
    # diagnose=False: a traceback must never print the values of variables, credentials among them.
    logger.add(
        path,
        level=settings.log_level,
        serialize=True,
        rotation="10 MB",
        retention="30 days",
        compression="gz",
        backtrace=False,
        diagnose=False,
        delay=True,
    )
    return path
